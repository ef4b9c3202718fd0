/* Queues: order, the fd that is readable exactly while items wait, and many writers. */
#include "base/queue.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <poll.h>
#include <pthread.h>

struct job {
        struct queue_item item; /* first: the queue's pointer is the job's */
        int writer;
        int number;
};

static int is_readable(const struct queue *queue)
{
        struct pollfd poll_fd = {.fd = queue_fd(queue), .events = POLLIN};
        return poll(&poll_fd, 1, 0);
}

static void test_order_and_readability(void **state)
{
        (void)state;
        struct queue *queue = NULL;
        struct job jobs[3] = {{.number = 0}, {.number = 1}, {.number = 2}};
        assert_int_equal(queue_new(&queue), 0);
        for (int round = 0; round < 3; round++) {
                assert_int_equal(is_readable(queue), 0);
                assert_null(queue_take_all(queue));
                for (int i = 0; i < 3; i++) {
                        queue_put(queue, &jobs[i].item);
                        assert_int_equal(is_readable(queue), 1);
                        assert_int_equal(queue_length(queue), i + 1);
                }
                struct queue_item *item = queue_take_all(queue);
                assert_int_equal(is_readable(queue), 0);
                assert_int_equal(queue_length(queue), 0);
                for (int i = 0; i < 3; i++, item = item->next)
                        assert_int_equal(((struct job *)item)->number, i);
                assert_null(item);
        }
        assert_null(queue_free(queue));
        assert_null(queue_free(NULL));
}

#define WRITERS 4
#define JOBS 5000

static struct queue *shared;
static struct job written[WRITERS][JOBS];

static void *writer_run(void *argument)
{
        int writer = (int)(intptr_t)argument;
        for (int i = 0; i < JOBS; i++) {
                written[writer][i] = (struct job){.writer = writer, .number = i};
                queue_put(shared, &written[writer][i].item);
        }
        return NULL;
}

static void test_many_writers(void **state)
{
        (void)state;
        pthread_t threads[WRITERS];
        int next[WRITERS] = {0}, taken = 0;
        assert_int_equal(queue_new(&shared), 0);
        for (intptr_t i = 0; i < WRITERS; i++)
                assert_int_equal(pthread_create(&threads[i], NULL, writer_run, (void *)i), 0);
        while (taken < WRITERS * JOBS) {
                struct pollfd poll_fd = {.fd = queue_fd(shared), .events = POLLIN};
                assert_int_equal(poll(&poll_fd, 1, 10000), 1); /* no wake-up is lost */
                struct queue_item *item = queue_take_all(shared);
                assert_non_null(item);
                for (; item; item = item->next, taken++) {
                        const struct job *job = (struct job *)item;
                        assert_int_equal(job->number, next[job->writer]++);
                }
        }
        for (int i = 0; i < WRITERS; i++)
                pthread_join(threads[i], NULL);
        assert_int_equal(queue_length(shared), 0);
        assert_int_equal(is_readable(shared), 0);
        shared = queue_free(shared);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_order_and_readability),
                cmocka_unit_test(test_many_writers),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
