/* Zones whose last serial is not known: their secondaries are asked before the first publish, or behind it
 * where "serial-on-lost-state file" is set. Main loop; publish/edit_lost.c judges what they say. */
#include "publish/registry_state.h"

#include "base/clock.h"
#include "base/log.h"
#include "publish/inquiry.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Questions behind a publish run beside each other up to this number: ten thousand zones at a start have ten
 * thousand questions, that nobody waits for. */
#define BACKGROUND_MAX 256
#define SLICE_MAX 1000
#define FRESH_USEC (10 * USEC_PER_SEC)

struct lost_wait {
        struct registry *registry;
        struct registry_entry *entry;
        struct inquiry_round *round; /* NULL = none under way */
        struct lost_inquiry *said;   /* the last time */
        uint64_t said_usec;          /* monotonic */
        registry_done done;          /* of the look that waits */
        void *done_context;
        bool is_background, wants_turn;
};

static struct lost_wait *lost_of(struct registry *registry, struct registry_entry *entry)
{
        if (!entry->lost)
                entry->lost = calloc(1, sizeof(*entry->lost));
        if (entry->lost) {
                entry->lost->registry = registry;
                entry->lost->entry = entry;
        }
        return entry->lost;
}

static void take_answers(struct lost_inquiry *said, const struct inquiry_answer *answers, size_t count)
{
        size_t used = 0;

        said->told[0] = '\0';
        for (size_t i = 0; i < count && i < INQUIRY_SERVERS_MAX; i++) {
                char name[INQUIRY_NAME_MAX], serial[16];
                const struct lost_answer *told = &answers[i].told;
                said->answers[said->count++] = *told;
                snprintf(serial, sizeof(serial), "%u", told->serial);
                int length = snprintf(said->told + used, sizeof(said->told) - used, "%s%s: %s",
                        i == 0 ? "" : "; ", inquiry_server_format(&answers[i].server, name),
                        told->kind == LOST_SERIAL ? serial
                        : answers[i].why          ? answers[i].why
                                                  : "?");
                used += length > 0 ? (size_t)length : 0;
                if (used >= sizeof(said->told))
                        used = sizeof(said->told) - 1;
        }
}

/* ---- before the first publish ---- */

static void look_again(struct lost_wait *lost)
{
        struct registry *registry = lost->registry;
        struct registry_entry *entry = lost->entry;
        registry_done done = lost->done;
        lost->done = NULL;
        if (entry->git && !entry->conflict) { /* with the rest of its commit */
                if (registry_look(registry, entry, true, done, lost->done_context) < 0 && done)
                        done(lost->done_context, &entry->zone, &entry->zone.verdict);
                return;
        }
        struct publish_job *job = registry_job_new(registry, entry, JOB_LOOK, done, lost->done_context);
        if (!job) {
                if (done)
                        done(lost->done_context, &entry->zone, &entry->zone.verdict);
                return;
        }
        job->is_forced = true;
        job->lost = registry_lost_said(entry, true);
        publisher_post(registry->publisher, job);
}

static void on_said(void *context, const struct inquiry_answer *answers, size_t count)
{
        struct lost_wait *lost = context;

        lost->round = NULL;
        free(lost->said);
        lost->said_usec = clock_monotonic_usec();
        lost->said = calloc(1, sizeof(*lost->said));
        if (lost->said)
                take_answers(lost->said, answers, count);
        look_again(lost); /* without memory it asks once more */
}

void registry_lost_ask(struct registry *registry, struct registry_entry *entry, struct publish_job *job)
{
        struct lost_wait *lost = lost_of(registry, entry);

        if (job->files)
                registry_includes_set(registry, entry, job->files);
        if (!lost) {
                if (job->done)
                        job->done(job->done_context, &entry->zone, &job->verdict);
                return;
        }
        if (lost->done && job->done) /* another command waits already */
                job->done(job->done_context, &entry->zone, &job->verdict);
        else if (job->done) {
                lost->done = job->done;
                lost->done_context = job->done_context;
        }
        if (lost->round)
                return;
        if (entry->zone.state == ZONE_LOADING)
                log_write(LOG_INFO, &(struct log_fields){.zone = entry->name_text}, "%s: %s",
                        entry->name_text, job->verdict.summary);
        if (inquiry_start(registry->inquiry, registry->conf, entry->zone.name, on_said, lost, &lost->round) <
                0)
                look_again(lost);
}

struct lost_inquiry *registry_lost_said(const struct registry_entry *entry, bool is_fresh)
{
        const struct lost_wait *lost = entry->lost;
        bool is_there =
                lost && lost->said && (!is_fresh || clock_monotonic_usec() < lost->said_usec + FRESH_USEC);
        struct lost_inquiry *copy = is_there ? malloc(sizeof(*copy)) : NULL;

        if (copy)
                *copy = *lost->said;
        return copy;
}

/* ---- behind the first publish ---- */

/* Those that wait for their turn, a slice of them. */
static int on_turn(sd_event_source *source, void *context)
{
        struct registry *registry = context;
        struct registry_entry *entry;
        size_t position = 0, begun = 0;

        sd_event_source_set_enabled(source, SD_EVENT_OFF);
        registry->background_waits = false;
        while ((entry = table_next(&registry->by_name, &position))) {
                if (!entry->lost || !entry->lost->wants_turn)
                        continue;
                if (registry->background_asks >= BACKGROUND_MAX || begun++ >= SLICE_MAX) {
                        registry->background_waits = true;
                        if (registry->background_asks < BACKGROUND_MAX)
                                sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
                        break;
                }
                registry_lost_check(registry, entry);
        }
        return 0;
}

static void next_in_background(struct registry *registry)
{
        if (!registry->background_waits || registry->background_asks > BACKGROUND_MAX / 2)
                return;
        if (!registry->background_turn) {
                if (sd_event_add_defer(
                            registry->options.event, &registry->background_turn, on_turn, registry) < 0)
                        return;
        }
        sd_event_source_set_enabled(registry->background_turn, SD_EVENT_ONESHOT);
}

static void on_said_behind(void *context, const struct inquiry_answer *answers, size_t count)
{
        struct lost_wait *lost = context;
        struct registry *registry = lost->registry;
        struct registry_entry *entry = lost->entry;
        char name[INQUIRY_NAME_MAX];

        lost->round = NULL;
        lost->is_background = false;
        registry->background_asks--;
        for (size_t i = 0; i < count; i++)
                if (answers[i].told.kind == LOST_SERIAL)
                        registry_seen_ahead(registry, entry->zone.name, answers[i].told.serial,
                                answers[i].told.is_signed, inquiry_server_format(&answers[i].server, name));
        registry_lost_forget(entry);
        next_in_background(registry);
}

void registry_lost_check(struct registry *registry, struct registry_entry *entry)
{
        struct lost_wait *lost = lost_of(registry, entry);

        if (!lost || lost->round)
                return;
        lost->wants_turn = registry->background_asks >= BACKGROUND_MAX;
        if (lost->wants_turn) {
                registry->background_waits = true;
                return;
        }
        lost->is_background = true;
        registry->background_asks++;
        if (inquiry_start(registry->inquiry, registry->conf, entry->zone.name, on_said_behind, lost,
                    &lost->round) < 0) {
                registry->background_asks--;
                lost->is_background = false;
                registry_lost_forget(entry);
        }
}

void registry_lost_forget(struct registry_entry *entry)
{
        struct lost_wait *lost = entry->lost;

        if (!lost)
                return;
        entry->lost = NULL;
        if (lost->is_background)
                lost->registry->background_asks--;
        inquiry_cancel(lost->round);
        if (lost->done && lost->registry->publisher) /* else it ends, and nobody waits any more */
                lost->done(lost->done_context, &entry->zone, &entry->zone.verdict);
        free(lost->said);
        free(lost);
}

void registry_lost_settle(struct registry_entry *entry)
{
        if (entry->lost && !entry->lost->is_background && !entry->lost->wants_turn)
                registry_lost_forget(entry);
}
