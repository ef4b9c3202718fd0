/* Cursors over a zone: leaf by leaf as they lie in the map (AXFR), or record by record. Any thread, on the
 * caller's view.
 *
 * A cursor of a batch's view has to be closed before the batch ends: LMDB frees it then. */
#include "store/store_data.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct store_leaves {
        struct store_read *read;
        uint64_t zone_id;
        MDB_cursor *cursor;
        bool has_last;
        struct leaf_key last; /* returned last */
};

int store_leaves_open(struct store_read *read, uint64_t zone_id, struct store_leaves **ret_leaves)
{
        struct store_leaves *leaves = calloc(1, sizeof(*leaves));
        int r;

        if (!leaves)
                return -ENOMEM;
        leaves->read = read;
        leaves->zone_id = zone_id;
        r = read_cursor_open(read, DATABASE_LEAVES, &leaves->cursor);
        if (r < 0) {
                free(leaves);
                return r;
        }
        *ret_leaves = leaves;
        return 0;
}

/* Opens the cursor again in a new view, on the leaf returned last. */
static int leaves_position(struct store_leaves *leaves)
{
        MDB_val key = {leaves->last.length, leaves->last.bytes}, value;
        int r = read_cursor_open(leaves->read, DATABASE_LEAVES, &leaves->cursor);

        if (r == 0 && leaves->has_last)
                r = cursor_move(leaves->cursor, &key, &value, MDB_SET);
        return r == 1 ? -ESTALE : r; /* it was another version */
}

int store_leaves_next(struct store_leaves *leaves, struct store_leaf *ret_leaf)
{
        MDB_val key, value;
        int r = leaves->cursor ? 0 : leaves_position(leaves);

        if (r < 0)
                return r;
        if (leaves->has_last)
                r = cursor_move(leaves->cursor, &key, &value, MDB_NEXT);
        else
                r = leaf_cursor_first(leaves->cursor, leaves->zone_id, &key, &value);
        if (r == 0 && !key_is_of_zone(&key, leaves->zone_id))
                r = 1;
        if (r == 0)
                r = leaf_peek(&value, ret_leaf);
        if (r == 0)
                r = leaf_key_load(&leaves->last, &key);
        if (r == 0)
                leaves->has_last = true;
        return r;
}

int store_leaves_resume(struct store_leaves *leaves, struct store_read *read)
{
        leaves->cursor = read_cursor_close(leaves->cursor);
        leaves->read = read;
        return leaves_position(leaves);
}

struct store_leaves *store_leaves_close(struct store_leaves *leaves)
{
        if (leaves)
                read_cursor_close(leaves->cursor);
        free(leaves);
        return NULL;
}
