/* A plan for a person, as a diff, as Markdown for a pull request, or as JSON. */
#include "base/buffer.h"
#include "client/client.h"
#include "client/plan.h"
#include "client/print.h"
#include "client/target.h"
#include "client/verdict.h"

#include <stdio.h>
#include <string.h>

#define TEXT_LINES 40                /* of one zone */
#define MARKDOWN_BYTES (60u * 1024u) /* a comment has at most 65,536 characters */
#define MARKDOWN_ZONES 100           /* with their records */

static const char *verdict_of(const json_t *zone)
{
        const char *verdict = member_text(zone, "verdict");
        return verdict ? verdict : "?";
}

static bool is_verdict(const json_t *zone, const char *verdict)
{
        return strcmp(verdict_of(zone), verdict) == 0;
}

/* "serial 7 -> 8", "new, serial 1", "serial 7". */
static void append_serials(struct buffer *out, const json_t *zone)
{
        uint64_t serial = member_number(zone, "serial"), next = member_number(zone, "next_serial");

        if (serial && next)
                buffer_printf(
                        out, "serial %llu -> %llu", (unsigned long long)serial, (unsigned long long)next);
        else if (next)
                buffer_printf(out, "new, serial %llu", (unsigned long long)next);
        else if (serial)
                buffer_printf(out, "serial %llu", (unsigned long long)serial);
        else
                buffer_append_text(out, "not published");
}

/* ": 3 added, 1 removed, 1 TTL changed; IXFR 257 bytes, AXFR 1.1 KiB" */
static void append_figures(struct buffer *out, const json_t *zone)
{
        char text[PRINT_TIME_MAX];
        uint64_t ttl = member_number(zone, "ttl_changed"), ixfr = member_number(zone, "ixfr_bytes"),
                 axfr = member_number(zone, "axfr_bytes");

        buffer_printf(out, ": %llu added, %llu removed", (unsigned long long)member_number(zone, "added"),
                (unsigned long long)member_number(zone, "removed"));
        if (ttl)
                buffer_printf(out, " (%llu of them TTL alone)", (unsigned long long)ttl);
        if (ixfr)
                buffer_printf(out, "; IXFR %s", print_size(ixfr, text));
        if (axfr)
                buffer_printf(out, "%s AXFR %s", ixfr ? "," : ";", print_size(axfr, text));
}

static void print_buffer(const struct buffer *text)
{
        const char *shown = text->failed ? NULL : buffer_text((struct buffer *)(uintptr_t)text);
        print_text(stdout, shown);
}

static enum print_color color_of(const json_t *zone)
{
        return is_verdict(zone, "publish")  ? PRINT_GREEN
               : is_verdict(zone, "hold")   ? PRINT_YELLOW
               : is_verdict(zone, "broken") ? PRINT_RED
                                            : PRINT_DIM;
}

/* ---- text ---- */

static void print_changes(const struct plan *plan, const json_t *zone, size_t most)
{
        const json_t *changes = json_object_get(zone, "changes"), *line;
        uint64_t more = member_number(zone, "changes_omitted");
        size_t i;

        json_array_foreach(changes, i, line)
        {
                const char *text = json_string_value(line);

                if (i >= most) {
                        more += json_array_size(changes) - i;
                        break;
                }
                if (text && plan->format == PLAN_TEXT) {
                        fputs("  ", stdout);
                        print_colored(plan->client, *text == '+' ? PRINT_GREEN : PRINT_RED, "%c ", *text);
                        print_text(stdout, text + 1);
                } else {
                        print_text(stdout, text);
                }
                putchar('\n');
        }
        if (more)
                printf("%s... and %llu more\n", plan->format == PLAN_TEXT ? "  " : "",
                        (unsigned long long)more);
}

static void print_reasons(const json_t *zone, const char *before)
{
        const json_t *reason;
        size_t i;

        json_array_foreach(json_object_get(zone, "reasons"), i, reason)
        {
                fputs(before, stdout);
                print_text(stdout, json_string_value(reason));
                putchar('\n');
        }
}

static void print_zone(const struct plan *plan, const json_t *zone)
{
        struct buffer text = {0};
        const char *hash = member_text(zone, "hash");

        print_text(stdout, member_text(zone, "zone"));
        fputs(": ", stdout);
        print_colored(plan->client, color_of(zone), "%s", verdict_of(zone));
        if (is_verdict(zone, "broken")) {
                putchar('\n');
                print_lines(stdout, member_text(zone, "details"));
                return;
        }
        fputs(", ", stdout);
        append_serials(&text, zone);
        if (!is_verdict(zone, "none"))
                append_figures(&text, zone);
        print_buffer(&text);
        buffer_free(&text);
        putchar('\n');
        print_reasons(zone, "  held: ");
        if (is_verdict(zone, "hold") && hash) {
                fputs("  to release it: ", stdout);
                verdict_print_approve(plan->client, member_text(zone, "zone"), hash);
        }
        print_changes(plan, zone, TEXT_LINES);
}

static void print_diff(const struct plan *plan, const json_t *zone)
{
        if (is_verdict(zone, "none"))
                return;
        if (is_verdict(zone, "broken")) {
                fputs("# ", stdout);
                print_text(stdout, member_text(zone, "zone"));
                puts(" has errors");
                return;
        }
        fputs("--- ", stdout);
        print_text(stdout, member_text(zone, "zone"));
        printf(" %llu\n+++ ", (unsigned long long)member_number(zone, "serial"));
        print_text(stdout, member_text(zone, "zone"));
        printf(" %llu\n", (unsigned long long)member_number(zone, "next_serial"));
        print_changes(plan, zone, SIZE_MAX);
}

/* ---- Markdown ---- */

/* In a cell or a sentence: nothing of it is markup. */
static void append_plain(struct buffer *out, const char *text)
{
        struct buffer shown = {0};

        print_escape(&shown, text ? text : "", text ? strlen(text) : 0, false);
        for (size_t i = 0; i < shown.length; i++)
                if (strchr("\\`*_{}[]<>#|&~!@", (char)shown.data[i]))
                        buffer_printf(out, "&#%u;", shown.data[i]);
                else
                        buffer_append_u8(out, shown.data[i]);
        buffer_free(&shown);
}

static void append_row(struct buffer *out, const json_t *zone)
{
        char text[PRINT_TIME_MAX];
        uint64_t ixfr = member_number(zone, "ixfr_bytes"), axfr = member_number(zone, "axfr_bytes");
        uint64_t serial = member_number(zone, "serial"), next = member_number(zone, "next_serial");

        buffer_append_text(out, "| ");
        append_plain(out, member_text(zone, "zone"));
        buffer_printf(out, " | **%s** | ", verdict_of(zone));
        if (serial)
                buffer_printf(out, "%llu", (unsigned long long)serial);
        if (next)
                buffer_printf(out, " → %llu", (unsigned long long)next);
        buffer_printf(out, " | +%llu −%llu", (unsigned long long)member_number(zone, "added"),
                (unsigned long long)member_number(zone, "removed"));
        if (member_number(zone, "ttl_changed"))
                buffer_printf(out, ", %llu TTL", (unsigned long long)member_number(zone, "ttl_changed"));
        buffer_printf(out, " | %s", ixfr ? print_size(ixfr, text) : "");
        buffer_printf(out, " | %s |\n", axfr ? print_size(axfr, text) : "");
}

static void append_fenced(struct buffer *out, const char *language, const char *text, size_t room)
{
        struct buffer shown = {0};

        /* Lines begin with a sign or a file's name: none can end the fence. */
        buffer_printf(out, "\n~~~~~~%s\n", language);
        print_escape(&shown, text, strlen(text), true);
        if (shown.length > room) {
                while (room > 0 && shown.data[room - 1] != '\n')
                        room--;
                buffer_append(out, shown.data, room);
                buffer_append_text(out, "... cut\n");
        } else {
                buffer_append(out, shown.data, shown.length);
        }
        buffer_append_text(out, "~~~~~~\n");
        buffer_free(&shown);
}

static void append_details(struct buffer *out, const json_t *zone, size_t room)
{
        const json_t *line, *changes = json_object_get(zone, "changes");
        const char *details = member_text(zone, "details");
        struct buffer text = {0};
        size_t i;

        if (is_verdict(zone, "broken") && details) {
                append_fenced(out, "", details, room);
                return;
        }
        json_array_foreach(changes, i, line)
        {
                buffer_append_text(&text, json_string_value(line));
                buffer_append_u8(&text, '\n');
                if (text.length > room)
                        break;
        }
        const char *lines = buffer_text(&text);
        if (lines && text.length > 0) {
                buffer_append_text(out, "\n<details><summary>");
                append_plain(out, member_text(zone, "zone"));
                buffer_append_text(out, "</summary>\n");
                append_fenced(out, "diff", lines, room);
                buffer_append_text(out, "\n</details>\n");
        }
        buffer_free(&text);
}

static void append_reasons(struct buffer *out, const json_t *zone)
{
        const json_t *reason;
        size_t i;

        json_array_foreach(json_object_get(zone, "reasons"), i, reason)
        {
                buffer_append_text(out, "- **");
                append_plain(out, member_text(zone, "zone"));
                buffer_append_text(out, "** would be held: ");
                append_plain(out, json_string_value(reason));
                buffer_append_u8(out, '\n');
        }
        if (is_verdict(zone, "hold") && member_text(zone, "hash"))
                buffer_printf(out, "  (hash `%s`)\n", member_text(zone, "hash"));
}

static void print_markdown(const struct plan *plan)
{
        struct buffer out = {0};
        const json_t *zone;
        size_t i, count = json_array_size(plan->zones), shown = 0;

        buffer_printf(&out, "### Zones: %zu would change\n\n", count);
        if (plan->from && plan->to)
                buffer_printf(&out, "%.12s → %.12s\n\n", plan->from, plan->to);
        if (count > 0)
                buffer_append_text(&out, "| zone | verdict | serial | records | IXFR | AXFR |\n"
                                         "|---|---|---|---|---|---|\n");
        json_array_foreach(plan->zones, i, zone)
        {
                if (out.length > MARKDOWN_BYTES / 2)
                        break;
                append_row(&out, zone);
        }
        if (i < count)
                buffer_printf(&out, "\nand %zu more\n", count - i);
        buffer_append_u8(&out, '\n');
        json_array_foreach(plan->zones, i, zone)
        {
                if (out.length < MARKDOWN_BYTES * 3 / 4)
                        append_reasons(&out, zone);
        }
        json_array_foreach(plan->zones, i, zone)
        {
                if (shown++ < MARKDOWN_ZONES && out.length + 512 < MARKDOWN_BYTES)
                        append_details(&out, zone, (MARKDOWN_BYTES - out.length - 256) / 2);
        }
        if (!out.failed)
                fwrite(out.data, 1, out.length, stdout);
        buffer_free(&out);
}

void plan_print(const struct plan *plan)
{
        const json_t *zone;
        size_t i;

        if (plan->format == PLAN_JSON) {
                json_t *whole = json_pack(
                        "{s:s?,s:s?,s:O}", "from", plan->from, "to", plan->to, "zones", plan->zones);

                json_dumpf(whole, stdout, JSON_INDENT(2) | JSON_ENSURE_ASCII);
                putchar('\n');
                json_decref(whole);
                return;
        }
        if (plan->format == PLAN_MARKDOWN) {
                print_markdown(plan);
                return;
        }
        json_array_foreach(plan->zones, i, zone)
        {
                if (plan->format == PLAN_DIFF)
                        print_diff(plan, zone);
                else
                        print_zone(plan, zone);
        }
        if (json_array_size(plan->zones) == 0 && plan->format == PLAN_TEXT)
                puts("nothing would change");
}
