/* The publisher's batch. Publisher thread.
 *
 * Order of a commit, which makes a crash harmless: (1) the serial file, synced: from here on these serials
 * are used up, published or not; (2) the store, synced: the commit is the serving (I1); (3) the answers, from
 * which the main loop sends NOTIFY. */
#include "publish/batch.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/log_ids.h"
#include "source/worktree.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define BATCH_MAX_JOBS 4096
#define BATCH_MAX_DIRTY_BYTES (16u << 20)
#define BATCH_MAX_USEC (250 * USEC_PER_MSEC)

int publish_batch_open(struct publish_batch *batch, struct store_batch **ret_open)
{
        if (!batch->open) {
                int r = store_batch_begin(batch->store, &batch->open);
                if (r < 0)
                        return r;
                batch->begun_usec = clock_monotonic_usec();
        }
        *ret_open = batch->open;
        return 0;
}

int publish_batch_serial(
        struct publish_batch *batch, const struct publish_job *job, uint32_t serial, bool is_tombstone)
{
        if (batch->serial_count == batch->serial_capacity) {
                size_t capacity = batch->serial_capacity ? batch->serial_capacity * 2 : 64;
                struct serial_entry *serials = reallocarray(batch->serials, capacity, sizeof(*serials));
                if (!serials)
                        return -ENOMEM;
                batch->serials = serials;
                batch->serial_capacity = capacity;
        }
        batch->serials[batch->serial_count++] =
                (struct serial_entry){.name = job->name, .serial = serial, .is_tombstone = is_tombstone};
        return 0;
}

void publish_batch_answer_after(struct publish_batch *batch, struct publish_job *job)
{
        job->item.next = batch->waiting ? &batch->waiting->item : NULL;
        batch->waiting = job;
        batch->waiting_count++;
}

int publish_batch_wait(struct publish_batch *batch, struct publish_job *job)
{
        int r = table_put(&batch->waiting_by_name, job->name, name_length(job->name), job, NULL);
        if (r < 0)
                return r;
        publish_batch_answer_after(batch, job);
        return 0;
}

bool publish_batch_worktree(struct publish_batch *batch, const char *root, char ret_id[static GIT_ID_MAX + 1])
{
        if (strlen(root) >= sizeof(batch->worktree_root))
                return false;
        if (strcmp(batch->worktree_root, root) != 0) {
                memcpy(batch->worktree_root, root, strlen(root) + 1);
                if (!worktree_commit(root, batch->worktree_commit))
                        batch->worktree_commit[0] = '\0';
        }
        memcpy(ret_id, batch->worktree_commit, sizeof(batch->worktree_commit));
        return ret_id[0] != '\0';
}

bool publish_batch_has(const struct publish_batch *batch, const uint8_t *name)
{
        return batch->waiting_count > 0 &&
               table_get(&batch->waiting_by_name, name, name_length(name)) != NULL;
}

bool publish_batch_is_full(const struct publish_batch *batch)
{
        return batch->open && (batch->waiting_count >= BATCH_MAX_JOBS ||
                                      store_batch_dirty_bytes(batch->open) >= BATCH_MAX_DIRTY_BYTES ||
                                      clock_monotonic_usec() - batch->begun_usec >= BATCH_MAX_USEC);
}

/* Oldest first, so that the main loop hears of publishes in their order. */
static struct publish_job *take_waiting(struct publish_batch *batch)
{
        struct publish_job *oldest = NULL;
        for (struct publish_job *job = batch->waiting, *next; job; job = next) {
                next = (struct publish_job *)job->item.next;
                job->item.next = oldest ? &oldest->item : NULL;
                oldest = job;
        }
        table_free(&batch->waiting_by_name);
        batch->waiting = NULL;
        batch->waiting_count = 0;
        batch->serial_count = 0;
        batch->worktree_root[0] = '\0';
        return oldest;
}

struct publish_job *publish_batch_abort(struct publish_batch *batch)
{
        batch->open = store_batch_abort(batch->open);
        return take_waiting(batch);
}

/* Tries are told once, not each of them; and their end. */
static void tell_commit(struct publish_batch *batch, const char *what, int r)
{
        if (r < 0 && r != batch->failure)
                log_write(LOG_ERR, &(struct log_fields){.message_id = MESSAGE_STORE_FULL},
                        "%s cannot be written: %s; what was served stays, it is tried again", what,
                        strerror(-r));
        else if (r == 0 && batch->failure < 0)
                log_write(LOG_NOTICE, NULL, "%s can be written again", what);
        batch->failure = r;
}

int publish_batch_commit(struct publish_batch *batch)
{
        const char *what = "the serial file";

        if (!batch->open)
                return 0;
        int r = serial_file_append(batch->serial_file, batch->serials, batch->serial_count);
        if (r < 0)
                store_batch_abort(batch->open);
        else {
                what = "the store";
                r = store_batch_commit(batch->open);
        }
        batch->open = NULL;
        tell_commit(batch, what, r);
        for (struct publish_job *job = take_waiting(batch), *next; job; job = next) {
                next = (struct publish_job *)job->item.next;
                if (r < 0)
                        publish_job_failed(job, what, r);
                queue_put(batch->results, &job->item);
        }
        return r;
}
