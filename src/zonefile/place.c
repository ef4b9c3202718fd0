/* Positions in zone text: from an octet to line and column, only when something is told. One thread at a
 * time.
 *
 * The scanner counts no lines. The first question about a file counts the newlines before each block of it;
 * then a position costs one block. */
#include "zonefile/parse.h"

#include "base/buffer.h"

#include <stdlib.h>
#include <string.h>

#define BLOCK_BYTES 8192u

static uint32_t count_newlines(const char *bytes, size_t length)
{
        uint32_t count = 0;

        for (size_t i = 0; i < length; i++)
                count += bytes[i] == '\n';
        return count;
}

/* Without memory the whole text is counted each time. */
static void index_lines(struct parse_file *file)
{
        size_t blocks = file->text.length / BLOCK_BYTES + 1;

        file->lines = calloc(blocks, sizeof(*file->lines));
        for (size_t i = 1; file->lines && i < blocks; i++)
                file->lines[i] = file->lines[i - 1] +
                                 count_newlines(file->text.bytes + (i - 1) * BLOCK_BYTES, BLOCK_BYTES);
}

static uint32_t line_of(struct parse_file *file, size_t offset)
{
        size_t block = offset / BLOCK_BYTES;

        if (!file->lines)
                index_lines(file);
        if (!file->lines)
                return 1 + count_newlines(file->text.bytes, offset);
        return 1 + file->lines[block] +
               count_newlines(file->text.bytes + block * BLOCK_BYTES, offset % BLOCK_BYTES);
}

struct record_place parse_place(const struct parse *parse, const char *at)
{
        const struct parse_file *file = &parse->files[parse->file];
        const char *shown = parse->generate_at ? parse->generate_at : at;

        return (struct record_place){.offset = (uint32_t)(shown - file->text.bytes), .file = parse->file};
}

uint32_t parse_line(struct parse *parse, struct record_place place)
{
        return line_of(&parse->files[place.file], place.offset);
}

bool parse_keeps(const struct parse *parse, enum diag_severity severity)
{
        const struct diag_list *diags = parse->diags;
        size_t limit = diags && diags->limit ? diags->limit : 1000;

        return diags && diags->error_count < limit && (severity == DIAG_ERROR || diags->count < limit);
}

static void tell(struct parse *parse, enum diag_severity severity, struct record_place place,
        const char *code, const char *hint, const char *format, va_list arguments)
{
        struct parse_file *file = &parse->files[place.file];
        const char *begin, *at = file->text.bytes + place.offset;
        struct buffer message = {0};
        char *source;
        size_t length, shown;

        static const char withheld[] = "a line of a file outside the zone folder, which is not quoted";

        parse->told += severity != DIAG_NOTE;
        parse->has_error |= severity == DIAG_ERROR;
        if (!parse->diags)
                return;
        if (!parse_keeps(parse, severity)) {
                diag_add(parse->diags, &(struct diag){.severity = severity, .code = code}, "%s", code);
                return;
        }
        begin = memrchr(file->text.bytes, '\n', place.offset);
        begin = begin ? begin + 1 : file->text.bytes;
        length = (size_t)((const char *)rawmemchr(at, '\n') - begin);
        /* A line may be the whole file; as much as can be shown is copied. */
        shown = (size_t)(at - begin) + 200;
        if (shown > length)
                shown = length;
        if (shown > 0 && shown == length && begin[shown - 1] == '\r')
                shown--;
        source = strndup(begin, shown);
        buffer_vprintf(&message, format, arguments);
        struct diag diag = {.severity = severity,
                .code = code,
                .file = file->path,
                .line = line_of(file, place.offset),
                .column = (uint32_t)(at - begin) + 1,
                .source_line = file->is_outside ? NULL : source,
                .hint = hint && *hint && !file->is_outside ? hint : NULL,
                .included_from = file->included_from};

        if (file->is_outside)
                diag_add(parse->diags, &diag, "%s: %s", code, withheld);
        else
                diag_add(parse->diags, &diag, "%s", message.failed ? code : buffer_text(&message));
        buffer_free(&message);
        free(source);
}

void parse_tell(struct parse *parse, enum diag_severity severity, const char *at, const char *code,
        const char *hint, const char *format, ...)
{
        va_list arguments;

        va_start(arguments, format);
        tell(parse, severity, parse_place(parse, at), code, hint, format, arguments);
        va_end(arguments);
}

void parse_tell_place(struct parse *parse, enum diag_severity severity, struct record_place place,
        const char *code, const char *hint, const char *format, ...)
{
        va_list arguments;

        va_start(arguments, format);
        tell(parse, severity, place, code, hint, format, arguments);
        va_end(arguments);
}

void parse_tell_fault(struct parse *parse)
{
        const struct scan_fault *fault = &parse->scan.fault;

        parse_tell(parse, DIAG_ERROR, fault->at, fault->code, fault->hint, "%s", fault->message);
}
