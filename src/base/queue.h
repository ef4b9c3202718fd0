/* A queue between threads: many put, one takes; an eventfd wakes the taker's loop. A mutex inside, held for a
 * few instructions. Order is kept. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct queue_item {
        struct queue_item *next;
};

struct queue;

int queue_new(struct queue **ret_queue);
/* Readable (poll, epoll) while items wait. Owned by the queue. */
int queue_fd(const struct queue *queue);
/* `item` is embedded in the caller's struct, which the queue owns until taken. */
void queue_put(struct queue *queue, struct queue_item *item);
/* Several, linked by next, in their order; NULL is none. */
void queue_put_list(struct queue *queue, struct queue_item *first);
/* All that waits, oldest first, linked by next; NULL when empty. */
struct queue_item *queue_take_all(struct queue *queue);
size_t queue_length(const struct queue *queue);
struct queue *queue_free(struct queue *queue); /* items still inside are not freed */
