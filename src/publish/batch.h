/* The open batch of the publisher's thread: store transaction, serials that must be durable before it, and
 * the jobs that wait for its commit. Private to publish/. */
#pragma once

#include "base/crew.h"
#include "base/table.h"
#include "publish/job.h"
#include "source/git.h"

#include "store/serial_file.h"
#include "store/store.h"
#include <limits.h>

struct publish_batch {
        struct store *store;
        struct serial_file *serial_file;
        struct queue *results;
        struct crew *crew;
        struct store_batch *open;     /* NULL = nothing to commit */
        struct serial_entry *serials; /* names point into the waiting jobs */
        size_t serial_count;
        size_t serial_capacity;
        struct publish_job *waiting; /* newest first */
        size_t waiting_count;
        struct table waiting_by_name;         /* name -> job */
        uint64_t begun_usec;                  /* monotonic */
        char worktree_root[PATH_MAX];         /* asked about since the last commit; "" = none */
        char worktree_commit[GIT_ID_MAX + 1]; /* "" = none is checked out there */
        unsigned touched;                     /* zones, for store_rest_after() */
        int failure;                          /* of the last commit, told; 0 = it went well */
};

/* The store's batch, begun when there is none. */
int publish_batch_open(struct publish_batch *batch, struct store_batch **ret_open);
/* The serial that the job's zone will serve, or leaves behind: written to the serial file before the commit.
 */
int publish_batch_serial(
        struct publish_batch *batch, const struct publish_job *job, uint32_t serial, bool is_tombstone);
/* The job's answer goes out after the commit. */
int publish_batch_wait(struct publish_batch *batch, struct publish_job *job);
/* The same just before the commit, when no other look at its zone can come: cannot fail. */
void publish_batch_answer_after(struct publish_batch *batch, struct publish_job *job);
/* What is checked out in the folder's work tree, asked once a batch for a folder. */
bool publish_batch_worktree(
        struct publish_batch *batch, const char *root, char ret_id[static GIT_ID_MAX + 1]);
bool publish_batch_has(const struct publish_batch *batch, const uint8_t *name);
/* Time to commit, whatever else is queued? */
bool publish_batch_is_full(const struct publish_batch *batch);
/* Serial file, then store, then answers: durable before served, served before NOTIFY. After a failure nothing
 * of it is served and the waiting jobs are answered VERDICT_FAILED. */
int publish_batch_commit(struct publish_batch *batch);
/* Throws the open transaction away. Returns the jobs that waited, oldest first, linked by item: they are to
 * be run again. */
struct publish_job *publish_batch_abort(struct publish_batch *batch);
