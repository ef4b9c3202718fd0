/* Due times: a binary heap under one sd-event timer, as 100,000 sources would
 * cost more than what they wait for. Main loop.
 *
 * Invariant: node->place is its index in the heap plus one, or 0. */
#include "base/timers.h"

#include "base/clock.h"

#include <errno.h>
#include <stdlib.h>

static void place(struct timers *timers, size_t at, struct timer_node *node)
{
        timers->heap[at] = node;
        node->place = (uint32_t)at + 1;
}

static void sift_up(struct timers *timers, size_t at, struct timer_node *node)
{
        while (at > 0 && timers->heap[(at - 1) / 2]->due_usec > node->due_usec) {
                place(timers, at, timers->heap[(at - 1) / 2]);
                at = (at - 1) / 2;
        }
        place(timers, at, node);
}

static void sift_down(struct timers *timers, size_t at, struct timer_node *node)
{
        for (;;) {
                size_t child = at * 2 + 1;
                if (child >= timers->count)
                        break;
                if (child + 1 < timers->count &&
                        timers->heap[child + 1]->due_usec < timers->heap[child]->due_usec)
                        child++;
                if (timers->heap[child]->due_usec >= node->due_usec)
                        break;
                place(timers, at, timers->heap[child]);
                at = child;
        }
        place(timers, at, node);
}

int timers_open(struct timers *timers, sd_event *event, int (*came)(sd_event_source *, uint64_t, void *),
        void *context)
{
        /* An accuracy of 1 us: with the default of 250 ms what is paced would come in lumps. */
        int r = sd_event_add_time(event, &timers->source, CLOCK_MONOTONIC, 0, 1, came, context);
        if (r < 0)
                return r;
        return sd_event_source_set_enabled(timers->source, SD_EVENT_OFF);
}

void timers_close(struct timers *timers)
{
        sd_event_source_disable_unref(timers->source);
        free(timers->heap);
        *timers = (struct timers){0};
}

int timers_reserve(struct timers *timers)
{
        if (timers->reserved == timers->capacity) {
                size_t capacity = timers->capacity ? timers->capacity * 2 : 64;
                struct timer_node **heap = reallocarray(timers->heap, capacity, sizeof(struct timer_node *));
                if (!heap)
                        return -ENOMEM;
                timers->heap = heap;
                timers->capacity = capacity;
        }
        timers->reserved++;
        return 0;
}

static void take_out(struct timers *timers, struct timer_node *node)
{
        size_t at = node->place - 1;
        struct timer_node *last = timers->heap[--timers->count];
        node->place = 0;
        if (last == node)
                return;
        if (at > 0 && timers->heap[(at - 1) / 2]->due_usec > last->due_usec)
                sift_up(timers, at, last);
        else
                sift_down(timers, at, last);
}

void timers_release(struct timers *timers, struct timer_node *node)
{
        if (node->place != 0)
                take_out(timers, node);
        timers->reserved--;
}

void timers_set(struct timers *timers, struct timer_node *node, uint64_t due_usec)
{
        if (node->place != 0) {
                if (node->due_usec == due_usec)
                        return;
                take_out(timers, node);
        }
        node->due_usec = due_usec;
        if (due_usec == TIMER_NEVER)
                return;
        timers->count++;
        sift_up(timers, timers->count - 1, node);
}

struct timer_node *timers_take_due(struct timers *timers, uint64_t now_usec)
{
        if (timers->count == 0 || timers->heap[0]->due_usec > now_usec)
                return NULL;
        struct timer_node *node = timers->heap[0];
        take_out(timers, node);
        return node;
}

void timers_arm(struct timers *timers, uint64_t now_usec)
{
        if (timers->count == 0) {
                sd_event_source_set_enabled(timers->source, SD_EVENT_OFF);
                return;
        }
        uint64_t due = timers->heap[0]->due_usec;
        sd_event_source_set_time_relative(timers->source, due > now_usec ? due - now_usec : 0);
        sd_event_source_set_enabled(timers->source, SD_EVENT_ONESHOT);
}
