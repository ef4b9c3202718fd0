/* Rows that wait to be written: changed ones, and those of targets that are gone. Main loop.
 *
 * Invariant: target->is_dirty exactly while fleet->dirty[target->dirty_index] == target. */
#include "fleet/state.h"

#include "base/buffer.h"
#include "base/cleanup.h"
#include "fleet/row.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void *grow(void *items, size_t item_size, size_t *capacity)
{
        size_t wanted = *capacity ? *capacity * 2 : 16;
        void *grown = reallocarray(items, wanted, item_size);
        if (grown)
                *capacity = wanted;
        return grown;
}

void fleet_target_changed(struct fleet *fleet, struct fleet_target *target)
{
        if (target->is_dirty)
                return;
        if (fleet->dirty_count == fleet->dirty_capacity) {
                void *grown = grow(fleet->dirty, sizeof(*fleet->dirty), &fleet->dirty_capacity);
                if (!grown)
                        return; /* a lost row costs one repeated NOTIFY */
                fleet->dirty = grown;
        }
        target->is_dirty = true;
        target->dirty_index = (uint32_t)fleet->dirty_count;
        fleet->dirty[fleet->dirty_count++] = target;
}

void dirty_remove(struct fleet *fleet, struct fleet_target *target)
{
        if (!target->is_dirty)
                return;
        struct fleet_target *last = fleet->dirty[--fleet->dirty_count];
        fleet->dirty[target->dirty_index] = last;
        last->dirty_index = target->dirty_index;
        target->is_dirty = false;
}

void dirty_delete_row(struct fleet *fleet, const struct fleet_target *target)
{
        if (fleet->delete_count == fleet->delete_capacity) {
                void *grown = grow(fleet->deletes, sizeof(*fleet->deletes), &fleet->delete_capacity);
                if (!grown)
                        return; /* a row too many in the store is harmless */
                fleet->deletes = grown;
        }
        struct fleet_write *write = &fleet->deletes[fleet->delete_count++];
        write->zone_id = target->zone->id;
        write->key_size = fleet_row_key(&target->target, write->key);
        write->size = 0;
}

void fleet_put_state(struct fleet *fleet, const struct fleet_zone *zone, const void *key, size_t key_size,
        const void *value, size_t size)
{
        if (fleet->delete_count == fleet->delete_capacity) {
                void *grown = grow(fleet->deletes, sizeof(*fleet->deletes), &fleet->delete_capacity);
                if (!grown)
                        return; /* who puts a row has to bear that it is lost */
                fleet->deletes = grown;
        }
        struct fleet_write *write = &fleet->deletes[fleet->delete_count++];
        *write = (struct fleet_write){.zone_id = zone->id, .key_size = key_size, .size = size};
        memcpy(write->key, key, key_size);
        memcpy(write->value, value, size);
}

static int encode(const struct fleet_target *target, struct buffer *scratch, struct fleet_write *ret_write)
{
        buffer_clear(scratch);
        fleet_row_encode(&target->row, scratch);
        int r = buffer_status(scratch);
        if (r < 0)
                return r;
        ret_write->zone_id = target->zone->id;
        ret_write->key_size = fleet_row_key(&target->target, ret_write->key);
        ret_write->size = scratch->length;
        memcpy(ret_write->value, scratch->data, scratch->length);
        return 0;
}

int fleet_take_dirty(struct fleet *fleet, struct fleet_write **ret_writes, size_t *ret_count)
{
        size_t count = fleet->delete_count + fleet->dirty_count;
        if (count == 0) {
                *ret_writes = NULL;
                *ret_count = 0;
                return 0;
        }
        CLEANUP_FREE struct fleet_write *writes = calloc(count, sizeof(*writes));
        if (!writes)
                return -ENOMEM;
        /* Deletes first: a target that left and came back within one second is to be there in the end. */
        if (fleet->delete_count > 0)
                memcpy(writes, fleet->deletes, fleet->delete_count * sizeof(*writes));
        CLEANUP(buffer_free) struct buffer scratch = {0};
        for (size_t i = 0; i < fleet->dirty_count; i++) {
                int r = encode(fleet->dirty[i], &scratch, &writes[fleet->delete_count + i]);
                if (r < 0)
                        return r;
        }
        for (size_t i = 0; i < fleet->dirty_count; i++)
                fleet->dirty[i]->is_dirty = false;
        fleet->dirty_count = fleet->delete_count = 0;
        *ret_writes = TAKE(writes);
        *ret_count = count;
        return 0;
}
