/* Entry points, and the life of one (zone, target): made when there is something to tell it, fed with events,
 * gone when there is nothing left to do. Main loop.
 *
 * An edit's way: notify_zone_published -> pending_step -> pace_submit (pace.c) -> notify_send (send.c) ->
 * sendto.
 *
 * Invariant: target->notify is the struct pending of that target, or NULL, and then the target knows the
 * zone's serial (its row says so), or gave three acknowledgements without a question, which was told. */
#include "notify/notify.h"

#include "base/clock.h"
#include "notify/state.h"

#include <errno.h>
#include <stdlib.h>

void notify_run_due(struct notify *notify)
{
        struct timer_node *node;
        while ((node = timers_take_due(&notify->timers, clock_monotonic_usec()))) {
                if (node->kind == NODE_PENDING) {
                        pending_step(notify, (struct pending *)node,
                                (struct notify_input){.event = NOTIFY_EVENT_TIMER});
                        continue;
                }
                struct peer *peer = (struct peer *)node;
                if (peer->first)
                        pace_run(notify, peer);
                else
                        peer_free(notify, peer);
        }
        timers_arm(&notify->timers, clock_monotonic_usec());
}

static int timer_came(sd_event_source *source, uint64_t usec, void *context)
{
        (void)source;
        (void)usec;
        notify_run_due(context);
        return 0;
}

static void replies_ended(void *context)
{
        struct notify *notify = context;
        timers_arm(&notify->timers, clock_monotonic_usec());
}

static void target_gone(void *context, struct fleet_target *target)
{
        pending_free(context, target->notify);
}

int notify_new(struct sd_event *event, struct store *store, struct fleet *fleet, struct notify **ret_notify)
{
        struct notify *notify = calloc(1, sizeof(*notify));
        if (!notify)
                return -ENOMEM;
        notify->event = sd_event_ref(event);
        notify->store = store;
        notify->fleet = fleet;
        struct udp_pools_owner owner = {
                .received = reply_received,
                .turn_ended = replies_ended,
                .context = notify,
        };
        int r = timers_open(&notify->timers, event, timer_came, notify);
        if (r >= 0)
                r = udp_pools_new(event, &owner, &notify->pools);
        if (r < 0) {
                notify_free(notify);
                return r;
        }
        fleet_on_target_gone(fleet, target_gone, notify);
        *ret_notify = notify;
        return 0;
}

static int pending_new(struct notify *notify, struct fleet_target *target, struct pending **ret_pending)
{
        struct pending *pending = calloc(1, sizeof(*pending));
        struct peer *peer;
        if (!pending)
                return -ENOMEM;
        int r = peer_get(notify, &target->target.address, &peer);
        if (r >= 0)
                r = timers_reserve(&notify->timers);
        if (r < 0) {
                free(pending);
                return r;
        }
        pending->target = target;
        pending->told_rcode = -1;
        peer_add(peer, pending);
        target->notify = pending;
        if (target->row.is_down)
                peer_begin_down(pending);
        *ret_pending = pending;
        return 0;
}

void pending_free(struct notify *notify, struct pending *pending)
{
        exchange_end(notify, pending);
        timers_release(&notify->timers, &pending->timer);
        peer_remove(notify, pending);
        pending->target->notify = NULL;
        free(pending);
}

static void row_follow(struct notify *notify, struct pending *pending)
{
        struct fleet_row *row = &pending->target->row;
        bool is_down = pending->state.phase == NOTIFY_DOWN;
        unsigned failures = pending->state.phase == NOTIFY_DONE ? 0 : pending->state.attempts;
        if (row->is_down == is_down && row->failures == failures)
                return;
        row->is_down = is_down;
        row->failures = failures;
        fleet_target_changed(notify->fleet, pending->target);
}

/* While its address is down, only the canary leaves, and what an operator asks for. */
static void submit(struct notify *notify, struct pending *pending, bool is_forced)
{
        struct peer *peer = pending->peer;
        if (peer->is_down && !is_forced && peer->canary != pending) {
                peer_hold(notify, pending);
                return;
        }
        pending->goes_first = peer->is_down || is_forced;
        pace_submit(notify, pending);
}

static void fell_asleep(
        struct notify *notify, struct pending *pending, enum notify_event event, enum notify_phase before)
{
        if (event == NOTIFY_EVENT_TIMER && before == NOTIFY_WAITING && pending->state.phase == NOTIFY_DOWN)
                peer_silent(notify, pending);
        else if (event == NOTIFY_EVENT_SENT && pending->peer->is_down)
                peer_canary_sent(notify, pending);
}

void pending_step(struct notify *notify, struct pending *pending, struct notify_input input)
{
        enum notify_phase before = pending->state.phase;
        input.now_usec = clock_monotonic_usec();
        input.refresh_sec = pending->target->zone->refresh_sec;
        enum notify_action action = notify_next_action(&pending->state, &input);
        enum notify_phase phase = pending->state.phase;

        pending->peer->down_count += phase == NOTIFY_DOWN;
        pending->peer->down_count -= before == NOTIFY_DOWN;
        if (input.event == NOTIFY_EVENT_HELD || (phase != NOTIFY_DELAYED && phase != NOTIFY_DOWN))
                pace_withdraw(notify, pending);
        timers_set(&notify->timers, &pending->timer, pending->state.due_usec);
        row_follow(notify, pending);
        switch (action) {
        case NOTIFY_SEND:
                if (input.event == NOTIFY_EVENT_TIMER && before == NOTIFY_DOWN)
                        peer_suspect(notify, pending);
                submit(notify, pending, input.event == NOTIFY_EVENT_FORCED);
                return;
        case NOTIFY_SLEEP:
                fell_asleep(notify, pending, input.event, before);
                return;
        case NOTIFY_FINISH:
                if (input.event == NOTIFY_EVENT_TIMER && before == NOTIFY_ACKNOWLEDGED)
                        tell_not_transferred(pending);
                pending_free(notify, pending);
                return;
        }
}

/* named.conf's notify-delay is the time between two sets of NOTIFYs of one zone: the first goes at once. */
static uint64_t delay_left_usec(const struct notify *notify, const struct fleet_target *target)
{
        uint64_t delay = conf_policy_for(fleet_conf(notify->fleet), target->zone->name)->notify_delay_usec;
        uint64_t now = clock_realtime_usec(), last = target->row.notified_usec;
        if (delay == 0 || last == 0 || last > now || now - last >= delay)
                return 0;
        return delay - (now - last);
}

static int target_tell(struct notify *notify, struct fleet_target *target, bool is_forced)
{
        struct pending *pending = target->notify;
        if (!pending) {
                int r = pending_new(notify, target, &pending);
                if (r < 0)
                        return r;
        }
        struct notify_input input = {
                .event = is_forced ? NOTIFY_EVENT_FORCED : NOTIFY_EVENT_PUBLISHED,
                .serial = target->zone->serial,
                .delay_usec = is_forced ? 0 : delay_left_usec(notify, target),
        };
        pending_step(notify, pending, input);
        return 0;
}

int zone_wake(struct notify *notify, struct fleet_zone *zone)
{
        int result = 0;
        for (size_t i = 0; i < zone->target_count; i++) {
                if (fleet_target_is_current(zone->targets[i]))
                        continue;
                int r = target_tell(notify, zone->targets[i], false);
                if (r < 0)
                        result = r;
        }
        return result;
}

int notify_zone_published(struct notify *notify, const struct store_zone *row)
{
        struct fleet_zone *zone = fleet_zone_get(notify->fleet, row->name, row);
        if (!zone)
                return -ENOMEM;
        int resolved = resolve_zone(notify, zone);
        int r = zone_wake(notify, zone);
        timers_arm(&notify->timers, clock_monotonic_usec());
        return r < 0 ? r : resolved;
}

int notify_zone_force(struct notify *notify, const uint8_t *name, size_t *ret_count)
{
        struct fleet_zone *zone = fleet_zone_get(notify->fleet, name, NULL);
        if (!zone)
                return -ENOENT;
        (void)resolve_zone(notify, zone);
        size_t count = zone->target_count;
        int result = 0;
        for (size_t i = 0; i < zone->target_count; i++) {
                int r = target_tell(notify, zone->targets[i], true);
                if (r < 0)
                        result = r;
        }
        timers_arm(&notify->timers, clock_monotonic_usec());
        if (result < 0)
                return result;
        *ret_count = count;
        return 0;
}

int notify_reconfigure(struct notify *notify)
{
        struct fleet_zone *zone;
        int result = 0;
        for (size_t position = 0; (zone = fleet_zone_next(notify->fleet, &position));) {
                int resolved = resolve_zone(notify, zone);
                int r = zone_wake(notify, zone);
                if (r < 0 || resolved < 0)
                        result = r < 0 ? r : resolved;
        }
        timers_arm(&notify->timers, clock_monotonic_usec());
        return result;
}

static void target_heard(struct notify *notify, struct fleet_target *target, struct notify_input input)
{
        struct pending *pending = target->notify;
        if (!pending)
                return; /* where nothing waits for it, no address of it is known to be down */
        struct peer *peer = pending->peer;
        bool was_down = peer_heard(peer);
        pending_step(notify, pending, input);
        peer_drain(notify, peer, was_down);
        timers_arm(&notify->timers, clock_monotonic_usec());
}

void notify_target_asked(struct notify *notify, struct fleet_target *target)
{
        const struct pending *pending = target->notify;
        bool knows = pending && target->row.soa_serial == pending->state.serial;
        struct notify_input input = {.event = knows ? NOTIFY_EVENT_ASKED : NOTIFY_EVENT_HEARD};
        target_heard(notify, target, input);
}

void notify_target_transferred(struct notify *notify, struct fleet_target *target)
{
        struct notify_input input = {
                .event = NOTIFY_EVENT_TRANSFERRED,
                .serial = target->row.transferred_serial,
        };
        target_heard(notify, target, input);
}

void notify_zone_forget(struct notify *notify, const uint8_t *name)
{
        struct fleet_zone *zone = fleet_zone_get(notify->fleet, name, NULL);
        if (!zone)
                return;
        resolve_forget_zone(notify, zone);
        for (size_t i = 0; i < zone->target_count; i++) {
                if (zone->targets[i]->notify)
                        pending_free(notify, zone->targets[i]->notify);
        }
        timers_arm(&notify->timers, clock_monotonic_usec());
}

enum notify_phase notify_target_phase(const struct fleet_target *target)
{
        const struct pending *pending = target->notify;
        return pending ? pending->state.phase : NOTIFY_DONE;
}

struct notify *notify_free(struct notify *notify)
{
        if (!notify)
                return NULL;
        struct peer *peer;
        for (size_t position = 0; (peer = table_next(&notify->peers, &position));) {
                while (peer->first)
                        pending_free(notify, peer->first);
                peer_free(notify, peer);
        }
        table_free(&notify->peers);
        table_free(&notify->exchanges);
        udp_pools_free(notify->pools);
        resolver_free(notify->resolver);
        fleet_on_target_gone(notify->fleet, NULL, NULL);
        timers_close(&notify->timers);
        sd_event_unref(notify->event);
        free(notify);
        return NULL;
}
