/* Journal steps: their octets, and reading them. Any thread, on the caller's view.
 *
 * Piece 0 of a step:
 *
 *   | serial from 4 | serial to 4 | removed count 8 | added count 8 | bytes before 8 | bytes after 8
 *   | removed pieces 4 | added pieces 4 | published 8 | SOA from | SOA to | provenance, 00 |
 *
 * Piece 1 to removed + added pieces: a message body each, as in a leaf. The index `serials` says for a serial
 * which version the step from there leads to; it may hold rows of steps that are gone, which the zone row's
 * oldest version tells. */
#include "store/store_data.h"

#include <errno.h>
#include <string.h>

void step_key_write(uint8_t key[static STEP_KEY_SIZE], uint64_t zone_id, uint64_t version, uint32_t piece)
{
        write_u64(key, zone_id);
        write_u64(key + 8, version);
        write_u32(key + 16, piece);
}

void serial_key_write(uint8_t key[static SERIAL_KEY_SIZE], uint64_t zone_id, uint32_t serial)
{
        write_u64(key, zone_id);
        write_u32(key + 8, serial);
}

int step_encode(const struct store_step *step, struct buffer *body)
{
        buffer_append_u32(body, step->serial_from);
        buffer_append_u32(body, step->serial_to);
        buffer_append_u64(body, step->removed_count);
        buffer_append_u64(body, step->added_count);
        buffer_append_u64(body, step->bytes_before);
        buffer_append_u64(body, step->bytes_after);
        buffer_append_u32(body, step->removed_pieces);
        buffer_append_u32(body, step->added_pieces);
        buffer_append_u64(body, step->published_usec);
        value_append_soa(body, &step->soa_from);
        value_append_soa(body, &step->soa_to);
        buffer_append(body, step->provenance, strlen(step->provenance) + 1);
        return buffer_status(body);
}

/* The version is in the key. */
int step_decode(const uint8_t *body, size_t length, struct store_step *ret_step)
{
        struct value_reader reader = {.at = body, .end = body + length};
        struct store_step step = {0};
        size_t left;

        step.serial_from = value_read_u32(&reader);
        step.serial_to = value_read_u32(&reader);
        step.removed_count = value_read_u64(&reader);
        step.added_count = value_read_u64(&reader);
        step.bytes_before = value_read_u64(&reader);
        step.bytes_after = value_read_u64(&reader);
        step.removed_pieces = value_read_u32(&reader);
        step.added_pieces = value_read_u32(&reader);
        step.published_usec = value_read_u64(&reader);
        value_read_soa(&reader, &step.soa_from);
        value_read_soa(&reader, &step.soa_to);
        left = (size_t)(reader.end - reader.at);
        step.provenance = (const char *)value_read_bytes(&reader, left);
        if (reader.failed || left == 0 || memchr(step.provenance, 0, left) != step.provenance + left - 1)
                return -EUCLEAN;
        if (step.serial_from != soa_serial(&step.soa_from) || step.serial_to != soa_serial(&step.soa_to) ||
                step.bytes_after < step.bytes_before)
                return -EUCLEAN;
        *ret_step = step;
        return 0;
}

int store_step_get(struct store_read *read, uint64_t zone_id, uint64_t version, struct store_step *ret_step)
{
        uint8_t key[STEP_KEY_SIZE];
        const uint8_t *body;
        size_t length;
        int r;

        step_key_write(key, zone_id, version, 0);
        r = read_get(read, DATABASE_STEPS, key, sizeof(key), &body, &length);
        if (r == 0)
                r = step_decode(body, length, ret_step);
        if (r == 0)
                ret_step->version = version;
        return r;
}

int store_step_from(
        struct store_read *read, const struct store_zone *zone, uint32_t serial, struct store_step *ret_step)
{
        uint8_t key[SERIAL_KEY_SIZE];
        const uint8_t *body;
        struct store_step step;
        uint64_t version;
        size_t length;
        int r;

        serial_key_write(key, zone->id, serial);
        r = read_get(read, DATABASE_SERIALS, key, sizeof(key), &body, &length);
        if (r < 0)
                return r;
        if (length != sizeof(version))
                return -EUCLEAN;
        version = read_u64(body);
        if (version <= zone->oldest_version)
                return -ENOENT; /* of a step that is gone, perhaps of another era (I1) */
        r = store_step_get(read, zone->id, version, &step);
        if (r == -ENOENT || (r == 0 && (step.serial_from != serial || version > zone->version)))
                return -EUCLEAN;
        if (r == 0)
                *ret_step = step;
        return r;
}

int store_step_piece(struct store_read *read, uint64_t zone_id, uint64_t version, unsigned piece,
        struct store_leaf *ret_body)
{
        uint8_t key[STEP_KEY_SIZE];
        MDB_val name = {sizeof(key), key}, value;
        int r;

        step_key_write(key, zone_id, version, piece);
        r = lmdb_error(mdb_get(read->txn, read->store->databases[DATABASE_STEPS], &name, &value));
        return r < 0 ? r : leaf_open(&value, ret_body);
}
