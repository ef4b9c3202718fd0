/* What a batch does to a zone: a new version, a changed row, a cut history, its end. The publisher's thread
 * alone.
 *
 * A version is its row, leaves, step, text and name: all of it is written here, in the batch's one
 * transaction, or nothing (I1, I3). */
#include "store/store_data.h"

#include "dns/serial.h"
#include "dns/type.h"

#include <errno.h>
#include <string.h>

/* All that is kept under the id. */
static int content_delete(struct store_batch *batch, uint64_t zone_id)
{
        static const enum store_database databases[] = {DATABASE_LEAVES, DATABASE_STEPS, DATABASE_SERIALS,
                DATABASE_TEXT, DATABASE_STATE, DATABASE_ZONES};
        int r = 0;

        for (size_t i = 0; r == 0 && i < sizeof(databases) / sizeof(databases[0]); i++)
                r = batch_delete_zone_keys(batch, databases[i], zone_id);
        return r;
}

/* Names that lead to the id: where the row, which knows its name, is damaged. */
static int names_delete(struct store_batch *batch, uint64_t zone_id)
{
        CLEANUP(read_cursor_close_later) MDB_cursor *cursor = NULL;
        const uint8_t *body;
        MDB_val key, value;
        size_t length;
        int r = read_cursor_open(&batch->view, DATABASE_NAMES, &cursor);

        while (r == 0 && (r = cursor_move(cursor, &key, &value, MDB_NEXT)) == 0)
                if (value_open(&value, &body, &length) == 0 && length == 8 && read_u64(body) == zone_id)
                        r = lmdb_error(mdb_cursor_del(cursor, 0));
        return r < 0 ? batch_fail(batch, r) : 0;
}

/* A row that cannot be read any more makes way for a zone that begins anew; so does all that hangs on it. */
static int remains_delete(struct store_batch *batch, const uint8_t *name)
{
        const uint8_t *body;
        size_t length;
        int r = read_get(&batch->view, DATABASE_NAMES, name, name_length(name), &body, &length);

        if (r == 0 && length == 8)
                return content_delete(batch, read_u64(body));
        return r == -EUCLEAN || r == 0 ? 0 : r;
}

/* The zone as it is: 0, 1 = there is none. */
static int base_load(struct store_batch *batch, const struct store_publication *publication,
        const uint8_t *name, struct store_zone *ret_old)
{
        int r = store_zone_find(&batch->view, name, ret_old);

        if (r == 0)
                return ret_old->version == publication->base_version ? 0 : -ESTALE;
        if (publication->base_version != 0)
                return r == -ENOENT ? -ESTALE : r;
        if (r == -EUCLEAN)
                r = remains_delete(batch, name);
        return r == 0 || r == -ENOENT ? 1 : r;
}

static int publication_check(const struct store_publication *publication, const struct store_zone *old)
{
        const struct record *soa = &publication->soa;
        struct soa fields;

        if (soa->type != TYPE_SOA || soa_parse(soa->rdata, soa->rdata_length, &fields) < 0 ||
                fields.serial == 0 || !name_equal(soa->owner, publication->name))
                return -EINVAL;
        /* I2: within an era serials go forward. */
        if (old && !publication->begins_era && !serial_is_ahead(fields.serial, old->serial))
                return -EINVAL;
        if (publication->text_change == STORE_TEXT_RANGES && (!old || !(old->flags & STORE_ZONE_HAS_TEXT)))
                return -EINVAL;
        return 0;
}

static int leaves_publish(struct store_batch *batch, struct store_zone *zone,
        const struct store_publication *publication, struct leaf_ahead *ahead)
{
        struct leaf_totals totals = {zone->leaf_count, zone->record_count - 1, zone->axfr_bytes};
        int r;

        if (publication->records) {
                r = batch_delete_zone_keys(batch, DATABASE_LEAVES, zone->id);
                if (r == 0)
                        r = leaf_load(batch, zone->id, zone->name, publication->records, ahead, &totals);
        } else {
                r = leaf_edit(batch, zone->id, zone->name, publication->removed, publication->added, &totals);
        }
        zone->leaf_count = totals.leaf_count;
        zone->record_count = totals.record_count + 1;
        zone->axfr_bytes = totals.axfr_bytes;
        return r;
}

static uint32_t zone_flags(const struct store_publication *publication, uint32_t old_flags)
{
        uint32_t flags = publication->flags & ~(uint32_t)STORE_ZONE_HAS_TEXT;

        switch (publication->text_change) {
        case STORE_TEXT_KEEP:
                return flags | (old_flags & STORE_ZONE_HAS_TEXT);
        case STORE_TEXT_DROP:
                return flags;
        case STORE_TEXT_WHOLE:
        case STORE_TEXT_RANGES:
                return flags | STORE_ZONE_HAS_TEXT;
        }
        return flags;
}

/* The row's new fields; counts and journal follow from what is written. */
static int zone_prepare(struct store_batch *batch, const struct store_publication *publication,
        const struct store_zone *old, const uint8_t *name, struct store_zone *zone)
{
        if (old) {
                *zone = *old;
                zone->version++;
                zone->era += publication->begins_era;
        } else {
                uint8_t id[8];

                *zone = (struct store_zone){.id = batch_zone_id(batch),
                        .version = 1,
                        .oldest_version = 1,
                        .era = 1,
                        .record_count = 1};
                write_u64(id, zone->id);
                int r = batch_put_body(batch, DATABASE_NAMES, name, name_length(name), id, sizeof(id));
                if (r < 0)
                        return r;
        }
        zone->name = name;
        zone->soa = publication->soa;
        zone->serial = soa_serial(&publication->soa);
        zone->file_serial = publication->file_serial;
        zone->flags = zone_flags(publication, zone->flags);
        zone->rrset_count = publication->rrset_count;
        zone->published_usec = publication->published_usec;
        zone->digest = publication->digest;
        return 0;
}

/* Text first: of a large zone the leaves are rendered meanwhile. */
static int content_publish(
        struct store_batch *batch, struct store_zone *zone, const struct store_publication *publication)
{
        struct leaf_ahead *ahead =
                publication->records ? leaf_ahead_begin(publication->records, publication->crew) : NULL;
        int r = text_publish(batch, zone->id, publication);

        if (r == 0)
                r = leaves_publish(batch, zone, publication, ahead);
        if (ahead)
                batch->crew = publication->crew;
        leaf_ahead_end(ahead);
        return r;
}

static int publish(struct store_batch *batch, const struct store_publication *publication,
        struct arena *arena, uint64_t *ret_version)
{
        uint8_t name[NAME_MAX_LENGTH];
        struct store_zone found, zone, *old = NULL;
        int r;

        name_fold(publication->name, name);
        r = base_load(batch, publication, name, &found);
        if (r == 0) {
                old = &found;
                r = record_copy(arena, &found.soa, &found.soa); /* a put may move what the map shows */
        } else if (r == 1) {
                r = 0;
        }
        if (r == 0)
                r = publication_check(publication, old);
        if (r == 0)
                r = zone_prepare(batch, publication, old, name, &zone);
        if (r == 0)
                r = content_publish(batch, &zone, publication);
        if (r == 0 && old)
                r = journal_publish(batch, old, &zone, publication);
        else if (r == 0)
                journal_cut(&zone);
        if (r == 0)
                r = batch_zone_put(batch, &zone, publication->files, publication->file_count);
        if (r == 0)
                *ret_version = zone.version;
        return r;
}

int store_batch_publish(
        struct store_batch *batch, const struct store_publication *publication, uint64_t *ret_version)
{
        struct arena arena = {0};
        int r = batch->error ? batch->error : publish(batch, publication, &arena, ret_version);

        arena_free(&arena);
        return r < 0 ? batch_fail(batch, r) : 0;
}

int store_batch_zone_update(struct store_batch *batch, uint64_t zone_id, uint32_t flags, uint32_t file_serial,
        const struct store_file *files, size_t file_count)
{
        struct store_zone zone;
        int r = batch->error ? batch->error : store_zone_get(&batch->view, zone_id, &zone);

        if (r < 0)
                return batch_fail(batch, r);
        zone.flags = flags & (zone.flags | ~(uint32_t)STORE_ZONE_HAS_TEXT);
        zone.file_serial = file_serial;
        return batch_zone_put(batch, &zone, files, file_count);
}

int store_batch_zone_text(struct store_batch *batch, uint64_t zone_id, enum store_text_change change,
        const struct store_text_range *ranges, size_t count)
{
        struct store_publication publication = {
                .text_change = change, .ranges = ranges, .range_count = count};
        struct arena arena = {0};
        struct store_zone zone;
        int r = batch->error ? batch->error : store_zone_get(&batch->view, zone_id, &zone);

        if (r == 0)
                r = store_zone_files(&batch->view, &zone, &arena);
        if (r == 0 && change == STORE_TEXT_RANGES && !(zone.flags & STORE_ZONE_HAS_TEXT))
                r = -EINVAL;
        if (r == 0) {
                publication.flags = zone.flags;
                zone.flags = zone_flags(&publication, zone.flags);
                if (zone.flags !=
                        publication.flags) /* the row before the text: a put may move what the map shows */
                        r = batch_zone_put(batch, &zone, zone.files, zone.file_count);
        }
        if (r == 0)
                r = text_publish(batch, zone_id, &publication);
        arena_free(&arena);
        return r < 0 ? batch_fail(batch, r) : 0;
}

int store_batch_history_cut(struct store_batch *batch, uint64_t zone_id)
{
        struct arena arena = {0};
        struct store_zone zone;
        int r = batch->error ? batch->error : store_zone_get(&batch->view, zone_id, &zone);

        if (r == 0)
                r = store_zone_files(&batch->view, &zone, &arena);
        if (r == 0) {
                zone.era++;
                journal_cut(&zone);
                r = batch_zone_put(batch, &zone, zone.files, zone.file_count);
        }
        arena_free(&arena);
        return r < 0 ? batch_fail(batch, r) : 0;
}

int store_batch_zone_remove(struct store_batch *batch, uint64_t zone_id)
{
        struct store_zone zone;
        int r = batch->error ? batch->error : store_zone_get(&batch->view, zone_id, &zone);

        if (r == 0)
                r = batch_delete(batch, DATABASE_NAMES, zone.name, name_length(zone.name));
        else if (r == -EUCLEAN)
                r = names_delete(batch, zone_id);
        if (r == 0)
                r = content_delete(batch, zone_id);
        return r < 0 ? batch_fail(batch, r) : 0;
}
