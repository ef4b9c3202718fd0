/* One address and port that NOTIFYs go to, for all zones: whether it is down, who is the canary, what waits
 * for it. Main loop.
 *
 * It is down when five NOTIFYs in a row of one zone had no answer and nothing at all was heard from it since
 * the first of them. Then one NOTIFY, of one zone, goes out at growing intervals, each time another zone's:
 * some servers drop a NOTIFY for a zone they do not know, and that zone must not stand for the others. Any
 * packet from it sends all that waits on its way.
 *
 * Where the address was heard meanwhile, that zone alone is down and is its own canary; nothing that is heard
 * of other zones wakes it, or a firewall that drops NOTIFYs would make each poll a volley. When several are,
 * and nothing was heard for a while, the address is down after all.
 *
 * Invariants:
 *   - while is_down: the canary, if there is one, is in NOTIFY_DOWN with a due time; others in NOTIFY_DOWN
 * have none;
 *   - a peer lives while it has targets, and then until its next send would be allowed (the rate outlives
 * them). */
#include "notify/state.h"

#include "base/clock.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define CANARY_SPACING (60 * USEC_PER_SEC)
#define SUSPECT_SILENCE (300 * USEC_PER_SEC)
#define TELL_SILENT_SPACING (3600 * USEC_PER_SEC)

static struct peer_key key_of(const struct address *address)
{
        struct peer_key key = {
                .scope = address->scope, .port = address->port, .family = (uint16_t)address->family};
        memcpy(key.bytes, address->bytes, sizeof(key.bytes));
        return key;
}

int peer_get(struct notify *notify, const struct address *address, struct peer **ret_peer)
{
        struct peer_key key = key_of(address);
        struct peer *peer = table_get(&notify->peers, &key, sizeof(key));
        if (peer) {
                *ret_peer = peer;
                return 0;
        }
        peer = calloc(1, sizeof(*peer));
        if (!peer)
                return -ENOMEM;
        peer->key = key;
        peer->address = *address;
        peer->timer.kind = NODE_PEER;
        int r = timers_reserve(&notify->timers);
        if (r < 0) {
                free(peer);
                return r;
        }
        r = table_put(&notify->peers, &peer->key, sizeof(peer->key), peer, NULL);
        if (r < 0) {
                timers_release(&notify->timers, &peer->timer);
                free(peer);
                return r;
        }
        *ret_peer = peer;
        return 0;
}

struct peer *peer_free(struct notify *notify, struct peer *peer)
{
        table_remove(&notify->peers, &peer->key, sizeof(peer->key));
        timers_release(&notify->timers, &peer->timer);
        free(peer);
        return NULL;
}

static void link_last(struct peer *peer, struct pending *pending)
{
        pending->peer_next = NULL;
        pending->peer_previous = peer->last;
        if (peer->last)
                peer->last->peer_next = pending;
        else
                peer->first = pending;
        peer->last = pending;
}

static void unlink_pending(struct peer *peer, struct pending *pending)
{
        if (pending->peer_previous)
                pending->peer_previous->peer_next = pending->peer_next;
        else
                peer->first = pending->peer_next;
        if (pending->peer_next)
                pending->peer_next->peer_previous = pending->peer_previous;
        else
                peer->last = pending->peer_previous;
}

void peer_add(struct peer *peer, struct pending *pending)
{
        pending->peer = peer;
        link_last(peer, pending);
}

/* The role, with its due time and interval, goes to the first other one that waits. */
static void canary_pass_on(struct notify *notify, struct peer *peer)
{
        struct pending *old = peer->canary, *next = peer->first;
        while (next && (next == old || next->state.phase != NOTIFY_DOWN))
                next = next->peer_next;
        if (!next)
                return;
        next->state.due_usec = old->state.due_usec;
        next->state.interval_usec = old->state.interval_usec;
        old->state.due_usec = NOTIFY_NEVER;
        timers_set(&notify->timers, &old->timer, TIMER_NEVER);
        timers_set(&notify->timers, &next->timer, next->state.due_usec);
        peer->canary = next;
}

void peer_remove(struct notify *notify, struct pending *pending)
{
        struct peer *peer = pending->peer;
        if (peer->canary == pending) {
                canary_pass_on(notify, peer);
                if (peer->canary == pending)
                        peer->canary = NULL;
        }
        peer->down_count -= pending->state.phase == NOTIFY_DOWN;
        pace_withdraw(notify, pending);
        unlink_pending(peer, pending);
        if (!peer->first)
                timers_set(&notify->timers, &peer->timer, peer->next_send_usec);
}

static void hold_others(struct notify *notify, struct peer *peer)
{
        for (struct pending *other = peer->first; other; other = other->peer_next) {
                if (other == peer->canary)
                        continue;
                switch (other->state.phase) {
                case NOTIFY_DELAYED:
                case NOTIFY_WAITING:
                case NOTIFY_DOWN:
                        pending_step(notify, other, (struct notify_input){.event = NOTIFY_EVENT_HELD});
                        break;
                case NOTIFY_ACKNOWLEDGED:
                case NOTIFY_REFUSED:
                case NOTIFY_DONE:
                        break; /* held when it wants to send */
                }
        }
}

static void peer_goes_down(struct notify *notify, struct pending *canary)
{
        struct peer *peer = canary->peer;
        peer->is_down = true;
        peer->down_usec = peer->canary_usec = clock_monotonic_usec();
        peer->canary = canary;
        tell_peer_down(canary);
        hold_others(notify, peer);
}

void peer_silent(struct notify *notify, struct pending *pending)
{
        struct peer *peer = pending->peer;
        uint64_t now = clock_monotonic_usec();
        if (peer->is_down) {
                peer_hold(notify, pending);
                return;
        }
        if (peer->heard_usec <= pending->state.began_usec) {
                peer_goes_down(notify, pending);
                return;
        }
        if (peer->told_silent_usec == 0 || now - peer->told_silent_usec >= TELL_SILENT_SPACING) {
                peer->told_silent_usec = now;
                tell_zone_silent(pending);
        }
}

void peer_suspect(struct notify *notify, struct pending *pending)
{
        struct peer *peer = pending->peer;
        if (!peer->is_down && peer->down_count > 1 &&
                clock_monotonic_usec() - peer->heard_usec >= SUSPECT_SILENCE)
                peer_goes_down(notify, pending);
}

/* The canary's next time, with an interval that grows as it did. */
static void canary_take(struct notify *notify, struct pending *pending, uint64_t due_usec)
{
        struct peer *peer = pending->peer;
        struct pending *old = peer->canary;
        if (old && old != pending) {
                pending->state.interval_usec = old->state.interval_usec;
                if (due_usec > old->state.due_usec)
                        due_usec = old->state.due_usec;
                old->state.due_usec = NOTIFY_NEVER;
                timers_set(&notify->timers, &old->timer, TIMER_NEVER);
        }
        peer->canary = pending;
        pending->state.due_usec = due_usec;
        timers_set(&notify->timers, &pending->timer, due_usec);
}

void peer_begin_down(struct pending *pending)
{
        struct peer *peer = pending->peer;
        if (peer->heard_usec > 0 || peer->is_down || peer->first != pending || peer->last != pending)
                return;
        peer->is_down = true;
        peer->down_usec = clock_monotonic_usec();
}

void peer_hold(struct notify *notify, struct pending *pending)
{
        struct peer *peer = pending->peer;
        pending_step(notify, pending, (struct notify_input){.event = NOTIFY_EVENT_HELD});
        uint64_t next = peer->canary_usec > 0 ? peer->canary_usec + CANARY_SPACING : 0;
        /* A zone that was not tried since is the best canary, at most once a minute. */
        canary_take(notify, pending, next > clock_monotonic_usec() ? next : clock_monotonic_usec());
}

void peer_canary_sent(struct notify *notify, struct pending *pending)
{
        struct peer *peer = pending->peer;
        peer->canary_usec = clock_monotonic_usec();
        if (peer->canary != pending)
                return;
        unlink_pending(peer, pending);
        link_last(peer, pending);
        canary_pass_on(notify, peer);
}

bool peer_heard(struct peer *peer)
{
        bool was_down = peer->is_down;
        peer->heard_usec = clock_monotonic_usec();
        if (was_down)
                tell_peer_up(peer, peer->heard_usec);
        peer->is_down = false;
        peer->canary = NULL;
        return was_down;
}

void peer_drain(struct notify *notify, struct peer *peer, bool was_down)
{
        if (!was_down)
                return;
        for (struct pending *pending = peer->first, *next; pending; pending = next) {
                next = pending->peer_next;
                if (pending->state.phase == NOTIFY_DOWN)
                        pending_step(notify, pending, (struct notify_input){.event = NOTIFY_EVENT_HEARD});
        }
}
