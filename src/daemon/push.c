/* Pushes as the daemon wires them: their rows go to the publisher's thread, their news to on-event. Main
 * loop.
 */
#include "push/push.h"
#include "daemon/daemon.h"

#include <string.h>

static int write_rows(void *context, struct fleet_write *writes, size_t count)
{
        struct daemon *daemon = context;
        return registry_write_state(daemon->registry, writes, count);
}

static struct event event_of(enum event_kind kind, const char *zone, const struct conf_secondary *secondary,
        const struct push_status *status)
{
        return (struct event){.kind = kind,
                .zone = zone,
                .serial = status->wanted,
                .secondary = secondary->name,
                .secondary_serial = status->serial,
                .stage = push_phase_name(status->phase),
                .text = status->why};
}

/* Held: somebody has to look. Failed, and well again: as of a secondary that does not follow. */
static void on_changed(void *context, const uint8_t *zone, const struct conf_secondary *secondary,
        const struct push_status *before, const struct push_status *now)
{
        struct daemon *daemon = context;
        char name[NAME_TEXT_MAX];
        bool was_failed = before->phase == PUSH_FAILED, is_failed = now->phase == PUSH_FAILED;

        name_to_zone_text(zone, name);
        if (now->phase == PUSH_HELD &&
                (before->phase != PUSH_HELD || memcmp(before->hash, now->hash, sizeof(now->hash)) != 0)) {
                struct event event = event_of(EVENT_HELD, name, secondary, now);
                event.hash = now->hash;
                event_emit(daemon->events, &event);
        }
        if (is_failed && !was_failed) {
                struct event event = event_of(EVENT_STALE, name, secondary, now);
                event_emit(daemon->events, &event);
                daemon->failed_pushes++;
        }
        if (now->phase == PUSH_IN_SYNC && before->phase != PUSH_IN_SYNC && daemon->failed_pushes > 0 &&
                before->why[0]) {
                struct event event = event_of(EVENT_IN_SYNC, name, secondary, now);
                event.text = "it has what is published";
                event_emit(daemon->events, &event);
        }
}

int daemon_push_new(struct daemon *daemon)
{
        struct push_options options = {
                .event = daemon->event,
                .store = daemon->store,
                .prober = daemon->prober,
                .survey = daemon->survey,
                .write = write_rows,
                .changed = on_changed,
                .context = daemon,
        };
        return push_new(&options, daemon->conf, &daemon->push);
}
