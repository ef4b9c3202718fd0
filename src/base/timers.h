/* Many due times under one sd-event timer: a heap of nodes that live in what waits. Main loop. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <systemd/sd-event.h>

#define TIMER_NEVER UINT64_MAX

struct timer_node {
        uint64_t due_usec; /* monotonic */
        uint32_t place;    /* in the heap, from 1; 0 = not in it */
        uint8_t kind;      /* the owner's: what the node is in */
};

struct timers {
        struct timer_node **heap;
        size_t count, capacity;
        size_t reserved; /* nodes that may be set at once: the heap has room for all of them */
        sd_event_source *source;
};

/* `came` is called when the first node is due, and has to end with timers_arm(). */
int timers_open(struct timers *timers, sd_event *event, int (*came)(sd_event_source *, uint64_t, void *),
        void *context);
void timers_close(struct timers *timers);
int timers_reserve(struct timers *timers); /* before a node is first set. -ENOMEM */
void timers_release(struct timers *timers, struct timer_node *node);
/* TIMER_NEVER: out of the heap. */
void timers_set(struct timers *timers, struct timer_node *node, uint64_t due_usec);
struct timer_node *timers_take_due(struct timers *timers, uint64_t now_usec); /* NULL: none is due */
void timers_arm(struct timers *timers, uint64_t now_usec); /* sets the sd-event timer to the first */
