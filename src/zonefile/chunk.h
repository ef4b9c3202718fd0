/* Private to zonefile/: where a text may be cut into chunks. */
#pragma once

#include "zonefile/zonefile.h"

/* A chunk ends at the first entry with an owner behind so many octets: 16 KiB, which tests make smaller. */
extern size_t chunk_bytes;
#define CHUNK_KEY_STEP (1ull << 32)

struct chunk_cut {
        const char *at;
        struct zonefile_state state;
};

/* Cuts of one text in its order, at most one in chunk_bytes. */
struct chunk_cuts {
        struct arena *arena;
        const char *begin; /* of the text, then of the last chunk */
        struct chunk_cut *items;
        size_t count, capacity;
};

/* The parser stands at an entry: is a chunk full, and may one begin here? -ENOMEM. */
int chunk_cuts_note(struct chunk_cuts *cuts, const struct zonefile_state *state, const char *at);
/* Those of the text that follows, in its order. -ENOMEM. */
int chunk_cuts_join(struct chunk_cuts *cuts, const struct chunk_cuts *more);
/* The text in chunks, keys CHUNK_KEY_STEP apart. -ENOMEM. */
int chunk_cuts_finish(struct chunk_cuts *cuts, const struct zone_text *text, struct text_chunk **ret_chunks,
        size_t *ret_count);
