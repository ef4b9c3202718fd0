/* The scanner of named.conf: comments, strings, signs, positions. */

#include "load.h"

#include "conf/token.h"

/* Every token as KIND'text'@line.column, a blank between. */
static void scan(const char *text, bool is_multiline, struct buffer *out)
{
        static const char letters[] = ".wsu{};!?";
        struct scanner scanner;
        struct token token;
        buffer_clear(out);
        scanner_begin(&scanner, text, strlen(text));
        do {
                scanner_next(&scanner, is_multiline, &token);
                buffer_printf(out, "%c", letters[token.kind]);
                if (token.kind == TOKEN_WORD || token.kind == TOKEN_STRING || token.kind == TOKEN_UNCLOSED)
                        buffer_printf(out, "'%.*s'", (int)token.length, token.text);
                buffer_printf(out, "@%u.%u ", token.line, token.column);
        } while (token.kind != TOKEN_END);
}

static void test_tokens(void **state)
{
        (void)state;
        static const struct {
                const char *text, *tokens;
        } cases[] = {
                {"", ".@1.1 "},
                {"zone \"a\" { };", "w'zone'@1.1 s'a'@1.6 {@1.10 }@1.12 ;@1.13 .@1.14 "},
                {"a//b\nc#d\ne/*f\n*/g", "w'a'@1.1 w'c'@2.1 w'e'@3.1 w'g'@4.3 .@4.4 "},
                {"!10/8;!{", "!@1.1 w'10/8'@1.2 ;@1.6 !@1.7 {@1.8 .@1.9 "},
                {"a\"b\"c", "w'a'@1.1 s'b'@1.2 w'c'@1.5 .@1.6 "},
                {"\xef\xbb\xbf"
                 "a;\r\n\tb;",
                        "w'a'@1.1 ;@1.2 w'b'@2.2 ;@2.3 .@2.4 "},
                {"\"a\\\"b\" \"\"", "s'a\\\"b'@1.1 s''@1.8 .@1.10 "},
                {"\"a // b # c /* d\"", "s'a // b # c /* d'@1.1 .@1.18 "},
                {"\"abc;\nd", "u'abc;'@1.1 w'd'@2.1 .@2.2 "},
                {"\"abc", "u'abc'@1.1 .@1.5 "},
                {"\"abc\\", "u'abc\\'@1.1 .@1.6 "},
                {"a /* b", "w'a'@1.1 ?@1.3 .@1.7 "},
                {"a /*/ b", "w'a'@1.1 ?@1.3 .@1.8 "},
        };
        CLEANUP(buffer_free) struct buffer out = {0};
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                scan(cases[i].text, false, &out);
                assert_string_equal(buffer_text(&out), cases[i].tokens);
        }
}

static void test_a_wrapped_string(void **state)
{
        (void)state;
        CLEANUP(buffer_free) struct buffer out = {0};
        scan("\"ab\n cd\";", true, &out);
        assert_string_equal(buffer_text(&out), "s'ab\n cd'@1.1 ;@2.5 .@2.6 ");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_tokens),
                cmocka_unit_test(test_a_wrapped_string),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
