#include "../cmocka_first.h"

#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/json.h"

#include <jansson.h>

static const char *text_as_json(struct buffer *out, const char *text, size_t length)
{
        struct json json = {.out = out};
        buffer_clear(out);
        json_text_sized(&json, NULL, text, length);
        return buffer_text(out);
}

static const struct {
        const char *text;
        size_t length;
        const char *json;
} texts[] = {
        {"", 0, "\"\""},
        {"plain", 5, "\"plain\""},
        {"a\"b\\c", 5, "\"a\\\"b\\\\c\""},
        {"line\nand\ttab", 12, "\"line\\nand\\ttab\""},
        {"\x1b[31m\x7f", 6, "\"\\u001b[31m\\u007f\""},
        {"nul\0in", 6, "\"nul\\u0000in\""},
        {"gr\xc3\xbc\xc3\x9f", 6, "\"gr\xc3\xbc\xc3\x9f\""},
        /* A C1 control, and a mark that turns the line around. */
        {"\xc2\x9b \xe2\x80\xae", 6, "\"\\u009b \\u202e\""},
        {"\xf0\x9f\x98\x80", 4, "\"\xf0\x9f\x98\x80\""},
        /* No UTF-8: a lone continuation, a cut character, an overlong slash, a surrogate, above U+10FFFF. */
        {"a\x80z", 3, "\"a\xef\xbf\xbdz\""},
        {"a\xc3", 2, "\"a\xef\xbf\xbd\""},
        {"\xc0\xaf", 2, "\"\xef\xbf\xbd\xef\xbf\xbd\""},
        {"\xed\xa0\x80", 3, "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""},
        {"\xf5\x80\x80\x80", 4, "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""},
};

static void texts_are_escaped(void **state)
{
        struct buffer out = {0};
        (void)state;

        for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
                assert_string_equal(text_as_json(&out, texts[i].text, texts[i].length), texts[i].json);
                json_t *parsed = json_loads(buffer_text(&out), JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
                assert_non_null(parsed);
                json_decref(parsed);
        }
        buffer_free(&out);
}

static void members_and_commas(void **state)
{
        struct buffer out = {0};
        struct json json = {.out = &out};
        (void)state;

        json_open(&json, NULL, '{');
        json_number(&json, "max", UINT64_MAX);
        json_serial(&json, "serial", 7);
        json_serial(&json, "none", 0);
        json_bool(&json, "yes", true);
        json_open(&json, "list", '[');
        json_text(&json, NULL, "a");
        json_text(&json, NULL, NULL);
        json_open(&json, NULL, '{');
        json_close(&json, '}');
        json_close(&json, ']');
        json_open(&json, "empty", '[');
        json_close(&json, ']');
        json_nothing(&json, "end");
        json_close(&json, '}');
        assert_string_equal(buffer_text(&out),
                "{\"max\":18446744073709551615,\"serial\":7,\"none\":null,\"yes\":true,"
                "\"list\":[\"a\",null,{}],\"empty\":[],\"end\":null}");
        buffer_free(&out);
}

static void times_are_utc(void **state)
{
        struct buffer out = {0};
        struct json json = {.out = &out};
        (void)state;

        json_open(&json, NULL, '[');
        json_time(&json, NULL, 1795262400123456ull);
        json_time(&json, NULL, 0);
        json_time(&json, NULL, UINT64_MAX);
        json_seconds(&json, NULL, 4211);
        json_seconds(&json, NULL, 12000001);
        json_close(&json, ']');
        json_t *parsed = json_loads(buffer_text(&out), 0, NULL);
        assert_non_null(parsed);
        assert_string_equal(json_string_value(json_array_get(parsed, 0)), "2026-11-21T12:00:00.123Z");
        assert_true(json_is_null(json_array_get(parsed, 1)));
        assert_non_null(strstr(buffer_text(&out), ",0.004211,12.000001]"));
        json_decref(parsed);
        buffer_free(&out);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(texts_are_escaped),
                cmocka_unit_test(members_and_commas),
                cmocka_unit_test(times_are_utc),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
