/* The document: sums, a form to find zones, the table, the last publishes. Works without its script.
 *
 * Colours never stand alone: each cell says in words what its colour says. On narrow screens a zone is a
 * card; the table's roles are said again there, because display: block takes them away. */
#include "control/page.h"

#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/encode.h"
#include "control/control.h"
#include "control/glance.h"

#include <inttypes.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

#define COLUMNS_MAX 8 /* secondaries with a column of their own; the others of a zone share one */

#define COLUMN_NAME_MAX 320 /* a name server's name, and more */

struct columns {
        char names[COLUMNS_MAX][COLUMN_NAME_MAX];
        size_t count;
        bool has_more;
};

/* ---- the policy ---- */

static bool digest_of(const char *text, char ret_base64[48])
{
        uint8_t digest[32];
        unsigned length = 0;
        if (!EVP_Digest(text, strlen(text), digest, &length, EVP_sha256(), NULL) || length != sizeof digest)
                return false;
        base64_encode(digest, length, ret_base64);
        return true;
}

const char *page_policy(void)
{
        static char policy[512]; /* the main loop's alone */
        char style[48], script[48];

        if (*policy)
                return policy;
        if (!digest_of(page_style, style) || !digest_of(page_script, script))
                return NULL;
        snprintf(policy, sizeof policy,
                "default-src 'none'; style-src 'sha256-%s'; script-src 'sha256-%s'; connect-src 'self'; "
                "img-src data:; "
                "form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
                style, script);
        return policy;
}

/* ---- the table ---- */

static const struct zone_entry *zone_of(const struct status_sources *sources, const struct overview_row *row)
{
        return registry_find(sources->options->registry, row->name);
}

static size_t column_of(const struct columns *columns, const char *name)
{
        size_t i = 0;
        while (i < columns->count && strcmp(columns->names[i], name) != 0)
                i++;
        return i;
}

/* The first secondaries that come get a column. */
static void find_columns(const struct status_sources *sources, const struct overview *overview,
        uint64_t now_usec, struct columns *ret_columns)
{
        struct glance glance;

        for (size_t i = 0; i < overview->row_count; i++) {
                const struct zone_entry *zone = zone_of(sources, &overview->rows[i]);
                for (size_t j = 0; zone && glance_get(sources, zone, j, now_usec, &glance); j++) {
                        size_t column = column_of(ret_columns, glance.name);
                        if (column == COLUMNS_MAX)
                                ret_columns->has_more = true;
                        else if (column == ret_columns->count)
                                snprintf(ret_columns->names[ret_columns->count++], COLUMN_NAME_MAX, "%s",
                                        glance.name);
                }
        }
}

static const char *class_of(enum glance_level level)
{
        switch (level) {
        case GLANCE_GOOD:
                return "good";
        case GLANCE_UNKNOWN:
                return "unknown";
        case GLANCE_WAITING:
                return "wait";
        case GLANCE_LATE:
                return "bad";
        }
        return "";
}

static void append_glance(struct buffer *out, const struct glance *glance, bool is_named, uint64_t now_usec)
{
        buffer_printf(out, "<span class=\"%s\">", class_of(glance->level));
        if (is_named) {
                html_text(out, glance->name);
                buffer_append_text(out, ": ");
        }
        buffer_append_text(out, glance_level_word(glance->level));
        if (glance->lag_usec != 0 && glance->level != GLANCE_GOOD) {
                buffer_append_text(out, ", ");
                html_duration(out, glance->lag_usec);
        }
        buffer_append_text(out, "</span><span class=\"small\">");
        if (glance->serial != 0)
                buffer_printf(out, "%" PRIu32 "%s", glance->serial,
                        *glance->words && glance->level != GLANCE_GOOD ? ", " : "");
        if (glance->level != GLANCE_GOOD)
                html_text(out, glance->words);
        if (glance->expires_usec > now_usec) {
                buffer_append_text(out, "; expires in ");
                html_duration(out, glance->expires_usec - now_usec);
        }
        buffer_append_text(out, "</span>");
}

static void append_cells(struct buffer *out, const struct status_sources *sources,
        const struct zone_entry *zone, const struct columns *columns, uint64_t now_usec)
{
        struct glance glance;

        for (size_t column = 0; column < columns->count; column++) {
                bool is_there = false;
                for (size_t i = 0; !is_there && glance_get(sources, zone, i, now_usec, &glance); i++)
                        is_there = strcmp(glance.name, columns->names[column]) == 0;
                buffer_printf(out, "<td role=\"cell\"%s data-label=\"", is_there ? "" : " class=\"none\"");
                html_text(out, columns->names[column]);
                buffer_append_text(out, "\">");
                if (is_there)
                        append_glance(out, &glance, false, now_usec);
                buffer_append_text(out, "</td>");
        }
        if (!columns->has_more)
                return;
        buffer_append_text(out, "<td role=\"cell\" data-label=\"Others\">");
        for (size_t i = 0; glance_get(sources, zone, i, now_usec, &glance); i++)
                if (column_of(columns, glance.name) == columns->count)
                        append_glance(out, &glance, true, now_usec);
        buffer_append_text(out, "</td>");
}

static const char *class_of_state(enum zone_state state)
{
        switch (state) {
        case ZONE_PUBLISHED:
                return "good";
        case ZONE_LOADING:
                return "unknown";
        case ZONE_HELD:
        case ZONE_FROZEN:
        case ZONE_MISSING:
                return "wait";
        case ZONE_BROKEN:
        case ZONE_BEHIND:
        case ZONE_FAILED:
                return "bad";
        }
        return "";
}

static void append_row(struct buffer *out, const struct status_sources *sources,
        const struct zone_entry *zone, const struct columns *columns, uint64_t now_usec)
{
        buffer_append_text(out, "<tr role=\"row\"><th scope=\"row\" role=\"rowheader\">");
        html_text(out, zone->name_text);
        buffer_printf(out, "</th><td role=\"cell\" data-label=\"State\"><span class=\"%s\">%s</span>",
                class_of_state(zone->state), zone_state_name(zone->state));
        if (zone->state != ZONE_PUBLISHED && zone->verdict.summary) {
                buffer_append_text(out, "<span class=\"small\">");
                html_text(out, zone->verdict.summary);
                buffer_append_text(out, "</span>");
        }
        buffer_append_text(out, "</td><td role=\"cell\" data-label=\"Serial\">");
        if (zone->verdict.serial != 0)
                buffer_printf(out, "%" PRIu32, zone->verdict.serial);
        else
                buffer_append_text(out, "none");
        buffer_append_text(out, "</td>");
        append_cells(out, sources, zone, columns, now_usec);
        buffer_append_text(out, "</tr>\n");
}

static void append_head(struct buffer *out, const char *text)
{
        buffer_append_text(out, "<th scope=\"col\" role=\"columnheader\">");
        html_text(out, text);
        buffer_append_text(out, "</th>");
}

static void append_table(struct buffer *out, const struct status_sources *sources,
        const struct overview *overview, uint64_t now_usec)
{
        struct columns columns = {0};

        find_columns(sources, overview, now_usec, &columns);
        buffer_append_text(out, "<div id=\"zones\"><p class=\"note\">");
        if (overview->row_count == 0) {
                buffer_printf(out, "No zone%s.</p></div>\n", *overview->key.find ? " of that name" : "");
                return;
        }
        if (overview->row_count < overview->zone_count)
                buffer_printf(out, "The first %zu of %zu zones, the worst first.", overview->row_count,
                        overview->zone_count);
        else
                buffer_printf(out, "%zu zone%s, the worst first.", overview->zone_count,
                        overview->zone_count == 1 ? "" : "s");
        buffer_append_text(out, "</p>\n<table role=\"table\" aria-labelledby=\"h-zones\"><thead "
                                "role=\"rowgroup\"><tr role=\"row\">");
        append_head(out, "Zone");
        append_head(out, "State");
        append_head(out, "Serial");
        for (size_t i = 0; i < columns.count; i++)
                append_head(out, columns.names[i]);
        if (columns.has_more)
                append_head(out, "Others");
        buffer_append_text(out, "</tr></thead><tbody role=\"rowgroup\">\n");
        for (size_t i = 0; i < overview->row_count; i++) {
                const struct zone_entry *zone = zone_of(sources, &overview->rows[i]);
                if (zone)
                        append_row(out, sources, zone, &columns, now_usec);
        }
        buffer_append_text(out, "</tbody></table></div>\n");
}

/* ---- the rest ---- */

static void append_sum(struct buffer *out, const char *class, uint64_t count, const char *words)
{
        if (count > 0)
                buffer_printf(out, "<li class=\"%s\"><b>%" PRIu64 "</b> %s</li>", class, count, words);
}

static void append_sums(struct buffer *out, const struct overview *overview)
{
        buffer_append_text(out, "<ul id=\"sums\" class=\"sums\" aria-label=\"Zones by their condition\">");
        append_sum(out, "bad", overview->classes[OVERVIEW_TROUBLE], "in trouble");
        append_sum(out, "bad", overview->classes[OVERVIEW_LATE], "with a late secondary");
        append_sum(out, "wait", overview->classes[OVERVIEW_HELD], "held, frozen or missing");
        append_sum(out, "wait", overview->classes[OVERVIEW_WAITING], "on their way");
        append_sum(out, "unknown", overview->classes[OVERVIEW_UNKNOWN], "with an unknown secondary");
        append_sum(out, "good", overview->classes[OVERVIEW_GOOD], "in sync");
        buffer_append_text(out, "</ul>\n");
}

static void append_begin(struct buffer *out, const struct overview *overview)
{
        buffer_append_text(out, "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
                                "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">"
                                "<title>zonecrier</title><link rel=\"icon\" href=\"data:,\"><style>");
        buffer_append_text(out, page_style);
        buffer_append_text(out, "</style></head><body>\n<a class=\"skip\" href=\"#zones\">To the zones</a>"
                                "<header><h1>zonecrier</h1><p id=\"as-of\">as of ");
        char text[40];
        time_t seconds = (time_t)(overview->gathered_usec / USEC_PER_SEC);
        struct tm when;
        gmtime_r(&seconds, &when);
        strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &when);
        buffer_printf(out,
                "%s UTC</p><p><a href=\"#publishes\">Last publishes</a></p><button id=\"refresh\" "
                "type=\"button\" hidden>Stop refreshing</button>"
                "<p id=\"said\" role=\"status\"></p></header>\n<main>",
                text);
}

static void append_form(struct buffer *out, const struct overview_key *key)
{
        buffer_append_text(out,
                "<h2 id=\"h-zones\">Zones by secondaries</h2>"
                "<form method=\"get\" action=\"/\" role=\"search\"><label for=\"find\">Part of "
                "the name</label><input id=\"find\" name=\"find\" type=\"search\" value=\"");
        html_text(out, key->find);
        buffer_append_text(out, "\"><button id=\"go\" type=\"submit\">Find</button></form>\n");
}

void page_append(struct buffer *out, const struct status_sources *sources, const struct overview *overview,
        const struct recent *recent, uint64_t now_usec)
{
        append_begin(out, overview);
        append_sums(out, overview);
        append_form(out, &overview->key);
        append_table(out, sources, overview, now_usec);
        buffer_append_text(out, "<div id=\"publishes\">");
        page_append_publishes(out, recent, now_usec);
        buffer_append_text(out, "</div></main>\n<footer><p class=\"note\">zonecrier " ZONECRIER_VERSION
                                " &middot; <a href=\"/status.json\">status.json</a> &middot; "
                                "<a href=\"/metrics\">metrics</a> &middot; "
                                "<a href=\"/healthz\">healthz</a></p></footer>\n<script>");
        buffer_append_text(out, page_script);
        buffer_append_text(out, "</script></body></html>\n");
}
