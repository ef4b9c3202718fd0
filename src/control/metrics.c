/* The figures: running counters, so that a hundred thousand zones cost as much as one; and, where
 * zone-metrics asks for it, each zone's, streamed family by family.
 *
 * Names keep Prometheus' conventions: base units, _total for counters, no label whose values grow with the
 * zones unless it was asked for. */
#include "control/metrics.h"

#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "control/glance.h"
#include "control/stream.h"
#include "event/event.h"
#include "server/server.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static void family(struct buffer *out, const char *name, const char *type, const char *help)
{
        buffer_printf(out, "# HELP zonecrier_%s %s\n# TYPE zonecrier_%s %s\n", name, help, name, type);
}

static void append_label(struct buffer *out, const char *text)
{
        for (; *text; text++)
                if (*text == '\\' || *text == '"')
                        buffer_printf(out, "\\%c", *text);
                else if (*text == '\n')
                        buffer_append_text(out, "\\n");
                else
                        buffer_append_u8(out, (uint8_t)*text);
}

static void one(struct buffer *out, const char *name, const char *type, const char *help, uint64_t value)
{
        family(out, name, type, help);
        buffer_printf(out, "zonecrier_%s %" PRIu64 "\n", name, value);
}

static void labelled(
        struct buffer *out, const char *name, const char *label, const char *value, uint64_t number)
{
        buffer_printf(out, "zonecrier_%s{%s=\"", name, label);
        append_label(out, value);
        buffer_printf(out, "\"} %" PRIu64 "\n", number);
}

static void append_daemon(struct buffer *out, const struct status_sources *sources)
{
        uint64_t used, limit;

        family(out, "build_info", "gauge", "The version that runs; the value is always 1.");
        labelled(out, "build_info", "version", ZONECRIER_VERSION, 1);
        family(out, "start_time_seconds", "gauge", "When the daemon started, seconds since 1970.");
        buffer_printf(out, "zonecrier_start_time_seconds %.3f\n", (double)sources->started_usec / 1e6);
        one(out, "settled", "gauge", "1 once every zone known at the start has been looked at.",
                registry_is_settled(sources->options->registry));
        store_usage(sources->options->store, &used, &limit);
        one(out, "store_used_bytes", "gauge", "Of the store, in use.", used);
        one(out, "store_limit_bytes", "gauge", "What the store may grow to (store-size-limit).", limit);
}

static void append_zones(struct buffer *out, const struct status_sources *sources)
{
        const struct registry_figures *figures = registry_figures(sources->options->registry);

        family(out, "zones", "gauge", "Zones by state.");
        for (unsigned i = 0; i <= ZONE_STATE_LAST; i++)
                labelled(out, "zones", "state", zone_state_name((enum zone_state)i), figures->zones[i]);
        family(out, "looks_total", "counter", "Looks at a zone's text, by what became of them.");
        for (unsigned i = 0; i <= VERDICT_LAST; i++)
                labelled(out, "looks_total", "verdict", verdict_kind_name((enum verdict_kind)i),
                        figures->verdicts[i]);
}

static void append_server(struct buffer *out, const struct status_sources *sources)
{
        struct server_counters counters;

        if (!sources->options->server)
                return;
        server_counters(sources->options->server, &counters);
        family(out, "queries_total", "counter", "Queries, by transport.");
        labelled(out, "queries_total", "transport", "udp", counters.udp_queries);
        labelled(out, "queries_total", "transport", "tcp", counters.tcp_queries);
        one(out, "tcp_connections_total", "counter", "TCP connections taken.", counters.tcp_connections);
        one(out, "transfers_total", "counter", "AXFR and IXFR answered to their end.", counters.transfers);
        one(out, "transfers_running", "gauge", "Transfers at this moment.", counters.transfers_running);
        one(out, "transfer_bytes_total", "counter", "Sent in transfers.", counters.transfer_bytes);
        one(out, "refusals_total", "counter", "Queries refused by a rule, a limit or TSIG.",
                counters.refusals);
        one(out, "dropped_queries_total", "counter", "Queries left without an answer.", counters.dropped);
}

static void append_events(struct buffer *out, const struct status_sources *sources)
{
        struct events_figures figures = {0};

        if (!sources->options->events)
                return;
        events_figures(sources->options->events, &figures);
        family(out, "event_runs_total", "counter", "Runs of the program of on-event, by their end.");
        labelled(out, "event_runs_total", "result", "succeeded", figures.succeeded);
        labelled(out, "event_runs_total", "result", "failed", figures.failed);
        labelled(out, "event_runs_total", "result", "timed_out", figures.timed_out);
        one(out, "events_dropped_total", "counter", "Events that found no room in the queue of on-event.",
                figures.dropped);
        one(out, "events_waiting", "gauge", "Events that wait for a run of on-event's program.",
                figures.waiting);
        one(out, "events_running", "gauge", "Runs of on-event's program at this moment.", figures.running);
}

static void append_propagation(struct buffer *out, const struct recent *recent)
{
        uint64_t sum = 0;

        one(out, "publishes_total", "counter", "New serials published.", recent->publishes_total);
        family(out, "propagation_seconds", "histogram",
                "From the publish of a serial until a secondary has it.");
        for (size_t i = 0; i < RECENT_BUCKETS - 1; i++) {
                sum += recent->buckets[i];
                buffer_printf(out, "zonecrier_propagation_seconds_bucket{le=\"%g\"} %" PRIu64 "\n",
                        recent_bucket_ends[i], sum);
        }
        sum += recent->buckets[RECENT_BUCKETS - 1];
        buffer_printf(out,
                "zonecrier_propagation_seconds_bucket{le=\"+Inf\"} %" PRIu64 "\n"
                "zonecrier_propagation_seconds_sum %.6f\nzonecrier_propagation_seconds_count %" PRIu64 "\n",
                sum, recent->seconds_sum, sum);
}

void metrics_append(struct buffer *out, const struct status_sources *sources, const struct recent *recent)
{
        append_daemon(out, sources);
        append_zones(out, sources);
        append_propagation(out, recent);
        append_server(out, sources);
        append_events(out, sources);
        metrics_append_pushes(out, sources);
}

/* ---- each zone's ---- */

enum zone_family { FAMILY_SERIAL, FAMILY_STATE, FAMILY_SECONDARY_SERIAL, FAMILY_LAG, FAMILIES };

static const struct {
        const char *name, *help;
} zone_families[FAMILIES] = {
        [FAMILY_SERIAL] = {"zone_serial", "The published serial of the zone."},
        [FAMILY_STATE] = {"zone_ok", "1 while the zone's text is what is published, 0 in any other state."},
        [FAMILY_SECONDARY_SERIAL] = {"secondary_serial",
                "The serial that a secondary of the zone is known to have."},
        [FAMILY_LAG] = {"secondary_lag_seconds",
                "Since when a secondary of the zone has not had what is published; 0: it has."},
};

struct metrics_stream {
        struct stream stream; /* first */
        struct status_sources sources;
        struct buffer names; /* wire form, one behind the other */
        size_t position;
        unsigned family;
        uint64_t now_usec;
};

static void metrics_stream_free(struct stream *stream)
{
        struct metrics_stream *metrics = (struct metrics_stream *)stream;
        buffer_free(&metrics->names);
        free(metrics);
}

static void append_zone_line(
        struct buffer *out, const char *name, const char *zone, const char *secondary, double value)
{
        buffer_printf(out, "zonecrier_%s{zone=\"", name);
        append_label(out, zone);
        if (secondary) {
                buffer_append_text(out, "\",secondary=\"");
                append_label(out, secondary);
        }
        buffer_printf(out, "\"} %.15g\n", value);
}

static void append_zone(struct metrics_stream *metrics, const struct zone_entry *zone)
{
        struct buffer *out = &metrics->stream.pending;
        const char *name = zone_families[metrics->family].name;
        struct glance glance;

        switch ((enum zone_family)metrics->family) {
        case FAMILY_SERIAL:
                if (zone->verdict.serial != 0)
                        append_zone_line(out, name, zone->name_text, NULL, zone->verdict.serial);
                return;
        case FAMILY_STATE:
                append_zone_line(out, name, zone->name_text, NULL, zone->state == ZONE_PUBLISHED);
                return;
        case FAMILY_SECONDARY_SERIAL:
        case FAMILY_LAG:
                for (size_t i = 0; glance_get(&metrics->sources, zone, i, metrics->now_usec, &glance); i++)
                        if (metrics->family == FAMILY_LAG)
                                append_zone_line(out, name, zone->name_text, glance.name,
                                        glance.level == GLANCE_GOOD ? 0 : (double)glance.lag_usec / 1e6);
                        else if (glance.serial != 0)
                                append_zone_line(out, name, zone->name_text, glance.name, glance.serial);
                return;
        case FAMILIES:
                return;
        }
}

static int metrics_stream_next(struct stream *stream)
{
        struct metrics_stream *metrics = (struct metrics_stream *)stream;

        if (metrics->family == FAMILIES)
                return 1;
        if (metrics->position == 0)
                family(&stream->pending, zone_families[metrics->family].name, "gauge",
                        zone_families[metrics->family].help);
        if (metrics->position == metrics->names.length) {
                metrics->position = 0;
                metrics->family++;
                return 0;
        }
        const uint8_t *name = metrics->names.data + metrics->position;
        const struct zone_entry *zone = registry_find(metrics->sources.options->registry, name);
        metrics->position += name_length(name);
        if (zone)
                append_zone(metrics, zone);
        if (metrics->position == metrics->names.length) {
                metrics->position = 0;
                metrics->family++;
        }
        return 0;
}

int metrics_stream_new(
        const struct status_sources *sources, const struct recent *recent, struct stream **ret_stream)
{
        struct metrics_stream *metrics = calloc(1, sizeof *metrics);
        const struct zone_entry *zone;

        if (!metrics)
                return -ENOMEM;
        metrics->stream.next = metrics_stream_next;
        metrics->stream.free = metrics_stream_free;
        metrics->sources = *sources;
        metrics->now_usec = clock_realtime_usec();
        for (size_t position = 0; (zone = registry_next(sources->options->registry, &position));)
                buffer_append(&metrics->names, zone->name, name_length(zone->name));
        metrics_append(&metrics->stream.pending, sources, recent);
        if (buffer_status(&metrics->names) < 0) {
                buffer_free(&metrics->stream.pending);
                metrics_stream_free(&metrics->stream);
                return -ENOMEM;
        }
        *ret_stream = &metrics->stream;
        return 0;
}
