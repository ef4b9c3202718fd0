/* What becomes of zones, told to the user's program. Main loop. */
#include "daemon/daemon.h"

void daemon_on_news(void *context, const struct zone_entry *zone, const struct verdict *verdict)
{
        struct daemon *daemon = context;
        bool is_published = verdict->kind == VERDICT_PUBLISHED;
        struct event event = {
                .kind = is_published ? EVENT_PUBLISHED : EVENT_HELD,
                .zone = zone->name_text,
                .serial = verdict->serial,
                .serial_before = verdict->serial_before,
                .added = verdict->added,
                .removed = verdict->removed,
                .hash = verdict->kind == VERDICT_HELD && verdict->has_hash ? verdict->hash : NULL,
                .text = verdict->summary,
        };

        if (is_published && verdict->serial_before == 0)
                event_emit(daemon->events, &(struct event){.kind = EVENT_ZONE_ADDED,
                                                   .zone = event.zone,
                                                   .serial = event.serial,
                                                   .text = "served for the first time"});
        event_emit(daemon->events, &event);
        if (is_published && daemon->control)
                control_saw_published(daemon->control, zone, verdict, event.commit);
}

void daemon_tell_removed(struct daemon *daemon, const uint8_t *name)
{
        char text[NAME_TEXT_MAX];
        event_emit(daemon->events, &(struct event){.kind = EVENT_ZONE_REMOVED,
                                           .zone = name_to_zone_text(name, text),
                                           .text = "no longer served"});
}
