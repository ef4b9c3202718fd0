/* Writes the journal: a step a publish, and the history's old end. The publisher's thread alone.
 *
 * The history of a zone are the steps with oldest_version < version <= zone->version: unbroken, of one era,
 * their running byte sums one after another, their serials all within half the circle behind the published
 * one, so that each says one content (I1). What is before it is gone at once, by the zone row; its rows are
 * swept out later, some at each publish, so that no publish pays for a limit that was lowered or a history
 * that was cut. */
#include "store/store_data.h"

#include "dns/serial.h"

#include <errno.h>
#include <string.h>

#define SWEEP_MIN 64

struct limits {
        uint64_t bytes; /* that the history may have */
        uint64_t journal_end;
        uint32_t serial; /* the newest */
};

#define BY_SIZE_MIN_BYTES (256u << 10)
#define BY_SIZE_MAX_BYTES (64u << 20)

static uint64_t limit_bytes(const struct store_zone *zone, const struct store_publication *publication)
{
        uint64_t twice = 2 * (zone->axfr_bytes + 2 * record_wire_size(&zone->soa));

        if (publication->max_journal_bytes != STORE_JOURNAL_BY_ZONE_SIZE)
                return publication->max_journal_bytes;
        return twice < BY_SIZE_MIN_BYTES   ? BY_SIZE_MIN_BYTES
               : twice > BY_SIZE_MAX_BYTES ? BY_SIZE_MAX_BYTES
                                           : twice;
}

/* Writes the bodies of one half of a step. Stops early, with 1, where *bytes goes beyond limit. */
static int pieces_write(struct store_batch *batch, uint64_t zone_id, uint64_t version,
        const struct record_list *list, uint64_t limit, uint32_t *piece, uint64_t *bytes)
{
        struct leaf_writer *writer = batch->store->writer;
        int r = 0;

        for (size_t at = 0, used, length; list && r == 0 && at < list->count; at += used) {
                uint8_t key[STEP_KEY_SIZE];

                r = leaf_render(writer, list->items + at, list->count - at, LEAF_BODY_FILL, &used, &length);
                if (r < 0)
                        return batch_fail(batch, r);
                *bytes += length;
                if (*bytes > limit)
                        return 1;
                step_key_write(key, zone_id, version, ++*piece);
                r = batch_put_body(batch, DATABASE_STEPS, key, sizeof(key), writer->bytes, length);
        }
        return r;
}

static int pieces_delete(struct store_batch *batch, uint64_t zone_id, uint64_t version)
{
        uint8_t first[STEP_KEY_SIZE], limit[STEP_KEY_SIZE];

        step_key_write(first, zone_id, version, 0);
        step_key_write(limit, zone_id, version + 1, 0);
        return batch_delete_range(batch, DATABASE_STEPS, first, limit, sizeof(first));
}

/* 0, or 1 where the step alone is larger than the history may be: then nothing of it is there. */
static int step_write(struct store_batch *batch, const struct store_zone *old, struct store_zone *zone,
        const struct store_publication *publication)
{
        CLEANUP(buffer_free) struct buffer body = {0};
        uint64_t limit = limit_bytes(zone, publication);
        uint64_t bytes = record_wire_size(&old->soa) + record_wire_size(&zone->soa);
        uint8_t key[STEP_KEY_SIZE], serial_key[SERIAL_KEY_SIZE], version[8];
        uint32_t removed_pieces = 0, pieces;
        int r = bytes > limit;

        if (r == 0)
                r = pieces_write(
                        batch, zone->id, zone->version, publication->removed, limit, &removed_pieces, &bytes);
        pieces = removed_pieces;
        if (r == 0)
                r = pieces_write(batch, zone->id, zone->version, publication->added, limit, &pieces, &bytes);
        if (r != 0)
                return r < 0 || pieces_delete(batch, zone->id, zone->version) == 0 ? r : batch->error;
        zone->journal_end = old->journal_end + bytes;
        struct store_step step = {
                .serial_from = old->serial,
                .serial_to = zone->serial,
                .soa_from = old->soa,
                .soa_to = zone->soa,
                .removed_count = publication->removed ? publication->removed->count : 0,
                .added_count = publication->added ? publication->added->count : 0,
                .bytes_before = old->journal_end,
                .bytes_after = zone->journal_end,
                .removed_pieces = removed_pieces,
                .added_pieces = pieces - removed_pieces,
                .published_usec = publication->published_usec,
                .provenance = publication->provenance ? publication->provenance : "",
        };
        r = step_encode(&step, &body);
        if (r < 0)
                return batch_fail(batch, r);
        step_key_write(key, zone->id, zone->version, 0);
        r = batch_put_body(batch, DATABASE_STEPS, key, sizeof(key), body.data, body.length);
        serial_key_write(serial_key, zone->id, old->serial);
        write_u64(version, zone->version);
        if (r == 0)
                r = batch_put_body(
                        batch, DATABASE_SERIALS, serial_key, sizeof(serial_key), version, sizeof(version));
        return r;
}

/* Whether the history may begin with this step. */
static bool may_begin(const struct limits *limits, const struct store_step *step)
{
        return limits->journal_end - step->bytes_before <= limits->bytes &&
               serial_is_ahead(limits->serial, step->serial_from);
}

/* Finds the first step that may begin the history: sums and serials only grow, so by halving. */
static int journal_trim(
        struct store_batch *batch, struct store_zone *zone, const struct store_publication *publication)
{
        struct limits limits = {limit_bytes(zone, publication), zone->journal_end, zone->serial};
        uint64_t low = zone->oldest_version + 1, high = zone->version, middle = low;
        struct store_step step;

        while (low < high) {
                int r = store_step_get(&batch->view, zone->id, middle, &step);

                if (r < 0 && r != -EUCLEAN && r != -ENOENT)
                        return batch_fail(batch, r);
                if (r == 0 && may_begin(&limits, &step))
                        high = middle;
                else
                        low = middle + 1; /* also where it is damaged: nobody gets across it */
                middle = low + (high - low) / 2;
        }
        if (low == zone->oldest_version + 1)
                return 0;
        int r = store_step_get(&batch->view, zone->id, low, &step);
        if (r < 0)
                return batch_fail(batch, r);
        zone->oldest_version = low - 1;
        zone->oldest_serial = step.serial_from;
        zone->journal_begin = step.bytes_before;
        return 0;
}

void journal_cut(struct store_zone *zone)
{
        zone->oldest_version = zone->version;
        zone->oldest_serial = zone->serial;
        zone->journal_begin = zone->journal_end;
        zone->step_count = 0;
}

/* The index row of a step that goes, unless a newer step has taken it over. */
static int serial_row_delete(struct store_batch *batch, uint64_t zone_id, uint64_t version)
{
        uint8_t key[SERIAL_KEY_SIZE];
        struct store_step step;
        const uint8_t *body;
        size_t length;
        int r = store_step_get(&batch->view, zone_id, version, &step);

        if (r < 0)
                return 0; /* damaged: the row stays, and leads to nothing */
        serial_key_write(key, zone_id, step.serial_from);
        r = read_get(&batch->view, DATABASE_SERIALS, key, sizeof(key), &body, &length);
        if (r == 0 && (length != sizeof(version) || read_u64(body) != version))
                return 0;
        return r == -ENOENT ? 0 : batch_delete(batch, DATABASE_SERIALS, key, sizeof(key));
}

int journal_sweep(struct store_batch *batch, uint64_t zone_id, uint64_t oldest_version, size_t limit)
{
        uint8_t first[STEP_KEY_SIZE], gone[STEP_KEY_SIZE];
        MDB_val key, value;

        step_key_write(first, zone_id, 0, 0);
        for (size_t n = 0; n < limit; n++) {
                int r = read_seek(&batch->view, DATABASE_STEPS, first, sizeof(first), &key, &value);

                if (r < 0)
                        return batch_fail(batch, r);
                if (r == 1 || !key_is_of_zone(&key, zone_id) || key.mv_size != STEP_KEY_SIZE ||
                        read_u64((uint8_t *)key.mv_data + 8) > oldest_version)
                        return 0;
                memcpy(gone, key.mv_data, sizeof(gone));
                if (read_u32(gone + 16) == 0)
                        r = serial_row_delete(batch, zone_id, read_u64(gone + 8));
                if (r == 0)
                        r = batch_delete(batch, DATABASE_STEPS, gone, sizeof(gone));
                if (r < 0)
                        return r;
        }
        return 0;
}

int journal_publish(struct store_batch *batch, const struct store_zone *old, struct store_zone *zone,
        const struct store_publication *publication)
{
        size_t rows = 0;
        int r = publication->begins_era ? 1 : step_write(batch, old, zone, publication);

        if (r < 0)
                return r;
        if (r == 1) {
                journal_cut(zone);
        } else {
                r = journal_trim(batch, zone, publication);
                if (r < 0)
                        return r;
                rows = 2 + (zone->journal_end - old->journal_end) / LEAF_BODY_FILL;
        }
        zone->step_count = (uint32_t)(zone->version - zone->oldest_version);
        return journal_sweep(batch, zone->id, zone->oldest_version, SWEEP_MIN + 2 * rows);
}
