/* What goes on about a zone's serial, for status. Main loop. */
#include "control/status.h"

void status_append_serial(struct json *json, const struct zone_entry *zone)
{
        if (zone->write_back_trouble)
                json_text(json, "write_back", zone->write_back_trouble);
}
