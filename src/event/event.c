/* The main loop's side: an event becomes arguments and JSON, and goes to the thread that runs programs. */
#include "event/state.h"

#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "conf/conf.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define END_USEC (5 * USEC_PER_SEC) /* longer than the thread gives its children */

const char *event_kind_name(enum event_kind kind)
{
        switch (kind) {
        case EVENT_PUBLISHED:
                return "published";
        case EVENT_HELD:
                return "held";
        case EVENT_STALE:
                return "stale";
        case EVENT_IN_SYNC:
                return "in-sync";
        case EVENT_ZONE_ADDED:
                return "zone-added";
        case EVENT_ZONE_REMOVED:
                return "zone-removed";
        }
        return "event";
}

static void append_text(struct json *json, const char *key, const char *text)
{
        if (text && *text)
                json_text_sized(json, key, text, strnlen(text, EVENT_TEXT_MAX));
}

static void append_serial(struct json *json, const char *key, uint32_t serial)
{
        if (serial != 0)
                json_serial(json, key, serial);
}

static void append_hash(struct json *json, const uint8_t *hash)
{
        char text[65];
        for (size_t i = 0; i < 32; i++)
                snprintf(text + 2 * i, 3, "%02x", hash[i]);
        json_text(json, "hash", text);
}

static void render(const struct event *event, struct buffer *out)
{
        struct json json = {.out = out};

        json_open(&json, NULL, '{');
        json_text(&json, "event", event_kind_name(event->kind));
        json_time(&json, "time", clock_realtime_usec());
        append_text(&json, "zone", event->zone);
        append_serial(&json, "serial", event->serial);
        append_serial(&json, "serial_before", event->serial_before);
        if (event->kind == EVENT_PUBLISHED) {
                json_number(&json, "records_added", event->added);
                json_number(&json, "records_removed", event->removed);
        }
        append_text(&json, "commit", event->commit);
        if (event->hash)
                append_hash(&json, event->hash);
        append_text(&json, "secondary", event->secondary);
        append_serial(&json, "secondary_serial", event->secondary_serial);
        append_text(&json, "stage", event->stage);
        if (event->lag_usec != 0)
                json_seconds(&json, "lag_seconds", event->lag_usec);
        append_text(&json, "text", event->text);
        json_close(&json, '}');
        buffer_append_text(out, "\n");
}

static const char *put(char **at, const char *text, size_t length)
{
        char *begin = *at;
        memcpy(begin, text, length);
        begin[length] = '\0';
        *at += length + 1;
        return begin;
}

static struct message *message_new(const struct event *event, const struct buffer *json)
{
        const char *kind = event_kind_name(event->kind), *zone = event->zone ? event->zone : "-";
        const char *secondary = event->secondary && *event->secondary ? event->secondary : "-";
        char serial[16] = "-";

        if (event->serial != 0)
                snprintf(serial, sizeof serial, "%" PRIu32, event->serial);
        size_t size = sizeof(struct message) + json->length + strlen(zone) + strlen(secondary) +
                      strlen(serial) + strlen(kind) + 5;
        struct message *message = calloc(1, size);
        if (!message)
                return NULL;
        char *at = message->text;
        message->kind = MESSAGE_EVENT;
        message->size = size;
        message->event = put(&at, kind, strlen(kind));
        message->zone = put(&at, zone, strlen(zone));
        message->serial = put(&at, serial, strlen(serial));
        message->secondary = put(&at, secondary, strlen(secondary));
        message->json = put(&at, (const char *)json->data, json->length);
        message->json_length = json->length;
        return message;
}

void event_emit(struct events *events, const struct event *event)
{
        struct buffer json = {0};

        if (!events || !events->conf->options.on_event)
                return;
        if (atomic_load(&events->waiting_octets) >= EVENT_WAITING_OCTETS) {
                atomic_fetch_add(&events->dropped, 1);
                return;
        }
        render(event, &json);
        struct message *message = buffer_status(&json) == 0 ? message_new(event, &json) : NULL;
        buffer_free(&json);
        if (!message) {
                atomic_fetch_add(&events->dropped, 1);
                return;
        }
        atomic_fetch_add(&events->waiting_octets, message->size);
        atomic_fetch_add(&events->waiting, 1);
        queue_put(events->queue, &message->item);
}

static int tell_program(struct events *events)
{
        const struct conf_options *options = &events->conf->options;
        const char *program = options->on_event ? options->on_event : "";
        struct message *message = calloc(1, sizeof *message + strlen(program) + 1);

        if (!message)
                return -ENOMEM;
        message->kind = MESSAGE_PROGRAM;
        message->timeout_usec = options->on_event_timeout_usec;
        message->json = strcpy(message->text, program);
        queue_put(events->queue, &message->item);
        return 0;
}

/* The thread costs nothing where nobody wants it. */
static int thread_begin(struct events *events)
{
        if (events->has_thread || !events->conf->options.on_event)
                return 0;
        int r = -pthread_create(&events->thread, NULL, event_run_thread, events);
        events->has_thread = r == 0;
        return r;
}

int events_new(struct conf *conf, struct events **ret_events)
{
        struct events *events = calloc(1, sizeof *events);
        if (!events)
                return -ENOMEM;
        events->conf = conf_ref(conf);
        int r = queue_new(&events->queue);
        if (r == 0)
                r = tell_program(events);
        if (r == 0)
                r = thread_begin(events);
        if (r < 0) {
                events_free(events);
                return r;
        }
        *ret_events = events;
        return 0;
}

void events_reconfigure(struct events *events, struct conf *conf)
{
        conf_ref(conf);
        conf_unref(events->conf);
        events->conf = conf;
        int r = tell_program(events);
        if (r == 0)
                r = thread_begin(events);
        if (r < 0)
                log_write(LOG_ERR, NULL, "on-event: %s: it is as it was before the reload", strerror(-r));
}

void events_figures(const struct events *events, struct events_figures *ret_figures)
{
        *ret_figures = (struct events_figures){
                .succeeded = atomic_load(&events->succeeded),
                .failed = atomic_load(&events->failed),
                .timed_out = atomic_load(&events->timed_out),
                .dropped = atomic_load(&events->dropped),
                .running = atomic_load(&events->running),
                .waiting = atomic_load(&events->waiting),
        };
}

/* A thread that is stuck in starting a program (a file system that does not answer) is left behind with what
 * it uses: the process ends anyway. */
static bool thread_end(struct events *events)
{
        struct timespec limit;
        struct message *message = calloc(1, sizeof *message);

        if (!message)
                return false;
        message->kind = MESSAGE_END;
        queue_put(events->queue, &message->item);
        clock_gettime(CLOCK_MONOTONIC, &limit);
        limit.tv_sec += (time_t)(END_USEC / USEC_PER_SEC);
        return pthread_clockjoin_np(events->thread, NULL, CLOCK_MONOTONIC, &limit) == 0;
}

struct events *events_free(struct events *events)
{
        if (!events)
                return NULL;
        if (events->has_thread && !thread_end(events))
                return NULL;
        if (events->queue)
                for (struct queue_item *item = queue_take_all(events->queue), *next; item; item = next) {
                        next = item->next;
                        free(item);
                }
        queue_free(events->queue);
        conf_unref(events->conf);
        free(events);
        return NULL;
}
