/* Leaves as an edit of a zone meets them: found for a record, beside another, read to the heap; and the keys
 * of new ones. The publisher's thread alone, inside a batch: whatever a cursor shows is copied before the
 * next change. */
#include "store/leaf_place.h"

#include <errno.h>
#include <string.h>

/* How far leaves behind are moved when the sequences between two of one group ran out. */
#define SEQUENCE_ROOM (1ull << 48)

static int walk_error(int r)
{
        return r == -EBADMSG || r == 1 ? -EUCLEAN : r;
}

static int place_load(
        struct leaf_places *places, const MDB_val *key, const MDB_val *value, struct leaf_place *ret_place)
{
        struct message_walk walk;
        struct store_leaf leaf = {0};
        int r = leaf_open(value, &leaf);

        if (r == 0)
                r = leaf_key_load(&ret_place->key, key);
        if (r == 0)
                r = walk_error(message_walk_begin(&walk, leaf.message, leaf.length));
        if (r == 0)
                r = walk_error(message_walk_next(&walk, &places->arena, &ret_place->first));
        ret_place->length = leaf.length;
        ret_place->is_there = r == 0;
        return r;
}

/* Loads what the cursor's move found; nothing there is no error. */
static int place_found(struct leaf_places *places, int r, const MDB_val *key, const MDB_val *value,
        struct leaf_place *ret_place)
{
        ret_place->is_there = false;
        if (r == 0 && key_is_of_zone(key, places->zone_id))
                return place_load(places, key, value, ret_place);
        return r < 0 ? r : 0;
}

/* The leaf that the record is in, or would be: the last whose first record is not behind it, else the first
 * of all. */
int leaf_place_find(struct leaf_places *places, const struct record *record, struct leaf_place *ret_place)
{
        struct leaf_key last;
        MDB_val key, value;
        int r = leaf_key_make(&last, places->zone_id, record->owner, places->apex, UINT64_MAX);

        if (r < 0)
                return r;
        r = leaf_cursor_floor(places->cursor, places->zone_id, &last, &key, &value);
        if (r == 1)
                return place_found(places, leaf_cursor_first(places->cursor, places->zone_id, &key, &value),
                        &key, &value, ret_place);
        r = place_found(places, r, &key, &value, ret_place);
        /* Within one group the keys do not tell. */
        while (r == 0 && leaf_key_is_same_group(&ret_place->key, &last) &&
                record_compare(&ret_place->first, record) > 0) {
                struct leaf_place before;

                r = place_found(
                        places, cursor_move(places->cursor, &key, &value, MDB_PREV), &key, &value, &before);
                if (r < 0 || !before.is_there)
                        break;
                *ret_place = before;
        }
        return r;
}

int leaf_place_beside(struct leaf_places *places, const struct leaf_place *place, MDB_cursor_op direction,
        struct leaf_place *ret_beside)
{
        MDB_val key = {place->key.length, (void *)place->key.bytes}, value;
        int r = cursor_move(places->cursor, &key, &value, MDB_SET);

        if (r == 1)
                return -EUCLEAN;
        if (r == 0)
                r = cursor_move(places->cursor, &key, &value, direction);
        return place_found(places, r, &key, &value, ret_beside);
}

/* Appends all records of a leaf to the list. */
int leaf_place_read(struct leaf_places *places, const struct leaf_place *place, struct record_list *list)
{
        MDB_val key = {place->key.length, (void *)place->key.bytes}, value;
        struct message_walk walk;
        struct store_leaf leaf;
        struct record record;
        int r = cursor_move(places->cursor, &key, &value, MDB_SET);

        if (r == 0)
                r = leaf_open(&value, &leaf);
        if (r == 0)
                r = message_walk_begin(&walk, leaf.message, leaf.length);
        if (r != 0)
                return walk_error(r);
        while ((r = message_walk_next(&walk, &places->arena, &record)) == 0)
                if (record_list_add(list, &record) < 0)
                        return -ENOMEM;
        return r == 1 ? 0 : walk_error(r);
}

/* Moves the leaves of the group from `next` on by SEQUENCE_ROOM and more, the last first. */
static int group_move(struct leaf_places *places, struct leaf_place *next)
{
        struct leaf_key key = next->key, moved;
        uint64_t count = 0, begin = leaf_key_sequence(&next->key);
        MDB_val name = {key.length, key.bytes}, value;
        int r = cursor_move(places->cursor, &name, &value, MDB_SET);

        for (; r == 0; count++) {
                r = cursor_move(places->cursor, &name, &value, MDB_NEXT);
                if (r != 0 || leaf_key_load(&moved, &name) < 0 || !leaf_key_is_same_group(&moved, &next->key))
                        break;
                key = moved;
        }
        if (begin > UINT64_MAX - SEQUENCE_ROOM - (count + 1) * LEAF_SEQUENCE_STEP)
                return -EOVERFLOW; /* after millions of splits: the zone is to be written anew */
        for (uint64_t n = count + 1; r >= 0 && n-- > 0;) {
                CLEANUP_FREE void *copy = NULL;
                struct leaf_key before = key;
                const uint8_t *body;
                size_t length;

                r = read_get(&places->batch->view, DATABASE_LEAVES, key.bytes, key.length, &body, &length);
                if (r == 0 && !(copy = malloc(length)))
                        r = -ENOMEM;
                if (r < 0)
                        break;
                memcpy(copy, body, length);
                name = (MDB_val){key.length, key.bytes};
                if (n > 0 && cursor_move(places->cursor, &name, &value, MDB_SET) == 0 &&
                        cursor_move(places->cursor, &name, &value, MDB_PREV) == 0)
                        r = leaf_key_load(&before, &name);
                moved = key;
                leaf_key_set_sequence(&moved, begin + SEQUENCE_ROOM + n * LEAF_SEQUENCE_STEP);
                if (r == 0)
                        r = batch_delete(places->batch, DATABASE_LEAVES, key.bytes, key.length);
                if (r == 0)
                        r = batch_put_body(
                                places->batch, DATABASE_LEAVES, moved.bytes, moved.length, copy, length);
                next->key = moved;
                key = before;
        }
        return r < 0 ? r : 0;
}

/* A key for the leaf that begins with record and lies between previous and next. */
int leaf_key_between(struct leaf_places *places, const struct record *record,
        const struct leaf_place *previous, struct leaf_place *next, struct leaf_key *ret_key)
{
        uint64_t low = 0, high;
        int r = leaf_key_make(ret_key, places->zone_id, record->owner, places->apex, 0);

        if (r < 0)
                return r;
        if (previous->is_there && leaf_key_is_same_group(&previous->key, ret_key))
                low = leaf_key_sequence(&previous->key);
        if (!next->is_there || !leaf_key_is_same_group(&next->key, ret_key)) {
                if (low > UINT64_MAX - LEAF_SEQUENCE_STEP)
                        return -EOVERFLOW;
                leaf_key_set_sequence(ret_key, low + LEAF_SEQUENCE_STEP);
                return 0;
        }
        high = leaf_key_sequence(&next->key);
        if (high - low < 2) {
                r = group_move(places, next);
                if (r < 0)
                        return r;
                high = leaf_key_sequence(&next->key);
        }
        leaf_key_set_sequence(ret_key, low + (high - low) / 2);
        return 0;
}
