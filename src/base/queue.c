/* Queues between threads. queue_put on any thread, queue_take_all on one.
 *
 * Invariant, under the mutex: the eventfd is readable exactly while first is not NULL. The writer that finds
 * the queue empty makes it readable, the taker empties both at once; so a loop that polls the fd misses no
 * item and never wakes for nothing. */
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
        pthread_mutex_lock(&queue->mutex);
        if (!queue->first)
                (void)eventfd_write(queue->fd, 1); /* the counter is 0: this cannot fail */
        *queue->last_next = item;
        queue->last_next = &item->next;
        queue->length++;
        pthread_mutex_unlock(&queue->mutex);
}

struct queue_item *queue_take_all(struct queue *queue)
{
        pthread_mutex_lock(&queue->mutex);
        struct queue_item *first = queue->first;
        if (first) {
                eventfd_t ignored;
                (void)eventfd_read(queue->fd, &ignored);
                queue->first = NULL;
                queue->last_next = &queue->first;
                queue->length = 0;
        }
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
