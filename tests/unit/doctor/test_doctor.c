/* Each check: the facts that pass, and those that do not. */
#include "../cmocka_first.h"

#include "base/clock.h"
#include "doctor/doctor.h"

#include <stdlib.h>
#include <string.h>

#define NOW_USEC (UINT64_C(1795400000) * USEC_PER_SEC) /* in November 2026 */
#define NAMES(...)                                                                                           \
        {                                                                                                    \
                .items = (const char *[]){__VA_ARGS__},                                                      \
                .count = sizeof((const char *[]){__VA_ARGS__}) / sizeof(char *)                              \
        }

/* The first outcome of that check, and its sentence; -1 = it says nothing. */
static int outcome_of(const struct doctor_report *report, const char *check, const char **ret_why)
{
        for (size_t i = 0; i < report->count; i++)
                if (strcmp(report->findings[i].check, check) == 0) {
                        if (ret_why)
                                *ret_why = report->findings[i].why;
                        return (int)report->findings[i].outcome;
                }
        return -1;
}

/* Every warning and failure says what to do next. */
static void assert_next(const struct doctor_report *report)
{
        for (size_t i = 0; i < report->count; i++)
                if (report->findings[i].outcome >= DOCTOR_WARN && !*report->findings[i].next)
                        fail_msg("%s: \"%s\" has no next step", report->findings[i].check,
                                report->findings[i].why);
}

static const struct doctor_glue glue[] = {{"ns1.a.example", "192.0.2.1"}};
static const struct doctor_secondary two[] = {
        {.name = "one",
                .is_block = true,
                .provider_date = "",
                .stage = "",
                .note = "",
                .contact_usec = NOW_USEC,
                .nameservers = NAMES("ns1.a.example")},
        {.name = "two",
                .is_block = true,
                .provider_date = "",
                .stage = "",
                .note = "",
                .contact_usec = NOW_USEC,
                .nameservers = NAMES("ns2.example.net")},
};

static const char *own_names[] = {"ns1.a.example", "ns2.example.net"};
static const char *parent_names[] = {"ns2.example.net", "ns1.a.example"};

static struct doctor_zone well(void)
{
        return (struct doctor_zone){
                .name = "a.example",
                .state = "published",
                .is_published = true,
                .refresh_sec = 7200,
                .retry_sec = 900,
                .expire_sec = 1209600,
                .minimum_sec = 3600,
                .ns = {own_names, 2},
                .glue = glue,
                .glue_count = 1,
                .secondaries = two,
                .secondary_count = 2,
                .parent = DOCTOR_ANSWERED,
                .is_delegated = true,
                .parent_ns = {parent_names, 2},
                .parent_glue = glue,
                .parent_glue_count = 1,
        };
}

static void expect(const struct doctor_zone *facts, const char *check, int outcome, const char *word)
{
        struct doctor_report report = {0};
        const char *why = "";

        doctor_judge_zone(&report, facts, NOW_USEC);
        assert_next(&report);
        int found = outcome_of(&report, check, &why);
        if (found != outcome || (word && !strstr(why, word)))
                fail_msg("%s: %d, not %d: %s", check, found, outcome, why);
        doctor_report_free(&report);
}

static void test_well(void **state)
{
        (void)state;
        struct doctor_zone facts = well();
        struct doctor_report report = {0};
        doctor_judge_zone(&report, &facts, NOW_USEC);
        assert_int_equal(doctor_report_outcome(&report), DOCTOR_PASS);
        doctor_report_free(&report);
}

static void test_timers(void **state)
{
        (void)state;
        struct doctor_zone facts = well();
        facts.retry_sec = 7200;
        expect(&facts, "soa-timers", DOCTOR_WARN, "RETRY");
        facts = well();
        facts.refresh_sec = 60;
        facts.retry_sec = 30;
        expect(&facts, "soa-timers", DOCTOR_WARN, "REFRESH is 60");
        facts = well();
        facts.expire_sec = 86400;
        expect(&facts, "soa-timers", DOCTOR_WARN, "EXPIRE");
        facts.expire_sec = 8100;
        expect(&facts, "soa-timers", DOCTOR_FAIL, "EXPIRE");
        facts = well();
        facts.minimum_sec = 100000;
        expect(&facts, "soa-timers", DOCTOR_WARN, "100000");
}

static void test_delegation(void **state)
{
        (void)state;
        struct doctor_zone facts = well();
        facts.is_delegated = false;
        expect(&facts, "parent-ns", DOCTOR_FAIL, "does not delegate");
        facts = well();
        facts.parent = DOCTOR_SILENT;
        facts.parent_why = "no resolver answers";
        expect(&facts, "parent-ns", DOCTOR_SKIPPED, "no resolver");
        expect(&facts, "ds", -1, NULL);
        facts = well();
        facts.parent_ns = (struct doctor_names)NAMES("ns1.a.example");
        expect(&facts, "parent-ns", DOCTOR_WARN, "ns2.example.net");
        facts.parent_ns = (struct doctor_names)NAMES("ns1.a.example", "ns2.example.net", "old.example.net");
        expect(&facts, "parent-ns", DOCTOR_FAIL, "old.example.net");
        facts = well();
        facts.parent_glue = (struct doctor_glue[]){{"ns1.a.example", "192.0.2.9"}};
        expect(&facts, "glue", DOCTOR_WARN, "192.0.2.1");
        facts = well();
        facts.visible = (struct doctor_names)NAMES("ns1.a.example (192.0.2.1, at the parent)");
        expect(&facts, "visible", DOCTOR_FAIL, "192.0.2.1");
        facts = well();
        facts.ns.count = 1;
        expect(&facts, "two-servers", DOCTOR_FAIL, "1 name server");
        facts = well();
        facts.secondary_count = 1;
        expect(&facts, "one-provider", DOCTOR_WARN, "one");
        facts.secondary_count = 0;
        expect(&facts, "secondaries", DOCTOR_FAIL, "nobody but us");
}

static void test_dnssec(void **state)
{
        (void)state;
        struct doctor_zone facts = well();
        struct doctor_secondary drops = two[0];
        facts.parent_ds_count = 1;
        expect(&facts, "ds", DOCTOR_FAIL, "not signed");
        facts.is_signed = true;
        expect(&facts, "ds", DOCTOR_PASS, NULL);
        drops.provider = "alibaba";
        drops.drops_dnssec = true;
        facts.secondaries = &drops;
        facts.secondary_count = 1;
        expect(&facts, "dnssec", DOCTOR_FAIL, "alibaba");
        drops.is_stripped = true;
        expect(&facts, "dnssec", -1, NULL);
        expect(&facts, "ds", DOCTOR_FAIL, "without DNSSEC");
        facts.parent_ds_count = 0;
        expect(&facts, "ds", DOCTOR_WARN, "no DS");
}

static struct doctor_secondary pushed(void)
{
        return (struct doctor_secondary){.name = "aws",
                .is_block = true,
                .provider = "route53",
                .provider_date = "",
                .stage = "in-sync",
                .note = "",
                .is_pushed = true,
                .has_own_ns = true,
                .can_push_ns = true,
                .contact_usec = NOW_USEC,
                .nameservers = {own_names, 1}};
}

static void test_pushed(void **state)
{
        (void)state;
        struct doctor_zone facts = well();
        struct doctor_secondary both[] = {two[0], pushed()};
        facts.secondaries = both;
        expect(&facts, "push", DOCTOR_PASS, "aws");
        both[1].contact_usec = 0;
        expect(&facts, "push", DOCTOR_SKIPPED, "aws");
        both[1].stage = "retrying";
        both[1].note = "no answer";
        expect(&facts, "push", DOCTOR_WARN, "retrying: no answer");
        both[1].stage = "held";
        both[1].is_late = true;
        expect(&facts, "push", DOCTOR_FAIL, "held: no answer");
        both[1] = pushed();
        expect(&facts, "dnssec", -1, NULL);
        facts.parent_ds_count = 1; /* who signs it? Only the providers could, were there no other */
        expect(&facts, "ds", DOCTOR_FAIL, "not signed");
        facts.secondaries = both + 1;
        facts.secondary_count = 1;
        expect(&facts, "ds", DOCTOR_WARN, "only the providers");
        facts = well();
        facts.secondaries = both;
        facts.is_signed = true;
        expect(&facts, "dnssec", DOCTOR_WARN, "without signatures");
        expect(&facts, "ds", DOCTOR_WARN, "no DS");
        facts.parent_ds_count = 2;
        expect(&facts, "ds", DOCTOR_FAIL, "own keys");
        facts.parent_ds_other_count = 1;
        expect(&facts, "ds", DOCTOR_PASS, NULL);
}

/* Its finding's next step; free() it. */
static char *next_of(const struct doctor_zone *facts, const char *check)
{
        struct doctor_report report = {0};
        char *next = NULL;
        doctor_judge_zone(&report, facts, NOW_USEC);
        for (size_t i = 0; i < report.count && !next; i++)
                if (strcmp(report.findings[i].check, check) == 0)
                        next = strdup(report.findings[i].next);
        doctor_report_free(&report);
        assert_non_null(next);
        return next;
}

static void test_apex_ns_sets(void **state)
{
        (void)state;
        struct doctor_zone facts = well();
        struct doctor_server servers[] = {
                {.address = "192.0.2.1#53",
                        .asked = DOCTOR_ANSWERED,
                        .ns = NAMES("ns2.example.net", "ns1.a.example")},
                {.address = "192.0.2.2#53", .asked = DOCTOR_SILENT},
                {.address = "192.0.2.3#53", .asked = DOCTOR_ANSWERED, .ns = NAMES("ns-1.awsdns.example")},
        };
        struct doctor_secondary both[] = {two[0], pushed()};
        facts.secondaries = both;
        expect(&facts, "ns-differ", -1, NULL);
        both[0].servers = servers;
        both[0].server_count = 2;
        expect(&facts, "ns-differ", DOCTOR_PASS, "1 server ");
        both[1].servers = servers + 2;
        both[1].server_count = 1;
        expect(&facts, "ns-differ", DOCTOR_FAIL, "different NS sets: ");
        expect(&facts, "ns-differ", DOCTOR_FAIL, "ns2.example.net and ns1.a.example: one (192.0.2.1#53)");
        expect(&facts, "ns-differ", DOCTOR_FAIL, "; ns-1.awsdns.example: aws (192.0.2.3#53)");
        char *next = next_of(&facts, "ns-differ");
        assert_non_null(strstr(next, "push-apex-ns yes in the block of aws"));
        free(next);
        both[1].can_push_ns = false;
        next = next_of(&facts, "ns-differ");
        assert_non_null(strstr(next, "aws has an NS set of its own"));
        free(next);
        both[1].has_own_ns = false; /* pushed there, and not seen yet */
        next = next_of(&facts, "ns-differ");
        assert_non_null(strstr(next, "old copy"));
        free(next);
        servers[0].ns = servers[2].ns;
        expect(&facts, "ns-differ", DOCTOR_FAIL, "another NS set than the zone's: ns-1.awsdns.example: one");
        servers[0].ns = servers[2].ns = (struct doctor_names){0};
        expect(&facts, "ns-differ", DOCTOR_FAIL, "none: one (192.0.2.1#53), aws (192.0.2.3#53)");
}

static void test_secondaries(void **state)
{
        (void)state;
        struct doctor_zone facts = well();
        struct doctor_secondary one = two[0];
        const struct doctor_key md5 = {"k", "hmac-sha512", 512, false};
        facts.secondaries = &one;
        facts.secondary_count = 1;
        one.is_late = true;
        one.stage = "was sent a NOTIFY";
        expect(&facts, "contact", DOCTOR_FAIL, "was sent a NOTIFY");
        one.is_new = true;
        expect(&facts, "contact", DOCTOR_FAIL, "never transferred");
        one = two[0];
        one.contact_usec = 0;
        expect(&facts, "contact", DOCTOR_SKIPPED, NULL);
        one = two[0];
        one.refuses_notify = true;
        expect(&facts, "refusals", DOCTOR_WARN, "source address not registered");
        one = two[0];
        one.is_by_address = true;
        expect(&facts, "tsig", DOCTOR_WARN, "without TSIG");
        one = two[0];
        one.provider = "alibaba";
        one.keys = &md5;
        one.key_count = 1;
        expect(&facts, "algorithm", DOCTOR_FAIL, "hmac-sha512");
        one.provider_date = "2026-10-01";
        expect(&facts, "provider-facts", DOCTOR_PASS, NULL);
        one.provider_date = "2025-10-01";
        expect(&facts, "provider-facts", DOCTOR_WARN, "2025-10-01");
        one.retired = "transfers came from 192.0.2.0/24, which ends on 2026-12-01";
        expect(&facts, "retired", DOCTOR_WARN, "2026-12-01");
        one = two[0];
        one.required = (struct doctor_names)NAMES("ns2.mydyndns.org");
        expect(&facts, "apex-ns", DOCTOR_FAIL, "ns2.mydyndns.org");
        one = two[0];
        one.nameservers = (struct doctor_names)NAMES("ns.elsewhere.example");
        expect(&facts, "apex-ns", DOCTOR_WARN, "nobody asks it");
        const struct doctor_server old = {
                .address = "192.0.2.1#53", .asked = DOCTOR_ANSWERED, .ns = NAMES("ns1.a.example")};
        one = two[0];
        one.servers = &old;
        one.server_count = 1;
        expect(&facts, "ns-differ", DOCTOR_FAIL, "192.0.2.1");
        facts = well();
        facts.open_rules = (struct doctor_names)NAMES("192.0.2.0/24");
        struct doctor_report report = {0};
        doctor_judge_zone(&report, &facts, NOW_USEC);
        assert_int_equal(doctor_report_outcome(&report), DOCTOR_WARN);
        doctor_report_free(&report);
}

static void test_daemon(void **state)
{
        (void)state;
        struct doctor_listener listener = {.address = "192.0.2.1#53", .asked = DOCTOR_ANSWERED};
        struct doctor_key key = {"k", "hmac-sha256", 256, true};
        struct doctor_daemon facts = {.listeners = &listener,
                .listener_count = 1,
                .clock = DOCTOR_CLOCK_KEPT,
                .clock_error_usec = 5000,
                .keys = &key,
                .key_count = 1,
                .has_keys_in_use = true};
        struct doctor_report report = {0};

        doctor_judge_daemon(&report, &facts);
        assert_int_equal(doctor_report_outcome(&report), DOCTOR_PASS);
        doctor_report_free(&report);

        listener.asked = DOCTOR_SILENT;
        listener.why = "Connection refused";
        listener.is_private = true;
        facts.clock = DOCTOR_CLOCK_FREE;
        key.bits = 64;
        doctor_judge_daemon(&report, &facts);
        assert_next(&report);
        assert_int_equal(outcome_of(&report, "listeners", NULL), DOCTOR_FAIL);
        assert_int_equal(outcome_of(&report, "public-address", NULL), DOCTOR_WARN);
        assert_int_equal(outcome_of(&report, "clock", NULL), DOCTOR_WARN);
        assert_int_equal(outcome_of(&report, "keys", NULL), DOCTOR_WARN);
        doctor_report_free(&report);

        listener.is_given = true; /* from behind a NAT it often cannot be reached */
        facts.clock = DOCTOR_CLOCK_KEPT;
        facts.clock_error_usec = 200 * USEC_PER_SEC;
        key = (struct doctor_key){"k", "hmac-md5", 128, true};
        doctor_judge_daemon(&report, &facts);
        assert_int_equal(outcome_of(&report, "listeners", NULL), DOCTOR_WARN);
        assert_int_equal(outcome_of(&report, "clock", NULL), DOCTOR_WARN);
        assert_int_equal(outcome_of(&report, "keys", NULL), DOCTOR_WARN);
        doctor_report_free(&report);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_well),
                cmocka_unit_test(test_timers),
                cmocka_unit_test(test_delegation),
                cmocka_unit_test(test_dnssec),
                cmocka_unit_test(test_pushed),
                cmocka_unit_test(test_apex_ns_sets),
                cmocka_unit_test(test_secondaries),
                cmocka_unit_test(test_daemon),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
