/* Writes all leaves of a zone at once: a new zone, or one that changed in large part. The publisher's thread.
 *
 * The leaves of a large zone are rendered by a crew, some thousand records on a shelf, and put in order.
 * While the publisher puts what lies in one rack of shelves, the crew fills the other one. Where a shelf ends
 * its last leaf is not full: one in forty. */
#include "store/store_data.h"

#include "base/crew.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define RACK_SHELVES 8
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

struct rack {
        const struct record_list *records;
        struct shelf shelves[RACK_SHELVES];
        unsigned filled;
};

struct leaf_ahead {
        struct crew *crew; /* at work on racks[turn], if it has any shelf to fill */
        size_t at;         /* the first record that has no shelf yet */
        struct rack racks[2];
        unsigned turn;
};

struct load {
        struct store_batch *batch;
        uint64_t zone_id;
        const uint8_t *apex;
        const struct record_list *records;
        struct leaf_key previous;
        unsigned flags;
        struct leaf_totals totals;
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
        struct rack *rack = context;
        struct shelf *shelf = &rack->shelves[index];

        shelf->leaf_count = 0;
        shelf->bytes.length = 0;
        for (size_t at = shelf->begin, used; shelf->result == 0 && at < shelf->end; at += used) {
                size_t length;

                shelf->result = leaf_render(&shelf->writer, rack->records->items + at, shelf->end - at,
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

/* ---- racks ---- */

static void begin_rack(struct leaf_ahead *ahead)
{
        struct rack *rack = &ahead->racks[ahead->turn];
        size_t all = rack->records->count;

        for (rack->filled = 0; rack->filled < RACK_SHELVES && ahead->at < all; rack->filled++) {
                struct shelf *shelf = &rack->shelves[rack->filled];

                shelf->begin = ahead->at;
                shelf->end = ahead->at = all - ahead->at < SHELF_RECORDS ? all : ahead->at + SHELF_RECORDS;
        }
        if (rack->filled > 0)
                crew_begin(ahead->crew, fill_shelf, rack, rack->filled);
}

/* The rack that was begun, full; empty where there is no more. The next one is begun. */
static const struct rack *next_rack(struct leaf_ahead *ahead)
{
        const struct rack *rack = &ahead->racks[ahead->turn];

        if (rack->filled == 0)
                return rack;
        crew_end(ahead->crew);
        ahead->turn ^= 1;
        begin_rack(ahead);
        return rack;
}

struct leaf_ahead *leaf_ahead_begin(const struct record_list *records, struct crew *crew)
{
        if (crew_size(crew) < 2 || records->count <= 2 * SHELF_RECORDS)
                return NULL;
        struct leaf_ahead *ahead = calloc(1, sizeof(*ahead));
        if (!ahead)
                return NULL;
        ahead->crew = crew;
        ahead->racks[0].records = ahead->racks[1].records = records;
        begin_rack(ahead);
        return ahead;
}

void leaf_ahead_end(struct leaf_ahead *ahead)
{
        if (!ahead)
                return;
        if (ahead->racks[ahead->turn].filled > 0)
                crew_end(ahead->crew);
        for (unsigned i = 0; i < 2 * RACK_SHELVES; i++) {
                struct shelf *shelf = &ahead->racks[i % 2].shelves[i / 2];

                buffer_free(&shelf->bytes);
                free(shelf->leaves);
        }
        free(ahead);
}

static int load_ahead(struct load *load, struct leaf_ahead *ahead)
{
        const struct rack *rack;
        int r = 0;

        while (r == 0 && (rack = next_rack(ahead))->filled > 0)
                for (unsigned i = 0; r == 0 && i < rack->filled; i++)
                        r = empty_shelf(load, &rack->shelves[i]);
        return r;
}

int leaf_load(struct store_batch *batch, uint64_t zone_id, const uint8_t *apex,
        const struct record_list *records, struct leaf_ahead *ahead, struct leaf_totals *ret_totals)
{
        struct load load = {.batch = batch, .zone_id = zone_id, .apex = apex, .records = records};
        int r = append_flag(batch, zone_id, &load.flags);

        if (r == 0)
                r = ahead ? load_ahead(&load, ahead) : load_alone(&load);
        if (r < 0)
                return batch_fail(batch, r == -EEXIST ? -EINVAL : r); /* not sorted */
        load.totals.record_count = records->count;
        *ret_totals = load.totals;
        return 0;
}
