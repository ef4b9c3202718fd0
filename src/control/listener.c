/* libmicrohttpd in external-epoll mode on sd-event: its epoll descriptor is an I/O source, its timeout a
 * timer. Main loop.
 *
 * DNS work comes first: these sources have a lower priority than the loop's others, and where libmicrohttpd
 * has more to do at once (a long answer) it goes on one turn of the loop later. A new listener takes the
 * place of an old one without breaking its connections, one of which may be the very request that changed the
 * configuration. */
#include "control/listener.h"

#include "base/clock.h"
#include "base/log.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-event.h>

#define CONNECTION_IDLE_SEC 30
#define PRIORITY_READABLE (SD_EVENT_PRIORITY_NORMAL + 10)
#define PRIORITY_AGAIN (SD_EVENT_PRIORITY_NORMAL + 50)

unsigned listener_connection_count(const struct listener *listener)
{
        const union MHD_DaemonInfo *info =
                MHD_get_daemon_info(listener->daemon, MHD_DAEMON_INFO_CURRENT_CONNECTIONS);
        return info ? info->num_connections : 0;
}

void listener_turn(struct listener *listener)
{
        MHD_run(listener->daemon);
}

void listener_wake(struct listener *listener)
{
        sd_event_source_set_enabled(listener->again, SD_EVENT_ONESHOT);
}

static void listener_unlink(struct listener *listener)
{
        struct listener **at = &listener->group->first;
        while (*at && *at != listener)
                at = &(*at)->next;
        if (*at)
                *at = listener->next;
}

/* Runs libmicrohttpd and arms what it waits for next. */
static void listener_run(struct listener *listener)
{
        MHD_UNSIGNED_LONG_LONG msec;

        listener_turn(listener);
        if (listener->is_retired && listener_connection_count(listener) == 0) {
                listener_free(listener);
                return;
        }
        if (MHD_get_timeout(listener->daemon, &msec) != MHD_YES) {
                sd_event_source_set_enabled(listener->timer, SD_EVENT_OFF);
                return;
        }
        if (msec == 0) {
                listener_wake(listener);
                return;
        }
        sd_event_source_set_time_relative(listener->timer, msec * USEC_PER_MSEC);
        sd_event_source_set_enabled(listener->timer, SD_EVENT_ONESHOT);
}

static int on_readable(sd_event_source *source, int fd, uint32_t events, void *context)
{
        (void)source, (void)fd, (void)events;
        listener_run(context);
        return 0;
}

static int on_time(sd_event_source *source, uint64_t usec, void *context)
{
        (void)source, (void)usec;
        listener_run(context);
        return 0;
}

static int on_again(sd_event_source *source, void *context)
{
        (void)source;
        listener_run(context);
        return 0;
}

static void on_mhd_message(void *context, const char *format, va_list arguments)
{
        const struct listener *listener = context;
        char text[256];

        if (!log_is_on(LOG_DEBUG))
                return;
        vsnprintf(text, sizeof(text), format, arguments);
        text[strcspn(text, "\n")] = '\0';
        log_write(LOG_DEBUG, NULL, "%s: %s", listener->group->name, text);
}

/* Routing decodes what it needs itself: a decoded %2F would look like a slash. */
static size_t leave_escaped(void *context, struct MHD_Connection *connection, char *text)
{
        (void)context, (void)connection;
        return strlen(text);
}

static int start_daemon(struct listener *listener, const char **ret_why)
{
        const struct listener_group *group = listener->group;
        struct MHD_OptionItem options[] = {
                /* The logger first, so that it has the others' faults. */
                {MHD_OPTION_EXTERNAL_LOGGER, (intptr_t)on_mhd_message, listener},
                {MHD_OPTION_LISTEN_SOCKET, listener->socket.fd, NULL},
                {MHD_OPTION_URI_LOG_CALLBACK, (intptr_t)group->begin, listener},
                {MHD_OPTION_UNESCAPE_CALLBACK, (intptr_t)leave_escaped, NULL},
                {MHD_OPTION_NOTIFY_COMPLETED, (intptr_t)group->completed, listener},
                {MHD_OPTION_CONNECTION_LIMIT, group->connections_max, NULL},
                {MHD_OPTION_CONNECTION_TIMEOUT, CONNECTION_IDLE_SEC, NULL},
                {MHD_OPTION_END, 0, NULL},
        };
        listener->daemon = MHD_start_daemon(MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG, 0,
                NULL, NULL, group->handle, listener, MHD_OPTION_ARRAY, options, MHD_OPTION_END);
        if (!listener->daemon) {
                *ret_why = "libmicrohttpd did not start";
                return -EIO;
        }
        listener->socket.fd = -1; /* the daemon closes it */
        return 0;
}

static int add_sources(struct listener *listener, sd_event *event)
{
        const union MHD_DaemonInfo *info = MHD_get_daemon_info(listener->daemon, MHD_DAEMON_INFO_EPOLL_FD);
        if (!info || info->epoll_fd < 0)
                return -EIO;
        int r = sd_event_add_io(event, &listener->readable, info->epoll_fd, EPOLLIN, on_readable, listener);
        if (r >= 0)
                r = sd_event_add_time_relative(
                        event, &listener->timer, CLOCK_MONOTONIC, 0, 10 * USEC_PER_MSEC, on_time, listener);
        if (r >= 0)
                r = sd_event_source_set_enabled(listener->timer, SD_EVENT_OFF);
        if (r >= 0)
                r = sd_event_add_defer(event, &listener->again, on_again, listener);
        if (r < 0)
                return r;
        sd_event_source_set_priority(listener->readable, PRIORITY_READABLE);
        sd_event_source_set_priority(listener->timer, PRIORITY_READABLE);
        sd_event_source_set_priority(listener->again, PRIORITY_AGAIN);
        return 0;
}

int listener_new(struct listener_group *group, struct control_socket *socket, const char **ret_why)
{
        struct listener *listener = calloc(1, sizeof(*listener));
        if (!listener) {
                control_socket_close(socket);
                *ret_why = "out of memory";
                return -ENOMEM;
        }
        listener->group = group;
        listener->socket = *socket;
        *socket = (struct control_socket){.fd = -1};
        int r = start_daemon(listener, ret_why);
        if (r == 0) {
                r = add_sources(listener, group->event);
                if (r < 0)
                        *ret_why = "libmicrohttpd does not go with the event loop";
        }
        if (r < 0) {
                listener_free(listener);
                return r;
        }
        listener->next = group->first;
        group->first = listener;
        return 0;
}

void listener_retire(struct listener *listener)
{
        listener->is_retired = true;
        int fd = MHD_quiesce_daemon(listener->daemon);
        listener->socket.fd = fd == MHD_INVALID_SOCKET ? -1 : fd;
        control_socket_close(&listener->socket);
        listener_wake(listener);
}

struct listener *listener_free(struct listener *listener)
{
        if (!listener)
                return NULL;
        listener_unlink(listener);
        sd_event_source_disable_unref(listener->readable);
        sd_event_source_disable_unref(listener->timer);
        sd_event_source_disable_unref(listener->again);
        if (listener->daemon)
                MHD_stop_daemon(listener->daemon);
        control_socket_close(&listener->socket);
        free(listener);
        return NULL;
}
