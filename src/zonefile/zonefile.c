/* A whole zone from its text: parse, checks, normal form; and the chunks that the incremental path will
 * compare with. One thread a call, and a crew for what is
 * large. */
#include "zonefile/zonefile.h"

#include "zonefile/check_zone.h"
#include "zonefile/chunk.h"
#include "zonefile/parse_parts.h"

#include <errno.h>
#include <string.h>

#define BYTES_A_RECORD 32

void zonefile_result_free(struct zonefile_result *result)
{
        if (!result)
                return;
        record_list_free(&result->records);
        arena_free(&result->arena);
        *result = (struct zonefile_result){0};
}

void parse_skip_mark(struct parse *parse)
{
        static const char mark[] = "\xef\xbb\xbf";
        struct scan *scan = &parse->scan;

        if (scan->end - scan->at < 3 || memcmp(scan->at, mark, 3) != 0)
                return;
        parse->has_bom = true;
        parse_tell(parse, DIAG_NOTE, scan->at, "byte-order-mark", "save the file as UTF-8 without BOM",
                "the text begins with a byte order mark, which is passed over");
        scan->at += 3;
}

static void tell_notes(struct parse *parse, const struct zone_text *text)
{
        if (parse->scan.has_cr)
                parse_tell(parse, DIAG_NOTE, text->bytes, "crlf", NULL, "lines end in CR LF, as on Windows");
}

/* Room for as many records as the text is likely to have. Without memory it grows as it goes. */
static void reserve_records(const struct zone_text *text, struct record_list *records)
{
        size_t count = text->length / BYTES_A_RECORD + 16;

        records->items = large_alloc(count * sizeof(*records->items));
        records->capacity = records->items ? count : 0;
}

/* Parses all entries; on the way, where wanted, notes where the text may be cut. */
static int read_text(struct parse *parse, struct chunk_cuts *cuts)
{
        int r = 0;

        parse_skip_mark(parse);
        r = parse_in_parts(parse, cuts);
        if (r != 0)
                return r < 0 ? r : 0;
        if (!cuts)
                return parse_entries(parse);
        while (r == 0 && !parse_is_at_end(parse)) {
                r = chunk_cuts_note(cuts, &parse->state, parse->scan.at);
                if (r == 0)
                        r = parse_entry(parse);
        }
        return r;
}

static void fill_result(
        const struct parse *parse, const struct zone_text *text, struct zonefile_result *result)
{
        struct soa soa;

        result->soa = parse->soa;
        if (soa_parse(parse->soa.rdata, parse->soa.rdata_length, &soa) == 0)
                result->soa_serial = soa.serial;
        result->has_directives = parse->has_include || parse->has_made;
        result->aliases = parse->aliases;
        result->has_out_of_zone = parse->has_outside;
        result->ends_without_newline = text->length > 0 && text->bytes[text->length - 1] != '\n';
}

static bool fits_chunks(const struct parse *parse, const struct zonefile_result *result)
{
        return !result->has_directives && !result->has_out_of_zone && !result->has_duplicates &&
               !result->has_ttl_mends && !parse->has_bom;
}

int zonefile_parse(const struct zonefile_request *request, const struct zone_text *text,
        struct diag_list *diags, struct zonefile_result *ret_result)
{
        struct zonefile_result result = {0};
        struct chunk_cuts cuts = {.arena = &result.arena, .begin = text->bytes};
        struct parse parse;
        int r = parse_begin(&parse, request, text, &result.arena, &result.records, diags);

        if (r < 0)
                return r;
        reserve_records(text, &result.records);
        r = read_text(&parse, request->wants_chunks ? &cuts : NULL);
        if (r == 0) {
                tell_notes(&parse, text);
                r = zone_check(&parse, &result);
        }
        if (r == 0 && parse.has_error)
                r = -EINVAL;
        if (r == 0) {
                fill_result(&parse, text, &result);
                if (request->wants_chunks && fits_chunks(&parse, &result))
                        r = chunk_cuts_finish(&cuts, text, &result.chunks, &result.chunk_count);
        }
        parse_end(&parse);
        if (r < 0) {
                zonefile_result_free(&result);
                return r;
        }
        *ret_result = result;
        return 0;
}
