/* Zone text to records (RFC 1035 s.5, RFC 2308 s.4, RFC 3597; $INCLUDE, $GENERATE).
 *
 * One call reads a whole zone: text, includes, checks and normal form. Everything that is wrong is told in
 * one run. Pure but for reading files through a source_snapshot. */
#pragma once

#include "base/arena.h"
#include "base/diag.h"
#include "dns/name.h"
#include "dns/record.h"
#include "zonefile/alias.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct conf_checks;
struct crew;
struct source_snapshot;

/* Text in memory with room behind it: the scanner reads up to ZONEFILE_PADDING octets past the end, the first
 * a newline. */
#define ZONEFILE_PADDING 64
struct zone_text {
        char *bytes; /* malloc'ed, length + ZONEFILE_PADDING */
        size_t length;
};
/* Reads the rest of fd into ret_text, padded. size_hint may be 0. -EIO ..., -ENOMEM, -EFBIG above
 * limit_bytes. A crew (NULL: none) helps with a large file. */
int zone_text_read(
        int fd, size_t size_hint, size_t limit_bytes, struct crew *crew, struct zone_text *ret_text);
void zone_text_free(struct zone_text *text);

/* Parser state at the start of a line that has its owner written. Serialised into each chunk's header by
 * zonefile_state_write (changes.h). */
struct zonefile_state {
        uint8_t origin[NAME_MAX_LENGTH];
        uint32_t default_ttl; /* $TTL, or the SOA's MINIMUM once used */
        uint32_t last_ttl;
        bool has_default_ttl;
        bool has_last_ttl;
};

/* A piece of the text as the store holds it: about 16 KiB, beginning at an entry that has its owner written.
 */
struct text_chunk {
        uint64_t key;                /* order key in the store */
        struct zonefile_state state; /* at its first byte */
        const char *bytes;
        size_t length;
};

struct zonefile_request {
        const uint8_t *origin;                    /* the zone's name */
        const char *file;                         /* shown in diagnostics; NULL = "-" */
        struct source_snapshot *snapshot;         /* for $INCLUDE; NULL = $INCLUDE is an error */
        bool wants_chunks;                        /* cut the text for the store on the way (changes.h) */
        struct crew *crew;                        /* helps with a large zone; may be NULL */
        const struct conf_checks *checks;         /* how loudly what is said; NULL = as BIND by default */
        const struct alias_answers *aliases;      /* what is known of ALIAS targets; NULL = nothing */
        const struct alias_addresses *redirector; /* of URL entries; NULL = none */
        bool knows_redirector; /* without one, a URL entry is an error; else its address is left open */
};

/* An ALIAS entry. Of one that is not known, and of a URL whose address is left open, the records have 0.0.0.0
 * in its place, so that all checks are made: they are not to be published. */
struct zonefile_alias {
        const uint8_t *owner;
        const uint8_t *target;
        bool is_known;
        struct zonefile_alias *next;
};

/* What a parse gives. Records lie in the arena (and in no text). */
struct zonefile_result {
        struct arena arena;
        struct record_list records; /* without the SOA; sorted, in normal form, in the zone */
        struct record soa;          /* owner NULL = none */
        uint32_t soa_serial;        /* as the file has it */
        bool has_duplicates; /* records were dropped as duplicates: the incremental path may not be used on
                                this text */
        bool has_ttl_mends;  /* TTLs were made equal inside an RRset: the same */
        bool has_directives; /* $INCLUDE, $GENERATE, ALIAS or URL: the same */
        const struct zonefile_alias *aliases; /* the ALIAS entries, last first; NULL = none */
        bool has_out_of_zone;
        bool ends_without_newline;
        bool is_signed; /* an RRSIG over the SOA, or a ZONEMD, made by somebody else: the serial is the file's
                         */

        /* Where request->wants_chunks: the whole text in chunks whose bytes point into the text. None where
         * the incremental path may not be used on this text (duplicates, TTLs mended, directives, records out
         * of the zone, a byte order mark). In the arena. */
        struct text_chunk *chunks;
        size_t chunk_count;
};
void zonefile_result_free(struct zonefile_result *result);

/* Parses, checks and brings to normal form. Returns 0, -EINVAL when diags got an error (result is empty),
 * -ENOMEM. Warnings and notes are added to diags in any case. Files opened by $INCLUDE are remembered by the
 * snapshot (source_snapshot_files). */
int zonefile_parse(const struct zonefile_request *request, const struct zone_text *text,
        struct diag_list *diags, struct zonefile_result *ret_result);
