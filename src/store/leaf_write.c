/* Renders records into message bodies, for leaves and for the pieces of journal steps, and writes all leaves
 * of a zone at once. The publisher's thread alone; the scratch belongs to the store. */
#include "store/store_data.h"

#include <errno.h>
#include <string.h>

int leaf_render(struct leaf_writer *writer, const struct record *records, size_t count, size_t fill,
        size_t *ret_used, size_t *ret_length)
{
        struct render *render = &writer->render;
        size_t used = 0;

        render_begin(render, writer->bytes, fill, 0, FLAG_QR | FLAG_AA);
        while (used < count && render_record(render, RENDER_ANSWER, &records[used]) == RENDER_OK)
                used++;
        if (used == 0 && count > 0) {
                render_begin(render, writer->bytes, MESSAGE_MAX_SIZE, 0, FLAG_QR | FLAG_AA);
                if (render_record(render, RENDER_ANSWER, &records[0]) != RENDER_OK)
                        return -EMSGSIZE;
                used = 1;
        }
        *ret_length = render_end(render);
        *ret_used = used;
        return 0;
}

/* A new zone has the highest id: its leaves go to the very end, where LMDB need not search and fills its
 * pages. */
static int append_flag(struct store_batch *batch, uint64_t zone_id, unsigned *ret_flags)
{
        CLEANUP(read_cursor_close_later) MDB_cursor *cursor = NULL;
        MDB_val key, value;
        int r = read_cursor_open(&batch->view, DATABASE_LEAVES, &cursor);

        if (r == 0)
                r = cursor_move(cursor, &key, &value, MDB_LAST);
        if (r < 0)
                return r;
        *ret_flags =
                r == 1 || (key.mv_size >= ZONE_KEY_SIZE && read_u64(key.mv_data) < zone_id) ? MDB_APPEND : 0;
        return 0;
}

int leaf_load(struct store_batch *batch, uint64_t zone_id, const uint8_t *apex,
        const struct record_list *records, struct leaf_totals *ret_totals)
{
        struct leaf_writer *writer = batch->store->writer;
        struct leaf_totals totals = {0};
        struct leaf_key key, previous = {.length = 0};
        unsigned flags;
        int r = append_flag(batch, zone_id, &flags);

        for (size_t at = 0, used; r == 0 && at < records->count; at += used) {
                size_t length;
                struct iovec piece = {writer->bytes, 0};

                r = leaf_render(
                        writer, records->items + at, records->count - at, LEAF_BODY_FILL, &used, &length);
                if (r == 0)
                        r = leaf_key_make(&key, zone_id, records->items[at].owner, apex, LEAF_SEQUENCE_STEP);
                if (r < 0)
                        break;
                if (leaf_key_is_same_group(&key, &previous))
                        leaf_key_set_sequence(&key, leaf_key_sequence(&previous) + LEAF_SEQUENCE_STEP);
                piece.iov_len = length;
                r = batch_put(batch, DATABASE_LEAVES, key.bytes, key.length, &piece, 1, flags);
                previous = key;
                totals.leaf_count++;
                totals.axfr_bytes += length;
        }
        if (r < 0)
                return batch_fail(batch, r == -EEXIST ? -EINVAL : r); /* not sorted */
        totals.record_count = records->count;
        *ret_totals = totals;
        return 0;
}
