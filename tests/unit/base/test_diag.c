/* Diagnostics: their exact text, escapes, windows of long lines, the limit and the order. */
#include "base/diag.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buffer.h"
#include "base/random.h"

#include <stdio.h>
#include <string.h>

/* Adds one to an empty list, and compares what is shown of it. */
static void check_shown(const struct diag *diag, const char *message, const char *expected)
{
        struct diag_list list = {0};
        struct buffer out = {0};
        diag_add(&list, diag, "%s", message);
        assert_int_equal(list.count, 1);
        diag_format(&list.items[0], &out);
        assert_string_equal(buffer_text(&out), expected);
        buffer_free(&out);
        diag_free(&list);
}

static void test_the_whole_form(void **state)
{
        (void)state;
        check_shown(
                &(struct diag){
                        .file = "zones/example.com.zone",
                        .line = 14,
                        .column = 16,
                        .source_line = "www  3600 IN A 300.1.1.1",
                        .hint = "each of the four numbers is 0 to 255",
                        .included_from = "a.zone:3, b.zone:7",
                },
                "300.1.1.1 is not an IPv4 address",
                "zones/example.com.zone:14:16: error: 300.1.1.1 is not an IPv4 address\n"
                "   14 | www  3600 IN A 300.1.1.1\n"
                "      |                ^\n"
                "      = hint: each of the four numbers is 0 to 255\n"
                "      = included from a.zone:3, b.zone:7\n");
}

static void test_what_is_left_out(void **state)
{
        (void)state;
        check_shown(&(struct diag){.severity = DIAG_WARNING}, "text", "warning: text\n");
        check_shown(&(struct diag){.severity = DIAG_NOTE, .file = "a.zone"}, "text", "a.zone: note: text\n");
        check_shown(&(struct diag){.file = "a.zone", .line = 3}, "text", "a.zone:3: error: text\n");
        check_shown(&(struct diag){.file = "a.zone", .line = 3, .column = 9}, "text",
                "a.zone:3:9: error: text\n");
        check_shown(&(struct diag){.file = "a.zone", .line = 3, .source_line = "www A"}, "text",
                "a.zone:3: error: text\n"
                "    3 | www A\n");
        check_shown(&(struct diag){.file = "a.zone", .line = 1234567, .source_line = ""}, "text",
                "a.zone:1234567: error: text\n"
                "1234567 | \n");
}

static void test_caret(void **state)
{
        (void)state;
        struct diag diag = {.file = "z", .line = 1, .column = 1, .source_line = "www A\r"};
        check_shown(&diag, "t", "z:1:1: error: t\n    1 | www A\n      | ^\n");
        diag.column = 5;
        check_shown(&diag, "t", "z:1:5: error: t\n    1 | www A\n      |     ^\n");
        /* Behind the end: where something is missing. Further than that: there too. */
        diag.column = 6;
        check_shown(&diag, "t", "z:1:6: error: t\n    1 | www A\n      |      ^\n");
        diag.column = UINT32_MAX;
        check_shown(&diag, "t", "z:1:4294967295: error: t\n    1 | www A\n      |      ^\n");
        /* A tab is repeated, so the caret stands right whatever the terminal makes of it. */
        diag = (struct diag){.file = "z", .line = 1, .column = 6, .source_line = "www\t\tA"};
        check_shown(&diag, "t", "z:1:6: error: t\n    1 | www\t\tA\n      |    \t\t^\n");
        /* Columns are bytes, carets stand under characters. */
        diag = (struct diag){.file = "z", .line = 1, .column = 4, .source_line = "\xc3\xa9 A"};
        check_shown(&diag, "t", "z:1:4: error: t\n    1 | \xc3\xa9 A\n      |   ^\n");
        /* An escape is four columns wide. */
        diag = (struct diag){.file = "z", .line = 1, .column = 3, .source_line = "\xff A"};
        check_shown(&diag, "t", "z:1:3: error: t\n    1 | \\xff A\n      |      ^\n");
}

static void test_line_numbers_wider_than_the_margin(void **state)
{
        (void)state;
        struct diag diag = {.file = "z", .line = 1000000, .column = 2, .source_line = "ab", .hint = "h"};
        check_shown(&diag, "t", "z:1000000:2: error: t\n1000000 | ab\n        |  ^\n        = hint: h\n");
}

static void test_nothing_reaches_the_terminal_raw(void **state)
{
        (void)state;
        check_shown(
                &(struct diag){
                        .file = "a\x1b]0;b\n.zone",
                        .line = 1,
                        .source_line = "\x1b[31m\x7f\x01",
                        .hint = "\xc2\x9b"
                                "31m",
                        .included_from = "\xe2\x80\xae\xe2\x81\xa6\xe2\x80\xa8",
                },
                "a\tb \xc3 \xc0\xaf \xed\xa0\x80 \xf4\x90\x80\x80 \xe2\x82\xac \xf0\x9f\x98\x80",
                "a\\x1b]0;b\\x0a.zone:1: error: a\\x09b \\xc3 \\xc0\\xaf \\xed\\xa0\\x80 "
                "\\xf4\\x90\\x80\\x80 \xe2\x82\xac \xf0\x9f\x98\x80\n"
                "    1 | \\x1b[31m\\x7f\\x01\n"
                "      = hint: \\xc2\\x9b31m\n"
                "      = included from \\xe2\\x80\\xae\\xe2\\x81\\xa6\\xe2\\x80\\xa8\n");
}

static void test_long_line(void **state)
{
        (void)state;
        static char line[5001], expected[512];
        memset(line, 'a', 5000);
        line[2000] = 'X';
        struct diag diag = {.file = "z", .line = 1, .column = 2001, .source_line = line};
        char run[161];
        memset(run, 'a', 160);
        run[160] = '\0';
        snprintf(expected, sizeof(expected), "z:1:2001: error: t\n    1 | ...%.80sX%.79s...\n      | %83s^\n",
                run, run, "");
        check_shown(&diag, "t", expected);
        /* Near its start, its end, behind its end. */
        diag.column = 1;
        snprintf(expected, sizeof(expected), "z:1:1: error: t\n    1 | %s...\n      | ^\n", run);
        check_shown(&diag, "t", expected);
        diag.column = 5000;
        snprintf(
                expected, sizeof(expected), "z:1:5000: error: t\n    1 | ...%.81s\n      | %83s^\n", run, "");
        check_shown(&diag, "t", expected);
        diag.column = 9000;
        snprintf(
                expected, sizeof(expected), "z:1:9000: error: t\n    1 | ...%.80s\n      | %83s^\n", run, "");
        check_shown(&diag, "t", expected);
        diag.column = 0;
        snprintf(expected, sizeof(expected), "z:1: error: t\n    1 | %s...\n", run);
        check_shown(&diag, "t", expected);
}

static void test_short_form(void **state)
{
        (void)state;
        struct buffer out = {0};
        diag_format_short(&(struct diag){.severity = DIAG_WARNING,
                                  .file = "a.zone",
                                  .line = 2,
                                  .column = 3,
                                  .message = "text",
                                  .source_line = "x",
                                  .hint = "y"},
                &out);
        assert_string_equal(buffer_text(&out), "a.zone:2:3: warning: text");
        buffer_free(&out);
}

static void test_everything_is_copied(void **state)
{
        (void)state;
        struct diag_list list = {0};
        char code[] = "code", file[] = "file", line[] = "line", hint[] = "hint", from[] = "from";
        diag_add(&list,
                &(struct diag){
                        .code = code, .file = file, .source_line = line, .hint = hint, .included_from = from},
                "%d", 1);
        memset(code, 'x', 4);
        memset(file, 'x', 4);
        memset(line, 'x', 4);
        memset(hint, 'x', 4);
        memset(from, 'x', 4);
        const struct diag *diag = &list.items[0];
        assert_string_equal(diag->code, "code");
        assert_string_equal(diag->file, "file");
        assert_string_equal(diag->source_line, "line");
        assert_string_equal(diag->hint, "hint");
        assert_string_equal(diag->included_from, "from");
        assert_string_equal(diag->message, "1");
        diag_free(&list);
        diag_free(&list);
        diag_free(NULL);
}

static void test_a_long_message_ends_in_dots(void **state)
{
        (void)state;
        struct diag_list list = {0};
        diag_add(&list, &(struct diag){0}, "%5000s", "x");
        assert_int_equal(strlen(list.items[0].message), 1023);
        assert_string_equal(list.items[0].message + 1018, "  ...");
        diag_free(&list);
}

static void test_limit(void **state)
{
        (void)state;
        struct diag_list list = {.limit = 3};
        const struct diag error = {.severity = DIAG_ERROR}, warning = {.severity = DIAG_WARNING},
                          note = {.severity = DIAG_NOTE};
        for (int i = 0; i < 10; i++)
                diag_add(&list, &warning, "warning %d", i);
        diag_add(&list, &note, "note");
        assert_int_equal(list.count, 3);
        assert_int_equal(list.warning_count, 10);
        assert_null(diag_first_error(&list));
        /* Errors push warnings out, the latest first; an error is never pushed out. */
        for (int i = 0; i < 5; i++)
                diag_add(&list, &error, "error %d", i);
        assert_int_equal(list.count, 3);
        assert_int_equal(list.error_count, 5);
        assert_string_equal(list.items[2].message, "error 0");
        assert_string_equal(list.items[1].message, "error 1");
        assert_string_equal(list.items[0].message, "error 2");
        assert_non_null(diag_first_error(&list));
        diag_free(&list);
        assert_int_equal(list.limit, 3);
        assert_int_equal(list.error_count, 0);

        struct diag_list usual = {0};
        for (int i = 0; i < 2000; i++)
                diag_add(&usual, &error, "error %d", i);
        assert_int_equal(usual.count, 1000);
        assert_int_equal(usual.error_count, 2000);
        assert_string_equal(usual.items[999].message, "error 999");
        assert_true(usual.arena.size_bytes < 1024 * 1024);
        diag_free(&usual);
}

static void test_first_error(void **state)
{
        (void)state;
        struct diag_list list = {0};
        assert_null(diag_first_error(&list));
        diag_add(&list, &(struct diag){.severity = DIAG_WARNING}, "first");
        diag_add(&list, &(struct diag){.severity = DIAG_ERROR}, "second");
        diag_add(&list, &(struct diag){.severity = DIAG_ERROR}, "third");
        assert_string_equal(diag_first_error(&list)->message, "second");
        assert_int_equal(list.error_count, 2);
        assert_int_equal(list.warning_count, 1);
        diag_free(&list);
}

static void test_sort(void **state)
{
        (void)state;
        static const struct {
                const char *file;
                uint32_t line, column;
        } given[] = {{"b", 2, 1}, {"a", 9, 9}, {"b", 1, 5}, {NULL, 0, 0}, {"a", 1, 1}, {"b", 2, 0},
                {"b", 2, 1}, {"b", 1, 4}};
        static const char *const expected[] = {"7", "2", "5", "0", "6", "4", "1", "3"};
        struct diag_list list = {0};
        diag_sort(&list);
        for (size_t i = 0; i < 8; i++)
                diag_add(&list,
                        &(struct diag){
                                .file = given[i].file, .line = given[i].line, .column = given[i].column},
                        "%zu", i);
        diag_sort(&list);
        for (size_t i = 0; i < 8; i++)
                assert_string_equal(list.items[i].message, expected[i]);
        diag_free(&list);
}

static void test_severity_names(void **state)
{
        (void)state;
        assert_string_equal(diag_severity_name(DIAG_ERROR), "error");
        assert_string_equal(diag_severity_name(DIAG_WARNING), "warning");
        assert_string_equal(diag_severity_name(DIAG_NOTE), "note");
}

/* Whatever the bytes and the column: no control character but newline and tab comes out, and the source line
 * is one line with its caret below it. */
static void test_any_bytes(void **state)
{
        (void)state;
        random_fix(5);
        for (int round = 0; round < 2000; round++) {
                char line[400];
                size_t length = random_below(sizeof(line));
                for (size_t i = 0; i < length; i++)
                        line[i] = (char)(1 + random_below(255));
                line[length] = '\0';
                struct diag_list list = {0};
                struct buffer out = {0};
                diag_add(&list,
                        &(struct diag){
                                .file = "z", .line = 1, .column = 1 + random_below(500), .source_line = line},
                        "%s", line);
                diag_format(&list.items[0], &out);
                const char *text = buffer_text(&out);
                int newlines = 0;
                for (const char *at = text; *at; at++) {
                        newlines += *at == '\n';
                        assert_true((unsigned char)*at >= 0x20 || *at == '\n' || *at == '\t');
                        assert_true(*at != 0x7f);
                }
                assert_int_equal(newlines, 3);
                assert_string_equal(text + strlen(text) - 2, "^\n");
                buffer_free(&out);
                diag_free(&list);
        }
        random_fix(0);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_the_whole_form),
                cmocka_unit_test(test_what_is_left_out),
                cmocka_unit_test(test_caret),
                cmocka_unit_test(test_line_numbers_wider_than_the_margin),
                cmocka_unit_test(test_nothing_reaches_the_terminal_raw),
                cmocka_unit_test(test_long_line),
                cmocka_unit_test(test_short_form),
                cmocka_unit_test(test_everything_is_copied),
                cmocka_unit_test(test_a_long_message_ends_in_dots),
                cmocka_unit_test(test_limit),
                cmocka_unit_test(test_first_error),
                cmocka_unit_test(test_sort),
                cmocka_unit_test(test_severity_names),
                cmocka_unit_test(test_any_bytes),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
