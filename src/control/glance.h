/* A secondary of a zone as the page and the metrics tell it. Main loop. Private to control/. */
#pragma once

#include "control/status.h"

enum glance_level {     /* from good to bad */
        GLANCE_GOOD,    /* it has the serial, as far as can be seen */
        GLANCE_UNKNOWN, /* nothing is known, and nothing is due */
        GLANCE_WAITING, /* not yet, and not late */
        GLANCE_LATE,
};
const char *glance_level_word(enum glance_level level); /* "in sync", "late" ... */

struct glance {
        const char *name; /* the block's, or the target's address; valid until the loop's next turn */
        enum glance_level level;
        uint32_t serial;       /* that it is known to have; 0 = none */
        uint64_t lag_usec;     /* since when it has not had what is published */
        const char *words;     /* the last stage reached */
        uint64_t expires_usec; /* realtime: it stops serving the zone at about then; 0 = no */
};
/* false: there is none of that index. */
bool glance_get(const struct status_sources *sources, const struct zone_entry *zone, size_t index,
        uint64_t now_usec, struct glance *ret_glance);
