/* Life of a publish_job and of its verdict. Either thread, one at a time. */
#include "publish/job.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "publish/rehearsal.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct publish_job *publish_job_new(enum job_kind kind, const uint8_t *name)
{
        struct publish_job *job = calloc(1, sizeof(*job));
        char text[NAME_TEXT_MAX];

        if (!job)
                return NULL;
        job->kind = kind;
        if (name) {
                memcpy(job->name, name, name_length(name));
                job->name_text = strdup(name_to_zone_text(name, text));
                if (!job->name_text)
                        return publish_job_free(job);
        }
        return job;
}

void verdict_clear(struct verdict *verdict)
{
        free(verdict->summary);
        free(verdict->details);
        *verdict = (struct verdict){0};
}

void verdict_set(struct verdict *verdict, enum verdict_kind kind, const char *format, ...)
{
        va_list arguments;
        char *summary = NULL;

        va_start(arguments, format);
        if (vasprintf(&summary, format, arguments) < 0)
                summary = NULL;
        va_end(arguments);
        free(verdict->summary);
        verdict->kind = kind;
        verdict->summary = summary;
        verdict->has_hash = verdict->has_hash && kind == VERDICT_HELD;
        verdict->at_usec = clock_realtime_usec();
}

void publish_job_files_clear(struct publish_job *job)
{
        for (char **file = job->files; file && *file; file++)
                free(*file);
        free(job->files);
        job->files = NULL;
}

void publish_job_aliases_clear(struct publish_job *job)
{
        free(job->alias_names);
        job->alias_names = NULL;
        job->alias_octets = job->alias_count = 0;
        job->has_alias_names = job->is_alias_open = false;
}

void publish_job_reset(struct publish_job *job)
{
        publish_job_files_clear(job);
        publish_job_aliases_clear(job);
        verdict_clear(&job->verdict);
        job->is_published = job->is_frozen = job->is_held_back = job->has_row = job->wants_write_back = false;
        job->asks_secondaries = job->is_unknown = false;
        job->retry = RETRY_NONE;
}

static enum job_retry retry_after(int r)
{
        switch (r) {
        case -ENOSPC:
        case -EDQUOT:
        case -EIO:
        case -ENOMEM:
        case -EAGAIN:
        case -EMFILE:
        case -ENFILE:
                return RETRY_SOON;
        default:
                return RETRY_RARELY;
        }
}

void publish_job_failed(struct publish_job *job, const char *what, int r)
{
        /* What repeats it is a look; a command is the caller's to repeat. */
        bool repeats = job->kind == JOB_LOOK || job->kind == JOB_REMOVE;
        job->is_published = false;
        job->retry = retry_after(r);
        job->verdict.serial = job->verdict.serial_before;
        verdict_set(&job->verdict, VERDICT_FAILED, "%s could not take it: %s; what was served stays, %s",
                what, strerror(-r), repeats ? "it is tried again" : "ask again");
}

bool publish_job_takes_another_way(struct publish_job *job, int r)
{
        bool *way = r == -EUCLEAN ? &job->is_damaged : r == -EINVAL ? &job->reads_whole : NULL;
        if (!way || *way)
                return false;
        return *way = true;
}

char *publish_job_file(const struct publish_job *job, const char *path)
{
        char *file = NULL;
        return asprintf(&file, "%s%s", job->commit ? job->commit->prefix : "", path) < 0 ? NULL : file;
}

struct publish_job *publish_job_free(struct publish_job *job)
{
        if (!job)
                return NULL;
        while (job->members) {
                struct publish_job *member = job->members;
                job->members = (struct publish_job *)member->item.next;
                publish_job_free(member);
        }
        publish_commit_unref(job->commit);
        publish_job_files_clear(job);
        publish_job_aliases_clear(job);
        alias_answers_unref(job->aliases);
        free(job->name_text);
        free(job->path);
        free(job->root);
        free(job->include_root);
        free(job->lost);
        free(job->serial_set);
        free(job->set_assumed);
        free(job->writes);
        if (job->has_text && job->text_fd >= 0)
                close(job->text_fd);
        if (job->rehearsal)
                rehearsal_clear(job->rehearsal);
        free(job->rehearsal);
        conf_unref(job->conf);
        verdict_clear(&job->verdict);
        free(job);
        return NULL;
}

const char *verdict_kind_name(enum verdict_kind kind)
{
        static const char *const names[] = {
                "unchanged", "published", "broken", "held", "frozen", "missing", "removed", "failed"};
        return names[kind];
}

const char *zone_state_name(enum zone_state state)
{
        static const char *const names[] = {
                "loading", "published", "broken", "held", "frozen", "missing", "behind", "failed"};
        return names[state];
}
