/* A probe over TCP: a connection for one question (RFC 7766), its whole time bounded by the probe's timer.
 * Main loop. */
#include "probe/state.h"

#include "base/arena.h"
#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/random.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct stream {
        struct probe *probe;
        sd_event_source *source;
        int fd;
        uint16_t id;
        uint64_t begun_usec;
        struct tsig_context *context;
        uint8_t *bytes; /* first what is sent, with its two octets of length; then what came */
        size_t length, done;
        bool is_sent;
};

void probe_tcp_close(struct probe *probe)
{
        struct stream *stream = probe->stream;
        if (!stream)
                return;
        sd_event_source_disable_unref(stream->source);
        if (stream->fd >= 0)
                close(stream->fd);
        tsig_context_free(stream->context);
        free(stream->bytes);
        free(stream);
        probe->stream = NULL;
        probe->prober->stream_count--;
}

static void answer_came(struct stream *stream)
{
        CLEANUP(arena_free) struct arena arena = {0};
        struct probe *probe = stream->probe;
        struct probe_answer answer;
        int r = probe_judge(stream->bytes, stream->length, stream->id, probe->name, probe->question.type,
                stream->context, clock_realtime_usec() / USEC_PER_SEC, &arena, &answer);
        if (r < 0) {
                probe_end_with(probe, PROBE_NOT_SENT, r);
                return;
        }
        switch ((enum probe_judged)r) {
        case JUDGED_COUNTS:
                probe_answered(probe, &answer, stream->begun_usec);
                return;
        case JUDGED_BAD_TSIG:
                probe_note_bad_tsig(probe, &answer);
                probe_end(probe, &answer);
                return;
        case JUDGED_TRUNCATED:
        case JUDGED_IGNORED:
                probe_end_with(probe, PROBE_MALFORMED, 0);
                return;
        }
}

/* -errno of a connection that did not come to be, or broke. */
static void broke(struct stream *stream, int error)
{
        switch (-error) {
        case ECONNREFUSED:
        case ENETUNREACH:
        case EHOSTUNREACH:
        case EADDRNOTAVAIL:
        case EACCES:
        case EPERM:
        case ECONNRESET:
        case EPIPE:
                probe_end_with(stream->probe, PROBE_UNREACHABLE, error);
                return;
        default:
                probe_end_with(stream->probe, PROBE_SILENT, 0);
                return;
        }
}

/* 1: all is sent. 0: later. */
static int send_on(struct stream *stream)
{
        while (stream->done < stream->length) {
                ssize_t n = send(stream->fd, stream->bytes + stream->done, stream->length - stream->done,
                        MSG_NOSIGNAL | MSG_DONTWAIT);
                if (n < 0)
                        return errno == EAGAIN ? 0 : -errno;
                stream->done += (size_t)n;
        }
        return 1;
}

/* 1: the message is whole. 0: later. The first two octets are read into the buffer's begin, too. */
static int receive_on(struct stream *stream)
{
        for (;;) {
                ssize_t n = recv(stream->fd, stream->bytes + stream->done, stream->length - stream->done,
                        MSG_DONTWAIT);
                if (n == 0)
                        return -ECONNRESET;
                if (n < 0)
                        return errno == EAGAIN ? 0 : -errno;
                stream->done += (size_t)n;
                if (stream->done < stream->length)
                        continue;
                if (stream->length > 2)
                        return 1;
                size_t size = read_u16(stream->bytes);
                uint8_t *grown = realloc(stream->bytes, size + 3);
                if (!grown)
                        return -ENOMEM;
                stream->bytes = grown;
                stream->length = size + 2;
                if (size == 0)
                        return 1;
        }
}

static int stream_ready(sd_event_source *source, int fd, uint32_t events, void *context)
{
        struct stream *stream = context;
        struct prober *prober = stream->probe->prober;
        int r = 0;
        (void)source;
        (void)fd;
        (void)events;
        if (!stream->is_sent) {
                r = send_on(stream);
                if (r == 1) {
                        stream->is_sent = true;
                        stream->length = 2;
                        stream->done = 0;
                        r = sd_event_source_set_io_events(stream->source, EPOLLIN);
                }
        } else {
                r = receive_on(stream);
                if (r == 1) {
                        stream->length -= 2;
                        memmove(stream->bytes, stream->bytes + 2, stream->length);
                        answer_came(stream);
                        r = 0;
                }
        }
        if (r < 0)
                broke(stream, r);
        timers_arm(&prober->timers, clock_monotonic_usec());
        return 0;
}

static int question_build(struct probe *probe, struct stream *stream)
{
        const struct probe_question *question = &probe->question;
        stream->bytes = malloc(2 + PROBE_MESSAGE_MAX);
        if (!stream->bytes)
                return -ENOMEM;
        stream->id = (uint16_t)random_below(0x10000);
        size_t length = probe_message_build(stream->bytes + 2, stream->id, probe->name, question->type,
                !probe->without_edns, question->wants_nsid);
        if (question->key) {
                int r = tsig_context_new(question->key, &stream->context);
                if (r >= 0)
                        r = tsig_sign_request(stream->context, stream->bytes + 2, &length,
                                clock_realtime_usec() / USEC_PER_SEC);
                if (r < 0)
                        return r;
        }
        write_u16(stream->bytes, (uint16_t)length);
        stream->length = 2 + length;
        return 0;
}

/* The source's port is for datagrams: a second connection from it to the same server would not come to be. */
static int connect_begin(struct probe *probe, struct stream *stream)
{
        struct address source = probe->question.source;
        struct sockaddr_storage to;
        source.port = 0;
        source.family = probe->question.server.family;
        stream->fd = socket(source.family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (stream->fd < 0)
                return -errno;
        int r = socket_bind_source(stream->fd, &source);
        if (r < 0)
                return r;
        socklen_t to_length = address_to_sockaddr(&probe->question.server, &to);
        if (connect(stream->fd, (struct sockaddr *)&to, to_length) < 0 && errno != EINPROGRESS) {
                probe_end_with(probe, PROBE_UNREACHABLE, -errno);
                return 1;
        }
        return sd_event_add_io(
                probe->prober->event, &stream->source, stream->fd, EPOLLOUT, stream_ready, stream);
}

void probe_tcp_begin(struct probe *probe)
{
        struct stream *stream = calloc(1, sizeof(*stream));
        if (!stream) {
                probe_end_with(probe, PROBE_NOT_SENT, -ENOMEM);
                return;
        }
        stream->probe = probe;
        stream->fd = -1;
        stream->begun_usec = clock_monotonic_usec();
        probe->stream = stream;
        probe->prober->stream_count++;
        int r = question_build(probe, stream);
        if (r >= 0)
                r = connect_begin(probe, stream);
        if (r == 1)
                return;
        if (r < 0)
                probe_end_with(probe, PROBE_NOT_SENT, r);
        else
                probe_wait(probe, probe->question.tcp_wait_usec);
}
