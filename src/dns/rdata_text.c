/* RDATA and records as zone file text. Pure; any thread. */
#include "dns/rdata.h"

#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/encode.h"
#include "dns/name.h"
#include "dns/rdata_field.h"

#include <arpa/inet.h>
#include <string.h>
#include <time.h>

void text_name(const uint8_t *name, struct buffer *out)
{
        char text[NAME_TEXT_MAX];

        buffer_append_text(out, name_to_text(name, text));
}

void text_quoted(const uint8_t *bytes, size_t length, struct buffer *out)
{
        buffer_append_u8(out, '"');
        for (size_t i = 0; i < length; i++) {
                if (bytes[i] < ' ' || bytes[i] >= 0x7F) {
                        buffer_printf(out, "\\%03u", bytes[i]);
                        continue;
                }
                if (bytes[i] == '"' || bytes[i] == '\\')
                        buffer_append_u8(out, '\\');
                buffer_append_u8(out, bytes[i]);
        }
        buffer_append_u8(out, '"');
}

void text_hex(const uint8_t *bytes, size_t length, struct buffer *out)
{
        uint8_t *text = buffer_reserve(out, 2 * length + 1);

        if (text)
                out->length += hex_encode(bytes, length, (char *)text);
}

void text_base64(const uint8_t *bytes, size_t length, struct buffer *out)
{
        uint8_t *text = buffer_reserve(out, 4 * ((length + 2) / 3) + 1);

        if (text)
                out->length += base64_encode(bytes, length, (char *)text);
}

void text_ipv4(const uint8_t *bytes, struct buffer *out)
{
        buffer_printf(out, "%u.%u.%u.%u", bytes[0], bytes[1], bytes[2], bytes[3]);
}

void text_ipv6(const uint8_t *bytes, struct buffer *out)
{
        char text[INET6_ADDRSTRLEN];

        buffer_append_text(out, inet_ntop(AF_INET6, bytes, text, sizeof(text)));
}

static void text_base32(const uint8_t *bytes, size_t length, struct buffer *out)
{
        uint8_t *text = buffer_reserve(out, 8 * ((length + 4) / 5) + 1);

        if (text)
                out->length += base32hex_encode(bytes, length, (char *)text);
}

static void text_strings(const uint8_t *bytes, size_t length, struct buffer *out)
{
        for (size_t at = 0; at < length; at += 1u + bytes[at]) {
                if (at > 0)
                        buffer_append_u8(out, ' ');
                text_quoted(bytes + at + 1, bytes[at], out);
        }
}

/* Octets as hex, a separator before every group but the first. */
static void text_groups(const uint8_t *bytes, size_t length, size_t group, char separator, struct buffer *out)
{
        for (size_t i = 0; i < length; i += group) {
                if (i > 0)
                        buffer_append_u8(out, (uint8_t)separator);
                for (size_t j = i; j < i + group; j++)
                        buffer_printf(out, "%02x", bytes[j]);
        }
}

/* RFC 4034 s.3.2. */
static void text_time(uint32_t seconds, struct buffer *out)
{
        time_t when = seconds;
        struct tm tm;

        gmtime_r(&when, &tm);
        buffer_printf(out, "%04d%02d%02d%02d%02d%02d", tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday,
                tm.tm_hour, tm.tm_min, tm.tm_sec);
}

static void text_cert_type(uint16_t type, struct buffer *out)
{
        static const char *const names[] = {
                NULL, "PKIX", "SPKI", "PGP", "IPKIX", "ISPKI", "IPGP", "ACPKIX", "IACPKIX"};

        if (type == 253 || type == 254)
                buffer_append_text(out, type == 253 ? "URI" : "OID");
        else if (type < ARRAY_SIZE(names) && names[type])
                buffer_append_text(out, names[type]);
        else
                buffer_printf(out, "%u", type);
}

static void text_type(uint16_t type, struct buffer *out)
{
        char text[TYPE_TEXT_MAX];

        buffer_append_text(out, type_to_text(type, text));
}

/* One field, known to be well-formed. */
static void field_to_text(uint8_t field, const uint8_t *bytes, size_t length, struct buffer *out)
{
        switch ((enum type_field)field) {
        case FIELD_NAME_COMPRESSED:
        case FIELD_NAME_FOLDED:
        case FIELD_NAME:
                text_name(bytes, out);
                break;
        case FIELD_U8:
        case FIELD_ALGORITHM:
                buffer_printf(out, "%u", bytes[0]);
                break;
        case FIELD_SCHEME:
                if (bytes[0] == 1)
                        buffer_append_text(out, "NOTIFY");
                else
                        buffer_printf(out, "%u", bytes[0]);
                break;
        case FIELD_U16:
                buffer_printf(out, "%u", read_u16(bytes));
                break;
        case FIELD_U32:
        case FIELD_TTL32:
                buffer_printf(out, "%u", read_u32(bytes));
                break;
        case FIELD_TYPE:
                text_type(read_u16(bytes), out);
                break;
        case FIELD_CERT_TYPE:
                text_cert_type(read_u16(bytes), out);
                break;
        case FIELD_TIME:
                text_time(read_u32(bytes), out);
                break;
        case FIELD_IPV4:
                text_ipv4(bytes, out);
                break;
        case FIELD_IPV6:
                text_ipv6(bytes, out);
                break;
        case FIELD_EUI48:
        case FIELD_EUI64:
                text_groups(bytes, length, 1, '-', out);
                break;
        case FIELD_NODE64:
                text_groups(bytes, length, 2, ':', out);
                break;
        case FIELD_STRING:
                text_quoted(bytes + 1, bytes[0], out);
                break;
        case FIELD_STRINGS:
                text_strings(bytes, length, out);
                break;
        case FIELD_STRING_REST:
                text_quoted(bytes, length, out);
                break;
        case FIELD_TAG:
                buffer_append(out, bytes + 1, bytes[0]);
                break;
        case FIELD_HEX_REST:
                text_hex(bytes, length, out);
                break;
        case FIELD_NSAP:
                buffer_append_text(out, "0x");
                text_hex(bytes, length, out);
                break;
        case FIELD_BASE64_REST:
                text_base64(bytes, length, out);
                break;
        case FIELD_HEX_LENGTH8:
                if (bytes[0] == 0)
                        buffer_append_u8(out, '-');
                else
                        text_hex(bytes + 1, bytes[0], out);
                break;
        case FIELD_BASE32_LENGTH8:
                text_base32(bytes + 1, bytes[0], out);
                break;
        case FIELD_BITMAP:
        case FIELD_APL:
        case FIELD_LOC:
        case FIELD_SVCPARAMS:
        case FIELD_IPSECKEY:
        case FIELD_AMTRELAY:
        case FIELD_HIP:
                odd_field_to_text(field, bytes, length, out);
                break;
        case FIELD_END:
        case FIELD_UNKNOWN:
                break;
        }
}

/* RFC 3597 s.5. */
static void text_unknown(const uint8_t *rdata, size_t length, struct buffer *out)
{
        buffer_printf(out, "\\# %zu", length);
        if (length > 0) {
                buffer_append_u8(out, ' ');
                text_hex(rdata, length, out);
        }
}

void rdata_to_text(uint16_t type, const uint8_t *rdata, size_t length, struct buffer *out)
{
        const struct type_info *info = type_info(type);
        size_t at = 0;

        if (info->fields[0] == FIELD_UNKNOWN || !rdata_is_wellformed(type, rdata, length)) {
                text_unknown(rdata, length, out);
                return;
        }
        for (size_t i = 0; i < TYPE_FIELDS_MAX && info->fields[i] != FIELD_END; i++) {
                size_t size = (size_t)field_size(info->fields[i], rdata + at, length - at);

                /* Nothing to write: an APL, SVCB parameters or a bitmap that is empty. */
                if (i > 0 && (size > 0 || info->fields[i] == FIELD_STRING_REST))
                        buffer_append_u8(out, ' ');
                field_to_text(info->fields[i], rdata + at, size, out);
                at += size;
        }
}

void record_to_text(const struct record *record, struct buffer *out)
{
        text_name(record->owner, out);
        buffer_printf(out, " %u IN ", record->ttl);
        text_type(record->type, out);
        buffer_append_u8(out, ' ');
        rdata_to_text(record->type, record->rdata, record->rdata_length, out);
}
