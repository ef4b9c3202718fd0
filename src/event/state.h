/* What the main loop and the thread that runs programs share. Private to event/. */
#pragma once

#include "base/queue.h"
#include "event/event.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#define EVENT_RUNS_MAX 4                /* at the same time */
#define EVENT_WAITING_OCTETS (8u << 20) /* of queued events, some 10,000 of them */
#define EVENT_TEXT_MAX 4096             /* of the sentence */

enum message_kind {
        MESSAGE_EVENT,
        MESSAGE_PROGRAM, /* json: its path, "" = none any more */
        MESSAGE_END,
};

/* From the main loop to the thread. One block of memory. */
struct message {
        struct queue_item item; /* first */
        enum message_kind kind;
        size_t size;                                   /* of the block, for the bound */
        uint64_t timeout_usec;                         /* MESSAGE_PROGRAM */
        const char *event, *zone, *serial, *secondary; /* the arguments; "-" = none */
        const char *json;                              /* with a final newline */
        size_t json_length;
        char text[]; /* of all of them */
};

struct events {
        struct conf *conf; /* main loop */
        struct queue *queue;
        pthread_t thread;
        bool has_thread;
        atomic_size_t waiting_octets;
        atomic_uint waiting, running;
        atomic_ullong succeeded, failed, timed_out, dropped;
};

/* run.c: the thread. */
void *event_run_thread(void *events);
