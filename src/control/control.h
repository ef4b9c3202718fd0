/* The control socket: HTTP and JSON under /v1/ on a unix socket (libmicrohttpd on the main loop's epoll).
 * What changes something logs the caller's uid. */
#pragma once

#include "conf/conf.h"

struct sd_event;
struct control;
struct registry;
struct fleet;
struct survey;
struct notify;
struct push;
struct server;
struct events;
struct zone_entry;
struct verdict;
struct store;

struct control_options {
        struct sd_event *event;
        struct store *store;
        struct registry *registry;
        struct fleet *fleet;
        struct survey *survey;
        struct notify *notify;
        struct push *push; /* NULL: nothing is pushed */
        struct server *server;
        struct events *events; /* NULL = none */
        int (*reload_configuration)(void *context,
                char **ret_text); /* `zonecrier reload` without a zone reads the configuration again too, as
                                     SIGHUP does; 0 or -EINVAL with a malloc'ed text (diagnostics) */
        void *context;
        int inherited_fd; /* -1 = none */
};
/* Binds the socket (mode and owner from conf; a stale one is replaced, a live one is -EADDRINUSE). */
int control_new(const struct control_options *options, struct conf *conf, struct control **ret_control,
        const char **ret_why);
int control_reconfigure(struct control *control, struct conf *conf, const char **ret_why);
/* For the page and the metrics: a new serial, and who has it since when (realtime). */
void control_saw_published(struct control *control, const struct zone_entry *zone,
        const struct verdict *verdict, const char *commit);
void control_saw_taken(struct control *control, const uint8_t *zone, const char *secondary, uint32_t serial,
        uint64_t published_usec, uint64_t at_usec);
struct control *control_free(struct control *control);
