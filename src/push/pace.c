/* A ring of the last answers' times. Pure. */
#include "push/pace.h"

#include "base/clock.h"

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
