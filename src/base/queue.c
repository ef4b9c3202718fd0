/* Queues between threads. queue_put on any thread, queue_take_all on one.
 *
 * The writer that finds the queue empty makes the eventfd readable, behind its item; the taker makes it
 * unreadable, before it takes: so a loop that polls the fd misses no item. Neither holds the mutex meanwhile,
 * which would let the one it wakes wait; for that the taker may be woken once for what it has taken already.
 */
#include "base/queue.h"

#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct queue {
        pthread_mutex_t mutex;
        struct queue_item *first;
        struct queue_item **last_next; /* where the next item is linked */
        size_t length;
        int fd;
};

int queue_new(struct queue **ret_queue)
{
        struct queue *queue = calloc(1, sizeof(*queue));
        if (!queue)
                return -ENOMEM;
        queue->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        if (queue->fd < 0) {
                int r = -errno;
                free(queue);
                return r;
        }
        pthread_mutex_init(&queue->mutex, NULL);
        queue->last_next = &queue->first;
        *ret_queue = queue;
        return 0;
}

int queue_fd(const struct queue *queue)
{
        return queue->fd;
}

void queue_put(struct queue *queue, struct queue_item *item)
{
        item->next = NULL;
        queue_put_list(queue, item);
}

void queue_put_list(struct queue *queue, struct queue_item *first)
{
        struct queue_item *last = first;
        size_t count = 1;

        if (!first)
                return;
        for (; last->next; last = last->next)
                count++;
        pthread_mutex_lock(&queue->mutex);
        bool was_empty = !queue->first;
        *queue->last_next = first;
        queue->last_next = &last->next;
        queue->length += count;
        pthread_mutex_unlock(&queue->mutex);
        if (was_empty)
                (void)eventfd_write(queue->fd, 1); /* far from its limit: this cannot fail */
}

struct queue_item *queue_take_all(struct queue *queue)
{
        eventfd_t ignored;

        (void)eventfd_read(queue->fd, &ignored);
        pthread_mutex_lock(&queue->mutex);
        struct queue_item *first = queue->first;
        queue->first = NULL;
        queue->last_next = &queue->first;
        queue->length = 0;
        pthread_mutex_unlock(&queue->mutex);
        return first;
}

size_t queue_length(const struct queue *queue)
{
        /* The mutex is the queue's own; a length is asked through a const pointer all the same. */
        pthread_mutex_t *mutex = (pthread_mutex_t *)&queue->mutex;
        pthread_mutex_lock(mutex);
        size_t length = queue->length;
        pthread_mutex_unlock(mutex);
        return length;
}

struct queue *queue_free(struct queue *queue)
{
        if (!queue)
                return NULL;
        close(queue->fd);
        pthread_mutex_destroy(&queue->mutex);
        free(queue);
        return NULL;
}
