/* Children: started by posix_spawn, ended by their process group. Any thread. */
#include "base/child.h"

#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#define READ_BYTES ((size_t)64 * 1024)
#define ERRORS_LIMIT_BYTES ((size_t)64 * 1024)

extern char **environ;

/* ---- start ---- */

struct ends { /* the child's side */
        int in, out, error;
};

static void ends_close(struct ends *ends)
{
        int fds[] = {ends->in, ends->out, ends->error};
        for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
                if (fds[i] >= 0)
                        close(fds[i]);
}

static int pipe_for(int *ret_ours, int *ret_theirs)
{
        int fds[2];
        if (pipe2(fds, O_CLOEXEC) < 0)
                return -errno;
        *ret_ours = fds[0];
        *ret_theirs = fds[1];
        return 0;
}

static int open_ends(const struct child_program *program, struct child *child, struct ends *ends)
{
        int pair[2];

        if (program->is_talked_to) {
                if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
                        return -errno;
                child->in_fd = pair[0];
                ends->in = pair[1];
        } else
                ends->in = open("/dev/null", O_RDONLY | O_CLOEXEC);
        if (ends->in < 0)
                return -errno;
        int r = pipe_for(&child->out_fd, &ends->out);
        if (r == 0 && program->tells_errors)
                r = pipe_for(&child->error_fd, &ends->error);
        else if (r == 0)
                ends->error = open("/dev/null", O_WRONLY | O_CLOEXEC);
        return r == 0 && ends->error < 0 ? -errno : r;
}

static int set_attributes(posix_spawnattr_t *attributes)
{
        sigset_t none, all;
        sigemptyset(&none);
        sigfillset(&all);
        int r = posix_spawnattr_setflags(
                attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
        if (r == 0)
                r = posix_spawnattr_setsigmask(attributes, &none);
        if (r == 0)
                r = posix_spawnattr_setsigdefault(attributes, &all);
        return r == 0 ? posix_spawnattr_setpgroup(attributes, 0) : r;
}

static int set_actions(posix_spawn_file_actions_t *actions, const struct ends *ends)
{
        int r = posix_spawn_file_actions_adddup2(actions, ends->in, STDIN_FILENO);
        if (r == 0)
                r = posix_spawn_file_actions_adddup2(actions, ends->out, STDOUT_FILENO);
        if (r == 0)
                r = posix_spawn_file_actions_adddup2(actions, ends->error, STDERR_FILENO);
        return r == 0 ? posix_spawn_file_actions_addchdir_np(actions, "/") : r;
}

/* posix_spawn returns positive errors. */
static int spawn(const struct child_program *program, const struct ends *ends, pid_t *ret_pid)
{
        posix_spawnattr_t attributes;
        posix_spawn_file_actions_t actions;

        int r = posix_spawnattr_init(&attributes);
        if (r != 0)
                return -r;
        r = posix_spawn_file_actions_init(&actions);
        if (r == 0) {
                r = set_attributes(&attributes);
                if (r == 0)
                        r = set_actions(&actions, ends);
                if (r == 0)
                        r = posix_spawnp(ret_pid, program->arguments[0], &actions, &attributes,
                                (char *const *)(uintptr_t)program->arguments,
                                program->environment ? (char *const *)(uintptr_t)program->environment
                                                     : environ);
                posix_spawn_file_actions_destroy(&actions);
        }
        posix_spawnattr_destroy(&attributes);
        return -r;
}

int child_start(const struct child_program *program, struct child *ret_child)
{
        struct child child = CHILD_NONE;
        struct ends ends = {-1, -1, -1};

        int r = open_ends(program, &child, &ends);
        if (r == 0)
                r = spawn(program, &ends, &child.pid);
        ends_close(&ends);
        if (r == 0) {
                child.pid_fd = (int)syscall(SYS_pidfd_open, child.pid, 0);
                r = child.pid_fd < 0 ? -errno : 0;
        }
        if (r < 0) {
                child_end(&child);
                return r;
        }
        *ret_child = child;
        return 0;
}

/* ---- end ---- */

static void close_fd(int *fd)
{
        if (*fd >= 0)
                close(*fd);
        *fd = -1;
}

static int reap(struct child *child)
{
        int status = 0;
        while (waitpid(child->pid, &status, 0) < 0 && errno == EINTR)
                ;
        child->pid = 0;
        return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void child_close(struct child *child)
{
        close_fd(&child->pid_fd);
        close_fd(&child->in_fd);
        close_fd(&child->out_fd);
        close_fd(&child->error_fd);
}

void child_end(struct child *child)
{
        if (child->pid > 0) {
                kill(-child->pid, SIGKILL);
                reap(child);
        }
        child_close(child);
}

int child_wait(struct child *child, uint64_t deadline_usec, int cancel_fd)
{
        close_fd(&child->in_fd);
        int r = child_poll(child->pid_fd, POLLIN, deadline_usec, cancel_fd);
        if (r == 0)
                r = reap(child);
        child_end(child);
        return r;
}

/* ---- talk ---- */

int child_poll(int fd, short events, uint64_t deadline_usec, int cancel_fd)
{
        for (;;) {
                struct pollfd polled[] = {{.fd = fd, .events = events}, {.fd = cancel_fd, .events = POLLIN}};
                uint64_t now = clock_monotonic_usec();
                if (now >= deadline_usec)
                        return -ETIMEDOUT;
                uint64_t left_msec = (deadline_usec - now) / USEC_PER_MSEC + 1;
                int n = poll(polled, 2, left_msec > 60000 ? 60000 : (int)left_msec);
                if (n < 0 && errno != EINTR)
                        return -errno;
                if (n > 0 && polled[1].revents)
                        return -ECANCELED;
                if (n > 0 && polled[0].revents)
                        return 0;
        }
}

struct talk {
        const struct child_run *run;
        struct child child;
        size_t written;
        uint64_t deadline_usec;
};

/* 0 = there may be more, 1 = the end. */
static int read_some(int fd, struct buffer *into, size_t limit_bytes, bool drops)
{
        uint8_t dropped[4096];
        bool is_full = into->length >= limit_bytes;
        if (is_full && !drops)
                return -EFBIG;
        uint8_t *room = is_full ? dropped : buffer_reserve(into, READ_BYTES);
        if (!room)
                return -ENOMEM;
        ssize_t n = read(fd, room, is_full ? sizeof(dropped) : READ_BYTES);
        if (n < 0)
                return errno == EINTR || errno == EAGAIN ? 0 : -errno;
        if (!is_full)
                into->length += (size_t)n;
        return n == 0;
}

static int write_some(struct talk *talk)
{
        ssize_t n = send(talk->child.in_fd, (const char *)talk->run->input + talk->written,
                talk->run->input_size - talk->written, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0 && errno != EINTR && errno != EAGAIN)
                talk->written = talk->run->input_size; /* it reads no more: its status says why */
        else if (n > 0)
                talk->written += (size_t)n;
        if (talk->written == talk->run->input_size)
                close_fd(&talk->child.in_fd);
        return 0;
}

static int wait_some(struct talk *talk, struct pollfd polled[static 4])
{
        uint64_t now = clock_monotonic_usec();
        if (now >= talk->deadline_usec)
                return -ETIMEDOUT;
        uint64_t left_msec = (talk->deadline_usec - now) / USEC_PER_MSEC + 1;
        polled[0] = (struct pollfd){.fd = talk->child.out_fd, .events = POLLIN};
        polled[1] = (struct pollfd){.fd = talk->child.error_fd, .events = POLLIN};
        polled[2] = (struct pollfd){.fd = talk->child.in_fd, .events = POLLOUT};
        polled[3] = (struct pollfd){.fd = talk->run->cancel_fd, .events = POLLIN};
        if (poll(polled, 4, left_msec > 60000 ? 60000 : (int)left_msec) < 0) {
                for (int i = 0; i < 4; i++)
                        polled[i].revents = 0;
                return errno == EINTR ? 0 : -errno;
        }
        return polled[3].revents ? -ECANCELED : 0;
}

/* Until both outputs ended. */
static int talk_run(struct talk *talk)
{
        while (talk->child.out_fd >= 0 || talk->child.error_fd >= 0) {
                struct pollfd polled[4];
                int r = wait_some(talk, polled);
                if (r == 0 && polled[0].revents) {
                        r = read_some(talk->child.out_fd, talk->run->out, talk->run->limit_bytes, false);
                        if (r == 1)
                                close_fd(&talk->child.out_fd);
                }
                if (r >= 0 && polled[1].revents) {
                        r = read_some(talk->child.error_fd, talk->run->errors, ERRORS_LIMIT_BYTES, true);
                        if (r == 1)
                                close_fd(&talk->child.error_fd);
                }
                if (r >= 0 && polled[2].revents)
                        r = write_some(talk);
                if (r < 0)
                        return r;
        }
        return 0;
}

int child_run(const struct child_run *run)
{
        struct talk talk = {.run = run, .deadline_usec = clock_monotonic_usec() + run->timeout_usec};

        int r = child_start(&run->program, &talk.child);
        if (r < 0)
                return r;
        if (talk.child.in_fd >= 0)
                r = write_some(&talk);
        if (r == 0)
                r = talk_run(&talk);
        if (r < 0) {
                child_end(&talk.child);
                return r;
        }
        return child_wait(&talk.child, talk.deadline_usec, run->cancel_fd);
}
