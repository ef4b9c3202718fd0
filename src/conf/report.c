/* Findings of a load: gathered, sorted, and given their source line at the end.
 *
 * A line is quoted only where its file may be quoted at all and no key block, and no secret, touches the line
 * (I8). Words from such places are not repeated in messages either. Used on the loading thread alone. */

#include "conf/report.h"

#include "base/buffer.h"
#include "base/cleanup.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define FINDINGS_MAX 1000
#define QUOTE_MAX 64
#define LINE_MAX_SHOWN 240

struct finding {
        enum diag_severity severity;
        const char *code;
        struct position at;
        const char *message;
        const char *hint;
        size_t order;
};

/* The line without its newline. False where there is none. */
static bool find_line(const struct source *source, uint32_t line, const char **ret_begin, size_t *ret_length)
{
        if (!source->text || line == 0)
                return false;
        const char *begin = source->text, *end = source->text + source->length;
        for (uint32_t i = 1; i < line; i++) {
                begin = memchr(begin, '\n', (size_t)(end - begin));
                if (!begin++)
                        return false;
        }
        const char *newline = memchr(begin, '\n', (size_t)(end - begin));
        size_t length = (size_t)((newline ? newline : end) - begin);
        *ret_begin = begin;
        *ret_length = length > 0 && begin[length - 1] == '\r' ? length - 1 : length;
        return true;
}

/* Beside the ranges that the tree found, any line with the word "secret": a fault before it may have kept the
 * tree from seeing what it is. */
static bool is_line_hidden(const struct source *source, uint32_t line)
{
        static const char word[] = "secret";
        const char *begin;
        size_t length;
        if (source->is_hidden)
                return true;
        for (size_t i = 0; i < source->hidden_count; i++)
                if (line >= source->hidden[i].first && line <= source->hidden[i].last)
                        return true;
        if (!find_line(source, line, &begin, &length))
                return true;
        for (size_t i = 0; i + sizeof(word) - 1 <= length; i++)
                if (strncasecmp(begin + i, word, sizeof(word) - 1) == 0)
                        return true;
        return false;
}

void report_add(struct report *report, enum diag_severity severity, const char *code, struct position at,
        const char *hint, const char *format, ...)
{
        if (severity == DIAG_ERROR)
                report->error_count++;
        if (report->count == FINDINGS_MAX)
                return;
        if (report->count == report->capacity) {
                size_t capacity = report->capacity ? report->capacity * 2 : 16;
                struct finding *findings = realloc(report->findings, capacity * sizeof(*findings));
                if (!findings) {
                        report->failed = true;
                        return;
                }
                report->findings = findings;
                report->capacity = capacity;
        }
        CLEANUP(buffer_free) struct buffer message = {0};
        va_list arguments;
        va_start(arguments, format);
        buffer_vprintf(&message, format, arguments);
        va_end(arguments);

        struct finding finding = {
                .severity = severity,
                .code = code,
                .at = at,
                .order = report->count,
        };
        if (buffer_status(&message) == 0)
                finding.message = arena_text(&report->arena, buffer_text(&message), message.length);
        if (hint)
                finding.hint = arena_text(&report->arena, hint, strlen(hint));
        if (!finding.message || (hint && !finding.hint)) {
                report->failed = true;
                return;
        }
        report->findings[report->count++] = finding;
}

static int finding_compare(const void *left_item, const void *right_item)
{
        const struct finding *left = left_item, *right = right_item;
        unsigned left_file = left->at.source ? left->at.source->index : 0;
        unsigned right_file = right->at.source ? right->at.source->index : 0;
        if (left_file != right_file)
                return left_file < right_file ? -1 : 1;
        if (left->at.line != right->at.line)
                return left->at.line < right->at.line ? -1 : 1;
        if (left->at.column != right->at.column)
                return left->at.column < right->at.column ? -1 : 1;
        return left->order < right->order ? -1 : left->order > right->order;
}

/* The line, copied; NULL where it is not to be shown. */
static const char *source_line(struct report *report, struct position at)
{
        const char *begin;
        size_t length;
        if (!at.source || is_line_hidden(at.source, at.line) ||
                !find_line(at.source, at.line, &begin, &length))
                return NULL;
        return length > LINE_MAX_SHOWN ? NULL : arena_text(&report->arena, begin, length);
}

static const char *included_from(struct report *report, const struct source *source)
{
        const char *chain = NULL;
        for (; source && source->parent; source = source->parent) {
                const char *longer = chain ? arena_printf(&report->arena, "%s, %s:%u", chain,
                                                     source->parent->path, source->parent_line)
                                           : arena_printf(&report->arena, "%s:%u", source->parent->path,
                                                     source->parent_line);
                if (!longer)
                        break;
                chain = longer;
        }
        return chain;
}

void report_flush(struct report *report, struct diag_list *diags)
{
        if (report->count > 0)
                qsort(report->findings, report->count, sizeof(*report->findings), finding_compare);
        for (size_t i = 0; i < report->count; i++) {
                const struct finding *finding = &report->findings[i];
                struct diag diag = {
                        .severity = finding->severity,
                        .code = finding->code,
                        .file = finding->at.source ? finding->at.source->path : NULL,
                        .line = finding->at.line,
                        .column = finding->at.column,
                        .source_line = source_line(report, finding->at),
                        .hint = finding->hint,
                        .included_from = included_from(report, finding->at.source),
                };
                diag_add(diags, &diag, "%s", finding->message);
        }
        free(report->findings);
        arena_free(&report->arena);
        *report = (struct report){0};
}

const char *report_place(struct report *report, struct position at)
{
        const char *text = arena_printf(&report->arena, "%s:%u", at.source ? at.source->path : "?", at.line);
        return text ? text : "elsewhere";
}

const char *report_quote(struct report *report, struct position at, const char *text)
{
        if (!at.source || report->count == FINDINGS_MAX || is_line_hidden(at.source, at.line))
                return "this word";
        size_t length = strlen(text);
        const char *quoted = length > QUOTE_MAX ? arena_printf(&report->arena, "\"%.*s...\"", QUOTE_MAX, text)
                                                : arena_printf(&report->arena, "\"%s\"", text);
        return quoted ? quoted : "this word";
}

/* Edits from one to the other (a swap of neighbours is one), or more than limit. Names are short: 40 octets
 * at most. */
static size_t edit_distance(const char *left, const char *right, size_t limit)
{
        enum { LENGTH_MAX = 40 };
        size_t n = strlen(left), m = strlen(right);
        if (n > LENGTH_MAX || m > LENGTH_MAX || (n > m ? n - m : m - n) > limit)
                return limit + 1;
        uint8_t rows[3][LENGTH_MAX + 1];
        for (size_t j = 0; j <= m; j++)
                rows[0][j] = (uint8_t)j;
        for (size_t i = 1; i <= n; i++) {
                uint8_t *row = rows[i % 3], *above = rows[(i + 2) % 3], *second = rows[(i + 1) % 3];
                row[0] = (uint8_t)i;
                for (size_t j = 1; j <= m; j++) {
                        bool is_same =
                                tolower((unsigned char)left[i - 1]) == tolower((unsigned char)right[j - 1]);
                        size_t best = above[j - 1] + !is_same;
                        if (above[j] + 1u < best)
                                best = above[j] + 1u;
                        if (row[j - 1] + 1u < best)
                                best = row[j - 1] + 1u;
                        if (i > 1 && j > 1 && left[i - 1] == right[j - 2] && left[i - 2] == right[j - 1] &&
                                second[j - 2] + 1u < best)
                                best = second[j - 2] + 1u;
                        row[j] = (uint8_t)best;
                }
        }
        return rows[n % 3][m];
}

void suggestion_consider(struct suggestion *suggestion, const char *name)
{
        if (!suggestion->best) {
                size_t length = strlen(suggestion->text);
                suggestion->limit = length <= 3 ? 1 : length <= 7 ? 2 : 3;
        } else if (suggestion->limit == 0) {
                return;
        }
        size_t limit = suggestion->best ? suggestion->limit - 1 : suggestion->limit;
        size_t distance = edit_distance(suggestion->text, name, limit);
        if (distance <= limit) {
                suggestion->best = name;
                suggestion->limit = distance;
        }
}
