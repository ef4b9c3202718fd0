/* Targets by name: hosts of secondary blocks' also-notify, and under notify yes those that a zone's NS set
 * names, less the MNAME of its SOA (RFC 1996 s.2.1). Main loop; lookup.c's worker thread alone calls
 * getaddrinfo.
 *
 * Addresses of a name inside the zone come from the zone. Any other name is looked up by the worker, for all
 * zones that have it, at most once a minute and only when one of them is published; meanwhile the last known
 * addresses hold. An answer brings the zones that waited for it new targets, which are told the serial like
 * others.
 *
 *     resolve_zone -> lookups_ask -> worker: getaddrinfo -> answers_come -> zone_targets_make, zone_wake */
#include "notify/state.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "dns/type.h"
#include "probe/lookup.h"

#include <errno.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>

#define RESOLVE_SPACING (60 * USEC_PER_SEC)
#define RESOLVED_MAX 256
#define NOTIFY_PORT 53

/* A name outside its zone. */
struct known_name {
        uint64_t asked_usec; /* 0 = never */
        bool is_asked;
        bool told;
        size_t count;
        struct address *addresses;
        struct fleet_zone **waiters;
        size_t waiter_count, waiter_capacity;
        char text[]; /* with the final dot */
};

struct resolver {
        struct notify *notify;
        struct lookups *lookups;
        sd_event_source *source;
        struct table names; /* text -> struct known_name */
};

static int answers_come(sd_event_source *source, int fd, uint32_t events, void *context);

static int resolver_get(struct notify *notify, struct resolver **ret_resolver)
{
        if (notify->resolver) {
                *ret_resolver = notify->resolver;
                return 0;
        }
        struct resolver *resolver = calloc(1, sizeof(*resolver));
        if (!resolver)
                return -ENOMEM;
        resolver->notify = notify;
        resolver->names.fold = true;
        int r = lookups_new(&resolver->lookups);
        if (r >= 0)
                r = sd_event_add_io(notify->event, &resolver->source, lookups_fd(resolver->lookups), EPOLLIN,
                        answers_come, resolver);
        if (r < 0) {
                resolver_free(resolver);
                return r;
        }
        *ret_resolver = notify->resolver = resolver;
        return 0;
}

static struct known_name *known_free(struct known_name *known)
{
        free(known->addresses);
        free(known->waiters);
        free(known);
        return NULL;
}

struct resolver *resolver_free(struct resolver *resolver)
{
        if (!resolver)
                return NULL;
        sd_event_source_disable_unref(resolver->source);
        lookups_free(resolver->lookups);
        struct known_name *known;
        for (size_t position = 0; (known = table_next(&resolver->names, &position));)
                known_free(known);
        table_free(&resolver->names);
        free(resolver);
        return NULL;
}

static int known_get(struct resolver *resolver, const uint8_t *name, struct known_name **ret_known)
{
        char text[NAME_TEXT_MAX];
        name_to_text(name, text);
        struct known_name *known = table_get(&resolver->names, text, strlen(text));
        if (!known) {
                known = calloc(1, sizeof(*known) + strlen(text) + 1);
                if (!known)
                        return -ENOMEM;
                strcpy(known->text, text);
                int r = table_put(&resolver->names, known->text, strlen(known->text), known, NULL);
                if (r < 0) {
                        known_free(known);
                        return r;
                }
        }
        *ret_known = known;
        return 0;
}

static int waiter_add(struct known_name *known, struct fleet_zone *zone)
{
        /* Only the last is looked at: 100,000 zones may wait for one name, and a zone in it twice does no
         * harm. */
        if (known->waiter_count > 0 && known->waiters[known->waiter_count - 1] == zone)
                return 0;
        if (known->waiter_count == known->waiter_capacity) {
                size_t capacity = known->waiter_capacity ? known->waiter_capacity * 2 : 4;
                void *grown = reallocarray(known->waiters, capacity, sizeof(struct fleet_zone *));
                if (!grown)
                        return -ENOMEM;
                known->waiters = grown;
                known->waiter_capacity = capacity;
        }
        known->waiters[known->waiter_count++] = zone;
        return 0;
}

/* Asks the worker, unless that was done within a minute; the zone is told when an answer comes. */
static int known_ask(struct resolver *resolver, struct known_name *known, struct fleet_zone *zone)
{
        uint64_t now = clock_monotonic_usec();
        if (!known->is_asked && known->asked_usec != 0 && now - known->asked_usec < RESOLVE_SPACING)
                return 0;
        int r = waiter_add(known, zone);
        if (r < 0 || known->is_asked)
                return r;
        r = lookups_ask(resolver->lookups, known->text);
        if (r < 0)
                return r;
        known->is_asked = true;
        known->asked_usec = now;
        return 0;
}

/* The targets of one zone as they are gathered. */
struct resolved {
        struct conf_target targets[RESOLVED_MAX];
        const char *names[RESOLVED_MAX];
        size_t count;
};

/* what: port, key and block of the target. */
static void resolved_add(struct resolved *found, const struct address *address, const char *name,
        const struct conf_target *what)
{
        struct conf_target target = *what;
        target.address = *address;
        target.address.port = what->address.port;
        for (size_t i = 0; i < found->count; i++) {
                if (address_and_port_equal(&found->targets[i].address, &target.address) &&
                        found->targets[i].key == target.key)
                        return;
        }
        if (found->count == RESOLVED_MAX)
                return;
        found->targets[found->count] = target;
        found->names[found->count++] = name;
}

static const struct conf_target of_ns_set = {.address = {.port = NOTIFY_PORT}};

/* A and AAAA of a name in the zone; returns how many, or a negative errno. */
static int add_from_zone(struct store_records *records, struct arena *arena, const uint8_t *name,
        const char *text, struct resolved *found)
{
        struct record_list list = {0};
        int count = 0, r = store_records_of_owner(records, name, arena, &list);
        for (size_t i = 0; r >= 0 && i < list.count; i++) {
                const struct record *record = &list.items[i];
                struct address address = {0};
                if (record->type == TYPE_A && record->rdata_length == 4)
                        address.family = AF_INET;
                else if (record->type == TYPE_AAAA && record->rdata_length == 16)
                        address.family = AF_INET6;
                else
                        continue;
                memcpy(address.bytes, record->rdata, record->rdata_length);
                resolved_add(found, &address, text, &of_ns_set);
                count++;
        }
        record_list_free(&list);
        return r < 0 ? r : count;
}

static int add_from_outside(struct notify *notify, struct fleet_zone *zone, const uint8_t *name,
        const char *text, bool may_ask, const struct conf_target *what, struct resolved *found)
{
        struct resolver *resolver;
        struct known_name *known;
        int r = resolver_get(notify, &resolver);
        if (r >= 0)
                r = known_get(resolver, name, &known);
        if (r < 0)
                return r;
        for (size_t i = 0; i < known->count; i++)
                resolved_add(found, &known->addresses[i], text, what);
        return may_ask ? known_ask(resolver, known, zone) : 0;
}

struct gathering {
        struct notify *notify;
        struct fleet_zone *zone;
        struct store_records *records;
        struct arena arena;
        bool may_ask;
        struct resolved found;
};

static int gather_name(struct gathering *gathering, const uint8_t *name)
{
        char text[NAME_TEXT_MAX];
        name_to_zone_text(name, text);
        const char *kept = arena_text(&gathering->arena, text, strlen(text));
        if (!kept)
                return -ENOMEM;
        if (name_is_below(name, gathering->zone->name)) {
                int r = add_from_zone(gathering->records, &gathering->arena, name, kept, &gathering->found);
                if (r != 0)
                        return r < 0 ? r : 0;
        }
        return add_from_outside(gathering->notify, gathering->zone, name, kept, gathering->may_ask,
                &of_ns_set, &gathering->found);
}

/* Hosts of the zone's secondary blocks that are names; each is looked up again before it is used, once a
 * minute at most. */
static int gather_blocks(struct gathering *gathering, const struct conf_policy *policy)
{
        int r = 0;
        for (size_t i = 0; r >= 0 && i < policy->secondary_count; i++) {
                const struct conf_secondary *secondary = policy->secondaries[i];
                for (size_t k = 0; r >= 0 && secondary->notify && k < secondary->also_notify_count; k++) {
                        const struct conf_notify_host *host = &secondary->also_notify[k];
                        static const uint8_t root[] = {0};
                        uint8_t name[NAME_MAX_LENGTH];
                        size_t length, fault;
                        if (!host->host.name || name_from_text(host->host.name, strlen(host->host.name), root,
                                                        name, &length, &fault) != NAME_OK)
                                continue;
                        struct conf_target what = {host->host.address, host->key, secondary};
                        r = add_from_outside(gathering->notify, gathering->zone, name, host->host.name,
                                gathering->may_ask, &what, &gathering->found);
                }
        }
        return r;
}

static int gather(struct gathering *gathering, struct store_read *read, bool with_mname)
{
        struct store_zone row;
        struct soa soa;
        struct record_list list = {0};
        int r = store_zone_find(read, gathering->zone->name, &row);
        if (r >= 0)
                r = soa_parse(row.soa.rdata, row.soa.rdata_length, &soa);
        if (r >= 0)
                r = store_records_open(read, row.id, &gathering->records);
        if (r >= 0)
                r = store_records_of_owner(
                        gathering->records, gathering->zone->name, &gathering->arena, &list);
        for (size_t i = 0; r >= 0 && i < list.count; i++) {
                const struct record *record = &list.items[i];
                if (record->type != TYPE_NS || name_check(record->rdata, record->rdata_length) == 0)
                        continue;
                if (with_mname || !name_equal(record->rdata, soa.mname))
                        r = gather_name(gathering, record->rdata);
        }
        record_list_free(&list);
        store_records_close(gathering->records);
        return r;
}

static bool has_names(const struct conf_policy *policy)
{
        for (size_t i = 0; i < policy->secondary_count; i++)
                for (size_t k = 0; k < policy->secondaries[i]->also_notify_count; k++)
                        if (policy->secondaries[i]->also_notify[k].host.name)
                                return true;
        return false;
}

static int zone_targets_make(struct notify *notify, struct fleet_zone *zone, bool may_ask)
{
        const struct conf_policy *policy = conf_policy_for(fleet_conf(notify->fleet), zone->name);
        bool with_ns = policy->notify == CONF_NOTIFY_YES || policy->notify == CONF_NOTIFY_PRIMARY_ONLY;
        if (policy->notify == CONF_NOTIFY_NO || (!with_ns && !has_names(policy)))
                return 0;
        CLEANUP_FREE struct gathering *gathering = calloc(1, sizeof(*gathering));
        struct store_read *read;
        if (!gathering)
                return -ENOMEM;
        *gathering = (struct gathering){.notify = notify, .zone = zone, .may_ask = may_ask};
        int r = gather_blocks(gathering, policy);
        if (r >= 0 && with_ns) {
                r = store_read_begin(notify->store, &read);
                if (r < 0)
                        return r;
                r = gather(gathering, read, policy->notify_to_soa);
                store_read_end(read);
        }
        if (r >= 0)
                r = fleet_zone_set_resolved(notify->fleet, zone, gathering->found.targets,
                        gathering->found.names, gathering->found.count);
        arena_free(&gathering->arena);
        return r;
}

int resolve_zone(struct notify *notify, struct fleet_zone *zone)
{
        return zone_targets_make(notify, zone, true);
}

/* Keeps the old addresses where the look-up failed. */
static void known_learn(struct known_name *known, const struct lookup *lookup)
{
        known->is_asked = false;
        if (lookup->error != 0) {
                if (!known->told && known->waiter_count > 0)
                        tell_not_resolved(known->waiters[0]->name, known->text, gai_strerror(lookup->error));
                known->told = true;
                return;
        }
        struct address *addresses = reallocarray(NULL, lookup->count, sizeof(*addresses));
        if (!addresses)
                return;
        memcpy(addresses, lookup->addresses, lookup->count * sizeof(*addresses));
        free(known->addresses);
        known->addresses = addresses;
        known->count = lookup->count;
        known->told = false;
}

static void answer_comes(struct resolver *resolver, const struct lookup *lookup)
{
        struct known_name *known = table_get(&resolver->names, lookup->name, strlen(lookup->name));
        if (!known)
                return;
        known_learn(known, lookup);
        CLEANUP_FREE struct fleet_zone **waiters = TAKE(known->waiters);
        size_t count = known->waiter_count;
        known->waiter_count = known->waiter_capacity = 0;
        for (size_t i = 0; i < count; i++) {
                if (zone_targets_make(resolver->notify, waiters[i], false) >= 0)
                        (void)zone_wake(resolver->notify, waiters[i]); /* out of memory: the next publish */
        }
}

static int answers_come(sd_event_source *source, int fd, uint32_t events, void *context)
{
        struct resolver *resolver = context;
        (void)source;
        (void)fd;
        (void)events;
        struct lookup *answers = lookups_take(resolver->lookups);
        for (struct lookup *at = answers; at; at = (struct lookup *)at->item.next)
                answer_comes(resolver, at);
        lookup_list_free(answers);
        timers_arm(&resolver->notify->timers, clock_monotonic_usec());
        return 0;
}

void resolve_forget_zone(struct notify *notify, const struct fleet_zone *zone)
{
        struct known_name *known;
        if (!notify->resolver)
                return;
        for (size_t position = 0; (known = table_next(&notify->resolver->names, &position));) {
                for (size_t i = 0; i < known->waiter_count; i++) {
                        if (known->waiters[i] == zone)
                                known->waiters[i--] = known->waiters[--known->waiter_count];
                }
        }
}
