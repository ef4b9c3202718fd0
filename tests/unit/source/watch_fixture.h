/* A temp folder, a watcher on a real sd-event loop, and a list of what it told. */
#pragma once

#include "base/clock.h"
#include "source/watch_state.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <systemd/sd-event.h>
#include <unistd.h>

#include <cmocka.h>

#define SETTLE_MSEC 50u

static char base[64];
static struct sd_event *event;
static struct watch *watch;
static char told[4096]; /* "changed a.zone; vanished b.zone; rescan .; ", paths below base */
static size_t told_count;
static uint64_t told_at_usec; /* the last */

static inline const char *in_base(const char *below)
{
        static char paths[8][256];
        static unsigned next;
        char *path = paths[next++ % 8];
        snprintf(path, sizeof(paths[0]), "%s%s%s", base, *below ? "/" : "", below);
        return path;
}

static inline void on_watch(void *context, enum watch_event what, const char *path)
{
        static const char *const names[] = {"changed", "vanished", "rescan"};

        assert_ptr_equal(context, told);
        assert_memory_equal(path, base, strlen(base));
        const char *below = path + strlen(base);
        size_t length = strlen(told);
        snprintf(told + length, sizeof(told) - length, "%s %s; ", names[what], *below ? below + 1 : ".");
        told_count++;
        told_at_usec = clock_monotonic_usec();
}

static inline void run_for(unsigned msec)
{
        uint64_t until_usec = clock_monotonic_usec() + msec * USEC_PER_MSEC;
        for (uint64_t now_usec; (now_usec = clock_monotonic_usec()) < until_usec;)
                assert_true(sd_event_run(event, until_usec - now_usec) >= 0);
}

/* Runs until something is told, at most msec; false = nothing was. */
static inline bool run_until_told(unsigned msec)
{
        uint64_t until_usec = clock_monotonic_usec() + msec * USEC_PER_MSEC;
        size_t before = told_count;
        for (uint64_t now_usec; told_count == before && (now_usec = clock_monotonic_usec()) < until_usec;)
                assert_true(sd_event_run(event, until_usec - now_usec) >= 0);
        return told_count != before;
}

static inline void assert_told(const char *expected)
{
        assert_string_equal(told, expected);
        told[0] = '\0';
        told_count = 0;
}

static inline int open_writer(const char *below, int flags)
{
        int fd = open(in_base(below), O_WRONLY | O_CLOEXEC | flags, 0644);
        assert_true(fd >= 0);
        return fd;
}

static inline void write_text(int fd, const char *text)
{
        assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
}

static inline void write_file(const char *below, const char *text)
{
        int fd = open_writer(below, O_CREAT | O_TRUNC);
        write_text(fd, text);
        close(fd);
}

static inline void make_folder(const char *below)
{
        assert_int_equal(mkdir(in_base(below), 0755), 0);
}

static inline void move(const char *from, const char *to)
{
        assert_int_equal(rename(in_base(from), in_base(to)), 0);
}

static inline void want_folder(const char *below)
{
        assert_int_equal(watch_folder(watch, in_base(below), SETTLE_MSEC * USEC_PER_MSEC), 0);
}

static inline void want_file(const char *below)
{
        assert_int_equal(watch_file(watch, in_base(below), SETTLE_MSEC * USEC_PER_MSEC), 0);
}

static inline int set_up(void **state)
{
        (void)state;
        told[0] = '\0';
        told_count = 0;
        snprintf(base, sizeof(base), "/tmp/test-watch-XXXXXX");
        if (!mkdtemp(base) || sd_event_new(&event) < 0)
                return -1;
        return watch_new(event, on_watch, told, &watch);
}

static inline int tear_down(void **state)
{
        (void)state;
        char command[128];
        watch = watch_free(watch);
        event = sd_event_unref(event);
        snprintf(command, sizeof(command), "rm -rf %s", base);
        return system(command);
}
