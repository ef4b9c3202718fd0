/* RR types and classes: mnemonics and the layout of RDATA. One table; RFC 3597 for what is not in it. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
        TYPE_A = 1,
        TYPE_NS = 2,
        TYPE_CNAME = 5,
        TYPE_SOA = 6,
        TYPE_PTR = 12,
        TYPE_HINFO = 13,
        TYPE_MX = 15,
        TYPE_TXT = 16,
        TYPE_SIG = 24,
        TYPE_KEY = 25,
        TYPE_AAAA = 28,
        TYPE_LOC = 29,
        TYPE_NXT = 30,
        TYPE_SRV = 33,
        TYPE_NAPTR = 35,
        TYPE_DNAME = 39,
        TYPE_OPT = 41,
        TYPE_APL = 42,
        TYPE_DS = 43,
        TYPE_SSHFP = 44,
        TYPE_IPSECKEY = 45,
        TYPE_RRSIG = 46,
        TYPE_NSEC = 47,
        TYPE_DNSKEY = 48,
        TYPE_NSEC3 = 50,
        TYPE_NSEC3PARAM = 51,
        TYPE_TLSA = 52,
        TYPE_SMIMEA = 53,
        TYPE_HIP = 55,
        TYPE_CDS = 59,
        TYPE_CDNSKEY = 60,
        TYPE_OPENPGPKEY = 61,
        TYPE_CSYNC = 62,
        TYPE_ZONEMD = 63,
        TYPE_SVCB = 64,
        TYPE_HTTPS = 65,
        TYPE_SPF = 99,
        TYPE_TKEY = 249,
        TYPE_TSIG = 250,
        TYPE_IXFR = 251,
        TYPE_AXFR = 252,
        TYPE_MAILB = 253,
        TYPE_MAILA = 254,
        TYPE_ANY = 255,
        TYPE_URI = 256,
        TYPE_CAA = 257,
        TYPE_AMTRELAY = 260,
        TYPE_DLV = 32769,
};
enum { CLASS_IN = 1, CLASS_CH = 3, CLASS_NONE = 254, CLASS_ANY = 255 };

/* A field of RDATA as the wire has it. The text form of a field follows from its kind; fields whose text is
 * special say so. */
enum type_field {
        FIELD_END = 0,
        FIELD_NAME_COMPRESSED, /* name of an RFC 1035 type: may be compressed when sent (RFC 3597 s.4), folded
                                  when compared */
        FIELD_NAME_FOLDED, /* never compressed; folded when compared (RFC 4034 s.6.2 as amended by RFC 6840
                              s.5.1) */
        FIELD_NAME,        /* never compressed, case counts when compared */
        FIELD_U8,
        FIELD_U16,
        FIELD_U32,
        FIELD_TTL32,     /* u32 whose text may have units: SOA timers */
        FIELD_TYPE,      /* u16, text is a type mnemonic */
        FIELD_ALGORITHM, /* u8, text is a DNSSEC algorithm number or mnemonic */
        FIELD_CERT_TYPE, /* u16 with mnemonics (CERT) */
        FIELD_TIME,      /* u32, text YYYYMMDDHHMMSS or seconds (RRSIG) */
        FIELD_IPV4,
        FIELD_IPV6,
        FIELD_EUI48,
        FIELD_EUI64,
        FIELD_NODE64,      /* 8 octets as hhhh:hhhh:hhhh:hhhh (NID, L64) */
        FIELD_STRING,      /* one <character-string> */
        FIELD_STRINGS,     /* one or more, to the end */
        FIELD_STRING_REST, /* quoted text to the end without a length octet (URI, CAA value) */
        FIELD_TAG,         /* CAA tag: a string of letters and digits, unquoted */
        FIELD_HEX_REST,    /* to the end; blanks allowed in text; at least one octet */
        FIELD_BASE64_REST,
        FIELD_HEX_LENGTH8,    /* u8 length, then octets as hex without blanks; "-" = empty (NSEC3 salt) */
        FIELD_BASE32_LENGTH8, /* u8 length, then octets as base32hex (NSEC3 next owner) */
        FIELD_BITMAP,         /* type bitmaps to the end (RFC 4034 s.4.1.2) */
        FIELD_APL,            /* RFC 3123, to the end */
        FIELD_LOC,            /* RFC 1876, the whole */
        FIELD_SVCPARAMS,      /* RFC 9460, to the end */
        FIELD_IPSECKEY,       /* gateway by gateway type, then key (RFC 4025), from the precedence on */
        FIELD_AMTRELAY,       /* RFC 8777, the whole */
        FIELD_HIP,            /* RFC 8005, the whole */
        FIELD_NSAP,           /* "0x" and hex, dots allowed in text; to the end (RFC 1706) */
        FIELD_SCHEME,         /* u8, text a number or NOTIFY = 1 (DSYNC, RFC 9859) */
        FIELD_UNKNOWN,        /* only as \# (RFC 3597), the whole */
};
#define TYPE_FIELDS_MAX 10

struct type_info {
        uint16_t type;
        const char *mnemonic;
        uint8_t fields[TYPE_FIELDS_MAX]; /* enum type_field, ended by FIELD_END */
        bool is_meta;                    /* never in a zone: OPT, TSIG, AXFR ... */
};

/* Never NULL: a type that is not in the table gets one whose mnemonic is NULL and whose field is
 * FIELD_UNKNOWN. */
const struct type_info *type_info(uint16_t type);
/* Mnemonic or TYPEnnn, any case; -EINVAL. */
int type_from_text(const char *text, size_t length, uint16_t *ret_type);
#define TYPE_TEXT_MAX 16
const char *type_to_text(uint16_t type, char text[static TYPE_TEXT_MAX]);
/* IN, CH, HS, ANY, NONE or CLASSnnn; -EINVAL. */
int class_from_text(const char *text, size_t length, uint16_t *ret_class);

/* Types made by a signer, which the guard and strip rules leave out: RRSIG, NSEC, NSEC3, NSEC3PARAM. */
bool type_is_signer_made(uint16_t type);
