/* Which targets a zone is to have: the also-notify list of its policy, the also-notify hosts of its secondary
 * blocks, and what names were resolved to by notify/ (blocks' hosts, and with "notify yes" the NS set). None
 * under "notify no". Main loop.
 *
 * An address, port and key that stand twice are one target; what is listed goes before what was resolved. */
#include "base/cleanup.h"
#include "fleet/state.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct wanted_list {
        struct wanted *items;
        size_t count;
};

static bool is_wanted(const struct wanted_list *list, const struct conf_target *target, bool any_key)
{
        for (size_t i = 0; i < list->count; i++) {
                const struct conf_target *other = &list->items[i].target;
                if (!address_and_port_equal(&other->address, &target->address))
                        continue;
                if (any_key || other->key == target->key ||
                        (other->key && target->key && name_equal(other->key->name, target->key->name)))
                        return true;
        }
        return false;
}

static void add(
        struct wanted_list *list, const struct conf_target *target, bool from_ns_set, const char *name)
{
        if (!is_wanted(list, target, from_ns_set))
                list->items[list->count++] =
                        (struct wanted){.target = *target, .from_ns_set = from_ns_set, .ns_name = name};
}

static size_t listed_count(const struct conf_policy *policy)
{
        size_t count = policy->also_notify_count;
        for (size_t i = 0; i < policy->secondary_count; i++)
                count += policy->secondaries[i]->also_notify_count;
        return count;
}

static void add_listed(struct wanted_list *list, const struct conf_policy *policy)
{
        for (size_t i = 0; i < policy->secondary_count; i++) {
                const struct conf_secondary *secondary = policy->secondaries[i];
                for (size_t k = 0; secondary->notify && k < secondary->also_notify_count; k++) {
                        const struct conf_notify_host *host = &secondary->also_notify[k];
                        struct conf_target target = {host->host.address, host->key, secondary};
                        if (!host->host.name)
                                add(list, &target, false, NULL);
                }
        }
        for (size_t i = 0; i < policy->also_notify_count; i++)
                add(list, &policy->also_notify[i], false, NULL);
}

int wanted_make(struct fleet *fleet, struct fleet_zone *zone, const struct conf_target *resolved,
        const char *const *names, size_t resolved_count)
{
        const struct conf_policy *policy = conf_policy_for(fleet->conf, zone->name);
        bool with_ns = policy->notify == CONF_NOTIFY_YES || policy->notify == CONF_NOTIFY_PRIMARY_ONLY;
        bool none = policy->notify == CONF_NOTIFY_NO;
        size_t listed = none ? 0 : listed_count(policy);
        if (listed + resolved_count == 0 && zone->target_count == 0)
                return 0;
        struct wanted_list list = {0};
        CLEANUP_FREE struct wanted *wanted = calloc(listed + resolved_count + 1, sizeof(*wanted));
        if (!wanted)
                return -ENOMEM;
        list.items = wanted;
        if (!none)
                add_listed(&list, policy);
        for (size_t i = 0; !none && i < resolved_count; i++) {
                bool of_block = resolved[i].secondary != NULL;
                if (of_block || with_ns)
                        add(&list, &resolved[i], !of_block, names[i]);
        }
        return targets_replace(fleet, zone, wanted, list.count);
}

int fleet_zone_set_resolved(struct fleet *fleet, struct fleet_zone *zone, const struct conf_target *targets,
        const char *const *names, size_t count)
{
        return wanted_make(fleet, zone, targets, names, count);
}

/* The block's host of that name and port, as the new configuration has it; NULL = it is gone. */
static const struct conf_notify_host *find_host(
        const struct conf_secondary *secondary, const char *name, uint16_t port)
{
        for (size_t i = 0; secondary && secondary->notify && i < secondary->also_notify_count; i++) {
                const struct conf_host *host = &secondary->also_notify[i].host;
                if (host->name && strcasecmp(host->name, name) == 0 && host->address.port == port)
                        return &secondary->also_notify[i];
        }
        return NULL;
}

int wanted_again(struct fleet *fleet, struct fleet_zone *zone)
{
        CLEANUP_FREE struct conf_target *targets = calloc(zone->target_count + 1, sizeof(*targets));
        CLEANUP_FREE const char **names = calloc(zone->target_count + 1, sizeof(*names));
        const struct conf_policy *policy = conf_policy_for(fleet->conf, zone->name);
        if (!targets || !names)
                return -ENOMEM;
        size_t count = 0;
        for (size_t i = 0; i < zone->target_count; i++) {
                const struct fleet_target *target = zone->targets[i];
                const struct conf_secondary *old = target->target.secondary;
                if (!target->ns_name)
                        continue;
                targets[count] = target->target;
                if (old) {
                        const struct conf_secondary *secondary = conf_policy_secondary(policy, old->name);
                        const struct conf_notify_host *host =
                                find_host(secondary, target->ns_name, target->target.address.port);
                        if (!host)
                                continue;
                        targets[count].secondary = secondary;
                        targets[count].key = host->key;
                }
                names[count++] = target->ns_name;
        }
        return wanted_make(fleet, zone, targets, names, count);
}
