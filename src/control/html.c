/* Text and times for the page. Pure. */
#include "base/buffer.h"
#include "base/clock.h"
#include "control/page.h"

#include <inttypes.h>

void html_text(struct buffer *out, const char *text)
{
        for (; *text; text++)
                switch (*text) {
                case '&':
                        buffer_append_text(out, "&amp;");
                        break;
                case '<':
                        buffer_append_text(out, "&lt;");
                        break;
                case '>':
                        buffer_append_text(out, "&gt;");
                        break;
                case '"':
                        buffer_append_text(out, "&quot;");
                        break;
                case '\'':
                        buffer_append_text(out, "&#39;");
                        break;
                default:
                        if ((unsigned char)*text < ' ' || *text == 0x7f)
                                buffer_append_text(out, "\xef\xbf\xbd");
                        else
                                buffer_append_u8(out, (uint8_t)*text);
                }
}

void html_duration(struct buffer *out, uint64_t usec)
{
        uint64_t seconds = usec / USEC_PER_SEC;

        if (usec < USEC_PER_SEC / 10)
                buffer_append_text(out, "under 0.1 s");
        else if (usec < 10 * USEC_PER_SEC)
                buffer_printf(out, "%.1f s", (double)usec / 1e6);
        else if (seconds < 120)
                buffer_printf(out, "%" PRIu64 " s", seconds);
        else if (seconds < 7200)
                buffer_printf(out, "%" PRIu64 " min", seconds / 60);
        else if (seconds < 172800)
                buffer_printf(out, "%" PRIu64 " h", seconds / 3600);
        else
                buffer_printf(out, "%" PRIu64 " d", seconds / 86400);
}
