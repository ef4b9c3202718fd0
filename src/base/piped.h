/* A child process with its output in pipes, bounded in time: for programs of the machine (git). Any thread;
 * one struct piped is used by one thread at a time.
 *
 * It leads a process group of its own and dies with it: what it started goes too. It has no signal blocked,
 * its working folder is "/", and its standard input, where it is talked to, is a socket: a child that is gone
 * is an error of a call here, never a SIGPIPE. */
#pragma once

#include "base/spawn.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buffer;

struct piped {
        struct child child;
        int in_fd;    /* what is written here it reads; -1 = it reads /dev/null */
        int out_fd;   /* its standard output */
        int error_fd; /* its standard error; -1 = /dev/null */
};

#define PIPED_NONE ((struct piped){.child = {.pidfd = -1}, .in_fd = -1, .out_fd = -1, .error_fd = -1})

struct piped_program {
        const char *const *arguments;   /* the program first, found by PATH; NULL at the end */
        const char *const *environment; /* as in struct spawn */
        bool is_talked_to;              /* in_fd is there */
        bool tells_errors;              /* error_fd is there */
};

/* -ENOENT: there is no such program. */
int piped_start(const struct piped_program *program, struct piped *ret_piped);
/* Kills what is left of it, waits for its end, closes. */
void piped_end(struct piped *piped);
/* Waits for its end by itself: its exit status, 128 + N where signal N ended it; -ETIMEDOUT at the deadline
 * (monotonic), -ECANCELED when cancel_fd (-1 = none) became readable. It is closed in any case. */
int piped_wait(struct piped *piped, uint64_t deadline_usec, int cancel_fd);
/* Waits until fd can be read (or written). 0, -ETIMEDOUT, -ECANCELED. */
int piped_poll(int fd, short events, uint64_t deadline_usec, int cancel_fd);

struct piped_run {
        struct piped_program program;
        const void *input; /* with is_talked_to */
        size_t input_size;
        uint64_t timeout_usec;
        int cancel_fd;         /* -1 = none */
        size_t limit_bytes;    /* of output: -EFBIG beyond it */
        struct buffer *out;    /* appended to */
        struct buffer *errors; /* the same, with tells_errors; what is beyond 64 KiB is dropped */
};
/* From start to end. Returns what piped_wait returns, or a negative errno. */
int piped_run(const struct piped_run *run);
