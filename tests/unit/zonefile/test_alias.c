/* ALIAS and URL entries: what they become, what is wrong with them, and answers as they are kept. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "dns/type.h"
#include "zonetext.h"

#include <errno.h>

#define HEAD "$TTL 3600\n@ SOA ns1 host 7 3600 600 604800 300\n@ NS ns1\nns1 A 192.0.2.1\n"

static const uint8_t example_com[] = "\7example\3com";
static const uint8_t target[] = "\4host\7example\3net";
static const uint8_t v4[2][4] = {{192, 0, 2, 7}, {192, 0, 2, 8}};
static const uint8_t v6[1][16] = {{0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9}};
static const struct alias_addresses addresses = {.v4 = v4, .v4_count = 2, .v6 = v6, .v6_count = 1};

struct parsed {
        struct zone_text text;
        struct zonefile_result result;
        struct diag_list diags;
        int r;
};

static struct parsed parse(const char *bytes, const struct alias_answers *answers,
        const struct alias_addresses *redirector, bool knows_redirector)
{
        struct zonefile_request request = {.origin = example_com,
                .file = "z.zone",
                .wants_chunks = true,
                .aliases = answers,
                .redirector = redirector,
                .knows_redirector = knows_redirector};
        struct parsed parsed = {.text = text_from(bytes, strlen(bytes))};
        parsed.r = zonefile_parse(&request, &parsed.text, &parsed.diags, &parsed.result);
        return parsed;
}

static void parsed_free(struct parsed *parsed)
{
        zonefile_result_free(&parsed->result);
        zone_text_free(&parsed->text);
        diag_free(&parsed->diags);
}

static struct alias_answers *known(void)
{
        struct alias_answers *answers = alias_answers_new();
        assert_non_null(answers);
        assert_int_equal(alias_answers_add(answers, target, &addresses), 0);
        return answers;
}

static void assert_has(const struct parsed *parsed, const char *line, bool expected)
{
        struct buffer text = {0};
        records_to_text(&parsed->result, &text);
        bool found = strstr(buffer_text(&text), line) != NULL;
        if (found != expected)
                fail_msg("%s %s in:\n%s", line, found ? "is" : "is not", buffer_text(&text));
        buffer_free(&text);
}

static void test_becomes_addresses(void **state)
{
        (void)state;
        struct alias_answers *answers = known();
        struct parsed parsed = parse(
                HEAD "@ 60 IN ALIAS HOST.example.net.\nwww ALIAS host.example.net.\n", answers, NULL, true);
        assert_int_equal(parsed.r, 0);
        assert_has(&parsed, "example.com. 60 IN A 192.0.2.7", true);
        assert_has(&parsed, "example.com. 60 IN A 192.0.2.8", true);
        assert_has(&parsed, "www.example.com. 3600 IN AAAA 2001:db8::9", true);
        assert_int_equal(parsed.result.records.count, 2 + 6);
        assert_true(parsed.result.has_directives);
        assert_null(parsed.result.chunks); /* never by changed lines alone */
        assert_non_null(parsed.result.aliases);
        assert_true(parsed.result.aliases->is_known && parsed.result.aliases->next->is_known);
        assert_null(parsed.result.aliases->next->next);
        parsed_free(&parsed);
        alias_answers_unref(answers);
}

static void test_unknown_is_told(void **state)
{
        (void)state;
        struct parsed parsed = parse(HEAD "www ALIAS host.example.net.\n", NULL, NULL, true);
        assert_int_equal(parsed.r, 0);
        assert_non_null(parsed.result.aliases);
        assert_false(parsed.result.aliases->is_known);
        assert_true(name_equal(parsed.result.aliases->target, target));
        parsed_free(&parsed);
}

static void test_url(void **state)
{
        (void)state;
        struct parsed parsed = parse(HEAD "www URL \"https://example.org/a b\"\n", NULL, &addresses, true);
        assert_int_equal(parsed.r, 0);
        assert_has(&parsed, "www.example.com. 3600 IN A 192.0.2.8", true);
        assert_null(parsed.result.aliases);
        parsed_free(&parsed);
        parsed = parse(HEAD "www URL https://example.org/\n", NULL, NULL, false);
        assert_int_equal(parsed.r, 0);
        parsed_free(&parsed);
}

static void assert_fails(const char *text, const char *code)
{
        struct alias_answers *answers = known();
        struct parsed parsed = parse(text, answers, NULL, true);
        assert_int_equal(parsed.r, -EINVAL);
        assert_string_equal(parsed.diags.items[0].code, code);
        parsed_free(&parsed);
        alias_answers_unref(answers);
}

static void test_what_is_wrong(void **state)
{
        (void)state;
        assert_fails(HEAD "www URL https://example.org/\n", "no-redirector");
        assert_fails(HEAD "www ALIAS\n", "missing-field");
        assert_fails(HEAD "www ALIAS host.example.net. other.\n", "text-behind-record");
        assert_fails(HEAD "www ALIAS www\n", "alias-of-itself");
        assert_fails(HEAD "www ALIAS a\\032b.example.net.\n", "alias-target");
        assert_fails(HEAD "www ALIAS host.example.net.\nwww CNAME other\n", "cname-and-other-data");
}

static void test_kept_row(void **state)
{
        (void)state;
        struct alias_answers *answers = known(), *again;
        struct alias_addresses found;
        struct buffer row = {0}, second = {0};

        assert_int_equal(alias_answers_add(answers, (const uint8_t *)"\1a\3net",
                                 &(struct alias_addresses){.v6 = v6, .v6_count = 1}),
                0);
        alias_answers_encode(answers, &row);
        assert_int_equal(alias_answers_decode(row.data, row.length, &again), 0);
        assert_int_equal(alias_answers_count(again), 2);
        assert_true(alias_answers_find(again, (const uint8_t *)"\4HOST\7example\3net", &found));
        assert_true(alias_addresses_equal(&found, &addresses));
        alias_answers_encode(again, &second);
        assert_int_equal(row.length, second.length);
        assert_memory_equal(row.data, second.data, row.length);
        alias_answers_unref(again);
        for (size_t cut = 2; cut < row.length; cut++)
                if (alias_answers_decode(row.data, cut, &again) == 0) {
                        assert_int_equal(alias_answers_count(again), 1); /* behind the first */
                        alias_answers_unref(again);
                }
        alias_answers_unref(answers);
        buffer_free(&row);
        buffer_free(&second);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_becomes_addresses),
                cmocka_unit_test(test_unknown_is_told),
                cmocka_unit_test(test_url),
                cmocka_unit_test(test_what_is_wrong),
                cmocka_unit_test(test_kept_row),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
