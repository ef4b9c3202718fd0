/* Questions to the name servers of a push. Main loop; names are looked up on a thread of their own. */
#include "push/seen.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "dns/message.h"
#include "dns/serial.h"
#include "dns/type.h"
#include "probe/lookup.h"
#include "probe/prober.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <systemd/sd-event.h>

#define WAIT_FIRST_USEC USEC_PER_SEC
#define WAIT_MAX_USEC (60 * USEC_PER_SEC)
#define SERVERS_MAX 32
#define DNS_PORT 53
#define NAME_FRESH_USEC (900 * USEC_PER_SEC)

/* A name that was looked up. */
struct known_name {
        char *name;       /* without final dot */
        uint64_t at_usec; /* monotonic; 0 = the answer is not there yet */
        size_t count;
        struct address addresses[LOOKUP_ADDRESSES_MAX];
};

struct seen {
        struct push *push;
        struct lookups *lookups;
        sd_event_source *source;
        struct table names;
};

/* One round of questions: of a target, for what was pushed last. */
struct sighting {
        struct seen *seen;
        struct push_target *target;
        uint32_t serial;
        bool by_serial;
        uint8_t owner[NAME_MAX_LENGTH];
        uint16_t type;
        uint64_t wait_usec;
        sd_event_source *timer;
        size_t count;
        struct sighting_server {
                struct sighting *sighting;
                struct address address;
                struct probe *probe;
                bool shows;
        } servers[SERVERS_MAX];
};

DEFINE_CLEANUP(struct store_read *, store_read_end);
DEFINE_CLEANUP(struct store_records *, store_records_close);

/* ---- names ---- */

static struct known_name *name_get(struct seen *seen, const char *text)
{
        uint64_t now = clock_monotonic_usec();
        struct known_name *name = table_get(&seen->names, text, strlen(text));
        if (!name) {
                name = calloc(1, sizeof(*name));
                if (!name || !(name->name = strdup(text)) ||
                        table_put(&seen->names, name->name, strlen(text), name, NULL) < 0) {
                        if (name)
                                free(name->name);
                        free(name);
                        return NULL;
                }
        } else if (name->at_usec == 0 || now - name->at_usec < NAME_FRESH_USEC) {
                return name;
        }
        char dotted[NAME_TEXT_MAX + 1];
        snprintf(dotted, sizeof(dotted), "%s.", text);
        name->at_usec = 0;
        if (lookups_ask(seen->lookups, dotted) < 0)
                name->at_usec = now; /* with the next round */
        return name;
}

static int on_lookups(sd_event_source *source, int fd, uint32_t events, void *context)
{
        struct seen *seen = context;
        struct lookup *list = lookups_take(seen->lookups);
        (void)source, (void)fd, (void)events;
        for (struct lookup *lookup = list; lookup; lookup = (struct lookup *)lookup->item.next) {
                size_t length = strlen(lookup->name);
                length -= length > 0 && lookup->name[length - 1] == '.';
                struct known_name *name = table_get(&seen->names, lookup->name, length);
                if (!name)
                        continue;
                name->at_usec = clock_monotonic_usec();
                if (lookup->error == 0) { /* else what was known stays */
                        name->count = lookup->count;
                        memcpy(name->addresses, lookup->addresses, sizeof(name->addresses));
                }
        }
        lookup_list_free(list);
        return 0;
}

/* ---- what is looked for ---- */

static bool shows_serial(const struct sighting *sighting, const struct probe_answer *answer)
{
        return answer->has_serial &&
               (answer->serial == sighting->serial || serial_is_ahead(answer->serial, sighting->serial));
}

static size_t count_type(const struct record_list *list, uint16_t type)
{
        size_t count = 0;
        for (size_t i = 0; i < list->count; i++)
                count += list->items[i].type == type;
        return count;
}

/* The RRset there is the one that is published. */
static bool shows_rrset(const struct sighting *sighting, const struct probe_answer *answer)
{
        CLEANUP(store_read_end_later) struct store_read *read = NULL;
        CLEANUP(store_records_close_later) struct store_records *records = NULL;
        CLEANUP(arena_free) struct arena arena = {0};
        CLEANUP(record_list_free) struct record_list list = {0};
        struct store_zone zone;
        if (store_read_begin(sighting->seen->push->options.store, &read) < 0 ||
                store_zone_find(read, sighting->target->zone->name, &zone) < 0 ||
                store_records_open(read, zone.id, &records) < 0 ||
                store_records_of_owner(records, sighting->owner, &arena, &list) < 0 ||
                count_type(&list, sighting->type) != answer->record_count)
                return false;
        for (size_t i = 0; i < list.count; i++) {
                bool is_there = list.items[i].type != sighting->type;
                for (size_t n = 0; n < answer->record_count && !is_there; n++)
                        is_there = record_is_same(&list.items[i], &answer->records[n]);
                if (!is_there)
                        return false;
        }
        return true;
}

static void note(struct push_target *target)
{
        struct sighting *sighting = target->sighting;
        struct push_status before = target->status;
        target->status.servers_asked = (unsigned)sighting->count;
        target->status.servers_seen = 0;
        for (size_t i = 0; i < sighting->count; i++)
                target->status.servers_seen += sighting->servers[i].shows;
        struct push *push = sighting->seen->push;
        if (push->options.changed && before.servers_seen != target->status.servers_seen)
                push->options.changed(
                        push->options.context, target->zone->name, target->block, &before, &target->status);
}

static void came(void *context, const struct probe_answer *answer)
{
        struct sighting_server *server = context;
        struct sighting *sighting = server->sighting;
        server->probe = NULL;
        if (answer->result != PROBE_ANSWERED || answer->rcode != RCODE_NOERROR || !answer->is_authoritative)
                return;
        server->shows = sighting->by_serial ? shows_serial(sighting, answer) : shows_rrset(sighting, answer);
        note(sighting->target);
}

/* ---- rounds ---- */

static void add_server(struct sighting *sighting, const struct address *address, uint16_t port)
{
        struct address wanted = *address;
        if (wanted.port == 0)
                wanted.port = port;
        for (size_t i = 0; i < sighting->count; i++)
                if (address_and_port_equal(&sighting->servers[i].address, &wanted))
                        return;
        if (sighting->count < SERVERS_MAX)
                sighting->servers[sighting->count++] =
                        (struct sighting_server){.sighting = sighting, .address = wanted};
}

/* True: all that have names are known. */
static bool add_name(struct sighting *sighting, const char *text, uint16_t port)
{
        struct known_name *name = name_get(sighting->seen, text);
        for (size_t i = 0; name && i < name->count; i++) {
                struct address address = name->addresses[i];
                address.port = 0;
                add_server(sighting, &address, port ? port : DNS_PORT);
        }
        return name && name->at_usec != 0 && name->count > 0;
}

static bool gather_servers(struct sighting *sighting)
{
        const struct push_target *target = sighting->target;
        const struct conf_secondary *block = target->block;
        bool is_whole = true;
        for (size_t i = 0; i < block->nameserver_count; i++) {
                const struct conf_host *host = &block->nameservers[i];
                if (host->name)
                        is_whole &= add_name(sighting, host->name, host->address.port);
                else
                        add_server(sighting, &host->address, DNS_PORT);
        }
        for (size_t i = 0; block->nameserver_count == 0 && i < target->names.count; i++)
                is_whole &= add_name(sighting, target->names.names[i], DNS_PORT);
        return is_whole;
}

static void ask(struct sighting *sighting, struct sighting_server *server)
{
        struct push *push = sighting->seen->push;
        const struct conf_options *options = &push->conf->options;
        struct probe_question question = {
                .server = server->address,
                .source =
                        server->address.family == AF_INET6 ? options->probe_source_v6 : options->probe_source,
                .name = sighting->by_serial ? sighting->target->zone->name : sighting->owner,
                .type = sighting->by_serial ? (uint16_t)TYPE_SOA : sighting->type,
        };
        if (probe_start(push->options.prober, &question, came, server, &server->probe) < 0)
                server->probe = NULL; /* with the next round */
}

static int round_of(sd_event_source *timer, uint64_t usec, void *context)
{
        struct sighting *sighting = context;
        size_t left = 0;
        (void)usec;
        bool is_whole = gather_servers(sighting);
        for (size_t i = 0; i < sighting->count; i++) {
                struct sighting_server *server = &sighting->servers[i];
                left += !server->shows;
                if (!server->shows && !server->probe)
                        ask(sighting, server);
        }
        note(sighting->target);
        if (left == 0 && is_whole)
                return 0; /* the timer was for once */
        uint64_t wait =
                is_whole || sighting->wait_usec > WAIT_FIRST_USEC ? sighting->wait_usec : WAIT_FIRST_USEC / 4;
        if (sighting->wait_usec < WAIT_MAX_USEC)
                sighting->wait_usec *= 2;
        sd_event_source_set_time(timer, clock_monotonic_usec() + wait);
        sd_event_source_set_enabled(timer, SD_EVENT_ONESHOT);
        return 0;
}

void seen_end(struct push_target *target)
{
        struct sighting *sighting = target->sighting;
        if (!sighting)
                return;
        for (size_t i = 0; i < sighting->count; i++)
                probe_cancel(sighting->servers[i].probe);
        sd_event_source_disable_unref(sighting->timer);
        free(sighting);
        target->sighting = NULL;
}

void seen_begin(
        struct seen *seen, struct push_target *target, const uint8_t *changed_owner, uint16_t changed_type)
{
        bool by_serial =
                target->status.shows_serial && target->account->provider->flags & PUSH_PROVIDER_SERIAL;
        seen_end(target);
        target->status.servers_asked = target->status.servers_seen = 0;
        target->status.is_looked_for = false;
        if (!target->block->probe || (!by_serial && !changed_owner) ||
                (target->block->nameserver_count == 0 && target->names.count == 0))
                return; /* nothing that could be seen */
        struct sighting *sighting = calloc(1, sizeof(*sighting));
        if (!sighting)
                return;
        sighting->seen = seen;
        sighting->target = target;
        sighting->serial = target->status.serial;
        sighting->by_serial = by_serial;
        sighting->type = changed_type;
        if (changed_owner)
                memcpy(sighting->owner, changed_owner, name_length(changed_owner));
        sighting->wait_usec = WAIT_FIRST_USEC;
        target->sighting = sighting;
        target->status.is_looked_for = true;
        if (sd_event_add_time(seen->push->options.event, &sighting->timer, CLOCK_MONOTONIC,
                    clock_monotonic_usec(), USEC_PER_MSEC, round_of, sighting) < 0)
                seen_end(target);
}

/* ---- life ---- */

int seen_new(struct push *push, struct seen **ret_seen)
{
        struct seen *seen = calloc(1, sizeof(*seen));
        if (!seen)
                return -ENOMEM;
        seen->push = push;
        seen->names.fold = true;
        int r = lookups_new(&seen->lookups);
        if (r >= 0)
                r = sd_event_add_io(push->options.event, &seen->source, lookups_fd(seen->lookups), EPOLLIN,
                        on_lookups, seen);
        if (r < 0) {
                seen_free(seen);
                return r;
        }
        *ret_seen = seen;
        return 0;
}

struct seen *seen_free(struct seen *seen)
{
        struct known_name *name;
        if (!seen)
                return NULL;
        sd_event_source_disable_unref(seen->source);
        lookups_free(seen->lookups);
        for (size_t position = 0; (name = table_next(&seen->names, &position));) {
                free(name->name);
                free(name);
        }
        table_free(&seen->names);
        free(seen);
        return NULL;
}
