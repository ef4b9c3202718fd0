/* Foreign bytes of the web: targets and Host headers. */
#include "../cmocka_first.h"

#include "control/web.h"

#include <string.h>

static void test_targets(void **state)
{
        (void)state;
        static const struct {
                const char *target;
                enum web_path path;
                const char *find;
                size_t rows;
        } cases[] = {
                {"/", WEB_PAGE, "", 200},
                {"/?find=a%2Eb&rows=5", WEB_PAGE, "a.b", 5},
                {"/?rows=0", WEB_PAGE, "", 1},
                {"/?rows=999999999999999999999", WEB_PAGE, "", 1000},
                {"/?rows=-1", WEB_PAGE, "", 1000},
                {"/?find=%00%0a<b>%", WEB_PAGE, "<b>%", 200},
                {"/?find=a+b#x", WEB_PAGE, "ab", 200},
                {"/metrics", WEB_METRICS, "", 200},
                {"/metrics?x", WEB_METRICS, "", 200},
                {"/healthz", WEB_HEALTH, "", 200},
                {"/status.json", WEB_STATUS, "", 200},
                {"/metrics/", WEB_NOTHING, "", 200},
                {"", WEB_NOTHING, "", 200},
                {"//", WEB_NOTHING, "", 200},
                {"/%6Detrics", WEB_NOTHING, "", 200},
        };
        for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
                struct web_route route;
                web_route_read(cases[i].target, &route);
                if (route.path != cases[i].path || strcmp(route.find, cases[i].find) != 0 ||
                        route.rows != cases[i].rows)
                        fail_msg("%s: %d, \"%s\", %zu", cases[i].target, route.path, route.find, route.rows);
        }
        char longest[1000] = "/?find=";
        struct web_route route;
        memset(longest + 7, 'a', sizeof longest - 8);
        web_route_read(longest, &route);
        assert_int_equal(strlen(route.find), sizeof route.find - 1);
}

static void test_hosts(void **state)
{
        (void)state;
        static const char *const names[] = {"status.example.net", "ns0"};
        static const char *const ours[] = {"127.0.0.1", "127.0.0.1:8053", "[::1]", "[::1]:8053", "localhost",
                "LOCALHOST:1", "status.example.net", "Status.Example.Net:8053", "ns0", "192.0.2.7"};
        static const char *const foreign[] = {"", ":80", "evil.example", "127.0.0.1.evil.example", "[::1",
                "[::1]x", "ns0:80a", "localhost.evil.example", "[localhost", "status.example.net.", "a b"};
        for (size_t i = 0; i < sizeof ours / sizeof ours[0]; i++)
                if (!web_host_is_ours(ours[i], names, 2))
                        fail_msg("%s is ours", ours[i]);
        for (size_t i = 0; i < sizeof foreign / sizeof foreign[0]; i++)
                if (web_host_is_ours(foreign[i], names, 2))
                        fail_msg("%s is not ours", foreign[i]);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_targets),
                cmocka_unit_test(test_hosts),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
