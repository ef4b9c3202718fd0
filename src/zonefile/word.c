/* What single words mean: numbers, TTLs, types, escaped octets. Pure; any thread. */
#include "zonefile/scan.h"

#include "dns/type.h"

#include <string.h>
#include <strings.h>

bool text_octet(const char **at, const char *end, uint8_t *ret_octet)
{
        const char *text = *at;
        unsigned value = 0;

        if (*text != '\\') {
                *ret_octet = (uint8_t)*text;
                *at = text + 1;
                return true;
        }
        if (++text == end)
                return false;
        if (*text < '0' || *text > '9') {
                *ret_octet = (uint8_t)*text;
                *at = text + 1;
                return true;
        }
        if (end - text < 3)
                return false;
        for (unsigned i = 0; i < 3; i++) {
                if (text[i] < '0' || text[i] > '9')
                        return false;
                value = value * 10 + (unsigned)(text[i] - '0');
        }
        if (value > 255)
                return false;
        *ret_octet = (uint8_t)value;
        *at = text + 3;
        return true;
}

bool token_number(const struct token *token, uint32_t max, uint32_t *ret_number)
{
        uint64_t number = 0;

        if (token->kind != TOKEN_WORD || token_length(token) == 0 || token_length(token) > 18)
                return false;
        for (const char *at = token->begin; at < token->end; at++) {
                unsigned digit = (unsigned)(unsigned char)*at - '0';

                if (digit > 9)
                        return false;
                number = number * 10 + digit;
        }
        if (number > max)
                return false;
        *ret_number = (uint32_t)number;
        return true;
}

static uint64_t unit_seconds(char unit)
{
        switch (unit | 0x20) {
        case 's':
                return 1;
        case 'm':
                return 60;
        case 'h':
                return 3600;
        case 'd':
                return 86400;
        case 'w':
                return 604800;
        default:
                return 0;
        }
}

enum ttl_outcome token_ttl(const struct token *token, uint32_t max, uint32_t *ret_ttl)
{
        const char *at = token->begin;
        uint64_t sum = 0;
        bool is_plain = true;

        if (token->kind != TOKEN_WORD || at == token->end)
                return TTL_NONE;
        while (at < token->end) {
                uint64_t number = 0;
                const char *digits = at;

                for (; at < token->end && *at >= '0' && *at <= '9'; at++)
                        if (number <= UINT32_MAX)
                                number = number * 10 + (uint64_t)(*at - '0');
                if (at == digits)
                        return TTL_NONE;
                if (at == token->end) {
                        /* A number without a unit stands alone: "1h30" is none. */
                        if (!is_plain)
                                return TTL_NONE;
                        sum = number;
                        break;
                }
                uint64_t unit = unit_seconds(*at++);

                if (unit == 0)
                        return TTL_NONE;
                is_plain = false;
                sum += number * unit;
                if (sum > UINT32_MAX)
                        sum = (uint64_t)UINT32_MAX + 1;
        }
        if (sum > max)
                return TTL_TOO_LARGE;
        *ret_ttl = (uint32_t)sum;
        return TTL_OK;
}

bool token_is(const struct token *token, const char *word)
{
        return token->kind == TOKEN_WORD && token_length(token) == strlen(word) &&
               strncasecmp(token->begin, word, strlen(word)) == 0;
}

/* A word of up to eight letters and digits as one number, letters without their case bit. Two words have the
 * same only where they are the same: what else could lose that bit and collide is a control character, which
 * no word has. */
#define CASELESS 0xdfdfdfdfdfdfdfdfull
#define WORD(a, b, c, d, e, f, g, h)                                                                         \
        (((uint64_t)(a) | (uint64_t)(b) << 8 | (uint64_t)(c) << 16 | (uint64_t)(d) << 24 |                   \
                 (uint64_t)(e) << 32 | (uint64_t)(f) << 40 | (uint64_t)(g) << 48 | (uint64_t)(h) << 56) &    \
                CASELESS)

static inline uint64_t word_value(const struct token *token, size_t length)
{
        uint64_t value;

        memcpy(&value, token->begin, sizeof(value));
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
        value = __builtin_bswap64(value);
#endif
        return length >= 8 ? value & CASELESS : value & ((1ull << length * 8) - 1) & CASELESS;
}

/* The types that zones are full of; 0 for any other. */
static uint16_t common_type(uint64_t value)
{
        switch (value) {
        case WORD('A', 0, 0, 0, 0, 0, 0, 0):
                return TYPE_A;
        case WORD('A', 'A', 'A', 'A', 0, 0, 0, 0):
                return TYPE_AAAA;
        case WORD('C', 'N', 'A', 'M', 'E', 0, 0, 0):
                return TYPE_CNAME;
        case WORD('N', 'S', 0, 0, 0, 0, 0, 0):
                return TYPE_NS;
        case WORD('M', 'X', 0, 0, 0, 0, 0, 0):
                return TYPE_MX;
        case WORD('T', 'X', 'T', 0, 0, 0, 0, 0):
                return TYPE_TXT;
        case WORD('P', 'T', 'R', 0, 0, 0, 0, 0):
                return TYPE_PTR;
        case WORD('S', 'R', 'V', 0, 0, 0, 0, 0):
                return TYPE_SRV;
        case WORD('S', 'O', 'A', 0, 0, 0, 0, 0):
                return TYPE_SOA;
        case WORD('C', 'A', 'A', 0, 0, 0, 0, 0):
                return TYPE_CAA;
        case WORD('D', 'S', 0, 0, 0, 0, 0, 0):
                return TYPE_DS;
        case WORD('R', 'R', 'S', 'I', 'G', 0, 0, 0):
                return TYPE_RRSIG;
        case WORD('N', 'S', 'E', 'C', 0, 0, 0, 0):
                return TYPE_NSEC;
        case WORD('N', 'S', 'E', 'C', '3', 0, 0, 0):
                return TYPE_NSEC3;
        case WORD('D', 'N', 'S', 'K', 'E', 'Y', 0, 0):
                return TYPE_DNSKEY;
        case WORD('T', 'L', 'S', 'A', 0, 0, 0, 0):
                return TYPE_TLSA;
        case WORD('H', 'T', 'T', 'P', 'S', 0, 0, 0):
                return TYPE_HTTPS;
        default:
                return 0;
        }
}

bool token_type(const struct token *token, uint16_t *ret_type)
{
        size_t length = token_length(token);
        uint16_t type = 0;

        if (length == 0 || token->kind != TOKEN_WORD)
                return false;
        if (length <= 8)
                type = common_type(word_value(token, length));
        if (type) {
                *ret_type = type;
                return true;
        }
        return type_from_text(token->begin, length, ret_type) == 0;
}
