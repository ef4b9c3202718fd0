/* A thread that waits for git, so that nobody else has to. Private to publish/. */
#pragma once

#include "base/queue.h"

struct git_worker;

/* Comes back through the results as it is then. */
struct git_task {
        struct queue_item item;
        void (*run)(struct git_task *task); /* on the worker's thread */
        void (*free)(struct git_task *task);
};

int git_worker_new(struct queue *results, struct git_worker **ret_worker);
void git_worker_post(struct git_worker *worker, struct git_task *task);
/* Waits for the task at hand (git_cancel() makes it short); tasks not begun are freed. NULL is fine. */
struct git_worker *git_worker_free(struct git_worker *worker);
