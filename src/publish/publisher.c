/* The publisher's thread: the only writer of the store.
 *
 * All jobs that wait are one batch, as far as its limits allow: ten thousand edited zones cost a few commits, one edited zone costs one. A zone that is in the open
 * batch already is committed before it is looked at again, so every look sees what is published. */
#include "publish/publisher.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/log_ids.h"
#include "publish/batch.h"
#include "publish/publish.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HEARTBEAT_MSEC 1000

struct publisher {
        pthread_t thread;
        struct queue *jobs;
        struct publish_batch batch;
        _Atomic uint64_t heartbeat_usec;
        _Atomic bool stopping;
};

static void publisher_beat(struct publisher *publisher)
{
        atomic_store_explicit(&publisher->heartbeat_usec, clock_monotonic_usec(), memory_order_relaxed);
}

/* LMDB could not write its root and refuses even to read. A crash at any step is harmless (batch.c), and the next life opens the store anew. */
static void end_for_good(void)
{
        log_write(LOG_CRIT, &(struct log_fields){.message_id = MESSAGE_STORE_DAMAGED},
                "the store's root could not be written and nothing can be served from it any more: zonecrierd ends, to be started again; look after the disk");
        _exit(EXIT_FAILURE);
}

static void answer_at_once(struct publisher *publisher, struct publish_job *job)
{
        queue_put(publisher->batch.results, &job->item);
}

/* An outcome of publish_run: the job's answer is complete, now or after the commit. */
static void publisher_run_job(struct publisher *publisher, struct publish_job *job)
{
        struct publish_batch *batch = &publisher->batch;

        if (job->kind != JOB_STATE && publish_batch_has(batch, job->name))
                publish_batch_commit(batch);
        int r = publish_run(batch, job);
        if (r == -EUCLEAN && !job->is_damaged) {
                publish_batch_abort(batch, r); /* what waits in it is tried again */
                job->is_damaged = true;
                r = publish_run(batch, job);
        }
        if (r == PUBLISH_IN_BATCH) {
                int waits = publish_batch_wait(batch, job);
                if (waits < 0)
                        r = waits;
        }
        if (r == -ENOTRECOVERABLE)
                end_for_good();
        if (r < 0) {
                /* The open transaction is spoilt; what waits in it is tried again, and so is this job. */
                bool was_alone = batch->waiting_count == 0;
                publish_batch_abort(batch, r);
                job->retry_soon = true;
                verdict_set(&job->verdict, VERDICT_FAILED, "%s%s; what was served stays, it is tried again", strerror(-r), was_alone ? "" : " (in a batch with others)");
                answer_at_once(publisher, job);
                return;
        }
        switch ((enum publish_outcome)r) {
        case PUBLISH_ANSWERED:
                answer_at_once(publisher, job);
                break;
        case PUBLISH_IN_BATCH:
                break;
        }
        if (publish_batch_is_full(batch))
                publish_batch_commit(batch);
}

static void *publisher_main(void *argument)
{
        struct publisher *publisher = argument;

        for (;;) {
                publisher_beat(publisher);
                /* Asked before the jobs are taken: what was posted before the stop is seen, small state is still written. */
                bool stops = atomic_load(&publisher->stopping);
                struct queue_item *item = queue_take_all(publisher->jobs);
                if (!item && stops)
                        break;
                if (!item) {
                        publish_batch_commit(&publisher->batch);
                        struct pollfd poll_fd = {.fd = queue_fd(publisher->jobs), .events = POLLIN};
                        poll(&poll_fd, 1, HEARTBEAT_MSEC);
                        continue;
                }
                while (item) {
                        struct publish_job *job = (struct publish_job *)item;
                        item = item->next;
                        if (atomic_load(&publisher->stopping) && job->kind != JOB_STATE)
                                publish_job_free(job);
                        else
                                publisher_run_job(publisher, job);
                        publisher_beat(publisher);
                }
        }
        publish_batch_commit(&publisher->batch);
        return NULL;
}

int publisher_new(struct store *store, struct serial_file *serial_file, struct queue *results, struct publisher **ret_publisher)
{
        struct publisher *publisher = calloc(1, sizeof(*publisher));
        sigset_t all, before;

        if (!publisher)
                return -ENOMEM;
        publisher->batch = (struct publish_batch){.store = store, .serial_file = serial_file, .results = results};
        publisher_beat(publisher);
        int r = queue_new(&publisher->jobs);
        if (r == 0) {
                sigfillset(&all); /* signals are the main loop's */
                pthread_sigmask(SIG_SETMASK, &all, &before);
                r = -pthread_create(&publisher->thread, NULL, publisher_main, publisher);
                pthread_sigmask(SIG_SETMASK, &before, NULL);
        }
        if (r < 0) {
                queue_free(publisher->jobs);
                free(publisher);
                return r;
        }
        *ret_publisher = publisher;
        return 0;
}

void publisher_post(struct publisher *publisher, struct publish_job *job)
{
        queue_put(publisher->jobs, &job->item);
}

bool publisher_is_alive(const struct publisher *publisher, uint64_t max_age_usec)
{
        uint64_t beat = atomic_load_explicit(&publisher->heartbeat_usec, memory_order_relaxed);
        return clock_monotonic_usec() < beat + max_age_usec;
}

struct publisher *publisher_free(struct publisher *publisher)
{
        if (!publisher)
                return NULL;
        atomic_store(&publisher->stopping, true);
        struct publish_job *wake = publish_job_new(JOB_STATE, NULL); /* without it the thread looks within a second */
        if (wake)
                publisher_post(publisher, wake);
        pthread_join(publisher->thread, NULL);
        queue_free(publisher->jobs);
        free(publisher->batch.serials);
        free(publisher);
        return NULL;
}
