/* A plan: a look that is thrown away, of the zone's own text or of one that the caller has. Main loop. */
#include "publish/registry_state.h"

#include "base/cleanup.h"
#include "publish/rehearsal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* A text of a zone that is not here yet: policy by its name. */
static struct publish_job *job_of_unknown(const struct registry *registry, const uint8_t *name)
{
        struct publish_job *job = publish_job_new(JOB_PLAN, name);

        if (!job)
                return NULL;
        job->conf = conf_ref(registry->conf);
        job->path = strdup(job->name_text);
        return job->path ? job : publish_job_free(job);
}

int registry_plan(struct registry *registry, const uint8_t *name, int text_fd, size_t changes_max,
        registry_planned done, void *context)
{
        CLEANUP_CLOSE int fd = text_fd;
        struct registry_entry *entry = registry_entry_find(registry, name);

        if (!entry && fd < 0)
                return -ENOENT;
        if (entry && entry->conflict && fd < 0) {
                done(context, entry->zone.name_text, NULL, entry->conflict);
                return 0;
        }
        struct publish_job *job = entry ? registry_job_new(registry, entry, JOB_PLAN, NULL, context)
                                        : job_of_unknown(registry, name);
        if (!job)
                return -ENOMEM;
        job->done_context = context;
        job->planned = done;
        job->has_text = fd >= 0;
        job->text_fd = fd >= 0 ? TAKE_FD(fd) : -1;
        job->rehearsal = calloc(1, sizeof(*job->rehearsal));
        if (!job->rehearsal) {
                publish_job_free(job);
                return -ENOMEM;
        }
        job->rehearsal->changes_max = changes_max;
        publisher_post(registry->publisher, job);
        return 0;
}

void registry_apply_plan(struct publish_job *job)
{
        bool has_failed = job->verdict.kind == VERDICT_FAILED;

        job->planned(job->done_context, job->name_text, has_failed ? NULL : job->rehearsal,
                has_failed ? job->verdict.summary : NULL);
}
