/* What is known of a (zone, secondary), in a few words. */
#include "control/sight.h"

#include "fleet/fleet.h"
#include "notify/notify.h"

#include <stdio.h>

const char *sight_level_word(enum sight_level level)
{
        switch (level) {
        case SIGHT_GOOD:
                return "in sync";
        case SIGHT_UNKNOWN:
                return "unknown";
        case SIGHT_WAITING:
                return "waiting";
        case SIGHT_LATE:
                return "late";
        }
        return "";
}

static struct fleet_zone *zone_of(const struct status_sources *sources, const struct zone_entry *zone)
{
        return fleet_zone_get(sources->options->fleet, zone->name, NULL);
}

size_t sight_count(const struct status_sources *sources, const struct zone_entry *zone)
{
        const struct fleet_zone *fleet_zone = zone_of(sources, zone);
        return fleet_zone ? fleet_zone->target_count : 0;
}

bool sight_get(const struct status_sources *sources, const struct zone_entry *zone, size_t index,
        uint64_t now_usec, struct sight *ret_sight)
{
        const struct fleet_zone *fleet_zone = zone_of(sources, zone);
        char text[ADDRESS_TEXT_MAX];

        if (!fleet_zone || index >= fleet_zone->target_count)
                return false;
        const struct fleet_target *target = fleet_zone->targets[index];
        const struct fleet_row *row = &target->row;
        *ret_sight = (struct sight){.serial = row->transferred_serial};
        snprintf(
                ret_sight->name, sizeof ret_sight->name, "%s", address_format(&target->target.address, text));
        ret_sight->level = row->transferred_serial == fleet_zone->serial ? SIGHT_GOOD
                           : row->is_down                                ? SIGHT_LATE
                                                                         : SIGHT_WAITING;
        if (ret_sight->level != SIGHT_GOOD && row->notified_usec != 0 && now_usec > row->notified_usec)
                ret_sight->lag_usec = now_usec - row->notified_usec;
        snprintf(ret_sight->words, sizeof ret_sight->words, "%s",
                notify_phase_name(notify_target_phase(target)));
        return true;
}
