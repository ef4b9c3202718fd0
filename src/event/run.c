/* The thread that runs the user's program: it may wait where the main loop may not, for a slow disk as for
 * the program itself.
 *
 * Events of one zone stand in one line: one of a line runs at a time, so that a program sees a zone's events
 * in order, and a zone whose runs hang holds up no other while there is one of EVENT_RUNS_MAX places left. */
#include "event/state.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/log_ids.h"
#include "base/spawn.h"
#include "base/table.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>

#define KEPT_OCTETS 600                     /* of what a program says */
#define HEARD_TURNS 16                      /* reads; others wait */
#define GRACE_USEC (2 * USEC_PER_SEC)       /* from SIGTERM to SIGKILL */
#define END_GRACE_USEC (1 * USEC_PER_SEC)   /* when the daemon ends */
#define TOLD_EVERY_USEC (10 * USEC_PER_SEC) /* failures, drops */

struct line { /* the events of a zone */
        struct line *next_ready;
        struct message *first, *last;
        char zone[];
};

struct run {
        struct child child; /* pid 0: the place is free */
        struct line *line;
        struct message *message;
        int output; /* what it says */
        char said[KEPT_OCTETS];
        size_t said_length;
        uint64_t began_usec, limit_usec; /* monotonic */
        bool is_timed_out, is_killed;
};

struct runner {
        struct events *events;
        char *program; /* NULL = none */
        uint64_t timeout_usec;
        struct table lines;                    /* zone -> struct line: waiting or running */
        struct line *first_ready, *last_ready; /* waiting, none of it runs */
        struct run runs[EVENT_RUNS_MAX];
        unsigned running;
        bool is_ending;
        uint64_t told_usec, untold; /* failures */
        unsigned long long dropped_told;
        uint64_t dropped_told_usec;
};

static void message_free(struct runner *runner, struct message *message)
{
        atomic_fetch_sub(&runner->events->waiting_octets, message->size);
        free(message);
}

static void ready_append(struct runner *runner, struct line *line)
{
        line->next_ready = NULL;
        if (runner->last_ready)
                runner->last_ready->next_ready = line;
        else
                runner->first_ready = line;
        runner->last_ready = line;
}

static struct line *line_for(struct runner *runner, const char *zone)
{
        size_t length = strlen(zone);
        struct line *line = table_get(&runner->lines, zone, length);

        if (line || !(line = calloc(1, sizeof *line + length + 1)))
                return line;
        memcpy(line->zone, zone, length + 1);
        if (table_put(&runner->lines, line->zone, length, line, NULL) < 0) {
                free(line);
                return NULL;
        }
        ready_append(runner, line);
        return line;
}

static void enqueue(struct runner *runner, struct message *message)
{
        struct line *line = runner->program ? line_for(runner, message->zone) : NULL;

        if (!line) {
                atomic_fetch_add(&runner->events->dropped, runner->program ? 1 : 0);
                atomic_fetch_sub(&runner->events->waiting, 1);
                message_free(runner, message);
                return;
        }
        message->item.next = NULL;
        if (line->last)
                line->last->item.next = &message->item;
        else
                line->first = message;
        line->last = message;
}

/* The line's run has ended. */
static void line_release(struct runner *runner, struct line *line)
{
        if (line->first) {
                ready_append(runner, line);
                return;
        }
        table_remove(&runner->lines, line->zone, strlen(line->zone));
        free(line);
}

/* The event as the program's standard input. */
static int open_input(const struct message *message)
{
        CLEANUP_CLOSE int fd = memfd_create("event", MFD_CLOEXEC);
        if (fd < 0)
                return -errno;
        for (size_t at = 0; at < message->json_length;) {
                ssize_t n = write(fd, message->json + at, message->json_length - at);
                if (n < 0 && errno != EINTR)
                        return -errno;
                at += n > 0 ? (size_t)n : 0;
        }
        return lseek(fd, 0, SEEK_SET) < 0 ? -errno : TAKE_FD(fd);
}

static int start(struct runner *runner, struct run *run, const struct message *message)
{
        CLEANUP_CLOSE int input = open_input(message), output = -1, theirs = -1;
        const char *argv[] = {
                runner->program, message->event, message->zone, message->serial, message->secondary, NULL};

        if (input < 0)
                return input;
        int r = spawn_pipe(true, &output, &theirs);
        if (r < 0)
                return r;
        struct spawn spawn = {
                .program = runner->program, .argv = argv, .directory = "/", .files = {input, theirs, theirs}};
        r = spawn_start(&spawn, &run->child);
        if (r == 0)
                run->output = TAKE_FD(output);
        return r;
}

/* Not one line for each of ten thousand events when the program is not there. */
static void tell_failure(struct runner *runner, const struct message *message, const char *what)
{
        uint64_t now = clock_monotonic_usec();
        char more[64] = "";

        if (runner->told_usec != 0 && now - runner->told_usec < TOLD_EVERY_USEC) {
                runner->untold++;
                return;
        }
        if (runner->untold > 0)
                snprintf(more, sizeof more, " (and %" PRIu64 " more failed before)", runner->untold);
        log_write(LOG_WARNING,
                &(struct log_fields){
                        .zone = message->zone, .message_id = MESSAGE_EVENT_FAILED, .file = runner->program},
                "on-event %s: %s %s: %s%s", runner->program, message->event, message->zone, what, more);
        runner->told_usec = now;
        runner->untold = 0;
}

static void tell_dropped(struct runner *runner)
{
        unsigned long long dropped = atomic_load(&runner->events->dropped);
        uint64_t now = clock_monotonic_usec();

        if (dropped == runner->dropped_told ||
                (runner->dropped_told_usec != 0 && now - runner->dropped_told_usec < TOLD_EVERY_USEC &&
                        runner->lines.count > 0))
                return;
        log_write(LOG_WARNING, &(struct log_fields){.message_id = MESSAGE_EVENT_FAILED},
                "on-event: %llu events found no room in the queue: the program is slower than they come",
                dropped - runner->dropped_told);
        runner->dropped_told = dropped;
        runner->dropped_told_usec = now;
}

static void start_next(struct runner *runner)
{
        while (runner->running < EVENT_RUNS_MAX && runner->first_ready && !runner->is_ending) {
                struct line *line = runner->first_ready;
                struct message *message = line->first;
                struct run *run = runner->runs;

                runner->first_ready = line->next_ready;
                if (!runner->first_ready)
                        runner->last_ready = NULL;
                line->first = (struct message *)message->item.next;
                if (!line->first)
                        line->last = NULL;
                atomic_fetch_sub(&runner->events->waiting, 1);
                while (run->child.pid != 0)
                        run++;
                *run = (struct run){.line = line, .message = message, .began_usec = clock_monotonic_usec()};
                run->limit_usec = run->began_usec + runner->timeout_usec;
                int r = runner->program ? start(runner, run, message) : -ENOENT;
                if (r < 0) {
                        if (runner->program)
                                tell_failure(runner, message, strerror(-r));
                        atomic_fetch_add(&runner->events->failed, 1);
                        message_free(runner, message);
                        line_release(runner, line);
                        continue;
                }
                runner->running++;
                atomic_fetch_add(&runner->events->running, 1);
        }
}

/* All of it is read in the end, so that it never waits for us; the beginning is kept. */
static void hear(struct run *run)
{
        char octets[4096];
        ssize_t length;

        for (int turn = 0; run->output >= 0 && (length = read(run->output, octets, sizeof octets)) != 0;
                turn++) {
                if (turn == HEARD_TURNS)
                        return;
                if (length < 0) {
                        if (errno == EAGAIN)
                                return;
                        if (errno == EINTR)
                                continue;
                        break;
                }
                for (ssize_t i = 0; i < length && run->said_length < sizeof run->said - 1; i++)
                        run->said[run->said_length++] =
                                (unsigned char)octets[i] < ' ' || octets[i] == 0x7f ? ' ' : octets[i];
        }
        if (run->output >= 0)
                close(run->output);
        run->output = -1;
}

static void tell_end(struct runner *runner, struct run *run, int status)
{
        char what[KEPT_OCTETS + 128];

        hear(run);
        while (run->said_length > 0 && run->said[run->said_length - 1] == ' ')
                run->said_length--;
        run->said[run->said_length] = '\0';
        const char *colon = run->said_length > 0 ? ": " : "";
        if (run->is_timed_out)
                snprintf(what, sizeof what, "ended after on-event-timeout (%llu s)%s%s",
                        (run->limit_usec - run->began_usec) / USEC_PER_SEC, colon, run->said);
        else if (WIFSIGNALED(status))
                snprintf(
                        what, sizeof what, "killed by %s%s%s", strsignal(WTERMSIG(status)), colon, run->said);
        else if (WEXITSTATUS(status) != 0)
                snprintf(what, sizeof what, "exit status %d%s%s", WEXITSTATUS(status), colon, run->said);
        else {
                log_write(LOG_DEBUG, &(struct log_fields){.zone = run->message->zone},
                        "on-event %s: %s %s: done%s%s", runner->program ? runner->program : "",
                        run->message->event, run->message->zone, colon, run->said);
                atomic_fetch_add(&runner->events->succeeded, 1);
                return;
        }
        atomic_fetch_add(run->is_timed_out ? &runner->events->timed_out : &runner->events->failed, 1);
        if (!runner->is_ending)
                tell_failure(runner, run->message, what);
}

static void finish(struct runner *runner, struct run *run)
{
        int status = 0;

        if (child_reap(&run->child, &status) == 0)
                return;
        tell_end(runner, run, status);
        if (run->output >= 0)
                close(run->output);
        message_free(runner, run->message);
        line_release(runner, run->line);
        *run = (struct run){.output = -1};
        runner->running--;
        atomic_fetch_sub(&runner->events->running, 1);
        tell_dropped(runner);
}

static void hold_to_time(struct run *run, uint64_t now)
{
        if (run->is_killed || now < run->limit_usec + (run->is_timed_out ? GRACE_USEC : 0))
                return;
        child_kill(&run->child, run->is_timed_out ? SIGKILL : SIGTERM);
        run->is_killed = run->is_timed_out;
        run->is_timed_out = true;
}

static void begin_ending(struct runner *runner)
{
        uint64_t limit = clock_monotonic_usec() + END_GRACE_USEC;

        runner->is_ending = true;
        for (struct run *run = runner->runs; run < runner->runs + EVENT_RUNS_MAX; run++)
                if (run->child.pid != 0) {
                        child_kill(&run->child, SIGTERM);
                        run->is_timed_out = true; /* SIGKILL comes next */
                        run->limit_usec = limit - GRACE_USEC;
                }
}

static void take_messages(struct runner *runner)
{
        for (struct queue_item *item = queue_take_all(runner->events->queue), *next; item; item = next) {
                struct message *message = (struct message *)item;
                next = item->next;
                switch (message->kind) {
                case MESSAGE_EVENT:
                        enqueue(runner, message);
                        continue;
                case MESSAGE_PROGRAM:
                        free(runner->program);
                        runner->program = *message->json ? strdup(message->json) : NULL;
                        runner->timeout_usec = message->timeout_usec;
                        break;
                case MESSAGE_END:
                        begin_ending(runner);
                        break;
                }
                free(message);
        }
}

static int next_wake_msec(const struct runner *runner)
{
        uint64_t now = clock_monotonic_usec(), next = UINT64_MAX;

        for (const struct run *run = runner->runs; run < runner->runs + EVENT_RUNS_MAX; run++) {
                uint64_t at = run->limit_usec + (run->is_timed_out ? GRACE_USEC : 0);
                if (run->child.pid != 0 && !run->is_killed && at < next)
                        next = at;
        }
        if (next == UINT64_MAX)
                return -1;
        return next <= now ? 0 : (int)((next - now) / USEC_PER_MSEC) + 1;
}

static void wait_for_something(const struct runner *runner)
{
        struct pollfd fds[1 + 2 * EVENT_RUNS_MAX] = {{queue_fd(runner->events->queue), POLLIN, 0}};
        nfds_t count = 1;

        for (const struct run *run = runner->runs; run < runner->runs + EVENT_RUNS_MAX; run++) {
                if (run->child.pid == 0)
                        continue;
                fds[count++] = (struct pollfd){run->child.pidfd, POLLIN, 0};
                if (run->output >= 0)
                        fds[count++] = (struct pollfd){run->output, POLLIN, 0};
        }
        poll(fds, count, next_wake_msec(runner));
}

static void free_waiting(struct runner *runner)
{
        struct line *line;
        size_t position = 0;

        while ((line = table_next(&runner->lines, &position))) {
                for (struct message *message = line->first, *next; message; message = next) {
                        next = (struct message *)message->item.next;
                        message_free(runner, message);
                }
                free(line);
        }
        table_free(&runner->lines);
        free(runner->program);
}

void *event_run_thread(void *context)
{
        struct runner runner = {.events = context};
        sigset_t all;

        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, NULL);
        pthread_setname_np(pthread_self(), "on-event");
        for (size_t i = 0; i < EVENT_RUNS_MAX; i++)
                runner.runs[i].output = -1;
        while (!runner.is_ending || runner.running > 0) {
                wait_for_something(&runner);
                take_messages(&runner);
                uint64_t now = clock_monotonic_usec();
                for (struct run *run = runner.runs; run < runner.runs + EVENT_RUNS_MAX; run++) {
                        if (run->child.pid == 0)
                                continue;
                        hear(run);
                        finish(&runner, run);
                        if (run->child.pid != 0)
                                hold_to_time(run, now);
                }
                start_next(&runner);
        }
        free_waiting(&runner);
        return NULL;
}
