/* What a zone held under earlier serials, as far as the journal reaches: differences of two versions, and the
 * records of one of them. Any thread, on the caller's view; what is returned is valid until the next call.
 *
 * Both are merges of steps and leaves as they lie in the store: memory grows with the number of steps
 * between, not with what they changed. */
#pragma once

#include "store/store.h"

/* The version that had this serial, in the zone's present era. -ENOENT where the journal does not reach it,
 * -EUCLEAN. */
int store_version_of(
        struct store_read *read, const struct store_zone *zone, uint32_t serial, uint64_t *ret_version);
/* The SOA as it was served then. */
int store_soa_of(
        struct store_read *read, const struct store_zone *zone, uint64_t version, struct record *ret_soa);

/* The net delta between two versions, in either direction; the SOA left out. What was added and removed again
 * between is in neither half. */
struct store_difference;
/* Nothing yet, but a slice of the work is done: call again. So that no caller is held up. */
#define STORE_DIFFERENCE_MORE 2
int store_difference_open(struct store_read *read, const struct store_zone *zone, uint64_t from, uint64_t to,
        struct store_difference **ret_difference);
/* Opens up to so many steps: 0 = there are more, 1 = all are open. Before the first store_difference_next().
 */
int store_difference_prepare(struct store_difference *difference, size_t steps);
/* The next record in canonical order: 0, 1 = the end, STORE_DIFFERENCE_MORE, -EUCLEAN, -ENOMEM. Of two that
 * differ in TTL or letter case alone the order is that of their octets. */
int store_difference_next(struct store_difference *difference, struct record *ret_record, bool *ret_is_added);
struct store_difference *store_difference_close(struct store_difference *difference);

/* The records of a version, without the SOA, in canonical order. */
struct store_past;
int store_past_open(struct store_read *read, const struct store_zone *zone, uint64_t version,
        struct store_past **ret_past);
int store_past_prepare(struct store_past *past, size_t steps);
/* 0, 1 = the end, STORE_DIFFERENCE_MORE, -EUCLEAN, -ENOMEM. */
int store_past_next(struct store_past *past, struct record *ret_record);
struct store_past *store_past_close(struct store_past *past);
