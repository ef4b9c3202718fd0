/* RDATA fields with a structure of their own: type bitmaps, APL, IPSECKEY, AMTRELAY, HIP. Pure; any thread.
 */
#include "zonefile/rdata_scan.h"

#include <errno.h>
#include <string.h>

/* Type bitmaps (RFC 4034 s.4.1.2): windows of 256 types, each as long as its last set bit needs. */
static void put_windows(const uint8_t bits[static 8192], struct rdata_out *out)
{
        for (unsigned window = 0; window < 256; window++) {
                unsigned length = 32;

                while (length > 0 && bits[window * 32 + length - 1] == 0)
                        length--;
                if (length == 0)
                        continue;
                out->bytes[out->length++] = (uint8_t)window;
                out->bytes[out->length++] = (uint8_t)length;
                memcpy(out->bytes + out->length, bits + window * 32, length);
                out->length += length;
        }
}

int rdata_scan_bitmap(struct scan *scan, struct rdata_out *out)
{
        uint8_t bits[8192] = {0};
        struct token token;

        for (;;) {
                uint16_t type;

                switch (scan_token(scan, &token)) {
                case TOKEN_END:
                        put_windows(bits, out); /* at most 8704 octets, behind a name */
                        return 0;
                case TOKEN_WRONG:
                        return -EINVAL;
                case TOKEN_WORD:
                case TOKEN_QUOTED:
                        break;
                }
                if (!token_type(&token, &type))
                        return scan_fail_word(scan, &token, "unknown-type", NULL, "is not a record type");
                bits[type / 8] |= (uint8_t)(0x80 >> type % 8);
        }
}

/* [!]family:address/prefix (RFC 3123 s.4). */
static int put_prefix(struct scan *scan, const struct token *item, struct rdata_out *out)
{
        static const char form[] = "[!]1:192.0.2.0/24 or [!]2:2001:db8::/32";
        struct token part = *item;
        uint8_t address[16] = {0}, bytes[20];
        uint32_t family, bits;
        bool is_negated = item->begin < item->end && *item->begin == '!';
        const char *colon, *slash = memchr(item->begin, '/', token_length(item));
        size_t length;
        int r;

        part.begin += is_negated;
        colon = memchr(part.begin, ':', (size_t)(item->end - part.begin));
        if (!colon || !slash || slash < colon)
                return scan_fail_word(scan, item, "bad-prefix", form, "is not an address prefix");
        part.end = colon;
        if (!token_number(&part, 2, &family) || family == 0)
                return scan_fail_word(scan, item, "bad-prefix", form, "has an unknown address family");
        part.begin = colon + 1;
        part.end = slash;
        r = family == 1 ? rdata_ipv4(scan, &part, address) : rdata_ipv6(scan, &part, address);
        if (r < 0)
                return r;
        part.begin = slash + 1;
        part.end = item->end;
        if (!token_number(&part, family == 1 ? 32 : 128, &bits))
                return scan_fail_word(scan, item, "bad-prefix", form, "has a wrong prefix length");
        for (length = family == 1 ? 4 : 16; length > 0 && address[length - 1] == 0;)
                length--;
        bytes[0] = 0;
        bytes[1] = (uint8_t)family;
        bytes[2] = (uint8_t)bits;
        bytes[3] = (uint8_t)(length | (is_negated ? 0x80 : 0));
        memcpy(bytes + 4, address, length);
        return rdata_put(scan, out, bytes, 4 + length);
}

int rdata_scan_apl(struct scan *scan, struct rdata_out *out)
{
        struct token token;

        for (;;) {
                switch (scan_token(scan, &token)) {
                case TOKEN_END:
                        return 0;
                case TOKEN_WRONG:
                        return -EINVAL;
                case TOKEN_WORD:
                case TOKEN_QUOTED:
                        break;
                }
                int r = put_prefix(scan, &token, out);

                if (r < 0)
                        return r;
        }
}

/* A gateway or relay: nothing, IPv4, IPv6 or a name (RFC 4025 s.2.5, RFC 8777 s.4.2.4). */
static int scan_gateway(struct scan *scan, uint8_t kind, struct rdata_out *out)
{
        struct token token;
        int r;

        if (kind == 3)
                return rdata_scan_name(scan, out);
        r = scan_word(scan, "a gateway", &token);
        if (r < 0)
                return r;
        if (kind == 0) {
                if (token_length(&token) == 1 && *token.begin == '.')
                        return 0;
                return scan_fail_word(scan, &token, "bad-gateway", "type 0 means none, written \".\"",
                        "stands where there is no gateway");
        }
        if (kind == 1) {
                r = rdata_ipv4(scan, &token, out->bytes + out->length);
                out->length += r < 0 ? 0 : 4;
        } else {
                r = rdata_ipv6(scan, &token, out->bytes + out->length);
                out->length += r < 0 ? 0 : 16;
        }
        return r;
}

/* "precedence gateway-type algorithm gateway [key]": a key, but for algorithm 0 (RFC 4025 s.2.4). */
int rdata_scan_ipseckey(struct scan *scan, struct rdata_out *out)
{
        struct token token;
        uint32_t kind;
        int r = rdata_scan_number(scan, 1, out);

        if (r < 0)
                return r;
        r = scan_word(scan, "a gateway type", &token);
        if (r < 0)
                return r;
        if (!token_number(&token, 3, &kind))
                return scan_fail_word(scan, &token, "bad-number", NULL, "is not a gateway type from 0 to 3");
        out->bytes[out->length++] = (uint8_t)kind;
        r = rdata_scan_number(scan, 1, out);
        uint8_t algorithm = r == 0 ? out->bytes[out->length - 1] : 0;
        if (r == 0)
                r = scan_gateway(scan, (uint8_t)kind, out);
        if (r < 0 || (algorithm == 0 && scan_is_at_end(scan)))
                return r;
        if (algorithm == 0)
                return scan_fail(scan, scan->at, "bad-key", "leave the key out, or name its algorithm",
                        "a key of algorithm 0, which means that there is none");
        if (scan_is_at_end(scan))
                return scan_fail(scan, scan->at, "missing-field", "algorithm 0 is the one that goes without",
                        "the public key is missing");
        return rdata_scan_blob(scan, FIELD_BASE64_REST, TYPE_IPSECKEY, out);
}

/* "precedence D relay-type relay". */
int rdata_scan_amtrelay(struct scan *scan, struct rdata_out *out)
{
        struct token discovery, kind_token;
        uint32_t is_discovery, kind;
        int r = rdata_scan_number(scan, 1, out);

        if (r < 0)
                return r;
        r = scan_word(scan, "the discovery bit", &discovery);
        if (r < 0)
                return r;
        if (!token_number(&discovery, 1, &is_discovery))
                return scan_fail_word(scan, &discovery, "bad-number", NULL, "is not a discovery bit, 0 or 1");
        r = scan_word(scan, "a relay type", &kind_token);
        if (r < 0)
                return r;
        if (!token_number(&kind_token, 3, &kind))
                return scan_fail_word(
                        scan, &kind_token, "bad-number", NULL, "is not a relay type from 0 to 3");
        out->bytes[out->length++] = (uint8_t)(is_discovery << 7 | kind);
        return scan_gateway(scan, (uint8_t)kind, out);
}

/* "algorithm HIT key rendezvous-server..." (RFC 8005 s.6): both lengths come before the algorithm on the
 * wire. */
int rdata_scan_hip(struct scan *scan, struct rdata_out *out)
{
        struct token token;
        size_t hit, key;
        uint32_t algorithm;
        int r = scan_word(scan, "a key algorithm", &token);

        if (r < 0)
                return r;
        if (!token_number(&token, UINT8_MAX, &algorithm))
                return scan_fail_word(scan, &token, "bad-number", NULL, "is not a number from 0 to 255");
        out->length += 4;
        r = scan_word(scan, "a host identity tag in hexadecimal", &token);
        if (r < 0 || (r = rdata_hex_token(scan, &token, out)) < 0)
                return r;
        hit = out->length - 4;
        if (hit > UINT8_MAX)
                return scan_fail(scan, token.start, "rdata-too-long", NULL,
                        "a host identity tag has at most 255 octets");
        r = scan_word(scan, "a key in base64", &token);
        if (r < 0 || (r = rdata_base64_token(scan, &token, out)) < 0)
                return r;
        key = out->length - 4 - hit;
        out->bytes[0] = (uint8_t)hit;
        out->bytes[1] = (uint8_t)algorithm;
        out->bytes[2] = (uint8_t)(key >> 8);
        out->bytes[3] = (uint8_t)key;
        while (!scan_is_at_end(scan)) {
                r = rdata_scan_name(scan, out);
                if (r < 0)
                        return r;
                if (out->length > RDATA_MAX)
                        return scan_fail(scan, token.start, "rdata-too-long", NULL,
                                "RDATA is longer than 65535 octets");
        }
        return 0;
}
