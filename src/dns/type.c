/* The table of RR types: mnemonic and layout of RDATA, by IANA's registry. Pure; any thread.
 *
 * Names of RFC 1035's types alone may be compressed (RFC 3597 s.4). Folded in comparisons are those that RFC
 * 4034 s.6.2 lists, less NSEC and RRSIG (RFC 6840 s.5.1). Types of the past whose text nobody writes any more
 * have a mnemonic and FIELD_UNKNOWN. */
#include "dns/type.h"

#include "base/cleanup.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define NAME_COMPRESSED                                                                                      \
        {                                                                                                    \
                FIELD_NAME_COMPRESSED                                                                        \
        }
#define NAME_PLAIN                                                                                           \
        {                                                                                                    \
                FIELD_NAME                                                                                   \
        }
#define STRINGS                                                                                              \
        {                                                                                                    \
                FIELD_STRINGS                                                                                \
        }
#define UNKNOWN                                                                                              \
        {                                                                                                    \
                FIELD_UNKNOWN                                                                                \
        }
#define PREFERENCE_NAME                                                                                      \
        {                                                                                                    \
                FIELD_U16, FIELD_NAME_FOLDED                                                                 \
        }
#define DIGEST_OF_KEY                                                                                        \
        {                                                                                                    \
                FIELD_U16, FIELD_ALGORITHM, FIELD_U8, FIELD_HEX_REST                                         \
        }
#define PUBLIC_KEY                                                                                           \
        {                                                                                                    \
                FIELD_U16, FIELD_U8, FIELD_ALGORITHM, FIELD_BASE64_REST                                      \
        }
#define CERTIFICATE_HASH                                                                                     \
        {                                                                                                    \
                FIELD_U8, FIELD_U8, FIELD_U8, FIELD_HEX_REST                                                 \
        }
#define SERVICE                                                                                              \
        {                                                                                                    \
                FIELD_U16, FIELD_NAME, FIELD_SVCPARAMS                                                       \
        }
#define SIGNATURE(signer)                                                                                    \
        {                                                                                                    \
                FIELD_TYPE, FIELD_ALGORITHM, FIELD_U8, FIELD_U32, FIELD_TIME, FIELD_TIME, FIELD_U16, signer, \
                        FIELD_BASE64_REST                                                                    \
        }
#define TYPE(number, mnemonic, ...) [number] = {number, mnemonic, __VA_ARGS__, false}
#define META(number, mnemonic) [number] = {number, mnemonic, UNKNOWN, true}

/* clang-format off */
static const struct type_info table[] = {
        TYPE(TYPE_A, "A", {FIELD_IPV4}),
        TYPE(TYPE_NS, "NS", NAME_COMPRESSED),
        TYPE(3, "MD", NAME_COMPRESSED),
        TYPE(4, "MF", NAME_COMPRESSED),
        TYPE(TYPE_CNAME, "CNAME", NAME_COMPRESSED),
        TYPE(TYPE_SOA, "SOA", {FIELD_NAME_COMPRESSED, FIELD_NAME_COMPRESSED, FIELD_U32, FIELD_TTL32, FIELD_TTL32,
                               FIELD_TTL32, FIELD_TTL32}),
        TYPE(7, "MB", NAME_COMPRESSED),
        TYPE(8, "MG", NAME_COMPRESSED),
        TYPE(9, "MR", NAME_COMPRESSED),
        TYPE(10, "NULL", UNKNOWN),
        TYPE(11, "WKS", UNKNOWN),
        TYPE(TYPE_PTR, "PTR", NAME_COMPRESSED),
        TYPE(TYPE_HINFO, "HINFO", {FIELD_STRING, FIELD_STRING}),
        TYPE(14, "MINFO", {FIELD_NAME_COMPRESSED, FIELD_NAME_COMPRESSED}),
        TYPE(TYPE_MX, "MX", {FIELD_U16, FIELD_NAME_COMPRESSED}),
        TYPE(TYPE_TXT, "TXT", STRINGS),
        TYPE(17, "RP", {FIELD_NAME_FOLDED, FIELD_NAME_FOLDED}),
        TYPE(18, "AFSDB", PREFERENCE_NAME),
        TYPE(19, "X25", {FIELD_STRING}),
        TYPE(20, "ISDN", STRINGS), /* one or two */
        TYPE(21, "RT", PREFERENCE_NAME),
        TYPE(22, "NSAP", {FIELD_NSAP}),
        TYPE(23, "NSAP-PTR", NAME_PLAIN),
        TYPE(TYPE_SIG, "SIG", SIGNATURE(FIELD_NAME_FOLDED)),
        TYPE(TYPE_KEY, "KEY", PUBLIC_KEY),
        TYPE(26, "PX", {FIELD_U16, FIELD_NAME_FOLDED, FIELD_NAME_FOLDED}),
        TYPE(27, "GPOS", {FIELD_STRING, FIELD_STRING, FIELD_STRING}),
        TYPE(TYPE_AAAA, "AAAA", {FIELD_IPV6}),
        TYPE(TYPE_LOC, "LOC", {FIELD_LOC}),
        TYPE(TYPE_NXT, "NXT", UNKNOWN),
        TYPE(31, "EID", {FIELD_HEX_REST}),
        TYPE(32, "NIMLOC", {FIELD_HEX_REST}),
        TYPE(TYPE_SRV, "SRV", {FIELD_U16, FIELD_U16, FIELD_U16, FIELD_NAME_FOLDED}),
        TYPE(34, "ATMA", UNKNOWN),
        TYPE(TYPE_NAPTR, "NAPTR", {FIELD_U16, FIELD_U16, FIELD_STRING, FIELD_STRING, FIELD_STRING,
                                   FIELD_NAME_FOLDED}),
        TYPE(36, "KX", PREFERENCE_NAME),
        TYPE(37, "CERT", {FIELD_CERT_TYPE, FIELD_U16, FIELD_ALGORITHM, FIELD_BASE64_REST}),
        TYPE(38, "A6", UNKNOWN),
        TYPE(TYPE_DNAME, "DNAME", {FIELD_NAME_FOLDED}),
        TYPE(40, "SINK", UNKNOWN),
        META(TYPE_OPT, "OPT"),
        TYPE(TYPE_APL, "APL", {FIELD_APL}),
        TYPE(TYPE_DS, "DS", DIGEST_OF_KEY),
        TYPE(TYPE_SSHFP, "SSHFP", {FIELD_U8, FIELD_U8, FIELD_HEX_REST}),
        TYPE(TYPE_IPSECKEY, "IPSECKEY", {FIELD_IPSECKEY}),
        TYPE(TYPE_RRSIG, "RRSIG", SIGNATURE(FIELD_NAME)),
        TYPE(TYPE_NSEC, "NSEC", {FIELD_NAME, FIELD_BITMAP}),
        TYPE(TYPE_DNSKEY, "DNSKEY", PUBLIC_KEY),
        TYPE(49, "DHCID", {FIELD_BASE64_REST}),
        TYPE(TYPE_NSEC3, "NSEC3", {FIELD_U8, FIELD_U8, FIELD_U16, FIELD_HEX_LENGTH8, FIELD_BASE32_LENGTH8,
                                   FIELD_BITMAP}),
        TYPE(TYPE_NSEC3PARAM, "NSEC3PARAM", {FIELD_U8, FIELD_U8, FIELD_U16, FIELD_HEX_LENGTH8}),
        TYPE(TYPE_TLSA, "TLSA", CERTIFICATE_HASH),
        TYPE(TYPE_SMIMEA, "SMIMEA", CERTIFICATE_HASH),
        TYPE(TYPE_HIP, "HIP", {FIELD_HIP}),
        TYPE(56, "NINFO", STRINGS),
        TYPE(57, "RKEY", PUBLIC_KEY),
        TYPE(58, "TALINK", {FIELD_NAME, FIELD_NAME}),
        TYPE(TYPE_CDS, "CDS", DIGEST_OF_KEY),
        TYPE(TYPE_CDNSKEY, "CDNSKEY", PUBLIC_KEY),
        TYPE(TYPE_OPENPGPKEY, "OPENPGPKEY", {FIELD_BASE64_REST}),
        TYPE(TYPE_CSYNC, "CSYNC", {FIELD_U32, FIELD_U16, FIELD_BITMAP}),
        TYPE(TYPE_ZONEMD, "ZONEMD", {FIELD_U32, FIELD_U8, FIELD_U8, FIELD_HEX_REST}),
        TYPE(TYPE_SVCB, "SVCB", SERVICE),
        TYPE(TYPE_HTTPS, "HTTPS", SERVICE),
        TYPE(66, "DSYNC", {FIELD_TYPE, FIELD_SCHEME, FIELD_U16, FIELD_NAME}),
        TYPE(67, "HHIT", {FIELD_BASE64_REST}),
        TYPE(68, "BRID", {FIELD_BASE64_REST}),
        TYPE(TYPE_SPF, "SPF", STRINGS),
        TYPE(100, "UINFO", UNKNOWN),
        TYPE(101, "UID", UNKNOWN),
        TYPE(102, "GID", UNKNOWN),
        TYPE(103, "UNSPEC", UNKNOWN),
        TYPE(104, "NID", {FIELD_U16, FIELD_NODE64}),
        TYPE(105, "L32", {FIELD_U16, FIELD_IPV4}),
        TYPE(106, "L64", {FIELD_U16, FIELD_NODE64}),
        TYPE(107, "LP", {FIELD_U16, FIELD_NAME}),
        TYPE(108, "EUI48", {FIELD_EUI48}),
        TYPE(109, "EUI64", {FIELD_EUI64}),
        META(128, "NXNAME"),
        META(TYPE_TKEY, "TKEY"),
        META(TYPE_TSIG, "TSIG"),
        META(TYPE_IXFR, "IXFR"),
        META(TYPE_AXFR, "AXFR"),
        META(TYPE_MAILB, "MAILB"),
        META(TYPE_MAILA, "MAILA"),
        META(TYPE_ANY, "ANY"),
        TYPE(TYPE_URI, "URI", {FIELD_U16, FIELD_U16, FIELD_STRING_REST}),
        TYPE(TYPE_CAA, "CAA", {FIELD_U8, FIELD_TAG, FIELD_STRING_REST}),
        TYPE(258, "AVC", STRINGS),
        TYPE(259, "DOA", {FIELD_U32, FIELD_U32, FIELD_U8, FIELD_STRING, FIELD_BASE64_REST}),
        TYPE(TYPE_AMTRELAY, "AMTRELAY", {FIELD_AMTRELAY}),
        TYPE(261, "RESINFO", STRINGS),
        TYPE(262, "WALLET", STRINGS),
        TYPE(263, "CLA", STRINGS),
        TYPE(264, "IPN", UNKNOWN),
};
/* clang-format on */

static const struct type_info type_ta = {32768, "TA", DIGEST_OF_KEY, false};
static const struct type_info type_dlv = {TYPE_DLV, "DLV", DIGEST_OF_KEY, false};
static const struct type_info unknown = {0, NULL, UNKNOWN, false};
static const struct type_info unknown_meta = {0, NULL, UNKNOWN, true};

const struct type_info *type_info(uint16_t type)
{
        if (type < ARRAY_SIZE(table) && table[type].mnemonic)
                return &table[type];
        if (type == type_ta.type)
                return &type_ta;
        if (type == type_dlv.type)
                return &type_dlv;
        /* RFC 6895 s.3.1: 128 to 255 are questions and meta types, 0 is reserved. */
        if (type == 0 || (type >= 128 && type <= 255))
                return &unknown_meta;
        return &unknown;
}

static bool text_is(const char *text, size_t length, const char *word)
{
        return strlen(word) == length && strncasecmp(text, word, length) == 0;
}

/* `prefix` and a decimal number of 16 bits, as RFC 3597 s.5 writes types and classes. */
static int number_behind(const char *text, size_t length, const char *prefix, uint16_t *ret_number)
{
        size_t skip = strlen(prefix);
        uint32_t number = 0;

        if (length <= skip || length > skip + 5 || strncasecmp(text, prefix, skip) != 0)
                return -EINVAL;
        for (size_t i = skip; i < length; i++) {
                if (text[i] < '0' || text[i] > '9')
                        return -EINVAL;
                number = number * 10 + (uint32_t)(text[i] - '0');
        }
        if (number > UINT16_MAX)
                return -EINVAL;
        *ret_number = (uint16_t)number;
        return 0;
}

int type_from_text(const char *text, size_t length, uint16_t *ret_type)
{
        for (size_t i = 0; i < ARRAY_SIZE(table); i++)
                if (table[i].mnemonic && text_is(text, length, table[i].mnemonic)) {
                        *ret_type = table[i].type;
                        return 0;
                }
        if (text_is(text, length, type_ta.mnemonic)) {
                *ret_type = type_ta.type;
                return 0;
        }
        if (text_is(text, length, type_dlv.mnemonic)) {
                *ret_type = type_dlv.type;
                return 0;
        }
        return number_behind(text, length, "TYPE", ret_type);
}

const char *type_to_text(uint16_t type, char text[static TYPE_TEXT_MAX])
{
        const char *mnemonic = type_info(type)->mnemonic;

        if (mnemonic)
                snprintf(text, TYPE_TEXT_MAX, "%s", mnemonic);
        else
                snprintf(text, TYPE_TEXT_MAX, "TYPE%u", type);
        return text;
}

int class_from_text(const char *text, size_t length, uint16_t *ret_class)
{
        static const struct {
                const char *mnemonic;
                uint16_t class;
        } classes[] = {
                {"IN", CLASS_IN}, {"CH", CLASS_CH}, {"HS", 4}, {"NONE", CLASS_NONE}, {"ANY", CLASS_ANY}};

        for (size_t i = 0; i < ARRAY_SIZE(classes); i++)
                if (text_is(text, length, classes[i].mnemonic)) {
                        *ret_class = classes[i].class;
                        return 0;
                }
        return number_behind(text, length, "CLASS", ret_class);
}

bool type_is_signer_made(uint16_t type)
{
        return type == TYPE_RRSIG || type == TYPE_NSEC || type == TYPE_NSEC3 || type == TYPE_NSEC3PARAM;
}
