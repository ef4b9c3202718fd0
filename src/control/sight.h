/* A secondary of a zone as the page and the metrics tell it. Main loop. Private to control/. */
#pragma once

#include "control/status.h"

enum sight_level {     /* from good to bad */
        SIGHT_GOOD,    /* it has the serial, as far as can be seen */
        SIGHT_UNKNOWN, /* nothing is known, and nothing is due */
        SIGHT_WAITING, /* not yet, and not late */
        SIGHT_LATE,
};

struct sight {
        char name[64]; /* the block's, or the target's address */
        enum sight_level level;
        uint32_t serial;   /* that it is known to have; 0 = none */
        uint64_t lag_usec; /* since when it has not had what is published */
        char words[200];   /* the last stage reached, and more */
};

const char *sight_level_word(enum sight_level level); /* "in sync", "late" ... */
size_t sight_count(const struct status_sources *sources, const struct zone_entry *zone);
/* false: there is none of that index. */
bool sight_get(const struct status_sources *sources, const struct zone_entry *zone, size_t index,
        uint64_t now_usec, struct sight *ret_sight);
