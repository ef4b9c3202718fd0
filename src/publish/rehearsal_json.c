/* A rehearsal as JSON: what the daemon answers, and what `zonecrier plan --json` prints without one. */
#include "publish/rehearsal.h"

#include "base/encode.h"
#include "base/json.h"

#include <string.h>

static void append_lines(struct json *json, const struct buffer *changes)
{
        const char *at = (const char *)changes->data, *end = at + changes->length;

        json_open(json, "changes", '[');
        while (at < end) {
                const char *newline = memchr(at, '\n', (size_t)(end - at));

                json_text_sized(json, NULL, at, (size_t)(newline - at));
                at = newline + 1;
        }
        json_close(json, ']');
}

static void append_bytes(struct json *json, const char *key, uint64_t bytes)
{
        if (bytes > 0)
                json_number(json, key, bytes);
        else
                json_nothing(json, key);
}

void rehearsal_append_json(struct json *json, const char *zone, const struct rehearsal *rehearsal)
{
        char hash[2 * sizeof(rehearsal->hash) + 1];

        json_open(json, NULL, '{');
        json_text(json, "zone", zone);
        json_text(json, "verdict", rehearsal_kind_name(rehearsal->kind));
        json_serial(json, "serial", rehearsal->serial);
        json_serial(json, "next_serial", rehearsal->next_serial);
        json_number(json, "records", rehearsal->records);
        json_number(json, "added", rehearsal->added);
        json_number(json, "removed", rehearsal->removed);
        json_number(json, "ttl_changed", rehearsal->ttl_changed);
        append_bytes(json, "ixfr_bytes", rehearsal->ixfr_bytes);
        append_bytes(json, "axfr_bytes", rehearsal->axfr_bytes);
        if (rehearsal->has_hash)
                hex_encode(rehearsal->hash, sizeof(rehearsal->hash), hash);
        json_text(json, "hash", rehearsal->has_hash ? hash : NULL);
        json_open(json, "reasons", '[');
        for (size_t i = 0; i < rehearsal->reason_count; i++)
                json_text(json, NULL, rehearsal->reasons[i]);
        json_close(json, ']');
        json_text(json, "details", rehearsal->details);
        append_lines(json, &rehearsal->changes);
        json_number(json, "changes_omitted", rehearsal->changes_omitted);
        json_close(json, '}');
}
