/* A record's fields, from zone file text to Cloudflare's JSON and back, by a table of what each type is made
 * of. Pure. */
#include "push/cloudflare_text.h"

#include "base/buffer.h"
#include "base/cleanup.h"
#include "dns/rdata.h"
#include "dns/type.h"
#include "zonefile/rdata_text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIELDS_MAX 13
#define TOKENS_MAX 16

enum kind {
        NUMBER = 'n',
        WORD = 'w',
        NAME = 'd',   /* without its final dot */
        QUOTED = 'q', /* the string itself */
        METRES = 'm', /* "10.00m" */
        REST = 'r',   /* what is left of the text as it stands */
};

/* `content` and `priority` are members of the record, the others of its "data". */
static const struct layout {
        uint16_t type;
        struct {
                char kind;
                const char *name;
        } fields[FIELDS_MAX];
} layouts[] = {
        {TYPE_A, {{REST, "content"}}},
        {TYPE_AAAA, {{REST, "content"}}},
        {TYPE_CNAME, {{NAME, "content"}}},
        {TYPE_NS, {{NAME, "content"}}},
        {TYPE_PTR, {{NAME, "content"}}},
        {TYPE_TXT, {{REST, "content"}}},
        {TYPE_OPENPGPKEY, {{REST, "content"}}},
        {TYPE_MX, {{NUMBER, "priority"}, {NAME, "content"}}},
        {TYPE_URI, {{NUMBER, "priority"}, {NUMBER, "weight"}, {QUOTED, "target"}}},
        {TYPE_SRV, {{NUMBER, "priority_"}, {NUMBER, "weight"}, {NUMBER, "port"}, {NAME, "target"}}},
        {TYPE_CAA, {{NUMBER, "flags"}, {WORD, "tag"}, {QUOTED, "value"}}},
        {TYPE_DS, {{NUMBER, "key_tag"}, {NUMBER, "algorithm"}, {NUMBER, "digest_type"}, {REST, "digest"}}},
        {TYPE_SSHFP, {{NUMBER, "algorithm"}, {NUMBER, "type"}, {REST, "fingerprint"}}},
        {TYPE_TLSA,
                {{NUMBER, "usage"}, {NUMBER, "selector"}, {NUMBER, "matching_type"}, {REST, "certificate"}}},
        {TYPE_SMIMEA,
                {{NUMBER, "usage"}, {NUMBER, "selector"}, {NUMBER, "matching_type"}, {REST, "certificate"}}},
        {TYPE_NAPTR, {{NUMBER, "order"}, {NUMBER, "preference"}, {QUOTED, "flags"}, {QUOTED, "service"},
                             {QUOTED, "regex"}, {NAME, "replacement"}}},
        {TYPE_SVCB, {{NUMBER, "priority_"}, {NAME, "target"}, {REST, "value"}}},
        {TYPE_HTTPS, {{NUMBER, "priority_"}, {NAME, "target"}, {REST, "value"}}},
        {TYPE_LOC, {{NUMBER, "lat_degrees"}, {NUMBER, "lat_minutes"}, {NUMBER, "lat_seconds"},
                           {WORD, "lat_direction"}, {NUMBER, "long_degrees"}, {NUMBER, "long_minutes"},
                           {NUMBER, "long_seconds"}, {WORD, "long_direction"}, {METRES, "altitude"},
                           {METRES, "size"}, {METRES, "precision_horz"}, {METRES, "precision_vert"}}},
};

static const struct layout *layout_of(uint16_t type)
{
        for (size_t i = 0; i < ARRAY_SIZE(layouts); i++)
                if (layouts[i].type == type)
                        return &layouts[i];
        return NULL;
}

bool cloudflare_takes_type(uint16_t type)
{
        return layout_of(type) != NULL;
}

/* The record's own member, or its data's; "priority_" is data's priority. */
static bool is_member(const char *name)
{
        return strcmp(name, "content") == 0 || strcmp(name, "priority") == 0;
}
static const char *json_name(const char *name)
{
        return strcmp(name, "priority_") == 0 ? "priority" : name;
}

/* ---- to JSON ---- */

/* Length of the token at `at`; a quoted one with its quotes, blanks inside them. */
static size_t token_size(const char *at)
{
        bool is_quoted = false;
        size_t i = 0;
        for (; at[i] && (is_quoted || at[i] != ' '); i++) {
                if (at[i] == '\\' && at[i + 1])
                        i++;
                else if (at[i] == '"')
                        is_quoted = !is_quoted;
        }
        return i;
}

/* The octets of "..." with its escapes resolved: printable ones alone, as JSON carries no others. */
static int unquote(const char *begin, size_t size, struct buffer *out)
{
        const char *at = begin, *end = begin + size;
        if (size >= 2 && *at == '"') {
                at++;
                end--;
        }
        for (; at < end; at++) {
                if (*at == '\\' && end - at > 3 && at[1] >= '0' && at[1] <= '9')
                        return -EINVAL;
                if (*at == '\\' && end - at > 1)
                        at++;
                buffer_append_u8(out, (uint8_t)*at);
        }
        return buffer_status(out);
}

static json_t *text_json(const char *begin, size_t length)
{
        return json_stringn(begin, length);
}

static json_t *number_json(const char *begin, size_t length)
{
        char text[32], *end;
        if (length >= sizeof(text))
                return NULL;
        memcpy(text, begin, length);
        text[length] = '\0';
        if (!strchr(text, '.'))
                return json_integer(strtoll(text, &end, 10));
        return json_real(strtod(text, &end));
}

static int field_json(char kind, const char *begin, size_t length, json_t **ret_value)
{
        CLEANUP(buffer_free) struct buffer plain = {0};
        int r;
        switch ((enum kind)kind) {
        case NUMBER:
                *ret_value = number_json(begin, length);
                return 0;
        case METRES:
                *ret_value = number_json(begin, length && begin[length - 1] == 'm' ? length - 1 : length);
                return 0;
        case NAME:
                if (length > 1 && begin[length - 1] == '.' && begin[length - 2] != '\\')
                        length--;
                *ret_value = text_json(begin, length);
                return 0;
        case QUOTED:
                r = unquote(begin, length, &plain);
                if (r == 0)
                        *ret_value = text_json(buffer_text(&plain), plain.length);
                return r;
        case WORD:
        case REST:
                *ret_value = text_json(begin, length);
                return 0;
        }
        return -EINVAL;
}

int cloudflare_record_fill(json_t *record, uint16_t type, const uint8_t *rdata, size_t length)
{
        const struct layout *layout = layout_of(type);
        CLEANUP(buffer_free) struct buffer text = {0};
        json_t *data = NULL;

        rdata_to_text(type, rdata, length, &text);
        const char *at = buffer_text(&text);
        if (!at)
                return -ENOMEM;
        if (!layout || at[0] == '\\' || (type == TYPE_TXT && strcmp(at, "\"\"") == 0))
                return -EINVAL;
        for (size_t i = 0; i < FIELDS_MAX && layout->fields[i].name; i++) {
                char kind = layout->fields[i].kind;
                const char *name = layout->fields[i].name;
                size_t size = kind == REST ? strlen(at) : token_size(at);
                json_t *value = NULL;
                int r = size || kind == REST ? field_json(kind, at, size, &value) : -EINVAL;
                if (r == 0 && !value)
                        r = -EINVAL;
                if (r == 0 && !is_member(name) && !data) {
                        data = json_object();
                        if (!data || json_object_set_new(record, "data", data) < 0)
                                r = -ENOMEM;
                }
                if (r < 0) {
                        json_decref(value);
                        return r;
                }
                if (json_object_set_new(is_member(name) ? record : data, json_name(name), value) < 0)
                        return -ENOMEM;
                at += size;
                at += *at == ' ';
        }
        return 0;
}

/* ---- from JSON ---- */

static int append_json(char kind, const json_t *value, struct buffer *out)
{
        const char *text = json_string_value(value);
        if (kind == NUMBER || kind == METRES) {
                if (!json_is_number(value) && !text)
                        return -EINVAL;
                if (text)
                        buffer_append_text(out, text);
                else if (json_is_integer(value))
                        buffer_printf(out, "%lld", (long long)json_integer_value(value));
                else
                        buffer_printf(out, kind == METRES ? "%.2f" : "%.3f", json_real_value(value));
                if (kind == METRES)
                        buffer_append_u8(out, 'm');
                return 0;
        }
        if (!text)
                return -EINVAL;
        if (kind != QUOTED) {
                buffer_append_text(out, text);
                if (kind == NAME && (!*text || text[strlen(text) - 1] != '.'))
                        buffer_append_u8(out, '.');
                return 0;
        }
        buffer_append_u8(out, '"');
        for (; *text; text++) {
                if (*text == '"' || *text == '\\')
                        buffer_append_u8(out, '\\');
                buffer_append_u8(out, (uint8_t)*text);
        }
        buffer_append_u8(out, '"');
        return 0;
}

int cloudflare_record_parse(const json_t *record, uint16_t type, uint8_t *ret_rdata, size_t *ret_length)
{
        static const uint8_t root[] = {0};
        const struct layout *layout = layout_of(type);
        const json_t *data = json_object_get(record, "data");
        CLEANUP(buffer_free) struct buffer text = {0};
        const char *why;
        size_t at;

        if (!layout)
                return -EINVAL;
        for (size_t i = 0; i < FIELDS_MAX && layout->fields[i].name; i++) {
                const char *name = layout->fields[i].name;
                const json_t *value = json_object_get(is_member(name) ? record : data, json_name(name));
                const char *string = json_string_value(value);
                char kind = layout->fields[i].kind;
                if (i > 0)
                        buffer_append_u8(&text, ' ');
                if (type == TYPE_TXT && string && string[0] != '"')
                        kind = QUOTED; /* as older records stand */
                int r = append_json(kind, value, &text);
                if (r < 0)
                        return r;
        }
        const char *master = buffer_text(&text);
        if (!master)
                return -ENOMEM;
        return rdata_from_text(type, master, text.length, root, ret_rdata, ret_length, &why, &at);
}
