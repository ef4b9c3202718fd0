/* The zones that need eyes, worst first, out of all there are: gathered in slices on the main loop, kept for
 * a moment, shared by all who ask for the same. Private to control/. */
#pragma once

#include "base/buffer.h"
#include "control/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define OVERVIEW_FIND_MAX 128
#define OVERVIEW_ROWS_MAX 1000

struct overview_row {
        uint8_t name[NAME_MAX_LENGTH];
        unsigned class;    /* 0 = the worst */
        uint64_t lag_usec; /* of its latest secondary */
};

/* What is asked for. */
struct overview_key {
        char find[OVERVIEW_FIND_MAX]; /* part of the zone's name; "" = all */
        size_t rows;                  /* at most */
};

enum overview_class {
        OVERVIEW_TROUBLE, /* broken, failed, behind */
        OVERVIEW_LATE,    /* a secondary is late */
        OVERVIEW_HELD,    /* held, missing, frozen */
        OVERVIEW_WAITING,
        OVERVIEW_UNKNOWN,
        OVERVIEW_GOOD,
};

struct overview {
        struct overview_key key;
        struct overview_row *rows; /* sorted */
        size_t row_count;
        size_t zone_count; /* that match */
        uint64_t classes[OVERVIEW_GOOD + 1];
        uint64_t gathered_usec; /* realtime, when it was complete */
};

struct overview_gather;

/* Begins; `overview` is filled and `done` called, in a later turn of the main loop. -ENOMEM. */
int overview_begin(const struct status_sources *sources, const struct overview_key *key,
        void (*done)(void *context, struct overview *overview), void *context,
        struct overview_gather **ret_gather);
/* Without calling done. */
struct overview_gather *overview_cancel(struct overview_gather *gather);
void overview_clear(struct overview *overview);
