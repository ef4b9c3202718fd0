/* Values of the store, behind a checksum that is right: what a decoder gets where a disk, or a bug of ours,
 * wrote something that nobody made. The first octet says which decoder; the rest is the body. What decodes
 * has to encode to something that decodes to the same. */
#include "store/store_data.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
        if (!holds)
                abort();
}

static void zone_row(const uint8_t *body, size_t length)
{
        struct arena arena = {0};
        struct buffer again = {0};
        struct store_zone zone, second;
        const struct store_file *files;
        size_t count;

        if (zone_row_decode(body, length, &zone) == 0) {
                must(name_length(zone.name) <= NAME_MAX_LENGTH);
                if (zone_row_decode_files(body, length, &arena, &files, &count) == 0) {
                        must(zone_row_encode(&zone, files, count, &again) == 0);
                        must(zone_row_decode(again.data, again.length, &second) == 0);
                        must(second.version == zone.version && record_is_identical(&second.soa, &zone.soa));
                        must(zone_row_decode_files(again.data, again.length, &arena, &files, &count) == 0);
                }
        }
        buffer_free(&again);
        arena_free(&arena);
}

static void step(const uint8_t *body, size_t length)
{
        struct buffer again = {0};
        struct store_step found, second;

        if (step_decode(body, length, &found) == 0) {
                must(step_encode(&found, &again) == 0);
                must(again.length == length && memcmp(again.data, body, length) == 0);
                must(step_decode(again.data, again.length, &second) == 0);
        }
        buffer_free(&again);
}

static void leaf(const MDB_val *value)
{
        struct message_walk walk;
        struct arena arena = {0};
        struct store_leaf found;
        struct record record;

        if (leaf_open(value, &found) == 0 && message_walk_begin(&walk, found.message, found.length) == 0)
                while (message_walk_next(&walk, &arena, &record) == 0)
                        must(name_check(record.owner, name_length(record.owner)) > 0);
        arena_free(&arena);
}

static void chunk(const uint8_t *body, size_t length)
{
        struct store_chunk found;

        if (chunk_decode(body, length, &found) == 0)
                must(4 + found.state_length + found.length == length);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        uint8_t *sealed;
        const uint8_t *body;
        size_t length;

        if (size < 1)
                return 0;
        /* As it stands: format octet and checksum are foreign too. */
        MDB_val raw = {size - 1, (void *)(data + 1)};
        struct leaf_key key;
        (void)value_open(&raw, &body, &length);
        (void)leaf_key_load(&key, &raw);
        struct iovec piece = {(void *)(data + 1), size - 1};
        sealed = malloc(size - 1 + VALUE_OVERHEAD);
        must(sealed);
        value_seal(&piece, 1, sealed);
        MDB_val value = {size - 1 + VALUE_OVERHEAD, sealed};
        must(value_open(&value, &body, &length) == 0 && length == size - 1);
        switch (data[0] % 4) {
        case 0:
                zone_row(body, length);
                break;
        case 1:
                step(body, length);
                break;
        case 2:
                leaf(&value);
                break;
        case 3:
                chunk(body, length);
                break;
        }
        free(sealed);
        return 0;
}
