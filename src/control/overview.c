/* Looks at each zone once, so many a turn of the loop that nothing else has to wait, and keeps the worst. */
#include "control/overview.h"

#include "base/clock.h"
#include "control/control.h"
#include "control/glance.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <systemd/sd-event.h>

#define SLICE_USEC (1 * USEC_PER_MSEC)
#define SLICE_STEP 16 /* zones between two looks at the clock */
#define PRIORITY (SD_EVENT_PRIORITY_NORMAL + 60)

struct overview_gather {
        struct status_sources sources;
        struct overview overview;
        size_t position;
        uint64_t now_usec;
        sd_event_source *source;
        void (*done)(void *context, struct overview *overview);
        void *context;
};

void overview_clear(struct overview *overview)
{
        free(overview->rows);
        *overview = (struct overview){0};
}

struct overview_gather *overview_cancel(struct overview_gather *gather)
{
        if (!gather)
                return NULL;
        sd_event_source_disable_unref(gather->source);
        overview_clear(&gather->overview);
        free(gather);
        return NULL;
}

static enum overview_class class_of_state(enum zone_state state)
{
        switch (state) {
        case ZONE_BROKEN:
        case ZONE_FAILED:
        case ZONE_BEHIND:
                return OVERVIEW_TROUBLE;
        case ZONE_HELD:
        case ZONE_MISSING:
        case ZONE_FROZEN:
                return OVERVIEW_HELD;
        case ZONE_LOADING:
                return OVERVIEW_WAITING;
        case ZONE_PUBLISHED:
                break;
        }
        return OVERVIEW_GOOD;
}

static enum overview_class class_of_level(enum glance_level level)
{
        switch (level) {
        case GLANCE_LATE:
                return OVERVIEW_LATE;
        case GLANCE_WAITING:
                return OVERVIEW_WAITING;
        case GLANCE_UNKNOWN:
                return OVERVIEW_UNKNOWN;
        case GLANCE_GOOD:
                break;
        }
        return OVERVIEW_GOOD;
}

static struct overview_row judge(const struct overview_gather *gather, const struct zone_entry *zone)
{
        struct overview_row row = {.class = class_of_state(zone->state)};
        struct glance glance;

        memcpy(row.name, zone->name, NAME_MAX_LENGTH);
        for (size_t i = 0; glance_get(&gather->sources, zone, i, gather->now_usec, &glance); i++) {
                enum overview_class class = class_of_level(glance.level);
                if (class < row.class)
                        row.class = class;
                if (glance.lag_usec > row.lag_usec)
                        row.lag_usec = glance.lag_usec;
        }
        return row;
}

/* Negative: left comes first. Zones come in the order of their names, so equals stay in it. */
static int compare(const struct overview_row *left, const struct overview_row *right)
{
        if (left->class != right->class)
                return left->class < right->class ? -1 : 1;
        if (left->lag_usec != right->lag_usec)
                return left->lag_usec > right->lag_usec ? -1 : 1;
        return 0;
}

/* Into its place among the worst, where there is one for it. */
static void keep(struct overview *overview, const struct overview_row *row)
{
        size_t low = 0, high = overview->row_count;

        while (low < high) {
                size_t middle = (low + high) / 2;
                if (compare(&overview->rows[middle], row) <= 0)
                        low = middle + 1;
                else
                        high = middle;
        }
        if (low == overview->key.rows)
                return;
        if (overview->row_count < overview->key.rows)
                overview->row_count++;
        memmove(&overview->rows[low + 1], &overview->rows[low],
                (overview->row_count - 1 - low) * sizeof *row);
        overview->rows[low] = *row;
}

/* true: that was all. */
static bool gather_slice(struct overview_gather *gather)
{
        struct overview *overview = &gather->overview;
        uint64_t end = clock_monotonic_usec() + SLICE_USEC;

        for (unsigned i = 1;; i++) {
                const struct zone_entry *zone =
                        registry_next(gather->sources.options->registry, &gather->position);
                if (!zone)
                        return true;
                if (!*overview->key.find || strcasestr(zone->name_text, overview->key.find)) {
                        struct overview_row row = judge(gather, zone);
                        overview->zone_count++;
                        overview->classes[row.class]++;
                        keep(overview, &row);
                }
                if (i % SLICE_STEP == 0 && clock_monotonic_usec() >= end)
                        return false;
        }
}

static void finish(struct overview_gather *gather)
{
        gather->overview.gathered_usec = clock_realtime_usec();
        gather->done(gather->context, &gather->overview);
        overview_cancel(gather);
}

static int on_turn(sd_event_source *source, void *context)
{
        struct overview_gather *gather = context;

        if (gather_slice(gather))
                finish(gather);
        else
                sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
        return 0;
}

int overview_begin(const struct status_sources *sources, const struct overview_key *key,
        void (*done)(void *context, struct overview *overview), void *context,
        struct overview_gather **ret_gather)
{
        struct overview_gather *gather = calloc(1, sizeof *gather);
        if (!gather)
                return -ENOMEM;
        gather->sources = *sources;
        gather->overview.key = *key;
        gather->now_usec = clock_realtime_usec();
        gather->done = done;
        gather->context = context;
        gather->overview.rows = calloc(key->rows, sizeof *gather->overview.rows);
        int r = gather->overview.rows
                        ? sd_event_add_defer(sources->options->event, &gather->source, on_turn, gather)
                        : -ENOMEM;
        if (r >= 0)
                r = sd_event_source_set_priority(gather->source, PRIORITY);
        if (r < 0) {
                overview_cancel(gather);
                return r;
        }
        *ret_gather = gather;
        return 0;
}
