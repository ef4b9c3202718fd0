/* Looks at the zones of a commit: which go together, and what becomes of them. Main loop.
 *
 * Sets: all zones of a source with commit-policy all-or-nothing; those beneath an `atomic` folder; those of a
 * template that is `atomic`. A zone of a set is never looked at without the others of it that are not
 * published as the commit has them. */
#include "publish/git_state.h"

#include "base/log.h"

#include <errno.h>
#include <string.h>

#define SET_ALL 1u
#define SET_FIRST_FOLDER 2u
#define SET_FIRST_TEMPLATE 0x10000u
#define GROUP_MAX 10000 /* zones that go by themselves: beyond, some transactions instead of one */

static bool is_beneath(const char *path, const char *folder)
{
        size_t length = strlen(folder);
        return length == 0 || (strncmp(path, folder, length) == 0 && path[length] == '/');
}

uint32_t git_set_of(const struct git_source *source, const struct registry_entry *entry)
{
        const struct conf *conf = source->registry->conf;
        const struct conf_policy *policy = conf_policy_for(conf, entry->zone.name);
        const char *path = entry->path + strlen(source->prefix);

        if (source->conf->all_or_nothing)
                return SET_ALL;
        for (size_t i = 0; i < source->conf->atomic_count; i++)
                if (is_beneath(path, source->conf->atomic[i]))
                        return SET_FIRST_FOLDER + (uint32_t)i;
        for (size_t i = 0; policy->atomic && i < conf->template_count; i++)
                if (strcmp(conf->templates[i].name, policy->atomic) == 0)
                        return SET_FIRST_TEMPLATE + (uint32_t)i;
        return 0;
}

static bool has_sets(const struct git_source *source)
{
        const struct conf *conf = source->registry->conf;
        if (source->conf->all_or_nothing || source->conf->atomic_count > 0)
                return true;
        for (size_t i = 0; i < conf->template_count; i++)
                if (conf->templates[i].policy.atomic)
                        return true;
        return false;
}

/* ---- groups ---- */

struct group {
        struct git_source *source;
        struct publish_job *job;
        struct publish_job *last;
        struct table names; /* of its members */
        size_t count;
};

static int group_begin(struct git_source *source, struct group *group)
{
        *group = (struct group){.source = source, .names = {.fold = true}};
        group->job = publish_job_new(JOB_GROUP, NULL);
        if (!group->job)
                return -ENOMEM;
        group->job->source_number = source->number;
        group->job->commit = publish_commit_ref(source->commit);
        return 0;
}

static int group_add(struct group *group, struct registry_entry *entry, enum job_kind kind,
        const uint8_t *hash, registry_done done, void *context)
{
        struct publish_job *job = registry_job_new(group->source->registry, entry, kind, done, context);
        if (!job)
                return -ENOMEM;
        if (hash) {
                memcpy(entry->approval, hash, sizeof(entry->approval));
                entry->has_approval = true;
        }
        job->set = git_set_of(group->source, entry);
        job->lost = registry_lost_said(entry, kind == JOB_LOOK);
        if (entry->has_approval && (kind == JOB_LOOK || kind == JOB_APPROVE)) {
                job->kind = JOB_APPROVE;
                memcpy(job->hash, entry->approval, sizeof(job->hash));
        }
        int r = table_put(&group->names, job->name, name_length(job->name), job, NULL);
        if (r == 0)
                r = table_put(&group->source->pending, entry->zone.name, name_length(entry->zone.name), entry,
                        NULL);
        if (r < 0) {
                publish_job_free(job);
                return r;
        }
        if (group->last)
                group->last->item.next = &job->item;
        else
                group->job->members = job;
        group->last = job;
        group->count++;
        return 0;
}

/* What is not published yet of the sets that the group touches. */
static int group_add_pending(struct group *group)
{
        struct registry_entry *entry;
        struct publish_job *first = group->job->members, *end = group->last;
        size_t position = 0;
        int r = 0;

        if (!first || !has_sets(group->source))
                return 0;
        while (r == 0 && (entry = table_next(&group->source->pending, &position))) {
                if (entry->conflict ||
                        table_get(&group->names, entry->zone.name, name_length(entry->zone.name)))
                        continue;
                uint32_t set = git_set_of(group->source, entry);
                for (struct publish_job *job = first; set != 0 && job;
                        job = (struct publish_job *)job->item.next) {
                        if (job->set == set) {
                                r = group_add(group, entry, JOB_LOOK, NULL, NULL, NULL);
                                break;
                        }
                        if (job == end)
                                break;
                }
        }
        return r;
}

static void group_post(struct group *group)
{
        table_free(&group->names);
        publisher_post(group->source->registry->publisher, group->job);
}

static int group_drop(struct group *group, int r)
{
        table_free(&group->names);
        publish_job_free(group->job);
        return r;
}

int git_look_at(struct git_source *source, struct registry_entry *const *entries, size_t count)
{
        struct group group;
        bool is_one = count <= GROUP_MAX || has_sets(source);
        int r = group_begin(source, &group);

        for (size_t i = 0; i < count && r == 0; i++) {
                if (entries[i]->conflict)
                        registry_look(source->registry, entries[i], false, NULL, NULL); /* tells it */
                else
                        r = group_add(&group, entries[i], JOB_LOOK, NULL, NULL, NULL);
                if (r == 0 && !is_one && group.count == GROUP_MAX) {
                        group_post(&group);
                        r = group_begin(source, &group);
                }
        }
        if (r == 0)
                r = group_add_pending(&group);
        if (r < 0)
                return group.job ? group_drop(&group, r) : r;
        group_post(&group);
        return 0;
}

int git_look(struct git_source *source, struct registry_entry *entry, enum job_kind kind, const uint8_t *hash,
        registry_done done, void *context)
{
        struct group group;
        int r = group_begin(source, &group);
        if (r < 0)
                return r;
        r = group_add(&group, entry, kind, hash, done, context);
        if (r == 0)
                r = group_add_pending(&group);
        if (r < 0)
                return group_drop(&group, r);
        group_post(&group);
        return 0;
}

/* ---- results ---- */

void git_on_verdict(struct git_source *source, struct registry_entry *entry, const struct publish_job *job)
{
        bool is_done = job->verdict.kind == VERDICT_PUBLISHED || job->verdict.kind == VERDICT_UNCHANGED ||
                       job->verdict.kind == VERDICT_REMOVED;

        if (job->commit != source->commit)
                return; /* of a commit that is not the newest: a look at that is under way */
        if (is_done) {
                table_remove(&source->pending, entry->zone.name, name_length(entry->zone.name));
                entry->has_approval = false;
        } else if (!job->is_held_back && job->verdict.kind == VERDICT_HELD && entry->has_approval)
                entry->has_approval = false; /* it was for another change */
}

void git_on_group(struct registry *registry, const struct publish_job *job)
{
        struct git_source *source = git_source_find(registry->git, job->source_number);
        if (source && job->commit)
                memcpy(source->answered, job->commit->commit.id, sizeof(source->answered));
}
