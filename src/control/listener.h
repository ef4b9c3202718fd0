/* A libmicrohttpd daemon on one listening socket, driven by the main loop. Private to control/. */
#pragma once

#include "control/socket.h"

#include <stdbool.h>

struct control;
struct listener;
struct MHD_Daemon;
struct sd_event_source;

struct listener {
        struct listener *next;
        struct control *control;
        struct MHD_Daemon *daemon;
        struct control_socket socket;
        struct sd_event_source *readable; /* libmicrohttpd's epoll descriptor */
        struct sd_event_source *timer;
        struct sd_event_source *again; /* there is work at once, after everything else has had its turn */
        bool is_retired;
};

/* Takes the socket over, also when it fails. */
int listener_new(struct control *control, struct control_socket *socket, struct listener **ret_listener,
        const char **ret_why);
/* To be run soon: a request was answered. */
void listener_wake(struct listener *listener);
/* Takes no new connection; those under way end as they would. */
void listener_retire(struct listener *listener);
/* One turn of libmicrohttpd, without waiting. */
void listener_turn(struct listener *listener);
unsigned listener_connection_count(const struct listener *listener);
/* No request of it may be suspended. */
struct listener *listener_free(struct listener *listener);
