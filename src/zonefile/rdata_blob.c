/* RDATA fields that are octets in a text encoding: hexadecimal, base64, base32hex, hardware addresses, the
 * generic form of RFC 3597. Pure; any thread. */
#include "zonefile/rdata_scan.h"

#include "base/encode.h"
#include "dns/rdata.h"

#include <errno.h>
#include <string.h>

#define TYPE_DOA 259

static int fail_encoding(struct scan *scan, const char *at, const char *what)
{
        return scan_fail(scan, at, "bad-encoding", NULL, "this is not %s", what);
}

/* Gathers every word up to the entry's end into out->text. */
static int gather(
        struct scan *scan, const char *what, struct rdata_out *out, size_t *ret_length, const char **ret_at)
{
        struct token token;
        size_t length = 0;
        int r = scan_word(scan, what, &token);

        if (r < 0)
                return r;
        *ret_at = token.start;
        for (;;) {
                if (token_length(&token) > RDATA_TEXT_ROOM - length)
                        return scan_fail(scan, token.start, "rdata-too-long", NULL,
                                "RDATA is longer than 65535 octets");
                memcpy(out->text + length, token.begin, token_length(&token));
                length += token_length(&token);
                if (scan_token(scan, &token) != TOKEN_WORD)
                        break;
        }
        if (token.kind == TOKEN_WRONG)
                return -EINVAL;
        if (token.kind == TOKEN_QUOTED)
                scan_unread(scan, &token); /* told as text behind the record */
        *ret_length = length;
        return 0;
}

static int put_decoded(struct scan *scan, const char *at, struct rdata_out *out, uint8_t *decoded,
        ssize_t length, const char *what)
{
        if (length < 0)
                return fail_encoding(scan, at, what);
        return rdata_put(scan, out, decoded, (size_t)length);
}

static int hex_to_out(
        struct scan *scan, const char *at, const char *text, size_t length, struct rdata_out *out)
{
        uint8_t decoded[RDATA_MAX];

        if (length > 2 * RDATA_MAX)
                return scan_fail(scan, at, "rdata-too-long", NULL, "RDATA is longer than 65535 octets");
        if (length % 2 != 0)
                return scan_fail(scan, at, "bad-encoding", "each octet has two digits",
                        "an odd number of hexadecimal digits");
        for (size_t i = 0; i < length; i++)
                if (!((text[i] >= '0' && text[i] <= '9') ||
                            ((text[i] | 0x20) >= 'a' && (text[i] | 0x20) <= 'f')))
                        return fail_encoding(scan, at, "hexadecimal");
        return put_decoded(scan, at, out, decoded, hex_decode(text, length, decoded), "hexadecimal");
}

static int base64_to_out(
        struct scan *scan, const char *at, const char *text, size_t length, struct rdata_out *out)
{
        uint8_t decoded[RDATA_TEXT_ROOM];

        return put_decoded(scan, at, out, decoded, base64_decode(text, length, decoded), "base64");
}

int rdata_base64_token(struct scan *scan, const struct token *token, struct rdata_out *out)
{
        if (token_length(token) > RDATA_TEXT_ROOM)
                return fail_encoding(scan, token->start, "base64");
        return base64_to_out(scan, token->start, token->begin, token_length(token), out);
}

int rdata_hex_token(struct scan *scan, const struct token *token, struct rdata_out *out)
{
        return hex_to_out(scan, token->start, token->begin, token_length(token), out);
}

static int scan_rest(struct scan *scan, uint8_t field, uint16_t type, struct rdata_out *out)
{
        bool is_hex = field == FIELD_HEX_REST;
        const char *at;
        size_t length;
        /* RFC 2535 s.3.1.2: flags 11 at the top say that there is no key. */
        bool may_be_empty = type == TYPE_KEY && out->length == 4 && (out->bytes[0] & 0xc0) == 0xc0;
        int r;

        if (may_be_empty && scan_is_at_end(scan))
                return 0;
        r = gather(scan, is_hex ? "hexadecimal" : "base64", out, &length, &at);
        if (r < 0)
                return r;
        if (type == TYPE_DOA && length == 1 && out->text[0] == '-') /* DOA: no data */
                return 0;
        return is_hex ? hex_to_out(scan, at, out->text, length, out)
                      : base64_to_out(scan, at, out->text, length, out);
}

/* NSEC3 salt and next owner: one word, with a length octet on the wire (RFC 5155 s.3.3). */
static int scan_length8(struct scan *scan, uint8_t field, struct rdata_out *out)
{
        uint8_t decoded[2 * 255];
        struct token token;
        ssize_t length;
        bool is_hex = field == FIELD_HEX_LENGTH8;
        const char *what = is_hex ? "a salt in hexadecimal, or \"-\"" : "a hash in base32hex";
        int r = scan_word(scan, what, &token);

        if (r < 0)
                return r;
        if (token_length(&token) > sizeof(decoded))
                return fail_encoding(scan, token.start, what);
        if (is_hex && token_is(&token, "-"))
                length = 0;
        else if (is_hex)
                length = hex_decode(token.begin, token_length(&token), decoded);
        else
                length = base32hex_decode(token.begin, token_length(&token), decoded);
        if (length < 0 || length > 255 || (length == 0 && !is_hex))
                return fail_encoding(scan, token.start, what);
        out->bytes[out->length++] = (uint8_t)length;
        return rdata_put(scan, out, decoded, (size_t)length);
}

static int hex_digit(char digit)
{
        if (digit >= '0' && digit <= '9')
                return digit - '0';
        if ((digit | 0x20) >= 'a' && (digit | 0x20) <= 'f')
                return (digit | 0x20) - 'a' + 10;
        return -1;
}

/* aa-bb-cc-dd-ee-ff (RFC 7043). */
static int scan_eui(struct scan *scan, uint8_t field, struct rdata_out *out)
{
        size_t octets = field == FIELD_EUI48 ? 6 : 8;
        const char *what = octets == 6 ? "an EUI-48, as in 00-00-5e-00-53-2a"
                                       : "an EUI-64, as in 00-00-5e-ef-10-00-00-2a";
        struct token token;
        int r = scan_word(scan, what, &token);

        if (r < 0)
                return r;
        if (token_length(&token) != octets * 3 - 1)
                return fail_encoding(scan, token.start, what);
        for (size_t i = 0; i < octets; i++) {
                const char *at = token.begin + 3 * i;
                int high = hex_digit(at[0]), low = hex_digit(at[1]);

                if (high < 0 || low < 0 || (i + 1 < octets && at[2] != '-'))
                        return fail_encoding(scan, token.start, what);
                out->bytes[out->length++] = (uint8_t)(high << 4 | low);
        }
        return 0;
}

/* Four groups of one to four digits, no "::" (RFC 6742 s.2.1.2). */
static int scan_node64(struct scan *scan, struct rdata_out *out)
{
        static const char what[] = "a node identifier, as in 0014:4fff:ff20:ee64";
        struct token token;
        const char *at;
        int r = scan_word(scan, what, &token);

        if (r < 0)
                return r;
        at = token.begin;
        for (unsigned group = 0; group < 4; group++) {
                unsigned value = 0, digits = 0;

                for (; at < token.end && hex_digit(*at) >= 0; at++, digits++)
                        value = value << 4 | (unsigned)hex_digit(*at);
                if (digits < 1 || digits > 4)
                        return fail_encoding(scan, token.start, what);
                if (group < 3 ? at == token.end || *at++ != ':' : at != token.end)
                        return fail_encoding(scan, token.start, what);
                out->bytes[out->length++] = (uint8_t)(value >> 8);
                out->bytes[out->length++] = (uint8_t)value;
        }
        return 0;
}

/* 0x and hexadecimal, dots for the eye (RFC 1706 s.7). */
static int scan_nsap(struct scan *scan, struct rdata_out *out)
{
        static const char what[] = "an NSAP address, as in 0x47.0005.80";
        struct token token;
        size_t length = 0;
        int r = scan_word(scan, what, &token);

        if (r < 0)
                return r;
        if (token_length(&token) < 4 || token_length(&token) > RDATA_TEXT_ROOM || token.begin[0] != '0' ||
                (token.begin[1] | 0x20) != 'x')
                return fail_encoding(scan, token.start, what);
        for (const char *at = token.begin + 2; at < token.end; at++)
                if (*at != '.')
                        out->text[length++] = *at;
        if (length == 0)
                return fail_encoding(scan, token.start, what);
        return hex_to_out(scan, token.start, out->text, length, out);
}

int rdata_scan_blob(struct scan *scan, uint8_t field, uint16_t type, struct rdata_out *out)
{
        switch (field) {
        case FIELD_EUI48:
        case FIELD_EUI64:
                return scan_eui(scan, field, out);
        case FIELD_NODE64:
                return scan_node64(scan, out);
        case FIELD_HEX_LENGTH8:
        case FIELD_BASE32_LENGTH8:
                return scan_length8(scan, field, out);
        case FIELD_NSAP:
                return scan_nsap(scan, out);
        default:
                return scan_rest(scan, field, type, out);
        }
}

/* The data at the end may be missing in a KEY (no key) and a DOA: with an octet of it they have to be
 * well-formed. */
static bool is_wellformed(uint16_t type, struct rdata_out *out)
{
        if (rdata_is_wellformed(type, out->bytes, out->length))
                return true;
        if (type != TYPE_KEY && type != TYPE_DOA)
                return false;
        out->bytes[out->length] = 0;
        return rdata_is_wellformed(type, out->bytes, out->length + 1);
}

int rdata_scan_generic(struct scan *scan, uint16_t type, struct rdata_out *out)
{
        struct token count;
        uint32_t octets;
        const char *at;
        size_t length = 0;
        int r = scan_word(scan, "the length of the RDATA", &count);

        if (r < 0)
                return r;
        at = count.start;
        if (!token_number(&count, RDATA_MAX, &octets))
                return scan_fail_word(scan, &count, "bad-number", NULL, "is not a length from 0 to 65535");
        if (octets > 0 || !scan_is_at_end(scan)) {
                r = gather(scan, "hexadecimal", out, &length, &at);
                if (r < 0)
                        return r;
        }
        r = hex_to_out(scan, at, out->text, length, out);
        if (r < 0)
                return r;
        if (out->length != octets)
                return scan_fail(scan, count.start, "bad-generic-length", NULL,
                        "the length says %u octets, there are %zu", octets, out->length);
        if (!is_wellformed(type, out)) {
                char mnemonic[TYPE_TEXT_MAX];

                return scan_fail(scan, count.start, "malformed-rdata", NULL,
                        "these octets are no RDATA of type %s", type_to_text(type, mnemonic));
        }
        return 0;
}
