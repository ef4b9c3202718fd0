/* Only what changed is parsed again: the new text against the text that was last published.
 *
 * The published text lies in chunks of about 16 KiB (zonefile_parse cuts them: request->wants_chunks), each
 * beginning at an entry that has its owner written: so a chunk's state is origin, $TTL and the last TTL
 * (struct zonefile_state). The new text is compared with the chunks as it is read; chunks that differ are
 * parsed in both texts, from the same state to the same state; that gives the records removed and added.
 *
 * Anything out of the ordinary ($INCLUDE, $GENERATE, whatever would be told, an SOA that came or went, more
 * than a tenth of the zone) is CHANGES_FALL_BACK: the caller parses the whole text, which is also the oracle
 * of the tests. What comes of the delta at an owner (a duplicate, differing TTLs, CNAME and other data) is
 * zone_check_touched's (check.h) to see. */
#pragma once

#include "zonefile/zonefile.h"

struct buffer;
void zonefile_state_write(const struct zonefile_state *state, struct buffer *out);
/* Returns the octets read, or -EBADMSG. */
int zonefile_state_read(const uint8_t *bytes, size_t length, struct zonefile_state *ret_state);

/* Where the old chunks come from (the store, behind the caller's read transaction): the chunk at or behind
 * `key`; 0 = found, 1 = end. The bytes stay valid until the transaction ends. */
struct text_chunks {
        void *context;
        int (*next)(void *context, uint64_t key, struct text_chunk *ret_chunk);
        /* 0, or a negative errno where the chunk is not what was written. Asked of those that are parsed; of
         * those that the new text has octet for octet it does not matter. NULL: they are all right. */
        int (*check)(void *context, const struct text_chunk *chunk);
};

enum changes_outcome {
        CHANGES_NONE = 0, /* byte for byte the same */
        CHANGES_FOUND,
        CHANGES_FALL_BACK, /* parse the whole */
};

/* Chunks to write so that the stored text is the new one: chunk `first_key` to `last_key` (inclusive) go,
 * `chunks` take their place. */
struct text_replacement {
        uint64_t first_key, last_key;
        struct text_chunk
                *chunks; /* in the arena; keys assigned between the neighbours'; none fits = has_no_room */
        size_t count;
        bool has_no_room; /* keys ran out: rewrite the whole text */
};

struct zonefile_changes {
        struct arena arena;
        struct record_list removed; /* sorted; multiset difference done; without the SOA */
        struct record_list added;
        struct record soa; /* owner NULL = the SOA's lines did not change */
        bool ends_without_newline;
        struct text_replacement *replacements;
        size_t replacement_count;
};
void zonefile_changes_free(struct zonefile_changes *changes);

/* Compares the text in fd (read from the start, in pieces: no second copy of a large file in memory) with the
 * chunks. Returns enum changes_outcome or a negative errno. Range finder, resynchronisation and the
 * equal-state rule: changes.c. */
int zonefile_changes_find(const struct zonefile_request *request, int fd, const struct text_chunks *chunks,
        struct zonefile_changes *ret_changes);
