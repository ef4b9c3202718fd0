/* Leaf keys, and finding leaves by them. Any thread, on the caller's cursor. The key is drawn in
 * store_data.h.
 *
 * Invariants: a leaf's group is made from the owner of its first record; keys rise with the content; no leaf
 * is empty. So the records of an owner begin in the last leaf before the owner's group, or in the first of
 * the group. */
#include "store/store_data.h"

#include <errno.h>
#include <string.h>

#define SEQUENCE_SIZE 8

int leaf_key_make(
        struct leaf_key *key, uint64_t zone_id, const uint8_t *owner, const uint8_t *apex, uint64_t sequence)
{
        uint8_t order[NAME_KEY_MAX];
        size_t length;

        if (!name_is_below(owner, apex))
                return -EINVAL;
        length = name_order_key(owner, apex, order);
        if (length > LEAF_OWNER_MAX)
                length = LEAF_OWNER_MAX;
        write_u64(key->bytes, zone_id);
        memcpy(key->bytes + ZONE_KEY_SIZE, order, length);
        key->bytes[ZONE_KEY_SIZE + length] = 0;
        key->length = ZONE_KEY_SIZE + length + 1 + SEQUENCE_SIZE;
        leaf_key_set_sequence(key, sequence);
        return 0;
}

int leaf_key_load(struct leaf_key *key, const MDB_val *value)
{
        if (value->mv_size < ZONE_KEY_SIZE + 1 + SEQUENCE_SIZE || value->mv_size > STORE_KEY_MAX)
                return -EUCLEAN;
        memcpy(key->bytes, value->mv_data, value->mv_size);
        key->length = value->mv_size;
        return key->bytes[key->length - SEQUENCE_SIZE - 1] == 0 ? 0 : -EUCLEAN;
}

uint64_t leaf_key_sequence(const struct leaf_key *key)
{
        return read_u64(key->bytes + key->length - SEQUENCE_SIZE);
}

void leaf_key_set_sequence(struct leaf_key *key, uint64_t sequence)
{
        write_u64(key->bytes + key->length - SEQUENCE_SIZE, sequence);
}

bool leaf_key_is_same_group(const struct leaf_key *left, const struct leaf_key *right)
{
        return left->length == right->length &&
               memcmp(left->bytes, right->bytes, left->length - SEQUENCE_SIZE) == 0;
}

/* What the cursor found, if it is the zone's. */
static int of_zone(int found, uint64_t zone_id, const MDB_val *key)
{
        return found != 0 || key_is_of_zone(key, zone_id) ? found : 1;
}

int leaf_cursor_floor(MDB_cursor *cursor, uint64_t zone_id, const struct leaf_key *key, MDB_val *ret_key,
        MDB_val *ret_value)
{
        int r;

        *ret_key = (MDB_val){key->length, (void *)key->bytes};
        r = cursor_move(cursor, ret_key, ret_value, MDB_SET_RANGE);
        if (r < 0)
                return r;
        if (r == 0 && ret_key->mv_size == key->length &&
                memcmp(ret_key->mv_data, key->bytes, key->length) == 0)
                return 0;
        r = cursor_move(cursor, ret_key, ret_value, r == 1 ? MDB_LAST : MDB_PREV);
        return of_zone(r, zone_id, ret_key);
}

int leaf_cursor_first(MDB_cursor *cursor, uint64_t zone_id, MDB_val *ret_key, MDB_val *ret_value)
{
        uint8_t first[ZONE_KEY_SIZE];

        write_u64(first, zone_id);
        *ret_key = (MDB_val){sizeof(first), first};
        return of_zone(cursor_move(cursor, ret_key, ret_value, MDB_SET_RANGE), zone_id, ret_key);
}

int leaf_cursor_seek(MDB_cursor *cursor, uint64_t zone_id, const uint8_t *owner, const uint8_t *apex,
        MDB_val *ret_key, MDB_val *ret_value)
{
        struct leaf_key key;
        int r = leaf_key_make(&key, zone_id, owner, apex, 0);

        if (r < 0)
                return r;
        r = leaf_cursor_floor(cursor, zone_id, &key, ret_key, ret_value);
        return r == 1 ? leaf_cursor_first(cursor, zone_id, ret_key, ret_value) : r;
}

int leaf_peek(const MDB_val *value, struct store_leaf *ret_leaf)
{
        const uint8_t *body;
        size_t length;
        int r = value_peek(value, &body, &length);

        if (r < 0)
                return r;
        if (length < MESSAGE_HEADER_SIZE)
                return -EUCLEAN;
        *ret_leaf =
                (struct store_leaf){.message = body, .length = length, .record_count = read_u16(body + 6)};
        return 0;
}

int store_leaf_check(const struct store_leaf *leaf)
{
        return value_check(leaf->message, leaf->length);
}

int leaf_open(const MDB_val *value, struct store_leaf *ret_leaf)
{
        struct store_leaf leaf;
        int r = leaf_peek(value, &leaf);

        if (r == 0)
                r = store_leaf_check(&leaf);
        if (r == 0)
                *ret_leaf = leaf;
        return r;
}
