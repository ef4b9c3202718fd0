/* The last publishes: a line each, a dot where each secondary had it. Pure.
 *
 * The time axis is nearly logarithmic, from 0.1 s to 2 h: NOTIFY's seconds and a poll's hours on one line.
 * All of it stands in the text beside it too. */
#include "base/buffer.h"
#include "control/page.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define WIDTH 300.0
#define MARGIN 8.0
#define COMMIT_SHOWN 12

/* Between two ends of the histogram's buckets in proportion, each bucket as wide as the next. */
static double place(double seconds)
{
        const double *ends = recent_bucket_ends;
        size_t last = RECENT_BUCKETS - 2, i = 1;

        if (seconds <= ends[0])
                return MARGIN;
        while (i < last && seconds > ends[i])
                i++;
        double part = seconds >= ends[last] ? 1 : (seconds - ends[i - 1]) / (ends[i] - ends[i - 1]);
        return MARGIN + (WIDTH - 2 * MARGIN) * ((double)(i - 1) + part) / (double)last;
}

static void append_ticks(struct buffer *out)
{
        static const double ticks[] = {1, 60, 1800};
        for (size_t i = 0; i < sizeof ticks / sizeof ticks[0]; i++)
                buffer_printf(out, "<line class=\"tick\" x1=\"%.1f\" x2=\"%.1f\" y1=\"4\" y2=\"20\"/>",
                        place(ticks[i]), place(ticks[i]));
}

static void append_picture(struct buffer *out, const struct recent_publish *publish, size_t shown)
{
        buffer_printf(out,
                "<svg viewBox=\"0 0 %.0f 24\" width=\"%.0f\" height=\"24\" aria-hidden=\"true\">"
                "<line class=\"axis\" x1=\"%.0f\" x2=\"%.0f\" y1=\"12\" y2=\"12\"/>",
                WIDTH, WIDTH, MARGIN, WIDTH - MARGIN);
        append_ticks(out);
        for (size_t i = 0; i < shown; i++) {
                buffer_printf(out, "<circle cx=\"%.1f\" cy=\"12\" r=\"5\"><title>",
                        place((double)publish->had[i].after_usec / 1e6));
                html_text(out, publish->had[i].name);
                buffer_append_text(out, " after ");
                html_duration(out, publish->had[i].after_usec);
                buffer_append_text(out, "</title></circle>");
        }
        buffer_append_text(out, "</svg>");
}

static void append_words(struct buffer *out, const struct recent_publish *publish, size_t shown)
{
        if (publish->had_count == 0)
                buffer_append_text(out, "nobody has it yet");
        for (size_t i = 0; i < shown; i++) {
                buffer_append_text(out, i > 0 ? ", " : "");
                html_text(out, publish->had[i].name);
                buffer_append_text(out, " after ");
                html_duration(out, publish->had[i].after_usec);
        }
        if (publish->had_count > shown)
                buffer_printf(out, " and %zu more", publish->had_count - shown);
}

static void append_when(struct buffer *out, uint64_t usec)
{
        char text[40];
        time_t seconds = (time_t)(usec / 1000000);
        struct tm when;

        gmtime_r(&seconds, &when);
        strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &when);
        buffer_printf(out, "<time datetime=\"%s\">", text);
        strftime(text, sizeof text, "%H:%M:%S", &when);
        buffer_printf(out, "%s</time>", text);
}

static void append_commit(struct buffer *out, const char *commit)
{
        char text[COMMIT_SHOWN + 1];

        snprintf(text, sizeof text, "%.*s", COMMIT_SHOWN, commit);
        buffer_append_text(out, " commit <code>");
        html_text(out, text);
        buffer_append_text(out, "</code>");
}

static void append_publish(struct buffer *out, const struct recent_publish *publish)
{
        size_t shown =
                publish->had_count < RECENT_SECONDARIES_MAX ? publish->had_count : RECENT_SECONDARIES_MAX;

        buffer_append_text(out, "<li><p class=\"what\">");
        append_when(out, publish->published_usec);
        buffer_append_text(out, " <b>");
        html_text(out, publish->zone);
        buffer_printf(out, "</b> serial %" PRIu32 ", +%" PRIu64 " \xe2\x88\x92%" PRIu64, publish->serial,
                publish->added, publish->removed);
        if (*publish->commit)
                append_commit(out, publish->commit);
        buffer_append_text(out, "</p>");
        append_picture(out, publish, shown);
        buffer_append_text(out, "<p class=\"who\">");
        append_words(out, publish, shown);
        buffer_append_text(out, "</p></li>\n");
}

void page_append_publishes(struct buffer *out, const struct recent *recent, uint64_t now_usec)
{
        const struct recent_publish *publish;
        (void)now_usec;

        buffer_append_text(out,
                "<section aria-labelledby=\"h-publishes\"><h2 id=\"h-publishes\">Last publishes"
                "</h2>\n");
        if (recent->count == 0) {
                buffer_append_text(out, "<p>None since the start.</p></section>\n");
                return;
        }
        buffer_append_text(out,
                "<p class=\"note\">A dot is a secondary that has it: from 0.1 s on the left to "
                "2 h on the right, with marks at 1 s, 1 min and 30 min. Times are UTC.</p>\n"
                "<ol class=\"publishes\">\n");
        for (size_t i = 0; (publish = recent_get(recent, i)); i++)
                append_publish(out, publish);
        buffer_append_text(out, "</ol></section>\n");
}
