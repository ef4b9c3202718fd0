/* Writes all leaves of a zone at once: a new zone, or one that changed in large part. The publisher's thread.
 *
 * The leaves of a large zone are rendered by a crew, some thousand records a thread at a time, and put in
 * order. Where one thread's records end its last leaf is not full: one in forty. */
#include "store/store_data.h"

#include "base/crew.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define SHELVES_MAX 8
#define SHELF_RECORDS 16384

struct rendered {
        size_t first; /* its first record in the list */
        size_t length;
};

/* What one thread renders before the leaves are put. */
struct shelf {
        struct leaf_writer writer;
        size_t begin, end; /* records */
        struct buffer bytes;
        struct rendered *leaves;
        size_t leaf_count, leaf_capacity;
        int result;
};

struct load {
        struct store_batch *batch;
        uint64_t zone_id;
        const uint8_t *apex;
        const struct record_list *records;
        struct leaf_key previous;
        unsigned flags;
        struct leaf_totals totals;
        struct shelf *shelves;
};

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

static int put_leaf(struct load *load, size_t first, const uint8_t *bytes, size_t length)
{
        struct iovec piece = {(void *)(uintptr_t)bytes, length};
        struct leaf_key key;
        int r = leaf_key_make(
                &key, load->zone_id, load->records->items[first].owner, load->apex, LEAF_SEQUENCE_STEP);

        if (r < 0)
                return r;
        if (leaf_key_is_same_group(&key, &load->previous))
                leaf_key_set_sequence(&key, leaf_key_sequence(&load->previous) + LEAF_SEQUENCE_STEP);
        r = batch_put(load->batch, DATABASE_LEAVES, key.bytes, key.length, &piece, 1, load->flags);
        load->previous = key;
        load->totals.leaf_count++;
        load->totals.axfr_bytes += length;
        return r;
}

static int load_alone(struct load *load)
{
        struct leaf_writer *writer = load->batch->store->writer;
        const struct record_list *records = load->records;
        int r = 0;

        for (size_t at = 0, used; r == 0 && at < records->count; at += used) {
                size_t length;

                r = leaf_render(
                        writer, records->items + at, records->count - at, LEAF_BODY_FILL, &used, &length);
                if (r == 0)
                        r = put_leaf(load, at, writer->bytes, length);
        }
        return r;
}

static int shelf_add(struct shelf *shelf, size_t first, size_t length)
{
        if (shelf->leaf_count == shelf->leaf_capacity) {
                size_t capacity = shelf->leaf_capacity ? shelf->leaf_capacity * 2 : 64;
                void *grown = reallocarray(shelf->leaves, capacity, sizeof(*shelf->leaves));

                if (!grown)
                        return -ENOMEM;
                shelf->leaves = grown;
                shelf->leaf_capacity = capacity;
        }
        shelf->leaves[shelf->leaf_count++] = (struct rendered){.first = first, .length = length};
        buffer_append(&shelf->bytes, shelf->writer.bytes, length);
        return buffer_status(&shelf->bytes);
}

static void fill_shelf(void *context, unsigned index)
{
        const struct load *load = context;
        struct shelf *shelf = &load->shelves[index];

        shelf->leaf_count = 0;
        shelf->bytes.length = 0;
        for (size_t at = shelf->begin, used; shelf->result == 0 && at < shelf->end; at += used) {
                size_t length;

                shelf->result = leaf_render(&shelf->writer, load->records->items + at, shelf->end - at,
                        LEAF_BODY_FILL, &used, &length);
                if (shelf->result == 0)
                        shelf->result = shelf_add(shelf, at, length);
        }
}

static int empty_shelf(struct load *load, const struct shelf *shelf)
{
        const uint8_t *bytes = shelf->bytes.data;
        int r = shelf->result;

        for (size_t i = 0; r == 0 && i < shelf->leaf_count; bytes += shelf->leaves[i++].length)
                r = put_leaf(load, shelf->leaves[i].first, bytes, shelf->leaves[i].length);
        return r;
}

static int load_together(struct load *load, struct crew *crew)
{
        unsigned count = crew_size(crew) < SHELVES_MAX ? crew_size(crew) : SHELVES_MAX;
        size_t at = 0, all = load->records->count;
        int r = 0;

        load->shelves = calloc(count, sizeof(*load->shelves));
        if (!load->shelves)
                return -ENOMEM;
        while (r == 0 && at < all) {
                unsigned filled = 0;

                for (; filled < count && at < all; filled++) {
                        size_t end = all - at < SHELF_RECORDS ? all : at + SHELF_RECORDS;
                        load->shelves[filled].begin = at;
                        load->shelves[filled].end = at = end;
                }
                crew_run(crew, fill_shelf, load, filled);
                for (unsigned i = 0; r == 0 && i < filled; i++)
                        r = empty_shelf(load, &load->shelves[i]);
        }
        for (unsigned i = 0; i < count; i++) {
                buffer_free(&load->shelves[i].bytes);
                free(load->shelves[i].leaves);
        }
        free(load->shelves);
        return r;
}

int leaf_load(struct store_batch *batch, uint64_t zone_id, const uint8_t *apex,
        const struct record_list *records, struct crew *crew, struct leaf_totals *ret_totals)
{
        struct load load = {.batch = batch, .zone_id = zone_id, .apex = apex, .records = records};
        int r = append_flag(batch, zone_id, &load.flags);

        if (r == 0)
                r = crew_size(crew) > 1 && records->count > 2 * SHELF_RECORDS ? load_together(&load, crew)
                                                                              : load_alone(&load);
        if (r < 0)
                return batch_fail(batch, r == -EEXIST ? -EINVAL : r); /* not sorted */
        load.totals.record_count = records->count;
        *ret_totals = load.totals;
        return 0;
}
