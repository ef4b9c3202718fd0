/* The page: zones by secondaries and the last publishes, as one HTML document without outside parts. Pure but
 * for the clock. Private to control/. */
#pragma once

#include "control/overview.h"
#include "control/recent.h"

struct buffer;

void page_append(struct buffer *out, const struct status_sources *sources, const struct overview *overview,
        const struct recent *recent, uint64_t now_usec);
/* The value of Content-Security-Policy, with the digests of the style and the script. NULL: no memory. */
const char *page_policy(void);

/* html.c */
void html_text(struct buffer *out, const char *text); /* &, <, >, quotes escaped; controls become U+FFFD */
/* "under 0.1 s", "12 s", "5 min", "3 h", "2 d". */
void html_duration(struct buffer *out, uint64_t usec);

/* page_picture.c: one publish as a line of dots over time. */
void page_append_publishes(struct buffer *out, const struct recent *recent, uint64_t now_usec);

/* page_assets.c */
extern const char page_style[], page_script[];
