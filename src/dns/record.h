/* Resource records of one zone (class IN), and lists of them in canonical order. Pure.
 *
 * Two equalities: the *same* record (owner and RDATA equal with case folded as RFC 4034 s.6.2 does: a
 * duplicate), and an *identical* one (every octet and the TTL: nothing to publish). Order and the delta go by
 * the first, then by the octets. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;
struct crew;

struct record {
        const uint8_t *owner; /* wire form, uncompressed */
        const uint8_t *rdata; /* wire form, uncompressed */
        uint32_t ttl;         /* seconds, at most 2^31-1 */
        uint16_t type;
        uint16_t rdata_length;
};

struct record_list {
        struct record
                *items; /* malloc'ed; what owner and rdata point to lives elsewhere (an arena, a message) */
        size_t count;
        size_t capacity;
};

/* Appends a copy of the struct (not of the octets). -ENOMEM. */
int record_list_add(struct record_list *list, const struct record *record);
void record_list_free(struct record_list *list);

/* Copies owner and rdata into the arena. -ENOMEM. */
int record_copy(struct arena *arena, const struct record *record, struct record *ret_record);

/* Owner (folded, canonical), then type, then RDATA (names in it folded where record.c says), TTL and case not
 * counted. */
int record_compare(const struct record *left, const struct record *right);
bool record_is_same(const struct record *left, const struct record *right);
bool record_is_identical(const struct record *left, const struct record *right);
/* Same owner (folded) and type; RRSIGs also by the type they cover. */
bool record_is_same_rrset(const struct record *left, const struct record *right);
/* RRSIG: the type covered, else the record's own type. */
uint16_t record_covered_type(const struct record *record);

/* Sorts into record_compare order, ties by octets; stable results whatever the order before. Fast for a
 * million records: memcmp keys of owner runs, a radix sort, a check for "sorted already" first. All owners
 * are at or below apex. A crew (NULL: none) helps with a large list. -ENOMEM. */
int record_list_sort(struct record_list *list, const uint8_t *apex, struct crew *crew);

/* For loops over many records: asks memory for the octets of a record ahead. Sorted records lie in memory as
 * the file had them, so rendering or hashing them without this is mostly waiting (half of the time and more).
 */
static inline void record_prefetch(const struct record *records, size_t count, size_t index)
{
        if (index + 16 < count) {
                __builtin_prefetch(records[index + 16].owner);
                __builtin_prefetch(records[index + 16].rdata);
        }
}

/* Index of the first record that is not before this one, in record_compare order; count = none. */
size_t record_list_find(const struct record_list *list, const struct record *record);

/* Octets of the record uncompressed on the wire: owner + 10 + rdata. */
size_t record_wire_size(const struct record *record);

/* SOA RDATA, uncompressed: MNAME, RNAME, then five 32-bit numbers. */
struct soa {
        const uint8_t *mname;
        const uint8_t *rname;
        uint32_t serial, refresh, retry, expire, minimum;
};
/* -EBADMSG where it is malformed. */
int soa_parse(const uint8_t *rdata, size_t length, struct soa *ret_soa);
/* Offset of the serial in SOA RDATA of that length: always length - 20. */
#define SOA_SERIAL_OFFSET(length) ((length)-20u)
