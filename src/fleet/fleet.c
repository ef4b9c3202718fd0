/* Zones and who their targets are; what the server saw of them. Main loop.
 *
 * A zone is here from its first publish (or the start) until it is removed. Its targets are made by wanted.c.
 * Memory for an idle (zone, target) is the row and some 70 octets: 100,000 zones of two targets take about 50
 * MB. */
#include "fleet/fleet.h"

#include "base/cleanup.h"
#include "fleet/state.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

int fleet_new(struct store *store, struct conf *conf, struct fleet **ret_fleet)
{
        struct fleet *fleet = calloc(1, sizeof(*fleet));
        if (!fleet)
                return -ENOMEM;
        fleet->store = store;
        fleet->conf = conf_ref(conf);
        fleet->zones.fold = true;
        *ret_fleet = fleet;
        return 0;
}

struct conf *fleet_conf(const struct fleet *fleet)
{
        return fleet->conf;
}

void fleet_on_target_gone(
        struct fleet *fleet, void (*gone)(void *context, struct fleet_target *target), void *context)
{
        fleet->target_gone = gone;
        fleet->target_gone_context = context;
}

int fleet_reconfigure(struct fleet *fleet, struct conf *conf)
{
        struct conf *old = fleet->conf;
        int result = 0;
        fleet->conf = conf_ref(conf);
        struct fleet_zone *zone;
        for (size_t position = 0; (zone = table_next(&fleet->zones, &position));) {
                int r = wanted_again(fleet, zone);
                if (r < 0) {
                        targets_drop(fleet, zone); /* their keys go with the old configuration */
                        result = r;
                }
        }
        conf_unref(old);
        return result;
}

static void zone_note_row(struct fleet_zone *zone, const struct store_zone *row)
{
        struct soa soa;
        zone->id = row->id;
        zone->serial = row->serial;
        zone->published_usec = row->published_usec;
        if (soa_parse(row->soa.rdata, row->soa.rdata_length, &soa) == 0)
                zone->refresh_sec = soa.refresh;
}

static struct fleet_zone *zone_free(struct fleet *fleet, struct fleet_zone *zone)
{
        targets_drop(fleet, zone);
        free(zone);
        return NULL;
}

static struct fleet_zone *zone_load(struct fleet *fleet, const uint8_t *name, const struct store_zone *row)
{
        size_t length = name_length(name);
        struct fleet_zone *zone = calloc(1, sizeof(*zone) + length);
        if (!zone)
                return NULL;
        uint8_t *copy = (uint8_t *)(zone + 1);
        name_fold(name, copy);
        zone->name = copy;
        zone_note_row(zone, row);
        if (wanted_make(fleet, zone, NULL, NULL, 0) < 0 ||
                table_put(&fleet->zones, zone->name, length, zone, NULL) < 0)
                return zone_free(fleet, zone);
        return zone;
}

/* The row is valid as long as the view is. */
static struct fleet_zone *zone_load_from_store(struct fleet *fleet, const uint8_t *name)
{
        struct store_read *read;
        struct store_zone row;
        struct fleet_zone *zone = NULL;
        if (store_read_begin(fleet->store, &read) < 0)
                return NULL;
        if (store_zone_find(read, name, &row) == 0)
                zone = zone_load(fleet, name, &row);
        store_read_end(read);
        return zone;
}

struct fleet_zone *fleet_zone_get(struct fleet *fleet, const uint8_t *name, const struct store_zone *row)
{
        struct fleet_zone *zone = table_get(&fleet->zones, name, name_length(name));
        if (!zone)
                return row ? zone_load(fleet, name, row) : zone_load_from_store(fleet, name);
        if (!row)
                return zone;
        bool is_reborn = zone->id != row->id; /* removed and published again: its rows went with the old id */
        zone_note_row(zone, row);
        for (size_t i = 0; is_reborn && i < zone->target_count; i++)
                fleet_target_changed(fleet, zone->targets[i]);
        return zone;
}

struct fleet_zone *fleet_zone_next(const struct fleet *fleet, size_t *position)
{
        return table_next(&fleet->zones, position);
}

void fleet_zone_forget(struct fleet *fleet, const uint8_t *name)
{
        struct fleet_zone *zone = table_remove(&fleet->zones, name, name_length(name));
        if (zone)
                zone_free(fleet, zone);
}

bool fleet_target_is_current(const struct fleet_target *target)
{
        uint32_t serial = target->zone->serial;
        return target->row.acknowledged_serial == serial || target->row.transferred_serial == serial;
}

static bool has_key(const struct fleet_target *target, const uint8_t *key_name)
{
        const struct tsig_key *key = target->target.key;
        bool used_none = !key_name || key_name[0] == 0;
        return used_none ? !key : key && name_equal(key->name, key_name);
}

struct fleet_target *fleet_target_find(
        struct fleet_zone *zone, const struct address *peer, const uint8_t *key_name)
{
        struct fleet_target *by_address = NULL, *by_both = NULL, *by_key = NULL;
        unsigned address_count = 0, both_count = 0, key_count = 0;
        bool used_key = key_name && key_name[0] != 0;
        for (size_t i = 0; i < zone->target_count; i++) {
                struct fleet_target *target = zone->targets[i];
                bool is_key = has_key(target, key_name);
                if (address_equal(&target->target.address, peer)) {
                        by_address = target;
                        address_count++;
                        if (is_key) {
                                by_both = target;
                                both_count++;
                        }
                } else if (used_key && is_key) {
                        by_key = target;
                        key_count++;
                }
        }
        if (address_count == 1)
                return by_address;
        if (address_count > 1)
                return both_count == 1 ? by_both : NULL;
        return key_count == 1 ? by_key : NULL;
}

static struct fleet_target *target_seen(
        struct fleet *fleet, const uint8_t *zone_name, const struct address *peer, const uint8_t *key_name)
{
        struct fleet_zone *zone = fleet_zone_get(fleet, zone_name, NULL);
        return zone ? fleet_target_find(zone, peer, key_name) : NULL;
}

void fleet_target_saw_soa_query(
        struct fleet *fleet, struct fleet_target *target, uint32_t serial, uint64_t at_usec)
{
        target->row.soa_serial = serial;
        target->row.soa_usec = at_usec;
        fleet_target_changed(fleet, target);
}

void fleet_target_saw_transfer(struct fleet *fleet, struct fleet_target *target,
        enum fleet_transfer_kind kind, uint32_t from_serial, uint32_t to_serial, uint64_t bytes,
        uint64_t duration_usec, uint64_t at_usec)
{
        struct fleet_row *row = &target->row;
        row->transferred_serial = to_serial;
        row->transfer_from_serial = from_serial;
        row->transfer_kind = kind;
        row->transfer_bytes = bytes;
        row->transfer_duration_usec = duration_usec;
        row->transfer_usec = at_usec;
        row->transfer_count++;
        fleet_target_changed(fleet, target);
}

struct fleet_target *fleet_block_target_next(
        const struct fleet_zone *zone, const char *secondary, size_t *position)
{
        while (*position < zone->target_count) {
                struct fleet_target *target = zone->targets[(*position)++];
                const struct conf_secondary *block = target->target.secondary;
                if (block && strcasecmp(block->name, secondary) == 0)
                        return target;
        }
        return NULL;
}

struct fleet_target *fleet_saw_soa_query(struct fleet *fleet, const uint8_t *zone, const struct address *peer,
        const uint8_t *key_name, uint32_t serial, uint64_t at_usec)
{
        struct fleet_target *target = target_seen(fleet, zone, peer, key_name);
        if (target)
                fleet_target_saw_soa_query(fleet, target, serial, at_usec);
        return target;
}

struct fleet_target *fleet_saw_transfer(struct fleet *fleet, const uint8_t *zone, const struct address *peer,
        const uint8_t *key_name, enum fleet_transfer_kind kind, uint32_t from_serial, uint32_t to_serial,
        uint64_t bytes, uint64_t duration_usec, uint64_t at_usec)
{
        struct fleet_target *target = target_seen(fleet, zone, peer, key_name);
        if (target)
                fleet_target_saw_transfer(
                        fleet, target, kind, from_serial, to_serial, bytes, duration_usec, at_usec);
        return target;
}

struct fleet *fleet_free(struct fleet *fleet)
{
        if (!fleet)
                return NULL;
        struct fleet_zone *zone;
        for (size_t position = 0; (zone = table_next(&fleet->zones, &position));)
                zone_free(fleet, zone);
        table_free(&fleet->zones);
        conf_unref(fleet->conf);
        free(fleet->dirty);
        free(fleet->deletes);
        free(fleet);
        return NULL;
}
