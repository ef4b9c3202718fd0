/* Applies a delta to the leaves of a zone. The publisher's thread alone; work in proportion to the leaves
 * touched.
 *
 * Leaf by leaf, in order: the leaf of the next change is decoded to the heap (a put may move what the map
 * shows), merged with all changes that belong before the first record of the leaf behind it, rendered again
 * and written: in one piece while it stays within STORE_LEAF_MAX, else in pieces of STORE_LEAF_FILL. A leaf
 * that became small takes in a neighbour when both fit in STORE_LEAF_FILL.
 *
 * The delta is checked as it is applied (I3): what it removes has to be there, octet for octet and with that
 * TTL; what it adds must not be there. */
#include "store/leaf_place.h"

#include <errno.h>
#include <string.h>

#define LEAF_SMALL 4096

struct edit {
        struct leaf_places places;
        const struct record *removed, *removed_end;
        const struct record *added, *added_end;
        struct leaf_totals *totals;
        struct record_list list;  /* the content at hand */
        struct record_list other; /* what a merge makes of it */
};

static const struct record *next_change(const struct edit *edit)
{
        if (edit->removed == edit->removed_end)
                return edit->added == edit->added_end ? NULL : edit->added;
        if (edit->added == edit->added_end)
                return edit->removed;
        return record_compare(edit->removed, edit->added) <= 0 ? edit->removed : edit->added;
}

/* The records of a leaf are at hand now: what becomes of them is counted when it is written. */
static int place_take(struct edit *edit, const struct leaf_place *place, struct record_list *list)
{
        edit->totals->leaf_count--;
        edit->totals->axfr_bytes -= place->length;
        return leaf_place_read(&edit->places, place, list);
}

static int place_delete(struct edit *edit, const struct leaf_place *place)
{
        return batch_delete(edit->places.batch, DATABASE_LEAVES, place->key.bytes, place->key.length);
}

static int push(struct record_list *list, const struct record *record)
{
        if (list->count > 0 && record_compare(&list->items[list->count - 1], record) >= 0)
                return -EINVAL;
        return record_list_add(list, record);
}

/* All that is added before `bound` (NULL: to the end). *ret_is_bound: the next would be added in its place.
 */
static int push_added(struct edit *edit, const struct record *bound, bool *ret_is_bound)
{
        int r = 0;

        *ret_is_bound = false;
        while (r == 0 && edit->added < edit->added_end) {
                int order = bound ? record_compare(edit->added, bound) : -1;

                *ret_is_bound = order == 0;
                if (order >= 0)
                        break;
                r = push(&edit->other, edit->added++);
                edit->totals->record_count++;
        }
        return r;
}

static bool is_next(const struct record *change, const struct record *end, const struct record *record)
{
        return change < end && record_compare(change, record) == 0;
}

/* Merges the changes before bound into the list. */
static int merge(struct edit *edit, const struct record *bound)
{
        struct record_list merged;
        bool is_added;
        int r = 0;

        edit->other.count = 0;
        for (size_t i = 0; r == 0 && i < edit->list.count; i++) {
                const struct record *old = &edit->list.items[i];

                r = push_added(edit, old, &is_added);
                if (r < 0)
                        break;
                if (is_next(edit->removed, edit->removed_end, old)) {
                        if (!record_is_identical(edit->removed, old))
                                return -EINVAL;
                        edit->removed++;
                        edit->totals->record_count--;
                        continue; /* what is added in its place comes before the next, or below */
                }
                if (is_added)
                        return -EINVAL;
                r = record_list_add(&edit->other, old);
        }
        if (r == 0)
                r = push_added(edit, bound, &is_added);
        /* What is left to be removed before the bound was not there. */
        if (r == 0 && edit->removed < edit->removed_end &&
                (!bound || record_compare(edit->removed, bound) < 0))
                r = -EINVAL;
        merged = edit->other;
        edit->other = edit->list;
        edit->list = merged;
        return r;
}

/* A leaf, what lies beside it, and where the content at hand goes. */
struct span {
        struct leaf_place previous;
        struct leaf_place place; /* not there: the zone has no leaf */
        struct leaf_place next;
};

/* Writes the leaf that the writer holds; it is the previous one from then on. While the place's key fits, it
 * is used again. */
static int leaf_put(struct edit *edit, struct span *span, const struct record *first, size_t length)
{
        struct iovec piece = {edit->places.batch->store->writer->bytes, length};
        struct leaf_place written = {.is_there = true, .length = length};
        int r = leaf_key_make(&written.key, edit->places.zone_id, first->owner, edit->places.apex, 0);
        bool keeps_key =
                r == 0 && span->place.is_there && leaf_key_is_same_group(&span->place.key, &written.key);

        if (keeps_key)
                written.key = span->place.key;
        else if (r == 0)
                r = leaf_key_between(&edit->places, first, &span->previous, &span->next, &written.key);
        if (r == 0 && span->place.is_there && !keeps_key)
                r = place_delete(edit, &span->place);
        if (r < 0)
                return r;
        span->place.is_there = false;
        r = batch_put(
                edit->places.batch, DATABASE_LEAVES, written.key.bytes, written.key.length, &piece, 1, 0);
        edit->totals->leaf_count++;
        edit->totals->axfr_bytes += length;
        span->previous = written;
        return r;
}

static int span_write(struct edit *edit, struct span *span)
{
        const struct record *items = edit->list.items;
        size_t count = edit->list.count, used, length, fill = LEAF_BODY_MAX;
        int r = 0;

        if (count == 0)
                return span->place.is_there ? place_delete(edit, &span->place) : 0;
        for (size_t at = 0; r == 0 && at < count; at += used) {
                r = leaf_render(
                        edit->places.batch->store->writer, items + at, count - at, fill, &used, &length);
                if (r == 0 && at == 0 && used < count) {
                        /* A split leaves room in both parts. */
                        fill = LEAF_BODY_FILL;
                        r = leaf_render(
                                edit->places.batch->store->writer, items, count, fill, &used, &length);
                }
                if (r == 0)
                        r = leaf_put(edit, span, &items[at], length);
        }
        return r;
}

/* Octets of the content at hand, or SIZE_MAX where they are more than a small leaf's. */
static int small_length(struct edit *edit, size_t *ret_length)
{
        size_t used;
        int r = leaf_render(edit->places.batch->store->writer, edit->list.items, edit->list.count, LEAF_SMALL,
                &used, ret_length);

        if (r == 0 && (used < edit->list.count || *ret_length > LEAF_SMALL))
                *ret_length = SIZE_MAX;
        return r;
}

static bool fits_together(size_t length, const struct leaf_place *neighbour)
{
        return neighbour->is_there && length <= LEAF_SMALL && length + neighbour->length <= LEAF_BODY_FILL;
}

/* The leaf behind comes into the content at hand. */
static int absorb_next(struct edit *edit, struct span *span)
{
        struct leaf_place gone = span->next;
        int r = leaf_place_beside(&edit->places, &gone, MDB_NEXT, &span->next);

        if (r == 0)
                r = place_take(edit, &gone, &edit->list);
        return r < 0 ? r : place_delete(edit, &gone);
}

/* The content at hand goes into the leaf before. */
static int absorb_previous(struct edit *edit, struct span *span)
{
        struct record_list joined;
        struct leaf_place before;
        int r = leaf_place_beside(&edit->places, &span->previous, MDB_PREV, &before);

        edit->other.count = 0;
        if (r == 0)
                r = place_take(edit, &span->previous, &edit->other);
        for (size_t i = 0; r == 0 && i < edit->list.count; i++)
                r = record_list_add(&edit->other, &edit->list.items[i]);
        if (r == 0 && span->place.is_there)
                r = place_delete(edit, &span->place);
        joined = edit->other;
        edit->other = edit->list;
        edit->list = joined;
        span->place = span->previous;
        span->previous = before;
        return r;
}

static int span_find(struct edit *edit, const struct record *change, struct span *ret_span)
{
        int r = leaf_place_find(&edit->places, change, &ret_span->place);

        ret_span->previous.is_there = ret_span->next.is_there = false;
        if (r < 0 || !ret_span->place.is_there)
                return r;
        r = leaf_place_beside(&edit->places, &ret_span->place, MDB_PREV, &ret_span->previous);
        return r < 0 ? r : leaf_place_beside(&edit->places, &ret_span->place, MDB_NEXT, &ret_span->next);
}

/* Brings one leaf up to date, with all the changes that fall into it. */
static int edit_leaf(struct edit *edit, const struct record *change)
{
        size_t length;
        struct span span;
        int r = span_find(edit, change, &span);

        edit->list.count = 0;
        if (r == 0 && span.place.is_there)
                r = place_take(edit, &span.place, &edit->list);
        while (r == 0) {
                r = merge(edit, span.next.is_there ? &span.next.first : NULL);
                if (r < 0 || edit->list.count == 0)
                        break;
                if (!span.next.is_there && !span.previous.is_there)
                        break;
                r = small_length(edit, &length);
                if (r < 0 || !fits_together(length, &span.next)) {
                        if (r == 0 && fits_together(length, &span.previous))
                                r = absorb_previous(edit, &span);
                        break;
                }
                r = absorb_next(edit, &span);
        }
        return r < 0 ? r : span_write(edit, &span);
}

int leaf_edit(struct store_batch *batch, uint64_t zone_id, const uint8_t *apex,
        const struct record_list *removed, const struct record_list *added, struct leaf_totals *totals)
{
        static const struct record_list none;
        const struct record *change;
        struct edit edit = {.places = {.batch = batch, .zone_id = zone_id, .apex = apex}, .totals = totals};
        int r = read_cursor_open(&batch->view, DATABASE_LEAVES, &edit.places.cursor);

        removed = removed ? removed : &none;
        added = added ? added : &none;
        edit.removed = removed->items;
        edit.removed_end = removed->items ? removed->items + removed->count : NULL;
        edit.added = added->items;
        edit.added_end = added->items ? added->items + added->count : NULL;
        while (r == 0 && (change = next_change(&edit))) {
                r = edit_leaf(&edit, change);
                if (r == 0 && change == next_change(&edit))
                        r = -EUCLEAN; /* the leaves are not in order */
                arena_free(&edit.places.arena);
        }
        read_cursor_close(edit.places.cursor);
        arena_free(&edit.places.arena);
        record_list_free(&edit.list);
        record_list_free(&edit.other);
        return r < 0 ? batch_fail(batch, r) : 0;
}
