/* Values: every one begins with a format octet and ends in a CRC32C, big-endian, over all before it. Pure;
 * any thread. Bodies are read with a sticky error, so that a decoder asks once; none of them trusts a length.
 */
#include "store/store_data.h"

#include "base/crc32c.h"
#include "dns/type.h"

#include <errno.h>
#include <string.h>

#define SOA_RDATA_MIN 22 /* two root names and five numbers */

int value_peek(const MDB_val *value, const uint8_t **ret_body, size_t *ret_length)
{
        const uint8_t *bytes = value->mv_data;

        if (value->mv_size < VALUE_OVERHEAD || bytes[0] != STORE_FORMAT)
                return -EUCLEAN;
        *ret_body = bytes + 1;
        *ret_length = value->mv_size - VALUE_OVERHEAD;
        return 0;
}

int value_check(const uint8_t *body, size_t length)
{
        return crc32c(0, body - 1, length + 1) == read_u32(body + length) ? 0 : -EUCLEAN;
}

int value_open(const MDB_val *value, const uint8_t **ret_body, size_t *ret_length)
{
        const uint8_t *body;
        size_t length;
        int r = value_peek(value, &body, &length);

        if (r == 0)
                r = value_check(body, length);
        if (r < 0)
                return r;
        *ret_body = body;
        *ret_length = length;
        return 0;
}

void value_seal(const struct iovec *pieces, size_t count, uint8_t *out)
{
        uint8_t *at = out;

        *at++ = STORE_FORMAT;
        for (size_t i = 0; i < count; i++) {
                if (pieces[i].iov_len > 0)
                        memcpy(at, pieces[i].iov_base, pieces[i].iov_len);
                at += pieces[i].iov_len;
        }
        write_u32(at, crc32c(0, out, (size_t)(at - out)));
}

const uint8_t *value_read_bytes(struct value_reader *reader, size_t size)
{
        const uint8_t *bytes = reader->at;

        if (reader->failed || size > (size_t)(reader->end - reader->at)) {
                reader->failed = true;
                return NULL;
        }
        reader->at += size;
        return bytes;
}

uint8_t value_read_u8(struct value_reader *reader)
{
        const uint8_t *bytes = value_read_bytes(reader, 1);

        return bytes ? *bytes : 0;
}

uint16_t value_read_u16(struct value_reader *reader)
{
        const uint8_t *bytes = value_read_bytes(reader, 2);

        return bytes ? read_u16(bytes) : 0;
}

uint32_t value_read_u32(struct value_reader *reader)
{
        const uint8_t *bytes = value_read_bytes(reader, 4);

        return bytes ? read_u32(bytes) : 0;
}

uint64_t value_read_u64(struct value_reader *reader)
{
        const uint8_t *bytes = value_read_bytes(reader, 8);

        return bytes ? read_u64(bytes) : 0;
}

const uint8_t *value_read_name(struct value_reader *reader)
{
        size_t length = reader->failed ? 0 : name_check(reader->at, (size_t)(reader->end - reader->at));

        if (length == 0)
                reader->failed = true;
        return value_read_bytes(reader, length);
}

void value_read_soa(struct value_reader *reader, struct record *ret_soa)
{
        struct soa soa;

        ret_soa->type = TYPE_SOA;
        ret_soa->ttl = value_read_u32(reader);
        ret_soa->owner = value_read_name(reader);
        ret_soa->rdata_length = value_read_u16(reader);
        ret_soa->rdata = value_read_bytes(reader, ret_soa->rdata_length);
        if (!ret_soa->rdata || soa_parse(ret_soa->rdata, ret_soa->rdata_length, &soa) < 0)
                reader->failed = true;
}

void value_append_soa(struct buffer *body, const struct record *soa)
{
        buffer_append_u32(body, soa->ttl);
        buffer_append(body, soa->owner, name_length(soa->owner));
        buffer_append_u16(body, soa->rdata_length);
        buffer_append(body, soa->rdata, soa->rdata_length);
}

uint32_t soa_serial(const struct record *soa)
{
        return soa->rdata_length < SOA_RDATA_MIN
                       ? 0
                       : read_u32(soa->rdata + SOA_SERIAL_OFFSET(soa->rdata_length));
}
