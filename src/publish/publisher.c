/* The publisher's thread: the only writer of the store.
 *
 * The files of zones that wait together are read side by side, by a crew; what is written is written here.
 * All jobs that wait are one batch, as far as its limits allow: ten thousand edited zones cost a few commits,
 * one edited zone costs one. A zone that is in the open batch already is committed before it is looked at
 * again, so every look sees what is published. */
#include "publish/publisher.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/log_ids.h"
#include "base/precedence.h"
#include "publish/batch.h"
#include "publish/group.h"
#include "publish/publish.h"

#include <errno.h>
#include <malloc.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HEARTBEAT_MSEC 1000
#define LINGER_MSEC 2
#define REST_USEC (60 * USEC_PER_SEC) /* what transfers read counts too */
#define BUSY_USEC (10 * USEC_PER_MSEC)
#define LOOKS_MAX 64                 /* zones read side by side */
#define LOOKS_MAX_BYTES (8ull << 20) /* no further one is begun when this much text was read */

struct publisher {
        pthread_t thread;
        struct queue *jobs;
        struct publish_batch batch;
        uint64_t committed_usec; /* the end of the last commit, monotonic */
        bool has_worked;         /* since it rested */
        uint64_t rested_usec;
        _Atomic uint64_t heartbeat_usec;
        _Atomic bool stopping;
};

static void publisher_beat(struct publisher *publisher)
{
        atomic_store_explicit(&publisher->heartbeat_usec, clock_monotonic_usec(), memory_order_relaxed);
}

/* LMDB could not write its root and refuses even to read. A crash at any step is harmless (batch.c), and the
 * next life opens the store anew. */
static void end_for_good(void)
{
        log_write(LOG_CRIT, &(struct log_fields){.message_id = MESSAGE_STORE_DAMAGED},
                "the store's root could not be written and nothing can be served from it any more: "
                "zonecrierd ends, to be started again; look after the disk");
        _exit(EXIT_FAILURE);
}

static void answer_at_once(struct publisher *publisher, struct publish_job *job)
{
        queue_put(publisher->batch.results, &job->item);
}

/* Into the batch, or answered. A negative errno: the batch is spoilt and the job has no answer. */
static int settle_job(struct publisher *publisher, struct publish_job *job, int r)
{
        if (r == PUBLISH_IN_BATCH) {
                int waits = publish_batch_wait(&publisher->batch, job);
                if (waits < 0)
                        r = waits;
        }
        if (r == -ENOTRECOVERABLE)
                end_for_good();
        if (r == PUBLISH_ANSWERED)
                answer_at_once(publisher, job);
        publisher_beat(publisher);
        return r < 0 ? r : 0;
}

static void answer_failed(struct publisher *publisher, struct publish_job *job, int r)
{
        publish_job_failed(job, "the store", r);
        answer_at_once(publisher, job);
}

static int run_job(struct publisher *publisher, struct publish_job *job)
{
        return settle_job(publisher, job, publish_run(&publisher->batch, job));
}

/* Each in a transaction of its own. */
static void run_each(struct publisher *publisher, struct publish_job *jobs)
{
        for (struct publish_job *job = jobs, *next; job; job = next) {
                next = (struct publish_job *)job->item.next;
                publish_job_reset(job);
                int r = run_job(publisher, job);
                if (r == 0) {
                        publish_batch_commit(&publisher->batch);
                        continue;
                }
                publish_batch_abort(&publisher->batch); /* nobody else waits in it */
                answer_failed(publisher, job, r);
        }
}

/* The jobs that shared a transaction with one that spoilt it. They went well before: once more together, and
 * where another spoils that, each by itself. */
static void run_again(struct publisher *publisher, struct publish_job *jobs)
{
        for (struct publish_job *job = jobs, *next; job; job = next) {
                next = (struct publish_job *)job->item.next;
                publish_job_reset(job);
                int r = run_job(publisher, job);
                if (r == 0)
                        continue;
                run_each(publisher, publish_batch_abort(&publisher->batch));
                answer_failed(publisher, job, r);
        }
        publish_batch_commit(&publisher->batch);
}

/* A job that spoilt its batch: the others do not suffer for it (they are published first), and it is run by
 * itself. */
static void run_spoiler(struct publisher *publisher, struct publish_job *job, int r)
{
        struct publish_job *others = publish_batch_abort(&publisher->batch);
        bool goes_on = publish_job_takes_another_way(job, r) || others;

        run_again(publisher, others);
        while (goes_on) {
                publish_job_reset(job);
                r = run_job(publisher, job);
                if (r == 0) {
                        publish_batch_commit(&publisher->batch);
                        return;
                }
                publish_batch_abort(&publisher->batch);
                goes_on = publish_job_takes_another_way(job, r);
        }
        answer_failed(publisher, job, r);
}

/* ---- looks at several zones: read side by side, then written one after the other ---- */

struct look {
        struct publish_job *job;
        struct edit *edit; /* NULL = not begun: there is much in memory already, or no memory */
};

struct looks {
        struct publish_batch *batch;
        struct look items[LOOKS_MAX];
        unsigned count;
        _Atomic uint64_t bytes; /* of the files read */
};

static void prepare_look(void *context, unsigned index)
{
        struct looks *looks = context;
        struct look *look = &looks->items[index];

        if (atomic_load(&looks->bytes) > LOOKS_MAX_BYTES)
                return;
        look->edit = publish_prepare(looks->batch, look->job);
        if (look->edit)
                atomic_fetch_add(&looks->bytes, publish_prepared_bytes(look->edit));
}

static bool looks_have(const struct looks *looks, const uint8_t *name)
{
        for (unsigned i = 0; i < looks->count; i++)
                if (name_equal(looks->items[i].job->name, name))
                        return true;
        return false;
}

/* Takes looks from the front of the list as long as each is at another zone, none of them in the batch. */
static struct publish_job *looks_take(struct looks *looks, struct publish_job *job)
{
        for (; job && looks->count < LOOKS_MAX; job = (struct publish_job *)job->item.next) {
                if (job->kind != JOB_LOOK || publish_batch_has(looks->batch, job->name) ||
                        looks_have(looks, job->name))
                        break;
                looks->items[looks->count++] = (struct look){.job = job};
        }
        return job;
}

static void finish_job(struct publisher *publisher, struct publish_job *job, struct edit *edit)
{
        struct publish_batch *batch = &publisher->batch;

        if (job->kind != JOB_STATE && publish_batch_has(batch, job->name))
                publish_batch_commit(batch);
        int r = edit ? publish_finish(edit) : publish_run(batch, job);
        r = settle_job(publisher, job, r);
        if (r < 0)
                run_spoiler(publisher, job, r);
        if (publish_batch_is_full(batch))
                publish_batch_commit(batch);
}

static void beat(void *context)
{
        publisher_beat(context);
}

static void run_group(struct publisher *publisher, struct publish_job *job)
{
        struct publish_job *members = job->members;

        job->members = NULL;
        if (publish_group_run(&publisher->batch, members, beat, publisher) == -ENOTRECOVERABLE)
                end_for_good();
        answer_at_once(publisher, job);
}

/* Runs the first job of the list, or several at its front. Returns the rest. */
static struct publish_job *run_front(struct publisher *publisher, struct publish_job *job)
{
        struct looks looks = {.batch = &publisher->batch};
        struct publish_job *rest = (struct publish_job *)job->item.next;

        if (job->kind == JOB_GROUP) {
                run_group(publisher, job);
                return rest;
        }
        if (rest)
                rest = looks_take(&looks, job);
        if (looks.count < 2) {
                rest = (struct publish_job *)job->item.next;
                finish_job(publisher, job, NULL);
                store_rest_after(publisher->batch.store, &publisher->batch.touched, 1);
                return rest;
        }
        crew_run(publisher->batch.crew, prepare_look, &looks, looks.count);
        for (unsigned i = 0; i < looks.count; i++)
                finish_job(publisher, looks.items[i].job, looks.items[i].edit);
        store_rest_after(publisher->batch.store, &publisher->batch.touched, looks.count);
        return rest;
}

/* At the end only small state is still written. */
static struct publish_job *drop_front(struct publisher *publisher, struct publish_job *job)
{
        struct publish_job *rest = (struct publish_job *)job->item.next;

        if (job->kind == JOB_STATE)
                finish_job(publisher, job, NULL);
        else
                publish_job_free(job);
        return rest;
}

static bool wait_for_jobs(struct publisher *publisher, int msec)
{
        struct pollfd poll_fd = {.fd = queue_fd(publisher->jobs), .events = POLLIN};
        return poll(&poll_fd, 1, msec) > 0;
}

static void commit(struct publisher *publisher)
{
        if (!publisher->batch.open)
                return;
        publish_batch_commit(&publisher->batch);
        publisher->committed_usec = clock_monotonic_usec();
}

/* Nothing to do for a while: what a large zone took goes back. */
static void rest(struct publisher *publisher)
{
        uint64_t now = clock_monotonic_usec();

        if (!publisher->has_worked && now < publisher->rested_usec + REST_USEC)
                return;
        malloc_trim(0);
        store_rest(publisher->batch.store);
        publisher->batch.touched = 0;
        publisher->has_worked = false;
        publisher->rested_usec = now;
}

/* Files renamed one after the other come one by one: a commit of each would take the disk from who renames
 * them. An edit by itself does not wait. */
static bool more_is_likely(const struct publisher *publisher)
{
        const struct publish_batch *batch = &publisher->batch;
        return batch->open && batch->begun_usec < publisher->committed_usec + BUSY_USEC &&
               clock_monotonic_usec() < batch->begun_usec + BUSY_USEC;
}

static void *publisher_main(void *argument)
{
        struct publisher *publisher = argument;

        thread_step_back();
        for (;;) {
                publisher_beat(publisher);
                /* Asked before the jobs are taken: what was posted before the stop is seen, small state is
                 * still written. */
                bool stops = atomic_load(&publisher->stopping);
                struct queue_item *item = queue_take_all(publisher->jobs);
                if (!item && stops)
                        break;
                if (!item && more_is_likely(publisher) && wait_for_jobs(publisher, LINGER_MSEC))
                        continue;
                if (!item) {
                        commit(publisher);
                        if (!wait_for_jobs(publisher, HEARTBEAT_MSEC))
                                rest(publisher);
                        continue;
                }
                publisher->has_worked = true;
                for (struct publish_job *job = (struct publish_job *)item; job;)
                        job = atomic_load(&publisher->stopping) ? drop_front(publisher, job)
                                                                : run_front(publisher, job);
        }
        publish_batch_commit(&publisher->batch);
        return NULL;
}

int publisher_new(struct store *store, struct serial_file *serial_file, struct queue *results,
        struct publisher **ret_publisher)
{
        struct publisher *publisher = calloc(1, sizeof(*publisher));
        sigset_t all, before;

        if (!publisher)
                return -ENOMEM;
        publisher->batch =
                (struct publish_batch){.store = store, .serial_file = serial_file, .results = results};
        publisher_beat(publisher);
        int r = queue_new(&publisher->jobs);
        if (r == 0)
                r = crew_new(0, &publisher->batch.crew);
        if (r == 0) {
                sigfillset(&all); /* signals are the main loop's */
                pthread_sigmask(SIG_SETMASK, &all, &before);
                r = -pthread_create(&publisher->thread, NULL, publisher_main, publisher);
                pthread_sigmask(SIG_SETMASK, &before, NULL);
        }
        if (r == 0)
                pthread_setname_np(publisher->thread, "publisher");
        if (r < 0) {
                crew_free(publisher->batch.crew);
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
        struct publish_job *wake =
                publish_job_new(JOB_STATE, NULL); /* without it the thread looks within a second */
        if (wake)
                publisher_post(publisher, wake);
        pthread_join(publisher->thread, NULL);
        for (struct queue_item *item = queue_take_all(publisher->jobs), *next; item; item = next) {
                next = item->next; /* it had ended before it was woken */
                publish_job_free((struct publish_job *)item);
        }
        crew_free(publisher->batch.crew);
        queue_free(publisher->jobs);
        free(publisher->batch.serials);
        free(publisher);
        return NULL;
}
