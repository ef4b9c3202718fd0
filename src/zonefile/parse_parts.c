/* A large text, parsed in parts at the same time by a crew.
 *
 *     | part 0 ............ | part 1 ............ | part 2 ............ |
 *                           ^ a line with an owner; $ORIGIN and $TTL in force here: guessed from the lines
 *                             before that begin with '$'
 *
 * Nobody knows whether a line in the middle of a text begins an entry: it may lie in parentheses or quotes.
 * So the guess is tried, and proved afterwards: each part must have ended exactly where the next began, in
 * the state that was guessed. If not, or if there was anything to tell, all of it is thrown away and the text
 * is parsed from one end to the other. */
#include "zonefile/parse_parts.h"

#include "base/crew.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define BYTES_A_RECORD 32

size_t parse_part_bytes = (size_t)1 << 20;

struct part {
        struct parse parse;
        struct arena arena;
        struct record_list records;
        struct chunk_cuts cuts;
        struct zonefile_state begun; /* as guessed; exact for the first */
        const char *begin, *end;
        int result;
};

struct parts {
        struct parse *parse; /* of the whole */
        struct part items[CREW_SIZE_MAX];
        unsigned count;
        bool wants_cuts;
};

static void parts_free(struct parts *parts)
{
        for (unsigned i = 0; i < parts->count; i++) {
                parse_end(&parts->items[i].parse);
                arena_free(&parts->items[i].arena);
                record_list_free(&parts->items[i].records);
        }
        free(parts);
}

/* The next line from `at` on that has its owner written. NULL = there is none. */
static const char *owner_line(const char *at, const char *end)
{
        while ((at = memchr(at, '\n', (size_t)(end - at)))) {
                at++;
                if (at == end)
                        break;
                if (parse_starts_with_owner(at))
                        return at;
        }
        return NULL;
}

static int part_begin(struct parts *parts, const char *begin)
{
        struct part *part = &parts->items[parts->count];
        int r = parse_begin(&part->parse, parts->parse->request, &parts->parse->files[0].text, &part->arena,
                &part->records, NULL);

        if (r < 0)
                return r;
        parts->count++;
        part->begin = begin;
        part->begun = parts->parse->state;
        return 0;
}

static int cut_text(struct parts *parts, unsigned wanted)
{
        const char *begin = parts->parse->scan.at, *end = parts->parse->scan.end, *at = begin;
        size_t length = (size_t)(end - begin);

        for (unsigned i = 0; i < wanted && at; i++) {
                int r = part_begin(parts, at);

                if (r < 0)
                        return r;
                parts->items[i].end = end;
                at = owner_line(begin + length / wanted * (i + 1) - 1, end);
                if (at && i + 1 < wanted)
                        parts->items[i].end = at;
        }
        return 0;
}

/* What is in force at the begin of each part, from the directives before it. False where that cannot be said.
 */
static bool guess_states(struct parts *parts)
{
        struct parse *guess = &parts->items[0].parse; /* set anew afterwards */
        const char *at = parts->items[0].begin;

        guess->state = parts->parse->state;
        parse_set_origin(guess, guess->state.origin);
        for (unsigned i = 1; i < parts->count; i++) {
                const char *end = parts->items[i].begin;

                for (; (at = memchr(at, '$', (size_t)(end - at))); at++) {
                        if (at > parts->items[0].begin && at[-1] != '\n')
                                continue;
                        if ((at[1] | 0x20) != 'o' && (at[1] | 0x20) != 't') /* $INCLUDE, $GENERATE ... */
                                return false;
                        guess->scan.at = at;
                        if (parse_entry(guess) < 0 || guess->told > 0)
                                return false;
                }
                at = end;
                parts->items[i].begun = guess->state;
                if (!guess->state.has_default_ttl) /* then the last record's counts */
                        return false;
        }
        return true;
}

static void parse_part(void *context, unsigned index)
{
        struct parts *parts = context;
        struct part *part = &parts->items[index];
        struct parse *parse = &part->parse;
        size_t records = (size_t)(part->end - part->begin) / BYTES_A_RECORD + 16;
        int r = 0;

        part->cuts = (struct chunk_cuts){.arena = &part->arena, .begin = part->begin};
        part->records.items = large_alloc(records * sizeof(*part->records.items));
        part->records.capacity = part->records.items ? records : 0;
        parse->state = part->begun;
        parse_set_origin(parse, part->begun.origin);
        parse->scan.at = part->begin;
        while (r == 0 && parse->scan.at < part->end && parse->told == 0) {
                if (parts->wants_cuts)
                        r = chunk_cuts_note(&part->cuts, &parse->state, parse->scan.at);
                if (r == 0)
                        r = parse_entry(parse);
        }
        part->result = r;
}

static bool is_as_guessed(const struct part *part, const struct zonefile_state *next)
{
        const struct zonefile_state *state = &part->parse.state;

        return state->has_default_ttl && state->default_ttl == next->default_ttl &&
               name_identical(state->origin, next->origin);
}

/* 1 = every part is what it was taken for. */
static int prove(const struct parts *parts)
{
        for (unsigned i = 0; i < parts->count; i++) {
                const struct part *part = &parts->items[i];
                const struct parse *parse = &part->parse;

                if (part->result < 0)
                        return part->result;
                if (parse->told > 0 || parse->has_error || parse->has_outside || parse->has_include ||
                        parse->has_made || parse->scan.at != part->end || (i > 0 && parse->soa.owner))
                        return 0;
                if (i + 1 < parts->count && !is_as_guessed(part, &parts->items[i + 1].begun))
                        return 0;
        }
        return 1;
}

/* The TTL of the last record that had one, which a part did not know until it met one. */
static void tell_last_ttl(struct part *part, const struct zonefile_state *before)
{
        for (size_t i = 0; i < part->cuts.count && !part->cuts.items[i].state.has_last_ttl; i++) {
                part->cuts.items[i].state.has_last_ttl = before->has_last_ttl;
                part->cuts.items[i].state.last_ttl = before->last_ttl;
        }
        if (!part->parse.state.has_last_ttl) {
                part->parse.state.has_last_ttl = before->has_last_ttl;
                part->parse.state.last_ttl = before->last_ttl;
        }
}

static int join_records(struct record_list *list, const struct record_list *more)
{
        if (list->capacity - list->count < more->count) {
                size_t capacity = list->count + more->count;
                struct record *items = reallocarray(list->items, capacity, sizeof(*items));

                if (!items)
                        return -ENOMEM;
                list->items = items;
                list->capacity = capacity;
        }
        if (more->count > 0)
                memcpy(list->items + list->count, more->items, more->count * sizeof(*more->items));
        list->count += more->count;
        return 0;
}

static int join(struct parts *parts, struct chunk_cuts *cuts)
{
        struct parse *parse = parts->parse;
        int r = 0;

        parse->soa = parts->items[0].parse.soa;
        for (unsigned i = 0; r == 0 && i < parts->count; i++) {
                struct part *part = &parts->items[i];

                if (i > 0)
                        tell_last_ttl(part, &part[-1].parse.state);
                parse->scan.has_cr = parse->scan.has_cr || part->parse.scan.has_cr;
                r = join_records(parse->records, &part->records);
                if (r == 0 && cuts)
                        r = chunk_cuts_join(cuts, &part->cuts);
                arena_adopt(parse->arena, &part->arena);
        }
        parse->state = parts->items[parts->count - 1].parse.state;
        parse_set_origin(parse, parse->state.origin);
        parse->scan.at = parse->scan.end;
        return r;
}

int parse_in_parts(struct parse *parse, struct chunk_cuts *cuts)
{
        struct crew *crew = parse->request->crew;
        size_t wanted = (size_t)(parse->scan.end - parse->scan.at) / parse_part_bytes;
        unsigned most = crew_size(crew);

        if (most < 2 || wanted < 2)
                return 0;
        struct parts *parts = calloc(1, sizeof(*parts));
        if (!parts)
                return -ENOMEM;
        parts->parse = parse;
        parts->wants_cuts = cuts != NULL;
        int r = cut_text(parts, wanted < most ? (unsigned)wanted : most);
        if (r == 0 && parts->count > 1 && guess_states(parts)) {
                struct part *first = &parts->items[0];
                first->parse.told = 0;
                crew_run(crew, parse_part, parts, parts->count);
                r = prove(parts);
        }
        if (r == 1) {
                int joined = join(parts, cuts);
                r = joined < 0 ? joined : 1;
        }
        parts_free(parts);
        return r;
}
