/* One version of a zone as text (I1: the view is kept from the first octet to the last). Main loop.
 *
 * A view pins pages that commits free, so a client that stops reading is cut off by the connection's time
 * limit. Damage in the store ends the answer in the middle, which the client sees as such: never a zone with
 * records left out. */
#include "control/show.h"

#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "base/log_ids.h"
#include "control/stream.h"
#include "dns/name.h"
#include "dns/rdata.h"
#include "store/history.h"

#include <errno.h>
#include <string.h>

#define PIECE_BYTES 8192

struct show_stream {
        struct stream stream; /* first */
        struct store_read *read;
        struct store_records *records;
        struct store_past *past; /* in place of records: an earlier version */
        struct store_zone row;   /* serial and SOA are the shown version's */
        char zone_text[NAME_TEXT_MAX];
        bool has_begun;
        bool is_dump;
};

static void show_stream_free(struct stream *stream)
{
        struct show_stream *show = (struct show_stream *)stream;
        store_records_close(show->records);
        store_past_close(show->past);
        store_read_end(show->read);
        free(show);
}

static void append_record(struct buffer *out, const struct record *record)
{
        record_to_text(record, out);
        buffer_append_u8(out, '\n');
}

static int append_beginning(struct show_stream *show)
{
        struct buffer *out = &show->stream.pending;
        if (show->is_dump) {
                int r = store_dump_zone(show->read, show->row.name, false, out);
                if (r < 0)
                        return r;
                buffer_append_u8(out, '\n');
        }
        buffer_printf(out, "; zone %s, serial %u\n", show->zone_text, show->row.serial);
        append_record(out, &show->row.soa);
        return 0;
}

static int show_failed(struct show_stream *show, int r)
{
        if (r == -EUCLEAN) {
                struct log_fields fields = {.zone = show->zone_text,
                        .serial = show->row.serial,
                        .message_id = MESSAGE_STORE_DAMAGED};
                log_write(LOG_ERR, &fields, "%s: a stored value is damaged; its text is not shown to the end",
                        show->zone_text);
        }
        return r;
}

#define STEPS_A_TURN 512
#define PAUSE 2

/* Steps of the journal are opened some at a time; a line feed keeps the answer going. */
static int prepare_past(struct show_stream *show)
{
        int r = show->past ? store_past_prepare(show->past, STEPS_A_TURN) : 1;
        if (r == 0)
                buffer_append_u8(&show->stream.pending, '\n');
        return r < 0 ? show_failed(show, r) : r == 0 ? PAUSE : 0;
}

static int next_record(struct show_stream *show, struct record *ret_record)
{
        return show->past ? store_past_next(show->past, ret_record)
                          : store_records_next(show->records, ret_record);
}

static int show_stream_next(struct stream *stream)
{
        struct show_stream *show = (struct show_stream *)stream;
        struct record record;

        if (!show->has_begun) {
                int waits = prepare_past(show);
                if (waits != 0)
                        return waits;
                show->has_begun = true;
                int r = append_beginning(show);
                return r < 0 ? show_failed(show, r) : 0;
        }
        for (size_t end = stream->pending.length + PIECE_BYTES; stream->pending.length < end;) {
                int r = next_record(show, &record);
                if (r == STORE_DIFFERENCE_MORE) {
                        buffer_append_u8(&stream->pending, '\n');
                        return PAUSE;
                }
                if (r != 0)
                        return r > 0 ? 1 : show_failed(show, r);
                append_record(&stream->pending, &record);
                if (stream->pending.failed)
                        return -ENOMEM;
        }
        return 0;
}

static int show_open(struct show_stream *show, struct store *store, const uint8_t *zone)
{
        int r = store_read_begin(store, &show->read);
        if (r == 0)
                r = store_zone_find(show->read, zone, &show->row);
        if (r == 0)
                r = store_records_open(show->read, show->row.id, &show->records);
        if (r == 0)
                r = store_records_seek(show->records, NULL);
        return r;
}

/* -ESTALE: the journal does not reach that serial. */
static int show_open_past(struct show_stream *show, uint32_t serial)
{
        uint64_t version = 0;
        int r = store_version_of(show->read, &show->row, serial, &version);
        if (r == -ENOENT)
                return -ESTALE;
        if (r == 0)
                r = store_past_open(show->read, &show->row, version, &show->past);
        if (r == 0)
                r = store_soa_of(show->read, &show->row, version, &show->row.soa);
        show->row.serial = serial;
        return r;
}

static int stream_new(
        struct store *store, const uint8_t *zone, bool is_dump, uint32_t serial, struct stream **ret_stream)
{
        struct show_stream *show = calloc(1, sizeof(*show));
        if (!show)
                return -ENOMEM;
        show->stream.next = show_stream_next;
        show->stream.free = show_stream_free;
        show->is_dump = is_dump;
        name_to_zone_text(zone, show->zone_text);
        int r = show_open(show, store, zone);
        if (r == 0 && serial != 0)
                r = show_open_past(show, serial);
        if (r < 0) {
                show_stream_free(&show->stream);
                return r;
        }
        *ret_stream = &show->stream;
        return 0;
}

int show_stream_new(struct store *store, const uint8_t *zone, uint32_t serial, struct stream **ret_stream)
{
        return stream_new(store, zone, false, serial, ret_stream);
}

int dump_stream_new(struct store *store, const uint8_t *zone, struct stream **ret_stream)
{
        return stream_new(store, zone, true, 0, ret_stream);
}
