/* Private to zonefile/: RDATA from tokens, field by field as dns/type.h's table lays it out. */
#pragma once

#include "dns/type.h"
#include "zonefile/scan.h"

#define RDATA_MAX 65535u
/* A field that is not bounded by a check of its own adds at most a name or a string and is checked behind it.
 */
#define RDATA_ROOM (RDATA_MAX + 512u)
#define RDATA_TEXT_ROOM (2u * RDATA_MAX + 64u)

struct rdata_out {
        size_t length;
        uint8_t bytes[RDATA_ROOM];
        char text[RDATA_TEXT_ROOM]; /* gathers hexadecimal and base64 that is written with blanks */
};

/* RDATA of a record of that type up to the entry's end. 0, or -EINVAL with scan->fault set. */
int rdata_scan(struct scan *scan, const struct type_info *info, uint16_t type, struct rdata_out *out);

/* Nothing may stand behind the RDATA. */
int rdata_scan_end(struct scan *scan);

/* One field (enum type_field) behind what `out` has. */
int rdata_scan_field(struct scan *scan, uint8_t field, uint16_t type, struct rdata_out *out);
int rdata_scan_name(struct scan *scan, struct rdata_out *out);
int rdata_scan_number(struct scan *scan, unsigned octets, struct rdata_out *out);
/* Octets, bounded by the room. */
int rdata_put(struct scan *scan, struct rdata_out *out, const void *bytes, size_t length);
/* An IPv4 or IPv6 address of a token: 0 or -EINVAL with the fault set. ret_address has 4 or 16 octets. */
int rdata_ipv4(struct scan *scan, const struct token *token, uint8_t *ret_address);
int rdata_ipv6(struct scan *scan, const struct token *token, uint8_t *ret_address);
/* The octets of a token, escapes resolved; at most max. */
int rdata_octets(
        struct scan *scan, const struct token *token, size_t max, uint8_t *ret_octets, size_t *ret_length);

void rdata_put_number(struct rdata_out *out, uint32_t number, unsigned octets);

/* rdata_value.c: times, types, mnemonics. */
int rdata_scan_value(struct scan *scan, uint8_t field, struct rdata_out *out);

/* rdata_blob.c: hexadecimal, base64, base32hex, and the like. */
int rdata_scan_blob(struct scan *scan, uint8_t field, uint16_t type, struct rdata_out *out);
int rdata_scan_generic(struct scan *scan, uint16_t type, struct rdata_out *out); /* behind \# */
int rdata_base64_token(struct scan *scan, const struct token *token, struct rdata_out *out);
int rdata_hex_token(struct scan *scan, const struct token *token, struct rdata_out *out);

/* rdata_odd.c, rdata_svcb.c, rdata_loc.c */
int rdata_scan_bitmap(struct scan *scan, struct rdata_out *out);
int rdata_scan_apl(struct scan *scan, struct rdata_out *out);
int rdata_scan_ipseckey(struct scan *scan, struct rdata_out *out);
int rdata_scan_amtrelay(struct scan *scan, struct rdata_out *out);
int rdata_scan_hip(struct scan *scan, struct rdata_out *out);
int rdata_scan_loc(struct scan *scan, struct rdata_out *out);
int rdata_scan_svc_params(struct scan *scan, struct rdata_out *out);
