/* Chunks of a text, and the parser's state as the store keeps it. Pure.
 *
 * The first cut is at the text's first octet. State on disk:
 *
 *     | flags u8 | default TTL u32 | last TTL u32 | origin, wire form |    flags: 1 = default known, 2 = last
 * known
 */
#include "zonefile/chunk.h"

#include "base/buffer.h"
#include "zonefile/changes.h"
#include "zonefile/parse.h"

#include <errno.h>
#include <string.h>

enum { HAS_DEFAULT_TTL = 1, HAS_LAST_TTL = 2 };
#define FIXED_BYTES 9

size_t chunk_bytes = (size_t)16 * 1024;

void zonefile_state_write(const struct zonefile_state *state, struct buffer *out)
{
        buffer_append_u8(out, (uint8_t)((state->has_default_ttl ? HAS_DEFAULT_TTL : 0) |
                                        (state->has_last_ttl ? HAS_LAST_TTL : 0)));
        buffer_append_u32(out, state->default_ttl);
        buffer_append_u32(out, state->last_ttl);
        buffer_append(out, state->origin, name_length(state->origin));
}

int zonefile_state_read(const uint8_t *bytes, size_t length, struct zonefile_state *ret_state)
{
        struct zonefile_state state = {0};
        size_t name;

        if (length < FIXED_BYTES || bytes[0] > (HAS_DEFAULT_TTL | HAS_LAST_TTL))
                return -EBADMSG;
        name = name_check(bytes + FIXED_BYTES, length - FIXED_BYTES);
        if (name == 0)
                return -EBADMSG;
        state.has_default_ttl = bytes[0] & HAS_DEFAULT_TTL;
        state.has_last_ttl = bytes[0] & HAS_LAST_TTL;
        state.default_ttl = read_u32(bytes + 1);
        state.last_ttl = read_u32(bytes + 5);
        memcpy(state.origin, bytes + FIXED_BYTES, name);
        *ret_state = state;
        return (int)(FIXED_BYTES + name);
}

static int add_cut(struct chunk_cuts *cuts, const struct zonefile_state *state, const char *at)
{
        if (cuts->count == cuts->capacity) {
                size_t capacity = cuts->capacity ? cuts->capacity * 2 : 8;
                struct chunk_cut *items = arena_alloc(cuts->arena, capacity * sizeof(*items));

                if (!items)
                        return -ENOMEM;
                if (cuts->count > 0)
                        memcpy(items, cuts->items, cuts->count * sizeof(*items));
                cuts->items = items;
                cuts->capacity = capacity;
        }
        cuts->items[cuts->count++] = (struct chunk_cut){.at = at, .state = *state};
        cuts->begin = at;
        return 0;
}

int chunk_cuts_note(struct chunk_cuts *cuts, const struct zonefile_state *state, const char *at)
{
        if (cuts->count == 0)
                return add_cut(cuts, state, cuts->begin);
        if ((size_t)(at - cuts->begin) < chunk_bytes || !parse_starts_with_owner(at))
                return 0;
        return add_cut(cuts, state, at);
}

int chunk_cuts_join(struct chunk_cuts *cuts, const struct chunk_cuts *more)
{
        int r = 0;

        for (size_t i = 0; r == 0 && i < more->count; i++)
                r = add_cut(cuts, &more->items[i].state, more->items[i].at);
        return r;
}

int chunk_cuts_finish(struct chunk_cuts *cuts, const struct zone_text *text, struct text_chunk **ret_chunks,
        size_t *ret_count)
{
        struct text_chunk *chunks = arena_alloc(cuts->arena, (cuts->count + 1) * sizeof(*chunks));

        if (!chunks)
                return -ENOMEM;
        for (size_t i = 0; i < cuts->count; i++) {
                const char *end = i + 1 < cuts->count ? cuts->items[i + 1].at : text->bytes + text->length;

                chunks[i] = (struct text_chunk){.key = (i + 1) * CHUNK_KEY_STEP,
                        .state = cuts->items[i].state,
                        .bytes = cuts->items[i].at,
                        .length = (size_t)(end - cuts->items[i].at)};
        }
        *ret_chunks = chunks;
        *ret_count = cuts->count;
        return 0;
}
