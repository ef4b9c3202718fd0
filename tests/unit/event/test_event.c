/* The user's program: what it gets, in which order, how long it may run, and what happens when it cannot. */
#include "event/state.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "conf/conf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATIENCE_USEC (60 * USEC_PER_SEC)

struct fixture {
        char folder[64], program[96], output[96];
        struct conf *conf;
        struct events *events;
};

static struct conf *load(const char *program, unsigned timeout_sec)
{
        char text[512];
        struct diag_list diags = {0};
        struct conf *conf = NULL;
        int length = snprintf(text, sizeof text,
                "options { directory \"/\"; %s%s%s on-event-timeout %u; };\n", program ? "on-event \"" : "",
                program ? program : "", program ? "\";" : "", timeout_sec);
        struct conf_load_options options = {
                .without_files = true, .text = text, .text_length = (size_t)length};
        assert_int_equal(conf_load("test.conf", &options, &diags, &conf), 0);
        diag_free(&diags);
        return conf;
}

static void write_program(const struct fixture *fixture, const char *body)
{
        FILE *file = fopen(fixture->program, "w");
        assert_non_null(file);
        fprintf(file, "#!/bin/sh\nout=%s\n%s\n", fixture->output, body);
        fclose(file);
        assert_int_equal(chmod(fixture->program, 0755), 0);
}

static void begin(struct fixture *fixture, const char *body, unsigned timeout_sec)
{
        *fixture = (struct fixture){0};
        strcpy(fixture->folder, "/tmp/on-event-XXXXXX");
        assert_non_null(mkdtemp(fixture->folder));
        snprintf(fixture->program, sizeof fixture->program, "%s/program", fixture->folder);
        snprintf(fixture->output, sizeof fixture->output, "%s/output", fixture->folder);
        write_program(fixture, body);
        fixture->conf = load(fixture->program, timeout_sec);
        assert_int_equal(events_new(fixture->conf, &fixture->events), 0);
}

static void end(struct fixture *fixture)
{
        fixture->events = events_free(fixture->events);
        conf_unref(fixture->conf);
        unlink(fixture->program);
        unlink(fixture->output);
        rmdir(fixture->folder);
}

static struct events_figures wait_for_runs(const struct fixture *fixture, uint64_t runs)
{
        struct events_figures figures = {0};
        uint64_t limit = clock_monotonic_usec() + PATIENCE_USEC;

        while (clock_monotonic_usec() < limit) {
                events_figures(fixture->events, &figures);
                if (figures.succeeded + figures.failed + figures.timed_out >= runs)
                        return figures;
                usleep(1000);
        }
        fail_msg("only %llu of %llu runs have ended",
                (unsigned long long)(figures.succeeded + figures.failed + figures.timed_out),
                (unsigned long long)runs);
        return figures;
}

static char *output_of(const struct fixture *fixture)
{
        FILE *file = fopen(fixture->output, "r");
        static char text[65536];
        assert_non_null(file);
        text[fread(text, 1, sizeof text - 1, file)] = '\0';
        fclose(file);
        return text;
}

/* What a program says when it fails, heard from the log. */
static char logged[4096];
static pthread_mutex_t logged_lock = PTHREAD_MUTEX_INITIALIZER;
static void on_log(int priority, const struct log_fields *fields, const char *message)
{
        (void)fields;
        if (priority > LOG_WARNING)
                return;
        pthread_mutex_lock(&logged_lock);
        strncat(logged, message, sizeof logged - strlen(logged) - 2);
        strcat(logged, "\n");
        pthread_mutex_unlock(&logged_lock);
}

static void test_arguments_and_input(void **state)
{
        (void)state;
        struct fixture fixture;
        uint8_t hash[32];
        memset(hash, 0xa5, sizeof hash);
        begin(&fixture, "printf '%s,' \"$#\" \"$@\" >>$out; cat >>$out", 60);
        event_emit(fixture.events, &(struct event){.kind = EVENT_PUBLISHED,
                                           .zone = "example.com",
                                           .serial = 8,
                                           .serial_before = 7,
                                           .added = 2,
                                           .removed = 1,
                                           .commit = "5f3c",
                                           .text = "serial 8, +2 -1 records \"quoted\""});
        wait_for_runs(&fixture, 1);
        char *text = output_of(&fixture);
        assert_true(
                strncmp(text, "4,published,example.com,8,-,{\"event\":\"published\",\"time\":\"20", 57) == 0);
        assert_non_null(
                strstr(text, "\"zone\":\"example.com\",\"serial\":8,\"serial_before\":7,\"records_added\":2,"
                             "\"records_removed\":1,"
                             "\"commit\":\"5f3c\",\"text\":\"serial 8, +2 -1 records \\\"quoted\\\"\"}\n"));
        unlink(fixture.output);
        event_emit(fixture.events, &(struct event){.kind = EVENT_STALE,
                                           .zone = "a.example",
                                           .serial = 8,
                                           .secondary = "he",
                                           .secondary_serial = 5,
                                           .lag_usec = 360 * USEC_PER_SEC,
                                           .stage = "notified"});
        wait_for_runs(&fixture, 2);
        text = output_of(&fixture);
        assert_true(strncmp(text, "4,stale,a.example,8,he,{", 24) == 0);
        assert_non_null(strstr(text,
                "\"secondary\":\"he\",\"secondary_serial\":5,\"stage\":\"notified\",\"lag_seconds\":360"));
        unlink(fixture.output);
        event_emit(fixture.events, &(struct event){.kind = EVENT_HELD, .zone = "a.example", .hash = hash});
        struct events_figures figures = wait_for_runs(&fixture, 3);
        text = output_of(&fixture);
        assert_true(strncmp(text, "4,held,a.example,-,-,{", 22) == 0);
        assert_non_null(strstr(text, "\"hash\":\"a5a5a5a5"));
        assert_int_equal(figures.succeeded, 3);
        assert_int_equal(figures.waiting, 0);
        end(&fixture);
}

/* Each zone's events come in order, one at a time, whatever the others do. */
static void test_order_in_a_zone(void **state)
{
        (void)state;
        struct fixture fixture;
        begin(&fixture, "echo \"begin $2 $3\" >>$out; sleep 0.0$(($3 % 4)); echo \"end $2 $3\" >>$out", 60);
        for (uint32_t serial = 1; serial <= 20; serial++)
                for (int zone = 0; zone < 6; zone++) {
                        char name[] = "z0.example";
                        name[1] = (char)('0' + zone);
                        event_emit(fixture.events,
                                &(struct event){.kind = EVENT_PUBLISHED, .zone = name, .serial = serial});
                }
        struct events_figures figures = wait_for_runs(&fixture, 120);
        assert_int_equal(figures.succeeded, 120);
        char *text = output_of(&fixture);
        for (int zone = 0; zone < 6; zone++) {
                char *at = text;
                for (unsigned serial = 1; serial <= 20; serial++) {
                        char began[40], ended[40];
                        snprintf(began, sizeof began, "begin z%d.example %u\n", zone, serial);
                        snprintf(ended, sizeof ended, "end z%d.example %u\n", zone, serial);
                        at = strstr(at, began);
                        assert_non_null(at);
                        at = strstr(at, ended);
                        assert_non_null(at);
                }
        }
        end(&fixture);
}

/* A zone whose program hangs is ended, with what it started, and the others had their turn in between. */
static void test_time_limit(void **state)
{
        (void)state;
        struct fixture fixture;
        log_redirect(on_log);
        *logged = '\0';
        begin(&fixture, "test $2 = slow || exit 0; trap '' TERM; echo stuck; sleep 600", 3);
        event_emit(fixture.events, &(struct event){.kind = EVENT_PUBLISHED, .zone = "slow", .serial = 1});
        for (int i = 0; i < 20; i++)
                event_emit(fixture.events, &(struct event){.kind = EVENT_PUBLISHED, .zone = "quick"});
        struct events_figures figures = wait_for_runs(&fixture, 21);
        assert_int_equal(figures.succeeded, 20);
        assert_int_equal(figures.timed_out, 1);
        pthread_mutex_lock(&logged_lock);
        assert_non_null(strstr(logged, "published slow: ended after on-event-timeout (3 s): stuck"));
        pthread_mutex_unlock(&logged_lock);
        log_redirect(NULL);
        end(&fixture);
}

static void test_failures(void **state)
{
        (void)state;
        struct fixture fixture;
        log_redirect(on_log);
        *logged = '\0';
        begin(&fixture, "printf 'no\\001 such\\nroom' >&2; exit 3", 60);
        event_emit(fixture.events, &(struct event){.kind = EVENT_HELD, .zone = "a.example"});
        event_emit(fixture.events, &(struct event){.kind = EVENT_HELD, .zone = "b.example"});
        struct events_figures figures = wait_for_runs(&fixture, 2);
        assert_int_equal(figures.failed, 2);
        pthread_mutex_lock(&logged_lock);
        char *first = strstr(logged, "held a.example: exit status 3: no  such room\n");
        char *second = strstr(logged, "held b.example: exit status 3: no  such room\n");
        assert_true(first || second); /* the other one within ten seconds is counted */
        *logged = '\0';
        pthread_mutex_unlock(&logged_lock);
        end(&fixture);

        begin(&fixture, "exit 0", 60);
        unlink(fixture.program);
        event_emit(fixture.events, &(struct event){.kind = EVENT_HELD, .zone = "a.example"});
        figures = wait_for_runs(&fixture, 1);
        assert_int_equal(figures.failed, 1);
        pthread_mutex_lock(&logged_lock);
        assert_non_null(strstr(logged, "held a.example: No such file or directory"));
        pthread_mutex_unlock(&logged_lock);
        log_redirect(NULL);
        end(&fixture);
}

/* More than the queue holds while the program hangs: counted, told, and nothing waits. */
static void test_too_many(void **state)
{
        (void)state;
        static char long_text[EVENT_TEXT_MAX + 1];
        struct fixture fixture;
        struct events_figures figures;

        memset(long_text, 'x', sizeof long_text - 1);
        log_redirect(on_log);
        *logged = '\0';
        begin(&fixture, "test -e $out || sleep 600", 3600);
        for (int i = 0; i < 3000; i++)
                event_emit(fixture.events,
                        &(struct event){.kind = EVENT_PUBLISHED, .zone = "a.example", .text = long_text});
        events_figures(fixture.events, &figures);
        assert_true(figures.dropped > 500);
        assert_in_range(
                figures.dropped + figures.waiting + figures.running, 2999, 3000); /* one may just begin */
        log_redirect(NULL);
        uint64_t before = clock_monotonic_usec();
        end(&fixture); /* ends the one that sleeps, leaves the others */
        assert_true(clock_monotonic_usec() - before < PATIENCE_USEC);
}

static void test_another_program(void **state)
{
        (void)state;
        struct fixture fixture;
        begin(&fixture, "echo first >>$out", 60);
        struct conf *none = load(NULL, 60), *back = load(fixture.program, 60);
        events_reconfigure(fixture.events, none);
        event_emit(fixture.events, &(struct event){.kind = EVENT_HELD, .zone = "a.example"});
        events_reconfigure(fixture.events, back);
        write_program(&fixture, "echo second >>$out");
        event_emit(fixture.events, &(struct event){.kind = EVENT_HELD, .zone = "a.example"});
        wait_for_runs(&fixture, 1);
        assert_string_equal(output_of(&fixture), "second\n");
        conf_unref(none);
        conf_unref(back);
        end(&fixture);
}

static void test_nobody_wants_it(void **state)
{
        (void)state;
        struct conf *conf = load(NULL, 60);
        struct events *events = NULL;
        assert_int_equal(events_new(conf, &events), 0);
        assert_false(events->has_thread);
        event_emit(events, &(struct event){.kind = EVENT_HELD, .zone = "a.example"});
        event_emit(NULL, &(struct event){.kind = EVENT_HELD, .zone = "a.example"});
        assert_int_equal(queue_length(events->queue), 1); /* what the program is */
        assert_null(events_free(events));
        conf_unref(conf);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_arguments_and_input),
                cmocka_unit_test(test_order_in_a_zone),
                cmocka_unit_test(test_time_limit),
                cmocka_unit_test(test_failures),
                cmocka_unit_test(test_too_many),
                cmocka_unit_test(test_another_program),
                cmocka_unit_test(test_nobody_wants_it),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
