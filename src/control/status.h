/* What status says, as JSON. Main loop. Private to control/. */
#pragma once

#include "base/json.h"
#include "control/control.h"
#include "publish/registry.h"

struct stream;
struct verdict;

struct status_sources {
        const struct control_options *options;
        uint64_t started_usec; /* realtime */
};

/* One zone as an object. is_whole: details in full; else cut to what a list can bear. row NULL = not
 * published. */
void status_append_zone(struct json *json, const struct status_sources *sources, struct store_read *read,
        const struct zone_entry *zone, const struct store_zone *row, bool is_whole);
/* The same, with the row looked up in a view of its own. */
int status_append_zone_now(struct json *json, const struct status_sources *sources,
        const struct zone_entry *zone, bool is_whole);
/* status_push.c: "pushes": [ a provider that takes no transfer, and how far it is ... ]. */
void status_append_pushes(struct json *json, const struct status_sources *sources, const uint8_t *zone);
/* "secondaries": how far each is; is_whole: with their name servers. zone NULL = not published. */
void status_append_secondaries(
        struct json *json, const struct status_sources *sources, const uint8_t *zone, bool is_whole);
/* "address_lists_used": which elements let somebody in last. */
void status_append_acl_use(struct json *json, const struct status_sources *sources);
/* The members in front of "zones": version, pid, store, server ... */
void status_append_daemon(struct json *json, const struct status_sources *sources);
/* {"version": ..., "zones": [ every zone ]}; the zones as they were named when it began, each as it is when
 * its turn comes. sources is copied. */
int status_stream_new(const struct status_sources *sources, struct stream **ret_stream);

/* history.c: whether it was rolled back, and to what; row NULL = not published. */
void status_append_rollback(struct json *json, struct store_read *read, const struct store_zone *row);
/* status_serial.c: what goes on about the zone's serial. */
void status_append_git(struct json *json, const struct status_sources *sources);
void status_append_serial(struct json *json, const struct zone_entry *zone);

/* The members of a verdict, without brackets: verdict, serial ... details at most details_max octets. */
void status_append_verdict(
        struct json *json, const struct zone_entry *zone, const struct verdict *verdict, size_t details_max);
