/* The records of a zone in canonical order, decoded leaf after leaf. Any thread, on the caller's view; a
 * cursor of a batch's view has to be closed before the batch ends. */
#include "store/store_data.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct store_records {
        struct store_read *read;
        uint64_t zone_id;
        uint8_t apex[NAME_MAX_LENGTH];
        MDB_cursor *cursor;
        bool in_leaf;
        bool at_end;
        struct message_walk walk;
        struct arena arena; /* of the leaf at hand */
        bool has_ahead;     /* a seek read one record too far */
        struct record ahead;
};

int store_records_open(struct store_read *read, uint64_t zone_id, struct store_records **ret_records)
{
        struct store_records *records = calloc(1, sizeof(*records));
        struct store_zone zone;
        int r = records ? store_zone_get(read, zone_id, &zone) : -ENOMEM;

        if (r == 0)
                r = read_cursor_open(read, DATABASE_LEAVES, &records->cursor);
        if (r == 0) {
                records->read = read;
                records->zone_id = zone_id;
                memcpy(records->apex, zone.name, name_length(zone.name));
                r = store_records_seek(records, NULL);
        }
        if (r < 0) {
                store_records_close(records);
                return r;
        }
        *ret_records = records;
        return 0;
}

/* Begins with the leaf that a move of the cursor found. */
static int leaf_begin(struct store_records *records, int found, const MDB_val *key, const MDB_val *value)
{
        struct store_leaf leaf;
        int r = found;

        arena_free(&records->arena);
        records->in_leaf = false;
        if (r == 0 && !key_is_of_zone(key, records->zone_id))
                r = 1;
        if (r == 1)
                records->at_end = true;
        if (r == 0)
                r = leaf_open(value, &leaf);
        if (r == 0)
                r = message_walk_begin(&records->walk, leaf.message, leaf.length);
        if (r == 0)
                records->in_leaf = true;
        return r == -EBADMSG ? -EUCLEAN : r;
}

int store_records_next(struct store_records *records, struct record *ret_record)
{
        if (records->has_ahead) {
                *ret_record = records->ahead;
                records->has_ahead = false;
                return 0;
        }
        while (!records->at_end) {
                MDB_val key, value;
                int r = records->in_leaf ? message_walk_next(&records->walk, &records->arena, ret_record) : 1;

                if (r == 1)
                        r = leaf_begin(
                                records, cursor_move(records->cursor, &key, &value, MDB_NEXT), &key, &value);
                else
                        return r == -EBADMSG ? -EUCLEAN : r;
                if (r < 0)
                        return r;
        }
        return 1;
}

int store_records_seek(struct store_records *records, const uint8_t *owner)
{
        MDB_val key, value;
        int r;

        records->has_ahead = records->at_end = false;
        if (owner && name_is_below(owner, records->apex))
                r = leaf_cursor_seek(records->cursor, records->zone_id, owner, records->apex, &key, &value);
        else
                r = leaf_cursor_first(records->cursor, records->zone_id, &key, &value);
        r = leaf_begin(records, r, &key, &value);
        while (r == 0 && owner) {
                r = store_records_next(records, &records->ahead);
                if (r == 0 && name_compare(records->ahead.owner, owner) >= 0) {
                        records->has_ahead = true;
                        break;
                }
        }
        return r < 0 ? r : 0;
}

int store_records_of_owner(
        struct store_records *records, const uint8_t *owner, struct arena *arena, struct record_list *list)
{
        struct record record, copy;
        int r = store_records_seek(records, owner);

        while (r == 0 && (r = store_records_next(records, &record)) == 0) {
                if (!name_equal(record.owner, owner))
                        break;
                r = record_copy(arena, &record, &copy);
                if (r == 0)
                        r = record_list_add(list, &copy);
        }
        return r < 0 ? r : 0;
}

struct store_records *store_records_close(struct store_records *records)
{
        if (records) {
                read_cursor_close(records->cursor);
                arena_free(&records->arena);
        }
        free(records);
        return NULL;
}
