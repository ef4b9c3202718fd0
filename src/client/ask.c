/* One question, one answer. A datagram that is no answer to it is passed over: the right one may follow. */
#include "client/ask.h"

#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/random.h"
#include "dns/message.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#define UDP_SIZE 1232
#define UDP_TRIES 2
#define CLASS_IN_CODE 1
#define TYPE_OPT_CODE 41

void ask_answer_free(struct ask_answer *answer)
{
        record_list_free(&answer->records);
        *answer = (struct ask_answer){0};
}

static void build(const struct ask_question *question, uint16_t id, struct buffer *out)
{
        buffer_append_u16(out, id);
        buffer_append_u16(out, question->is_recursive ? FLAG_RD : 0);
        buffer_append_u16(out, 1);
        buffer_append_u16(out, 0);
        buffer_append_u16(out, 0);
        buffer_append_u16(out, 1);
        buffer_append(out, question->name, name_length(question->name));
        buffer_append_u16(out, question->type);
        buffer_append_u16(out, CLASS_IN_CODE);
        buffer_append_u8(out, 0); /* OPT: the root */
        buffer_append_u16(out, TYPE_OPT_CODE);
        buffer_append_u16(out, UDP_SIZE);
        buffer_append_u32(out, 0);
        buffer_append_u16(out, 0);
}

int ask_read(const uint8_t *bytes, size_t length, uint16_t id, const struct ask_question *question,
        struct arena *arena, struct ask_answer *ret_answer, bool *ret_truncated)
{
        struct request header;
        struct message_walk walk;
        struct record record;

        int r = request_parse(bytes, length, true, &header);
        if (r != MESSAGE_OK || header.id != id || header.qtype != question->type || header.qdcount != 1 ||
                !name_equal(header.qname, question->name))
                return 1;
        *ret_truncated = header.flags & FLAG_TC;
        ret_answer->result = ASK_ANSWERED;
        ret_answer->rcode = header.rcode;
        ret_answer->is_authoritative = header.flags & FLAG_AA;
        if (message_walk_begin(&walk, bytes, length) < 0)
                return 1;
        while ((r = message_walk_next(&walk, arena, &record)) == 0)
                if (record_list_add(&ret_answer->records, &record) < 0)
                        return -ENOMEM;
        return r == -ENOMEM ? r : 0; /* what came before a malformed record counts */
}

static int open_socket(const struct ask_question *question, int type, struct ask_answer *answer, int *ret_fd)
{
        struct sockaddr_storage name;
        socklen_t length = address_to_sockaddr(&question->server, &name);
        int fd = socket(question->server.family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

        if (fd >= 0 && (connect(fd, (struct sockaddr *)&name, length) == 0 || errno == EINPROGRESS)) {
                *ret_fd = fd;
                return 0;
        }
        answer->result = ASK_UNREACHABLE;
        answer->error = errno;
        if (fd >= 0)
                close(fd);
        return 1;
}

/* 1 = ready, 0 = time is up. */
static int wait_for(int fd, short events, uint64_t until_usec)
{
        struct pollfd ready = {.fd = fd, .events = events};
        for (;;) {
                uint64_t now = clock_monotonic_usec();
                if (now >= until_usec)
                        return 0;
                int r = poll(&ready, 1, (int)((until_usec - now) / USEC_PER_MSEC) + 1);
                if (r > 0)
                        return 1;
                if (r < 0 && errno != EINTR)
                        return 0;
        }
}

static int ask_udp(const struct ask_question *question, struct arena *arena, struct ask_answer *answer,
        bool *ret_truncated)
{
        CLEANUP_CLOSE int fd = -1;
        CLEANUP(buffer_free) struct buffer message = {0};
        uint8_t bytes[4096];
        uint16_t id = (uint16_t)random_below(65536);

        if (open_socket(question, SOCK_DGRAM, answer, &fd) != 0)
                return 0;
        build(question, id, &message);
        if (buffer_status(&message) < 0)
                return -ENOMEM;
        for (unsigned try = 0; try < UDP_TRIES; try++) {
                uint64_t until = clock_monotonic_usec() + question->wait_msec * USEC_PER_MSEC;
                if (send(fd, message.data, message.length, MSG_NOSIGNAL) < 0)
                        break;
                while (wait_for(fd, POLLIN, until)) {
                        ssize_t length = recv(fd, bytes, sizeof bytes, 0);
                        if (length < 0)
                                break;
                        int r = ask_read(bytes, (size_t)length, id, question, arena, answer, ret_truncated);
                        if (r <= 0)
                                return r;
                }
        }
        answer->error = errno == ECONNREFUSED ? ECONNREFUSED : 0;
        answer->result = answer->error ? ASK_UNREACHABLE : ASK_SILENT;
        return 0;
}

/* All of it within the time, or not at all. */
static bool move(int fd, uint8_t *bytes, size_t length, bool is_read, uint64_t until)
{
        for (size_t at = 0; at < length;) {
                if (!wait_for(fd, is_read ? POLLIN : POLLOUT, until))
                        return false;
                ssize_t n = is_read ? recv(fd, bytes + at, length - at, 0)
                                    : send(fd, bytes + at, length - at, MSG_NOSIGNAL);
                if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
                        return false;
                at += n > 0 ? (size_t)n : 0;
        }
        return true;
}

static int ask_tcp(const struct ask_question *question, struct arena *arena, struct ask_answer *answer)
{
        CLEANUP_CLOSE int fd = -1;
        CLEANUP(buffer_free) struct buffer message = {0};
        CLEANUP_FREE uint8_t *bytes = malloc(MESSAGE_MAX_SIZE);
        uint16_t id = (uint16_t)random_below(65536);
        uint64_t until = clock_monotonic_usec() + 2 * question->wait_msec * USEC_PER_MSEC;
        uint8_t size[2];
        bool truncated;

        if (open_socket(question, SOCK_STREAM, answer, &fd) != 0)
                return 0;
        buffer_append_u16(&message, 0);
        build(question, id, &message);
        if (!bytes || buffer_status(&message) < 0)
                return -ENOMEM;
        write_u16(message.data, (uint16_t)(message.length - 2));
        errno = 0;
        if (!move(fd, message.data, message.length, false, until) || !move(fd, size, 2, true, until) ||
                !move(fd, bytes, read_u16(size), true, until)) {
                answer->error = errno == EAGAIN || errno == EINTR ? 0 : errno;
                answer->result = answer->error ? ASK_UNREACHABLE : ASK_SILENT;
                return 0;
        }
        int r = ask_read(bytes, read_u16(size), id, question, arena, answer, &truncated);
        if (r == 1)
                answer->result = ASK_SILENT;
        return r < 0 ? r : 0;
}

int ask(const struct ask_question *question, struct arena *arena, struct ask_answer *ret_answer)
{
        bool truncated = false;

        *ret_answer = (struct ask_answer){.result = ASK_SILENT};
        if (!question->is_tcp) {
                int r = ask_udp(question, arena, ret_answer, &truncated);
                if (r < 0 || (ret_answer->result == ASK_ANSWERED && !truncated))
                        return r;
                if (ret_answer->result != ASK_ANSWERED)
                        return 0;
                ask_answer_free(ret_answer);
        }
        return ask_tcp(question, arena, ret_answer);
}
