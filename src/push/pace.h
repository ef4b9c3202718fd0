/* How fast an account may be asked: at most so many requests in any window of time, counted where they
 * arrive. Pure (but for the backoff's
 * chance): the caller has the clock. */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct pace {
        uint64_t *done; /* when the last `limit` requests were over, as a ring; 0 = none yet */
        size_t limit, next;
        uint64_t window_usec;
        uint64_t not_before; /* after a throttled request */
};

int pace_init(struct pace *pace, unsigned limit, uint64_t window_usec); /* -ENOMEM */
/* When the next request may leave. */
uint64_t pace_next(const struct pace *pace);
/* A request's answer is there (or none will come). It arrived there before this, and the request `limit`
 * after it leaves a window after this: no window sees more than `limit`, however long a request was under
 * way. */
void pace_done(struct pace *pace, uint64_t now);
/* The provider throttles: somebody else uses the account too. */
void pace_hold(struct pace *pace, uint64_t until);
void pace_clear(struct pace *pace);
/* How long to wait after so many failures in a row: 1, 2, 4 ... s, max at most, and a quarter of it more or
 * less: 200 zones do not come back at once. */
uint64_t pace_backoff(unsigned failures, uint64_t max_usec);
