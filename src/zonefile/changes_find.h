/* Private to zonefile/: the parts of the incremental path. */
#pragma once

#include "zonefile/changes.h"
#include "zonefile/chunk.h"
#include "zonefile/parse.h"

#include <sys/types.h>

/* A piece of the new text: octets `begin` to `begin + length` of the file. What lies before `keep` may be
 * forgotten. */
struct text_window {
        int fd;
        uint64_t begin;
        uint64_t keep;
        char *bytes;
        size_t length, capacity;
        bool has_end; /* the file's last octet is in */
};

/* Reads on until octet `upto` of the file (exclusive) is in, or its end. -EIO ..., -ENOMEM. */
int window_fill(struct text_window *window, uint64_t upto);
static inline const char *window_at(const struct text_window *window, uint64_t position)
{
        return window->bytes + (position - window->begin);
}
static inline uint64_t window_end(const struct text_window *window)
{
        return window->begin + window->length;
}

/* The old chunks, all at hand. */
struct old_text {
        struct text_chunk *chunks;
        size_t count;
        uint64_t total_bytes;
};

/* Where old and new text are the same again: chunk `chunk` (or the end: count) begins at octet `position` of
 * the new text. */
struct resync {
        size_t chunk;
        uint64_t position;
};
enum resync_outcome { RESYNC_FOUND = 0, RESYNC_NONE };
/* The nearest one behind chunk `dirty`, which should begin at `position` and does not, whose chunk is `least`
 * or later. enum resync_outcome or negative errno. */
int resync_find(struct text_window *window, const struct old_text *old, size_t dirty, uint64_t position,
        size_t least, struct resync *ret_resync);
/* Whether the new text has that chunk at `position`; the last one only where the text ends with it. 1 = yes,
 * 0 = no, negative errno. */
int resync_is_equal(struct text_window *window, const struct old_text *old, size_t chunk, uint64_t position);

/* Two parsers, used for one run after the other. */
struct run_parsers {
        struct parse old, new;
        struct zone_text old_text,
                new_text; /* copies of a run's octets, padded; new_text's bytes are in the arena */
        size_t old_capacity;
};

enum run_outcome {
        RUN_DONE = 0,
        RUN_EXTEND, /* the state behind the run is another one: what follows reads differently */
        RUN_FALL_BACK,
};
/* Parses chunks first to end (exclusive) of the old text, and the octets that stand for them in the new one;
 * adds to removed, added, soa, replacements. enum run_outcome or negative errno. */
int run_compare(struct run_parsers *parsers, const struct old_text *old, size_t first, size_t end,
        const char *new_bytes, size_t new_length, struct zonefile_changes *changes);
