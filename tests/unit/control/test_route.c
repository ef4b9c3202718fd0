#include "../cmocka_first.h"

#include "base/cleanup.h"
#include "control/route.h"

#define HASH "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdeF"

static const struct {
        const char *method, *target;
        unsigned status;
        enum route_kind kind;
        const char *zone; /* text; NULL = none */
        const char *allow;
} routes[] = {
        {"GET", "/v1/status", 0, ROUTE_STATUS, NULL, NULL},
        {"HEAD", "/v1/status", 0, ROUTE_STATUS, NULL, NULL},
        {"GET", "/v1/status?x=1", 0, ROUTE_STATUS, NULL, NULL},
        {"POST", "/v1/status", 405, ROUTE_STATUS, NULL, "GET"},
        {"POST", "/v1/reload", 0, ROUTE_RELOAD_ALL, NULL, NULL},
        {"GET", "/v1/reload", 405, ROUTE_STATUS, NULL, "POST"},
        {"GET", "/v1/zones/example.com", 0, ROUTE_ZONE, "example.com", NULL},
        {"GET", "/v1/zones/EXAMPLE.com.", 0, ROUTE_ZONE, "example.com", NULL},
        {"GET", "/v1/zones/%65xample%2Ecom", 0, ROUTE_ZONE, "example.com", NULL},
        {"GET", "/v1/zones/%2E", 0, ROUTE_ZONE, ".", NULL},
        {"GET", "/v1/zones/.", 0, ROUTE_ZONE, ".", NULL},
        {"GET", "/v1/zones/0%2F25.2.0.192.in-addr.arpa/text", 0, ROUTE_TEXT, "0/25.2.0.192.in-addr.arpa",
                NULL},
        {"GET", "/v1/zones/a%5c046b.example/dump", 0, ROUTE_DUMP, "a\\.b.example", NULL},
        {"GET", "/v1/zones/a%00b", 0, ROUTE_ZONE, "a\\000b", NULL},
        {"GET", "/v1/zones/%1b%5B31m", 0, ROUTE_ZONE, "\\027[31m", NULL},
        {"POST", "/v1/zones/a/reload", 0, ROUTE_RELOAD, "a", NULL},
        {"POST", "/v1/zones/a/notify", 0, ROUTE_NOTIFY, "a", NULL},
        {"POST", "/v1/zones/a/freeze", 0, ROUTE_FREEZE, "a", NULL},
        {"POST", "/v1/zones/a/thaw", 0, ROUTE_THAW, "a", NULL},
        {"POST", "/v1/zones/a/approve?hash=" HASH, 0, ROUTE_APPROVE, "a", NULL},
        {"POST", "/v1/zones/a/approve?by=me&hash=" HASH "&x", 0, ROUTE_APPROVE, "a", NULL},
        {"POST", "/v1/zones/a/approve?commit=refs%2Fheads%2Fmain", 0, ROUTE_APPROVE, "a", NULL},
        {"POST", "/v1/zones/a/approve?commit=", 400, ROUTE_STATUS, NULL, NULL},
        {"POST", "/v1/zones/a/approve?commit=a%20b", 400, ROUTE_STATUS, NULL, NULL},
        {"GET", "/v1/zones/a/log", 0, ROUTE_LOG, "a", NULL},
        {"GET", "/v1/zones/a/text?serial=7", 0, ROUTE_TEXT, "a", NULL},
        {"GET", "/v1/zones/a/text?serial=0", 400, ROUTE_STATUS, NULL, NULL},
        {"GET", "/v1/zones/a/text?serial=4294967296", 400, ROUTE_STATUS, NULL, NULL},
        {"GET", "/v1/zones/a/diff?from=1&to=4294967295", 0, ROUTE_DIFF, "a", NULL},
        {"GET", "/v1/zones/a/diff?from=1", 400, ROUTE_STATUS, NULL, NULL},
        {"GET", "/v1/zones/a/diff?from=1&to=2x", 400, ROUTE_STATUS, NULL, NULL},
        {"GET", "/v1/zones/a/diff", 400, ROUTE_STATUS, NULL, NULL},
        {"POST", "/v1/zones/a/rollback?to=41", 0, ROUTE_ROLLBACK, "a", NULL},
        {"POST", "/v1/zones/a/rollback?to=99999999999999999999999", 400, ROUTE_STATUS, NULL, NULL},
        {"POST", "/v1/zones/a/rollback", 400, ROUTE_STATUS, NULL, NULL},
        {"GET", "/v1/zones/a/rollback?to=41", 405, ROUTE_STATUS, NULL, "POST"},
        {"POST", "/v1/zones/a/plan", 0, ROUTE_PLAN, "a", NULL},
        {"POST", "/v1/zones/a/plan?changes=99999999999999999999", 0, ROUTE_PLAN, "a", NULL},
        {"POST", "/v1/zones/a/plan?changes=", 400, ROUTE_STATUS, NULL, NULL},
        {"POST", "/v1/zones/a/plan?changes=1x", 400, ROUTE_STATUS, NULL, NULL},
        {"GET", "/v1/zones/a/plan", 405, ROUTE_STATUS, NULL, "POST"},
        {"POST", "/v1/zones/a/approve", 400, ROUTE_STATUS, NULL, NULL},
        {"POST", "/v1/zones/a/approve?hash=", 400, ROUTE_STATUS, NULL, NULL},
        {"POST", "/v1/zones/a/approve?hash=" HASH "0", 400, ROUTE_STATUS, NULL, NULL},
        {"POST", "/v1/zones/a/approve?hash=x" HASH, 400, ROUTE_STATUS, NULL, NULL},
        {"POST", "/v1/zones/a/approve#?hash=" HASH, 400, ROUTE_STATUS, NULL, NULL},
        {"GET", "/v1/zones/a/reload", 405, ROUTE_STATUS, NULL, "POST"},
        {"POST", "/v1/zones/a", 405, ROUTE_STATUS, NULL, "GET"},
        {"PUT", "/v1/zones/a/text", 405, ROUTE_STATUS, NULL, "GET"},
        {"GET", "/v1/zones/a..b", 400, ROUTE_STATUS, NULL, NULL},
        {"GET", "/v1/zones/%", 400, ROUTE_STATUS, NULL, NULL},
        {"GET", "/v1/zones/a%2", 400, ROUTE_STATUS, NULL, NULL},
        {"GET", "/v1/zones/a%2x", 400, ROUTE_STATUS, NULL, NULL},
        {"GET", "/v1/zones//text", 400, ROUTE_STATUS, NULL, NULL},
        {"GET", "/v1/zones/", 404, ROUTE_STATUS, NULL, NULL},
        {"GET", "/v1/zones", 404, ROUTE_STATUS, NULL, NULL},
        {"GET", "/v1/zones/a/", 0, ROUTE_ZONE, "a", NULL},
        {"GET", "/v1/zones/a/text/x", 404, ROUTE_STATUS, NULL, NULL},
        {"GET", "/v1/zones/a/Text", 404, ROUTE_STATUS, NULL, NULL},
        {"GET", "/v1/zonesa", 404, ROUTE_STATUS, NULL, NULL},
        {"GET", "/", 404, ROUTE_STATUS, NULL, NULL},
        {"GET", "", 404, ROUTE_STATUS, NULL, NULL},
        {"GET", "/v1/status/", 404, ROUTE_STATUS, NULL, NULL},
        {"GET", "*", 404, ROUTE_STATUS, NULL, NULL},
};

static void targets_are_routed(void **state)
{
        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(routes); i++) {
                struct route route = {0};
                const char *error = NULL, *allow = NULL;
                char text[NAME_TEXT_MAX];

                unsigned status = route_find(routes[i].method, routes[i].target, &route, &error, &allow);
                if (status != routes[i].status)
                        fail_msg("%s %s: %u", routes[i].method, routes[i].target, status);
                if (status) {
                        assert_non_null(error);
                        assert_int_equal(allow == NULL, routes[i].allow == NULL);
                        if (allow)
                                assert_string_equal(allow, routes[i].allow);
                        continue;
                }
                assert_int_equal(route.kind, routes[i].kind);
                if (routes[i].zone)
                        assert_string_equal(name_to_zone_text(route.zone, text), routes[i].zone);
        }
}

static void a_long_name_is_refused(void **state)
{
        char target[8192] = "/v1/zones/";
        struct route route;
        const char *error, *allow;
        (void)state;

        for (size_t i = 0; i < 4000; i++)
                strcat(target, i % 50 == 49 ? "." : "a");
        assert_int_equal(route_find("GET", target, &route, &error, &allow), 400);
}

static void the_hash_arrives(void **state)
{
        static const uint8_t begin[] = {0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef};
        struct route route;
        const char *error, *allow;
        (void)state;

        assert_int_equal(route_find("POST", "/v1/zones/a/approve?hash=" HASH, &route, &error, &allow), 0);
        for (size_t i = 0; i < sizeof(route.hash); i += sizeof(begin))
                assert_memory_equal(route.hash + i, begin, sizeof(begin));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(targets_are_routed),
                cmocka_unit_test(a_long_name_is_refused),
                cmocka_unit_test(the_hash_arrives),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
