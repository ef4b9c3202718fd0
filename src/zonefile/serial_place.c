/* Finds the SOA's serial in a text, for serial-write-back. Any thread. */
#include "zonefile/serial_place.h"

#include "zonefile/parse.h"

#include <errno.h>

/* The third token behind the type: MNAME, RNAME, SERIAL. */
static int serial_token(struct parse *parse, uint32_t type_offset, struct token *ret_token)
{
        struct scan *scan = &parse->scan;

        scan->opened = scan->at = parse->files[0].text.bytes + type_offset;
        scan->depth = 1; /* the entry is known to be whole: its line's end may lie in parentheses */
        for (int i = 0; i < 4; i++)
                if (scan_word(scan, "a serial", ret_token) < 0)
                        return -ENOENT;
        return 0;
}

static int find(struct parse *parse, struct serial_place *ret_place)
{
        struct token token;
        int r = 0;

        parse_skip_mark(parse);
        while (r == 0 && !parse_is_at_end(parse) && !parse->soa.owner) {
                parse->records->count = 0;
                r = parse_entry(parse);
        }
        if (r < 0)
                return r;
        if (!parse->soa.owner || record_place_of(&parse->soa).file != 0)
                return -ENOENT;
        r = serial_token(parse, record_place_of(&parse->soa).offset, &token);
        if (r < 0 || !token_number(&token, UINT32_MAX, &ret_place->serial))
                return -ENOENT;
        ret_place->offset = (size_t)(token.begin - parse->files[0].text.bytes);
        ret_place->length = token_length(&token);
        return 0;
}

int zonefile_serial_place(const uint8_t *origin, const struct zone_text *text, struct serial_place *ret_place)
{
        const struct zonefile_request request = {.origin = origin};
        struct arena arena = {0};
        struct record_list records = {0};
        struct parse parse;
        int r = parse_begin(&parse, &request, text, &arena, &records, NULL);

        if (r == 0) {
                r = find(&parse, ret_place);
                parse_end(&parse);
        }
        record_list_free(&records);
        arena_free(&arena);
        return r;
}
