/* serial-set on the main loop: once a second each zone on its way is looked at; where everybody holds the
 * last step, the publisher takes the next one.
 *
 * Who holds what: a NOTIFY target that took the serial from us holds it; the servers that can be asked say it
 * themselves. What neither tells, and is not assumed, is waited for. */
#include "publish/registry_state.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/log_ids.h"
#include "publish/inquiry.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TICK_USEC USEC_PER_SEC
#define ASK_MAX_USEC (15 * USEC_PER_SEC) /* between two questions of one zone */
#define TOLD_AFTER_USEC (60 * USEC_PER_SEC)
#define HOLDERS_MAX (2 * INQUIRY_SERVERS_MAX)

struct serial_way {
        struct registry *registry;
        struct registry_entry *entry;
        struct serial_set set;
        struct inquiry_round *round;
        uint64_t ask_at_usec, wait_usec; /* monotonic */
        uint64_t since_usec;             /* the last step; monotonic */
        bool is_stepping, is_told;
        char waiting_for[400];
};

static int on_tick(sd_event_source *source, uint64_t usec, void *context);

static int tick_later(struct registry *registry)
{
        uint64_t at = clock_monotonic_usec() + TICK_USEC;
        int r;

        if (!registry->ways_timer)
                return sd_event_add_time(registry->options.event, &registry->ways_timer, CLOCK_MONOTONIC, at,
                        100000, on_tick, registry);
        r = sd_event_source_set_time(registry->ways_timer, at);
        return r < 0 ? r : sd_event_source_set_enabled(registry->ways_timer, SD_EVENT_ONESHOT);
}

/* ---- who holds it ---- */

struct holders {
        const struct serial_set *set;
        uint32_t serial; /* that is wanted */
        struct serial_holder list[HOLDERS_MAX];
        size_t count;
        char *missing; /* names of those who do not have it */
        size_t missing_size;
};

/* By its block, its server's name, or the address with its port or without. */
static bool assumes(const struct serial_set *set, const char *name, const char *block)
{
        char bare[INQUIRY_NAME_MAX];

        snprintf(bare, sizeof(bare), "%.*s", (int)strcspn(name, "#"), name);
        return serial_set_assumes(set, name) || serial_set_assumes(set, bare) ||
               (block && serial_set_assumes(set, block));
}

static void add_holder(
        struct holders *holders, const char *name, const char *block, bool is_known, uint32_t serial)
{
        size_t used = strlen(holders->missing);

        if (holders->count == HOLDERS_MAX)
                return;
        bool is_assumed = assumes(holders->set, name, block);
        holders->list[holders->count++] =
                (struct serial_holder){.serial = serial, .is_known = is_known, .is_assumed = is_assumed};
        if (!is_assumed && (!is_known || serial != holders->serial))
                snprintf(holders->missing + used, holders->missing_size - used, "%s%s%s%s%s",
                        used ? ", " : "", block ? block : "", block ? " (" : "", name, block ? ")" : "");
}

static bool has_taken(const struct fleet_target *target, uint32_t serial)
{
        return target->row.transferred_serial == serial;
}

/* The answer for a server of that address; NULL: it was not asked. */
static const struct inquiry_answer *answer_of(
        const struct inquiry_answer *answers, size_t count, const struct address *address)
{
        for (size_t i = 0; i < count; i++)
                if (!answers[i].server.host && address_and_port_equal(&answers[i].server.address, address))
                        return &answers[i];
        return NULL;
}

static const struct fleet_target *target_at(const struct fleet_zone *zone, const struct address *address)
{
        for (size_t i = 0; zone && i < zone->target_count; i++)
                if (address_and_port_equal(&zone->targets[i]->target.address, address))
                        return zone->targets[i];
        return NULL;
}

static const char *server_name(const struct inquiry_server *server, char text[static ADDRESS_TEXT_MAX])
{
        return server->host ? server->host : address_format(&server->address, text);
}

static void gather(struct holders *holders, const struct fleet_zone *zone,
        const struct inquiry_answer *answers, size_t count)
{
        char text[ADDRESS_TEXT_MAX];

        for (size_t i = 0; i < count; i++) {
                const struct inquiry_answer *answer = &answers[i];
                const struct fleet_target *target =
                        answer->server.host ? NULL : target_at(zone, &answer->server.address);
                bool took = target && has_taken(target, holders->serial);
                bool says = answer->told.kind == LOST_SERIAL;
                add_holder(holders, server_name(&answer->server, text), answer->server.secondary,
                        says || took, says ? answer->told.serial : holders->serial);
        }
        for (size_t i = 0; zone && i < zone->target_count; i++) {
                const struct fleet_target *target = zone->targets[i];
                if (answer_of(answers, count, &target->target.address))
                        continue;
                add_holder(holders, address_format(&target->target.address, text),
                        target->target.secondary ? target->target.secondary->name : NULL,
                        has_taken(target, holders->serial), holders->serial);
        }
}

/* ---- steps ---- */

static void take_step(struct serial_way *way)
{
        struct registry *registry = way->registry;
        struct publish_job *job = registry_job_new(registry, way->entry, JOB_SERIAL_STEP, NULL, NULL);

        if (!job)
                return; /* in a second once more */
        job->set_taken = (unsigned)way->set.taken;
        way->is_stepping = true;
        publisher_post(registry->publisher, job);
}

static void tell_waiting(struct serial_way *way)
{
        if (way->is_told || clock_monotonic_usec() < way->since_usec + TOLD_AFTER_USEC)
                return;
        way->is_told = true;
        log_write(LOG_WARNING,
                &(struct log_fields){.zone = way->entry->name_text,
                        .serial = serial_set_current(&way->set),
                        .message_id = MESSAGE_SERIAL_SET},
                "%s: serial-set waits for %s to hold serial %u; where one of them cannot be asked: zonecrier "
                "serial-set %s --assume NAME",
                way->entry->name_text, way->waiting_for, serial_set_current(&way->set),
                way->entry->name_text);
}

static void on_asked(void *context, const struct inquiry_answer *answers, size_t count)
{
        struct serial_way *way = context;
        struct registry_entry *entry = way->entry;
        struct holders holders = {.set = &way->set,
                .serial = serial_set_current(&way->set),
                .missing = way->waiting_for,
                .missing_size = sizeof(way->waiting_for)};
        struct fleet_zone *zone = way->registry->options.fleet ? fleet_zone_get(way->registry->options.fleet,
                                                                         entry->zone.name, NULL)
                                                               : NULL;

        way->round = NULL;
        way->waiting_for[0] = '\0';
        gather(&holders, zone, answers, count);
        entry->zone.waiting_for = way->waiting_for;
        switch (serial_set_next(&way->set, entry->zone.verdict.serial, holders.list, holders.count)) {
        case SERIAL_SET_STEP:
                take_step(way);
                break;
        case SERIAL_SET_WAIT:
        case SERIAL_SET_LOST: /* the next job brings what is the case now */
                tell_waiting(way);
                break;
        }
}

static void look_at(struct registry *registry, struct serial_way *way, uint64_t now)
{
        if (way->round || way->is_stepping || now < way->ask_at_usec)
                return;
        way->ask_at_usec = now + way->wait_usec;
        way->wait_usec = way->wait_usec * 2 > ASK_MAX_USEC ? ASK_MAX_USEC : way->wait_usec * 2;
        inquiry_start(registry->inquiry, registry->conf, way->entry->zone.name, on_asked, way, &way->round);
}

static int on_tick(sd_event_source *source, uint64_t usec, void *context)
{
        struct registry *registry = context;
        struct registry_entry *entry;
        size_t position = 0;
        uint64_t now = clock_monotonic_usec();
        (void)source, (void)usec;

        while ((entry = table_next(&registry->ways, &position)))
                look_at(registry, entry->way, now);
        if (registry->ways.count > 0)
                tick_later(registry);
        return 0;
}

/* ---- what jobs bring back ---- */

static void way_begin(struct registry *registry, struct registry_entry *entry)
{
        struct serial_way *way = calloc(1, sizeof(*way));

        if (!way)
                return;
        way->registry = registry;
        way->entry = entry;
        if (table_put(&registry->ways, entry->zone.name, name_length(entry->zone.name), entry, NULL) < 0) {
                free(way);
                return;
        }
        entry->way = way;
        entry->zone.serial_set = &way->set;
        tick_later(registry);
}

static void way_moved(struct serial_way *way, const struct serial_set *set)
{
        way->set = *set;
        way->is_stepping = way->is_told = false;
        way->since_usec = clock_monotonic_usec();
        way->ask_at_usec = way->since_usec;
        way->wait_usec = TICK_USEC;
        way->waiting_for[0] = '\0';
        way->entry->zone.waiting_for = NULL;
}

static void tell(const struct registry_entry *entry, const struct publish_job *job)
{
        log_write(LOG_NOTICE,
                &(struct log_fields){.zone = entry->name_text,
                        .serial = job->verdict.serial,
                        .message_id = MESSAGE_SERIAL_SET},
                "%s: %s", entry->name_text, job->verdict.summary ? job->verdict.summary : "serial-set");
}

void registry_steps_apply(struct registry *registry, struct registry_entry *entry, struct publish_job *job)
{
        bool is_ours =
                job->kind == JOB_SERIAL_SET || job->kind == JOB_SERIAL_STEP || job->kind == JOB_SERIAL_ABORT;

        if (job->verdict.kind == VERDICT_FAILED) {
                if (job->kind == JOB_SERIAL_STEP && entry->way)
                        entry->way->is_stepping = false;
                return; /* it did not get as far as the row */
        }
        if (is_ours)
                tell(entry, job);
        if (is_ours && job->verdict.serial != 0)
                entry->zone.verdict.serial = job->verdict.serial;
        if (!job->serial_set) {
                bool had = entry->way != NULL;
                registry_steps_forget(registry, entry);
                if (had) /* edits that waited, and the file's digits */
                        registry_look(registry, entry, true, NULL, NULL);
                return;
        }
        if (!entry->way)
                way_begin(registry, entry);
        if (!entry->way)
                return;
        struct serial_way *way = entry->way;
        if (way->set.begun_usec != job->serial_set->begun_usec || way->set.taken != job->serial_set->taken ||
                strcmp(way->set.assumed, job->serial_set->assumed) != 0)
                way_moved(way, job->serial_set);
        if (job->kind == JOB_SERIAL_STEP)
                way->is_stepping = false;
}

void registry_steps_forget(struct registry *registry, struct registry_entry *entry)
{
        struct serial_way *way = entry->way;

        if (!way)
                return;
        inquiry_cancel(way->round);
        table_remove(&registry->ways, entry->zone.name, name_length(entry->zone.name));
        entry->way = NULL;
        entry->zone.serial_set = NULL;
        entry->zone.waiting_for = NULL;
        free(way);
}

void registry_steps_stop(struct registry *registry)
{
        table_free(&registry->ways);
        sd_event_source_unref(registry->ways_timer);
}

/* ---- commands ---- */

static bool is_holder(const struct registry *registry, const struct conf_policy *policy,
        const uint8_t *zone_name, const struct serial_set *called)
{
        struct inquiry_server servers[INQUIRY_SERVERS_MAX];
        char text[ADDRESS_TEXT_MAX];
        size_t count = inquiry_servers(policy, servers);
        const struct fleet_zone *zone =
                registry->options.fleet ? fleet_zone_get(registry->options.fleet, zone_name, NULL) : NULL;

        for (size_t i = 0; i < policy->secondary_count; i++)
                if (serial_set_assumes(called, policy->secondaries[i]->name))
                        return true;
        for (size_t i = 0; i < count; i++)
                if (assumes(called, server_name(&servers[i], text), servers[i].secondary))
                        return true;
        for (size_t i = 0; zone && i < zone->target_count; i++)
                if (assumes(called, address_format(&zone->targets[i]->target.address, text), NULL))
                        return true;
        return false;
}

bool registry_serial_knows(struct registry *registry, const uint8_t *name, const char *assumed,
        char ret_unknown[static NAME_TEXT_MAX])
{
        const struct conf_policy *policy = conf_policy_for(registry->conf, name);

        for (const char *line = assumed; *line; line += strcspn(line, "\n"), line += *line == '\n') {
                struct serial_set called = {0};
                snprintf(ret_unknown, NAME_TEXT_MAX, "%.*s", (int)strcspn(line, "\n"), line);
                if (!serial_set_assume(&called, ret_unknown) || !is_holder(registry, policy, name, &called))
                        return false;
        }
        return true;
}

int registry_serial_set(struct registry *registry, const uint8_t *name, uint32_t serial, bool longest,
        const char *assumed, registry_done done, void *context)
{
        struct registry_entry *entry = registry_entry_find(registry, name);
        struct publish_job *job =
                entry ? registry_job_new(registry, entry, JOB_SERIAL_SET, done, context) : NULL;

        if (!job)
                return entry ? -ENOMEM : -ENOENT;
        job->set_assumed = strdup(assumed);
        if (!job->set_assumed) {
                publish_job_free(job);
                return -ENOMEM;
        }
        job->set_target = serial;
        job->set_longest = longest;
        publisher_post(registry->publisher, job);
        return 0;
}

int registry_serial_abort(struct registry *registry, const uint8_t *name, registry_done done, void *context)
{
        struct registry_entry *entry = registry_entry_find(registry, name);
        struct publish_job *job =
                entry ? registry_job_new(registry, entry, JOB_SERIAL_ABORT, done, context) : NULL;

        if (!job)
                return entry ? -ENOMEM : -ENOENT;
        publisher_post(registry->publisher, job);
        return 0;
}

struct asked {
        struct registry *registry;
        registry_asked told;
        void *context;
        uint8_t name[NAME_MAX_LENGTH];
};

static void on_serials(void *context, const struct inquiry_answer *answers, size_t count)
{
        struct asked *asked = context;
        struct registry_entry *entry = registry_entry_find(asked->registry, asked->name);

        asked->told(asked->context, entry ? &entry->zone : NULL, answers, count);
        free(asked);
}

int registry_serials_ask(struct registry *registry, const uint8_t *name, registry_asked told, void *context)
{
        struct asked *asked;

        if (!registry_entry_find(registry, name))
                return -ENOENT;
        asked = calloc(1, sizeof(*asked));
        if (!asked)
                return -ENOMEM;
        asked->registry = registry;
        asked->told = told;
        asked->context = context;
        memcpy(asked->name, name, name_length(name));
        int r = inquiry_start(registry->inquiry, registry->conf, name, on_serials, asked, NULL);
        if (r < 0)
                free(asked);
        return r;
}
