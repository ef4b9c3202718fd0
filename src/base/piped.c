/* Talking with a child until it ends, or its time does. Any thread. */
#include "base/piped.h"

#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>

#define READ_BYTES ((size_t)64 * 1024)
#define ERRORS_LIMIT_BYTES ((size_t)64 * 1024)

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

static int open_ends(const struct piped_program *program, struct piped *piped, struct ends *ends)
{
        int pair[2];

        if (program->is_talked_to) {
                if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
                        return -errno;
                piped->in_fd = pair[0];
                ends->in = pair[1];
        }
        int r = pipe_for(&piped->out_fd, &ends->out);
        if (r == 0 && program->tells_errors)
                r = pipe_for(&piped->error_fd, &ends->error);
        return r;
}

int piped_start(const struct piped_program *program, struct piped *ret_piped)
{
        struct piped piped = PIPED_NONE;
        struct ends ends = {-1, -1, -1};

        int r = open_ends(program, &piped, &ends);
        if (r == 0)
                r = spawn_start(&(struct spawn){.program = program->arguments[0],
                                        .argv = program->arguments,
                                        .environment = program->environment,
                                        .directory = "/",
                                        .files = {ends.in, ends.out, ends.error}},
                        &piped.child);
        ends_close(&ends);
        if (r < 0) {
                piped_end(&piped);
                return r;
        }
        *ret_piped = piped;
        return 0;
}

/* ---- end ---- */

static void close_fd(int *fd)
{
        if (*fd >= 0)
                close(*fd);
        *fd = -1;
}

static void piped_close(struct piped *piped)
{
        close_fd(&piped->in_fd);
        close_fd(&piped->out_fd);
        close_fd(&piped->error_fd);
}

void piped_end(struct piped *piped)
{
        child_end(&piped->child);
        piped_close(piped);
}

int piped_wait(struct piped *piped, uint64_t deadline_usec, int cancel_fd)
{
        int status = 0;

        close_fd(&piped->in_fd);
        int r = piped_poll(piped->child.pidfd, POLLIN, deadline_usec, cancel_fd);
        bool has_ended = r == 0 && child_reap(&piped->child, &status) == 1;
        piped_end(piped);
        if (r < 0)
                return r;
        return !has_ended ? -ECHILD : WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* ---- talk ---- */

int piped_poll(int fd, short events, uint64_t deadline_usec, int cancel_fd)
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
        const struct piped_run *run;
        struct piped piped;
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
        ssize_t n = send(talk->piped.in_fd, (const char *)talk->run->input + talk->written,
                talk->run->input_size - talk->written, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0 && errno != EINTR && errno != EAGAIN)
                talk->written = talk->run->input_size; /* it reads no more: its status says why */
        else if (n > 0)
                talk->written += (size_t)n;
        if (talk->written == talk->run->input_size)
                close_fd(&talk->piped.in_fd);
        return 0;
}

static int wait_some(struct talk *talk, struct pollfd polled[static 4])
{
        uint64_t now = clock_monotonic_usec();
        if (now >= talk->deadline_usec)
                return -ETIMEDOUT;
        uint64_t left_msec = (talk->deadline_usec - now) / USEC_PER_MSEC + 1;
        polled[0] = (struct pollfd){.fd = talk->piped.out_fd, .events = POLLIN};
        polled[1] = (struct pollfd){.fd = talk->piped.error_fd, .events = POLLIN};
        polled[2] = (struct pollfd){.fd = talk->piped.in_fd, .events = POLLOUT};
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
        while (talk->piped.out_fd >= 0 || talk->piped.error_fd >= 0) {
                struct pollfd polled[4];
                int r = wait_some(talk, polled);
                if (r == 0 && polled[0].revents) {
                        r = read_some(talk->piped.out_fd, talk->run->out, talk->run->limit_bytes, false);
                        if (r == 1)
                                close_fd(&talk->piped.out_fd);
                }
                if (r >= 0 && polled[1].revents) {
                        r = read_some(talk->piped.error_fd, talk->run->errors, ERRORS_LIMIT_BYTES, true);
                        if (r == 1)
                                close_fd(&talk->piped.error_fd);
                }
                if (r >= 0 && polled[2].revents)
                        r = write_some(talk);
                if (r < 0)
                        return r;
        }
        return 0;
}

int piped_run(const struct piped_run *run)
{
        struct talk talk = {.run = run, .deadline_usec = clock_monotonic_usec() + run->timeout_usec};

        int r = piped_start(&run->program, &talk.piped);
        if (r < 0)
                return r;
        if (talk.piped.in_fd >= 0)
                r = write_some(&talk);
        if (r == 0)
                r = talk_run(&talk);
        if (r < 0) {
                piped_end(&talk.piped);
                return r;
        }
        return piped_wait(&talk.piped, talk.deadline_usec, run->cancel_fd);
}
