/* What goes on about a zone's serial, for status. Main loop. */
#include "control/status.h"

#include "zone/serial_steps.h"

void status_append_serial(struct json *json, const struct zone_entry *zone)
{
        const struct serial_set *set = zone->serial_set;

        if (zone->write_back_trouble)
                json_text(json, "write_back", zone->write_back_trouble);
        if (!set)
                return;
        json_open(json, "serial_set", '{');
        json_serial(json, "from", set->from);
        json_serial(json, "to", serial_set_target(set));
        json_number(json, "taken", set->taken);
        json_open(json, "steps", '[');
        for (size_t i = 0; i < set->step_count; i++)
                json_serial(json, NULL, set->steps[i]);
        json_close(json, ']');
        json_time(json, "begun_at", set->begun_usec);
        json_text(json, "waiting_for", zone->waiting_for);
        json_close(json, '}');
}
