/* Small opaque rows of others, a key of their own each within a zone. Reading: any thread; writing: the
 * publisher's. */
#include "store/store_data.h"

#include <errno.h>
#include <string.h>

static int key_write(uint8_t bytes[static STORE_KEY_MAX], uint64_t zone_id, const void *key, size_t key_size)
{
        if (key_size >= STORE_KEY_MAX - ZONE_KEY_SIZE) /* one less: store_state_next adds a 00 */
                return -EINVAL;
        write_u64(bytes, zone_id);
        if (key_size > 0)
                memcpy(bytes + ZONE_KEY_SIZE, key, key_size);
        return 0;
}

int store_state_get(struct store_read *read, uint64_t zone_id, const void *key, size_t key_size,
        const void **ret_value, size_t *ret_size)
{
        uint8_t bytes[STORE_KEY_MAX];
        const uint8_t *body;
        int r = key_write(bytes, zone_id, key, key_size);

        if (r == 0)
                r = read_get(read, DATABASE_STATE, bytes, ZONE_KEY_SIZE + key_size, &body, ret_size);
        if (r == 0)
                *ret_value = body;
        return r;
}

/* The shortest key behind another is that one and a 00. */
int store_state_next(struct store_read *read, uint64_t zone_id, struct buffer *position,
        const void **ret_value, size_t *ret_size)
{
        uint8_t bytes[STORE_KEY_MAX];
        MDB_val key, value;
        const uint8_t *body;
        size_t length;
        int r = key_write(bytes, zone_id, position->data, position->length);

        if (r < 0)
                return r;
        length = ZONE_KEY_SIZE + position->length;
        if (position->length > 0)
                bytes[length++] = 0;
        r = read_seek(read, DATABASE_STATE, bytes, length, &key, &value);
        if (r == 0 && !key_is_of_zone(&key, zone_id))
                r = 1;
        if (r != 0)
                return r;
        buffer_clear(position);
        buffer_append(position, (uint8_t *)key.mv_data + ZONE_KEY_SIZE, key.mv_size - ZONE_KEY_SIZE);
        r = buffer_status(position);
        if (r == 0)
                r = value_open(&value, &body, ret_size);
        if (r == 0)
                *ret_value = body;
        return r;
}

int store_batch_state_put(struct store_batch *batch, uint64_t zone_id, const void *key, size_t key_size,
        const void *value, size_t size)
{
        uint8_t bytes[STORE_KEY_MAX], zone[ZONE_KEY_SIZE];
        MDB_val name = {sizeof(zone), zone}, row;
        int r = key_size == 0 ? -EINVAL : key_write(bytes, zone_id, key, key_size);

        if (r < 0)
                return r;
        write_u64(zone, zone_id);
        if (batch->error == 0 && zone_id > 0 &&
                mdb_get(batch->txn, batch->store->databases[DATABASE_ZONES], &name, &row) == MDB_NOTFOUND)
                return -ENOENT;
        return batch_put_body(batch, DATABASE_STATE, bytes, ZONE_KEY_SIZE + key_size, value, size);
}

int store_batch_state_delete(struct store_batch *batch, uint64_t zone_id, const void *key, size_t key_size)
{
        uint8_t bytes[STORE_KEY_MAX];
        int r = key_write(bytes, zone_id, key, key_size);

        return r < 0 ? r : batch_delete(batch, DATABASE_STATE, bytes, ZONE_KEY_SIZE + key_size);
}
