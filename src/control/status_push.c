/* Providers that take no transfer, as status tells them. Main loop. */
#include "control/status.h"

#include "base/encode.h"
#include "conf/conf.h"
#include "push/push.h"

static void append_push(struct json *json, const struct push *push, const uint8_t *zone,
        const struct conf_secondary *block, const struct push_status *status)
{
        const char *const *names;
        size_t count = push_name_servers(push, zone, block->name, &names);
        char hash[2 * sizeof(status->hash) + 1];

        json_open(json, NULL, '{');
        json_text(json, "secondary", block->name);
        json_text(json, "provider", block->provider->name);
        json_text(json, "phase", push_phase_name(status->phase));
        json_serial(json, "serial", status->serial);
        json_serial(json, "pushing_serial", status->wanted);
        json_bool(json, "current", push_is_current(status));
        json_bool(json, "looked_for", status->is_looked_for);
        json_number(json, "servers_asked", status->servers_asked);
        json_number(json, "servers_seen", status->servers_seen);
        json_bool(json, "shows_serial", status->shows_serial);
        json_time(json, "in_sync_at", status->in_sync_usec);
        json_time(json, "compared_at", status->compared_usec);
        json_time(json, "retry_at", status->retry_usec);
        json_number(json, "failures", status->failures);
        json_text(json, "reason", status->why[0] ? status->why : NULL);
        json_number(json, "changes", status->changes);
        json_number(json, "batches", status->batches);
        json_number(json, "batches_done", status->batches_done);
        json_number(json, "change_requests", status->changes_sent);
        json_number(json, "requests", status->requests);
        json_number(json, "throttled", status->throttled);
        json_number(json, "drift", status->drift);
        json_number(json, "left_out", status->skipped);
        json_text(json, "zone_id", status->zone_id[0] ? status->zone_id : NULL);
        if (status->has_hash) {
                hex_encode(status->hash, sizeof(status->hash), hash);
                json_text(json, "hash", hash);
        }
        json_open(json, "name_servers", '[');
        for (size_t i = 0; i < count; i++)
                json_text(json, NULL, names[i]);
        json_close(json, ']');
        json_close(json, '}');
}

void status_append_pushes(struct json *json, const struct status_sources *sources, const uint8_t *zone)
{
        const struct push *push = sources->options->push;
        const struct conf_secondary *block;
        const struct push_status *status;

        json_open(json, "pushes", '[');
        for (size_t position = 0; push && (status = push_status_next(push, zone, &position, &block));)
                append_push(json, push, zone, block, status);
        json_close(json, ']');
}
