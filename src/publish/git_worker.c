/* The thread of git_worker.h: one task after another. */
#include "publish/git_worker.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>

struct git_worker {
        pthread_t thread;
        struct queue *tasks;
        struct queue *results;
        _Atomic bool stopping;
        struct git_task wake; /* nothing to do: for the thread to look up */
};

static void free_tasks(struct queue_item *item)
{
        for (struct queue_item *next; item; item = next) {
                struct git_task *task = (struct git_task *)item;
                next = item->next;
                if (task->free)
                        task->free(task);
        }
}

static void *worker_main(void *argument)
{
        struct git_worker *worker = argument;

        while (!atomic_load(&worker->stopping)) {
                struct queue_item *item = queue_take_all(worker->tasks);
                if (!item) {
                        poll(&(struct pollfd){.fd = queue_fd(worker->tasks), .events = POLLIN}, 1, -1);
                        continue;
                }
                for (struct queue_item *next; item; item = next) {
                        struct git_task *task = (struct git_task *)item;
                        next = item->next;
                        if (atomic_load(&worker->stopping)) {
                                free_tasks(item);
                                break;
                        }
                        if (task->run)
                                task->run(task);
                        queue_put(worker->results, item);
                }
        }
        return NULL;
}

int git_worker_new(struct queue *results, struct git_worker **ret_worker)
{
        struct git_worker *worker = calloc(1, sizeof(*worker));
        sigset_t all, before;

        if (!worker)
                return -ENOMEM;
        worker->results = results;
        int r = queue_new(&worker->tasks);
        if (r == 0) {
                sigfillset(&all); /* signals are the main loop's */
                pthread_sigmask(SIG_SETMASK, &all, &before);
                r = -pthread_create(&worker->thread, NULL, worker_main, worker);
                pthread_sigmask(SIG_SETMASK, &before, NULL);
        }
        if (r < 0) {
                queue_free(worker->tasks);
                free(worker);
                return r;
        }
        pthread_setname_np(worker->thread, "git");
        *ret_worker = worker;
        return 0;
}

void git_worker_post(struct git_worker *worker, struct git_task *task)
{
        queue_put(worker->tasks, &task->item);
}

struct git_worker *git_worker_free(struct git_worker *worker)
{
        if (!worker)
                return NULL;
        atomic_store(&worker->stopping, true);
        queue_put(worker->tasks, &worker->wake.item);
        pthread_join(worker->thread, NULL);
        free_tasks(queue_take_all(worker->tasks));
        queue_free(worker->tasks);
        free(worker);
        return NULL;
}
