/* TCP (RFC 7766): accepting, requests out of the input, answers into the output, one connection after its own
 * order. On the serving thread that accepted it.
 *
 *     read -> in: length, message, length, message ... -> one at a time: -> out (small answers)
 *                                                                        -> stream (a transfer) -> write
 *
 * While an answer waits or a transfer runs nothing more is read, so a connection holds little. Whatever has
 * to go on without the peer's doing waits for EPOLLOUT, which a writable socket gives at once: so requests
 * that lie in the input behind a transfer are never forgotten, and no connection keeps the thread to itself.
 */
#include "base/clock.h"
#include "server/state.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define ACCEPTS_A_TURN 32
#define REQUESTS_A_TURN 32
#define READ_BYTES 1024
#define OUT_BYTES 16384 /* small answers gathered before they are written */
#define KEEP_BYTES 8192 /* an idle buffer above it is given back */
#define EVICT_USEC USEC_PER_SEC

/* ---- life ---- */

void connections_free_dead(struct thread *thread)
{
        while (thread->dead) {
                struct connection *connection = thread->dead;
                thread->dead = connection->next;
                free(connection);
        }
}

/* Events of the batch at hand may still name it, so the struct goes later. */
void connection_close(struct thread *thread, struct connection *connection)
{
        if (connection->is_dead)
                return;
        if (connection->stream)
                stream_break(thread, connection, "the connection was closed");
        close(connection->fd);
        buffer_free(&connection->in);
        buffer_free(&connection->out);
        conf_unref(connection->conf);
        atomic_fetch_sub(connection->peer_count, 1);
        atomic_fetch_sub(&thread->server->connections, 1);
        if (connection->previous)
                connection->previous->next = connection->next;
        else
                thread->connections = connection->next;
        if (connection->next)
                connection->next->previous = connection->previous;
        connection->is_dead = true;
        connection->next = thread->dead;
        thread->dead = connection;
}

static bool is_idle(const struct connection *connection)
{
        return !connection->stream && connection->out.length == connection->out_at;
}

/* When all places are taken, the connection that has been silent longest makes room; one that works never
 * does. */
static bool evict_idle(struct thread *thread)
{
        struct connection *oldest = NULL;
        for (struct connection *connection = thread->connections; connection; connection = connection->next)
                if (is_idle(connection) && (!oldest || connection->active_usec < oldest->active_usec))
                        oldest = connection;
        if (!oldest || clock_monotonic_usec() - oldest->active_usec < EVICT_USEC)
                return false;
        connection_close(thread, oldest);
        return true;
}

/* Takes one of tcp-clients' places and one of the peer's. */
static bool take_places(struct thread *thread, const struct conf_options *options, const struct address *peer,
        _Atomic uint32_t **ret_peer_count)
{
        struct server *server = thread->server;
        _Atomic uint32_t *peer_count = connection_counts_slot(&server->by_peer, peer);
        if (atomic_fetch_add(peer_count, 1) >= options->tcp_clients_per_peer) {
                atomic_fetch_sub(peer_count, 1);
                return false;
        }
        if (atomic_fetch_add(&server->connections, 1) >= options->tcp_clients && !evict_idle(thread)) {
                atomic_fetch_sub(&server->connections, 1);
                atomic_fetch_sub(peer_count, 1);
                return false;
        }
        *ret_peer_count = peer_count;
        return true;
}

static bool asks_itself(int fd, const struct address *peer)
{
        struct sockaddr_storage storage;
        socklen_t size = sizeof(storage);
        struct address local;
        if (address_is_loopback(peer))
                return true;
        return getsockname(fd, (struct sockaddr *)&storage, &size) == 0 &&
               address_from_sockaddr((struct sockaddr *)&storage, &local) == 0 && address_equal(&local, peer);
}

static struct connection *connection_new(
        struct thread *thread, int fd, const struct address *peer, _Atomic uint32_t *peer_count)
{
        struct connection *connection = calloc(1, sizeof(*connection));
        if (!connection)
                return NULL;
        connection->watched = WATCHED_CONNECTION;
        connection->fd = fd;
        connection->peer = *peer;
        connection->peer_is_local = asks_itself(fd, peer);
        connection->peer_count = peer_count;
        connection->active_usec = clock_monotonic_usec();
        connection->events = EPOLLIN;
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = connection};
        if (epoll_ctl(thread->epoll, EPOLL_CTL_ADD, fd, &event) < 0) {
                free(connection);
                return NULL;
        }
        connection->conf = conf_ref(thread->conf);
        connection->next = thread->connections;
        if (connection->next)
                connection->next->previous = connection;
        thread->connections = connection;
        return connection;
}

static void accept_one(struct thread *thread, int fd, const struct sockaddr *sockaddr)
{
        struct address peer;
        _Atomic uint32_t *peer_count;
        counter_add(&thread->counters.tcp_connections, 1);
        if (address_from_sockaddr(sockaddr, &peer) < 0 ||
                !take_places(thread, &thread->conf->options, &peer, &peer_count)) {
                counter_add(&thread->counters.dropped, 1);
                close(fd);
                return;
        }
        if (!connection_new(thread, fd, &peer, peer_count)) {
                atomic_fetch_sub(&thread->server->connections, 1);
                atomic_fetch_sub(peer_count, 1);
                close(fd);
        }
}

void tcp_accept(struct thread *thread, struct listen_socket *socket)
{
        for (unsigned i = 0; i < ACCEPTS_A_TURN; i++) {
                struct sockaddr_storage storage;
                socklen_t size = sizeof(storage);
                int fd =
                        accept4(socket->fd, (struct sockaddr *)&storage, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
                if (fd >= 0) {
                        accept_one(thread, fd, (struct sockaddr *)&storage);
                        continue;
                }
                if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
                        /* It would wake us again at once and for nothing. */
                        epoll_ctl(thread->epoll, EPOLL_CTL_DEL, socket->fd, NULL);
                        socket->is_paused = true;
                        return;
                }
                if (errno == EAGAIN)
                        return;
                /* The peer has gone again, or its network has: the next one. */
        }
}

/* ---- input ---- */

/* Octets of the message at in_at with its length in front, or 0 while it is not whole. */
static size_t message_waiting(const struct connection *connection)
{
        size_t left = connection->in.length - connection->in_at;
        if (left < 2)
                return 0;
        size_t size = 2u + read_u16(connection->in.data + connection->in_at);
        return left >= size ? size : 0;
}

static void input_compact(struct connection *connection)
{
        struct buffer *in = &connection->in;
        if (connection->in_at == 0)
                return;
        in->length -= connection->in_at;
        memmove(in->data, in->data + connection->in_at, in->length);
        connection->in_at = 0;
        if (in->length == 0 && in->capacity > KEEP_BYTES)
                buffer_free(in);
}

/* Reads about as much as there is already, so that memory follows what the peer has really sent. */
static int input_read(struct connection *connection)
{
        input_compact(connection);
        size_t room = connection->in.length > READ_BYTES ? connection->in.length : READ_BYTES;
        uint8_t *at = buffer_reserve(&connection->in, room);
        if (!at)
                return -ENOMEM;
        ssize_t got = recv(connection->fd, at, room, MSG_DONTWAIT);
        if (got < 0)
                return errno == EAGAIN || errno == EINTR ? 0 : -errno;
        if (got == 0)
                connection->is_ended = true;
        connection->in.length += (size_t)got;
        return 0;
}

/* ---- answers ---- */

static int answer_append(struct thread *thread, struct connection *connection, struct query *query)
{
        if (query->verdict == QUERY_DROP)
                return 0;
        size_t length = answer_write(query, thread->render, thread->scratch, MESSAGE_MAX_SIZE);
        if (length == 0)
                return -EIO;
        buffer_append_u16(&connection->out, (uint16_t)length);
        buffer_append(&connection->out, thread->scratch, length);
        return buffer_status(&connection->out);
}

/* Between requests a connection takes over a new configuration: whom it refuses is refused at once. */
static void conf_renew(struct thread *thread, struct connection *connection)
{
        if (connection->conf == thread->conf)
                return;
        conf_unref(connection->conf);
        connection->conf = conf_ref(thread->conf);
}

/* One request. Negative: close (it is no DNS, or nothing can be said). */
static int request_serve(
        struct thread *thread, struct connection *connection, const uint8_t *bytes, size_t length)
{
        struct query query = {
                .read = thread->read,
                .peer = connection->peer,
                .peer_is_local = connection->peer_is_local,
                .over_tcp = true,
                .now_sec = clock_realtime_usec() / USEC_PER_SEC,
        };
        counter_add(&thread->counters.tcp_queries, 1);
        conf_renew(thread, connection);
        query.conf = connection->conf;
        int r = store_read_renew(thread->read);
        if (r < 0)
                return r;
        serve_decide(thread, &query, bytes, length);
        if (query.verdict == QUERY_DROP)
                r = -EBADMSG;
        else if (query.verdict == QUERY_TRANSFER)
                stream_begin(thread, connection, &query);
        if (query.verdict == QUERY_ERROR || query.verdict == QUERY_SOA || query.verdict == QUERY_NS)
                r = answer_append(thread, connection, &query);
        tsig_context_free(query.tsig);
        return r;
}

static int requests_serve(struct thread *thread, struct connection *connection, unsigned *count)
{
        size_t size;
        while (!connection->stream && !thread->is_stopping && connection->out.length < OUT_BYTES &&
                *count < REQUESTS_A_TURN && (size = message_waiting(connection)) > 0) {
                const uint8_t *message = connection->in.data + connection->in_at + 2;
                connection->in_at += size;
                connection->active_usec = clock_monotonic_usec();
                (*count)++;
                int r = request_serve(thread, connection, message, size - 2);
                if (r < 0)
                        return r;
        }
        return 0;
}

/* 1 = all is out, 0 = the socket is full. */
static int output_write(struct connection *connection)
{
        struct buffer *out = &connection->out;
        while (connection->out_at < out->length) {
                ssize_t sent = send(connection->fd, out->data + connection->out_at,
                        out->length - connection->out_at, MSG_NOSIGNAL | MSG_DONTWAIT);
                if (sent < 0 && errno == EINTR)
                        continue;
                if (sent < 0)
                        return errno == EAGAIN ? 0 : -errno;
                connection->out_at += (size_t)sent;
                connection->active_usec = clock_monotonic_usec();
        }
        connection->out_at = 0;
        buffer_clear(out);
        if (out->capacity > KEEP_BYTES)
                buffer_free(out);
        return 1;
}

/* ---- the turn ---- */

/* Waits for the peer only where nothing is left to do here. */
static void watch(struct thread *thread, struct connection *connection)
{
        bool has_work = !is_idle(connection) || message_waiting(connection) > 0;
        uint32_t events = has_work ? EPOLLOUT : EPOLLIN;
        if (events == connection->events)
                return;
        struct epoll_event event = {.events = events, .data.ptr = connection};
        if (epoll_ctl(thread->epoll, EPOLL_CTL_MOD, connection->fd, &event) < 0) {
                connection_close(thread, connection);
                return;
        }
        connection->events = events;
}

/* Answers what is there until the socket is full or the turn is over. Negative: close. */
static int work(struct thread *thread, struct connection *connection)
{
        unsigned requests = 0;
        for (;;) {
                int r = requests_serve(thread, connection, &requests);
                if (r < 0)
                        return r;
                if (!is_idle(connection)) {
                        r = output_write(connection);
                        if (r <= 0)
                                return r;
                }
                if (connection->stream) {
                        r = stream_run(thread, connection);
                        if (r < 0)
                                return r;
                        if (r == STREAM_BLOCKED)
                                return 0;
                }
                if (message_waiting(connection) == 0 || requests >= REQUESTS_A_TURN)
                        return 0;
        }
}

void connection_ready(struct thread *thread, struct connection *connection, uint32_t events)
{
        if (connection->is_dead)
                return;
        int r = 0;
        if (events & (EPOLLERR | EPOLLHUP) && !(events & EPOLLIN)) {
                if (connection->stream)
                        stream_break(thread, connection, "the peer closed the connection");
                r = -ECONNRESET;
        } else if (events & EPOLLIN) {
                r = input_read(connection);
        }
        if (r == 0)
                r = work(thread, connection);
        bool is_ending = thread->is_stopping || (connection->is_ended && message_waiting(connection) == 0);
        if (r < 0 || (is_ending && is_idle(connection))) {
                connection_close(thread, connection);
                return;
        }
        watch(thread, connection);
}

void connection_tick(struct thread *thread, struct connection *connection, uint64_t now_usec)
{
        const char *why = NULL;
        if (connection->stream) {
                why = stream_tick(thread, connection, now_usec);
                if (why)
                        stream_break(thread, connection, why);
        }
        bool is_silent = !connection->stream && now_usec > connection->active_usec &&
                         now_usec - connection->active_usec > connection->conf->options.tcp_idle_usec;
        if (why || is_silent)
                connection_close(thread, connection);
}
