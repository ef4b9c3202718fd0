/* A child process with its output in pipes, bounded in time: for programs of the machine (git). Any thread;
 * one struct child is used by one thread at a time.
 *
 * It leads a process group of its own and dies with it: what it started goes too. It has no signal blocked,
 * its working folder is "/", and its standard input, where it is talked to, is a socket: a child that is gone
 * is an error of a call here, never a SIGPIPE. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct buffer;

struct child {
        pid_t pid; /* 0 = none */
        int pid_fd;
        int in_fd;    /* what is written here it reads; -1 = it reads /dev/null */
        int out_fd;   /* its standard output */
        int error_fd; /* its standard error; -1 = /dev/null */
};

#define CHILD_NONE ((struct child){.pid_fd = -1, .in_fd = -1, .out_fd = -1, .error_fd = -1})

struct child_program {
        const char *const *arguments;   /* the program first, found by PATH; NULL at the end */
        const char *const *environment; /* NULL = ours */
        bool is_talked_to;              /* in_fd is there */
        bool tells_errors;              /* error_fd is there */
};

/* -ENOENT: there is no such program. */
int child_start(const struct child_program *program, struct child *ret_child);
/* Kills what is left of it, waits for its end, closes. */
void child_end(struct child *child);
/* Waits for its end by itself: its exit status, 128 + N where signal N ended it; -ETIMEDOUT at the deadline
 * (monotonic), -ECANCELED when cancel_fd (-1 = none) became readable. It is closed in any case. */
int child_wait(struct child *child, uint64_t deadline_usec, int cancel_fd);
/* Waits until fd can be read (or written). 0, -ETIMEDOUT, -ECANCELED. */
int child_poll(int fd, short events, uint64_t deadline_usec, int cancel_fd);

struct child_run {
        struct child_program program;
        const void *input; /* with is_talked_to */
        size_t input_size;
        uint64_t timeout_usec;
        int cancel_fd;         /* -1 = none */
        size_t limit_bytes;    /* of output: -EFBIG beyond it */
        struct buffer *out;    /* appended to */
        struct buffer *errors; /* the same, with tells_errors; what is beyond 64 KiB is dropped */
};
/* From start to end. Returns what child_wait returns, or a negative errno. */
int child_run(const struct child_run *run);
