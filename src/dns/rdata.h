/* RDATA as presentation text, and a check of foreign RDATA. (Text to wire is zonefile/'s.) */
#pragma once

#include "dns/record.h"

struct buffer;

/* RDATA as zone file text ("10 mail.example.com."), type-specific where type.h knows it, else \# (RFC 3597).
 * Malformed RDATA comes out as \# too. */
void rdata_to_text(uint16_t type, const uint8_t *rdata, size_t length, struct buffer *out);
/* "owner. TTL IN TYPE rdata" without newline. */
void record_to_text(const struct record *record, struct buffer *out);

/* Whether the octets have the shape that the type's layout says (names whole, strings inside, nothing left
 * over). Types without layout always pass. */
bool rdata_is_wellformed(uint16_t type, const uint8_t *rdata, size_t length);

/* The key tag of a DNSKEY's RDATA (RFC 4034 appendix B; of algorithm 1, which nobody uses, it is another). */
uint16_t rdata_key_tag(const uint8_t *rdata, size_t length);

/* Calls for each name inside RDATA: kind is a FIELD_NAME* of type.h. Returns false where RDATA is malformed.
 */
struct rdata_name {
        uint16_t offset;
        uint16_t length;
        uint8_t kind;
};
#define RDATA_NAMES_MAX 2
/* Fills up to RDATA_NAMES_MAX (no type of the table has more outside HIP); returns how many, or -EBADMSG. */
int rdata_names(uint16_t type, const uint8_t *rdata, size_t length,
        struct rdata_name ret_names[static RDATA_NAMES_MAX]);
