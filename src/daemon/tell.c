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
                .commit = zone->commit,
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

/* A secondary takes each serial once; whoever transfers besides (a person with dig) is none. */
void daemon_tell_taken(struct daemon *daemon, const struct observation *seen)
{
        struct fleet_zone *zone = fleet_zone_get(daemon->fleet, seen->zone, NULL);
        struct fleet_target *target = zone ? fleet_target_find(zone, &seen->peer, seen->key_name) : NULL;
        struct address peer = seen->peer;
        char text[ADDRESS_TEXT_MAX];

        peer.port = 0;
        if (!daemon->control || !zone || seen->summary.to_serial != zone->serial ||
                (!target && !*seen->secondary) || (target && target->row.transferred_serial == zone->serial))
                return;
        control_saw_taken(daemon->control, zone->name,
                *seen->secondary ? seen->secondary : address_format(&peer, text), zone->serial,
                zone->published_usec, seen->at_usec);
}

bool daemon_is_everywhere(void *context, const uint8_t *name, uint32_t serial)
{
        struct daemon *daemon = context;
        struct survey_sight sight;
        size_t count = survey_sight_count(daemon->survey, name);
        struct fleet_zone *zone = fleet_zone_get(daemon->fleet, name, NULL);

        for (size_t i = 0; i < count; i++)
                if (survey_sight_get(daemon->survey, name, i, &sight) < 0 || !sight.view.is_current)
                        return false;
        return count > 0 && zone && zone->serial == serial;
}
