/* A serving thread: plain epoll over its listeners and connections, commands from the main thread, a tick
 * four times a second for limits and the heartbeat. Everything it touches is its own but for atomic counters,
 * the queues and the store. */
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/precedence.h"
#include "server/state.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#define EVENTS_A_TURN 64

/* ---- life ---- */

int thread_begin(struct thread *thread, struct server *server, unsigned index)
{
        thread->server = server;
        thread->index = index;
        thread->commands_watched = WATCHED_COMMANDS;
        thread->epoll = epoll_create1(EPOLL_CLOEXEC);
        if (thread->epoll < 0)
                return -errno;
        int r = queue_new(&thread->commands);
        if (r == 0)
                r = udp_batch_new(&thread->udp);
        if (r == 0)
                r = store_read_begin(server->store, &thread->read);
        if (r < 0)
                return r;
        thread->render = calloc(1, sizeof(*thread->render));
        thread->peers = calloc(1, sizeof(*thread->peers));
        thread->scratch = malloc(MESSAGE_MAX_SIZE);
        if (!thread->render || !thread->peers || !thread->scratch)
                return -ENOMEM;
        peers_begin(thread->peers);
        thread->conf = conf_ref(server->conf);
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = &thread->commands_watched};
        if (epoll_ctl(thread->epoll, EPOLL_CTL_ADD, queue_fd(thread->commands), &event) < 0)
                return -errno;
        return 0;
}

static void command_free(struct command *command)
{
        listen_socket_free(command->socket);
        if (command->conf)
                conf_unref(command->conf);
        free(command);
}

void thread_end(struct thread *thread)
{
        while (thread->connections)
                connection_close(thread, thread->connections);
        connections_free_dead(thread);
        while (thread->listeners) {
                struct listen_socket *socket = thread->listeners;
                thread->listeners = socket->next;
                listen_socket_free(socket);
        }
        struct queue_item *item = thread->commands ? queue_take_all(thread->commands) : NULL;
        while (item) {
                struct command *command = (struct command *)item;
                item = item->next;
                command_free(command);
        }
        queue_free(thread->commands);
        udp_batch_free(thread->udp);
        if (thread->read)
                store_read_end(thread->read);
        if (thread->conf)
                conf_unref(thread->conf);
        free(thread->render);
        free(thread->peers);
        free(thread->scratch);
        if (thread->epoll >= 0)
                close(thread->epoll);
}

/* ---- listeners ---- */

int thread_watch(struct thread *thread, struct listen_socket *socket)
{
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = socket};
        if (socket->is_inherited)
                event.events |= EPOLLEXCLUSIVE; /* all threads wait on it: one wakes */
        return epoll_ctl(thread->epoll, EPOLL_CTL_ADD, socket->fd, &event) < 0 ? -errno : 0;
}

/* Events of the batch at hand may name it still: it is freed behind them. */
static void listener_close(struct thread *thread, struct listen_socket *socket)
{
        if (socket->is_gone)
                return;
        socket->is_gone = true;
        if (!socket->is_paused)
                epoll_ctl(thread->epoll, EPOLL_CTL_DEL, socket->fd, NULL);
}

static void listeners_free_gone(struct thread *thread)
{
        for (struct listen_socket **link = &thread->listeners; *link;) {
                struct listen_socket *socket = *link;
                if (socket->is_gone) {
                        *link = socket->next;
                        listen_socket_free(socket);
                } else {
                        link = &socket->next;
                }
        }
}

static void listener_open(struct thread *thread, struct listen_socket *socket)
{
        int r = thread_watch(thread, socket);
        if (r < 0) {
                log_write(LOG_ERR, NULL, "a listening socket cannot be watched: %s", strerrordesc_np(-r));
                listen_socket_free(socket);
                return;
        }
        socket->next = thread->listeners;
        thread->listeners = socket;
}

/* ---- commands ---- */

void thread_command(struct thread *thread, struct command *command)
{
        queue_put(thread->commands, &command->item);
}

static void stop_begin(struct thread *thread, uint64_t stop_at_usec)
{
        thread->is_stopping = true;
        thread->stop_at_usec = stop_at_usec;
        for (struct listen_socket *socket = thread->listeners; socket; socket = socket->next)
                listener_close(thread, socket);
        for (struct connection *connection = thread->connections, *next; connection; connection = next) {
                next = connection->next;
                if (!connection->stream && connection->out.length == 0)
                        connection_close(thread, connection);
        }
}

static void command_obey(struct thread *thread, struct command *command)
{
        switch (command->kind) {
        case COMMAND_CONF:
                conf_unref(thread->conf);
                thread->conf = TAKE(command->conf);
                break;
        case COMMAND_OPEN:
                listener_open(thread, TAKE(command->socket));
                break;
        case COMMAND_CLOSE:
                for (struct listen_socket *socket = thread->listeners; socket; socket = socket->next)
                        if (socket->listener == command->listener)
                                listener_close(thread, socket);
                break;
        case COMMAND_STOP:
                stop_begin(thread, command->stop_at_usec);
                break;
        }
}

static void commands_obey(struct thread *thread)
{
        struct queue_item *item = queue_take_all(thread->commands);
        while (item) {
                struct command *command = (struct command *)item;
                item = item->next;
                command_obey(thread, command);
                command_free(command);
        }
}

/* ---- the loop ---- */

static void event_serve(struct thread *thread, const struct epoll_event *event)
{
        enum watched *watched = event->data.ptr;
        struct listen_socket *socket = event->data.ptr;
        switch (*watched) {
        case WATCHED_COMMANDS:
                commands_obey(thread);
                return;
        case WATCHED_UDP:
                if (!socket->is_gone)
                        udp_serve(thread, socket);
                return;
        case WATCHED_TCP_LISTENER:
                if (!socket->is_gone)
                        tcp_accept(thread, socket);
                return;
        case WATCHED_CONNECTION:
                connection_ready(thread, event->data.ptr, event->events);
                return;
        }
}

/* Limits of connections, listeners that waited for descriptors, and a view of the store that pins nothing
 * old. */
static void tick(struct thread *thread, uint64_t now_usec)
{
        thread->ticked_usec = now_usec;
        store_read_renew(thread->read);
        for (struct connection *connection = thread->connections, *next; connection; connection = next) {
                next = connection->next;
                connection_tick(thread, connection, now_usec);
        }
        for (struct listen_socket *socket = thread->listeners; socket; socket = socket->next)
                if (socket->is_paused && !socket->is_gone && thread_watch(thread, socket) == 0)
                        socket->is_paused = false;
}

static bool is_finished(const struct thread *thread, uint64_t now_usec)
{
        return thread->is_stopping && (!thread->connections || now_usec >= thread->stop_at_usec);
}

void *thread_run(void *argument)
{
        struct thread *thread = argument;
        struct epoll_event events[EVENTS_A_TURN];

        thread_go_first();
        thread->seen_last = &thread->seen_first;
        for (;;) {
                int count =
                        epoll_wait(thread->epoll, events, EVENTS_A_TURN, (int)(TICK_USEC / USEC_PER_MSEC));
                log_hold();
                for (int i = 0; i < count; i++)
                        event_serve(thread, &events[i]);
                log_release();
                observations_post(thread);
                uint64_t now = clock_monotonic_usec();
                if (now - thread->ticked_usec >= TICK_USEC)
                        tick(thread, now);
                listeners_free_gone(thread);
                connections_free_dead(thread);
                atomic_store_explicit(&thread->heartbeat_usec, now, memory_order_relaxed);
                if (is_finished(thread, now))
                        break;
        }
        /* Here, so that what is told of those cut short is still taken up after the join. */
        while (thread->connections)
                connection_close(thread, thread->connections);
        connections_free_dead(thread);
        observations_post(thread);
        return NULL;
}
