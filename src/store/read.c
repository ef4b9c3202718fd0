/* Read views, and the look-ups that every reader is made of. Any thread, each view on one at a time
 * (MDB_NOTLS: a view is not bound to the thread that began it).
 *
 * What they give out lies in the map and is valid until the view ends or is renewed. No body is handed on
 * before its checksum was looked at. */
#include "store/store_data.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int store_read_begin(struct store *store, struct store_read **ret_read)
{
        struct store_read *read = calloc(1, sizeof(*read));
        int r;

        if (!read)
                return -ENOMEM;
        read->store = store;
        read->clock =
                store->written_bytes; /* before: a commit in between then counts as pinned, not as missed */
        r = lmdb_error(mdb_txn_begin(store->env, NULL, MDB_RDONLY, &read->txn));
        if (r < 0) {
                free(read);
                return r;
        }
        *ret_read = read;
        return 0;
}

int store_read_renew(struct store_read *read)
{
        if (read->is_batch)
                return 0;
        read->zones = read_cursor_close(read->zones);
        read->chunks = read_cursor_close(read->chunks);
        mdb_txn_reset(read->txn);
        read->clock = read->store->written_bytes;
        return lmdb_error(mdb_txn_renew(read->txn));
}

struct store_read *store_read_end(struct store_read *read)
{
        if (!read || read->is_batch)
                return NULL;
        read_cursor_close(read->zones);
        read_cursor_close(read->chunks);
        mdb_txn_abort(read->txn);
        free(read);
        return NULL;
}

uint64_t store_read_clock(const struct store_read *read)
{
        return read->clock;
}

uint64_t store_written_bytes(const struct store *store)
{
        return store->written_bytes;
}

MDB_cursor *read_cursor_close(MDB_cursor *cursor)
{
        if (cursor)
                mdb_cursor_close(cursor);
        return NULL;
}

int read_cursor_open(const struct store_read *read, enum store_database database, MDB_cursor **ret_cursor)
{
        return lmdb_error(mdb_cursor_open(read->txn, read->store->databases[database], ret_cursor));
}

int read_get(const struct store_read *read, enum store_database database, const void *key, size_t key_size,
        const uint8_t **ret_body, size_t *ret_length)
{
        MDB_val name = {key_size, (void *)key}, value;
        int r = lmdb_error(mdb_get(read->txn, read->store->databases[database], &name, &value));

        return r < 0 ? r : value_open(&value, ret_body, ret_length);
}

int cursor_move(MDB_cursor *cursor, MDB_val *key, MDB_val *value, MDB_cursor_op operation)
{
        int code = mdb_cursor_get(cursor, key, value, operation);

        return code == MDB_NOTFOUND ? 1 : lmdb_error(code);
}

int read_seek(const struct store_read *read, enum store_database database, const void *key, size_t key_size,
        MDB_val *ret_key, MDB_val *ret_value)
{
        CLEANUP(read_cursor_close_later) MDB_cursor *cursor = NULL;
        int r = read_cursor_open(read, database, &cursor);

        if (r < 0)
                return r;
        *ret_key = (MDB_val){key_size, (void *)key};
        return cursor_move(cursor, ret_key, ret_value, MDB_SET_RANGE);
}

bool key_is_of_zone(const MDB_val *key, uint64_t zone_id)
{
        return key->mv_size >= ZONE_KEY_SIZE && read_u64(key->mv_data) == zone_id;
}
