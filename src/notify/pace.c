/* notify-rate: a NOTIFY every 1/rate of a second to one address and port, first come first served. Main loop.
 *
 * Each address has its own queue, so one that is long, or whose target is dead, delays no other (I6). What
 * leaves is built at its turn: a newer serial takes the place of the older in the queue by itself. */
#include "notify/state.h"

#include "base/clock.h"

#include <errno.h>

/* Of the target's block, else options'. */
static uint64_t interval_usec(const struct notify *notify, const struct pending *pending)
{
        const struct conf_secondary *secondary = pending->target->target.secondary;
        unsigned rate = secondary && secondary->notify_rate > 0
                                ? secondary->notify_rate
                                : fleet_conf(notify->fleet)->options.notify_rate;
        return rate > 0 ? USEC_PER_SEC / rate : USEC_PER_SEC;
}

static void send_turn(struct notify *notify, struct pending *pending, uint64_t now)
{
        struct peer *peer = pending->peer;
        uint64_t interval = interval_usec(notify, pending);
        /* A timer that comes late by less than an interval does not lower the rate. */
        bool is_late = now > peer->next_send_usec && now - peer->next_send_usec < interval;
        peer->next_send_usec = (is_late && peer->next_send_usec > 0 ? peer->next_send_usec : now) + interval;
        int r = notify_send(notify, pending);
        if (r == -ENOENT) {
                pending_free(notify, pending);
                return;
        }
        /* Not sent for another reason is like sent and lost: it is tried again. */
        pending_step(notify, pending, (struct notify_input){.event = NOTIFY_EVENT_SENT});
}

void pace_submit(struct notify *notify, struct pending *pending)
{
        struct peer *peer = pending->peer;
        uint64_t now = clock_monotonic_usec();
        if (pending->goes_first || (!peer->queue_first && now >= peer->next_send_usec)) {
                pace_withdraw(notify, pending);
                send_turn(notify, pending, now);
                return;
        }
        if (pending->is_queued)
                return;
        pending->is_queued = true;
        pending->queue_next = NULL;
        pending->queue_previous = peer->queue_last;
        if (peer->queue_last)
                peer->queue_last->queue_next = pending;
        else
                peer->queue_first = pending;
        peer->queue_last = pending;
        timers_set(&notify->timers, &peer->timer, peer->next_send_usec);
}

void pace_withdraw(struct notify *notify, struct pending *pending)
{
        struct peer *peer = pending->peer;
        if (!pending->is_queued)
                return;
        pending->is_queued = false;
        if (pending->queue_previous)
                pending->queue_previous->queue_next = pending->queue_next;
        else
                peer->queue_first = pending->queue_next;
        if (pending->queue_next)
                pending->queue_next->queue_previous = pending->queue_previous;
        else
                peer->queue_last = pending->queue_previous;
        if (!peer->queue_first && peer->first)
                timers_set(&notify->timers, &peer->timer, TIMER_NEVER);
}

void pace_run(struct notify *notify, struct peer *peer)
{
        struct pending *pending = peer->queue_first;
        uint64_t now = clock_monotonic_usec();
        if (!pending)
                return;
        if (now >= peer->next_send_usec) {
                pace_withdraw(notify, pending);
                send_turn(notify, pending, now);
        }
        if (peer->queue_first)
                timers_set(&notify->timers, &peer->timer, peer->next_send_usec);
}
