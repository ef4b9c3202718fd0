/* Facts for `zonecrier doctor`, as members of an open JSON object. Main loop. Private to control/. */
#pragma once

#include "control/status.h"

void doctor_append_daemon(struct json *json, const struct status_sources *sources, const struct conf *conf);
int doctor_append_zone(struct json *json, const struct status_sources *sources, const struct conf *conf,
        const struct zone_entry *zone);
