/* Status as JSON: for each zone what is published, what became of its text, and who heard of it. Main loop.
 *
 * Figures come from three places: the store's row (what is served), the registry (what became of the file),
 * fleet and notify (targets). A serial or time that is not there is null, never 0. */
#include "control/status.h"

#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/encode.h"
#include "control/stream.h"
#include "fleet/fleet.h"
#include "notify/notify.h"
#include "server/server.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define LIST_DETAILS_MAX 4096
#define ADDRESSES_MAX 64

static const char *rcode_name(int rcode)
{
        static const char *const names[] = {"NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED",
                "YXDOMAIN", "YXRRSET", "NXRRSET", "NOTAUTH", "NOTZONE"};
        return rcode >= 0 && (size_t)rcode < ARRAY_SIZE(names) ? names[rcode] : NULL;
}

static const char *transfer_name(enum fleet_transfer_kind kind)
{
        switch (kind) {
        case FLEET_TRANSFER_NONE:
                return NULL;
        case FLEET_TRANSFER_AXFR:
                return "AXFR";
        case FLEET_TRANSFER_IXFR:
                return "IXFR";
        case FLEET_TRANSFER_IXFR_WHOLE:
                return "AXFR-style IXFR";
        }
        return NULL;
}

static void append_rcode(struct json *json, int rcode)
{
        if (rcode < 0) {
                json_nothing(json, "last_rcode");
                json_nothing(json, "last_rcode_name");
                return;
        }
        json_number(json, "last_rcode", (uint64_t)rcode);
        json_text(json, "last_rcode_name", rcode_name(rcode));
}

static void append_soa_query(struct json *json, const struct fleet_row *row)
{
        if (row->soa_usec == 0) {
                json_nothing(json, "last_soa_query");
                return;
        }
        json_open(json, "last_soa_query", '{');
        json_serial(json, "serial", row->soa_serial);
        json_time(json, "at", row->soa_usec);
        json_close(json, '}');
}

static void append_transfer(struct json *json, const struct fleet_row *row)
{
        if (row->transfer_usec == 0) {
                json_nothing(json, "last_transfer");
                return;
        }
        json_open(json, "last_transfer", '{');
        json_text(json, "kind", transfer_name(row->transfer_kind));
        json_serial(json, "from_serial", row->transfer_from_serial);
        json_serial(json, "to_serial", row->transferred_serial);
        json_number(json, "bytes", row->transfer_bytes);
        json_seconds(json, "duration_seconds", row->transfer_duration_usec);
        json_time(json, "at", row->transfer_usec);
        json_close(json, '}');
}

static void append_target(struct json *json, const struct fleet_target *target)
{
        char text[NAME_TEXT_MAX];
        struct address address = target->target.address;
        const struct fleet_row *row = &target->row;

        json_open(json, NULL, '{');
        address.port = 0;
        json_text(json, "address", address_format(&address, text));
        json_number(json, "port", target->target.address.port);
        json_text(json, "key", target->target.key ? name_to_zone_text(target->target.key->name, text) : NULL);
        json_text(json, "ns_name", target->from_ns_set ? target->ns_name : NULL);
        json_text(json, "phase", notify_phase_name(notify_target_phase(target)));
        json_bool(json, "down", row->is_down);
        json_serial(json, "notified_serial", row->notified_serial);
        json_time(json, "notified_at", row->notified_usec);
        json_serial(json, "acknowledged_serial", row->acknowledged_serial);
        json_time(json, "acknowledged_at", row->acknowledged_usec);
        json_bool(json, "acknowledged_unsigned", row->acknowledged_unsigned);
        append_rcode(json, row->last_rcode);
        json_number(json, "failures", row->failures);
        json_serial(json, "transferred_serial", row->transferred_serial);
        json_number(json, "transfers", row->transfer_count);
        append_soa_query(json, row);
        append_transfer(json, row);
        json_close(json, '}');
}

static void append_published(struct json *json, const struct store_zone *row)
{
        static const struct store_zone none = {0};
        const struct store_zone *shown = row ? row : &none;

        json_serial(json, "serial", shown->serial);
        json_serial(json, "file_serial", shown->file_serial);
        if (row)
                json_number(json, "records", row->record_count);
        else
                json_nothing(json, "records");
        json_time(json, "published_at", shown->published_usec);
        json_bool(json, "signed_elsewhere", shown->flags & STORE_ZONE_SIGNED_ELSEWHERE);
        if (!row) {
                json_nothing(json, "history");
                return;
        }
        json_open(json, "history", '{');
        json_number(json, "steps", row->step_count);
        json_serial(json, "oldest_serial", row->oldest_serial);
        json_number(json, "bytes", row->journal_end - row->journal_begin);
        json_close(json, '}');
}

static void append_details(struct json *json, const char *details, size_t max)
{
        size_t length = details ? strlen(details) : 0;
        if (length == 0) {
                json_nothing(json, "details");
                return;
        }
        if (length > max) { /* whole lines of it */
                const char *newline = memrchr(details, '\n', max);
                length = newline ? (size_t)(newline - details) + 1 : max;
        }
        json_text_sized(json, "details", details, length);
}

static void append_hash(struct json *json, const struct verdict *verdict)
{
        char text[2 * sizeof(verdict->hash) + 1];
        hex_encode(verdict->hash, sizeof(verdict->hash), text);
        json_text(json, "hash", text);
}

void status_append_verdict(
        struct json *json, const struct zone_entry *zone, const struct verdict *verdict, size_t details_max)
{
        json_text(json, "zone", zone->name_text);
        json_text(json, "file", zone->path);
        json_text(json, "verdict", verdict_kind_name(verdict->kind));
        json_serial(json, "serial_before", verdict->serial_before);
        json_serial(json, "serial", verdict->serial);
        json_number(json, "added", verdict->added);
        json_number(json, "removed", verdict->removed);
        json_text(json, "summary", verdict->summary);
        append_details(json, verdict->details, details_max);
        if (verdict->has_hash)
                append_hash(json, verdict);
}

/* Why a zone is in its state; nothing to say of one that is simply published. */
static const char *zone_reason(const struct zone_entry *zone)
{
        switch (zone->state) {
        case ZONE_LOADING:
        case ZONE_PUBLISHED:
                return NULL;
        case ZONE_BROKEN:
        case ZONE_HELD:
        case ZONE_FROZEN:
        case ZONE_MISSING:
        case ZONE_BEHIND:
        case ZONE_FAILED:
                return zone->verdict.summary;
        }
        return NULL;
}

static void append_targets(struct json *json, const struct status_sources *sources,
        const struct zone_entry *zone, const struct store_zone *row)
{
        struct fleet_zone *fleet_zone = row ? fleet_zone_get(sources->options->fleet, zone->name, row) : NULL;

        json_open(json, "targets", '[');
        for (size_t i = 0; fleet_zone && i < fleet_zone->target_count; i++)
                append_target(json, fleet_zone->targets[i]);
        json_close(json, ']');
}

void status_append_zone(struct json *json, const struct status_sources *sources, struct store_read *read,
        const struct zone_entry *zone, const struct store_zone *row, bool is_whole)
{
        json_open(json, NULL, '{');
        json_text(json, "zone", zone->name_text);
        json_text(json, "state", zone_state_name(zone->state));
        append_published(json, row);
        json_text(json, "file", zone->path);
        if (zone->commit)
                json_text(json, "commit", zone->commit);
        json_bool(json, "frozen", zone->is_frozen);
        json_text(json, "reason", zone_reason(zone));
        append_details(json, zone->verdict.details, is_whole ? SIZE_MAX : LIST_DETAILS_MAX);
        if (zone->verdict.has_hash)
                append_hash(json, &zone->verdict);
        status_append_serial(json, zone);
        status_append_rollback(json, read, row);
        json_time(json, "looked_at", zone->verdict.at_usec);
        append_targets(json, sources, zone, row);
        status_append_secondaries(json, sources, row ? zone->name : NULL, is_whole);
        status_append_pushes(json, sources, zone->name);
        json_close(json, '}');
}

static int append_zone_from(struct json *json, const struct status_sources *sources, struct store_read *read,
        const struct zone_entry *zone, bool is_whole)
{
        struct store_zone row;
        int r = store_zone_find(read, zone->name, &row);
        if (r < 0 && r != -ENOENT && r != -EUCLEAN)
                return r;
        status_append_zone(json, sources, read, zone, r == 0 ? &row : NULL, is_whole);
        return 0;
}

DEFINE_CLEANUP(struct store_read *, store_read_end);

int status_append_zone_now(
        struct json *json, const struct status_sources *sources, const struct zone_entry *zone, bool is_whole)
{
        CLEANUP(store_read_end_later) struct store_read *read = NULL;
        int r = store_read_begin(sources->options->store, &read);
        return r < 0 ? r : append_zone_from(json, sources, read, zone, is_whole);
}

static void append_server(struct json *json, const struct server *server)
{
        struct server_counters counters;
        struct address addresses[ADDRESSES_MAX];
        char text[ADDRESS_TEXT_MAX];

        server_counters(server, &counters);
        size_t count = server_addresses(server, addresses, ADDRESSES_MAX);
        json_open(json, "server", '{');
        json_open(json, "addresses", '[');
        for (size_t i = 0; i < count && i < ADDRESSES_MAX; i++)
                json_text(json, NULL, address_format(&addresses[i], text));
        json_close(json, ']');
        json_number(json, "udp_queries", counters.udp_queries);
        json_number(json, "tcp_queries", counters.tcp_queries);
        json_number(json, "tcp_connections", counters.tcp_connections);
        json_number(json, "transfers", counters.transfers);
        json_number(json, "transfers_running", counters.transfers_running);
        json_number(json, "transfer_bytes", counters.transfer_bytes);
        json_number(json, "refusals", counters.refusals);
        json_number(json, "dropped", counters.dropped);
        json_close(json, '}');
}

void status_append_daemon(struct json *json, const struct status_sources *sources)
{
        uint64_t used, limit;

        json_text(json, "version", ZONECRIER_VERSION);
        json_number(json, "pid", (uint64_t)getpid());
        json_time(json, "started_at", sources->started_usec);
        json_bool(json, "settled", registry_is_settled(sources->options->registry));
        store_usage(sources->options->store, &used, &limit);
        json_open(json, "store", '{');
        json_number(json, "used_bytes", used);
        json_number(json, "limit_bytes", limit);
        json_close(json, '}');
        status_append_git(json, sources);
        status_append_acl_use(json, sources);
        if (sources->options->server)
                append_server(json, sources->options->server);
}

/* ---- every zone ---- */

struct status_stream {
        struct stream stream; /* first */
        struct status_sources sources;
        struct buffer
                names; /* wire form, one behind the other: zones may come and go while the client reads */
        size_t position;
        bool has_begun;
        bool has_zone;
};

static void status_stream_free(struct stream *stream)
{
        struct status_stream *status = (struct status_stream *)stream;
        buffer_free(&status->names);
        free(status);
}

static int status_stream_next(struct stream *stream)
{
        struct status_stream *status = (struct status_stream *)stream;
        struct json json = {.out = &stream->pending};
        int r = 0;

        if (!status->has_begun) {
                status->has_begun = true;
                json_open(&json, NULL, '{');
                status_append_daemon(&json, &status->sources);
                json_open(&json, "zones", '[');
                buffer_append_u8(json.out, '\n');
                return 0;
        }
        if (status->position == status->names.length) {
                buffer_append_u8(json.out, '\n');
                json_close(&json, ']');
                json_close(&json, '}');
                buffer_append_u8(json.out, '\n');
                return 1;
        }
        const uint8_t *name = status->names.data + status->position;
        const struct zone_entry *zone = registry_find(status->sources.options->registry, name);
        status->position += name_length(name);
        if (zone) {
                if (status->has_zone)
                        buffer_append_text(json.out, ",\n");
                json.needs_comma = false;
                r = status_append_zone_now(&json, &status->sources, zone, false);
                status->has_zone = true;
        }
        return r;
}

int status_stream_new(const struct status_sources *sources, struct stream **ret_stream)
{
        struct status_stream *status = calloc(1, sizeof(*status));
        const struct zone_entry *zone;

        if (!status)
                return -ENOMEM;
        status->stream.next = status_stream_next;
        status->stream.free = status_stream_free;
        status->sources = *sources;
        for (size_t position = 0; (zone = registry_next(sources->options->registry, &position));)
                buffer_append(&status->names, zone->name, name_length(zone->name));
        if (buffer_status(&status->names) < 0) {
                status_stream_free(&status->stream);
                return -ENOMEM;
        }
        *ret_stream = &status->stream;
        return 0;
}
