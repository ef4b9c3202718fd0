/* Looks that are one: the zones of a commit, one batch, one transaction of the store. Publisher's thread.
 * Private to publish/.
 *
 * Jobs of one set (publish_job.set, not 0) go as a whole: where one of them cannot be published, the others
 * of its set stay as they are too, and say so. Results come back one by one, all behind the commit. */
#pragma once

#include "publish/batch.h"

/* jobs: linked by item, looks and approvals, each of another zone. Takes them over. beat is called now and
 * then. 0, or -ENOTRECOVERABLE: the store can be used no more, and no job was answered. */
int publish_group_run(
        struct publish_batch *batch, struct publish_job *jobs, void (*beat)(void *context), void *context);
