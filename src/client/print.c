/* Escaping, cells, colours, durations and sizes for people. */
#include "client/print.h"

#include "base/buffer.h"
#include "base/utf8.h"
#include "client/client.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

/* Octets of the printable character at text; 0 for others, and for what is no UTF-8. */
static size_t printable_length(const uint8_t *text, size_t size)
{
        uint32_t character;
        size_t length = utf8_read(text, size, &character);
        return length > 0 && utf8_is_printable(character) ? length : 0;
}

void print_escape(struct buffer *out, const char *text, size_t length, bool keep_lines)
{
        const uint8_t *octets = (const uint8_t *)text;
        for (size_t i = 0; i < length;) {
                size_t size = printable_length(octets + i, length - i);
                if (size == 0 && keep_lines && (octets[i] == '\n' || octets[i] == '\t'))
                        size = 1;
                if (size > 0)
                        buffer_append(out, octets + i, size);
                else
                        buffer_printf(out, "\\x%02x", octets[i]);
                i += size ? size : 1;
        }
}

static void print_escaped(FILE *out, const char *text, bool keep_lines)
{
        struct buffer escaped = {0};
        print_escape(&escaped, text, strlen(text), keep_lines);
        if (escaped.length > 0)
                fwrite(escaped.data, 1, escaped.length, out);
        buffer_free(&escaped);
}

void print_text(FILE *out, const char *text)
{
        if (text)
                print_escaped(out, text, false);
}

void print_lines(FILE *out, const char *text)
{
        size_t length = text ? strlen(text) : 0;
        if (length == 0)
                return;
        print_escaped(out, text, true);
        if (text[length - 1] != '\n')
                putc('\n', out);
}

static void begin_color(const struct client *client, enum print_color color)
{
        static const char *const codes[] = {[PRINT_BOLD] = "1",
                [PRINT_DIM] = "2",
                [PRINT_RED] = "31",
                [PRINT_YELLOW] = "33",
                [PRINT_GREEN] = "32"};
        if (client->has_color && color != PRINT_PLAIN)
                printf("\033[%sm", codes[color]);
}

static void end_color(const struct client *client, enum print_color color)
{
        if (client->has_color && color != PRINT_PLAIN)
                fputs("\033[0m", stdout);
}

void print_colored(const struct client *client, enum print_color color, const char *format, ...)
{
        struct buffer text = {0};
        va_list arguments;

        va_start(arguments, format);
        buffer_vprintf(&text, format, arguments);
        va_end(arguments);
        const char *all = buffer_text(&text);
        begin_color(client, color);
        if (all)
                print_escaped(stdout, all, false);
        end_color(client, color);
        buffer_free(&text);
}

/* Octets of the first `columns` characters; *ret_columns how many there were. */
static size_t cut_at(const uint8_t *text, size_t length, size_t columns, size_t *ret_columns)
{
        size_t used = 0, i = 0;
        while (i < length && used < columns) {
                size_t size = printable_length(text + i, length - i);
                i += size ? size : 1;
                used++;
        }
        *ret_columns = used;
        return i;
}

/* At most `most` columns; returns how many. */
static size_t print_colored_cut(
        const struct client *client, enum print_color color, const char *text, size_t most)
{
        struct buffer cell = {0};
        size_t columns, all;

        print_escape(&cell, text, strlen(text), false);
        cut_at(cell.data, cell.length, SIZE_MAX, &all);
        bool is_cut = all > most;
        size_t length = cut_at(cell.data, cell.length, is_cut ? most - 1 : SIZE_MAX, &columns);
        begin_color(client, color);
        if (length > 0)
                fwrite(cell.data, 1, length, stdout);
        if (is_cut)
                putchar('~');
        end_color(client, color);
        buffer_free(&cell);
        return columns + is_cut;
}

void print_cell(const struct client *client, enum print_color color, const char *text, size_t width)
{
        bool is_terminal = client->width > 0 && width > 0;
        size_t columns = print_colored_cut(client, color, text, is_terminal ? width : SIZE_MAX);
        for (; columns < width; columns++)
                putchar(' ');
}

void print_rest(const struct client *client, enum print_color color, const char *text, size_t indent)
{
        size_t most = client->width > indent ? client->width - indent : SIZE_MAX;
        printf("%*s", (int)indent, "");
        print_colored_cut(client, color, text, client->width > 0 ? most : SIZE_MAX);
        putchar('\n');
}

const char *print_duration(uint64_t seconds, char text[static PRINT_TIME_MAX])
{
        if (seconds < 120)
                snprintf(text, PRINT_TIME_MAX, "%" PRIu64 " s", seconds);
        else if (seconds < 120 * 60)
                snprintf(text, PRINT_TIME_MAX, "%" PRIu64 " min", seconds / 60);
        else if (seconds < 48 * 3600)
                snprintf(text, PRINT_TIME_MAX, "%" PRIu64 " h", seconds / 3600);
        else
                snprintf(text, PRINT_TIME_MAX, "%" PRIu64 " d", seconds / 86400);
        return text;
}

const char *print_size(uint64_t bytes, char text[static PRINT_TIME_MAX])
{
        static const char *const units[] = {"KiB", "MiB", "GiB", "TiB"};
        double amount = (double)bytes / 1024;
        size_t unit = 0;

        if (bytes < 1024) {
                snprintf(text, PRINT_TIME_MAX, "%" PRIu64 " bytes", bytes);
                return text;
        }
        for (; amount >= 1023.95 && unit < 3; unit++)
                amount /= 1024;
        snprintf(text, PRINT_TIME_MAX, "%.1f %s", amount, units[unit]);
        return text;
}

bool print_time_parse(const char *text, time_t *ret_seconds)
{
        struct tm utc = {0};
        const char *end = text ? strptime(text, "%Y-%m-%dT%H:%M:%S", &utc) : NULL;
        if (!end || (*end != '.' && *end != 'Z'))
                return false;
        *ret_seconds = timegm(&utc);
        return true;
}

const char *print_age(const char *iso_time, time_t now, char text[static PRINT_TIME_MAX])
{
        time_t then;
        if (!print_time_parse(iso_time, &then))
                snprintf(text, PRINT_TIME_MAX, "-");
        else
                print_duration(then < now ? (uint64_t)(now - then) : 0, text);
        return text;
}
