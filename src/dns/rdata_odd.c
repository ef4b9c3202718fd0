/* The odd fields of RDATA: type bitmaps, APL, LOC, IPSECKEY, AMTRELAY, HIP; each checked, then written as
 * text. (SVCB's parameters are in rdata_svcb.c.) Pure; any thread. */
#include "base/buffer.h"
#include "dns/name.h"
#include "dns/rdata_field.h"

#include <string.h>

/* RFC 4034 s.4.1.2: windows ascending, 1 to 32 octets each, no zero octet at the end. None at all is an empty
 * bitmap. */
static bool bitmap_is_wellformed(const uint8_t *bytes, size_t length)
{
        int window = -1;

        while (length > 0) {
                if (length < 2 || bytes[0] <= window || bytes[1] < 1 || bytes[1] > 32 ||
                        length - 2 < bytes[1] || bytes[1 + bytes[1]] == 0)
                        return false;
                window = bytes[0];
                length -= 2u + bytes[1];
                bytes += 2u + bytes[1];
        }
        return true;
}

static void bitmap_to_text(const uint8_t *bytes, size_t length, struct buffer *out)
{
        const char *blank = "";

        for (const uint8_t *end = bytes + length; bytes < end; bytes += 2u + bytes[1])
                for (unsigned bit = 0; bit < 8u * bytes[1]; bit++) {
                        char text[TYPE_TEXT_MAX];

                        if (!(bytes[2 + bit / 8] & 0x80 >> bit % 8))
                                continue;
                        buffer_printf(
                                out, "%s%s", blank, type_to_text((uint16_t)(bytes[0] << 8 | bit), text));
                        blank = " ";
                }
}

/* RFC 3123 s.4: family 16, prefix 8, N and AFDLENGTH 8, then the address without its trailing zero octets. */
static bool apl_is_wellformed(const uint8_t *bytes, size_t length)
{
        while (length > 0) {
                unsigned family, size;

                if (length < 4)
                        return false;
                family = read_u16(bytes);
                size = bytes[3] & 0x7F;
                if ((family != 1 && family != 2) || bytes[2] > (family == 1 ? 32 : 128) ||
                        size > (family == 1 ? 4 : 16) || length - 4 < size ||
                        (size > 0 && bytes[3 + size] == 0))
                        return false;
                bytes += 4 + size;
                length -= 4 + size;
        }
        return true;
}

static void apl_to_text(const uint8_t *bytes, size_t length, struct buffer *out)
{
        const uint8_t *end = bytes + length;

        while (bytes < end) {
                unsigned family = read_u16(bytes), size = bytes[3] & 0x7F;
                uint8_t address[16] = {0};

                memcpy(address, bytes + 4, size);
                buffer_printf(out, "%s%u:", bytes[3] & 0x80 ? "!" : "", family);
                if (family == 1)
                        text_ipv4(address, out);
                else
                        text_ipv6(address, out);
                buffer_printf(out, "/%u", bytes[2]);
                bytes += 4 + size;
                if (bytes < end)
                        buffer_append_u8(out, ' ');
        }
}

#define LOC_SIZE 16u
#define LOC_EQUATOR 0x80000000u
#define LOC_DEGREE 3600000u        /* in thousandths of an arc second */
#define LOC_ALTITUDE_BASE 10000000 /* centimetres below the spheroid */

/* RFC 1876 s.2: size and precisions are two decimal digits, mantissa and exponent. */
static bool loc_is_wellformed(const uint8_t *bytes, size_t length)
{
        if (length != LOC_SIZE || bytes[0] != 0)
                return false;
        for (unsigned i = 1; i <= 3; i++)
                if (bytes[i] >> 4 > 9 || (bytes[i] & 0x0F) > 9)
                        return false;
        for (unsigned i = 4; i <= 8; i += 4) {
                uint32_t angle = read_u32(bytes + i);
                uint32_t distance = angle > LOC_EQUATOR ? angle - LOC_EQUATOR : LOC_EQUATOR - angle;

                if (distance > (i == 4 ? 90 : 180) * LOC_DEGREE)
                        return false;
        }
        return true;
}

static void loc_angle_to_text(uint32_t angle, const char *hemispheres, struct buffer *out)
{
        bool upper = angle >= LOC_EQUATOR;
        uint32_t distance = upper ? angle - LOC_EQUATOR : LOC_EQUATOR - angle;

        buffer_printf(out, "%u %u %u.%03u %c ", distance / LOC_DEGREE, distance / 60000 % 60,
                distance / 1000 % 60, distance % 1000, upper ? hemispheres[0] : hemispheres[1]);
}

static void loc_to_text(const uint8_t *bytes, struct buffer *out)
{
        int64_t altitude = (int64_t)read_u32(bytes + 12) - LOC_ALTITUDE_BASE;
        int64_t height = altitude < 0 ? -altitude : altitude;

        loc_angle_to_text(read_u32(bytes + 4), "NS", out);
        loc_angle_to_text(read_u32(bytes + 8), "EW", out);
        buffer_printf(out, "%s%lld.%02lldm", altitude < 0 ? "-" : "", (long long)height / 100,
                (long long)height % 100);
        for (unsigned i = 1; i <= 3; i++) {
                uint64_t centimetres = bytes[i] >> 4;

                for (unsigned exponent = bytes[i] & 0x0F; exponent > 0; exponent--)
                        centimetres *= 10;
                buffer_printf(out, " %llu.%02llum", (unsigned long long)centimetres / 100,
                        (unsigned long long)centimetres % 100);
        }
}

/* A gateway or relay: 0 none, 1 IPv4, 2 IPv6, 3 a name. Its octets, or -1. */
static int gateway_size(unsigned kind, const uint8_t *bytes, size_t left)
{
        size_t size;

        switch (kind) {
        case 0:
                return 0;
        case 1:
                return left >= 4 ? 4 : -1;
        case 2:
                return left >= 16 ? 16 : -1;
        case 3:
                size = name_check(bytes, left);
                return size ? (int)size : -1;
        default:
                return -1;
        }
}

static void gateway_to_text(unsigned kind, const uint8_t *bytes, struct buffer *out)
{
        if (kind == 0)
                buffer_append_u8(out, '.');
        else if (kind == 1)
                text_ipv4(bytes, out);
        else if (kind == 2)
                text_ipv6(bytes, out);
        else
                text_name(bytes, out);
}

/* RFC 4025 s.2: precedence, gateway type, algorithm, gateway, key; algorithm 0 goes with no key. */
static bool ipseckey_is_wellformed(const uint8_t *bytes, size_t length)
{
        int size = length >= 3 ? gateway_size(bytes[1], bytes + 3, length - 3) : -1;

        return size >= 0 && (bytes[2] == 0) == (length == 3u + (unsigned)size);
}

static void ipseckey_to_text(const uint8_t *bytes, size_t length, struct buffer *out)
{
        size_t key = 3u + (unsigned)gateway_size(bytes[1], bytes + 3, length - 3);

        buffer_printf(out, "%u %u %u ", bytes[0], bytes[1], bytes[2]);
        gateway_to_text(bytes[1], bytes + 3, out);
        if (key < length) {
                buffer_append_u8(out, ' ');
                text_base64(bytes + key, length - key, out);
        }
}

/* RFC 8777 s.4.2: precedence, D bit and relay type, relay. */
static bool amtrelay_is_wellformed(const uint8_t *bytes, size_t length)
{
        return length >= 2 && gateway_size(bytes[1] & 0x7F, bytes + 2, length - 2) == (int)length - 2;
}

static void amtrelay_to_text(const uint8_t *bytes, struct buffer *out)
{
        buffer_printf(out, "%u %u %u ", bytes[0], bytes[1] >> 7, bytes[1] & 0x7F);
        gateway_to_text(bytes[1] & 0x7F, bytes + 2, out);
}

/* RFC 8005 s.5: HIT length 8, algorithm 8, key length 16, HIT, key, names of rendezvous servers. */
static bool hip_is_wellformed(const uint8_t *bytes, size_t length)
{
        size_t at;

        if (length < 4 || bytes[0] == 0 || read_u16(bytes + 2) == 0)
                return false;
        at = 4u + bytes[0] + read_u16(bytes + 2);
        while (at < length) {
                size_t size = name_check(bytes + at, length - at);

                if (size == 0)
                        return false;
                at += size;
        }
        return at == length;
}

static void hip_to_text(const uint8_t *bytes, size_t length, struct buffer *out)
{
        size_t key = 4u + bytes[0], names = key + read_u16(bytes + 2);

        buffer_printf(out, "%u ", bytes[1]);
        text_hex(bytes + 4, bytes[0], out);
        buffer_append_u8(out, ' ');
        text_base64(bytes + key, names - key, out);
        for (; names < length; names += name_length(bytes + names)) {
                buffer_append_u8(out, ' ');
                text_name(bytes + names, out);
        }
}

bool odd_field_is_wellformed(uint8_t field, const uint8_t *bytes, size_t length)
{
        switch (field) {
        case FIELD_BITMAP:
                return bitmap_is_wellformed(bytes, length);
        case FIELD_APL:
                return apl_is_wellformed(bytes, length);
        case FIELD_LOC:
                return loc_is_wellformed(bytes, length);
        case FIELD_SVCPARAMS:
                return svc_params_are_wellformed(bytes, length);
        case FIELD_IPSECKEY:
                return ipseckey_is_wellformed(bytes, length);
        case FIELD_AMTRELAY:
                return amtrelay_is_wellformed(bytes, length);
        case FIELD_HIP:
                return hip_is_wellformed(bytes, length);
        default:
                return false;
        }
}

void odd_field_to_text(uint8_t field, const uint8_t *bytes, size_t length, struct buffer *out)
{
        switch (field) {
        case FIELD_BITMAP:
                bitmap_to_text(bytes, length, out);
                break;
        case FIELD_APL:
                apl_to_text(bytes, length, out);
                break;
        case FIELD_LOC:
                loc_to_text(bytes, out);
                break;
        case FIELD_SVCPARAMS:
                svc_params_to_text(bytes, length, out);
                break;
        case FIELD_IPSECKEY:
                ipseckey_to_text(bytes, length, out);
                break;
        case FIELD_AMTRELAY:
                amtrelay_to_text(bytes, out);
                break;
        case FIELD_HIP:
                hip_to_text(bytes, length, out);
                break;
        default:
                break;
        }
}

size_t odd_field_name_offset(uint8_t field, const uint8_t *bytes, size_t length)
{
        size_t at;

        switch (field) {
        case FIELD_IPSECKEY:
                return bytes[1] == 3 ? 3 : 0;
        case FIELD_AMTRELAY:
                return (bytes[1] & 0x7F) == 3 ? 2 : 0;
        case FIELD_HIP:
                at = 4u + bytes[0] + read_u16(bytes + 2);
                return at < length ? at : 0;
        default:
                return 0;
        }
}
