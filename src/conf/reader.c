/* Small readers that every statement uses: memory, errors, one value of a kind. Used on the loading thread
 * alone. */

#include "conf/reader.h"

#include "base/cleanup.h"
#include "conf/value.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void *reader_alloc(struct reader *reader, size_t size)
{
        void *memory = arena_alloc(reader->arena, size > 0 ? size : 1);
        if (memory)
                memset(memory, 0, size);
        else
                reader->failed = true;
        return memory;
}

char *reader_text(struct reader *reader, const char *text)
{
        char *copy = arena_text(reader->arena, text, strlen(text));
        if (!copy)
                reader->failed = true;
        return copy;
}

static void add(struct reader *reader, enum diag_severity severity, struct position at, const char *code,
        const char *hint, const char *format, va_list arguments)
{
        CLEANUP_FREE char *message = NULL;
        if (vasprintf(&message, format, arguments) < 0) {
                message = NULL;
                reader->failed = true;
                return;
        }
        report_add(reader->report, severity, code, at, hint, "%s", message);
}

void reader_error(struct reader *reader, struct position at, const char *code, const char *hint,
        const char *format, ...)
{
        va_list arguments;
        va_start(arguments, format);
        add(reader, DIAG_ERROR, at, code, hint, format, arguments);
        va_end(arguments);
}

void reader_warn(struct reader *reader, struct position at, const char *code, const char *hint,
        const char *format, ...)
{
        va_list arguments;
        va_start(arguments, format);
        add(reader, DIAG_WARNING, at, code, hint, format, arguments);
        va_end(arguments);
}

void reader_undefined(struct reader *reader, struct position at, const char *hint, const char *format, ...)
{
        va_list arguments;
        if (reader->tree->has_unread)
                return;
        va_start(arguments, format);
        add(reader, DIAG_ERROR, at, "undefined", hint, format, arguments);
        va_end(arguments);
}

bool reader_end(struct reader *reader, const struct statement *statement, uint32_t from)
{
        if (statement->count <= from)
                return true;
        const struct item *last = &statement->items[from - 1], *next = &statement->items[from];
        struct position behind = {statement->source, last->end_line, last->end_column};
        if (next->line > last->end_line)
                reader_error(reader, behind, "missing-semicolon", NULL, "\";\" is missing here");
        else
                reader_error(reader, item_position(statement, next), "syntax", "a \";\" ends each statement",
                        "unexpected %s",
                        next->kind == ITEM_BLOCK
                                ? "block"
                                : report_quote(reader->report, item_position(statement, next), next->text));
        return false;
}

const struct item *reader_value(struct reader *reader, const struct statement *statement)
{
        if (statement->count < 2 || !item_is_text(&statement->items[1])) {
                reader_error(reader, statement_position(statement), "syntax", NULL, "%s needs one value",
                        report_quote(
                                reader->report, statement_position(statement), statement->items[0].text));
                return NULL;
        }
        return reader_end(reader, statement, 2) ? &statement->items[1] : NULL;
}

const struct item *reader_block(struct reader *reader, const struct statement *statement, uint32_t from)
{
        if (statement->count <= from || statement->items[from].kind != ITEM_BLOCK) {
                struct position at = statement->count > from
                                             ? item_position(statement, &statement->items[from])
                                             : statement_position(statement);
                reader_error(reader, at, "syntax", NULL, "%s needs a block { ... } here",
                        report_quote(reader->report, at, statement->items[0].text));
                return NULL;
        }
        return reader_end(reader, statement, from + 1) ? &statement->items[from] : NULL;
}

static const char *quote_item(
        struct reader *reader, const struct statement *statement, const struct item *item)
{
        return report_quote(reader->report, item_position(statement, item), item->text);
}

bool reader_boolean(struct reader *reader, const struct statement *statement, bool *ret_value)
{
        const struct item *item = reader_value(reader, statement);
        if (!item)
                return false;
        if (value_parse_boolean(item->text, ret_value) < 0) {
                reader_error(reader, item_position(statement, item), "value", NULL,
                        "%s is neither yes nor no", quote_item(reader, statement, item));
                return false;
        }
        return true;
}

static bool tell_number(struct reader *reader, const struct statement *statement, const struct item *item,
        int r, uint64_t least, uint64_t most)
{
        if (r == -ERANGE)
                reader_error(reader, item_position(statement, item), "value", NULL,
                        "%s is out of range: from %" PRIu64 " to %" PRIu64,
                        quote_item(reader, statement, item), least, most);
        else if (r < 0)
                reader_error(reader, item_position(statement, item), "value", NULL, "%s is not a number",
                        quote_item(reader, statement, item));
        return r >= 0;
}

bool reader_number(struct reader *reader, const struct statement *statement, uint64_t least, uint64_t most,
        uint64_t *ret_value)
{
        const struct item *item = reader_value(reader, statement);
        if (!item)
                return false;
        int r = value_parse_number(item->text, least, most, ret_value);
        return tell_number(reader, statement, item, r, least, most);
}

bool reader_duration(
        struct reader *reader, const struct statement *statement, uint64_t unit_usec, uint64_t *ret_usec)
{
        const struct item *item = reader_value(reader, statement);
        if (!item)
                return false;
        int r = value_parse_duration(item->text, unit_usec, ret_usec);
        if (r == 0 && *ret_usec > UINT64_C(315360000) * 1000000)
                r = -ERANGE;
        if (r < 0)
                reader_error(reader, item_position(statement, item), "value",
                        "a number, or one with units: 50ms, 90s, 1h30m, PT1H30M", "%s is %s",
                        quote_item(reader, statement, item),
                        r == -ERANGE ? "longer than ten years" : "not a duration");
        return r == 0;
}

bool reader_size(struct reader *reader, const struct statement *statement, uint64_t *ret_bytes)
{
        const struct item *item = reader_value(reader, statement);
        if (!item)
                return false;
        int r = value_parse_size(item->text, ret_bytes);
        if (r < 0)
                reader_error(reader, item_position(statement, item), "value",
                        "octets, or with k, m, g or t: 64m", "%s is %s", quote_item(reader, statement, item),
                        r == -ERANGE ? "too large" : "not a size");
        return r == 0;
}

bool reader_port(struct reader *reader, const struct statement *statement, uint32_t *at, uint16_t *ret_port)
{
        uint64_t port;
        if (*at >= statement->count || !item_is_word(&statement->items[*at], "port"))
                return true;
        if (*at + 1 >= statement->count || !item_is_text(&statement->items[*at + 1])) {
                reader_error(reader, item_position(statement, &statement->items[*at]), "syntax", NULL,
                        "a number is missing behind \"port\"");
                return false;
        }
        const struct item *item = &statement->items[*at + 1];
        if (item_is_word(item, "*"))
                port = 0;
        else if (!tell_number(
                         reader, statement, item, value_parse_number(item->text, 1, 65535, &port), 1, 65535))
                return false;
        *ret_port = (uint16_t)port;
        *at += 2;
        return true;
}

const char *reader_path(struct reader *reader, const char *path)
{
        const char *base = reader->whole->conf.options.directory;
        char *joined = path_join(reader->arena, base ? base : reader->tree->folder, path);
        if (!joined)
                reader->failed = true;
        return joined;
}

bool reader_name(struct reader *reader, const struct statement *statement, const struct item *item,
        uint8_t ret_name[static NAME_MAX_LENGTH])
{
        static const uint8_t root[] = {0};
        uint8_t name[NAME_MAX_LENGTH];
        size_t length, fault = 0;
        int r = *item->text ? name_from_text(item->text, strlen(item->text), root, name, &length, &fault)
                            : NAME_EMPTY_LABEL;
        if (r != NAME_OK) {
                struct position at = item_position(statement, item);
                reader_error(reader, at, "name", NULL, "%s is no domain name: it %s",
                        quote_item(reader, statement, item), name_error_text((enum name_error)r));
                return false;
        }
        name_fold(name, ret_name);
        return true;
}
