/* The registry: zones by name and by file, and the commands on them. Main loop; the publisher's thread is
 * asked by jobs. */
#include "publish/git_state.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/log_ids.h"
#include "dns/serial.h"
#include "publish/inquiry.h"
#include "publish/write_back.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define HEAL_USEC (60 * USEC_PER_SEC)

struct registry_entry *registry_entry_find(const struct registry *registry, const uint8_t *name)
{
        return table_get(&registry->by_name, name, name_length(name));
}

static char *parent_folder(const char *path)
{
        const char *slash = strrchr(path, '/');
        if (!slash)
                return strdup(".");
        return slash == path ? strdup("/") : strndup(path, (size_t)(slash - path));
}

/* Where $INCLUDE of this zone may reach: zone-files' include-root, or options' for a zone block; else the
 * root itself. */
static const char *include_root_of(const struct registry *registry, const struct registry_entry *entry)
{
        if (entry->zone.is_configured)
                return registry->conf->options.include_root;
        for (size_t i = 0; i < registry->conf->zone_files_count; i++)
                if (strcmp(registry->conf->zone_files[i].directory, entry->folder) == 0)
                        return registry->conf->zone_files[i].include_root;
        return NULL;
}

/* The last serial that notes in git tell of the zone. */
static uint32_t floor_of(const struct registry_entry *entry)
{
        const struct git_floor *floor =
                entry->git && entry->git->floors
                        ? table_get(entry->git->floors, entry->zone.name, name_length(entry->zone.name))
                        : NULL;
        return floor ? floor->serial : 0;
}

struct publish_job *registry_job_new(struct registry *registry, const struct registry_entry *entry,
        enum job_kind kind, registry_done done, void *context)
{
        struct publish_job *job = publish_job_new(kind, entry->zone.name);

        if (!job)
                return NULL;
        job->is_found = !entry->zone.is_configured;
        job->conf = conf_ref(registry->conf);
        job->aliases = alias_book_answers(registry->aliases, entry->zone.name);
        job->done = done;
        job->done_context = context;
        if (entry->git || !*entry->path) {
                size_t prefix = entry->git ? strlen(entry->git->prefix) : 0;
                job->path = strdup(entry->path + prefix);
                job->commit = entry->git ? publish_commit_ref(entry->git->commit) : NULL;
                job->is_gone = entry->is_gone;
                job->floor = floor_of(entry);
                job->is_unread = !job->commit;
                return job->path ? job : publish_job_free(job);
        }
        job->path = strdup(entry->path);
        job->root = entry->folder ? strdup(entry->folder) : parent_folder(entry->path);
        const char *include_root = include_root_of(registry, entry);
        job->include_root = include_root ? strdup(include_root) : NULL;
        if (!job->path || !job->root || (include_root && !job->include_root))
                return publish_job_free(job);
        return job;
}

void registry_state_set(struct registry *registry, struct registry_entry *entry, enum zone_state state)
{
        registry->figures.zones[entry->zone.state]--;
        registry->figures.zones[state]++;
        entry->zone.state = state;
}

const struct registry_figures *registry_figures(const struct registry *registry)
{
        return &registry->figures;
}

static int post(struct registry *registry, struct registry_entry *entry, enum job_kind kind, bool forced,
        registry_done done, void *context)
{
        struct publish_job *job = registry_job_new(registry, entry, kind, done, context);
        if (!job)
                return -ENOMEM;
        job->is_forced = forced;
        publisher_post(registry->publisher, job);
        return 0;
}

int registry_look(struct registry *registry, struct registry_entry *entry, bool forced, registry_done done,
        void *context)
{
        if (!entry->conflict && entry->git && entry->git->commit)
                return git_look(entry->git, entry, JOB_LOOK, NULL, done, context);
        if (!entry->conflict)
                return post(registry, entry, JOB_LOOK, forced, done, context);
        if (!entry->zone.verdict.summary || strcmp(entry->zone.verdict.summary, entry->conflict) != 0)
                log_write(LOG_ERR,
                        &(struct log_fields){
                                .zone = entry->name_text, .file = entry->path, .message_id = MESSAGE_BROKEN},
                        "%s: %s", entry->name_text, entry->conflict);
        free(entry->zone.verdict.details);
        entry->zone.verdict.details = NULL;
        verdict_set(&entry->zone.verdict, VERDICT_BROKEN, "%s", entry->conflict);
        registry_state_set(registry, entry, ZONE_BROKEN);
        if (!entry->has_been_looked_at) {
                entry->has_been_looked_at = true;
                registry->unsettled -= registry->unsettled > 0;
        }
        if (done)
                done(context, &entry->zone, &entry->zone.verdict);
        return 0;
}

/* Takes the entry out of every table and frees it; the store is not touched. */
void registry_entry_drop(struct registry *registry, struct registry_entry *entry)
{
        registry_lost_forget(entry);
        registry_steps_forget(registry, entry);
        table_remove(&registry->by_name, entry->zone.name, name_length(entry->zone.name));
        registry_path_leave(registry, entry);
        registry_includes_set(registry, entry, NULL);
        alias_book_set(registry->aliases, entry->zone.name, NULL, 0, NULL);
        registry_git_leave(entry);
        if (!entry->has_been_looked_at)
                registry->unsettled -= registry->unsettled > 0;
        registry->sorted_count = 0;
        registry->figures.zones[entry->zone.state]--;
        verdict_clear(&entry->zone.verdict);
        free(entry->name_text);
        free(entry->path);
        free(entry->folder);
        free(entry->conflict);
        free(entry->write_back_trouble);
        free(entry);
}

/* An ALIAS target has other addresses, or it has become clear that it has none. */
static void look_again(void *context, const uint8_t *zone)
{
        struct registry *registry = context;
        struct registry_entry *entry = registry_entry_find(registry, zone);
        if (entry)
                registry_look(registry, entry, true, NULL, NULL);
}

int registry_new(const struct registry_options *options, struct conf *conf, struct registry **ret_registry)
{
        struct registry *registry = calloc(1, sizeof(*registry));
        if (!registry)
                return -ENOMEM;
        registry->options = *options;
        registry->conf = conf_ref(conf);
        registry->by_name.fold = true;
        int r = queue_new(&registry->results);
        if (r == 0)
                r = alias_book_new(options->event, conf, look_again, registry, &registry->aliases);
        if (r == 0)
                r = git_sources_new(registry, &registry->git);
        if (r == 0)
                r = watch_new(options->event, registry_watch_event, registry, &registry->watch);
        if (r == 0)
                r = sd_event_add_io(options->event, &registry->results_source, queue_fd(registry->results),
                        EPOLLIN, registry_on_results, registry);
        if (r >= 0)
                r = sd_event_add_time(options->event, &registry->retry_timer, CLOCK_MONOTONIC, 0, 100000,
                        registry_on_retry, registry);
        if (r >= 0)
                r = sd_event_source_set_enabled(registry->retry_timer, SD_EVENT_OFF);
        if (r >= 0)
                r = inquiry_new(options->event, conf, &registry->inquiry);
        if (r >= 0)
                r = publisher_new(
                        options->store, options->serial_file, registry->results, &registry->publisher);
        if (r < 0) {
                registry_free(registry);
                return r;
        }
        *ret_registry = registry;
        return 0;
}

int registry_start(struct registry *registry)
{
        int r = registry_watch_folders(registry, registry->conf, true);
        if (r == 0)
                r = git_sources_configure(registry->git, registry->conf);
        if (r == 0)
                r = registry_scan(registry);
        registry->is_started = true;
        return r == 0 ? registry_reload_all(registry, NULL, NULL) : r;
}

int registry_reconfigure(struct registry *registry, struct conf *conf)
{
        struct conf *before = registry->conf;
        int r = registry_watch_folders(registry, conf, true);
        if (r < 0)
                return r;
        registry->conf = conf_ref(conf);
        inquiry_reconfigure(registry->inquiry, conf);
        registry_tell_methods(registry, before, conf);
        registry_watch_folders(registry, before, false);
        conf_unref(before);
        r = alias_book_reconfigure(registry->aliases, conf);
        if (r == 0)
                r = git_sources_configure(registry->git, conf);
        return r < 0 ? r : registry_scan(registry);
}

bool registry_is_settled(const struct registry *registry)
{
        return registry->is_started && registry->unsettled == 0 && git_sources_were_tried(registry->git);
}

const struct zone_entry *registry_find(const struct registry *registry, const uint8_t *name)
{
        const struct registry_entry *entry = registry_entry_find(registry, name);
        return entry ? &entry->zone : NULL;
}

static int compare_entries(const void *left, const void *right)
{
        return name_compare((*(struct registry_entry *const *)left)->zone.name,
                (*(struct registry_entry *const *)right)->zone.name);
}

static int sort_entries(struct registry *registry)
{
        size_t position = 0, count = 0;
        struct registry_entry *entry;
        struct registry_entry **sorted =
                reallocarray(registry->sorted, registry->by_name.count + 1, sizeof(*sorted));

        if (!sorted)
                return -ENOMEM;
        while ((entry = table_next(&registry->by_name, &position)))
                sorted[count++] = entry;
        qsort(sorted, count, sizeof(*sorted), compare_entries);
        registry->sorted = sorted;
        registry->sorted_count = count;
        return 0;
}

const struct zone_entry *registry_next(const struct registry *registry, size_t *position)
{
        /* The sorted view is a cache: made anew after a zone came or went. */
        if (registry->sorted_count == 0 && sort_entries((struct registry *)(uintptr_t)registry) < 0)
                return NULL;
        return *position < registry->sorted_count ? &registry->sorted[(*position)++]->zone : NULL;
}

size_t registry_count(const struct registry *registry)
{
        return registry->by_name.count;
}

int registry_reload(struct registry *registry, const uint8_t *name, registry_done done, void *context)
{
        struct registry_entry *entry = registry_entry_find(registry, name);
        if (!entry) {
                /* A file that inotify has not told of yet. */
                int r = registry_scan(registry);
                if (r < 0)
                        return r;
                entry = registry_entry_find(registry, name);
        }
        struct git_source *source = entry ? entry->git : registry->git->first;
        if (source)
                return git_source_reload(source, name, done, context);
        return entry ? registry_look(registry, entry, true, done, context) : -ENOENT;
}

int registry_heal(struct registry *registry, const uint8_t *name)
{
        struct registry_entry *entry = registry_entry_find(registry, name);
        uint64_t now = clock_monotonic_usec();

        if (!entry)
                return -ENOENT;
        if (entry->conflict || (entry->healed_usec && now < entry->healed_usec + HEAL_USEC))
                return 0; /* several secondaries met the same damage */
        struct publish_job *job = registry_job_new(registry, entry, JOB_LOOK, NULL, NULL);
        if (!job)
                return -ENOMEM;
        job->is_damaged = true;
        entry->healed_usec = now;
        publisher_post(registry->publisher, job);
        return 0;
}

struct reload_all {
        size_t left;
        registry_done done;
        void *context;
};

static void reload_all_done(void *context, const struct zone_entry *zone, const struct verdict *verdict)
{
        struct reload_all *all = context;
        if (zone)
                all->done(all->context, zone, verdict);
        if (--all->left == 0) {
                all->done(all->context, NULL, NULL);
                free(all);
        }
}

int registry_reload_all(struct registry *registry, registry_done done, void *context)
{
        struct registry_entry *entry;
        struct reload_all *all;
        size_t position = 0;
        int r;

        if (!done) {
                registry_look_at_closed(registry);
                if (registry->is_started)
                        registry_git_look(registry);
                return 0;
        }
        r = registry_scan(registry);
        if (r < 0)
                return r;
        all = malloc(sizeof(*all));
        if (!all)
                return -ENOMEM;
        *all = (struct reload_all){.left = registry->by_name.count + 1, .done = done, .context = context};
        while ((entry = table_next(&registry->by_name, &position)))
                if ((entry->git ? git_source_reload(entry->git, entry->zone.name, reload_all_done, all)
                                : registry_look(registry, entry, true, reload_all_done, all)) < 0)
                        all->left--;
        reload_all_done(all, NULL, NULL);
        return 0;
}

int registry_freeze(struct registry *registry, const uint8_t *name, registry_done done, void *context)
{
        struct registry_entry *entry = registry_entry_find(registry, name);
        return entry ? post(registry, entry, JOB_FREEZE, false, done, context) : -ENOENT;
}

int registry_thaw(struct registry *registry, const uint8_t *name, registry_done done, void *context)
{
        struct registry_entry *entry = registry_entry_find(registry, name);
        if (!entry)
                return -ENOENT;
        if (!entry->conflict && entry->git && entry->git->commit)
                return git_look(entry->git, entry, JOB_THAW, NULL, done, context);
        return entry->conflict ? registry_look(registry, entry, true, done, context)
                               : post(registry, entry, JOB_THAW, true, done, context);
}

int registry_approve(struct registry *registry, const uint8_t *name, const uint8_t hash[static 32],
        registry_done done, void *context)
{
        struct registry_entry *entry = registry_entry_find(registry, name);
        if (!entry)
                return -ENOENT;
        if (entry->conflict)
                return registry_look(registry, entry, true, done, context);
        if (entry->git && entry->git->commit && !entry->ahead_serial)
                return git_look(entry->git, entry, JOB_APPROVE, hash, done, context);
        struct publish_job *job = registry_job_new(registry, entry, JOB_APPROVE, done, context);
        if (!job)
                return -ENOMEM;
        memcpy(job->hash, hash, sizeof(job->hash));
        job->ahead_serial = entry->ahead_serial;
        job->lost = registry_lost_said(entry, false);
        publisher_post(registry->publisher, job);
        return 0;
}

int registry_rollback(
        struct registry *registry, const uint8_t *name, uint32_t to_serial, registry_done done, void *context)
{
        struct registry_entry *entry = registry_entry_find(registry, name);
        if (!entry)
                return -ENOENT;
        struct publish_job *job = registry_job_new(registry, entry, JOB_ROLLBACK, done, context);
        if (!job)
                return -ENOMEM;
        job->to_serial = to_serial;
        publisher_post(registry->publisher, job);
        return 0;
}

int registry_seen_ahead(
        struct registry *registry, const uint8_t *name, uint32_t serial, bool trusted, const char *peer)
{
        struct registry_entry *entry = registry_entry_find(registry, name);
        if (!entry)
                return -ENOENT;
        if (entry->zone.state == ZONE_BEHIND && entry->ahead_serial == serial)
                return 0; /* at work already, or held and told */
        if (entry->way)
                return 0; /* the way goes around the circle: ahead may be behind */
        if (entry->zone.verdict.serial != 0 && !serial_is_ahead(serial, entry->zone.verdict.serial))
                return 0; /* it was when it asked: ours has passed it since */
        struct publish_job *job = registry_job_new(registry, entry, JOB_AHEAD, NULL, NULL);
        if (!job)
                return -ENOMEM;
        job->ahead_serial = serial;
        job->ahead_is_trusted = trusted;
        entry->ahead_serial = serial;
        registry_state_set(registry, entry, ZONE_BEHIND);
        log_write(LOG_WARNING,
                &(struct log_fields){.zone = entry->name_text,
                        .serial = serial,
                        .secondary = peer,
                        .message_id = MESSAGE_BEHIND},
                "%s: the secondary %s holds serial %u, ahead of ours: our state was lost or is old; the "
                "history is cut and the next serial goes above it",
                entry->name_text, peer, serial);
        publisher_post(registry->publisher, job);
        return 0;
}

int registry_write_state(struct registry *registry, struct fleet_write *writes, size_t count)
{
        struct publish_job *job = publish_job_new(JOB_STATE, NULL);
        if (!job) {
                free(writes);
                return -ENOMEM;
        }
        job->writes = writes;
        job->write_count = count;
        publisher_post(registry->publisher, job);
        return 0;
}

bool registry_is_alive(const struct registry *registry, uint64_t max_age_usec)
{
        return publisher_is_alive(registry->publisher, max_age_usec);
}

void registry_stop(struct registry *registry)
{
        registry->publisher = publisher_free(registry->publisher);
        registry->write_back = write_back_free(registry->write_back);
}

struct registry *registry_free(struct registry *registry)
{
        struct registry_entry *entry;
        size_t position = 0;

        if (!registry)
                return NULL;
        registry_stop(registry);
        while ((entry = table_next(&registry->by_name, &position)))
                registry_entry_drop(registry, entry);
        alias_book_free(registry->aliases);
        table_free(&registry->by_name);
        table_free(&registry->by_path);
        table_free(&registry->users);
        free(registry->sorted);
        sd_event_source_unref(registry->results_source);
        sd_event_source_unref(registry->retry_timer);
        git_sources_free(registry->git);
        watch_free(registry->watch);
        for (struct queue_item *item = registry->results ? queue_take_all(registry->results) : NULL, *next;
                item; item = next) {
                next = item->next;
                publish_job_free((struct publish_job *)item);
        }
        queue_free(registry->results);
        registry_steps_stop(registry);
        sd_event_source_unref(registry->background_turn);
        inquiry_free(registry->inquiry);
        conf_unref(registry->conf);
        free(registry);
        return NULL;
}
