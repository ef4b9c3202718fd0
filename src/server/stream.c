/* A transfer on its way: messages from transfer/ to a socket that takes what it takes. On the serving thread
 * of the connection.
 *
 *     begin --> take up to TRANSFER_AHEAD messages --> write --> ... --> end: one log line, one observation
 *
 * A slow reader must cost little. Between messages the view of the store is renewed; while octets wait they
 * are copied to the heap first. Where the zone has moved on the view has to stay, and what it pins has a
 * budget: beyond PIN_BYTES_MAX the transfer is dropped (every transfer is measured against the clock of the
 * store, so the slowest go first). */
#include "base/clock.h"
#include "base/log.h"
#include "base/log_ids.h"
#include "dns/type.h"
#include "server/state.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define WRITES_A_TURN 4
#define RENEW_BYTES (1 << 20) /* written since the view began */
#define RENEW_USEC (500 * USEC_PER_MSEC)
#define LEAVE_BYTES (8 << 20)
#define PIN_BYTES_MAX (256u << 20)
#define RATE_WINDOW_USEC (30 * USEC_PER_SEC)

/* ---- telling ---- */

static void serials_format(const struct transfer_summary *summary, char text[static 48])
{
        if (summary->kind == TRANSFER_AXFR)
                snprintf(text, 48, "serial %" PRIu32, summary->to_serial);
        else
                snprintf(
                        text, 48, "serial %" PRIu32 " to %" PRIu32, summary->from_serial, summary->to_serial);
}

/* What both ends of a story say: who got what. */
struct story {
        char zone[NAME_TEXT_MAX], peer[PEER_TEXT_MAX], address[ADDRESS_TEXT_MAX], key[NAME_TEXT_MAX],
                serials[48];
        const char *kind;
        struct transfer_summary summary;
        uint64_t duration_usec;
        struct log_fields fields;
};

static bool is_lone(const struct transfer_summary *summary)
{
        return summary->kind == TRANSFER_UP_TO_DATE || summary->kind == TRANSFER_CLIENT_AHEAD;
}

static void story_make(const struct connection *connection, const char *message_id, struct story *story)
{
        const struct stream *stream = connection->stream;
        const uint8_t *key_name = stream->key ? stream->key->name : NULL;
        transfer_summary(stream->transfer, &story->summary);
        story->duration_usec = clock_monotonic_usec() - stream->began_usec;
        story->kind = is_lone(&story->summary) ? "IXFR" : transfer_kind_name(story->summary.kind);
        serials_format(&story->summary, story->serials);
        peer_format(&connection->peer, key_name, story->peer);
        story->fields = (struct log_fields){
                .zone = name_to_zone_text(stream->zone, story->zone),
                .serial = story->summary.to_serial,
                .secondary = address_format(&connection->peer, story->address),
                .key = key_name ? name_to_zone_text(key_name, story->key) : NULL,
                .message_id = message_id,
                .bytes = (int64_t)stream->sent_bytes,
                .duration_usec = (int64_t)story->duration_usec,
        };
}

static void stream_end(struct thread *thread, struct connection *connection)
{
        struct story story;
        story_make(connection, MESSAGE_TRANSFER, &story);
        const struct transfer_summary *summary = &story.summary;
        /* A client ahead of us is posted; what is to be told of it is the main loop's, once. */
        bool is_ahead = summary->kind == TRANSFER_CLIENT_AHEAD;
        if (is_lone(summary))
                log_write(is_ahead ? LOG_DEBUG : LOG_INFO, &story.fields, "IXFR of %s to %s: %s (%s)",
                        story.zone, story.peer, transfer_kind_name(summary->kind), story.serials);
        else
                log_write(LOG_INFO, &story.fields,
                        "%s of %s to %s: %s, %" PRIu64 " bytes in %" PRIu64 " message%s, %" PRIu64
                        ".%03" PRIu64 " s",
                        story.kind, story.zone, story.peer, story.serials, summary->bytes, summary->messages,
                        summary->messages == 1 ? "" : "s", story.duration_usec / 1000000,
                        story.duration_usec / 1000 % 1000);
        if (!is_lone(summary))
                counter_add(&thread->counters.transfers, 1);
        observe_transfer(thread, is_ahead ? OBSERVED_CLIENT_AHEAD : OBSERVED_TRANSFER, connection, summary,
                story.duration_usec);
        stream_free(thread, connection);
}

void stream_break(struct thread *thread, struct connection *connection, const char *why)
{
        struct story story;
        story_make(connection, MESSAGE_TRANSFER_FAILED, &story);
        log_write(LOG_NOTICE, &story.fields, "%s of %s to %s (%s) broke off after %" PRIu64 " bytes: %s",
                story.kind, story.zone, story.peer, story.serials, connection->stream->sent_bytes, why);
        observe_transfer(thread, OBSERVED_TRANSFER_BROKEN, connection, &story.summary, story.duration_usec);
        stream_free(thread, connection);
}

void stream_free(struct thread *thread, struct connection *connection)
{
        struct stream *stream = connection->stream;
        if (!stream)
                return;
        if (stream->is_counted)
                atomic_fetch_sub(&thread->server->transfers, 1);
        place_give(stream->place);
        if (stream->transfer)
                transfer_free(stream->transfer);
        free(stream->unpinned);
        free(stream);
        connection->stream = NULL;
}

/* ---- beginning ---- */

static enum refusal transfer_open(struct thread *thread, struct query *query, struct transfer **ret_transfer)
{
        const struct conf_secondary *secondary = query->secondary;
        const struct transfer_request request = {
                .request = &query->request,
                .max_ixfr_ratio_percent = query->policy->max_ixfr_ratio_percent,
                .tcp = true,
                .secondary = secondary ? secondary->name : NULL,
                .strip_dnssec = secondary && secondary->strip_dnssec,
                .without_ixfr = secondary && !secondary->ixfr,
                .render = thread->render,
                .scratch = thread->scratch,
        };
        struct store_read *read;
        int r = store_read_begin(thread->server->store, &read);
        if (r < 0)
                return r == -ENOMEM ? REFUSAL_MEMORY : REFUSAL_STORE;
        struct tsig_context *tsig = query->tsig;
        query->tsig = NULL;
        r = transfer_new(read, &request, tsig, ret_transfer);
        if (r == -ENOENT)
                return REFUSAL_NO_ZONE; /* removed since it was looked up */
        if (r < 0)
                return r == -ENOMEM ? REFUSAL_MEMORY : REFUSAL_STORE;
        return REFUSAL_NONE;
}

/* transfers-out, over all threads. */
static bool take_place(struct thread *thread, const struct query *query)
{
        if (atomic_fetch_add(&thread->server->transfers, 1) < query->conf->options.transfers_out)
                return true;
        atomic_fetch_sub(&thread->server->transfers, 1);
        return false;
}

/* transfers-out of the secondary's own block. */
static enum refusal take_place_of_block(struct thread *thread, struct stream *stream)
{
        const struct conf_secondary *secondary = stream->secondary;
        if (!secondary || secondary->transfers_out == 0)
                return REFUSAL_NONE;
        stream->place = place_take(&thread->server->places, secondary->name, secondary->transfers_out);
        return stream->place ? REFUSAL_NONE : REFUSAL_PLACES;
}

/* A lone SOA is no transfer: one message, and no look at journal or leaves. */
static bool needs_place(const struct query *query)
{
        return query->request.qtype == TYPE_AXFR ||
               (query->request.authority_serial != query->zone.serial && !query->is_ahead);
}

void stream_begin(struct thread *thread, struct connection *connection, struct query *query)
{
        struct stream *stream = calloc(1, sizeof(*stream));
        if (!stream) {
                serve_refuse(thread, query, REFUSAL_MEMORY);
                return;
        }
        connection->stream = stream;
        stream->key = query->key;
        stream->secondary = query->secondary;
        stream->element = query->element;
        memcpy(stream->zone, query->name, name_length(query->name));
        stream->began_usec = stream->progress_usec = stream->renewed_usec = stream->window_usec =
                clock_monotonic_usec();
        enum refusal refusal = REFUSAL_NONE;
        if (needs_place(query)) {
                stream->is_counted = take_place(thread, query);
                refusal = stream->is_counted ? REFUSAL_NONE : REFUSAL_QUOTA;
                if (refusal == REFUSAL_NONE)
                        refusal = take_place_of_block(thread, stream);
        }
        if (refusal == REFUSAL_NONE)
                refusal = transfer_open(thread, query, &stream->transfer);
        if (refusal == REFUSAL_NONE)
                return;
        stream_free(thread, connection);
        /* The answer is signed all the same; the first signature went with the transfer. */
        if (query->key && !query->tsig)
                tsig_verify_request(query->key, &query->request, query->now_sec, &query->tsig);
        serve_refuse(thread, query, refusal);
}

/* ---- going on ---- */

static int pieces_fill(struct stream *stream)
{
        uint64_t now = clock_realtime_usec() / USEC_PER_SEC;
        stream->first = stream->count = 0;
        free(stream->unpinned);
        stream->unpinned = NULL;
        for (unsigned i = 0; i < TRANSFER_AHEAD; i++) {
                struct transfer_message message;
                int r = transfer_next(stream->transfer, now, &message);
                if (r < 0)
                        return r;
                if (r == 1) {
                        stream->is_taken = true;
                        break;
                }
                memcpy(&stream->pieces[stream->count], message.pieces,
                        message.piece_count * sizeof(message.pieces[0]));
                stream->count += message.piece_count;
        }
        return 0;
}

static void pieces_advance(struct stream *stream, size_t sent)
{
        while (sent > 0) {
                struct iovec *piece = &stream->pieces[stream->first];
                size_t step = sent < piece->iov_len ? sent : piece->iov_len;
                piece->iov_base = (uint8_t *)piece->iov_base + step;
                piece->iov_len -= step;
                sent -= step;
                if (piece->iov_len == 0)
                        stream->first++;
        }
        while (stream->first < stream->count && stream->pieces[stream->first].iov_len == 0)
                stream->first++;
}

/* 1 = went out, 0 = the socket is full. */
static int pieces_write(struct thread *thread, struct connection *connection)
{
        struct stream *stream = connection->stream;
        struct msghdr message = {
                .msg_iov = &stream->pieces[stream->first],
                .msg_iovlen = stream->count - stream->first,
        };
        ssize_t sent = sendmsg(connection->fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent < 0)
                return errno == EAGAIN || errno == EINTR ? 0 : -errno;
        stream->progress_usec = connection->active_usec = clock_monotonic_usec();
        stream->sent_bytes += (uint64_t)sent;
        stream->window_bytes += (uint64_t)sent;
        counter_add(&thread->counters.transfer_bytes, (uint64_t)sent);
        pieces_advance(stream, (size_t)sent);
        return 1;
}

static uint64_t pinned_bytes(const struct thread *thread, const struct stream *stream)
{
        uint64_t written = store_written_bytes(thread->server->store),
                 began = transfer_clock(stream->transfer);
        return written > began ? written - began : 0;
}

/* Between messages: no piece lies in the map. */
static int view_renew(struct thread *thread, struct stream *stream)
{
        stream->renewed_usec = clock_monotonic_usec();
        int r = transfer_renew(stream->transfer, thread->server->store);
        if (r == 1)
                stream->is_stuck = true; /* versions never come back */
        return r < 0 ? r : 0;
}

static int pieces_next(struct thread *thread, struct stream *stream)
{
        if (!stream->is_stuck && pinned_bytes(thread, stream) > RENEW_BYTES &&
                clock_monotonic_usec() - stream->renewed_usec > RENEW_USEC) {
                int r = view_renew(thread, stream);
                if (r < 0)
                        return r;
        }
        return pieces_fill(stream);
}

static const char *failure_text(int r)
{
        if (r == -EUCLEAN)
                return "a stored value is damaged";
        return r == -ENOMEM ? "out of memory" : strerrordesc_np(-r);
}

int stream_run(struct thread *thread, struct connection *connection)
{
        struct stream *stream = connection->stream;
        for (unsigned i = 0; i < WRITES_A_TURN; i++) {
                int r = 0;
                if (stream->first == stream->count && !stream->is_taken)
                        r = pieces_next(thread, stream);
                if (r == 0 && stream->first == stream->count) {
                        stream_end(thread, connection);
                        return STREAM_DONE;
                }
                if (r == 0) {
                        r = pieces_write(thread, connection);
                        if (r == 0)
                                return STREAM_BLOCKED;
                }
                if (r < 0) {
                        if (r == -EUCLEAN) {
                                struct transfer_summary summary;
                                transfer_summary(stream->transfer, &summary);
                                observe_transfer(thread, OBSERVED_DAMAGED, connection, &summary, 0);
                        }
                        stream_break(thread, connection, failure_text(r));
                        return r;
                }
        }
        return STREAM_BLOCKED;
}

/* ---- once a tick ---- */

/* What still waits goes to the heap, so that the view can be left while the peer does not read. */
static int pieces_unpin(struct stream *stream)
{
        size_t size = 0;
        for (size_t i = stream->first; i < stream->count; i++)
                size += stream->pieces[i].iov_len;
        if (stream->unpinned || size == 0)
                return 0;
        uint8_t *copy = malloc(size), *at = copy;
        if (!copy)
                return -ENOMEM;
        for (size_t i = stream->first; i < stream->count; i++) {
                memcpy(at, stream->pieces[i].iov_base, stream->pieces[i].iov_len);
                at += stream->pieces[i].iov_len;
        }
        stream->unpinned = copy;
        stream->pieces[0] = (struct iovec){copy, size};
        stream->first = 0;
        stream->count = 1;
        return 0;
}

static bool is_too_slow(struct stream *stream, uint64_t min_rate, uint64_t now_usec)
{
        uint64_t length = now_usec - stream->window_usec;
        if (length < RATE_WINDOW_USEC)
                return false;
        bool is_slow = stream->window_bytes < min_rate * (length / USEC_PER_SEC);
        stream->window_usec = now_usec;
        stream->window_bytes = 0;
        return is_slow;
}

const char *stream_tick(struct thread *thread, struct connection *connection, uint64_t now_usec)
{
        struct stream *stream = connection->stream;
        const struct conf_options *options = &connection->conf->options;
        if (now_usec - stream->began_usec > options->transfer_time_usec)
                return "it took longer than max-transfer-time-out";
        if (now_usec - stream->progress_usec > options->transfer_idle_usec)
                return "the peer has read nothing for max-transfer-idle-out";
        if (is_too_slow(stream, options->min_transfer_rate, now_usec))
                return "slower than min-transfer-rate";
        uint64_t pinned = pinned_bytes(thread, stream);
        if (pinned > PIN_BYTES_MAX)
                return "the slowest reader held back more of the store than its budget";
        if (stream->is_stuck || pinned < LEAVE_BYTES)
                return NULL;
        if (pieces_unpin(stream) == 0 && view_renew(thread, stream) < 0)
                return "the store cannot be read";
        return NULL;
}
