/* One run of chunks that differ: parsed in the old text and in the new, from the same state to the same
 * state. One thread a call.
 *
 *     old  | common prefix | ........ | common suffix |        prefix: parsed once, its records are in both
 *     new  | common prefix | ..... | common suffix |           suffix: not parsed, once both are in one state
 * in it
 *
 * Two parsers are in the same state at the same distance from the end where origin and TTLs are equal and the
 * owner too; the owner may differ where the next line has its own (a comment or empty line between is no line
 * with an owner: what follows it may inherit). From there on the texts are the same and so are the records.
 */
#include "zonefile/changes_find.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* A chunk is cut behind chunk_bytes; what is left unparsed may make the last one as large as so many. */
#define CHUNKS_UNPARSED 3

struct run {
        struct run_parsers *parsers;
        struct zonefile_changes *changes;
        struct chunk_cuts cuts; /* of the new text */
        size_t prefix, suffix;
};

static bool state_is_equal(const struct zonefile_state *left, const struct zonefile_state *right)
{
        return left->has_default_ttl == right->has_default_ttl && left->has_last_ttl == right->has_last_ttl &&
               (!left->has_default_ttl || left->default_ttl == right->default_ttl) &&
               (!left->has_last_ttl || left->last_ttl == right->last_ttl) &&
               name_identical(left->origin, right->origin);
}

static size_t common_prefix(const struct zone_text *left, const struct zone_text *right)
{
        size_t shorter = left->length < right->length ? left->length : right->length, n = 0;

        while (n + 64 <= shorter && memcmp(left->bytes + n, right->bytes + n, 64) == 0)
                n += 64;
        while (n < shorter && left->bytes[n] == right->bytes[n])
                n++;
        return n;
}

static size_t common_suffix(const struct zone_text *left, const struct zone_text *right, size_t prefix)
{
        size_t most = (left->length < right->length ? left->length : right->length) - prefix, n = 0;
        const char *left_end = left->bytes + left->length, *right_end = right->bytes + right->length;

        while (n + 64 <= most && memcmp(left_end - n - 64, right_end - n - 64, 64) == 0)
                n += 64;
        while (n < most && left_end[-1 - (ptrdiff_t)n] == right_end[-1 - (ptrdiff_t)n])
                n++;
        return n;
}

static void rewind_to(struct parse *parse, const struct zone_text *text, const struct zonefile_state *state)
{
        parse->files[0].text = *text;
        parse->state = *state;
        parse_set_origin(parse, state->origin);
        parse->scan.at = text->bytes;
        parse->scan.end = text->bytes + text->length;
        parse->owner = NULL;
        parse->owner_length = 0;
        parse->owner_is_outside = false;
        parse->soa = (struct record){0};
        parse->told = 0;
        parse->has_error = parse->has_include = parse->has_made = parse->has_outside = false;
}

/* What an entry changes in a parser. */
struct mark {
        const char *at;
        struct zonefile_state state;
        const uint8_t *owner;
        size_t owner_length, records;
        struct record soa;
        unsigned told;
        bool has_error, has_include, has_made, has_outside, owner_is_outside;
};

static void mark_set(struct mark *mark, const struct parse *parse)
{
        *mark = (struct mark){.at = parse->scan.at,
                .state = parse->state,
                .owner = parse->owner,
                .owner_length = parse->owner_length,
                .records = parse->records->count,
                .soa = parse->soa,
                .told = parse->told,
                .has_error = parse->has_error,
                .has_include = parse->has_include,
                .has_made = parse->has_made,
                .has_outside = parse->has_outside,
                .owner_is_outside = parse->owner_is_outside};
}

static void mark_return(const struct mark *mark, struct parse *parse)
{
        parse->scan.at = mark->at;
        parse->state = mark->state;
        parse_set_origin(parse, mark->state.origin);
        parse->owner = mark->owner;
        parse->owner_length = mark->owner_length;
        parse->records->count = mark->records;
        parse->soa = mark->soa;
        parse->told = mark->told;
        parse->has_error = mark->has_error;
        parse->has_include = mark->has_include;
        parse->has_made = mark->has_made;
        parse->has_outside = mark->has_outside;
        parse->owner_is_outside = mark->owner_is_outside;
}

/* The new text's entries that lie in the common prefix with their final newline: the old text's are the same.
 * Their records are dropped. */
static int parse_prefix(struct run *run)
{
        struct parse *parse = &run->parsers->new;
        size_t records = parse->records->count;
        struct mark mark;
        int r = 0;

        while (r == 0 && !parse_is_at_end(parse)) {
                mark_set(&mark, parse);
                r = chunk_cuts_note(&run->cuts, &parse->state, parse->scan.at);
                if (r == 0)
                        r = parse_entry(parse);
                if (r == 0 && (size_t)(parse->scan.at - parse->files[0].text.bytes) > run->prefix) {
                        mark_return(&mark, parse);
                        break;
                }
                parse->records->count = records;
        }
        return r;
}

/* The old parser goes to where the new one stands. */
static void follow(struct parse *old, const struct parse *new)
{
        old->scan.at += new->scan.at - new->files[0].text.bytes;
        old->state = new->state;
        parse_set_origin(old, new->state.origin);
        old->owner = new->owner;
        old->owner_length = new->owner_length;
}

static size_t left_in(const struct parse *parse)
{
        return (size_t)(parse->scan.end - parse->scan.at);
}

static bool owner_is_equal(const struct parse *left, const struct parse *right)
{
        if (left->owner == right->owner)
                return true;
        return left->owner && right->owner && left->owner_length == right->owner_length &&
               memcmp(left->owner, right->owner, left->owner_length) == 0;
}

/* Both stand at the same octet of the common suffix in the same state. */
static bool is_in_step(const struct run *run)
{
        const struct parse *old = &run->parsers->old, *new = &run->parsers->new;

        if (left_in(old) != left_in(new) || left_in(new) > run->suffix ||
                !state_is_equal(&old->state, &new->state))
                return false;
        if (left_in(new) > 0 && !owner_is_equal(old, new) && !parse_starts_with_owner(new->scan.at))
                return false;
        /* Cuts are made as entries are parsed: not too much may be left. */
        return (size_t)(new->scan.end - run->cuts.begin) <= CHUNKS_UNPARSED * chunk_bytes ||
               left_in(new) == 0;
}

/* The one that has more before it goes on, so that they meet. */
static int parse_changed(struct run *run)
{
        struct parse *old = &run->parsers->old, *new = &run->parsers->new;
        int r = 0;

        while (r == 0 && !is_in_step(run)) {
                bool is_old_next = left_in(old) >= left_in(new);

                if (left_in(old) == 0 && left_in(new) == 0)
                        break;
                if (!is_old_next)
                        r = chunk_cuts_note(&run->cuts, &new->state, new->scan.at);
                if (r == 0)
                        r = parse_entry(is_old_next ? old : new);
                if (new->has_error || new->has_include || new->has_made)
                        break;
        }
        return r;
}

/* What the incremental path leaves to the whole parse: whatever would be told, directives that read on
 * elsewhere, an SOA that came, went or moved. */
static bool is_extraordinary(const struct run *run)
{
        const struct parse *old = &run->parsers->old, *new = &run->parsers->new;

        if (new->told > 0 || new->has_include || new->has_made || new->has_outside || old->has_error ||
                old->has_outside)
                return true;
        return (old->soa.owner == NULL) != (new->soa.owner == NULL);
}

/* Keys between the first one's and the one behind the run. */
static void assign_keys(struct text_replacement *replacement, const struct old_text *old, size_t end)
{
        uint64_t first = replacement->first_key, step = CHUNK_KEY_STEP;

        if (end < old->count && replacement->count > 0) {
                uint64_t gap = old->chunks[end].key - first;

                replacement->has_no_room = gap < replacement->count;
                step = gap / replacement->count;
        } else if (replacement->count > 0) {
                replacement->has_no_room = (UINT64_MAX - first) / step < replacement->count;
        }
        for (size_t i = 0; i < replacement->count; i++)
                replacement->chunks[i].key = first + i * step;
}

static int add_replacement(struct run *run, const struct old_text *old, size_t first, size_t end)
{
        struct zonefile_changes *changes = run->changes;
        struct text_replacement replacement = {
                .first_key = old->chunks[first].key, .last_key = old->chunks[end - 1].key};
        size_t count = changes->replacement_count;
        int r = chunk_cuts_finish(
                &run->cuts, &run->parsers->new_text, &replacement.chunks, &replacement.count);

        if (r < 0)
                return r;
        if ((count & (count - 1)) == 0) { /* full at each power of two */
                size_t capacity = count ? 2 * count : 1;
                struct text_replacement *items =
                        arena_alloc(&changes->arena, capacity * sizeof(*changes->replacements));

                if (!items)
                        return -ENOMEM;
                if (count > 0)
                        memcpy(items, changes->replacements, count * sizeof(*items));
                changes->replacements = items;
        }
        assign_keys(&replacement, old, end);
        changes->replacements[changes->replacement_count++] = replacement;
        return 0;
}

/* Copies of the run's octets with the padding that the scanner wants. */
static int copy_texts(struct run *run, const struct old_text *old, size_t first, size_t end,
        const char *new_bytes, size_t new_length)
{
        struct run_parsers *parsers = run->parsers;
        size_t length = 0;

        for (size_t i = first; i < end; i++)
                length += old->chunks[i].length;
        if (length + ZONEFILE_PADDING > parsers->old_capacity) {
                char *bytes = realloc(parsers->old_text.bytes, length + ZONEFILE_PADDING);

                if (!bytes)
                        return -ENOMEM;
                parsers->old_text.bytes = bytes;
                parsers->old_capacity = length + ZONEFILE_PADDING;
        }
        parsers->old_text.length = 0;
        for (size_t i = first; i < end; i++) {
                memcpy(parsers->old_text.bytes + parsers->old_text.length, old->chunks[i].bytes,
                        old->chunks[i].length);
                parsers->old_text.length += old->chunks[i].length;
        }
        memset(parsers->old_text.bytes + length, '\n', ZONEFILE_PADDING);
        parsers->new_text.bytes = arena_alloc(&run->changes->arena, new_length + ZONEFILE_PADDING);
        parsers->new_text.length = new_length;
        if (!parsers->new_text.bytes)
                return -ENOMEM;
        if (new_length > 0)
                memcpy(parsers->new_text.bytes, new_bytes, new_length);
        memset(parsers->new_text.bytes + new_length, '\n', ZONEFILE_PADDING);
        return 0;
}

static int parse_both(struct run *run, const struct zonefile_state *state)
{
        struct run_parsers *parsers = run->parsers;
        int r;

        rewind_to(&parsers->old, &parsers->old_text, state);
        rewind_to(&parsers->new, &parsers->new_text, state);
        run->prefix = common_prefix(&parsers->old_text, &parsers->new_text);
        run->suffix = common_suffix(&parsers->old_text, &parsers->new_text, run->prefix);
        run->cuts = (struct chunk_cuts){.arena = &run->changes->arena, .begin = parsers->new_text.bytes};
        r = parse_prefix(run);
        if (r < 0)
                return r;
        if (parsers->new.has_error)
                return RUN_FALL_BACK;
        follow(&parsers->old, &parsers->new);
        /* What was told in the prefix was told when it was published; its SOA is the same. */
        bool has_soa = parsers->new.soa.owner != NULL;

        parsers->new.told = 0;
        parsers->new.soa = (struct record){0};
        r = parse_changed(run);
        if (r < 0)
                return r;
        if (is_extraordinary(run) || (has_soa && parsers->new.soa.owner))
                return RUN_FALL_BACK;
        return RUN_DONE;
}

int run_compare(struct run_parsers *parsers, const struct old_text *old, size_t first, size_t end,
        const char *new_bytes, size_t new_length, struct zonefile_changes *changes)
{
        struct run run = {.parsers = parsers, .changes = changes};
        size_t removed = changes->removed.count, added = changes->added.count;
        int r = copy_texts(&run, old, first, end, new_bytes, new_length);

        if (r == 0)
                r = parse_both(&run, &old->chunks[first].state);
        if (r != RUN_DONE)
                return r;
        /* In step before the end: in step there too. */
        if (left_in(&parsers->new) == 0 && end < old->count &&
                !state_is_equal(&parsers->new.state, &old->chunks[end].state)) {
                changes->removed.count = removed;
                changes->added.count = added;
                return RUN_EXTEND;
        }
        if (parsers->new.soa.owner && !record_is_identical(&parsers->new.soa, &parsers->old.soa)) {
                if (changes->soa.owner)
                        return RUN_FALL_BACK;
                changes->soa = parsers->new.soa;
        }
        return add_replacement(&run, old, first, end);
}
