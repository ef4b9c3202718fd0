/* A row as octets, and its key among the zone's small state in the store. Pure; any thread.
 *
 *     key    'T' | family 4 or 6 | address, 4 or 16 | scope, 4 (IPv6 alone) | port, 2 | name of the TSIG key
 *            (the root's octet where the target has none)
 *     value  format 1 | flags | rcode, 2 | kind | six serials and counts, 4 each | seven times and counts, 8
 * each
 *
 * All big-endian; the checksum is the store's. A value of any other size or format is no row. */
#include "fleet/row.h"

#include "base/buffer.h"
#include "fleet/fleet.h"

#include <errno.h>
#include <string.h>

#define ROW_FORMAT 1
#define ROW_SIZE (5 + 6 * 4 + 7 * 8)

enum { ROW_ACKNOWLEDGED_UNSIGNED = 1, ROW_IS_DOWN = 2, ROW_FLAGS_ALL = 3 };

size_t fleet_row_key(const struct conf_target *target, uint8_t ret_key[static FLEET_KEY_MAX])
{
        const struct address *address = &target->address;
        bool is_ipv6 = address->family == AF_INET6;
        uint8_t *at = ret_key;
        *at++ = 'T';
        *at++ = is_ipv6 ? 6 : 4;
        memcpy(at, address->bytes, is_ipv6 ? 16 : 4);
        at += is_ipv6 ? 16 : 4;
        if (is_ipv6) {
                write_u32(at, address->scope);
                at += 4;
        }
        write_u16(at, address->port);
        at += 2;
        if (target->key) {
                name_fold(target->key->name, at);
                at += name_length(target->key->name);
        } else {
                *at++ = 0;
        }
        return (size_t)(at - ret_key);
}

void fleet_row_encode(const struct fleet_row *row, struct buffer *out)
{
        buffer_append_u8(out, ROW_FORMAT);
        buffer_append_u8(out, (uint8_t)((row->acknowledged_unsigned ? ROW_ACKNOWLEDGED_UNSIGNED : 0) |
                                        (row->is_down ? ROW_IS_DOWN : 0)));
        buffer_append_u16(out, (uint16_t)row->last_rcode);
        buffer_append_u8(out, (uint8_t)row->transfer_kind);
        buffer_append_u32(out, row->notified_serial);
        buffer_append_u32(out, row->acknowledged_serial);
        buffer_append_u32(out, row->failures);
        buffer_append_u32(out, row->soa_serial);
        buffer_append_u32(out, row->transferred_serial);
        buffer_append_u32(out, row->transfer_from_serial);
        buffer_append_u64(out, row->notified_usec);
        buffer_append_u64(out, row->acknowledged_usec);
        buffer_append_u64(out, row->soa_usec);
        buffer_append_u64(out, row->transfer_usec);
        buffer_append_u64(out, row->transfer_bytes);
        buffer_append_u64(out, row->transfer_duration_usec);
        buffer_append_u64(out, row->transfer_count);
}

static const uint8_t *take_u32(const uint8_t *at, uint32_t *ret_value)
{
        *ret_value = read_u32(at);
        return at + 4;
}

static const uint8_t *take_u64(const uint8_t *at, uint64_t *ret_value)
{
        *ret_value = read_u64(at);
        return at + 8;
}

int fleet_row_decode(const void *value, size_t size, struct fleet_row *ret_row)
{
        const uint8_t *at = value;
        if (size != ROW_SIZE || at[0] != ROW_FORMAT || at[1] & ~ROW_FLAGS_ALL ||
                at[4] > FLEET_TRANSFER_IXFR_WHOLE)
                return -EBADMSG;
        struct fleet_row row = {
                .acknowledged_unsigned = at[1] & ROW_ACKNOWLEDGED_UNSIGNED,
                .is_down = at[1] & ROW_IS_DOWN,
                .last_rcode = (int16_t)read_u16(at + 2),
                .transfer_kind = (enum fleet_transfer_kind)at[4],
        };
        if (row.last_rcode < -1 || row.last_rcode > 4095)
                return -EBADMSG;
        at += 5;
        at = take_u32(at, &row.notified_serial);
        at = take_u32(at, &row.acknowledged_serial);
        at = take_u32(at, &row.failures);
        at = take_u32(at, &row.soa_serial);
        at = take_u32(at, &row.transferred_serial);
        at = take_u32(at, &row.transfer_from_serial);
        at = take_u64(at, &row.notified_usec);
        at = take_u64(at, &row.acknowledged_usec);
        at = take_u64(at, &row.soa_usec);
        at = take_u64(at, &row.transfer_usec);
        at = take_u64(at, &row.transfer_bytes);
        at = take_u64(at, &row.transfer_duration_usec);
        take_u64(at, &row.transfer_count);
        *ret_row = row;
        return 0;
}
