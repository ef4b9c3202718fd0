/* RDATA fields that are numbers with a text form of their own: times, types, mnemonics. Pure; any thread. */
#include "zonefile/rdata_scan.h"

#include <errno.h>
#include <string.h>
#include <time.h>

static int scan_ttl32(struct scan *scan, struct rdata_out *out)
{
        struct token token;
        uint32_t ttl;
        int r = scan_word(scan, "a time in seconds", &token);

        if (r < 0)
                return r;
        if (token_ttl(&token, UINT32_MAX, &ttl) != TTL_OK)
                return scan_fail_word(scan, &token, "bad-number", "seconds, or units: 1w2d3h4m5s",
                        "is not a time from 0 to 4294967295 seconds");
        rdata_put_number(out, ttl, 4);
        return 0;
}

static int scan_type(struct scan *scan, struct rdata_out *out)
{
        struct token token;
        uint16_t type;
        int r = scan_word(scan, "a record type", &token);

        if (r < 0)
                return r;
        if (!token_type(&token, &type)) {
                uint32_t number;

                if (!token_number(&token, UINT16_MAX, &number))
                        return scan_fail_word(scan, &token, "unknown-type", NULL, "is not a record type");
                type = (uint16_t)number;
        }
        rdata_put_number(out, type, 2);
        return 0;
}

struct mnemonic {
        const char *word;
        uint16_t number;
};

static const struct mnemonic algorithms[] = {{"RSAMD5", 1}, {"DH", 2}, {"DSA", 3}, {"ECC", 4}, {"RSASHA1", 5},
        {"DSA-NSEC3-SHA1", 6}, {"NSEC3DSA", 6}, {"RSASHA1-NSEC3-SHA1", 7}, {"NSEC3RSASHA1", 7},
        {"RSASHA256", 8}, {"RSASHA512", 10}, {"ECCGOST", 12}, {"ECDSAP256SHA256", 13}, {"ECDSA256", 13},
        {"ECDSAP384SHA384", 14}, {"ECDSA384", 14}, {"ED25519", 15}, {"ED448", 16}, {"INDIRECT", 252},
        {"PRIVATEDNS", 253}, {"PRIVATEOID", 254}, {NULL, 0}};
static const struct mnemonic cert_types[] = {{"PKIX", 1}, {"SPKI", 2}, {"PGP", 3}, {"IPKIX", 4}, {"ISPKI", 5},
        {"IPGP", 6}, {"ACPKIX", 7}, {"IACPKIX", 8}, {"URI", 253}, {"OID", 254}, {NULL, 0}};
static const struct mnemonic schemes[] = {{"NOTIFY", 1}, {NULL, 0}};

static int scan_mnemonic(
        struct scan *scan, const struct mnemonic *words, unsigned octets, struct rdata_out *out)
{
        struct token token;
        uint32_t number;
        int r = scan_word(scan, "a number or mnemonic", &token);

        if (r < 0)
                return r;
        if (!token_number(&token, octets == 1 ? UINT8_MAX : UINT16_MAX, &number)) {
                while (words->word && !token_is(&token, words->word))
                        words++;
                if (!words->word)
                        return scan_fail_word(scan, &token, "bad-number", NULL,
                                octets == 1
                                        ? "is neither a number from 0 to 255 nor a mnemonic of this field"
                                        : "is neither a number from 0 to 65535 nor a mnemonic of this field");
                number = words->number;
        }
        rdata_put_number(out, number, octets);
        return 0;
}

static bool two_digits(const char *text, int least, int most, int *ret_number)
{
        *ret_number = (text[0] - '0') * 10 + (text[1] - '0');
        return *ret_number >= least && *ret_number <= most;
}

/* YYYYMMDDHHMMSS, or seconds since 1970 (RFC 4034 s.3.2); ten digits at most are seconds. */
static bool time_from_token(const struct token *token, uint32_t *ret_seconds)
{
        const char *text = token->begin;
        struct tm tm = {0};
        int century, year;

        if (token_length(token) != 14)
                return token_number(token, UINT32_MAX, ret_seconds);
        for (unsigned i = 0; i < 14; i++)
                if (text[i] < '0' || text[i] > '9')
                        return false;
        if (!two_digits(text, 19, 99, &century) || !two_digits(text + 2, 0, 99, &year) ||
                !two_digits(text + 4, 1, 12, &tm.tm_mon) || !two_digits(text + 6, 1, 31, &tm.tm_mday) ||
                !two_digits(text + 8, 0, 23, &tm.tm_hour) || !two_digits(text + 10, 0, 59, &tm.tm_min) ||
                !two_digits(text + 12, 0, 60, &tm.tm_sec))
                return false;
        tm.tm_year = century * 100 + year - 1900;
        tm.tm_mon--;
        if (tm.tm_year < 70)
                return false;
        int day = tm.tm_mday;
        time_t seconds = timegm(&tm); /* serial arithmetic: modulo 2^32 */
        *ret_seconds = (uint32_t)seconds;
        return tm.tm_mday == day || tm.tm_sec == 0;
}

static int scan_time(struct scan *scan, struct rdata_out *out)
{
        struct token token;
        uint32_t seconds;
        int r = scan_word(scan, "a time", &token);

        if (r < 0)
                return r;
        if (!time_from_token(&token, &seconds))
                return scan_fail_word(
                        scan, &token, "bad-time", "YYYYMMDDHHMMSS, or seconds since 1970", "is not a time");
        rdata_put_number(out, seconds, 4);
        return 0;
}

int rdata_scan_value(struct scan *scan, uint8_t field, struct rdata_out *out)
{
        switch (field) {
        case FIELD_TTL32:
                return scan_ttl32(scan, out);
        case FIELD_TYPE:
                return scan_type(scan, out);
        case FIELD_ALGORITHM:
                return scan_mnemonic(scan, algorithms, 1, out);
        case FIELD_CERT_TYPE:
                return scan_mnemonic(scan, cert_types, 2, out);
        case FIELD_SCHEME:
                return scan_mnemonic(scan, schemes, 1, out);
        default:
                return scan_time(scan, out);
        }
}
