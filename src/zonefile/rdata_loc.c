/* LOC (RFC 1876): "52 14 05 N 00 08 50 E 10m 20m 2000m 20m". Pure; any thread.
 *
 * On the wire angles are thousandths of an arc second from 2^31, the altitude is centimetres above -100 km,
 * and sizes are a digit and a power of ten of centimetres. */
#include "zonefile/rdata_scan.h"

#include "base/buffer.h"

#include <errno.h>

#define ORIGIN_ANGLE 0x80000000u
#define ALTITUDE_BASE_CM 10000000

/* Digits with up to `places` behind a point, as a whole number of 10^-places; an 'm' may follow. False where
 * it is none. */
static bool fixed_point(const char *at, const char *end, unsigned places, uint64_t max, uint64_t *ret_value)
{
        uint64_t value = 0;
        const char *begin = at;
        unsigned behind = 0;

        for (; at < end && *at >= '0' && *at <= '9'; at++) {
                value = value * 10 + (uint64_t)(*at - '0');
                if (value > max)
                        return false;
        }
        if (at == begin)
                return false;
        if (at < end && *at == '.') {
                for (at++; at < end && *at >= '0' && *at <= '9' && behind < places; at++, behind++)
                        value = value * 10 + (uint64_t)(*at - '0');
        }
        if (at != end)
                return false;
        for (; behind < places; behind++)
                value *= 10;
        *ret_value = value;
        return true;
}

static bool has_direction(const struct token *token, const char *directions, bool *ret_is_negative)
{
        if (token->kind != TOKEN_WORD || token_length(token) != 1)
                return false;
        *ret_is_negative = (*token->begin & ~0x20) == directions[1];
        return *ret_is_negative || (*token->begin & ~0x20) == directions[0];
}

/* "d [m [s]] N". */
static int scan_angle(struct scan *scan, const char *directions, uint32_t max_degrees, struct rdata_out *out)
{
        uint64_t parts[3] = {0}; /* degrees, minutes, thousandths of a second */
        struct token token;
        bool is_negative = false;
        uint64_t angle;
        unsigned n = 0;

        for (;; n++) {
                int r = scan_word(scan, directions[0] == 'N' ? "a latitude" : "a longitude", &token);

                if (r < 0)
                        return r;
                if (n > 0 && has_direction(&token, directions, &is_negative))
                        break;
                if (n == 3 || !fixed_point(token.begin, token.end, n == 2 ? 3 : 0, 180, &parts[n]) ||
                        (n == 0 && parts[0] > max_degrees) || (n > 0 && parts[n] > (n == 1 ? 59u : 59999u)))
                        return scan_fail_word(scan, &token, "bad-location", "as in 52 14 05.5 N 0 8 50 E 10m",
                                "does not belong into a latitude or longitude");
        }
        angle = (parts[0] * 60 + parts[1]) * 60000 + parts[2];
        if (angle > max_degrees * 3600000ull)
                return scan_fail(
                        scan, token.start, "bad-location", NULL, "an angle beyond %u degrees", max_degrees);
        write_u32(out->bytes + out->length,
                (uint32_t)(is_negative ? ORIGIN_ANGLE - angle : ORIGIN_ANGLE + angle));
        out->length += 4;
        return 0;
}

static void without_unit(struct token *token)
{
        if (token->end - token->begin > 1 && (token->end[-1] | 0x20) == 'm')
                token->end--;
}

static int scan_altitude(struct scan *scan, uint8_t ret_bytes[static 4])
{
        struct token token, part;
        uint64_t centimetres;
        bool is_negative;
        int r = scan_word(scan, "an altitude", &token);

        if (r < 0)
                return r;
        part = token;
        without_unit(&part);
        is_negative = part.begin < part.end && *part.begin == '-';
        part.begin += is_negative || (part.begin < part.end && *part.begin == '+');
        if (!fixed_point(part.begin, part.end, 2, 42849672, &centimetres) ||
                (is_negative ? centimetres > ALTITUDE_BASE_CM : centimetres > UINT32_MAX - ALTITUDE_BASE_CM))
                return scan_fail_word(scan, &token, "bad-location", "from -100000.00m to 42849672.95m",
                        "is not an altitude in metres");
        write_u32(ret_bytes,
                (uint32_t)(ALTITUDE_BASE_CM + (is_negative ? -(int64_t)centimetres : (int64_t)centimetres)));
        return 0;
}

/* Size and precisions: a digit in the upper four bits, a power of ten in the lower. */
static int scan_extent(struct scan *scan, uint8_t *ret_octet)
{
        struct token token, part;
        uint64_t centimetres;
        unsigned exponent = 0;
        int r = scan_word(scan, "a size", &token);

        if (r < 0)
                return r;
        part = token;
        without_unit(&part);
        if (!fixed_point(part.begin, part.end, 2, 90000000, &centimetres) || centimetres > 9000000000ull)
                return scan_fail_word(
                        scan, &token, "bad-location", "from 0 to 90000000.00m", "is not a size in metres");
        for (; centimetres > 9; centimetres /= 10)
                exponent++;
        *ret_octet = (uint8_t)(centimetres << 4 | exponent);
        return 0;
}

int rdata_scan_loc(struct scan *scan, struct rdata_out *out)
{
        uint8_t *wire = out->bytes + out->length;
        int r;

        wire[0] = 0;
        wire[1] = 0x12; /* the defaults: 1 m, 10 km, 10 m */
        wire[2] = 0x16;
        wire[3] = 0x13;
        out->length += 4;
        r = scan_angle(scan, "NS", 90, out);
        if (r == 0)
                r = scan_angle(scan, "EW", 180, out);
        if (r == 0)
                r = scan_altitude(scan, wire + 12);
        out->length += 4;
        for (unsigned i = 1; r == 0 && i <= 3 && !scan_is_at_end(scan); i++)
                r = scan_extent(scan, &wire[i]);
        return r;
}
