/* Zone rows: their octets, and finding them. Decoding is pure; look-ups go by the caller's view.
 *
 *   | id 8 | version 8 | era 4 | serial 4 | file serial 4 | flags 4 | record count 8 | RRset count 8 | leaf
 * count 8 | AXFR octets 8 | journal begin 8 | journal end 8 | oldest version 8 | oldest serial 4 | published
 * 8 | digest 32 | name | SOA | file count 4 | for each: path length 2, path, device 8, inode 8, size 8, mtime
 * 8, ctime 8, read at 8, hash 32 |
 *
 * Files are decoded on request alone: a query for the SOA does not want them. */
#include "store/store_data.h"

#include <errno.h>
#include <string.h>

static void file_encode(const struct store_file *file, struct buffer *body)
{
        size_t length = strlen(file->path);

        buffer_append_u16(body, (uint16_t)length);
        buffer_append(body, file->path, length);
        buffer_append_u64(body, file->device);
        buffer_append_u64(body, file->inode);
        buffer_append_u64(body, file->size_bytes);
        buffer_append_u64(body, (uint64_t)file->mtime_nsec);
        buffer_append_u64(body, (uint64_t)file->ctime_nsec);
        buffer_append_u64(body, (uint64_t)file->read_at_nsec);
        buffer_append(body, file->hash, sizeof(file->hash));
}

int zone_row_encode(
        const struct store_zone *zone, const struct store_file *files, size_t count, struct buffer *body)
{
        buffer_append_u64(body, zone->id);
        buffer_append_u64(body, zone->version);
        buffer_append_u32(body, zone->era);
        buffer_append_u32(body, zone->serial);
        buffer_append_u32(body, zone->file_serial);
        buffer_append_u32(body, zone->flags);
        buffer_append_u64(body, zone->record_count);
        buffer_append_u64(body, zone->rrset_count);
        buffer_append_u64(body, zone->leaf_count);
        buffer_append_u64(body, zone->axfr_bytes);
        buffer_append_u64(body, zone->journal_begin);
        buffer_append_u64(body, zone->journal_end);
        buffer_append_u64(body, zone->oldest_version);
        buffer_append_u32(body, zone->oldest_serial);
        buffer_append_u64(body, zone->published_usec);
        buffer_append(body, zone->digest.bytes, DIGEST_SIZE);
        buffer_append(body, zone->name, name_length(zone->name));
        value_append_soa(body, &zone->soa);
        buffer_append_u32(body, (uint32_t)count);
        for (size_t i = 0; i < count; i++) {
                if (strlen(files[i].path) > UINT16_MAX)
                        return -ENAMETOOLONG;
                file_encode(&files[i], body);
        }
        return buffer_status(body);
}

static void zone_decode(struct value_reader *reader, struct store_zone *zone)
{
        const uint8_t *digest;

        zone->id = value_read_u64(reader);
        zone->version = value_read_u64(reader);
        zone->era = value_read_u32(reader);
        zone->serial = value_read_u32(reader);
        zone->file_serial = value_read_u32(reader);
        zone->flags = value_read_u32(reader);
        zone->record_count = value_read_u64(reader);
        zone->rrset_count = value_read_u64(reader);
        zone->leaf_count = value_read_u64(reader);
        zone->axfr_bytes = value_read_u64(reader);
        zone->journal_begin = value_read_u64(reader);
        zone->journal_end = value_read_u64(reader);
        zone->oldest_version = value_read_u64(reader);
        zone->oldest_serial = value_read_u32(reader);
        zone->published_usec = value_read_u64(reader);
        digest = value_read_bytes(reader, DIGEST_SIZE);
        if (digest)
                memcpy(zone->digest.bytes, digest, DIGEST_SIZE);
        zone->name = value_read_name(reader);
        value_read_soa(reader, &zone->soa);
}

int zone_row_decode(const uint8_t *body, size_t length, struct store_zone *ret_zone)
{
        struct value_reader reader = {.at = body, .end = body + length};
        struct store_zone zone = {0};

        zone_decode(&reader, &zone);
        if (reader.failed || zone.oldest_version > zone.version || zone.oldest_version == 0 ||
                zone.version - zone.oldest_version > UINT32_MAX || zone.record_count == 0 ||
                zone.serial != soa_serial(&zone.soa))
                return -EUCLEAN;
        zone.step_count = (uint32_t)(zone.version - zone.oldest_version);
        *ret_zone = zone;
        return 0;
}

static int file_decode(struct value_reader *reader, struct arena *arena, struct store_file *file)
{
        size_t length = value_read_u16(reader);
        const uint8_t *path = value_read_bytes(reader, length), *hash;

        file->device = value_read_u64(reader);
        file->inode = value_read_u64(reader);
        file->size_bytes = value_read_u64(reader);
        file->mtime_nsec = (int64_t)value_read_u64(reader);
        file->ctime_nsec = (int64_t)value_read_u64(reader);
        file->read_at_nsec = (int64_t)value_read_u64(reader);
        hash = value_read_bytes(reader, sizeof(file->hash));
        if (reader->failed)
                return -EUCLEAN;
        memcpy(file->hash, hash, sizeof(file->hash));
        file->path = arena_text(arena, (const char *)path, length);
        return file->path ? 0 : -ENOMEM;
}

int zone_row_decode_files(const uint8_t *body, size_t length, struct arena *arena,
        const struct store_file **ret_files, size_t *ret_count)
{
        struct value_reader reader = {.at = body, .end = body + length};
        struct store_zone zone = {0};
        struct store_file *files;
        size_t count;

        zone_decode(&reader, &zone);
        count = value_read_u32(&reader);
        if (reader.failed || count > (size_t)(reader.end - reader.at) / (2 + 6 * 8 + 32))
                return -EUCLEAN;
        files = arena_alloc(arena, count * sizeof(*files));
        if (!files)
                return -ENOMEM;
        for (size_t i = 0; i < count; i++) {
                int r = file_decode(&reader, arena, &files[i]);

                if (r < 0)
                        return r;
        }
        *ret_files = files;
        *ret_count = count;
        return 0;
}

static int row_get(struct store_read *read, uint64_t id, const uint8_t **ret_body, size_t *ret_length)
{
        uint8_t key[ZONE_KEY_SIZE];

        write_u64(key, id);
        return read_get(read, DATABASE_ZONES, key, sizeof(key), ret_body, ret_length);
}

int store_zone_get(struct store_read *read, uint64_t id, struct store_zone *ret_zone)
{
        const uint8_t *body;
        size_t length;
        int r = row_get(read, id, &body, &length);

        return r < 0 ? r : zone_row_decode(body, length, ret_zone);
}

int store_zone_find(struct store_read *read, const uint8_t *name, struct store_zone *ret_zone)
{
        uint8_t folded[NAME_MAX_LENGTH];
        const uint8_t *body;
        size_t length;
        int r;

        name_fold(name, folded);
        r = read_get(read, DATABASE_NAMES, folded, name_length(folded), &body, &length);
        if (r < 0)
                return r;
        if (length != ZONE_KEY_SIZE)
                return -EUCLEAN;
        r = store_zone_get(read, read_u64(body), ret_zone);
        return r == -ENOENT ? -EUCLEAN : r;
}

/* Puts the view's cursor on the first row behind id. */
static int zones_move(struct store_read *read, uint64_t id, MDB_val *key, MDB_val *value)
{
        uint8_t next[ZONE_KEY_SIZE];

        if (id == UINT64_MAX)
                return 1;
        if (read->zones && id > 0 && read->zones_at == id)
                return cursor_move(read->zones, key, value, MDB_NEXT);
        if (!read->zones) {
                int r = read_cursor_open(read, DATABASE_ZONES, &read->zones);

                if (r < 0)
                        return r;
        }
        write_u64(next, id + 1);
        *key = (MDB_val){sizeof(next), next};
        return cursor_move(read->zones, key, value, MDB_SET_RANGE);
}

int store_zone_next(struct store_read *read, uint64_t *position, struct store_zone *ret_zone)
{
        MDB_val key, value;
        const uint8_t *body;
        size_t length;
        int r = zones_move(read, *position, &key, &value);

        if (r == 0) {
                /* Moved on also where the row is damaged, so that the others can be had. */
                read->zones_at = *position =
                        key.mv_size == ZONE_KEY_SIZE ? read_u64(key.mv_data) : UINT64_MAX;
                r = value_open(&value, &body, &length);
                if (r == 0)
                        r = zone_row_decode(body, length, ret_zone);
        }
        /* A batch's view changes under the cursor. */
        if (read->is_batch)
                read->zones = read_cursor_close(read->zones);
        return r;
}

int store_zone_files(struct store_read *read, struct store_zone *zone, struct arena *arena)
{
        const uint8_t *body;
        size_t length;
        int r = row_get(read, zone->id, &body, &length);

        return r < 0 ? r : zone_row_decode_files(body, length, arena, &zone->files, &zone->file_count);
}
