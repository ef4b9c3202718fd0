/* What the guard remembers of a zone between edits and over restarts: how much earlier edits of the window
 * took away, and which change is held. A row in the store; here its octets and sums. Pure.
 *
 * Edits that follow each other closely share a bucket, so that a busy zone's row stays small. Sums of buckets
 * are never less than the net counts of the same edits, and mostly all that is needed; the journal tells the
 * net counts where they are not. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buffer;

#define GUARD_BUCKETS_MAX 32

struct guard_bucket {
        uint64_t version;                       /* the first that was published in it */
        uint64_t begin_usec, end_usec;          /* of its first and last publish */
        uint64_t records_before, rrsets_before; /* of the version before the first */
        uint64_t rrsets_gone, rrsets_changed;   /* sums */
};

struct guard_memory {
        uint64_t window_version; /* approved, or rolled back to: the window does not reach before it; 0 = none
                                  */
        bool is_held;
        uint8_t held_hash[32];
        uint64_t held_usec; /* since when: time alone does not release it */
        size_t bucket_count;
        struct guard_bucket buckets[GUARD_BUCKETS_MAX]; /* by age */
};

/* -EBADMSG where it is none. */
int guard_memory_decode(const void *value, size_t size, struct guard_memory *ret_memory);
void guard_memory_encode(const struct guard_memory *memory, struct buffer *out);

struct guard_publish { /* one edit */
        uint64_t version, usec;
        uint64_t records_before, rrsets_before, rrsets_gone, rrsets_changed;
};
/* Adds an edit, and forgets what is out of the window. */
void guard_memory_add(struct guard_memory *memory, const struct guard_publish *publish, uint64_t window_usec);
/* The window begins anew with this version; nothing is held. */
void guard_memory_restart(struct guard_memory *memory, uint64_t version);
/* The edits of the window as one: version and what was before are those of the first. False = there are none.
 */
bool guard_memory_sum(const struct guard_memory *memory, uint64_t now_usec, uint64_t window_usec,
        struct guard_publish *ret_sum);
