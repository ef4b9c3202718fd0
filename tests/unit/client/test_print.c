#include "captured.h"

#include "base/buffer.h"
#include "base/cleanup.h"
#include "client/client.h"
#include "client/print.h"

static const struct {
        const char *text, *line, *lines;
} texts[] = {
        {"plain", "plain", "plain"},
        {"\x1b[2J\x07", "\\x1b[2J\\x07", "\\x1b[2J\\x07"},
        {"a\nb\tc\r", "a\\x0ab\\x09c\\x0d", "a\nb\tc\\x0d"},
        {"gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f"},
        {"c1 \xc2\x9b", "c1 \\xc2\\x9b", "c1 \\xc2\\x9b"},
        {"over \xc0\xaf", "over \\xc0\\xaf", "over \\xc0\\xaf"},
        {"rtl \xe2\x80\xae", "rtl \\xe2\\x80\\xae", "rtl \\xe2\\x80\\xae"},
        {"cut \xe2\x80", "cut \\xe2\\x80", "cut \\xe2\\x80"},
        {"\x7f", "\\x7f", "\\x7f"},
};

static void nothing_moves_the_cursor(void **state)
{
        struct buffer out = {0};
        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
                buffer_clear(&out);
                print_escape(&out, texts[i].text, strlen(texts[i].text), false);
                assert_string_equal(buffer_text(&out), texts[i].line);
                buffer_clear(&out);
                print_escape(&out, texts[i].text, strlen(texts[i].text), true);
                assert_string_equal(buffer_text(&out), texts[i].lines);
        }
        buffer_free(&out);
}

static void cells_have_their_width(void **state)
{
        struct client client = {.width = 80};
        struct captured captured;
        (void)state;

        capture_begin(&captured);
        print_cell(&client, PRINT_RED, "abc", 5);
        print_cell(&client, PRINT_RED, "abcdefgh", 5);
        print_cell(&client, PRINT_RED, "abcdefgh", 0);
        print_cell(&client, PRINT_RED, "\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc", 4);
        print_cell(&client, PRINT_RED, "\x1b", 6);
        client.has_color = true;
        print_cell(&client, PRINT_RED, "r", 2);
        client = (struct client){.width = 10};
        print_rest(&client, PRINT_DIM, "0123456789", 2);
        client.width = 0;
        print_rest(&client, PRINT_DIM, "0123456789", 2);
        print_cell(&client, PRINT_DIM, "0123456789", 4);
        capture_end(&captured);
        assert_string_equal(captured.text[0],
                "abc  abcd~abcdefgh\xc3\xbc\xc3\xbc\xc3\xbc~\\x1b  \033[31mr\033[0m "
                "  0123456~\n  0123456789\n0123456789");
}

static void times_and_sizes(void **state)
{
        char text[PRINT_TIME_MAX];
        time_t seconds = 0;
        (void)state;

        assert_string_equal(print_duration(0, text), "0 s");
        assert_string_equal(print_duration(119, text), "119 s");
        assert_string_equal(print_duration(120, text), "2 min");
        assert_string_equal(print_duration(7199, text), "119 min");
        assert_string_equal(print_duration(7200, text), "2 h");
        assert_string_equal(print_duration(3 * 86400, text), "3 d");
        assert_string_equal(print_size(1023, text), "1023 bytes");
        assert_string_equal(print_size(1536, text), "1.5 KiB");
        assert_string_equal(print_size(1ull << 40, text), "1.0 TiB");
        assert_string_equal(print_size(UINT64_MAX, text), "16777216.0 TiB");
        assert_true(print_time_parse("2026-11-21T12:00:00.123Z", &seconds));
        assert_int_equal(seconds, 1795262400);
        assert_false(print_time_parse("yesterday", &seconds));
        assert_false(print_time_parse(NULL, &seconds));
        assert_string_equal(print_age("2026-11-21T12:00:00Z", 1795262400 + 180, text), "3 min");
        assert_string_equal(print_age("2026-11-21T12:00:00Z", 1795262400 - 5, text), "0 s");
        assert_string_equal(print_age(NULL, 0, text), "-");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(nothing_moves_the_cursor),
                cmocka_unit_test(cells_have_their_width),
                cmocka_unit_test(times_and_sizes),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
