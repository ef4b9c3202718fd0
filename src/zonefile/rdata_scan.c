/* RDATA from tokens: the walk over a type's fields, and the fields that most types are made of. Pure; any
 * thread.
 *
 * Each field either bounds what it adds by RDATA_MAX or adds less than RDATA_ROOM has beyond it; the walk
 * looks after each. */
#include "zonefile/rdata_scan.h"

#include "base/buffer.h"
#include "base/cleanup.h"
#include "dns/rdata.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#define STRING_MAX 255

static int fail_too_long(struct scan *scan, const char *at)
{
        return scan_fail(scan, at, "rdata-too-long", NULL, "RDATA is longer than 65535 octets");
}

int rdata_put(struct scan *scan, struct rdata_out *out, const void *bytes, size_t length)
{
        if (length > RDATA_MAX - out->length)
                return fail_too_long(scan, scan->at);
        if (length > 0)
                memcpy(out->bytes + out->length, bytes, length);
        out->length += length;
        return 0;
}

static uint32_t number_max(unsigned octets)
{
        return octets == 4 ? UINT32_MAX : (1u << 8 * octets) - 1;
}

void rdata_put_number(struct rdata_out *out, uint32_t number, unsigned octets)
{
        for (unsigned i = octets; i-- > 0;)
                out->bytes[out->length++] = (uint8_t)(number >> 8 * i);
}

static int fail_number(struct scan *scan, const struct token *token, unsigned octets)
{
        return scan_fail_word(scan, token, "bad-number", NULL,
                octets == 1   ? "is not a number from 0 to 255"
                : octets == 2 ? "is not a number from 0 to 65535"
                              : "is not a number from 0 to 4294967295");
}

int rdata_scan_number(struct scan *scan, unsigned octets, struct rdata_out *out)
{
        struct token token;
        uint32_t number;
        int r = scan_word(scan, "a number", &token);

        if (r < 0)
                return r;
        if (!token_number(&token, number_max(octets), &number))
                return fail_number(scan, &token, octets);
        rdata_put_number(out, number, octets);
        return 0;
}

int rdata_scan_name(struct scan *scan, struct rdata_out *out)
{
        struct token token;
        size_t length;
        int r = scan_word(scan, "a name", &token);

        if (r < 0)
                return r;
        r = scan_name(scan, &token, out->bytes + out->length, &length);
        if (r < 0)
                return r;
        out->length += length;
        return 0;
}

int rdata_ipv4(struct scan *scan, const struct token *token, uint8_t *ret_address)
{
        const char *at = token->begin;

        for (unsigned i = 0; i < 4; i++) {
                unsigned number = 0;
                const char *digits = at;

                for (; at < token->end && *at >= '0' && *at <= '9' && at - digits < 3; at++)
                        number = number * 10 + (unsigned)(*at - '0');
                if (at == digits || number > 255 || (at - digits > 1 && *digits == '0'))
                        goto wrong;
                ret_address[i] = (uint8_t)number;
                if (i < 3 ? at == token->end || *at++ != '.' : at != token->end)
                        goto wrong;
        }
        return 0;
wrong:
        return scan_fail_word(scan, token, "bad-ipv4-address",
                memchr(token->begin, ':', token_length(token))
                        ? "an IPv6 address has type AAAA"
                        : "four numbers from 0 to 255, as in 192.0.2.1",
                "is not an IPv4 address");
}

static int hex_digit(char digit)
{
        if (digit >= '0' && digit <= '9')
                return digit - '0';
        if ((digit | 0x20) >= 'a' && (digit | 0x20) <= 'f')
                return (digit | 0x20) - 'a' + 10;
        return -1;
}

/* Groups of one to four hexadecimal digits, "::" once. False for anything else: what has an IPv4 address at
 * its end is inet_pton's. */
static bool ipv6_from_groups(const char *at, const char *end, uint8_t address[static 16])
{
        size_t length = 0, gap = SIZE_MAX;

        if (end - at >= 2 && at[0] == ':' && at[1] == ':') {
                gap = 0;
                at += 2;
        }
        while (at < end) {
                const char *group = at;
                unsigned value = 0;

                for (int digit; at < end && (digit = hex_digit(*at)) >= 0; at++)
                        value = value << 4 | (unsigned)digit;
                if (at == group || at - group > 4 || length == 16)
                        return false;
                write_u16(address + length, (uint16_t)value);
                length += 2;
                if (at == end)
                        break;
                if (*at++ != ':' || at == end)
                        return false;
                if (*at == ':') {
                        if (gap != SIZE_MAX)
                                return false;
                        gap = length;
                        at++;
                }
        }
        if (gap == SIZE_MAX)
                return length == 16;
        if (length > 14) /* "::" is at least one group */
                return false;
        memmove(address + 16 - (length - gap), address + gap, length - gap);
        memset(address + gap, 0, 16 - length);
        return true;
}

int rdata_ipv6(struct scan *scan, const struct token *token, uint8_t *ret_address)
{
        char text[INET6_ADDRSTRLEN];
        uint8_t address[16];

        if (ipv6_from_groups(token->begin, token->end, address)) {
                memcpy(ret_address, address, sizeof(address));
                return 0;
        }
        if (token_length(token) < sizeof(text)) {
                memcpy(text, token->begin, token_length(token));
                text[token_length(token)] = '\0';
                if (inet_pton(AF_INET6, text, address) == 1) {
                        memcpy(ret_address, address, sizeof(address));
                        return 0;
                }
        }
        return scan_fail_word(scan, token, "bad-ipv6-address",
                memchr(token->begin, ':', token_length(token)) ? NULL : "an IPv4 address has type A",
                "is not an IPv6 address");
}

static int scan_address(struct scan *scan, uint8_t field, struct rdata_out *out)
{
        struct token token;
        int r = scan_word(scan, "an address", &token);

        if (r < 0)
                return r;
        r = field == FIELD_IPV4 ? rdata_ipv4(scan, &token, out->bytes + out->length)
                                : rdata_ipv6(scan, &token, out->bytes + out->length);
        if (r < 0)
                return r;
        out->length += field == FIELD_IPV4 ? 4 : 16;
        return 0;
}

int rdata_octets(
        struct scan *scan, const struct token *token, size_t max, uint8_t *ret_octets, size_t *ret_length)
{
        const char *at = token->begin;
        size_t length = token_length(token);

        if (!token->has_escape) {
                if (length <= max) {
                        memcpy(ret_octets, at, length);
                        *ret_length = length;
                        return 0;
                }
        } else {
                for (length = 0; at < token->end; length++) {
                        const char *escape = at;

                        if (length == max)
                                break;
                        if (!text_octet(&at, token->end, &ret_octets[length]))
                                return scan_fail(scan, escape, "bad-escape",
                                        "an escape is a backslash and one character, or three digits from "
                                        "000 "
                                        "to 255",
                                        "a broken escape in a string");
                }
                if (at == token->end) {
                        *ret_length = length;
                        return 0;
                }
        }
        if (max == STRING_MAX)
                return scan_fail(scan, token->start, "string-too-long",
                        "split it: \"first part\" \"second part\"", "a string is longer than 255 octets");
        return fail_too_long(scan, token->start);
}

static int put_string(struct scan *scan, const struct token *token, struct rdata_out *out)
{
        uint8_t *length_octet = out->bytes + out->length;
        size_t length;
        int r = rdata_octets(scan, token, STRING_MAX, length_octet + 1, &length);

        if (r < 0)
                return r;
        *length_octet = (uint8_t)length;
        out->length += 1 + length;
        return 0;
}

static int scan_strings(struct scan *scan, uint16_t type, struct rdata_out *out)
{
        struct token token;
        int r = scan_text(scan, "a string", &token);

        for (unsigned n = 1; r == 0; n++) {
                if (type == 20 && n > 2) { /* ISDN: address and subaddress (RFC 1183 s.3.2) */
                        scan_unread(scan, &token);
                        return 0;
                }
                r = put_string(scan, &token, out);
                if (r < 0)
                        return r;
                if (out->length > RDATA_MAX)
                        return fail_too_long(scan, token.start);
                switch (scan_token(scan, &token)) {
                case TOKEN_END:
                        return 0;
                case TOKEN_WRONG:
                        return -EINVAL;
                case TOKEN_WORD:
                case TOKEN_QUOTED:
                        break;
                }
        }
        return r;
}

static int scan_string(struct scan *scan, struct rdata_out *out)
{
        struct token token;
        int r = scan_text(scan, "a string", &token);

        return r < 0 ? r : put_string(scan, &token, out);
}

/* URI target, CAA value: no length octet. */
static int scan_string_rest(struct scan *scan, uint16_t type, struct rdata_out *out)
{
        struct token token;
        size_t length;
        int r = scan_text(scan, "a quoted string", &token);

        if (r < 0)
                return r;
        r = rdata_octets(scan, &token, RDATA_MAX - out->length, out->bytes + out->length, &length);
        if (r < 0)
                return r;
        if (length == 0 && type == TYPE_URI)
                return scan_fail(
                        scan, token.start, "missing-field", NULL, "the target of a URI may not be empty");
        out->length += length;
        return 0;
}

/* RFC 8659 s.4.1: letters and digits. */
static int scan_tag(struct scan *scan, struct rdata_out *out)
{
        struct token token;
        int r = scan_text(scan, "a tag", &token);

        if (r < 0)
                return r;
        for (const char *at = token.begin; at < token.end; at++) {
                bool is_letter = (*at | 0x20) >= 'a' && (*at | 0x20) <= 'z';

                if (!is_letter && !(*at >= '0' && *at <= '9'))
                        return scan_fail_word(scan, &token, "bad-tag", "issue, issuewild, iodef ...",
                                "is not a tag of letters and digits");
        }
        if (token.begin == token.end)
                return scan_fail(scan, token.start, "bad-tag", "issue, issuewild, iodef ...", "an empty tag");
        return put_string(scan, &token, out);
}

int rdata_scan_field(struct scan *scan, uint8_t field, uint16_t type, struct rdata_out *out)
{
        switch ((enum type_field)field) {
        case FIELD_NAME_COMPRESSED:
        case FIELD_NAME_FOLDED:
        case FIELD_NAME:
                return rdata_scan_name(scan, out);
        case FIELD_U8:
                return rdata_scan_number(scan, 1, out);
        case FIELD_U16:
                return rdata_scan_number(scan, 2, out);
        case FIELD_U32:
                return rdata_scan_number(scan, 4, out);
        case FIELD_TTL32:
        case FIELD_TYPE:
        case FIELD_ALGORITHM:
        case FIELD_CERT_TYPE:
        case FIELD_SCHEME:
        case FIELD_TIME:
                return rdata_scan_value(scan, field, out);
        case FIELD_IPV4:
        case FIELD_IPV6:
                return scan_address(scan, field, out);
        case FIELD_STRING:
                return scan_string(scan, out);
        case FIELD_STRINGS:
                return scan_strings(scan, type, out);
        case FIELD_STRING_REST:
                return scan_string_rest(scan, type, out);
        case FIELD_TAG:
                return scan_tag(scan, out);
        case FIELD_EUI48:
        case FIELD_EUI64:
        case FIELD_NODE64:
        case FIELD_HEX_REST:
        case FIELD_BASE64_REST:
        case FIELD_HEX_LENGTH8:
        case FIELD_BASE32_LENGTH8:
        case FIELD_NSAP:
                return rdata_scan_blob(scan, field, type, out);
        case FIELD_BITMAP:
                return rdata_scan_bitmap(scan, out);
        case FIELD_APL:
                return rdata_scan_apl(scan, out);
        case FIELD_LOC:
                return rdata_scan_loc(scan, out);
        case FIELD_SVCPARAMS:
                return rdata_scan_svc_params(scan, out);
        case FIELD_IPSECKEY:
                return rdata_scan_ipseckey(scan, out);
        case FIELD_AMTRELAY:
                return rdata_scan_amtrelay(scan, out);
        case FIELD_HIP:
                return rdata_scan_hip(scan, out);
        case FIELD_UNKNOWN:
        case FIELD_END:
                break;
        }
        return scan_fail(scan, scan->at, "generic-rdata-only", "\\# LENGTH HEX (RFC 3597)",
                "RDATA of this type has to be written in the generic form");
}

int rdata_scan_end(struct scan *scan)
{
        struct token token;

        switch (scan_token(scan, &token)) {
        case TOKEN_END:
                return 0;
        case TOKEN_WRONG:
                return -EINVAL;
        case TOKEN_WORD:
        case TOKEN_QUOTED:
                break;
        }
        return scan_fail_word(
                scan, &token, "text-behind-record", NULL, "stands behind the end of the record");
}

/* Octets of the digest that the RDATA's own numbers ask for; 0 = any. */
static size_t digest_length(uint16_t type, const struct rdata_out *out, size_t *ret_offset)
{
        static const uint8_t ds_lengths[] = {0, 20, 32, 32, 48}; /* RFC 4034, 4509, 5933, 6605 */
        static const uint8_t zonemd_lengths[] = {0, 48, 64};     /* RFC 8976 s.2.2.3 */

        if (type == TYPE_DS || type == TYPE_CDS || type == TYPE_DLV || type == 32768) {
                *ret_offset = 4;
                return out->bytes[3] < ARRAY_SIZE(ds_lengths) ? ds_lengths[out->bytes[3]] : 0;
        }
        if (type == TYPE_ZONEMD) {
                *ret_offset = 6;
                return out->bytes[5] < ARRAY_SIZE(zonemd_lengths) ? zonemd_lengths[out->bytes[5]] : 0;
        }
        return 0;
}

/* What one field asks of another. */
static int check_whole(struct scan *scan, uint16_t type, const struct rdata_out *out, const char *at)
{
        size_t offset = 0, length = digest_length(type, out, &offset);

        if (length > 0 && out->length != offset + length)
                return scan_fail(scan, at, "bad-digest-length", NULL,
                        "a digest of type %u has %zu octets, this one %zu", out->bytes[offset - 1], length,
                        out->length - offset);
        /* A parameter may be written as keyNNNNN with its octets: they are to make sense too. */
        if ((type == TYPE_SVCB || type == TYPE_HTTPS) && !rdata_is_wellformed(type, out->bytes, out->length))
                return scan_fail(
                        scan, at, "malformed-rdata", NULL, "a service parameter has a malformed value");
        return 0;
}

/* Takes "\\#" (RFC 3597 s.5). 1 = it was there, 0 = not, -EINVAL. */
static int take_generic_mark(struct scan *scan)
{
        struct token token;

        while (*scan->at == ' ' || *scan->at == '\t')
                scan->at++;
        if (scan_begins_word(*scan->at) && *scan->at != '\\')
                return 0;
        if (scan_token(scan, &token) == TOKEN_WRONG)
                return -EINVAL;
        if (token.kind == TOKEN_WORD && token_length(&token) == 2 && token.begin[0] == '\\' &&
                token.begin[1] == '#')
                return 1;
        scan_unread(scan, &token);
        return 0;
}

int rdata_scan(struct scan *scan, const struct type_info *info, uint16_t type, struct rdata_out *out)
{
        const char *begin;
        int r = take_generic_mark(scan);

        if (r < 0)
                return r;
        begin = scan->at;
        out->length = 0;
        if (r == 1) {
                r = rdata_scan_generic(scan, type, out);
        } else {
                for (unsigned i = 0; r == 0 && i < TYPE_FIELDS_MAX && info->fields[i] != FIELD_END; i++) {
                        r = rdata_scan_field(scan, info->fields[i], type, out);
                        if (r == 0 && out->length > RDATA_MAX)
                                r = fail_too_long(scan, begin);
                }
        }
        if (r == 0)
                r = rdata_scan_end(scan);
        return r < 0 ? r : check_whole(scan, type, out, begin);
}
