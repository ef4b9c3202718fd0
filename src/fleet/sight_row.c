/* A sight's row as octets. Pure; any thread.
 *
 *     key    'S' | name of the secondary, folded
 *     value  format 1 | transfer kind | two of zeros | five serials, 4 each | ten times and counts, 8 each
 *
 * All big-endian; the checksum is the store's. A value of any other size or format is no row. */
#include "fleet/sight_row.h"

#include "base/buffer.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#define ROW_FORMAT 1

size_t sight_row_key(const char *name, uint8_t ret_key[static SIGHT_KEY_MAX])
{
        size_t length = strnlen(name, SIGHT_NAME_MAX);
        ret_key[0] = 'S';
        for (size_t i = 0; i < length; i++)
                ret_key[1 + i] = (uint8_t)tolower((unsigned char)name[i]);
        return 1 + length;
}

void sight_row_encode(const struct sight_row *row, struct buffer *out)
{
        const uint32_t serials[] = {row->soa_serial, row->held_serial, row->transferred_serial,
                row->served_serial, row->sample_serial};
        const uint64_t times[] = {row->soa_usec, row->asked_transfer_usec, row->transfer_usec,
                row->first_transfer_usec, row->transfer_bytes, row->transfer_count, row->served_usec,
                row->behind_usec, row->stale_usec, row->contact_usec};
        buffer_append_u8(out, ROW_FORMAT);
        buffer_append_u8(out, (uint8_t)row->transfer_kind);
        buffer_append_u16(out, 0);
        for (unsigned i = 0; i < 5; i++)
                buffer_append_u32(out, serials[i]);
        for (unsigned i = 0; i < 10; i++)
                buffer_append_u64(out, times[i]);
}

int sight_row_decode(const void *value, size_t size, struct sight_row *ret_row)
{
        const uint8_t *at = value;
        if (size != SIGHT_ROW_SIZE || at[0] != ROW_FORMAT || at[1] > FLEET_TRANSFER_IXFR_WHOLE ||
                read_u16(at + 2) != 0)
                return -EBADMSG;
        struct sight_row row = {.transfer_kind = (enum fleet_transfer_kind)at[1]};
        uint32_t *const serials[] = {&row.soa_serial, &row.held_serial, &row.transferred_serial,
                &row.served_serial, &row.sample_serial};
        uint64_t *const times[] = {&row.soa_usec, &row.asked_transfer_usec, &row.transfer_usec,
                &row.first_transfer_usec, &row.transfer_bytes, &row.transfer_count, &row.served_usec,
                &row.behind_usec, &row.stale_usec, &row.contact_usec};
        at += 4;
        for (unsigned i = 0; i < 5; i++, at += 4)
                *serials[i] = read_u32(at);
        for (unsigned i = 0; i < 10; i++, at += 8)
                *times[i] = read_u64(at);
        *ret_row = row;
        return 0;
}
