/* The text last published, in chunks: | state length 4 | state | bytes |. What a state holds is zonefile/'s.
 * Reading: any thread; writing: the publisher's. */
#include "store/store_data.h"

#include <errno.h>
#include <string.h>

static void chunk_key_write(uint8_t key[static CHUNK_KEY_SIZE], uint64_t zone_id, uint64_t chunk)
{
        write_u64(key, zone_id);
        write_u64(key + 8, chunk);
}

int chunk_decode(const uint8_t *body, size_t length, struct store_chunk *ret_chunk)
{
        struct value_reader reader = {.at = body, .end = body + length};
        size_t state_length = value_read_u32(&reader);
        const uint8_t *state = value_read_bytes(&reader, state_length);

        if (reader.failed)
                return -EUCLEAN;
        *ret_chunk = (struct store_chunk){
                .state = state,
                .state_length = state_length,
                .bytes = (const char *)reader.at,
                .length = (size_t)(reader.end - reader.at),
        };
        return 0;
}

/* Chunks are asked for one after the other: the cursor stays at the last one. A batch's view changes under
 * it.
 */
static int chunk_seek(
        struct store_read *read, uint64_t zone_id, uint64_t key, MDB_val *ret_key, MDB_val *ret_value)
{
        uint8_t first[CHUNK_KEY_SIZE];
        uint64_t zone_before = read->chunks_zone;

        read->chunks_zone = UINT64_MAX; /* until it is known where the cursor stands */
        if (read->chunks && key > 0 && zone_before == zone_id && read->chunks_at == key - 1)
                return cursor_move(read->chunks, ret_key, ret_value, MDB_NEXT);
        chunk_key_write(first, zone_id, key);
        if (read->is_batch)
                return read_seek(read, DATABASE_TEXT, first, sizeof(first), ret_key, ret_value);
        if (!read->chunks) {
                int r = read_cursor_open(read, DATABASE_TEXT, &read->chunks);
                if (r < 0)
                        return r;
        }
        *ret_key = (MDB_val){sizeof(first), first};
        return cursor_move(read->chunks, ret_key, ret_value, MDB_SET_RANGE);
}

int store_chunk_next(struct store_read *read, uint64_t zone_id, uint64_t key, struct store_chunk *ret_chunk)
{
        MDB_val found, value;
        const uint8_t *body;
        size_t length;
        int r = chunk_seek(read, zone_id, key, &found, &value);

        if (r != 0)
                return r;
        if (!key_is_of_zone(&found, zone_id))
                return 1;
        if (found.mv_size != CHUNK_KEY_SIZE)
                return -EUCLEAN;
        read->chunks_zone = zone_id;
        read->chunks_at = read_u64((uint8_t *)found.mv_data + 8);
        r = value_peek(&value, &body, &length);
        if (r == 0)
                r = chunk_decode(body, length, ret_chunk);
        if (r == 0)
                ret_chunk->key = read->chunks_at;
        return r;
}

int store_chunk_check(struct store_read *read, uint64_t zone_id, uint64_t key)
{
        uint8_t name[CHUNK_KEY_SIZE];
        const uint8_t *body;
        size_t length;

        chunk_key_write(name, zone_id, key);
        return read_get(read, DATABASE_TEXT, name, sizeof(name), &body, &length);
}

static int chunk_put(struct store_batch *batch, uint64_t zone_id, const struct store_chunk *chunk)
{
        uint8_t key[CHUNK_KEY_SIZE], state_length[4];
        struct iovec pieces[] = {
                {state_length, sizeof(state_length)},
                {(void *)chunk->state, chunk->state_length},
                {(void *)chunk->bytes, chunk->length},
        };

        if (chunk->state_length > UINT32_MAX)
                return batch_fail(batch, -EINVAL);
        write_u32(state_length, (uint32_t)chunk->state_length);
        chunk_key_write(key, zone_id, chunk->key);
        return batch_put(batch, DATABASE_TEXT, key, sizeof(key), pieces, 3, 0);
}

static int range_replace(
        struct store_batch *batch, uint64_t zone_id, const struct store_text_range *range, bool deletes)
{
        uint8_t first[CHUNK_KEY_SIZE], limit[CHUNK_KEY_SIZE];
        int r = 0;

        if (deletes) {
                chunk_key_write(first, zone_id, range->first_key);
                if (range->last_key < UINT64_MAX)
                        chunk_key_write(limit, zone_id, range->last_key + 1);
                else
                        chunk_key_write(limit, zone_id + 1, 0);
                r = batch_delete_range(batch, DATABASE_TEXT, first, limit, sizeof(first));
        }
        for (size_t i = 0; r == 0 && i < range->count; i++)
                r = chunk_put(batch, zone_id, &range->chunks[i]);
        return r;
}

int text_publish(struct store_batch *batch, uint64_t zone_id, const struct store_publication *publication)
{
        bool by_ranges = publication->text_change == STORE_TEXT_RANGES;
        int r = 0;

        switch (publication->text_change) {
        case STORE_TEXT_KEEP:
                return 0;
        case STORE_TEXT_DROP:
                return batch_delete_zone_keys(batch, DATABASE_TEXT, zone_id);
        case STORE_TEXT_WHOLE:
                r = batch_delete_zone_keys(batch, DATABASE_TEXT, zone_id);
                break;
        case STORE_TEXT_RANGES:
                break;
        }
        for (size_t i = 0; r == 0 && i < publication->range_count; i++)
                r = range_replace(batch, zone_id, &publication->ranges[i], by_ranges);
        return r;
}
