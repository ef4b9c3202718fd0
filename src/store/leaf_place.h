/* Private to store/: the leaves that an edit has at hand. */
#pragma once

#include "store/store_data.h"

struct leaf_places {
        struct store_batch *batch;
        uint64_t zone_id;
        const uint8_t *apex;
        MDB_cursor *cursor;
        struct arena arena; /* of the records decoded */
};

/* A leaf, its first record decoded. */
struct leaf_place {
        bool is_there;
        struct leaf_key key;
        struct record first;
        size_t length; /* of the body */
};

/* The leaf that the record is in, or would be: the last whose first record is not behind it, else the first
 * of all. Not there: the zone has no leaf. */
int leaf_place_find(struct leaf_places *places, const struct record *record, struct leaf_place *ret_place);
/* MDB_PREV or MDB_NEXT. */
int leaf_place_beside(struct leaf_places *places, const struct leaf_place *place, MDB_cursor_op direction,
        struct leaf_place *ret_beside);
/* Appends all records of a leaf to the list. */
int leaf_place_read(struct leaf_places *places, const struct leaf_place *place, struct record_list *list);
/* A key for the leaf that begins with record and lies between previous and next. Where there is no sequence
 * left between them, the leaves of the group from next on are moved, and next's key changes. */
int leaf_key_between(struct leaf_places *places, const struct record *record,
        const struct leaf_place *previous, struct leaf_place *next, struct leaf_key *ret_key);
