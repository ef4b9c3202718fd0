/* The targets of one zone: made from the configuration's also-notify list and the NS set's addresses. Main
 * loop.
 *
 * A target is the same one while address, port and the key's name stay: then its row and notify/'s state stay
 * too. Only its key pointer moves, from the old configuration to the new. */
#include "fleet/state.h"

#include "base/cleanup.h"
#include "fleet/row.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static bool is_same_target(const struct conf_target *left, const struct conf_target *right)
{
        if (!address_and_port_equal(&left->address, &right->address) || !left->key != !right->key)
                return false;
        return !left->key || name_equal(left->key->name, right->key->name);
}

static struct fleet_target *target_find(
        struct fleet_target *const *targets, size_t count, const struct conf_target *wanted)
{
        for (size_t i = 0; i < count; i++) {
                if (is_same_target(&targets[i]->target, wanted))
                        return targets[i];
        }
        return NULL;
}

static void row_load(struct store_read *read, struct fleet_target *target)
{
        uint8_t key[FLEET_KEY_MAX];
        size_t key_size = fleet_row_key(&target->target, key), size;
        const void *value;
        target->row = (struct fleet_row){.last_rcode = -1};
        if (read && store_state_get(read, target->zone->id, key, key_size, &value, &size) == 0)
                (void)fleet_row_decode(value, size, &target->row); /* an unreadable row is none */
}

static struct fleet_target *target_free(struct fleet_target *target)
{
        free((char *)target->ns_name);
        free(target);
        return NULL;
}

static struct fleet_target *target_new(
        struct fleet_zone *zone, const struct wanted *wanted, struct store_read *read)
{
        struct fleet_target *target = calloc(1, sizeof(*target));
        if (!target)
                return NULL;
        target->zone = zone;
        target->target = wanted->target;
        row_load(read, target);
        return target;
}

static void target_gone(struct fleet *fleet, struct fleet_target *target)
{
        if (target->notify && fleet->target_gone)
                fleet->target_gone(fleet->target_gone_context, target);
        dirty_remove(fleet, target);
        target_free(target);
}

static void target_settle(struct fleet_target *target, const struct wanted *wanted)
{
        target->target = wanted->target;
        target->from_ns_set = wanted->from_ns_set;
        if (target->ns_name && wanted->ns_name && strcmp(target->ns_name, wanted->ns_name) == 0)
                return;
        free((char *)target->ns_name);
        target->ns_name = wanted->ns_name ? strdup(wanted->ns_name) : NULL; /* a label: it may be missing */
}

/* Fills made[] with the targets that stay and new ones; *ret_kept has a mark for each old one that stays. */
static int targets_make(struct fleet *fleet, struct fleet_zone *zone, const struct wanted *wanted,
        size_t count, struct fleet_target **made, bool *kept)
{
        struct store_read *read = NULL;
        size_t i;
        for (i = 0; i < count; i++) {
                struct fleet_target *old = target_find(zone->targets, zone->target_count, &wanted[i].target);
                if (old) {
                        made[i] = old;
                        continue;
                }
                if (!read && store_read_begin(fleet->store, &read) < 0)
                        read = NULL;
                made[i] = target_new(zone, &wanted[i], read);
                if (!made[i])
                        break;
        }
        store_read_end(read);
        for (size_t old = 0; old < zone->target_count; old++)
                for (size_t n = 0; n < i; n++)
                        kept[old] |= made[n] == zone->targets[old];
        if (i == count)
                return 0;
        for (size_t n = 0; n < i; n++) {
                if (!target_find(zone->targets, zone->target_count, &wanted[n].target))
                        target_free(made[n]);
        }
        return -ENOMEM;
}

int targets_replace(struct fleet *fleet, struct fleet_zone *zone, const struct wanted *wanted, size_t count)
{
        CLEANUP_FREE struct fleet_target **made = calloc(count + 1, sizeof(struct fleet_target *));
        CLEANUP_FREE bool *kept = calloc(zone->target_count + 1, sizeof(*kept));
        if (!made || !kept)
                return -ENOMEM;
        int r = targets_make(fleet, zone, wanted, count, made, kept);
        if (r < 0)
                return r;
        for (size_t i = 0; i < zone->target_count; i++) {
                if (kept[i])
                        continue;
                dirty_delete_row(fleet, zone->targets[i]);
                target_gone(fleet, zone->targets[i]);
        }
        for (size_t i = 0; i < count; i++)
                target_settle(made[i], &wanted[i]);
        free(zone->targets);
        zone->targets = TAKE(made);
        zone->targets_generation++;
        zone->target_count = count;
        return 0;
}

void targets_drop(struct fleet *fleet, struct fleet_zone *zone)
{
        for (size_t i = 0; i < zone->target_count; i++)
                target_gone(fleet, zone->targets[i]);
        free(zone->targets);
        zone->targets = NULL;
        zone->target_count = 0;
        zone->targets_generation++;
}
