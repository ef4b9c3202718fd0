/* For the tests of zonefile/: a text in memory, and a parsed zone as sorted text. */
#pragma once

#include "base/buffer.h"
#include "dns/name.h"
#include "dns/rdata.h"
#include "zonefile/zonefile.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static inline struct zone_text text_from(const char *bytes, size_t length)
{
        struct zone_text text = {.bytes = malloc(length + ZONEFILE_PADDING), .length = length};

        if (!text.bytes)
                abort();
        if (length > 0)
                memcpy(text.bytes, bytes, length);
        memset(text.bytes + length, '\n', ZONEFILE_PADDING);
        return text;
}

/* The SOA first, then the records in their order, a line each. */
static inline void records_to_text(const struct zonefile_result *result, struct buffer *out)
{
        if (result->soa.owner) {
                record_to_text(&result->soa, out);
                buffer_append_u8(out, '\n');
        }
        for (size_t i = 0; i < result->records.count; i++) {
                record_to_text(&result->records.items[i], out);
                buffer_append_u8(out, '\n');
        }
}
