/* Entries of a zone's text: owner, TTL, class, type, RDATA (RFC 1035 s.5.1, RFC 2308 s.4). One thread at a
 * time.
 *
 * Invariants: scan.at stands at the start of an entry between calls; a fault ends its entry and no more, so
 * that one run tells all of them; parse->owner lies in the arena. */
#include "zonefile/parse.h"

#include "base/cleanup.h"
#include "dns/tsig.h"
#include "zonefile/suggest.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define TTL_MAX 0x7fffffffu /* RFC 2181 s.8 */
#define UNCLOSED_MAX 16
#define SUGGESTIONS_MAX 1000
/* Of a message: header, the question with the zone's name, an OPT, a TSIG (RFC 8945 s.5.3). */
#define MESSAGE_OVERHEAD (12u + 4u + 11u + TSIG_RR_MAX)

int parse_begin(struct parse *parse, const struct zonefile_request *request, const struct zone_text *text,
        struct arena *arena, struct record_list *records, struct diag_list *diags)
{
        static const uint8_t in_addr[] = "\7in-addr\4arpa", ip6[] = "\3ip6\4arpa";

        *parse = (struct parse){.request = request, .diags = diags, .arena = arena, .records = records};
        parse->checks = request->checks ? request->checks : &conf_checks_default;
        parse->rdata = malloc(sizeof(*parse->rdata));
        parse->files = malloc(sizeof(*parse->files));
        if (!parse->rdata || !parse->files) {
                parse_end(parse);
                return -ENOMEM;
        }
        parse->files[0] = (struct parse_file){.path = request->file ? request->file : "-", .text = *text};
        parse->file_count = parse->file_capacity = 1;
        parse->apex_length = name_length(request->origin);
        parse->apex_is_reverse =
                name_is_below(request->origin, in_addr) || name_is_below(request->origin, ip6);
        parse->scan.at = text->bytes;
        parse->scan.end = text->bytes + text->length;
        parse->scan.apex = request->origin;
        parse->scan.apex_length = parse->apex_length;
        parse_set_origin(parse, request->origin);
        return 0;
}

void parse_end(struct parse *parse)
{
        for (size_t i = 0; i < parse->file_count; i++) {
                if (parse->files[i].is_owned)
                        zone_text_free(&parse->files[i].text);
                free(parse->files[i].lines);
        }
        free(parse->files);
        free(parse->rdata);
        parse->files = NULL;
        parse->rdata = NULL;
        parse->file_count = 0;
}

void parse_set_origin(struct parse *parse, const uint8_t *origin)
{
        size_t length = name_length(origin);

        memmove(parse->state.origin, origin, length);
        parse->scan.origin = parse->state.origin;
        parse->scan.origin_length = length;
        parse->origin_is_inside = name_is_below(parse->state.origin, parse->request->origin);
}

static bool is_outside(const struct parse *parse, const struct token *token, const uint8_t *name)
{
        if (parse->origin_is_inside && token->end[-1] != '.')
                return false;
        return !name_is_below(name, parse->request->origin);
}

static int set_owner(struct parse *parse, const struct token *token)
{
        uint8_t name[NAME_MAX_LENGTH + 16];
        size_t length;
        uint8_t *owner;
        int r = scan_name(&parse->scan, token, name, &length);

        if (r < 0) {
                /* What inherits this owner is looked at, and not kept. */
                parse->owner = parse->request->origin;
                parse->owner_length = parse->apex_length;
                parse->owner_is_outside = true;
                return r;
        }
        parse->owner_at = token->begin;
        if (parse->owner && length == parse->owner_length && memcmp(parse->owner, name, length) == 0)
                return 0;
        parse->owner_is_outside = is_outside(parse, token, name);
        if (parse->owner_is_outside) {
                parse->has_outside = true;
                parse_tell(parse, DIAG_WARNING, token->begin, "out-of-zone", NULL,
                        "this name is not in the zone: its records are ignored");
        } else {
                parse_check_wildcard(parse, token->begin, name);
        }
        owner = arena_copy(parse->arena, name, length);
        if (!owner)
                return -ENOMEM;
        parse->owner = owner;
        parse->owner_length = length;
        return 0;
}

static int fail_ttl(struct scan *scan, const struct token *token, enum ttl_outcome outcome)
{
        if (outcome == TTL_TOO_LARGE)
                return scan_fail_word(scan, token, "ttl-too-large", "a TTL is at most 2147483647 (RFC 2181)",
                        "is too large");
        return scan_fail_word(scan, token, "bad-ttl",
                memchr(token->begin, '.', token_length(token)) ? "is the record type missing before it?"
                                                               : "seconds, or units: 1w2d3h4m5s",
                "is not a TTL");
}

static int fail_type(struct parse *parse, const struct token *token)
{
        struct scan *scan = &parse->scan;
        char hint[200] = "";
        uint16_t class;

        if (class_from_text(token->begin, token_length(token), &class) == 0)
                return scan_fail_word(scan, token, "wrong-class", "only class IN is served",
                        class == CLASS_IN ? "is here twice" : "is a class that is not served");
        if (parse->told < SUGGESTIONS_MAX) /* a guess looks at every type */
                suggest_type(token->begin, token_length(token), hint, sizeof(hint));
        return scan_fail_word(scan, token, "unknown-type", hint, "is not a record type");
}

struct head {
        uint16_t type; /* 0: alias says */
        enum parse_alias alias;
        const char *type_at;
        bool has_ttl;
        uint32_t ttl;
};

static bool is_class_in(const struct token *token)
{
        if (token_length(token) == 2)
                return (token->begin[0] | 0x20) == 'i' && (token->begin[1] | 0x20) == 'n';
        return token_is(token, "CLASS1");
}

/* "[TTL] [class] type" with TTL and class in either order. A type never begins with a digit. */
static int read_head(struct parse *parse, struct head *head)
{
        struct scan *scan = &parse->scan;
        bool has_class = false;
        struct token token;

        for (;;) {
                int r = scan_word(scan, "a record type", &token);

                if (r < 0)
                        return r;
                if (*token.begin >= '0' && *token.begin <= '9') {
                        enum ttl_outcome outcome = token_ttl(&token, TTL_MAX, &head->ttl);

                        if (outcome != TTL_OK)
                                return fail_ttl(scan, &token, outcome);
                        if (head->has_ttl)
                                return scan_fail_word(scan, &token, "bad-ttl", NULL, "is a second TTL");
                        head->has_ttl = true;
                } else if (!has_class && is_class_in(&token)) {
                        has_class = true;
                } else if (token_type(&token, &head->type)) {
                        head->type_at = token.begin;
                        return 0;
                } else if ((head->alias = parse_alias_kind(&token)) != PARSE_NO_ALIAS) {
                        head->type_at = token.begin;
                        return 0;
                } else {
                        return fail_type(parse, &token);
                }
        }
}

/* BIND's rule: the record's own, else $TTL, else that of the last record that had one (RFC 1035 s.5.1). 1 =
 * none yet. */
static int choose_ttl(struct parse *parse, const struct head *head, uint32_t *ret_ttl)
{
        struct zonefile_state *state = &parse->state;

        if (head->has_ttl) {
                state->last_ttl = *ret_ttl = head->ttl;
                state->has_last_ttl = true;
                return 0;
        }
        if (!state->has_default_ttl && !state->has_last_ttl)
                return 1;
        *ret_ttl = state->has_default_ttl ? state->default_ttl : state->last_ttl;
        return 0;
}

/* Nothing said a TTL before the SOA: its MINIMUM is the default (RFC 1035 s.3.3.13 as BIND does). */
static int ttl_from_soa(struct parse *parse, const char *at, uint32_t *ret_ttl)
{
        struct soa soa;

        if (soa_parse(parse->rdata->bytes, parse->rdata->length, &soa) < 0 || soa.minimum > TTL_MAX)
                return scan_fail(&parse->scan, at, "no-ttl", "write $TTL 3600 at the top",
                        "no TTL is known for this record");
        parse->state.default_ttl = *ret_ttl = soa.minimum;
        parse->state.has_default_ttl = true;
        parse_tell(parse, DIAG_NOTE, at, "no-default-ttl", "write $TTL at the top",
                "no $TTL: the SOA's MINIMUM, %u, is the default TTL", soa.minimum);
        return 0;
}

static void tell_doubled(struct parse *parse)
{
        parse_tell(parse, DIAG_WARNING, parse->scan.doubled, "missing-final-dot",
                "does the final dot miss? A name without it gets the origin appended",
                "the zone's own name is in this name twice");
}

/* A PTR's target inside the reverse zone: nearly always a host's name without its final dot. */
static void check_reverse_target(struct parse *parse, const struct head *head, const char *at)
{
        if (!parse->apex_is_reverse || head->type != TYPE_PTR || parse->scan.doubled ||
                !name_is_below(parse->rdata->bytes, parse->request->origin) ||
                name_equal(parse->rdata->bytes, parse->request->origin))
                return;
        parse_tell(parse, DIAG_WARNING, at, "missing-final-dot",
                "does the final dot miss? A name without it gets the origin appended",
                "the target of this PTR lies in the reverse zone");
}

static int add_soa(struct parse *parse, const struct record *record, const char *at)
{
        struct scan *scan = &parse->scan;

        if (!name_equal(record->owner, parse->request->origin))
                return scan_fail(scan, at, "soa-not-at-apex", "is $ORIGIN or the owner wrong?",
                        "an SOA record that is not at the zone's apex");
        if (parse->soa.owner)
                return scan_fail(scan, at, "multiple-soa", NULL,
                        "a second SOA record; the first is in line %u",
                        parse_line(parse, record_place_of(&parse->soa)));
        parse->soa = *record;
        return 0;
}

int parse_add_record(struct parse *parse, uint16_t type, const char *type_at, uint32_t ttl)
{
        const struct rdata_out *rdata = parse->rdata;
        struct record_place *place;
        struct record record;

        if (parse->owner_length + 10 + rdata->length > 65535u - MESSAGE_OVERHEAD - parse->apex_length)
                return scan_fail(&parse->scan, type_at, "record-too-large", NULL,
                        "this record does not fit a signed DNS message");
        place = arena_alloc(parse->arena, sizeof(*place) + rdata->length);
        if (!place)
                return -ENOMEM;
        *place = parse_place(parse, type_at);
        memcpy(place + 1, rdata->bytes, rdata->length);
        record = (struct record){.owner = parse->owner,
                .rdata = (const uint8_t *)(place + 1),
                .ttl = ttl,
                .type = type,
                .rdata_length = (uint16_t)rdata->length};
        if (type == TYPE_SOA)
                return add_soa(parse, &record, type_at);
        return record_list_add(parse->records, &record);
}

static int fail_no_ttl(struct scan *scan, const char *at)
{
        return scan_fail(scan, at, "no-ttl", "write $TTL 3600 at the top", "no TTL is known for this record");
}

static int read_alias(struct parse *parse, const struct head *head)
{
        uint32_t ttl = 0;
        if (choose_ttl(parse, head, &ttl))
                return fail_no_ttl(&parse->scan, head->type_at);
        return parse_alias(parse, head->alias, head->type_at, ttl);
}

/* Behind the owner. */
static int read_record(struct parse *parse)
{
        struct scan *scan = &parse->scan;
        struct head head = {0};
        uint32_t ttl = 0;
        int r = read_head(parse, &head), without_ttl;

        if (r < 0)
                return r;
        if (head.alias != PARSE_NO_ALIAS)
                return read_alias(parse, &head);
        const struct type_info *info = type_info(head.type);

        if (info->is_meta)
                return scan_fail(scan, head.type_at, "meta-type", NULL,
                        "a type that is for queries and messages, never for a zone");
        without_ttl = choose_ttl(parse, &head, &ttl);
        r = rdata_scan(scan, info, head.type, parse->rdata);
        if (r == 0 && without_ttl)
                r = head.type == TYPE_SOA ? ttl_from_soa(parse, head.type_at, &ttl)
                                          : fail_no_ttl(scan, head.type_at);
        if (r < 0) {
                /* That there is no TTL, or that the SOA that has it is wrong, is told once. */
                parse->state.has_default_ttl |= without_ttl;
                return r;
        }
        if (scan->doubled)
                tell_doubled(parse);
        check_reverse_target(parse, &head, head.type_at);
        if (parse->owner_is_outside)
                return 0;
        parse_check_names(parse, head.type, head.type_at);
        return parse_add_record(parse, head.type, head.type_at, ttl);
}

static int read_entry(struct parse *parse)
{
        struct scan *scan = &parse->scan;
        bool is_blank = *scan->at == ' ' || *scan->at == '\t';
        struct token token;
        int r;

        switch (scan_token(scan, &token)) {
        case TOKEN_END:
                return 0;
        case TOKEN_WRONG:
                return -EINVAL;
        case TOKEN_QUOTED:
        case TOKEN_WORD:
                break;
        }
        parse->owner_at = NULL;
        if (is_blank) {
                if (!parse->owner)
                        return scan_fail(scan, token.start, "no-owner",
                                "an entry that begins with a blank has the owner of the one before",
                                "there is no owner to inherit");
                scan_unread(scan, &token);
        } else {
                if (token.kind == TOKEN_QUOTED)
                        return scan_fail(scan, token.start, "unexpected-quote", "leave the quotes out",
                                "an owner in quotes");
                if (*token.begin == '$')
                        return parse_directive(parse, &token);
                r = set_owner(parse, &token);
                if (r < 0)
                        return r;
        }
        return read_record(parse);
}

/* The line behind the opened parenthesis that looks like the next entry: what follows is then still told of.
 */
static const char *line_behind(const struct scan *scan)
{
        const char *at = scan->opened;

        while ((at = memchr(at, '\n', (size_t)(scan->end - at)))) {
                at++;
                if (*at == '$' || parse_starts_with_owner(at))
                        return at;
        }
        return scan->end;
}

/* A fault that a missing parenthesis made is told as that. */
static void recover(struct parse *parse)
{
        struct scan *scan = &parse->scan;

        if (scan_skip_entry(scan)) {
                parse_tell_fault(parse);
                return;
        }
        scan_fail(scan, scan->opened, "unclosed-parenthesis", NULL, "this parenthesis is never closed");
        parse_tell_fault(parse);
        scan->at = parse->unclosed++ < UNCLOSED_MAX ? line_behind(scan) : scan->end;
}

int parse_entry(struct parse *parse)
{
        struct scan *scan = &parse->scan;
        int r;

        if (*scan->at == ';')
                scan->at = rawmemchr(scan->at, '\n');
        if (*scan->at == '\n') {
                scan->at += scan->at < scan->end;
                return 0;
        }
        scan->depth = 0;
        scan->doubled = NULL;
        r = read_entry(parse);
        if (r == -EINVAL) {
                recover(parse);
                return 0;
        }
        if (r < 0)
                return r;
        scan->at += scan->at < scan->end; /* at the newline */
        return 0;
}

int parse_entries(struct parse *parse)
{
        while (!parse_is_at_end(parse)) {
                int r = parse_entry(parse);

                if (r < 0)
                        return r;
        }
        return 0;
}
