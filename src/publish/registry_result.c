/* What became of a look: the zone's state, one log line where something is new, retries. Main loop. */
#include "publish/git_state.h"

#include "base/buffer.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/log_ids.h"
#include "base/random.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define LOGGED_OCTETS 8192 /* of diagnostics */
#define HALF_READS_MAX 8
#define RETRY_FIRST_USEC USEC_PER_SEC
#define RETRY_SOON_MAX_USEC (10 * USEC_PER_SEC)
#define RETRY_RARELY_MAX_USEC (600 * USEC_PER_SEC)

static enum zone_state state_after(const struct publish_job *job)
{
        switch (job->verdict.kind) {
        case VERDICT_PUBLISHED:
                return ZONE_PUBLISHED;
        case VERDICT_UNCHANGED:
                return job->is_frozen ? ZONE_FROZEN : ZONE_PUBLISHED;
        case VERDICT_FROZEN:
                return ZONE_FROZEN;
        case VERDICT_BROKEN:
                return ZONE_BROKEN;
        case VERDICT_HELD:
                return job->kind == JOB_AHEAD ? ZONE_BEHIND : ZONE_HELD;
        case VERDICT_MISSING:
        case VERDICT_REMOVED:
                return ZONE_MISSING;
        case VERDICT_FAILED:
                return ZONE_FAILED;
        }
        return ZONE_FAILED;
}

/* The first of them: a picture in place of a zone has thousands of errors. */
static void log_details(int priority, const struct log_fields *fields, const char *details)
{
        const char *end = strlen(details) > LOGGED_OCTETS ? memrchr(details, '\n', LOGGED_OCTETS) : NULL;
        if (end)
                log_write(priority, fields, "%.*s\n... `zonecrier check %s` tells all", (int)(end - details),
                        details, fields->file);
        else
                log_write(priority, fields, "%s", details);
}

static bool is_trouble(enum zone_state state)
{
        return state == ZONE_BROKEN || state == ZONE_HELD || state == ZONE_MISSING || state == ZONE_BEHIND ||
               state == ZONE_FAILED;
}

static void log_verdict(const struct registry_entry *entry, const struct verdict *verdict)
{
        static const struct {
                int priority;
                const char *message_id;
        } kinds[] = {
                [VERDICT_UNCHANGED] = {LOG_DEBUG, NULL},
                [VERDICT_PUBLISHED] = {LOG_NOTICE, MESSAGE_PUBLISHED},
                [VERDICT_BROKEN] = {LOG_ERR, MESSAGE_BROKEN},
                [VERDICT_HELD] = {LOG_WARNING, MESSAGE_HELD},
                [VERDICT_FROZEN] = {LOG_NOTICE, NULL},
                [VERDICT_MISSING] = {LOG_WARNING, MESSAGE_MISSING},
                [VERDICT_REMOVED] = {LOG_NOTICE, MESSAGE_REMOVED},
                [VERDICT_FAILED] = {LOG_ERR, MESSAGE_STORE_FULL},
        };
        const struct log_fields fields = {.zone = entry->name_text,
                .serial = verdict->serial,
                .file = entry->path,
                .commit = entry->zone.commit,
                .message_id = verdict->kind == VERDICT_HELD && entry->lost ? MESSAGE_SERIAL_LOST
                                                                           : kinds[verdict->kind].message_id};
        char hash[65] = "";
        /* The end of what was told is told too. */
        bool is_relief = verdict->kind == VERDICT_UNCHANGED && is_trouble(entry->zone.state);

        if (verdict->kind == VERDICT_HELD && verdict->has_hash)
                for (size_t i = 0; i < 32; i++)
                        snprintf(hash + 2 * i, 3, "%02x", verdict->hash[i]);
        log_write(is_relief ? LOG_NOTICE : kinds[verdict->kind].priority, &fields, "%s: %s%s%s%s%s%s%s",
                entry->name_text, verdict_kind_name(verdict->kind),
                !verdict->summary                    ? ""
                : verdict->kind == VERDICT_PUBLISHED ? " "
                                                     : ": ",
                verdict->summary ? verdict->summary : "", *hash ? "; to release it: zonecrier approve " : "",
                *hash ? entry->name_text : "", *hash ? " " : "", hash);
        if (verdict->details && *verdict->details)
                log_details(verdict->kind == VERDICT_BROKEN ? LOG_ERR : LOG_INFO, &fields, verdict->details);
}

static bool is_news(const struct verdict *before, const struct verdict *now)
{
        if (now->kind == VERDICT_PUBLISHED || before->kind != now->kind)
                return true;
        return !before->summary || !now->summary || strcmp(before->summary, now->summary) != 0;
}

/* The timer fires at that time, or before. */
static void retry_timer_by(struct registry *registry, uint64_t at_usec)
{
        uint64_t armed_usec = 0;
        int enabled = SD_EVENT_OFF;

        sd_event_source_get_enabled(registry->retry_timer, &enabled);
        sd_event_source_get_time(registry->retry_timer, &armed_usec);
        if (enabled == SD_EVENT_OFF || armed_usec > at_usec)
                sd_event_source_set_time(registry->retry_timer, at_usec);
        sd_event_source_set_enabled(registry->retry_timer, SD_EVENT_ONESHOT);
}

/* Spread, so that zones that failed in one batch come in others: one that finds no room does not keep out the
 * small ones beside it for ever. */
static void retry_later(struct registry *registry, struct registry_entry *entry, enum job_retry retry)
{
        uint64_t max_usec = retry == RETRY_SOON ? RETRY_SOON_MAX_USEC : RETRY_RARELY_MAX_USEC;

        entry->retry_wait_usec = entry->retry_wait_usec == 0 ? RETRY_FIRST_USEC : entry->retry_wait_usec * 2;
        if (entry->retry_wait_usec > max_usec)
                entry->retry_wait_usec = max_usec;
        entry->retry_at_usec = clock_monotonic_usec() + entry->retry_wait_usec +
                               random_below((uint32_t)(entry->retry_wait_usec / 2));
        retry_timer_by(registry, entry->retry_at_usec);
}

int registry_on_retry(sd_event_source *source, uint64_t usec, void *context)
{
        struct registry *registry = context;
        struct registry_entry *entry;
        uint64_t now = clock_monotonic_usec(), next = UINT64_MAX;
        size_t position = 0;

        (void)source, (void)usec;
        if (registry->removal_at_usec && registry->removal_at_usec <= now) {
                registry->removal_at_usec = 0;
                registry_scan_store(registry);
        } else if (registry->removal_at_usec)
                next = registry->removal_at_usec;
        while ((entry = table_next(&registry->by_name, &position))) {
                if (entry->retry_at_usec == 0)
                        continue;
                if (entry->retry_at_usec <= now) {
                        entry->retry_at_usec = 0;
                        registry_look(registry, entry, true, NULL, NULL);
                } else if (entry->retry_at_usec < next)
                        next = entry->retry_at_usec;
        }
        if (next != UINT64_MAX)
                retry_timer_by(registry, next);
        return 0;
}

/* The row as committed, for NOTIFY: after a publish, and once for each zone after the start (what is pending
 * follows from its rows). */
static void tell_published(struct registry *registry, const struct registry_entry *entry)
{
        struct store_read *read;
        struct store_zone row;

        if (!registry->options.published || store_read_begin(registry->options.store, &read) < 0)
                return;
        if (store_zone_find(read, entry->zone.name, &row) == 0)
                registry->options.published(registry->options.context, &row);
        store_read_end(read);
}

/* A secondary seen ahead says nothing about the text: the verdict of the last look stays, unless the serial
 * is held. */
static void apply_ahead(struct registry *registry, struct registry_entry *entry, struct publish_job *job)
{
        struct verdict before = entry->zone.verdict;

        log_verdict(entry, &job->verdict);
        if (job->verdict.kind == VERDICT_HELD) {
                verdict_clear(&before);
                entry->zone.verdict = job->verdict;
                job->verdict = (struct verdict){0};
                registry_state_set(registry, entry, ZONE_BEHIND);
                return;
        }
        struct publish_job as_before = {
                .kind = JOB_LOOK, .verdict = before, .is_frozen = entry->zone.is_frozen};
        entry->zone.verdict.serial = job->verdict.serial;
        registry_state_set(registry, entry, state_after(&as_before));
        entry->ahead_serial = 0;
        bool writes_back = conf_policy_for(registry->conf, entry->zone.name)->write_back;
        if (job->is_published && (before.has_hash || writes_back)) /* of a change of the version before */
                registry_look(registry, entry, true, NULL, NULL);
}

/* Under a writer without pause a look may meet the file cut short for the next write. */
static bool is_half_read(
        struct registry *registry, struct registry_entry *entry, const struct publish_job *job)
{
        bool is_suspect = !entry->git &&
                          (job->verdict.kind == VERDICT_BROKEN || job->verdict.kind == VERDICT_HELD) &&
                          entry->has_been_looked_at && !job->done;

        if (is_suspect && entry->half_read_count < HALF_READS_MAX &&
                watch_was_read_half(registry->watch, entry->path)) {
                entry->half_read_count++;
                return true;
        }
        entry->half_read_count = 0;
        return false;
}

static void tell_news(const struct registry *registry, const struct registry_entry *entry)
{
        const struct verdict *verdict = &entry->zone.verdict;
        if (registry->options.news && (verdict->kind == VERDICT_PUBLISHED || verdict->kind == VERDICT_HELD))
                registry->options.news(registry->options.context, &entry->zone, verdict);
}

/* The zone's ALIAS targets are asked for from now on. True where the look waits for addresses alone, and
 * these may still come; else the verdict says why there are none. */
static bool waits_for_aliases(
        struct registry *registry, const struct registry_entry *entry, struct publish_job *job)
{
        struct buffer why = {0};

        if (job->has_alias_names && alias_book_set(registry->aliases, entry->zone.name, job->alias_names,
                                            job->alias_count, job->aliases) < 0)
                job->retry = RETRY_SOON;
        if (!job->is_alias_open)
                return false;
        bool waits = alias_book_waits(registry->aliases, entry->zone.name, &why);
        if (why.length > 0)
                verdict_set(&job->verdict, VERDICT_BROKEN, "%s", buffer_text(&why));
        buffer_free(&why);
        return waits;
}

static void set_commit(struct registry_entry *entry, const struct publish_job *job)
{
        entry->zone.commit = NULL;
        if (!job->commit)
                return;
        memcpy(entry->commit, job->commit->commit.id, sizeof(entry->commit));
        entry->zone.commit = entry->commit;
}

static void apply_look(struct registry *registry, struct registry_entry *entry, struct publish_job *job)
{
        if (waits_for_aliases(registry, entry, job) || is_half_read(registry, entry, job))
                return;
        set_commit(entry, job);
        if (entry->git)
                git_on_verdict(entry->git, entry, job);
        if (entry->git && job->is_published)
                git_notes_published(entry->git, entry, job);
        bool is_told = is_news(&entry->zone.verdict, &job->verdict);
        if (is_told)
                log_verdict(entry, &job->verdict);
        registry_state_set(registry, entry, state_after(job));
        registry->figures.verdicts[job->verdict.kind]++;
        entry->zone.is_frozen = job->is_frozen;
        if ((job->verdict.kind == VERDICT_FAILED || job->is_held_back) && job->verdict.serial == 0)
                job->verdict.serial = entry->zone.verdict.serial; /* it did not get as far as the row */
        verdict_clear(&entry->zone.verdict);
        entry->zone.verdict = job->verdict;
        job->verdict = (struct verdict){0};
        if (is_told)
                tell_news(registry, entry);
        if (job->is_published)
                entry->ahead_serial = 0;
        if (job->files && registry_includes_set(registry, entry, job->files) && !entry->git)
                registry_look(registry, entry, false, NULL, NULL); /* it was read before it was watched */
        registry_write_back(registry, entry, job);
        if (job->retry != RETRY_NONE)
                retry_later(registry, entry, job->retry);
        else
                entry->retry_wait_usec = entry->retry_at_usec = 0;
}

static void apply_remove(
        struct registry *registry, struct registry_entry *entry, const struct publish_job *job)
{
        bool is_removed = job->verdict.kind == VERDICT_REMOVED;

        if (is_removed || registry->removal_at_usec == 0)
                log_write(is_removed ? LOG_NOTICE : LOG_ERR,
                        &(struct log_fields){
                                .zone = job->name_text, .message_id = is_removed ? MESSAGE_REMOVED : NULL},
                        "%s: %s: %s", job->name_text, is_removed ? "removed" : "not removed",
                        job->verdict.summary ? job->verdict.summary : "");
        if (is_removed && registry->options.removed)
                registry->options.removed(registry->options.context, job->name);
        if (!is_removed && registry->removal_at_usec == 0) {
                registry->removal_at_usec = clock_monotonic_usec() + RETRY_SOON_MAX_USEC;
                retry_timer_by(registry, registry->removal_at_usec);
        }
        if (entry) /* it came back in the meantime */
                registry_look(registry, entry, true, NULL, NULL);
}

static bool should_forget(const struct registry_entry *entry, bool has_row)
{
        return entry->zone.state == ZONE_MISSING && !has_row && !entry->zone.is_configured;
}

/* A zone that was forgotten while its file came back: it was looked at in between. */
static struct registry_entry *entry_of_returned(struct registry *registry, const uint8_t *name)
{
        return registry_scan(registry) == 0 ? registry_entry_find(registry, name) : NULL;
}

static bool is_of_serial(const struct publish_job *job)
{
        return job->kind == JOB_SERIAL_SET || job->kind == JOB_SERIAL_STEP || job->kind == JOB_SERIAL_ABORT;
}

static void answer(
        const struct publish_job *job, const struct registry_entry *entry, const struct verdict *verdict)
{
        if (job->done)
                job->done(job->done_context, entry ? &entry->zone : NULL, verdict);
}

/* A verdict about the zone's text is there: what follows from it, and who is told. */
static void apply_text(struct registry *registry, struct registry_entry *entry, struct publish_job *job)
{
        bool is_published = job->is_published, has_row = job->has_row;
        bool is_removed = job->verdict.kind == VERDICT_REMOVED; /* its file's removal was approved */

        if (has_row)
                registry_lost_settle(entry);
        if (job->kind == JOB_AHEAD)
                apply_ahead(registry, entry, job);
        else
                apply_look(registry, entry, job);
        bool is_first = !entry->has_been_looked_at;
        entry->has_been_looked_at = true;
        if (is_first)
                registry->unsettled -= registry->unsettled > 0;
        if (is_removed && registry->options.removed)
                registry->options.removed(registry->options.context, job->name);
        if (is_published || (is_first && has_row))
                tell_published(registry, entry);
        if (is_published && job->is_unknown)
                registry_lost_check(registry, entry);
        answer(job, entry, &entry->zone.verdict);
        if (should_forget(entry, has_row))
                registry_entry_drop(registry, entry);
}

static void apply_zone(struct registry *registry, struct registry_entry *entry, struct publish_job *job)
{
        bool says_nothing = (job->kind == JOB_FREEZE || job->kind == JOB_ROLLBACK) &&
                            job->verdict.kind == VERDICT_FAILED; /* about the text */

        if (entry && says_nothing) {
                answer(job, entry, &job->verdict);
                return;
        }
        if (!entry && job->kind == JOB_LOOK && job->has_row)
                entry = entry_of_returned(registry, job->name);
        if (!entry) {
                answer(job, NULL, NULL);
                return;
        }
        registry_steps_apply(registry, entry, job);
        if (job->asks_secondaries) {
                registry_lost_ask(registry, entry, job);
        } else if (is_of_serial(job)) {
                if (job->is_published)
                        tell_published(registry, entry);
                answer(job, entry, &job->verdict);
        } else {
                apply_text(registry, entry, job);
        }
}

static void apply(struct registry *registry, struct publish_job *job)
{
        if (job->kind == JOB_GROUP) {
                git_on_group(registry, job);
                return;
        }
        if (job->kind == JOB_PLAN) {
                registry_apply_plan(job);
                return;
        }
        struct registry_entry *entry =
                job->kind == JOB_STATE ? NULL : registry_entry_find(registry, job->name);
        if (job->kind == JOB_REMOVE)
                apply_remove(registry, entry, job);
        else if (job->kind != JOB_WRITE_BACK)
                apply_zone(registry, entry, job);
        else if (entry)
                registry_write_back_done(entry, job);
}

void registry_answer_unread(struct registry *registry, struct registry_entry *entry, const char *why)
{
        if (entry->has_been_looked_at)
                return;
        entry->has_been_looked_at = true;
        registry->unsettled -= registry->unsettled > 0;
        verdict_set(&entry->zone.verdict, VERDICT_FAILED, "its source cannot be read: %s", why ? why : "");
        registry_state_set(registry, entry, ZONE_FAILED);
        tell_published(registry, entry);
}

int registry_on_results(sd_event_source *source, int fd, uint32_t events, void *context)
{
        struct registry *registry = context;
        unsigned touched = 0;
        (void)source, (void)fd, (void)events;

        log_hold();
        for (struct queue_item *item = queue_take_all(registry->results), *next; item; item = next) {
                struct publish_job *job = (struct publish_job *)item;
                next = item->next;
                apply(registry, job);
                publish_job_free(job);
                store_rest_after(registry->options.store, &touched, 1);
        }
        log_release();
        return 0;
}
