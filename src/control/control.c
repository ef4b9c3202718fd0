/* The control socket as the daemon sees it: made, reconfigured, ended. Main loop.
 *
 * The interface under /v1/ is described in route.h; answers are JSON but for text and dump, errors are
 * {"error": "..."} with HTTP's own codes: 400 a name or hash that is none, 404 no such zone, 405 another
 * method, 409 what is held has another hash, 422 the configuration has errors, 503 stopping. */
#include "control/control.h"

#include "base/clock.h"
#include "control/request.h"
#include "control/socket.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ENDING_TURNS 16
#define CONNECTIONS_MAX 64

static int open_listener(struct control *control, struct conf *conf, const char **ret_why)
{
        struct control_socket socket;
        int r;

        if (control->options.inherited_fd >= 0)
                r = control_socket_inherit(control->options.inherited_fd, &socket, ret_why);
        else
                r = control_socket_open(&conf->options, &socket, ret_why);
        return r < 0 ? r : listener_new(&control->listening, &socket, ret_why);
}

int control_new(const struct control_options *options, struct conf *conf, struct control **ret_control,
        const char **ret_why)
{
        const char *why = NULL;
        struct control *control = calloc(1, sizeof(*control));

        if (!control) {
                if (ret_why)
                        *ret_why = "out of memory";
                return -ENOMEM;
        }
        control->options = *options;
        control->sources =
                (struct status_sources){.options = &control->options, .started_usec = clock_realtime_usec()};
        control->listening = (struct listener_group){.owner = control,
                .name = "control socket",
                .event = options->event,
                .connections_max = CONNECTIONS_MAX,
                .begin = request_begin,
                .handle = request_handle,
                .completed = request_completed};
        int r = open_listener(control, conf, &why);
        if (r < 0) {
                if (ret_why)
                        *ret_why = why;
                free(control);
                return r;
        }
        r = web_new(&control->sources, &control->recent, conf, &control->web, &why);
        if (r < 0) {
                if (ret_why)
                        *ret_why = why;
                listener_free(control->listening.first);
                free(control);
                return r;
        }
        control->conf = conf_ref(conf);
        *ret_control = control;
        return 0;
}

void control_saw_published(struct control *control, const struct zone_entry *zone,
        const struct verdict *verdict, const char *commit)
{
        struct recent_publish publish = {.serial = verdict->serial,
                .published_usec = clock_realtime_usec(),
                .added = verdict->added,
                .removed = verdict->removed};

        memcpy(publish.name, zone->name, sizeof publish.name);
        snprintf(publish.zone, sizeof publish.zone, "%s", zone->name_text);
        snprintf(publish.commit, sizeof publish.commit, "%s", commit ? commit : "");
        recent_published(&control->recent, &publish);
}

void control_saw_taken(struct control *control, const uint8_t *zone, const char *secondary, uint32_t serial,
        uint64_t published_usec, uint64_t at_usec)
{
        recent_taken(&control->recent, zone, serial, secondary,
                at_usec > published_usec ? at_usec - published_usec : 0);
}

/* A socket whose name was taken away is bound anew, as one that is to be elsewhere. */
static bool is_in_place(const struct listener *listener, const struct conf *conf)
{
        return strcmp(listener->socket.path, conf->options.control_socket) == 0 &&
               control_socket_is_there(&listener->socket);
}

static int move_listener(struct control *control, struct conf *conf, const char **ret_why)
{
        struct listener *current = control->listening.first;

        int r = open_listener(control, conf, ret_why);
        if (r == 0)
                listener_retire(current);
        return r;
}

int control_reconfigure(struct control *control, struct conf *conf, const char **ret_why)
{
        struct listener *current = control->listening.first;
        const char *why = NULL;
        int r = web_reconfigure(control->web, conf, &why);

        if (r == 0 && control->options.inherited_fd < 0)
                r = is_in_place(current, conf)
                            ? control_socket_protect(&current->socket, &conf->options, &why)
                            : move_listener(control, conf, &why);
        if (r < 0) {
                const char *again;
                web_reconfigure(control->web, control->conf, &again);
                if (ret_why)
                        *ret_why = why;
                return r;
        }
        conf_unref(control->conf);
        control->conf = conf_ref(conf);
        return 0;
}

struct control *control_free(struct control *control)
{
        if (!control)
                return NULL;
        control->is_ending = true;
        control->web = web_free(control->web);
        request_end_waiting(control, NULL);
        while (control->listening.first) {
                struct listener *listener = control->listening.first;
                for (unsigned turn = 0; turn < ENDING_TURNS && listener_connection_count(listener) > 0;
                        turn++)
                        listener_turn(listener); /* answers that are ready go out */
                request_end_waiting(control, listener);
                listener_free(listener);
        }
        request_orphan_waiting(control);
        conf_unref(control->conf);
        free(control);
        return NULL;
}
