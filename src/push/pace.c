/* A ring of the last answers' times; and the wait after failures. */
#include "push/pace.h"

#include "base/clock.h"
#include "base/random.h"

#include <errno.h>
#include <stdlib.h>

#define MARGIN_USEC (20 * USEC_PER_MSEC) /* clocks there count in other steps */

int pace_init(struct pace *pace, unsigned limit, uint64_t window_usec)
{
        *pace = (struct pace){.limit = limit, .window_usec = window_usec + MARGIN_USEC};
        pace->done = calloc(limit, sizeof(*pace->done));
        return pace->done ? 0 : -ENOMEM;
}

uint64_t pace_next(const struct pace *pace)
{
        uint64_t oldest = pace->done[pace->next];
        uint64_t at = oldest ? oldest + pace->window_usec : 0;
        return at > pace->not_before ? at : pace->not_before;
}

void pace_done(struct pace *pace, uint64_t now)
{
        pace->done[pace->next] = now ? now : 1;
        pace->next = (pace->next + 1) % pace->limit;
}

void pace_hold(struct pace *pace, uint64_t until)
{
        if (until > pace->not_before)
                pace->not_before = until;
}

void pace_clear(struct pace *pace)
{
        free(pace->done);
        *pace = (struct pace){0};
}

uint64_t pace_backoff(unsigned failures, uint64_t max_usec)
{
        uint64_t usec = USEC_PER_SEC << (failures < 10 ? failures : 10);
        if (usec > max_usec)
                usec = max_usec;
        return usec * 3 / 4 + random_below((uint32_t)(usec / 2));
}
