/* Delta of two versions of a zone: what goes and what comes, in canonical order. Pure. */
#pragma once

#include "base/arena.h"
#include "dns/digest.h"
#include "dns/name.h"
#include "dns/record.h"

#include <stdbool.h>
#include <stdint.h>

#define DELTA_HASH_SIZE 32

struct delta {
        struct arena arena; /* owns octets of removed records that were copied out of a store view */
        struct record_list
                removed; /* identical records are in neither list; a change of TTL or case is in both */
        struct record_list added;
};
void delta_free(struct delta *delta);

/* Where the old version's records come from, in record_compare order: 0 = a record (valid until the next
 * call), 1 = the end, negative errno. */
struct delta_source {
        void *context;
        int (*next)(void *context, struct record *ret_record);
};
/* Merges old against `new_records` (sorted, normal form). Octets of added stay new_records'; those of removed
 * are copied. old NULL = everything is added. */
int delta_make(
        const struct delta_source *old, const struct record_list *new_records, struct delta *ret_delta);
/* The net of two deltas, one behind the other: what is identical in a removal and an addition is in neither.
 * Octets stay theirs. */
int delta_compose(const struct delta *first, const struct delta *second, struct delta *ret_delta);
bool delta_is_empty(const struct delta *delta);

/* Plain SHA-256 over the content digest of what is published (NULL: nothing is), the SOA as the file has it
 * (its serial too: a typo in it can be what is held), and the sorted delta: what `approve` names. No version
 * number of the store is in it: a plan made elsewhere has the same hash. soa may be NULL. */
int delta_hash(const struct delta *delta, const struct digest *base, const struct record *soa,
        uint8_t ret_hash[static DELTA_HASH_SIZE]);
/* The same for the removal of the whole zone. */
int delta_removal_hash(
        const uint8_t *zone, const struct digest *base, uint8_t ret_hash[static DELTA_HASH_SIZE]);
