/* Starts another program: the user's git, the user's program for events. No shell, no copy of this process.
 *
 * The child is alone: it has its three files and no other, no signal blocked or ignored, a process group of
 * its own (so that what it starts ends with it), and none of the variables by which systemd speaks with us.
 * Callable on any thread. */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

struct spawn {
        const char *program;            /* with a slash: a path; else searched in PATH */
        const char *const *argv;        /* argv[0] first, NULL-terminated */
        const char *const *environment; /* "NAME=value" sets, "NAME" alone unsets; NULL-terminated; NULL =
                                           ours as it is */
        const char *directory;          /* to start in; NULL = ours */
        int files[3];                   /* standard input, output, error; -1 = /dev/null. Above 2, or 2 for
                                           standard error: ours. They stay the caller's */
};

struct child {
        pid_t pid; /* of the process and of its group; 0 = none */
        int pidfd; /* readable once it has ended; -1 = none */
};

/* 0; -ENOENT, -EACCES ... where the program cannot be started. */
int spawn_start(const struct spawn *spawn, struct child *ret_child);
/* It and what it started, as far as that stayed in its group. Harmless after its end. */
void child_kill(const struct child *child, int signal);
/* 1 = it has ended: *ret_status is as of waitpid(2), what is left of its group was killed, and the child is
 * none from now on. 0 = it runs. Does not wait. */
int child_reap(struct child *child, int *ret_status);
/* SIGKILL, and waits for its end, which is at once. A child that is none is fine. */
void child_end(struct child *child);

/* A pipe for a file of a child: both ends close on exec, ours (the one that reads, or the one that writes)
 * does not block. */
int spawn_pipe(bool ours_reads, int *ret_ours, int *ret_theirs);
