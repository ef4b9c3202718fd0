/* One look at one zone, from its file to the open batch: the table of contents of zonecrier. Private to
 * publish/; publisher's thread. */
#pragma once

#include "publish/batch.h"

enum publish_outcome {
        PUBLISH_ANSWERED = 0, /* the verdict is complete */
        PUBLISH_IN_BATCH,     /* it is complete once the batch is committed */
};

/* Returns enum publish_outcome, or a negative errno after which the batch is only good for
 * publish_batch_abort. */
int publish_run(struct publish_batch *batch, struct publish_job *job);
