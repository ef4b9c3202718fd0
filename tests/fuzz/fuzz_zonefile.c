/* Zone text from bytes: the first octet says for which zone and whether chunks are cut, the rest is the text.
 * What was read must survive the way back: its own text form gives the same records. */
#include "base/buffer.h"
#include "dns/rdata.h"
#include "zonefile/zonefile.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct zone_text text_from(const uint8_t *bytes, size_t length)
{
        struct zone_text text = {.bytes = malloc(length + ZONEFILE_PADDING), .length = length};

        if (!text.bytes)
                abort();
        if (length > 0)
                memcpy(text.bytes, bytes, length);
        memset(text.bytes + length, '\n', ZONEFILE_PADDING);
        return text;
}

static int parse(const uint8_t *origin, bool wants_chunks, const uint8_t *bytes, size_t length,
        struct zonefile_result *result)
{
        struct zonefile_request request = {.origin = origin, .wants_chunks = wants_chunks};
        struct zone_text text = text_from(bytes, length);
        struct diag_list diags = {.limit = 20};
        int r = zonefile_parse(&request, &text, &diags, result);
        size_t told = 0;

        for (size_t i = 0; i < diags.count; i++) {
                struct buffer out = {0};

                diag_format(&diags.items[i], &out);
                buffer_free(&out);
                told += diags.items[i].severity == DIAG_ERROR;
        }
        if ((r < 0) != (told > 0))
                abort();
        for (size_t i = 0, at = 0; r == 0 && i < result->chunk_count; i++) {
                at += result->chunks[i].length;
                if (i + 1 == result->chunk_count && at != length)
                        abort();
        }
        /* Chunk bytes point into the text, which goes. */
        diag_free(&diags);
        zone_text_free(&text);
        return r;
}

static void put_record(const struct record *record, struct buffer *out)
{
        record_to_text(record, out);
        buffer_append_u8(out, '\n');
}

static void check_way_back(const uint8_t *origin, const struct zonefile_result *result)
{
        struct zonefile_result again = {0};
        struct buffer out = {0};

        put_record(&result->soa, &out);
        for (size_t i = 0; i < result->records.count; i++)
                put_record(&result->records.items[i], &out);
        if (parse(origin, false, out.data, out.length, &again) < 0)
                abort();
        if (again.records.count != result->records.count || !record_is_identical(&again.soa, &result->soa))
                abort();
        for (size_t i = 0; i < again.records.count; i++)
                if (!record_is_identical(&again.records.items[i], &result->records.items[i]))
                        abort();
        zonefile_result_free(&again);
        buffer_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        static const uint8_t *const origins[] = {(const uint8_t *)"\7example\3com", (const uint8_t *)"",
                (const uint8_t *)"\0012\7in-addr\4arpa"};
        struct zonefile_result result = {0};

        if (size == 0)
                return 0;
        const uint8_t *origin = origins[data[0] % 3];

        if (parse(origin, data[0] & 0x80, data + 1, size - 1, &result) < 0)
                return 0;
        check_way_back(origin, &result);
        zonefile_result_free(&result);
        return 0;
}
