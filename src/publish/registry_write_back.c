/* serial-write-back as the main loop sees it: asked for after a look, told once where it cannot be done. */
#include "publish/registry_state.h"

#include "base/log.h"
#include "base/log_ids.h"
#include "publish/write_back.h"

#include <stdlib.h>
#include <string.h>

static void set_trouble(struct registry_entry *entry, const char *trouble)
{
        free(entry->write_back_trouble);
        entry->write_back_trouble = trouble ? strdup(trouble) : NULL;
        entry->zone.write_back_trouble = entry->write_back_trouble;
}

void registry_write_back(
        struct registry *registry, struct registry_entry *entry, const struct publish_job *look)
{
        struct publish_job *job;

        if (!look->wants_write_back) {
                if (entry->write_back_trouble &&
                        !conf_policy_for(registry->conf, entry->zone.name)->write_back)
                        set_trouble(entry, NULL);
                return;
        }
        if (!registry->write_back && write_back_new(registry->results, &registry->write_back) < 0)
                return;
        job = registry_job_new(registry, entry, JOB_WRITE_BACK, NULL, NULL);
        if (!job)
                return; /* the next look asks again */
        job->file_identity = look->file_identity;
        job->file_serial = look->file_serial;
        job->verdict.serial = entry->zone.verdict.serial;
        write_back_post(registry->write_back, job);
}

void registry_write_back_done(struct registry_entry *entry, const struct publish_job *job)
{
        const struct verdict *verdict = &job->verdict;
        const struct log_fields fields = {.zone = entry->name_text,
                .serial = verdict->serial,
                .file = entry->path,
                .message_id = verdict->kind == VERDICT_FAILED ? MESSAGE_WRITE_BACK : NULL};

        switch (verdict->kind) {
        case VERDICT_PUBLISHED:
                set_trouble(entry, NULL);
                log_write(LOG_INFO, &fields, "%s: %s", entry->name_text, verdict->summary);
                break;
        case VERDICT_FAILED:
                if (!entry->write_back_trouble || strcmp(entry->write_back_trouble, verdict->summary) != 0)
                        log_write(LOG_WARNING, &fields, "%s: %s", entry->name_text, verdict->summary);
                set_trouble(entry, verdict->summary);
                break;
        case VERDICT_UNCHANGED: /* he who edits it closes it, and the look at that asks again */
        case VERDICT_BROKEN:
        case VERDICT_HELD:
        case VERDICT_FROZEN:
        case VERDICT_MISSING:
        case VERDICT_REMOVED:
                break;
        }
}
