#include "captured.h"

#include "base/buffer.h"
#include "base/cleanup.h"
#include "client/options.h"
#include "client/request.h"

#include <errno.h>

#define ARGUMENTS_MAX 8

static int read_options(struct invocation *invocation, struct captured *captured, const char *first, ...)
{
        static char texts[ARGUMENTS_MAX][64];
        static char *arguments[ARGUMENTS_MAX + 2];
        int count = 0;
        va_list list;

        arguments[count++] = (char[]){"zonecrier"};
        va_start(list, first);
        for (const char *text = first; text; text = va_arg(list, const char *)) {
                snprintf(texts[count], sizeof(texts[count]), "%s", text);
                arguments[count] = texts[count];
                count++;
        }
        va_end(list);
        arguments[count] = NULL;
        *invocation = (struct invocation){0};
        capture_begin(captured);
        int exit_status = options_read(count, arguments, invocation);
        capture_end(captured);
        return exit_status;
}

static void options_stand_anywhere(void **state)
{
        struct invocation invocation;
        struct captured captured;
        (void)state;

        assert_int_equal(read_options(&invocation, &captured, "status", "--json", "example.com", "--socket",
                                 "/x", NULL),
                CLIENT_OK);
        assert_string_equal(invocation.command->name, "status");
        assert_true(invocation.client.is_json);
        assert_string_equal(invocation.client.socket_path, "/x");
        assert_int_equal(invocation.count, 1);
        assert_string_equal(invocation.arguments[0], "example.com");
        assert_int_equal(
                read_options(&invocation, &captured, "--socket=/y", "-j", "status", NULL), CLIENT_OK);
        assert_string_equal(invocation.client.socket_path, "/y");
        assert_int_equal(invocation.count, 0);
        assert_int_equal(
                read_options(&invocation, &captured, "keygen", "-a", "hmac-sha512", "--", "-name", NULL),
                CLIENT_OK);
        assert_string_equal(invocation.client.algorithm, "hmac-sha512");
        assert_string_equal(invocation.arguments[0], "-name");
}

/* Two options under one letter would set one another. */
static void values_reach_their_own_option(void **state)
{
        struct invocation invocation;
        struct captured captured;
        (void)state;

        assert_int_equal(read_options(&invocation, &captured, "serial-set", "a.example", "7", "--step", "max",
                                 "--assume", "x", NULL),
                CLIENT_OK);
        assert_string_equal(invocation.client.step, "max");
        assert_string_equal(invocation.client.assume, "x");
        assert_null(invocation.client.timeout);
        assert_int_equal(
                read_options(&invocation, &captured, "serial-set", "a.example", "--abort", NULL), CLIENT_OK);
        assert_true(invocation.client.aborts);
        assert_int_equal(read_options(&invocation, &captured, "wait", "a.example", "--timeout", "5s", NULL),
                CLIENT_OK);
        assert_string_equal(invocation.client.timeout, "5s");
        assert_null(invocation.client.step);
}

static void the_socket_has_a_default(void **state)
{
        struct invocation invocation;
        struct captured captured;
        (void)state;

        unsetenv("ZONECRIER_SOCKET");
        assert_int_equal(read_options(&invocation, &captured, "status", NULL), CLIENT_OK);
        assert_string_equal(invocation.client.socket_path, "/run/zonecrier/control.sock");
        setenv("ZONECRIER_SOCKET", "/from/environment", 1);
        assert_int_equal(read_options(&invocation, &captured, "status", NULL), CLIENT_OK);
        assert_string_equal(invocation.client.socket_path, "/from/environment");
        assert_int_equal(read_options(&invocation, &captured, "status", "--socket", "/x", NULL), CLIENT_OK);
        assert_string_equal(invocation.client.socket_path, "/x");
        unsetenv("ZONECRIER_SOCKET");
}

static void wrong_usage_is_2_with_a_hint(void **state)
{
        struct invocation invocation;
        struct captured captured;
        (void)state;

        assert_int_equal(read_options(&invocation, &captured, "stauts", NULL), CLIENT_FAILED);
        assert_string_equal(captured.text[1], "zonecrier: no command \"stauts\"; did you mean status?\n");
        assert_int_equal(read_options(&invocation, &captured, "frobnicate", NULL), CLIENT_FAILED);
        assert_null(strstr(captured.text[1], "did you mean"));
        assert_int_equal(read_options(&invocation, &captured, "x\x1b[2J", NULL), CLIENT_FAILED);
        assert_null(strchr(captured.text[1], '\x1b'));
        assert_int_equal(read_options(&invocation, &captured, "notify", NULL), CLIENT_FAILED);
        assert_string_equal(captured.text[1], "zonecrier: usage: zonecrier notify ZONE\n");
        assert_int_equal(read_options(&invocation, &captured, "status", "a", "b", NULL), CLIENT_FAILED);
        assert_int_equal(
                read_options(&invocation, &captured, "status", "--origin", "x", NULL), CLIENT_FAILED);
        assert_string_equal(captured.text[1], "zonecrier: status takes no --origin\n");
        assert_int_equal(read_options(&invocation, &captured, "show", "x", "--json", NULL), CLIENT_FAILED);
        assert_int_equal(read_options(&invocation, &captured, "status", "--nonsense", NULL), CLIENT_FAILED);
        assert_int_equal(read_options(&invocation, &captured, NULL), CLIENT_FAILED);
}

static void help_and_version(void **state)
{
        struct invocation invocation;
        struct captured captured;
        (void)state;

        assert_int_equal(read_options(&invocation, &captured, "--help", NULL), CLIENT_OK);
        assert_null(invocation.command);
        assert_non_null(strstr(captured.text[0], "approve"));
        for (const char *line = captured.text[0]; line; line = strchr(line, '\n')) {
                line += *line == '\n';
                assert_true(strcspn(line, "\n") <= 80);
        }
        assert_int_equal(read_options(&invocation, &captured, "status", "--version", NULL), CLIENT_OK);
        assert_string_equal(captured.text[0], "zonecrier " ZONECRIER_VERSION "\n");
}

static void near_commands_are_suggested(void **state)
{
        (void)state;
        assert_string_equal(command_suggest("chekc"), "check");
        assert_string_equal(command_suggest("relaod"), "reload");
        assert_string_equal(command_suggest("thw"), "thaw");
        assert_string_equal(command_suggest("aprove"), "approve");
        assert_null(command_suggest("q"));
        assert_null(command_suggest("a-very-long-word-that-is-like-no-command-at-all"));
        assert_null(command_suggest(""));
}

static void zone_names_are_percent_encoded(void **state)
{
        static const struct {
                const char *zone, *path;
        } zones[] = {
                {"example.com", "/v1/zones/example.com/text"},
                {".", "/v1/zones/%2E/text"},
                {"..", "/v1/zones/%2E./text"},
                {"0/25.2.0.192.in-addr.arpa.", "/v1/zones/0%2F25.2.0.192.in-addr.arpa./text"},
                {"a\\.b c%?#\xc3\xbc", "/v1/zones/a%5C.b%20c%25%3F%23%C3%BC/text"},
                {"", "/v1/zones//text"},
        };
        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(zones); i++) {
                CLEANUP_FREE char *path = request_zone_path(zones[i].zone, "/text");
                assert_string_equal(path, zones[i].path);
        }
}

static void no_daemon_is_told_in_one_line(void **state)
{
        static const int errors[] = {ENOENT, ECONNREFUSED, EACCES, ENAMETOOLONG, EIO};
        static const char *const words[] = {
                "no such socket", "has ended", "permission denied", "107", "Input/output"};
        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(errors); i++) {
                struct buffer out = {0};
                request_explain("/run/zonecrier/control.sock", errors[i], &out);
                assert_non_null(strstr(buffer_text(&out), words[i]));
                assert_non_null(strstr(buffer_text(&out), "/run/zonecrier/control.sock"));
                assert_null(strchr(buffer_text(&out), '\n'));
                buffer_free(&out);
        }
        struct buffer out = {0};
        request_explain("/etc/passwd", ECONNREFUSED, &out);
        assert_string_equal(buffer_text(&out),
                "no answer at /etc/passwd: that is no socket; --socket names zonecrierd's");
        buffer_free(&out);
}

static void no_daemon_is_2(void **state)
{
        struct invocation invocation;
        struct captured captured;
        (void)state;

        assert_int_equal(
                read_options(&invocation, &captured, "status", "--socket", "/nowhere/at/all.sock", NULL),
                CLIENT_OK);
        capture_begin(&captured);
        int exit_status = invocation.command->run(&invocation.client, invocation.arguments, invocation.count);
        capture_end(&captured);
        assert_int_equal(exit_status, CLIENT_FAILED);
        assert_string_equal(captured.text[0], "");
        assert_non_null(strstr(
                captured.text[1], "zonecrier: no answer at /nowhere/at/all.sock: there is no such socket."));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(options_stand_anywhere),
                cmocka_unit_test(values_reach_their_own_option),
                cmocka_unit_test(the_socket_has_a_default),
                cmocka_unit_test(wrong_usage_is_2_with_a_hint),
                cmocka_unit_test(help_and_version),
                cmocka_unit_test(near_commands_are_suggested),
                cmocka_unit_test(zone_names_are_percent_encoded),
                cmocka_unit_test(no_daemon_is_told_in_one_line),
                cmocka_unit_test(no_daemon_is_2),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
