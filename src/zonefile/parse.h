/* Private to zonefile/: the parser of entries. One struct parse reads one zone, or (quietly) a piece of one.
 */
#pragma once

#include "base/arena.h"
#include "base/diag.h"
#include "conf/checks.h"
#include "dns/record.h"
#include "zonefile/rdata_scan.h"
#include "zonefile/zonefile.h"

/* Where a record stood: kept in the arena right before its RDATA, so that a check can point at it however the
 * list is sorted. */
struct record_place {
        uint32_t offset; /* of the type, in its file */
        uint32_t file;   /* index in parse->files */
};

/* A text that is being read, or was: texts are kept until the checks are done, as their lines are shown. */
struct parse_file {
        const char *path;
        struct zone_text text;
        bool is_owned;             /* an included one */
        bool is_outside;           /* of the zone folder: nothing of it is quoted (I8) */
        const char *included_from; /* "a.zone:3" */
        uint32_t parent;           /* index of the including file; its own for the zone's */
        uint32_t *lines; /* made when the first line number is asked for: newlines before each block */
};

struct parse {
        const struct zonefile_request *request;
        const struct conf_checks *checks; /* never NULL */
        struct diag_list *diags;          /* NULL = quiet: what would be told is counted in `told` alone */
        unsigned told;                    /* errors and warnings */
        bool has_error;
        struct arena *arena;
        struct record_list *records; /* in the zone, without the SOA, as they stood */
        struct record soa;           /* owner NULL = none yet */
        struct zonefile_state state;
        struct scan scan;

        const uint8_t *owner; /* of the last entry that had one, in the arena; NULL = none */
        size_t owner_length;
        const char *owner_at;  /* of this entry; NULL = inherited */
        bool owner_is_outside; /* of the zone */
        bool origin_is_inside;
        bool apex_is_reverse;
        size_t apex_length;

        struct parse_file *files;
        size_t file_count, file_capacity;
        uint32_t file;           /* that is being read */
        const char *generate_at; /* the $GENERATE whose lines are being read; NULL = none */
        unsigned include_depth, include_count;
        size_t included_bytes;
        uint64_t generated;
        size_t generated_bytes;
        unsigned unclosed; /* parentheses told as never closed */

        struct zonefile_alias *aliases; /* newest first */
        unsigned alias_count;

        /* has_made: records that do not stand in the text, by $GENERATE, ALIAS or URL */
        bool has_include, has_made, has_bom, has_cr, has_outside;
        bool has_ttl_note;
        struct rdata_out *rdata;
};

/* The zone's own file is file 0; text is borrowed. -ENOMEM. */
int parse_begin(struct parse *parse, const struct zonefile_request *request, const struct zone_text *text,
        struct arena *arena, struct record_list *records, struct diag_list *diags);
void parse_end(struct parse *parse);
void parse_set_origin(struct parse *parse, const uint8_t *origin);
/* Behind a byte order mark, where the text begins with one. */
void parse_skip_mark(struct parse *parse);

/* Reads the entry at scan.at, to behind its newline: 0, or -ENOMEM. What is wrong with it is told. At the end
 * of the text scan.at is scan.end. */
int parse_entry(struct parse *parse);
/* Entries from scan.at to the end of the text. */
int parse_entries(struct parse *parse);
static inline bool parse_is_at_end(const struct parse *parse)
{
        return parse->scan.at >= parse->scan.end;
}
/* Whether an entry that begins here has its owner written: the parser's state in front of it has no owner to
 * inherit. */
static inline bool parse_starts_with_owner(const char *at)
{
        return (unsigned char)*at > ' ' && *at != ';' && *at != '$' && *at != '(' && *at != ')' && *at != '"';
}

/* Tells something of the file that is being read. hint may be NULL. */
void parse_tell(struct parse *parse, enum diag_severity severity, const char *at, const char *code,
        const char *hint, const char *format, ...) __attribute__((format(printf, 6, 7)));
/* The same of a place that was kept. */
void parse_tell_place(struct parse *parse, enum diag_severity severity, struct record_place place,
        const char *code, const char *hint, const char *format, ...) __attribute__((format(printf, 6, 7)));
/* Whether one more would be kept, not only counted: what it takes to say it need not be found out. */
bool parse_keeps(const struct parse *parse, enum diag_severity severity);
/* Line of a place, from 1, for messages that name a second place. */
uint32_t parse_line(struct parse *parse, struct record_place place);
struct record_place parse_place(const struct parse *parse, const char *at);
static inline struct record_place record_place_of(const struct record *record)
{
        return ((const struct record_place *)(const void *)record->rdata)[-1];
}
/* Tells scan.fault as an error. */
void parse_tell_fault(struct parse *parse);

/* check_names.c: the record that was just read, its RDATA in parse->rdata; and an owner. */
void parse_check_names(struct parse *parse, uint16_t type, const char *type_at);
void parse_check_wildcard(struct parse *parse, const char *at, const uint8_t *owner);
/* A record with the RDATA of parse->rdata and the owner of parse->owner. 0, -EINVAL (scan.fault), -ENOMEM. */
int parse_add_record(struct parse *parse, uint16_t type, const char *type_at, uint32_t ttl);

/* parse_alias.c: what stands behind the words ALIAS and URL. 0, -EINVAL (scan.fault), -ENOMEM. */
enum parse_alias { PARSE_NO_ALIAS, PARSE_ALIAS, PARSE_URL };
enum parse_alias parse_alias_kind(const struct token *token);
int parse_alias(struct parse *parse, enum parse_alias kind, const char *type_at, uint32_t ttl);

/* directive.c: the entry begins with `word`, which begins with '$'. 0, -EINVAL (scan.fault), -ENOMEM. */
int parse_directive(struct parse *parse, const struct token *word);
/* generate.c: behind "$GENERATE". */
int parse_generate(struct parse *parse, const char *at);
