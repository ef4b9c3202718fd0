/* The real parts around the control socket, in a folder of their own: store, serial file, fleet, notify,
 * registry. No server: nothing here asks for a transfer. */
#pragma once

#include "../cmocka_first.h"

#include "base/cleanup.h"
#include "base/log.h"
#include "control/control.h"
#include "fleet/fleet.h"
#include "notify/notify.h"
#include "publish/registry.h"
#include "store/serial_file.h"
#include "store/store.h"

#include <errno.h>
#include <jansson.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <systemd/sd-event.h>
#include <unistd.h>

struct world {
        char folder[64];
        char path[128];
        sd_event *event;
        struct conf *conf;
        struct store *store;
        struct serial_file *serial_file;
        struct fleet *fleet;
        struct notify *notify;
        struct registry *registry;
        struct control *control;
        int reload_result;
        const char *reload_text;
};

static char last_log[1024];
static char last_log_zone[256];
static bool last_log_is_control;

static void on_log(int priority, const struct log_fields *fields, const char *message)
{
        (void)priority;
        if (!fields || !fields->message_id ||
                strcmp(fields->message_id, "4f0b6c3e8d4a4b6f9d5f2c7a10e3b011") != 0)
                return;
        last_log_is_control = true;
        snprintf(last_log, sizeof(last_log), "%s", message);
        snprintf(last_log_zone, sizeof(last_log_zone), "%s", fields->zone ? fields->zone : "");
}

static inline const char *world_path(struct world *world, const char *name)
{
        snprintf(world->path, sizeof(world->path), "%s/%s", world->folder, name);
        return world->path;
}

static inline void world_write(struct world *world, const char *name, const char *text)
{
        FILE *file = fopen(world_path(world, name), "w");
        assert_non_null(file);
        fputs(text, file);
        assert_int_equal(fclose(file), 0);
}

static inline struct conf *world_conf(struct world *world, const char *socket)
{
        char text[1024];
        struct diag_list diags = {0};
        struct conf *conf = NULL;
        const struct conf_load_options options = {.without_secrets_check = true};

        snprintf(text, sizeof(text),
                "options { serial-on-lost-state file; directory \"%s\"; state-directory \"%s/state\"; also-notify { 127.0.0.1 port 9; "
                "}; allow-transfer { 127.0.0.1; }; };\n"
                "controls { unix \"%s/%s\"; };\nzone-files { directory \"zones\"; };\n",
                world->folder, world->folder, world->folder, socket);
        world_write(world, "zonecrier.conf", text);
        assert_int_equal(conf_load(world_path(world, "zonecrier.conf"), &options, &diags, &conf), 0);
        diag_free(&diags);
        return conf;
}

static void on_published(void *context, const struct store_zone *row)
{
        struct world *world = context;
        notify_zone_published(world->notify, row);
}

static int on_reload_configuration(void *context, char **ret_text)
{
        struct world *world = context;
        *ret_text = world->reload_text ? strdup(world->reload_text) : NULL;
        return world->reload_result;
}

static inline struct control_options world_control_options(struct world *world)
{
        return (struct control_options){.event = world->event,
                .store = world->store,
                .registry = world->registry,
                .fleet = world->fleet,
                .notify = world->notify,
                .reload_configuration = on_reload_configuration,
                .context = world,
                .inherited_fd = -1};
}

static inline void world_open(struct world *world)
{
        bool was_missing;
        size_t damaged;

        *world = (struct world){0};
        strcpy(world->folder, "/tmp/zonecrier-control-XXXXXX");
        assert_non_null(mkdtemp(world->folder));
        mkdir(world_path(world, "zones"), 0755);
        mkdir(world_path(world, "state"), 0755);
        log_redirect(on_log);
        world->conf = world_conf(world, "control.sock");
        struct store_options store = {
                .directory = world->conf->options.state_directory, .limit_bytes = 64 << 20};
        assert_int_equal(store_open(&store, &world->store, NULL), 0);
        assert_int_equal(serial_file_open(world->conf->options.serial_file, &world->serial_file, &was_missing,
                                 &damaged),
                0);
        assert_true(sd_event_new(&world->event) >= 0);
        assert_int_equal(fleet_new(world->store, world->conf, &world->fleet), 0);
        assert_int_equal(notify_new(world->event, world->store, world->fleet, &world->notify), 0);
        struct registry_options registry = {.event = world->event,
                .store = world->store,
                .serial_file = world->serial_file,
                .serial_file_was_missing = was_missing,
                .published = on_published,
                .context = world};
        assert_int_equal(registry_new(&registry, world->conf, &world->registry), 0);
        struct control_options control = world_control_options(world);
        assert_int_equal(control_new(&control, world->conf, &world->control, NULL), 0);
}

static inline void world_settle(struct world *world)
{
        assert_int_equal(registry_start(world->registry), 0);
        while (!registry_is_settled(world->registry))
                assert_true(sd_event_run(world->event, 1000000) >= 0);
}

static inline void world_close(struct world *world)
{
        char command[128];

        control_free(world->control);
        registry_stop(world->registry);
        notify_free(world->notify);
        registry_free(world->registry);
        fleet_free(world->fleet);
        serial_file_close(world->serial_file);
        store_close(world->store);
        conf_unref(world->conf);
        sd_event_unref(world->event);
        log_redirect(NULL);
        snprintf(command, sizeof(command), "rm -r %s", world->folder);
        assert_int_equal(system(command), 0);
}

/* ---- a client on a thread of its own ---- */

struct exchange {
        struct world *world;
        const char *socket;
        char request[1024];
        bool hangs_up; /* closes without reading the answer */
        char *answer;  /* all of it */
        unsigned status;
        const char *body; /* chunks put together */
        atomic_bool is_sent, is_done;
        pthread_t thread;
};

static inline int exchange_connect(const struct exchange *exchange)
{
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        snprintf(address.sun_path, sizeof(address.sun_path), "%s/%s", exchange->world->folder,
                exchange->socket);
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
                return fd;
        close(fd);
        return -1;
}

/* Chunked coding (RFC 9112 s.7.1) undone in place. NULL: it broke off. */
static inline char *exchange_unchunk(char *body)
{
        char *from = body, *to = body;
        for (;;) {
                char *end;
                unsigned long size = strtoul(from, &end, 16);
                if (end == from || strncmp(end, "\r\n", 2) != 0)
                        return NULL;
                if (size == 0)
                        break;
                memmove(to, end + 2, size);
                to += size;
                from = end + 2 + size + 2;
        }
        *to = '\0';
        return body;
}

static void *exchange_main(void *argument)
{
        struct exchange *exchange = argument;
        size_t length = 0, capacity = 1 << 20;
        ssize_t n;
        int fd = exchange_connect(exchange);

        if (fd >= 0 && send(fd, exchange->request, strlen(exchange->request), MSG_NOSIGNAL) > 0 &&
                !exchange->hangs_up) {
                exchange->answer = malloc(capacity);
                exchange->is_sent = true;
                while ((n = recv(fd, exchange->answer + length, capacity - 1 - length, 0)) > 0)
                        length += (size_t)n;
                exchange->answer[length] = '\0';
        }
        if (fd >= 0)
                close(fd);
        exchange->is_done = true;
        return NULL;
}

static inline void exchange_start(
        struct exchange *exchange, struct world *world, const char *method, const char *target)
{
        *exchange = (struct exchange){.world = world, .socket = "control.sock"};
        snprintf(exchange->request, sizeof(exchange->request),
                "%s %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 0\r\n\r\n", method,
                target);
}

static inline void exchange_begin(struct exchange *exchange)
{
        assert_int_equal(pthread_create(&exchange->thread, NULL, exchange_main, exchange), 0);
}

/* Runs the loop until the client has its answer. */
static inline void exchange_finish(struct exchange *exchange)
{
        while (!exchange->is_done)
                assert_true(sd_event_run(exchange->world->event, 5000) >= 0);
        pthread_join(exchange->thread, NULL);
        char *body = exchange->answer ? strstr(exchange->answer, "\r\n\r\n") : NULL;
        if (!body)
                return;
        sscanf(exchange->answer, "HTTP/1.1 %u", &exchange->status);
        *body = '\0';
        exchange->body = strstr(exchange->answer, "Transfer-Encoding: chunked") ? exchange_unchunk(body + 4)
                                                                                : body + 4;
}

/* A whole exchange; the JSON of the answer. */
static inline json_t *ask(struct world *world, const char *method, const char *target, unsigned want_status)
{
        struct exchange exchange;

        exchange_start(&exchange, world, method, target);
        exchange_begin(&exchange);
        exchange_finish(&exchange);
        if (exchange.status != want_status)
                fail_msg("%s %s: %u %s", method, target, exchange.status, exchange.body ? exchange.body : "");
        assert_non_null(exchange.body);
        json_t *json = json_loads(exchange.body, 0, NULL);
        assert_true(json_is_object(json));
        free(exchange.answer);
        return json;
}

static inline char *ask_text(struct world *world, const char *target)
{
        struct exchange exchange;

        exchange_start(&exchange, world, "GET", target);
        exchange_begin(&exchange);
        exchange_finish(&exchange);
        assert_int_equal(exchange.status, 200);
        char *text = strdup(exchange.body);
        free(exchange.answer);
        return text;
}

static inline const char *member(const json_t *object, const char *key)
{
        const char *text = json_string_value(json_object_get(object, key));
        return text ? text : "(none)";
}
