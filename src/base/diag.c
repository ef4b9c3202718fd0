/* Diagnostics: collecting, sorting and showing them. One thread at a time.
 *
 * A list is bounded whatever the text is: `limit` entries, each with at most MESSAGE_MAX bytes of message and
 * WINDOW_BYTES of source line around its column. An error takes the place of a kept warning where the list is
 * full, so an error count above 0 always has an error to show. */
#include "base/diag.h"

#include "base/buffer.h"
#include "base/table.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LIMIT_DEFAULT 1000
#define MESSAGE_MAX 1024
#define WINDOW_BYTES 160 /* of a longer source line, as much is kept and shown */
#define WINDOW_BEFORE 80 /* of those, before the column */

const char *diag_severity_name(enum diag_severity severity)
{
        switch (severity) {
        case DIAG_ERROR:
                return "error";
        case DIAG_WARNING:
                return "warning";
        case DIAG_NOTE:
                return "note";
        }
        return "error";
}

static bool is_utf8_inner(char byte)
{
        return ((unsigned char)byte & 0xc0) == 0x80;
}

/* The length of the UTF-8 character at text, or 0 where it is none or must not reach a terminal: C0 and C1
 * controls, and the marks that reorder or break a line (U+2028 to U+202E, U+2066 to U+2069). */
static size_t printable_length(const char *text, size_t size)
{
        const unsigned char *byte = (const unsigned char *)text;
        if (byte[0] >= 0x20 && byte[0] < 0x7f)
                return 1;
        size_t length = byte[0] >= 0xf0 && byte[0] <= 0xf4  ? 4
                        : byte[0] >= 0xe0 && byte[0] < 0xf0 ? 3
                        : byte[0] >= 0xc2 && byte[0] < 0xe0 ? 2
                                                            : 0;
        if (length == 0 || length > size)
                return 0;
        uint32_t character = byte[0] & (0x7fu >> length);
        for (size_t i = 1; i < length; i++) {
                if (!is_utf8_inner(text[i]))
                        return 0;
                character = character << 6 | (byte[i] & 0x3f);
        }
        static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
        if (character < least[length] || character > 0x10ffff || (character >= 0xd800 && character <= 0xdfff))
                return 0;
        if (character < 0xa0 || (character >= 0x2028 && character <= 0x202e) ||
                (character >= 0x2066 && character <= 0x2069))
                return 0;
        return length;
}

/* Appends text with what is not printable as \xNN (tab, in a source line, stays: the caret's line repeats
 * it). Returns how many columns that took; a wide character counts as one. */
static size_t append_escaped(struct buffer *out, const char *text, size_t size, bool keep_tab)
{
        size_t columns = 0;
        for (size_t i = 0; i < size;) {
                size_t length = keep_tab && text[i] == '\t' ? 1 : printable_length(text + i, size - i);
                if (length > 0) {
                        buffer_append(out, text + i, length);
                        columns++;
                        i += length;
                } else {
                        buffer_printf(out, "\\x%02x", (unsigned char)text[i]);
                        columns += 4;
                        i++;
                }
        }
        return columns;
}

/* Blanks as wide as what append_escaped made of the same text; tabs stay tabs. */
static void append_blank(struct buffer *out, const char *text, size_t size)
{
        struct buffer escaped = {0};
        append_escaped(&escaped, text, size, true);
        const char *shown = buffer_text(&escaped);
        for (const char *at = shown; at && *at; at++) {
                if (!is_utf8_inner(*at))
                        buffer_append_u8(out, *at == '\t' ? '\t' : ' ');
        }
        buffer_free(&escaped);
}

static size_t kept_limit(const struct diag_list *list)
{
        return list->limit > 0 ? list->limit : LIMIT_DEFAULT;
}

/* Where a new entry goes, or NULL: it is counted only. */
static struct diag *place_for(struct diag_list *list, enum diag_severity severity)
{
        if (list->count < kept_limit(list)) {
                if (list->count == list->capacity) {
                        size_t capacity = list->capacity ? list->capacity * 2 : 16;
                        struct diag *items = reallocarray(list->items, capacity, sizeof(*items));
                        if (!items)
                                return NULL;
                        list->items = items;
                        list->capacity = capacity;
                }
                return &list->items[list->count++];
        }
        /* Every error so far was kept while there was room: with as many errors as entries, all are errors.
         */
        if (severity != DIAG_ERROR || list->error_count >= list->count)
                return NULL;
        for (size_t i = list->count; i > 0; i--) {
                if (list->items[i - 1].severity != DIAG_ERROR)
                        return &list->items[i - 1];
        }
        return NULL;
}

static const char *copy_text(struct arena *arena, const char *text)
{
        return text ? arena_text(arena, text, strnlen(text, MESSAGE_MAX)) : NULL;
}

static void copy_source_line(struct arena *arena, const struct diag *diag, struct diag *copy)
{
        if (!diag->source_line)
                return;
        /* A zone of one line of 40 MB is legal; only what is shown of it is looked at. */
        size_t at = diag->column > 0 ? diag->column - 1 : 0;
        size_t length = strnlen(diag->source_line, at + WINDOW_BYTES + 1);
        size_t skip = 0;
        if (length > WINDOW_BYTES && at > WINDOW_BEFORE)
                skip = (at < length ? at : length) - WINDOW_BEFORE;
        while (skip > 0 && is_utf8_inner(diag->source_line[skip]))
                skip--;
        size_t kept = length - skip;
        copy->source_is_cut = kept > WINDOW_BYTES;
        if (copy->source_is_cut) {
                kept = WINDOW_BYTES;
                while (kept > 0 && is_utf8_inner(diag->source_line[skip + kept]))
                        kept--;
        }
        copy->source_line = arena_text(arena, diag->source_line + skip, kept);
        copy->source_skipped = (uint32_t)skip;
}

void diag_add(struct diag_list *list, const struct diag *diag, const char *format, ...)
{
        char message[MESSAGE_MAX];
        va_list arguments;
        va_start(arguments, format);
        int length = vsnprintf(message, sizeof(message), format, arguments);
        va_end(arguments);
        if (length < 0)
                message[0] = '\0';
        else if ((size_t)length >= sizeof(message))
                strcpy(message + sizeof(message) - 4, "...");

        struct diag copy = {
                .severity = diag->severity,
                .code = copy_text(&list->arena, diag->code),
                .file = diag->file ? arena_text(&list->arena, diag->file, strlen(diag->file)) : NULL,
                .line = diag->line,
                .column = diag->column,
                .message = copy_text(&list->arena, message),
                .hint = copy_text(&list->arena, diag->hint),
                .included_from = copy_text(&list->arena, diag->included_from),
        };
        copy_source_line(&list->arena, diag, &copy);
        struct diag *place = copy.message ? place_for(list, diag->severity) : NULL;
        if (place)
                *place = copy;
        list->error_count += diag->severity == DIAG_ERROR;
        list->warning_count += diag->severity == DIAG_WARNING;
}

void diag_format_short(const struct diag *diag, struct buffer *out)
{
        if (diag->file) {
                append_escaped(out, diag->file, strlen(diag->file), false);
                buffer_append_u8(out, ':');
                if (diag->line > 0)
                        buffer_printf(out, "%u:", diag->line);
                if (diag->line > 0 && diag->column > 0)
                        buffer_printf(out, "%u:", diag->column);
                buffer_append_u8(out, ' ');
        }
        buffer_printf(out, "%s: ", diag_severity_name(diag->severity));
        append_escaped(out, diag->message, strlen(diag->message), false);
}

static void format_source_line(const struct diag *diag, int margin, struct buffer *out)
{
        const char *line = diag->source_line;
        size_t length = strlen(line);
        if (length > 0 && line[length - 1] == '\r')
                length--;
        const char *before = diag->source_skipped > 0 ? "..." : "";
        buffer_printf(out, "%*u | %s", margin, diag->line, before);
        append_escaped(out, line, length, true);
        buffer_append_text(out, diag->source_is_cut ? "...\n" : "\n");
        if (diag->column <= diag->source_skipped)
                return;
        size_t at = diag->column - diag->source_skipped - 1;
        buffer_printf(out, "%*s | %*s", margin, "", (int)strlen(before), "");
        append_blank(out, line, at < length ? at : length);
        buffer_append_text(out, "^\n");
}

static void format_note(const char *word, const char *text, int margin, struct buffer *out)
{
        buffer_printf(out, "%*s = %s", margin, "", word);
        append_escaped(out, text, strlen(text), false);
        buffer_append_u8(out, '\n');
}

void diag_format(const struct diag *diag, struct buffer *out)
{
        /* Where the line's number ends: column 5, or further to the right for a line beyond 99,999. */
        int margin = snprintf(NULL, 0, "%5u", diag->line);
        diag_format_short(diag, out);
        buffer_append_u8(out, '\n');
        if (diag->source_line && diag->line > 0)
                format_source_line(diag, margin, out);
        if (diag->hint)
                format_note("hint: ", diag->hint, margin, out);
        if (diag->included_from)
                format_note("included from ", diag->included_from, margin, out);
}

const struct diag *diag_first_error(const struct diag_list *list)
{
        for (size_t i = 0; i < list->count; i++) {
                if (list->items[i].severity == DIAG_ERROR)
                        return &list->items[i];
        }
        return NULL;
}

struct sort_key {
        uintptr_t file; /* how many files were named before this one, and 1 */
        uint32_t line;
        uint32_t column;
        size_t index;
};

static int key_compare(const void *left_void, const void *right_void)
{
        const struct sort_key *left = left_void, *right = right_void;
        if (left->file != right->file)
                return left->file < right->file ? -1 : 1;
        if (left->line != right->line)
                return left->line < right->line ? -1 : 1;
        if (left->column != right->column)
                return left->column < right->column ? -1 : 1;
        return left->index < right->index ? -1 : left->index > right->index;
}

/* -ENOMEM leaves the order as it was. */
static int keys_make(const struct diag_list *list, struct sort_key *keys)
{
        struct table files = {0};
        int r = 0;
        for (size_t i = 0; i < list->count && r == 0; i++) {
                const struct diag *diag = &list->items[i];
                const char *file = diag->file ? diag->file : "";
                uintptr_t rank = (uintptr_t)table_get(&files, file, strlen(file));
                if (rank == 0) {
                        rank = files.count + 1;
                        r = table_put(&files, file, strlen(file), (void *)rank, NULL);
                }
                keys[i] = (struct sort_key){
                        .file = rank, .line = diag->line, .column = diag->column, .index = i};
        }
        table_free(&files);
        return r;
}

void diag_sort(struct diag_list *list)
{
        if (list->count < 2)
                return;
        struct sort_key *keys = reallocarray(NULL, list->count, sizeof(*keys));
        struct diag *sorted = reallocarray(NULL, list->count, sizeof(*sorted));
        if (keys && sorted && keys_make(list, keys) == 0) {
                qsort(keys, list->count, sizeof(*keys), key_compare);
                for (size_t i = 0; i < list->count; i++)
                        sorted[i] = list->items[keys[i].index];
                memcpy(list->items, sorted, list->count * sizeof(*sorted));
        }
        free(sorted);
        free(keys);
}

void diag_free(struct diag_list *list)
{
        if (!list)
                return;
        size_t limit = list->limit;
        arena_free(&list->arena);
        free(list->items);
        *list = (struct diag_list){.limit = limit};
}
