/* The records of an earlier version: those of today, less what came since, plus what went. Any thread, on the
 * caller's view. */
#include "store/history.h"

#include <errno.h>
#include <stdlib.h>

#define UNREAD 99

struct store_past {
        struct store_records *today;
        struct store_difference *back; /* from today to then */
        struct record now, change;     /* the next of each */
        bool change_is_added;
        int now_r, change_r; /* 0 = it is there, 1 = the end, UNREAD */
};

int store_past_open(struct store_read *read, const struct store_zone *zone, uint64_t version,
        struct store_past **ret_past)
{
        struct store_past *past = calloc(1, sizeof(*past));
        int r = past ? 0 : -ENOMEM;
        if (r == 0)
                r = store_difference_open(read, zone, zone->version, version, &past->back);
        if (r == 0)
                r = store_records_open(read, zone->id, &past->today);
        if (r < 0) {
                store_past_close(past);
                return r;
        }
        past->now_r = past->change_r = UNREAD;
        *ret_past = past;
        return 0;
}

int store_past_prepare(struct store_past *past, size_t steps)
{
        return store_difference_prepare(past->back, steps);
}

/* Both at hand; STORE_DIFFERENCE_MORE, -EUCLEAN, -ENOMEM. */
static int fill(struct store_past *past)
{
        if (past->now_r == UNREAD)
                past->now_r = store_records_next(past->today, &past->now);
        if (past->change_r == UNREAD)
                past->change_r = store_difference_next(past->back, &past->change, &past->change_is_added);
        if (past->change_r == STORE_DIFFERENCE_MORE) {
                past->change_r = UNREAD;
                return STORE_DIFFERENCE_MORE;
        }
        return past->now_r < 0 ? past->now_r : past->change_r < 0 ? past->change_r : 0;
}

int store_past_next(struct store_past *past, struct record *ret_record)
{
        for (;;) {
                int r = fill(past);
                if (r != 0)
                        return r;
                if (past->now_r == 1 && past->change_r == 1)
                        return 1;
                int order = past->now_r == 1      ? 1
                            : past->change_r == 1 ? -1
                                                  : record_compare(&past->now, &past->change);
                if (order < 0) {
                        *ret_record = past->now;
                        past->now_r = UNREAD;
                        return 0;
                }
                if (past->change_is_added) { /* before the one of today that it took the place of, or alone */
                        *ret_record = past->change;
                        past->change_r = UNREAD;
                        return 0;
                }
                if (order > 0 || !record_is_identical(&past->now, &past->change))
                        return -EUCLEAN; /* a record that came since must be there (I3) */
                past->now_r = past->change_r = UNREAD;
        }
}

struct store_past *store_past_close(struct store_past *past)
{
        if (past) {
                store_records_close(past->today);
                store_difference_close(past->back);
        }
        free(past);
        return NULL;
}
