/* The records that differ between the published text and a new one. One thread a call.
 *
 *     old  | chunk | chunk | chunk | chunk | chunk |     equal chunks are compared as octets and no more
 *     new  | chunk | chunk | ...run...| chunk | chunk |  a run is parsed in both (changes_run.c)
 *
 * A run begins at a chunk, or one earlier where the new text goes on there with a line that inherits its
 * owner. It ends at the nearest chunk that the new text has again (changes_window.c), if the parser's state
 * is the chunk's there. Whatever does not fit is left to the whole parse. */
#include "zonefile/changes_find.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define EXTENSIONS_MAX 4

void zonefile_changes_free(struct zonefile_changes *changes)
{
        if (!changes)
                return;
        record_list_free(&changes->removed);
        record_list_free(&changes->added);
        arena_free(&changes->arena);
        *changes = (struct zonefile_changes){0};
}

static int load_chunks(const struct text_chunks *source, struct old_text *old)
{
        size_t capacity = 0;
        uint64_t key = 0;

        for (;;) {
                struct text_chunk chunk;
                int r = source->next(source->context, key, &chunk);

                if (r != 0)
                        return r < 0 ? r : 0;
                if (old->count == capacity) {
                        struct text_chunk *chunks;

                        capacity = capacity ? 2 * capacity : 64;
                        chunks = reallocarray(old->chunks, capacity, sizeof(*chunks));
                        if (!chunks)
                                return -ENOMEM;
                        old->chunks = chunks;
                }
                old->chunks[old->count++] = chunk;
                old->total_bytes += chunk.length;
                if (chunk.key == UINT64_MAX)
                        return 0;
                key = chunk.key + 1;
        }
}

struct finder {
        struct text_window window;
        struct old_text old;
        struct run_parsers parsers;
        const struct text_chunks *source;
        struct zonefile_changes *changes;
        size_t chunk;      /* the next old one */
        uint64_t position; /* where it should begin in the new text */
};

/* Whether the new text has, at the finder's position, a line that may inherit the owner of the line before.
 */
static int begins_with_owner(struct finder *finder)
{
        int r = window_fill(&finder->window, finder->position + 1);

        if (r < 0)
                return r;
        return window_end(&finder->window) == finder->position ||
               parse_starts_with_owner(window_at(&finder->window, finder->position));
}

/* The chunks that a run is parsed from, and the state where it ends. */
static int check_chunks(const struct finder *finder, size_t first, size_t end)
{
        const struct text_chunks *source = finder->source;
        int r = 0;

        for (size_t i = first; r == 0 && source->check && i <= end && i < finder->old.count; i++)
                r = source->check(source->context, &finder->old.chunks[i]);
        return r;
}

/* A run from finder->chunk on. RUN_DONE: chunk and position stand behind it. */
static int find_run(struct finder *finder)
{
        size_t first = finder->chunk, least = finder->chunk + 1;
        uint64_t begin = finder->position;
        int r = begins_with_owner(finder);

        if (r < 0)
                return r;
        if (r == 0 && first > 0)
                begin -= finder->old.chunks[--first].length;
        for (unsigned i = 0; i < EXTENSIONS_MAX; i++) {
                struct resync resync;

                r = resync_find(
                        &finder->window, &finder->old, finder->chunk, finder->position, least, &resync);
                if (r != RESYNC_FOUND)
                        return r < 0 ? r : RUN_FALL_BACK;
                r = check_chunks(finder, first, resync.chunk);
                if (r < 0)
                        return r;
                r = run_compare(&finder->parsers, &finder->old, first, resync.chunk,
                        window_at(&finder->window, begin), (size_t)(resync.position - begin),
                        finder->changes);
                if (r == RUN_DONE) {
                        finder->chunk = resync.chunk;
                        finder->position = resync.position;
                }
                if (r != RUN_EXTEND)
                        return r;
                least = resync.chunk + 1;
        }
        return RUN_FALL_BACK;
}

static int find_runs(struct finder *finder)
{
        while (finder->chunk < finder->old.count) {
                int r = resync_is_equal(&finder->window, &finder->old, finder->chunk, finder->position);

                if (r < 0)
                        return r;
                if (r == 0) {
                        r = find_run(finder);
                        if (r != RUN_DONE)
                                return r;
                        continue;
                }
                /* One chunk stays in the window: a run may begin in it. */
                finder->window.keep = finder->position;
                finder->position += finder->old.chunks[finder->chunk++].length;
        }
        return RUN_DONE;
}

/* Takes out what is in both, octet for octet: sorted, equal ones stand in groups. */
static void cancel_common(struct record_list *removed, struct record_list *added)
{
        size_t i = 0, n = 0, removed_kept = 0, added_kept = 0;

        while (i < removed->count && n < added->count) {
                int order = record_compare(&removed->items[i], &added->items[n]);
                size_t group = i, match;

                if (order < 0) {
                        removed->items[removed_kept++] = removed->items[i++];
                        continue;
                }
                if (order > 0) {
                        added->items[added_kept++] = added->items[n++];
                        continue;
                }
                /* One of the removed group that is identical to this added one goes with it. */
                for (match = i; match < removed->count; match++) {
                        if (record_compare(&removed->items[match], &added->items[n]) != 0) {
                                match = removed->count;
                                break;
                        }
                        if (record_is_identical(&removed->items[match], &added->items[n]))
                                break;
                }
                if (match == removed->count) {
                        added->items[added_kept++] = added->items[n++];
                        continue;
                }
                struct record taken = removed->items[match];

                for (; match > group; match--)
                        removed->items[match] = removed->items[match - 1];
                removed->items[group] = taken;
                i++;
                n++;
        }
        while (i < removed->count)
                removed->items[removed_kept++] = removed->items[i++];
        while (n < added->count)
                added->items[added_kept++] = added->items[n++];
        removed->count = removed_kept;
        added->count = added_kept;
}

static int finish(struct finder *finder, const struct zonefile_request *request)
{
        struct zonefile_changes *changes = finder->changes;
        struct text_window *window = &finder->window;
        int r = record_list_sort(&changes->removed, request->origin, NULL);

        if (r == 0)
                r = record_list_sort(&changes->added, request->origin, NULL);
        if (r < 0)
                return r;
        cancel_common(&changes->removed, &changes->added);
        changes->ends_without_newline = window->length > 0 && window->bytes[window->length - 1] != '\n';
        return changes->replacement_count > 0 ? CHANGES_FOUND : CHANGES_NONE;
}

static int begin_parsers(struct finder *finder, const struct zonefile_request *request)
{
        static char nothing[ZONEFILE_PADDING] = "\n";
        struct zone_text empty = {.bytes = nothing};
        struct zonefile_changes *changes = finder->changes;
        int r = parse_begin(&finder->parsers.old, request, &empty, &changes->arena, &changes->removed, NULL);

        if (r < 0)
                return r;
        return parse_begin(&finder->parsers.new, request, &empty, &changes->arena, &changes->added, NULL);
}

static int find(
        struct finder *finder, const struct zonefile_request *request, const struct text_chunks *chunks)
{
        int r = load_chunks(chunks, &finder->old);

        if (r < 0)
                return r;
        if (finder->old.count == 0)
                return CHANGES_FALL_BACK;
        r = begin_parsers(finder, request);
        if (r == 0)
                r = find_runs(finder);
        if (r != RUN_DONE)
                return r < 0 ? r : CHANGES_FALL_BACK;
        return finish(finder, request);
}

int zonefile_changes_find(const struct zonefile_request *request, int fd, const struct text_chunks *chunks,
        struct zonefile_changes *ret_changes)
{
        struct zonefile_changes changes = {0};
        struct finder finder = {.window.fd = fd, .source = chunks, .changes = &changes};
        int r = find(&finder, request, chunks);

        parse_end(&finder.parsers.old);
        parse_end(&finder.parsers.new);
        free(finder.parsers.old_text.bytes);
        free(finder.old.chunks);
        free(finder.window.bytes);
        if (r != CHANGES_FOUND) {
                zonefile_changes_free(&changes);
                return r;
        }
        *ret_changes = changes;
        return r;
}
