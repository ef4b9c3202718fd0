/* approve --commit: a zone as a commit has it, whatever the guard says of it, even if the branch has moved
 * on. Main loop; which commit it is, the source's worker asks.
 *
 * The branch's own commit is looked at behind it: what it has besides is judged against what was approved. A
 * zone that goes together with others (commit-policy, atomic) is approved by its hash; so is the removal of a
 * zone's file. */
#include "publish/git_state.h"

#include "base/cleanup.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct approve_task {
        struct git_task task; /* first */
        struct git_sources *all;
        uint64_t number;
        struct git *git;
        uint8_t name[NAME_MAX_LENGTH];
        char *revision;
        registry_done done; /* NULL = called */
        void *context;
        int result;
        struct git_commit commit;
};

static void approve_run(struct git_task *item)
{
        struct approve_task *task = (struct approve_task *)item;
        task->result = git_commit_find(task->git, task->revision, &task->commit);
}

static void answer(struct approve_task *task, const struct zone_entry *zone, const struct verdict *verdict)
{
        registry_done done = task->done;
        task->done = NULL;
        if (done && !task->all->is_ending)
                done(task->context, zone, verdict);
}

static void approve_free(struct git_task *item)
{
        struct approve_task *task = (struct approve_task *)item;
        answer(task, NULL, NULL); /* its source is gone */
        git_unref(task->git);
        free(task->revision);
        free(task);
}

bool git_task_is_approve(const struct git_task *task)
{
        return task->run == approve_run;
}

uint64_t git_approve_number(const struct git_task *task)
{
        return ((const struct approve_task *)task)->number;
}

static void answer_refused(struct approve_task *task, const struct registry_entry *entry, const char *format,
        ...) __attribute__((format(printf, 3, 4)));
static void answer_refused(
        struct approve_task *task, const struct registry_entry *entry, const char *format, ...)
{
        char text[512];
        struct verdict verdict = {.serial = entry->zone.verdict.serial};
        va_list arguments;

        va_start(arguments, format);
        vsnprintf(text, sizeof(text), format, arguments);
        va_end(arguments);
        verdict_set(&verdict, VERDICT_FAILED, "%s", text);
        answer(task, &entry->zone, &verdict);
        verdict_clear(&verdict);
}

/* Who asked, and what is to be looked at behind it. */
struct approved {
        struct registry *registry;
        uint8_t name[NAME_MAX_LENGTH];
        registry_done done;
        void *context;
};

static void on_approved(void *context, const struct zone_entry *zone, const struct verdict *verdict)
{
        struct approved *approved = context;
        struct registry_entry *entry = registry_entry_find(approved->registry, approved->name);

        approved->done(approved->context, zone, verdict);
        if (zone && entry)
                registry_look(approved->registry, entry, false, NULL, NULL);
        free(approved);
}

static int post(struct git_source *source, struct registry_entry *entry, struct approve_task *task)
{
        struct approved *approved = calloc(1, sizeof(*approved));
        struct publish_job *job =
                approved ? registry_job_new(source->registry, entry, JOB_APPROVE, on_approved, approved)
                         : NULL;
        struct publish_commit *commit =
                publish_commit_new(task->git, &task->commit, source->conf->repository, source->conf->path);

        if (!job || !commit) {
                free(approved);
                publish_job_free(job);
                publish_commit_unref(commit);
                return -ENOMEM;
        }
        *approved =
                (struct approved){.registry = source->registry, .done = task->done, .context = task->context};
        memcpy(approved->name, entry->zone.name, sizeof(approved->name));
        task->done = NULL;
        publish_commit_unref(job->commit);
        job->commit = commit;
        job->is_gone = job->is_unread = false;
        job->approves_commit = true;
        job->lost = registry_lost_said(entry, false);
        publisher_post(source->registry->publisher, job);
        return 0;
}

void git_on_approve(struct git_source *source, struct git_task *item)
{
        struct approve_task *task = (struct approve_task *)item;
        struct registry_entry *entry = registry_entry_find(source->registry, task->name);

        if (!entry || entry->git != source)
                answer(task, NULL, NULL);
        else if (task->result < 0)
                answer_refused(task, entry, "%s has no commit %s%s%s", source->conf->repository,
                        task->revision, task->result == -ENOENT || task->result == -EINVAL ? "" : ": ",
                        task->result == -ENOENT || task->result == -EINVAL ? "" : strerror(-task->result));
        else if (entry->conflict)
                answer_refused(task, entry, "%s", entry->conflict);
        else if (git_set_of(source, entry) != 0)
                answer_refused(task, entry,
                        "its zones are published together with others: approve them by their hashes");
        else if (post(source, entry, task) < 0)
                answer_refused(task, entry, "%s", strerror(ENOMEM));
}

int registry_approve_commit(struct registry *registry, const uint8_t *name, const char *revision,
        registry_done done, void *context)
{
        struct registry_entry *entry = registry_entry_find(registry, name);

        if (!entry)
                return -ENOENT;
        if (!entry->git || !entry->git->git)
                return -ENOTSUP;
        struct approve_task *task = calloc(1, sizeof(*task));
        if (!task)
                return -ENOMEM;
        *task = (struct approve_task){.task = {.run = approve_run, .free = approve_free},
                .all = registry->git,
                .number = entry->git->number,
                .git = git_ref(entry->git->git),
                .revision = strdup(revision)};
        memcpy(task->name, entry->zone.name, sizeof(task->name));
        if (!task->revision) {
                approve_free(&task->task);
                return -ENOMEM;
        }
        task->done = done;
        task->context = context;
        git_worker_post(entry->git->worker, &task->task);
        return 0;
}
