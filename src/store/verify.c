/* Reads everything and says what is wrong with it. Any thread, on a view of its own.
 *
 * Checked: every value's checksum and form; that names and rows lead to each other; a zone's leaves (keys,
 * order across and within, counts, octets) and its content digest; its history (unbroken versions, serials
 * and sums, pieces and their counts, the index); and that nothing belongs to a zone that is not there. */
#include "store/store_data.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct verify {
        struct store_read *read;
        void (*tell)(void *context, const char *line);
        void *context;
        int faults;
        char zone[NAME_TEXT_MAX]; /* being checked */
};

__attribute__((format(printf, 2, 3))) static void fault(struct verify *verify, const char *format, ...)
{
        char text[256], line[NAME_TEXT_MAX + sizeof(text) + 2];
        va_list arguments;

        va_start(arguments, format);
        vsnprintf(text, sizeof(text), format, arguments);
        va_end(arguments);
        snprintf(line, sizeof(line), "%s: %s", verify->zone, text);
        if (verify->faults < INT32_MAX)
                verify->faults++;
        if (verify->tell)
                verify->tell(verify->context, line);
}

/* What the leaves of a zone come to. */
struct content {
        struct leaf_totals totals;
        struct digest digest;
        bool unreadable;
        struct record last;
        /* The records of the leaf at hand, and those of the one before, of which last may be. */
        struct arena arenas[2];
        unsigned turn;
        struct leaf_key key; /* of the leaf at hand */
};

static int leaf_records_verify(struct verify *verify, struct content *content, const struct store_zone *zone,
        const struct store_leaf *leaf)
{
        struct message_walk walk;
        struct record record;
        struct leaf_key expected;
        struct arena *arena = &content->arenas[content->turn ^= 1];
        unsigned n = 0;
        int r = message_walk_begin(&walk, leaf->message, leaf->length);

        arena_free(arena);
        for (; r == 0; n++) {
                r = message_walk_next(&walk, arena, &record);
                if (r != 0)
                        break;
                if (n == 0 && (leaf_key_make(&expected, zone->id, record.owner, zone->name, 0) < 0 ||
                                      !leaf_key_is_same_group(&expected, &content->key)))
                        fault(verify, "a leaf has the key of another owner");
                if (content->last.owner && record_compare(&content->last, &record) >= 0)
                        fault(verify, "records are out of order, or twice there");
                content->last = record;
                r = digest_add(&content->digest, &record);
        }
        if (r == -ENOMEM || r == -EIO)
                return r;
        if (r == -EBADMSG || n == 0 || n != leaf->record_count) {
                fault(verify, "a leaf is no message that was made here");
                content->unreadable = true;
        }
        content->totals.record_count += n;
        return 0;
}

static int leaves_walk(
        struct verify *verify, struct content *content, const struct store_zone *zone, MDB_cursor *cursor)
{
        struct store_leaf leaf;
        MDB_val key, value;
        int r = leaf_cursor_first(cursor, zone->id, &key, &value);

        while (r == 0 && key_is_of_zone(&key, zone->id)) {
                if (leaf_key_load(&content->key, &key) < 0 || leaf_open(&value, &leaf) < 0) {
                        fault(verify, "leaf %llu is damaged",
                                (unsigned long long)content->totals.leaf_count + 1);
                        content->unreadable = true;
                } else {
                        content->totals.axfr_bytes += leaf.length;
                        r = leaf_records_verify(verify, content, zone, &leaf);
                        if (r < 0)
                                return r;
                }
                content->totals.leaf_count++;
                r = cursor_move(cursor, &key, &value, MDB_NEXT);
        }
        return r < 0 ? r : 0;
}

static int leaves_verify(struct verify *verify, const struct store_zone *zone)
{
        CLEANUP(read_cursor_close_later) MDB_cursor *cursor = NULL;
        struct content content = {0};
        int r = read_cursor_open(verify->read, DATABASE_LEAVES, &cursor);

        if (r == 0)
                r = leaves_walk(verify, &content, zone, cursor);
        if (r == 0)
                r = digest_add(&content.digest, &zone->soa);
        arena_free(&content.arenas[0]);
        arena_free(&content.arenas[1]);
        if (r < 0)
                return r;
        if (content.totals.leaf_count != zone->leaf_count)
                fault(verify, "%llu leaves, the zone's row says %llu",
                        (unsigned long long)content.totals.leaf_count, (unsigned long long)zone->leaf_count);
        if (content.unreadable)
                return 0;
        if (content.totals.record_count + 1 != zone->record_count)
                fault(verify, "%llu records, the zone's row says %llu",
                        (unsigned long long)content.totals.record_count + 1,
                        (unsigned long long)zone->record_count);
        if (content.totals.axfr_bytes != zone->axfr_bytes)
                fault(verify, "the leaves' octets are not what the zone's row says");
        if (memcmp(content.digest.bytes, zone->digest.bytes, DIGEST_SIZE) != 0)
                fault(verify, "the records do not give the version's digest");
        return 0;
}

/* Counts the records of one half of a step. */
static bool pieces_verify(struct verify *verify, const struct store_zone *zone, const struct store_step *step,
        unsigned first, unsigned count, uint64_t records, uint64_t *bytes)
{
        for (unsigned piece = first; piece < first + count; piece++) {
                struct message_walk walk;
                struct arena arena = {0};
                struct record record;
                struct store_leaf body;
                int r = store_step_piece(verify->read, zone->id, step->version, piece, &body);

                if (r == 0)
                        r = message_walk_begin(&walk, body.message, body.length);
                while (r == 0 && (r = message_walk_next(&walk, &arena, &record)) == 0)
                        records--;
                arena_free(&arena);
                if (r < 0)
                        return false;
                *bytes += body.length;
        }
        return records == 0;
}

static bool step_is_sound(struct verify *verify, const struct store_zone *zone, const struct store_step *step)
{
        uint64_t bytes = record_wire_size(&step->soa_from) + record_wire_size(&step->soa_to);
        struct store_step indexed;

        return pieces_verify(verify, zone, step, 1, step->removed_pieces, step->removed_count, &bytes) &&
               pieces_verify(verify, zone, step, 1 + step->removed_pieces, step->added_pieces,
                       step->added_count, &bytes) &&
               step->bytes_after - step->bytes_before == bytes &&
               store_step_from(verify->read, zone, step->serial_from, &indexed) == 0 &&
               indexed.version == step->version;
}

static void history_verify(struct verify *verify, const struct store_zone *zone)
{
        uint64_t bytes = zone->journal_begin;
        uint32_t serial = zone->oldest_serial;

        for (uint64_t version = zone->oldest_version + 1; version <= zone->version; version++) {
                struct store_step step;

                if (store_step_get(verify->read, zone->id, version, &step) < 0) {
                        fault(verify, "the step to version %llu is missing or damaged",
                                (unsigned long long)version);
                        return;
                }
                if (step.bytes_before != bytes || step.serial_from != serial)
                        fault(verify, "the step to serial %u does not continue the one before",
                                step.serial_to);
                else if (!step_is_sound(verify, zone, &step))
                        fault(verify, "the step from serial %u is damaged", step.serial_from);
                bytes = step.bytes_after;
                serial = step.serial_to;
        }
        if (bytes != zone->journal_end || serial != zone->serial)
                fault(verify, "the history does not lead to serial %u", zone->serial);
}

static int zones_verify(struct verify *verify)
{
        uint64_t position = 0;
        struct store_zone zone, named;
        int r;

        while ((r = store_zone_next(verify->read, &position, &zone)) != 1) {
                struct arena arena = {0};

                snprintf(verify->zone, sizeof(verify->zone), "zone %llu", (unsigned long long)position);
                if (r == -EUCLEAN) {
                        fault(verify, "its row is damaged");
                        continue;
                }
                if (r < 0)
                        return r;
                name_to_zone_text(zone.name, verify->zone);
                if (zone.id != position || store_zone_find(verify->read, zone.name, &named) < 0 ||
                        named.id != zone.id)
                        fault(verify, "its name leads elsewhere");
                if (store_zone_files(verify->read, &zone, &arena) == -EUCLEAN)
                        fault(verify, "the files in its row are damaged");
                arena_free(&arena);
                r = leaves_verify(verify, &zone);
                if (r < 0)
                        return r;
                history_verify(verify, &zone);
        }
        return 0;
}

/* Every value of a database by itself, and whether its zone is there. */
static int database_verify(struct verify *verify, enum store_database database, const char *what)
{
        CLEANUP(read_cursor_close_later) MDB_cursor *cursor = NULL;
        uint64_t known = 0;
        MDB_val key, value;
        const uint8_t *body;
        size_t length;
        int r = read_cursor_open(verify->read, database, &cursor);

        while (r == 0 && (r = cursor_move(cursor, &key, &value, MDB_NEXT)) == 0) {
                uint64_t id = key.mv_size >= ZONE_KEY_SIZE ? read_u64(key.mv_data) : 0;
                uint8_t row[ZONE_KEY_SIZE];
                MDB_val row_key = {sizeof(row), row}, row_value;
                struct store_chunk chunk;

                snprintf(verify->zone, sizeof(verify->zone), "zone %llu", (unsigned long long)id);
                write_u64(row, id);
                if (id != known && !(id == 0 && database == DATABASE_STATE) &&
                        mdb_get(verify->read->txn, verify->read->store->databases[DATABASE_ZONES], &row_key,
                                &row_value) != 0)
                        fault(verify, "%s of a zone that is not there", what);
                known = id;
                /* Leaves and steps were looked at zone by zone. */
                if (database == DATABASE_LEAVES || database == DATABASE_STEPS)
                        continue;
                if (value_open(&value, &body, &length) < 0 ||
                        (database == DATABASE_TEXT && chunk_decode(body, length, &chunk) < 0))
                        fault(verify, "%s is damaged", what);
        }
        return r < 0 ? r : 0;
}

static int names_verify(struct verify *verify)
{
        CLEANUP(read_cursor_close_later) MDB_cursor *cursor = NULL;
        struct store_zone zone;
        MDB_val key, value;
        int r = read_cursor_open(verify->read, DATABASE_NAMES, &cursor);

        while (r == 0 && (r = cursor_move(cursor, &key, &value, MDB_NEXT)) == 0) {
                if (name_check(key.mv_data, key.mv_size) != key.mv_size) {
                        snprintf(verify->zone, sizeof(verify->zone), "names");
                        fault(verify, "a key is no name");
                        continue;
                }
                name_to_zone_text(key.mv_data, verify->zone);
                if (store_zone_find(verify->read, key.mv_data, &zone) == -EUCLEAN)
                        fault(verify, "the name leads to no zone");
        }
        return r < 0 ? r : 0;
}

int store_verify(struct store *store, void (*tell)(void *context, const char *line), void *context)
{
        struct verify verify = {.tell = tell, .context = context};
        int r = store_read_begin(store, &verify.read);

        if (r < 0)
                return r;
        r = zones_verify(&verify);
        if (r == 0)
                r = names_verify(&verify);
        if (r == 0)
                r = database_verify(&verify, DATABASE_LEAVES, "a leaf");
        if (r == 0)
                r = database_verify(&verify, DATABASE_STEPS, "a step");
        if (r == 0)
                r = database_verify(&verify, DATABASE_SERIALS, "a serial");
        if (r == 0)
                r = database_verify(&verify, DATABASE_TEXT, "a text chunk");
        if (r == 0)
                r = database_verify(&verify, DATABASE_STATE, "a state row");
        store_read_end(verify.read);
        return r < 0 ? r : verify.faults;
}
