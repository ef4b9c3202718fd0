/* A group in passes. Each pass runs what is left of it into one transaction; a set in which a zone cannot go
 * is left out of the next pass, and so is a job that spoils the transaction. The last pass, in which nothing
 * went wrong, is the commit. Publisher's thread. */
#include "publish/group.h"

#include "base/log.h"
#include "publish/publish.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define PASSES_MAX 8
#define LOOKS_MAX 64                 /* zones read side by side */
#define LOOKS_MAX_BYTES (8ull << 20) /* no further one is begun when this much text was read */

struct member {
        struct publish_job *job;
        struct edit *edit; /* while zones are read side by side */
        bool is_answered;  /* its verdict stands: it is in no further pass */
};

struct group {
        struct publish_batch *batch;
        struct member *members;
        size_t count;
        uint32_t *failed_sets;
        size_t failed_count;
        void (*beat)(void *context);
        void *beat_context;
};

struct side_by_side {
        struct group *group;
        size_t first;
        _Atomic uint64_t bytes; /* of the files read */
};

static bool is_set_failed(const struct group *group, uint32_t set)
{
        for (size_t i = 0; set != 0 && i < group->failed_count; i++)
                if (group->failed_sets[i] == set)
                        return true;
        return false;
}

static void fail_set(struct group *group, uint32_t set)
{
        if (!is_set_failed(group, set))
                group->failed_sets[group->failed_count++] = set; /* there is room for each job's */
}

/* What keeps a commit from being published as it is. A removal waits for its approval and keeps nobody. */
static bool is_trouble(const struct publish_job *job)
{
        switch (job->verdict.kind) {
        case VERDICT_UNCHANGED:
        case VERDICT_PUBLISHED:
        case VERDICT_REMOVED:
                return false;
        case VERDICT_HELD:
                return !job->is_gone;
        case VERDICT_BROKEN:
        case VERDICT_FROZEN:
        case VERDICT_MISSING:
        case VERDICT_FAILED:
                return true;
        }
        return true;
}

static void prepare(void *context, unsigned index)
{
        struct side_by_side *looks = context;
        struct member *member = &looks->group->members[looks->first + index];

        if (member->is_answered || member->job->kind != JOB_LOOK ||
                atomic_load(&looks->bytes) > LOOKS_MAX_BYTES)
                return;
        member->edit = publish_prepare(looks->group->batch, member->job);
        if (member->edit)
                atomic_fetch_add(&looks->bytes, publish_prepared_bytes(member->edit));
}

/* 0, or the errno that spoilt the transaction. */
static int run_member(struct group *group, struct member *member)
{
        struct publish_job *job = member->job;
        int r = member->edit ? publish_finish(member->edit) : publish_run(group->batch, job);

        member->edit = NULL;
        group->beat(group->beat_context);
        if (r < 0)
                return r;
        if (job->set != 0 && is_trouble(job)) {
                fail_set(group, job->set);
                member->is_answered = true;
        } else if (r == PUBLISH_ANSWERED)
                member->is_answered = true;
        return 0;
}

static void drop_edits(struct group *group, size_t from, size_t end)
{
        for (size_t i = from; i < end; i++)
                if (group->members[i].edit) {
                        publish_drop(group->members[i].edit);
                        group->members[i].edit = NULL;
                }
}

/* Runs what is left. *ret_spoiler: the member that spoilt it, where the result is negative. */
static int run_pass(struct group *group, size_t *ret_spoiler)
{
        for (size_t first = 0; first < group->count; first += LOOKS_MAX) {
                size_t count = group->count - first < LOOKS_MAX ? group->count - first : LOOKS_MAX;
                struct side_by_side looks = {.group = group, .first = first};

                crew_run(group->batch->crew, prepare, &looks, (unsigned)count);
                for (size_t i = first; i < first + count; i++) {
                        if (group->members[i].is_answered)
                                continue;
                        int r = run_member(group, &group->members[i]);
                        if (r < 0) {
                                drop_edits(group, i, first + count);
                                *ret_spoiler = i;
                                return r;
                        }
                }
        }
        return 0;
}

/* The transaction is thrown away: what was in it has no answer yet. */
static void begin_anew(struct group *group)
{
        publish_batch_abort(group->batch);
        for (size_t i = 0; i < group->count; i++)
                if (!group->members[i].is_answered)
                        publish_job_reset(group->members[i].job);
}

static const struct publish_job *first_trouble(const struct group *group, uint32_t set)
{
        for (size_t i = 0; i < group->count; i++)
                if (group->members[i].job->set == set && is_trouble(group->members[i].job) &&
                        group->members[i].is_answered && !group->members[i].job->is_held_back)
                        return group->members[i].job;
        return NULL;
}

/* Members of sets that cannot go wait with them; those that have nothing to publish keep their answer. */
static void hold_back(struct group *group)
{
        for (size_t i = 0; i < group->count; i++) {
                struct member *member = &group->members[i];
                if (member->is_answered || !is_set_failed(group, member->job->set))
                        continue;
                const struct publish_job *other = first_trouble(group, member->job->set);
                uint32_t before = member->job->verdict.serial_before;
                bool has_row = before != 0;
                publish_job_reset(member->job);
                member->job->has_row = has_row;
                member->job->is_held_back = true;
                member->job->verdict.serial_before = member->job->verdict.serial = before;
                verdict_set(&member->job->verdict, VERDICT_HELD,
                        "waits for %s, which is %s: what belongs together is published as a whole or not at "
                        "all",
                        other ? other->name_text : "another zone",
                        other ? verdict_kind_name(other->verdict.kind) : "not published");
                member->is_answered = true;
        }
}

static void answer_failed(struct member *member, int r)
{
        publish_job_failed(member->job, "the store", r);
        member->is_answered = true;
}

/* The way out where passes do not come to an end: each zone by itself, but for sets, which stay. */
static int run_each(struct group *group)
{
        for (size_t i = 0; i < group->count; i++) {
                struct member *member = &group->members[i];
                if (member->is_answered)
                        continue;
                if (member->job->set != 0) {
                        answer_failed(member, -EAGAIN);
                        continue;
                }
                publish_job_reset(member->job);
                int r = run_member(group, member);
                if (r == -ENOTRECOVERABLE)
                        return r;
                if (r < 0) {
                        publish_batch_abort(group->batch);
                        answer_failed(member, r);
                } else if (!member->is_answered) {
                        publish_batch_answer_after(group->batch, member->job);
                        member->job = NULL; /* the batch gives it back */
                        publish_batch_commit(group->batch);
                        member->is_answered = true;
                }
        }
        return 0;
}

static void commit(struct group *group)
{
        for (size_t i = 0; i < group->count; i++) {
                struct member *member = &group->members[i];
                if (member->is_answered)
                        continue;
                publish_batch_answer_after(group->batch, member->job);
                member->job = NULL;
        }
        publish_batch_commit(group->batch);
}

/* The job that spoilt a pass: another way to the same end, or none for it and its set. */
static void handle_spoiler(struct group *group, struct member *member, int r)
{
        if (publish_job_takes_another_way(member->job, r))
                return;
        answer_failed(member, r);
        if (member->job->set != 0)
                fail_set(group, member->job->set);
}

static int run(struct group *group)
{
        for (int pass = 0; pass < PASSES_MAX; pass++) {
                size_t failed = group->failed_count, spoiler = 0;
                int r = run_pass(group, &spoiler);
                if (r == -ENOTRECOVERABLE)
                        return r;
                if (r == 0 && group->failed_count == failed) {
                        commit(group);
                        return 0;
                }
                if (r < 0)
                        handle_spoiler(group, &group->members[spoiler], r);
                hold_back(group);
                begin_anew(group);
        }
        return run_each(group);
}

int publish_group_run(
        struct publish_batch *batch, struct publish_job *jobs, void (*beat)(void *context), void *context)
{
        struct group group = {.batch = batch, .beat = beat, .beat_context = context};
        size_t count = 0;

        for (struct publish_job *job = jobs; job; job = (struct publish_job *)job->item.next)
                count++;
        group.members = calloc(count + 1, sizeof(*group.members));
        group.failed_sets = calloc(count + 1, sizeof(*group.failed_sets));
        for (struct publish_job *job = jobs, *next; job; job = next) {
                next = (struct publish_job *)job->item.next;
                job->item.next = NULL;
                if (group.members && group.failed_sets)
                        group.members[group.count++].job = job;
                else {
                        publish_job_failed(job, "memory", -ENOMEM);
                        queue_put(batch->results, &job->item);
                }
        }
        publish_batch_commit(batch);
        int r = run(&group);
        for (size_t i = 0; r == 0 && i < group.count; i++)
                if (group.members[i].job)
                        queue_put(batch->results, &group.members[i].job->item);
        free(group.members);
        free(group.failed_sets);
        return r;
}
