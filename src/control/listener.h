/* libmicrohttpd daemons on listening sockets, driven by the main loop. Private to control/. */
#pragma once

#include "base/address.h"
#include "control/socket.h"

#include <stdbool.h>

#include <microhttpd.h>

struct listener;
struct sd_event;
struct sd_event_source;

/* Listeners of one owner, which answer alike. */
struct listener_group {
        void *owner;
        const char *name; /* "control socket", for the log */
        struct sd_event *event;
        unsigned connections_max;
        struct listener *first;
        /* libmicrohttpd's callbacks; each gets the listener. */
        void *(*begin)(void *listener, const char *target, struct MHD_Connection *connection);
        MHD_AccessHandlerCallback handle;
        MHD_RequestCompletedCallback completed;
};

struct listener {
        struct listener *next;
        struct listener_group *group;
        struct MHD_Daemon *daemon;
        struct control_socket socket;
        struct address address;           /* its owner's, where it is no unix socket */
        struct sd_event_source *readable; /* libmicrohttpd's epoll descriptor */
        struct sd_event_source *timer;
        struct sd_event_source *again; /* there is work at once, after everything else has had its turn */
        bool is_retired;
};

/* Takes the socket over, also when it fails. It comes first in the group. */
int listener_new(struct listener_group *group, struct control_socket *socket, const char **ret_why);
/* To be run soon: a request was answered. */
void listener_wake(struct listener *listener);
/* Takes no new connection; those under way end as they would. */
void listener_retire(struct listener *listener);
/* One turn of libmicrohttpd, without waiting. */
void listener_turn(struct listener *listener);
unsigned listener_connection_count(const struct listener *listener);
/* Takes it out of its group. No request of it may be suspended. */
struct listener *listener_free(struct listener *listener);
