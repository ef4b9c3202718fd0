/* A row as octets: format 1 | flags | era 4 | serial 4 | skipped 4 | version 8 | in sync 8 | compared 8 |
 * digest 32 | zone id, its length before it | change id, likewise. All big-endian; the checksum is the
 * store's. */
#include "push/row.h"

#include "base/buffer.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#define ROW_FORMAT 1
#define FIXED_SIZE (2 + 3 * 4 + 3 * 8 + DIGEST_SIZE)

enum { ROW_IS_BEGUN = 1, ROW_SERIAL_REFUSED = 2, ROW_HAS_NAMES = 4, ROW_IS_SIGNED = 8, ROW_FLAGS_ALL = 15 };

_Static_assert(FIXED_SIZE + 2 * PUSH_ID_MAX <= PUSH_ROW_MAX, "a row fits a state write");

static void append_id(struct buffer *out, const char *id)
{
        buffer_append_u8(out, (uint8_t)strlen(id));
        buffer_append_text(out, id);
}

void push_row_encode(const struct push_row *row, struct buffer *out)
{
        buffer_append_u8(out, ROW_FORMAT);
        buffer_append_u8(
                out, (uint8_t)((row->is_begun ? ROW_IS_BEGUN : 0) |
                               (row->is_serial_refused ? ROW_SERIAL_REFUSED : 0) |
                               (row->has_names ? ROW_HAS_NAMES : 0) | (row->is_signed ? ROW_IS_SIGNED : 0)));
        buffer_append_u32(out, row->era);
        buffer_append_u32(out, row->serial);
        buffer_append_u32(out, row->skipped);
        buffer_append_u64(out, row->version);
        buffer_append_u64(out, row->in_sync_usec);
        buffer_append_u64(out, row->compared_usec);
        buffer_append(out, row->digest.bytes, DIGEST_SIZE);
        append_id(out, row->zone_id);
        append_id(out, row->change_id);
}

/* Ids are words of letters and digits: they become part of a path. */
static bool take_id(const uint8_t **at, const uint8_t *end, char ret_id[static PUSH_ID_MAX])
{
        if (*at == end || **at >= PUSH_ID_MAX || (size_t)(end - *at) < 1u + **at)
                return false;
        size_t length = **at;
        memcpy(ret_id, *at + 1, length);
        ret_id[length] = '\0';
        *at += 1 + length;
        return strspn(ret_id, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") == length;
}

int push_row_decode(const void *value, size_t size, struct push_row *ret_row)
{
        const uint8_t *at = value, *end = at + size;
        struct push_row row = {0};

        if (size < FIXED_SIZE + 2 || size > PUSH_ROW_MAX || at[0] != ROW_FORMAT || at[1] & ~ROW_FLAGS_ALL)
                return -EBADMSG;
        row.is_begun = at[1] & ROW_IS_BEGUN;
        row.is_serial_refused = at[1] & ROW_SERIAL_REFUSED;
        row.has_names = at[1] & ROW_HAS_NAMES;
        row.is_signed = at[1] & ROW_IS_SIGNED;
        row.era = read_u32(at + 2);
        row.serial = read_u32(at + 6);
        row.skipped = read_u32(at + 10);
        row.version = read_u64(at + 14);
        row.in_sync_usec = read_u64(at + 22);
        row.compared_usec = read_u64(at + 30);
        memcpy(row.digest.bytes, at + 38, DIGEST_SIZE);
        at += FIXED_SIZE;
        if (!take_id(&at, end, row.zone_id) || !take_id(&at, end, row.change_id) || at != end)
                return -EBADMSG;
        *ret_row = row;
        return 0;
}

static size_t append_name(uint8_t *at, const char *text, size_t room)
{
        size_t length = strlen(text);
        if (length > room)
                return 0;
        for (size_t i = 0; i < length; i++) /* names of blocks are found in any case of letters */
                at[i] = (uint8_t)(text[i] >= 'A' && text[i] <= 'Z' ? text[i] + 32 : text[i]);
        return length;
}

size_t push_row_key(const char *secondary, uint8_t ret_key[static PUSH_KEY_MAX])
{
        ret_key[0] = 'P';
        return 1 + append_name(ret_key + 1, secondary, PUSH_KEY_MAX - 1);
}

size_t push_name_key(const char *secondary, const char *name, uint8_t ret_key[static PUSH_KEY_MAX])
{
        ret_key[0] = 'Q';
        size_t length = 1 + append_name(ret_key + 1, secondary, PUSH_KEY_MAX - 2);
        ret_key[length++] = 0;
        size_t name_size = append_name(ret_key + length, name, PUSH_KEY_MAX - length);
        return name_size ? length + name_size : 0;
}

const char *push_name_of_key(const char *secondary, const void *key, size_t key_size, size_t *ret_length)
{
        const char *text = key;
        size_t length = strlen(secondary);
        if (key_size <= length + 2 || text[0] != 'Q' || strncasecmp(text + 1, secondary, length) != 0 ||
                text[1 + length] != '\0')
                return NULL;
        *ret_length = key_size - length - 2;
        return text + length + 2;
}
