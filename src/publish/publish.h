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

/* The same for a look (JOB_LOOK), in two halves. The first only reads, on any thread: many zones at a time,
 * as long as nothing is written to the store and none of them is in the open batch. NULL: no memory. The
 * second is the publisher's, returns what publish_run would, and frees the edit. */
struct edit *publish_prepare(struct publish_batch *batch, struct publish_job *job);
uint64_t publish_prepared_bytes(const struct edit *edit); /* of the zone's file */
int publish_finish(struct edit *edit);
void publish_drop(struct edit *edit); /* instead of publish_finish */
