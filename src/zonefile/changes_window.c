/* The window on the new text, and where it is the same as the old again. One thread a call.
 *
 * Reading is a copy into one buffer that is used again and again: the file is never in memory as a whole, but
 * for a run of changes that is searched for its end. */
#include "zonefile/changes_find.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define READ_BYTES ((size_t)512 * 1024)
#define ANCHOR_BYTES 64u
#define NEAR_BYTES 1024u
#define AROUND_BYTES ((uint64_t)64 * 1024)
#define CHUNKS_NEAR 8u
#define CANDIDATES_MAX 64u
#define BUDGET_MIN ((uint64_t)1024 * 1024)
#define BUDGET_MAX ((uint64_t)16 * 1024 * 1024)

/* Makes room for `more` octets behind what is kept. */
static int make_room(struct text_window *window, size_t more)
{
        size_t forget = window->keep > window->begin ? (size_t)(window->keep - window->begin) : 0;
        size_t capacity = window->capacity;
        char *bytes;

        if (forget > window->length)
                forget = window->length;
        if (forget > 0) {
                memmove(window->bytes, window->bytes + forget, window->length - forget);
                window->begin += forget;
                window->length -= forget;
        }
        while (capacity - window->length < more)
                capacity = capacity ? capacity * 2 : 2 * READ_BYTES;
        if (capacity == window->capacity)
                return 0;
        bytes = realloc(window->bytes, capacity);
        if (!bytes)
                return -ENOMEM;
        window->bytes = bytes;
        window->capacity = capacity;
        return 0;
}

int window_fill(struct text_window *window, uint64_t upto)
{
        while (!window->has_end && window_end(window) < upto) {
                size_t more = READ_BYTES;
                ssize_t length;

                if (window->capacity - window->length < more) {
                        int r = make_room(window, more);

                        if (r < 0)
                                return r;
                }
                length = pread(window->fd, window->bytes + window->length, more, (off_t)window_end(window));
                if (length < 0 && errno == EINTR)
                        continue;
                if (length < 0)
                        return -errno;
                window->has_end = length == 0;
                window->length += (size_t)length;
        }
        return 0;
}

int resync_is_equal(struct text_window *window, const struct old_text *old, size_t chunk, uint64_t position)
{
        const struct text_chunk *wanted = &old->chunks[chunk];
        bool is_last = chunk + 1 == old->count;
        int r = window_fill(window, position + wanted->length + is_last);

        if (r < 0)
                return r;
        if (window_end(window) - position < wanted->length ||
                memcmp(window_at(window, position), wanted->bytes, wanted->length) != 0)
                return 0;
        return !is_last || (window->has_end && window_end(window) == position + wanted->length);
}

/* Looks for a chunk that begins at a line in [from, to). */
static int search(struct text_window *window, const struct old_text *old, size_t chunk, uint64_t from,
        uint64_t to, struct resync *ret_resync)
{
        const struct text_chunk *wanted = &old->chunks[chunk];
        size_t anchor = wanted->length < ANCHOR_BYTES ? wanted->length : ANCHOR_BYTES;
        int r = window_fill(window, to + anchor);

        if (r < 0)
                return r;
        for (unsigned n = 0; n < CANDIDATES_MAX; n++) {
                uint64_t end = window_end(window) < to + anchor ? window_end(window) : to + anchor;
                const char *found;

                if (from >= end)
                        break;
                found = memmem(window_at(window, from), (size_t)(end - from), wanted->bytes, anchor);
                if (!found)
                        break;
                from = window->begin + (uint64_t)(found - window->bytes);
                /* What may be forgotten ends before the run's begin, so the octet before is there or nothing
                 * is. */
                if (from == window->begin || found[-1] == '\n') {
                        r = resync_is_equal(window, old, chunk, from);
                        if (r < 0)
                                return r;
                        if (r == 1) {
                                *ret_resync = (struct resync){chunk, from};
                                return RESYNC_FOUND;
                        }
                }
                from++;
        }
        return RESYNC_NONE;
}

/* The end of both texts, where the new one ends before `to`. */
static int search_end(
        struct text_window *window, const struct old_text *old, uint64_t to, struct resync *ret_resync)
{
        int r = window_fill(window, to);

        if (r < 0)
                return r;
        if (!window->has_end || window_end(window) > to)
                return RESYNC_NONE;
        *ret_resync = (struct resync){old->count, window_end(window)};
        return RESYNC_FOUND;
}

/* Up to CHUNKS_NEAR chunks on, each looked for as far as `reach` beyond where it would be. */
static int search_near(struct text_window *window, const struct old_text *old, size_t dirty,
        uint64_t position, size_t least, uint64_t reach, struct resync *ret_resync)
{
        uint64_t expected = position;

        for (size_t chunk = dirty + 1; chunk <= old->count && chunk <= dirty + CHUNKS_NEAR; chunk++) {
                int r;

                expected += old->chunks[chunk - 1].length;
                if (chunk < least)
                        continue;
                if (chunk == old->count)
                        return search_end(window, old, expected + reach, ret_resync);
                /* A small edit moves what follows it by a few octets. */
                r = search(window, old, chunk,
                        expected > position + NEAR_BYTES ? expected - NEAR_BYTES : position,
                        expected + NEAR_BYTES, ret_resync);
                if (r == RESYNC_NONE)
                        r = search(window, old, chunk, position, expected + reach, ret_resync);
                if (r != RESYNC_NONE)
                        return r;
        }
        return RESYNC_NONE;
}

/* Many chunks were deleted: one further on begins near `position`. */
static int search_deleted(struct text_window *window, const struct old_text *old, size_t dirty,
        uint64_t position, size_t least, uint64_t budget, struct resync *ret_resync)
{
        uint64_t skipped = 0;

        for (size_t chunk = dirty + 1; chunk <= old->count && skipped < budget; chunk++) {
                int r;

                skipped += old->chunks[chunk - 1].length;
                if (chunk < least)
                        continue;
                r = chunk == old->count
                            ? search_end(window, old, position + AROUND_BYTES, ret_resync)
                            : search(window, old, chunk, position, position + 2 * chunk_bytes, ret_resync);
                if (r != RESYNC_NONE)
                        return r;
        }
        return RESYNC_NONE;
}

int resync_find(struct text_window *window, const struct old_text *old, size_t dirty, uint64_t position,
        size_t least, struct resync *ret_resync)
{
        uint64_t budget = old->total_bytes / 10;
        int r;

        if (budget < BUDGET_MIN)
                budget = BUDGET_MIN;
        if (budget > BUDGET_MAX)
                budget = BUDGET_MAX;
        r = search_near(window, old, dirty, position, least, AROUND_BYTES, ret_resync);
        if (r == RESYNC_NONE)
                r = search_deleted(window, old, dirty, position, least, budget, ret_resync);
        if (r == RESYNC_NONE)
                r = search_near(window, old, dirty, position, least, budget, ret_resync);
        return r;
}
