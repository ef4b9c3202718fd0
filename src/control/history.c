/* log and diff. Main loop.
 *
 * Both read the journal as the client takes it: some steps a turn, so that a long history holds nothing up.
 * An answer that meets damage breaks off, which the client sees. */
#include "control/history.h"

#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/json.h"
#include "control/status.h"
#include "control/stream.h"
#include "dns/rdata.h"
#include "fleet/fleet.h"
#include "publish/provenance.h"
#include "publish/rollback.h"
#include "store/history.h"

#include <errno.h>
#include <stdlib.h>

#define STEPS_A_TURN 512
#define PIECE_BYTES 8192
#define PAUSE 2

void status_append_rollback(struct json *json, struct store_read *read, const struct store_zone *row)
{
        struct rollback rollback;
        if (!row || rollback_read(read, row, &rollback) < 0)
                return;
        json_open(json, "rolled_back", '{');
        json_serial(json, "to_serial", rollback.to_serial);
        json_time(json, "at", rollback.at_usec);
        json_close(json, '}');
}

/* ---- log ---- */

struct log_stream {
        struct stream stream; /* first */
        struct store_read *read;
        struct store_zone row;
        struct fleet *fleet;
        uint8_t zone[NAME_MAX_LENGTH];
        uint64_t version; /* the next */
        bool has_begun;
};

static void log_stream_free(struct stream *stream)
{
        struct log_stream *log = (struct log_stream *)stream;
        store_read_end(log->read);
        free(log);
}

static bool target_has(const struct fleet_target *target, uint32_t serial)
{
        const struct fleet_row *row = &target->row;
        return row->transferred_serial == serial ||
               (row->acknowledged_serial == serial && row->soa_serial == serial);
}

static void append_target_name(struct json *json, const struct fleet_target *target)
{
        char text[ADDRESS_TEXT_MAX];
        struct address address = target->target.address;

        address.port = 0;
        if (target->target.secondary)
                json_text(json, NULL, target->target.secondary->name);
        else
                json_text(json, NULL, target->ns_name ? target->ns_name : address_format(&address, text));
}

/* Who is known to have this serial, and no newer one. */
static void append_has(struct json *json, const struct log_stream *log, uint32_t serial)
{
        /* Asked each time: the zone's targets may go while the client reads. */
        const struct fleet_zone *zone = fleet_zone_get(log->fleet, log->zone, NULL);

        json_open(json, "has", '[');
        for (size_t i = 0; zone && i < zone->target_count; i++)
                if (target_has(zone->targets[i], serial))
                        append_target_name(json, zone->targets[i]);
        json_close(json, ']');
}

static void append_provenance(struct json *json, const char *text)
{
        struct provenance provenance;

        provenance_read(text, &provenance);
        if (*provenance.file)
                json_text(json, "file", provenance.file);
        if (*provenance.by)
                json_text(json, "by", provenance.by);
        if (!provenance.has_commit)
                return;
        json_open(json, "commit", '{');
        json_text(json, "id", provenance.commit.id);
        if (*provenance.commit.author) { /* of a folder's work tree the id alone is known */
                json_text(json, "author", provenance.commit.author);
                json_text(json, "subject", provenance.commit.subject);
                json_time(json, "time", provenance.commit.time_sec * 1000000);
        }
        json_close(json, '}');
}

/* The version that a step leads to; the oldest has none, and then nothing is known but its serial. */
static int append_version(struct log_stream *log, struct json *json)
{
        struct store_step step;
        bool is_oldest = log->version == log->row.oldest_version;
        uint32_t serial = log->version == log->row.version ? log->row.serial : log->row.oldest_serial;
        int r = is_oldest ? 0 : store_step_get(log->read, log->row.id, log->version, &step);

        if (r < 0)
                return r == -ENOENT ? -EUCLEAN : r;
        if (!is_oldest)
                serial = step.serial_to;
        json_open(json, NULL, '{');
        json_serial(json, "serial", serial);
        if (!is_oldest) {
                json_time(json, "published_at", step.published_usec);
                json_number(json, "added", step.added_count);
                json_number(json, "removed", step.removed_count);
                append_provenance(json, step.provenance);
        } else if (log->version == log->row.version)
                json_time(json, "published_at", log->row.published_usec);
        append_has(json, log, serial);
        json_close(json, '}');
        return 0;
}

static int log_stream_next(struct stream *stream)
{
        struct log_stream *log = (struct log_stream *)stream;
        struct json json = {.out = &stream->pending};
        char name[NAME_TEXT_MAX];

        if (!log->has_begun) {
                log->has_begun = true;
                json_open(&json, NULL, '{');
                json_text(&json, "zone", name_to_zone_text(log->zone, name));
                status_append_rollback(&json, log->read, &log->row);
                json_open(&json, "versions", '[');
                return 0;
        }
        json.needs_comma = log->version != log->row.version;
        int r = append_version(log, &json);
        if (r < 0)
                return r;
        if (log->version-- > log->row.oldest_version)
                return 0;
        json_close(&json, ']');
        json_close(&json, '}');
        buffer_append_u8(&stream->pending, '\n');
        return 1;
}

int log_stream_new(struct store *store, struct fleet *fleet, const uint8_t *zone, struct stream **ret_stream)
{
        struct log_stream *log = calloc(1, sizeof(*log));

        if (!log)
                return -ENOMEM;
        log->stream.next = log_stream_next;
        log->stream.free = log_stream_free;
        log->fleet = fleet;
        name_fold(zone, log->zone);
        int r = store_read_begin(store, &log->read);
        if (r == 0)
                r = store_zone_find(log->read, zone, &log->row);
        if (r < 0) {
                log_stream_free(&log->stream);
                return r;
        }
        log->version = log->row.version;
        *ret_stream = &log->stream;
        return 0;
}

/* ---- diff ---- */

struct diff_stream {
        struct stream stream; /* first */
        struct store_read *read;
        struct store_difference *difference;
        struct record soa_from, soa_to;
        bool has_begun;
};

static void diff_stream_free(struct stream *stream)
{
        struct diff_stream *diff = (struct diff_stream *)stream;
        store_difference_close(diff->difference);
        store_read_end(diff->read);
        free(diff);
}

static void append_line(struct buffer *out, char sign, const struct record *record)
{
        buffer_append_u8(out, (uint8_t)sign);
        record_to_text(record, out);
        buffer_append_u8(out, '\n');
}

/* Nothing to tell yet. */
static int pause_stream(struct stream *stream)
{
        buffer_append_u8(&stream->pending, '\n');
        return PAUSE;
}

static int diff_stream_next(struct stream *stream)
{
        struct diff_stream *diff = (struct diff_stream *)stream;
        struct buffer *out = &stream->pending;
        struct record record;
        bool is_added;
        int r;

        if (!diff->has_begun) {
                r = store_difference_prepare(diff->difference, STEPS_A_TURN);
                if (r <= 0)
                        return r < 0 ? r : pause_stream(stream);
                diff->has_begun = true;
                if (!record_is_identical(&diff->soa_from, &diff->soa_to)) {
                        append_line(out, '-', &diff->soa_from);
                        append_line(out, '+', &diff->soa_to);
                }
                return 0;
        }
        for (size_t end = out->length + PIECE_BYTES; out->length < end;) {
                r = store_difference_next(diff->difference, &record, &is_added);
                if (r == STORE_DIFFERENCE_MORE)
                        return pause_stream(stream);
                if (r != 0)
                        return r;
                append_line(out, is_added ? '+' : '-', &record);
                if (out->failed)
                        return -ENOMEM;
        }
        return 0;
}

static int diff_open(
        struct diff_stream *diff, struct store *store, const uint8_t *zone, uint32_t from, uint32_t to)
{
        uint64_t version_from = 0, version_to = 0;
        struct store_zone row;
        int r = store_read_begin(store, &diff->read);

        if (r == 0)
                r = store_zone_find(diff->read, zone, &row);
        if (r < 0)
                return r;
        r = store_version_of(diff->read, &row, from, &version_from);
        if (r == 0)
                r = store_version_of(diff->read, &row, to, &version_to);
        if (r == 0)
                r = store_soa_of(diff->read, &row, version_from, &diff->soa_from);
        if (r == 0)
                r = store_soa_of(diff->read, &row, version_to, &diff->soa_to);
        if (r == 0)
                r = store_difference_open(diff->read, &row, version_from, version_to, &diff->difference);
        return r == -ENOENT ? -ESTALE : r;
}

int diff_stream_new(
        struct store *store, const uint8_t *zone, uint32_t from, uint32_t to, struct stream **ret_stream)
{
        struct diff_stream *diff = calloc(1, sizeof(*diff));

        if (!diff)
                return -ENOMEM;
        diff->stream.next = diff_stream_next;
        diff->stream.free = diff_stream_free;
        int r = diff_open(diff, store, zone, from, to);
        if (r < 0) {
                diff_stream_free(&diff->stream);
                return r;
        }
        *ret_stream = &diff->stream;
        return 0;
}
