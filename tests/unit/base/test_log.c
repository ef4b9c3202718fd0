/* The log: which way a line goes, its exact text on standard error, its exact fields in the journal. */
#include "base/log.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

/* Stands in for libsystemd's: the entry's fields, sorted by nothing, a line each. */
static char journal[8192];
static int journal_result;

int sd_journal_sendv(const struct iovec *fields, int count);
int sd_journal_sendv(const struct iovec *fields, int count)
{
        for (int i = 0; i < count; i++) {
                size_t length = strlen(journal);
                snprintf(journal + length, sizeof(journal) - length, "%.*s\n", (int)fields[i].iov_len,
                        (const char *)fields[i].iov_base);
        }
        return journal_result;
}

static FILE *capture;
static int real_stderr;

static int set_up(void **state)
{
        (void)state;
        journal[0] = '\0';
        journal_result = 0;
        unsetenv("JOURNAL_STREAM");
        capture = tmpfile();
        real_stderr = dup(STDERR_FILENO);
        return capture && real_stderr >= 0 && dup2(fileno(capture), STDERR_FILENO) >= 0 ? 0 : -1;
}

static int tear_down(void **state)
{
        (void)state;
        log_redirect(NULL);
        dup2(real_stderr, STDERR_FILENO);
        close(real_stderr);
        fclose(capture);
        return 0;
}

static const char *captured(void)
{
        static char text[16384];
        ssize_t length = pread(fileno(capture), text, sizeof(text) - 1, 0);
        assert_true(length >= 0);
        text[length] = '\0';
        assert_int_equal(ftruncate(fileno(capture), 0), 0);
        assert_int_equal(lseek(fileno(capture), 0, SEEK_SET), 0);
        return text;
}

static void open_to_journal(void)
{
        struct stat status;
        char stream[64];
        assert_int_equal(fstat(STDERR_FILENO, &status), 0);
        snprintf(stream, sizeof(stream), "%ju:%ju", (uintmax_t)status.st_dev, (uintmax_t)status.st_ino);
        setenv("JOURNAL_STREAM", stream, 1);
        log_open("zonecrierd", LOG_INFO);
}

/* Sets the clock, as far as seconds go, to 2026-11-21 12:00:00 UTC. */
static void test_line_on_standard_error(void **state)
{
        (void)state;
        setenv("TZ", "XXX-1", 1); /* an hour east of Greenwich */
        tzset();
        int64_t shift = (int64_t)(1795262400ull * USEC_PER_SEC - clock_realtime_usec());
        clock_shift(shift);
        log_open("zonecrierd", LOG_INFO);
        log_write(LOG_NOTICE, &(struct log_fields){.zone = "example.com", .serial = 7},
                "%s: serial %d is served", "example.com", 7);
        clock_shift(-shift);
        const char *line = captured();
        char expected[] = "2026-11-21 13:00:00.000 notice: example.com: serial 7 is served\n";
        assert_memory_equal(line, expected, strlen("2026-11-21 13:00:0"));
        assert_string_equal(
                line + strlen("2026-11-21 13:00:00.000"), expected + strlen("2026-11-21 13:00:00.000"));
        assert_int_equal(line[strlen("2026-11-21 13:00:00")], '.');
        assert_string_equal(journal, "");
}

static const char *behind_time(const char *line)
{
        assert_true(strlen(line) > strlen("2026-11-21 12:00:00.000 "));
        return line + strlen("2026-11-21 12:00:00.000 ");
}

static void test_level_words(void **state)
{
        (void)state;
        log_open("zonecrierd", LOG_DEBUG);
        static const struct {
                int priority;
                const char *line;
        } cases[] = {
                {LOG_CRIT, "critical: text\n"},
                {LOG_ERR, "error: text\n"},
                {LOG_WARNING, "warning: text\n"},
                {LOG_NOTICE, "notice: text\n"},
                {LOG_INFO, "info: text\n"},
                {LOG_DEBUG, "debug: text\n"},
        };
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                log_write(cases[i].priority, NULL, "text");
                assert_string_equal(behind_time(captured()), cases[i].line);
        }
}

static void test_lowest(void **state)
{
        (void)state;
        log_open("zonecrierd", LOG_NOTICE);
        assert_true(log_is_on(LOG_ERR));
        assert_true(log_is_on(LOG_NOTICE));
        assert_false(log_is_on(LOG_INFO));
        log_write(LOG_INFO, NULL, "dropped");
        assert_string_equal(captured(), "");
}

static void test_lines_and_control_characters(void **state)
{
        (void)state;
        log_open("zonecrierd", LOG_INFO);
        log_write(LOG_ERR, NULL, "first\nsecond\n\tthird\n");
        assert_string_equal(behind_time(captured()), "error: first\n    second\n    \tthird\n");
        log_write(LOG_ERR, NULL, "a\x1b[2Jb\rc\x7f \xc3\xa9");
        assert_string_equal(behind_time(captured()), "error: a?[2Jb?c? \xc3\xa9\n");
        log_write(LOG_ERR, NULL, "%s", "");
        assert_string_equal(behind_time(captured()), "error: \n");
}

static void test_any_length(void **state)
{
        (void)state;
        log_open("zonecrierd", LOG_INFO);
        char text[3000];
        for (size_t length = 950; length < 1100; length++) {
                memset(text, 'a', length);
                text[length] = '\0';
                text[length / 2] = '\n';
                log_write(LOG_ERR, NULL, "%s", text);
                const char *line = behind_time(captured());
                assert_int_equal(strlen(line), strlen("error: ") + length + strlen("    ") + 1);
                assert_memory_equal(line + strlen("error: "), text, length / 2 + 1);
        }
        memset(text, '\n', sizeof(text) - 1);
        text[sizeof(text) - 1] = '\0';
        log_write(LOG_ERR, NULL, "%s", text);
        assert_int_equal(strlen(behind_time(captured())), strlen("error: ") + (sizeof(text) - 2) * 5 + 1);
}

static void test_journal_fields(void **state)
{
        (void)state;
        open_to_journal();
        const struct log_fields fields = {
                .zone = "example.com",
                .serial = 4294967295,
                .secondary = "192.0.2.1#53",
                .key = "he-key",
                .rule = "key he-key",
                .file = "zones/example.com.zone",
                .message_id = "4f0b6c3e8d4a4b6f9d5f2c7a10e3b001",
                .commit = "0123abcd",
                .bytes = 12272,
                .duration_usec = 1500,
        };
        log_write(LOG_NOTICE, &fields, "served\nto all\n");
        assert_string_equal(journal, "MESSAGE=served\nto all\n"
                                     "PRIORITY=5\n"
                                     "SYSLOG_IDENTIFIER=zonecrierd\n"
                                     "ZONE=example.com\n"
                                     "SECONDARY=192.0.2.1\n"
                                     "KEY=he-key\n"
                                     "RULE=key he-key\n"
                                     "FILE=zones/example.com.zone\n"
                                     "MESSAGE_ID=4f0b6c3e8d4a4b6f9d5f2c7a10e3b001\n"
                                     "COMMIT=0123abcd\n"
                                     "SERIAL=4294967295\n"
                                     "BYTES=12272\n"
                                     "DURATION_USEC=1500\n");
        assert_string_equal(captured(), "");
}

static void test_journal_without_fields(void **state)
{
        (void)state;
        open_to_journal();
        log_write(LOG_ERR, NULL, "text");
        log_write(LOG_ERR, &(struct log_fields){0}, "text");
        assert_string_equal(journal, "MESSAGE=text\nPRIORITY=3\nSYSLOG_IDENTIFIER=zonecrierd\n"
                                     "MESSAGE=text\nPRIORITY=3\nSYSLOG_IDENTIFIER=zonecrierd\n");
}

static void test_journal_long_fields(void **state)
{
        (void)state;
        open_to_journal();
        char zone[1010], expected[1100], message[2000];
        memset(zone, 'z', sizeof(zone) - 1);
        zone[sizeof(zone) - 1] = '\0';
        memset(message, 'm', sizeof(message) - 1);
        message[sizeof(message) - 1] = '\0';
        log_write(LOG_ERR, &(struct log_fields){.zone = zone, .file = zone}, "%s", message);
        snprintf(expected, sizeof(expected), "\nZONE=%s\n", zone);
        assert_non_null(strstr(journal, expected));
        snprintf(expected, sizeof(expected), "\nFILE=%s\n", zone);
        assert_non_null(strstr(journal, expected));
        assert_non_null(strstr(journal, message));
}

static void test_journal_that_does_not_take_it(void **state)
{
        (void)state;
        open_to_journal();
        journal_result = -ENOBUFS;
        log_write(LOG_WARNING, NULL, "text");
        assert_string_equal(captured(), "<4>warning: text\n");
}

static void test_another_journal_stream_is_not_ours(void **state)
{
        (void)state;
        static const char *const streams[] = {"", "1", "1:", "1:1", "x:y"};
        for (size_t i = 0; i < sizeof(streams) / sizeof(streams[0]); i++) {
                setenv("JOURNAL_STREAM", streams[i], 1);
                log_open("zonecrierd", LOG_INFO);
                log_write(LOG_ERR, NULL, "text");
                assert_string_equal(behind_time(captured()), "error: text\n");
        }
        assert_string_equal(journal, "");
}

static int sink_priority;
static const struct log_fields *sink_fields;
static char sink_message[64];

static void sink(int priority, const struct log_fields *fields, const char *message)
{
        sink_priority = priority;
        sink_fields = fields;
        snprintf(sink_message, sizeof(sink_message), "%s", message);
}

static void test_redirect(void **state)
{
        (void)state;
        const struct log_fields fields = {.serial = 1};
        log_open("zonecrierd", LOG_ERR);
        log_redirect(sink);
        assert_true(log_is_on(LOG_DEBUG)); /* every line goes to the sink */
        log_write(LOG_DEBUG, &fields, "line %d", 1);
        assert_int_equal(sink_priority, LOG_DEBUG);
        assert_ptr_equal(sink_fields, &fields);
        assert_string_equal(sink_message, "line 1");
        log_redirect(NULL);
        log_write(LOG_DEBUG, &fields, "line %d", 2);
        assert_string_equal(sink_message, "line 1");
        assert_string_equal(captured(), "");
}

#define LOG_TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
        const struct CMUnitTest tests[] = {
                LOG_TEST(test_line_on_standard_error),
                LOG_TEST(test_level_words),
                LOG_TEST(test_lowest),
                LOG_TEST(test_lines_and_control_characters),
                LOG_TEST(test_any_length),
                LOG_TEST(test_journal_fields),
                LOG_TEST(test_journal_without_fields),
                LOG_TEST(test_journal_long_fields),
                LOG_TEST(test_journal_that_does_not_take_it),
                LOG_TEST(test_another_journal_stream_is_not_ours),
                LOG_TEST(test_redirect),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
