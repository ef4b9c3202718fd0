/* named.conf's checks: what each says, where, and how loudly. Positions and verdicts as named-checkzone -k,
 * -m, -M, -S, -r and -W give them, but for the column. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "conf/checks.h"
#include "zonetext.h"

#include <errno.h>
#include <string.h>

#define HEAD "$TTL 3600\n@ SOA ns1 host 7 3600 600 604800 300\n@ NS ns1\nns1 A 192.0.2.1\n"

static const uint8_t example_com[] = "\7example\3com", reverse[] = "\0012\0010\003192\7in-addr\4arpa";

/* "5:1 bad-host-name error" of each thing told. */
static void told(
        const uint8_t *origin, const char *bytes, const struct conf_checks *checks, struct buffer *out)
{
        struct zonefile_request request = {.origin = origin, .file = "z", .checks = checks};
        struct zone_text text = text_from(bytes, strlen(bytes));
        struct zonefile_result result = {0};
        struct diag_list diags = {0};
        int r = zonefile_parse(&request, &text, &diags, &result);

        assert_int_equal(r, diags.error_count > 0 ? -EINVAL : 0);
        diag_sort(&diags);
        for (size_t i = 0; i < diags.count; i++)
                buffer_printf(out, "%s%u:%u %s %s", i > 0 ? ", " : "", diags.items[i].line,
                        diags.items[i].column, diags.items[i].code,
                        diag_severity_name(diags.items[i].severity));
        zonefile_result_free(&result);
        diag_free(&diags);
        zone_text_free(&text);
}

static void expect(
        const uint8_t *origin, const char *bytes, const struct conf_checks *checks, const char *expected)
{
        struct buffer out = {0};

        told(origin, bytes, checks, &out);
        assert_string_equal(out.length > 0 ? buffer_text(&out) : "", expected);
        buffer_free(&out);
}

static void test_names(void **state)
{
        static const struct {
                const char *text, *expected;
        } cases[] = {
                {"a_b A 192.0.2.1\n", "5:1 bad-host-name error"},
                {"*.a_b AAAA 2001:db8::1\n", "5:1 bad-host-name error"},
                {"a- A 192.0.2.1\n", "5:1 bad-host-name error"},
                {"m_x MX 0 .\n", "5:1 bad-host-name error"},
                {"a TXT x\n A 192.0.2.1\na_b TXT y\n   60 A 192.0.2.1\n", "8:7 bad-host-name error"},
                {"@ NS ns_x.example.net.\n", "5:6 bad-host-name error"},
                {"@ MX ( 10\n  m_x.example.net. )\n", "6:3 bad-host-name error"},
                {"_s._tcp SRV 0 0 1 t_x.example.net.\n", "5:19 bad-host-name error"},
                {"a AFSDB 1 a_b.example.net.\n", "5:11 bad-host-name error"},
                {"a RT 1 a_b.example.net.\n", "5:8 bad-host-name error"},
                {"a HTTPS 1 a_b.example.net.\n", "5:11 bad-host-name error"},
                {"a RP a_b.x_y.example.net. .\n", "5:6 bad-host-name error"},
                {"a MINFO a.x_y.example.net. b.x_z.example.net.\n",
                        "5:9 bad-host-name error, 5:28 bad-host-name error"},
                {"a RP a_b.example.net. t_x.example.net.\n", ""},
                {"_a TXT x\nb_c CNAME d_e\np PTR a_b.example.net.\nk KX 1 a_b.x_y.example.net.\n", ""},
                {"* A 192.0.2.1\n*.b MX 10 ns1\n1.2 A 192.0.2.1\n", ""},
                {"gc._msdcs A 192.0.2.1\nGC._MSDCS.foo AAAA 2001:db8::1\n", ""},
                {"gc._msdcs MX 0 .\n", "5:1 bad-host-name error"},
                {"a MX 0 .\nb HTTPS 1 .\n", ""},
        };
        struct conf_checks checks = conf_checks_default;
        char text[1024], warned[256];

        (void)state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                const char *expected = cases[i].expected;

                snprintf(text, sizeof(text), HEAD "%s", cases[i].text);
                expect(example_com, text, NULL, expected);
                checks.names = CONF_CHECK_IGNORE;
                expect(example_com, text, &checks, "");
                checks.names = CONF_CHECK_WARN;
                warned[0] = '\0';
                for (const char *at; (at = strstr(expected, "error")); expected = at + 5)
                        snprintf(warned + strlen(warned), sizeof(warned) - strlen(warned), "%.*swarning",
                                (int)(at - expected), expected);
                expect(example_com, text, &checks, warned);
        }
        expect(example_com, "$TTL 5\n@ SOA n_s a_b.c_d 7 3600 600 604800 300\n@ NS a.b.\n", NULL,
                "2:7 bad-host-name error, 2:11 bad-host-name error");
        expect(reverse, "$TTL 5\n@ SOA a.b. c.b. 1 2 3 4 5\n@ NS a.b.\n1 PTR x_y.b.\nz_z PTR z.b.\n", NULL,
                "4:7 bad-host-name error");
}

static void test_levels(void **state)
{
        static const struct {
                const char *text, *ignored, *warned, *failed;
        } cases[] = {
                {"@ MX 10 192.0.2.1\n", "", "5:9 mx-is-address warning", "5:9 mx-is-address error"},
                {"@ MX 10 192.0.2.1.\n", "", "5:9 mx-is-address warning", "5:9 mx-is-address error"},
                {"@ MX 10 2001:db8::1\n", "", "5:9 mx-is-address warning", "5:9 mx-is-address error"},
                {"@ MX 10 192.0.2.256.\n@ MX 10 192.0.2.example.net.\n", "", "", ""},
                {"a A 192.0.2.1\na A 192.0.2.1\n", "", "6:3 duplicate-record warning",
                        "6:3 duplicate-record error"},
        };
        static const enum conf_check levels[] = {CONF_CHECK_IGNORE, CONF_CHECK_WARN, CONF_CHECK_FAIL};
        struct conf_checks checks = {0};
        char text[1024];

        (void)state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
                for (unsigned level = 0; level < 3; level++) {
                        checks.mx = checks.dup_records = levels[level];
                        snprintf(text, sizeof(text), HEAD "%s", cases[i].text);
                        expect(example_com, text, &checks,
                                level == 0   ? cases[i].ignored
                                : level == 1 ? cases[i].warned
                                             : cases[i].failed);
                }
}

static void test_integrity(void **state)
{
        static const char text[] = HEAD "m MX 10 al\n_s._tcp SRV 0 0 1 al\nal CNAME ns1\nn MX 1 no\n"
                                        "sub NS ns.other\nother NS ns1\ns SPF \"v=spf1 -all\"\n";
        struct conf_checks checks = conf_checks_default;

        (void)state;
        expect(example_com, text, &checks,
                "5:3 target-is-alias warning, 6:9 target-is-alias warning, 8:3 target-without-address "
                "warning, 9:5 missing-sibling-glue warning, 11:3 spf-without-txt warning");
        checks.sibling = false;
        checks.spf = checks.mx_cname = CONF_CHECK_IGNORE;
        checks.srv_cname = CONF_CHECK_FAIL;
        expect(example_com, text, &checks, "6:9 target-is-alias error, 8:3 target-without-address warning");
        checks.integrity = false;
        expect(example_com, text, &checks, "");
        expect(example_com, HEAD "s SPF \"v=spf1 -all\"\ns TXT \"v=spf1 -all\"\n", NULL, "");
        expect(example_com, HEAD "s SPF \"v=spf1\"\ns TXT \"v=spf10\"\n", NULL,
                "5:3 spf-without-txt warning");
}

static void test_wildcard(void **state)
{
        struct conf_checks checks = conf_checks_default;

        (void)state;
        expect(example_com, HEAD "x.*.y TXT a\n*.y TXT b\n*.*.z TXT c\n", &checks,
                "5:1 inner-wildcard warning, 7:1 inner-wildcard warning");
        checks.wildcard = false;
        expect(example_com, HEAD "x.*.y TXT a\n*.y TXT b\n*.*.z TXT c\n", &checks, "");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_names),
                cmocka_unit_test(test_levels),
                cmocka_unit_test(test_integrity),
                cmocka_unit_test(test_wildcard),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
