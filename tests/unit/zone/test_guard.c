/* The guard's limits, at their edges. */
#include "dns/type.h"
#include "zone/guard.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static struct guard_input input(uint64_t before, uint64_t gone)
{
        return (struct guard_input){.limits = {.max_delete_percent = 30,
                                            .max_change_percent = 50,
                                            .min_records = 10,
                                            .window_usec = 3600000000,
                                            .protect_apex = true},
                .records_before = before + 1,
                .rrsets_before = before,
                .rrsets_gone = gone,
                .rrsets_changed = gone,
                .deletes_more = gone > 0,
                .changes_more = gone > 0};
}

static const char *explained(enum guard_reason reason, const struct guard_input *of)
{
        static char text[GUARD_TEXT_MAX];
        return guard_explain(reason, of, text);
}

static void test_share_of_deletions(void **state)
{
        (void)state;
        struct guard_input at = input(100, 30), over = input(100, 31), ten = input(9, 3);
        assert_int_equal(guard_judge(&at), GUARD_NONE);
        assert_int_equal(guard_judge(&over), GUARD_DELETES);
        assert_int_equal(guard_judge(&ten), GUARD_DELETES);
        assert_string_equal(explained(GUARD_DELETES, &over), "31 of 100 RRsets would be gone (limit 30 %)");
        over.is_windowed = true;
        assert_string_equal(explained(GUARD_DELETES, &over),
                "31 of 100 RRsets would be gone, with the edits of the last hour (limit 30 %)");
        over.limits.window_usec = 90000000;
        assert_string_equal(explained(GUARD_DELETES, &over),
                "31 of 100 RRsets would be gone, with the edits of the last 90 seconds (limit 30 %)");
        over.limits.max_delete_percent = GUARD_UNLIMITED;
        assert_int_equal(guard_judge(&over), GUARD_NONE);
}

static void test_share_of_changes(void **state)
{
        (void)state;
        struct guard_input at = input(100, 0), over = input(100, 0), both = input(100, 60);
        at.rrsets_changed = 50;
        over.rrsets_changed = 51;
        at.changes_more = over.changes_more = true;
        assert_int_equal(guard_judge(&at), GUARD_NONE);
        assert_int_equal(guard_judge(&over), GUARD_CHANGES);
        assert_int_equal(guard_judge(&both), GUARD_DELETES | GUARD_CHANGES);
        assert_string_equal(
                explained(GUARD_CHANGES, &over), "51 of 100 RRsets would be changed or gone (limit 50 %)");
        over.limits.max_change_percent = GUARD_UNLIMITED;
        assert_int_equal(guard_judge(&over), GUARD_NONE);
}

/* Sums of a long window may count an RRset twice: 100 % is all that a limit of 100 % may see. */
static void test_no_more_than_all(void **state)
{
        (void)state;
        struct guard_input over = input(100, 180);
        over.limits.max_delete_percent = over.limits.max_change_percent = 100;
        assert_int_equal(guard_judge(&over), GUARD_NONE);
        over.limits.max_delete_percent = 99;
        assert_int_equal(guard_judge(&over), GUARD_DELETES);
        assert_string_equal(explained(GUARD_DELETES, &over), "100 of 100 RRsets would be gone (limit 99 %)");
}

/* What was too much before is not held again for an edit that puts something back. */
static void test_an_edit_that_makes_it_no_worse(void **state)
{
        (void)state;
        struct guard_input before = input(100, 40), small = input(5, 4);
        before.deletes_more = false;
        before.changes_more = false;
        small.deletes_more = false;
        assert_int_equal(guard_judge(&before), GUARD_NONE);
        assert_int_equal(guard_judge(&small), GUARD_NONE);
}

static void test_small_zones(void **state)
{
        (void)state;
        struct guard_input half = input(8, 4), more = input(8, 5), hollow = input(3, 1), nine = input(8, 0),
                           ten = input(9, 4);
        assert_int_equal(guard_judge(&half), GUARD_NONE);
        assert_int_equal(guard_judge(&more), GUARD_SMALL);
        assert_string_equal(explained(GUARD_SMALL, &more),
                "5 of 8 RRsets would be gone (more than half of a small zone)");
        hollow.has_only_apex = true;
        assert_int_equal(guard_judge(&hollow), GUARD_SMALL);
        assert_string_equal(explained(GUARD_SMALL, &hollow), "all but the apex would be gone");
        nine.rrsets_changed = 8;
        nine.changes_more = true;
        assert_int_equal(guard_judge(&nine), GUARD_NONE);
        assert_int_equal(guard_judge(&ten), GUARD_DELETES);
        more.limits.max_delete_percent = GUARD_UNLIMITED;
        assert_int_equal(guard_judge(&more), GUARD_NONE);
}

static void test_apex(void **state)
{
        (void)state;
        struct guard_input apex = input(100, 1);
        apex.apex_gone = GUARD_APEX_MX;
        assert_int_equal(guard_judge(&apex), GUARD_APEX);
        assert_string_equal(explained(GUARD_APEX, &apex), "at the apex no record would be left of MX");
        apex.apex_gone = GUARD_APEX_NS | GUARD_APEX_A | GUARD_APEX_AAAA | GUARD_APEX_DNSKEY;
        assert_string_equal(
                explained(GUARD_APEX, &apex), "at the apex no record would be left of NS, A, AAAA, DNSKEY");
        apex.limits.protect_apex = false;
        assert_int_equal(guard_judge(&apex), GUARD_NONE);
        assert_int_equal(guard_protected_type(TYPE_MX), GUARD_APEX_MX);
        assert_int_equal(guard_protected_type(TYPE_TXT), 0);
}

static void test_delegations(void **state)
{
        (void)state;
        struct guard_input cut = input(100, 1);
        cut.delegations_cut = 1;
        cut.first_delegation = (const uint8_t *)"\3sub\7example\3com";
        cut.first_delegation_type = TYPE_DS;
        assert_int_equal(guard_judge(&cut), GUARD_DELEGATION);
        assert_string_equal(explained(GUARD_DELEGATION, &cut),
                "the DS records of the delegation sub.example.com would be gone, others of it stay");
        cut.delegations_cut = 3;
        cut.first_delegation_type = TYPE_NS;
        assert_string_equal(explained(GUARD_DELEGATION, &cut),
                "the NS or DS records of 3 delegations would be gone, others of them stay (NS of "
                "sub.example.com)");
        cut.limits.protect_apex = false;
        assert_int_equal(guard_judge(&cut), GUARD_NONE);
}

static void test_half_written(void **state)
{
        (void)state;
        struct guard_input half = input(100, 0), fresh = {.ends_without_newline = true},
                           both = input(100, 40);
        half.ends_without_newline = both.ends_without_newline = true;
        assert_int_equal(guard_judge(&half), GUARD_NO_NEWLINE);
        assert_int_equal(guard_judge(&fresh), GUARD_NO_NEWLINE);
        assert_int_equal(guard_judge(&both), GUARD_DELETES | GUARD_NO_NEWLINE);
}

/* A name of 255 octets, each of them escaped, is cut. */
static void test_explanation_fits(void **state)
{
        (void)state;
        uint8_t name[256];
        struct guard_input cut = input(100, 1);
        size_t at = 0;
        for (int label = 0; label < 4; label++) {
                size_t length = label == 3 ? 61 : 63;
                name[at++] = (uint8_t)length;
                for (size_t i = 0; i < length; i++)
                        name[at++] = 1;
        }
        name[at] = 0;
        cut.delegations_cut = UINT64_MAX;
        cut.first_delegation = name;
        const char *text = explained(GUARD_DELEGATION, &cut);
        assert_true(strlen(text) < GUARD_TEXT_MAX - 1);
        assert_non_null(strstr(text, "..."));
}

static void test_counted_types(void **state)
{
        (void)state;
        assert_true(guard_counts_type(&(struct record){.type = TYPE_A}));
        assert_true(guard_counts_type(&(struct record){.type = TYPE_DNSKEY}));
        assert_false(guard_counts_type(&(struct record){.type = TYPE_RRSIG}));
        assert_false(guard_counts_type(&(struct record){.type = TYPE_NSEC3}));
        assert_false(guard_counts_type(&(struct record){.type = TYPE_ZONEMD}));
        assert_false(guard_counts_type(&(struct record){.type = TYPE_SOA}));
}

int main(void)
{
        const struct CMUnitTest tests[] = {cmocka_unit_test(test_share_of_deletions),
                cmocka_unit_test(test_share_of_changes), cmocka_unit_test(test_no_more_than_all),
                cmocka_unit_test(test_an_edit_that_makes_it_no_worse), cmocka_unit_test(test_small_zones),
                cmocka_unit_test(test_apex), cmocka_unit_test(test_delegations),
                cmocka_unit_test(test_half_written), cmocka_unit_test(test_explanation_fits),
                cmocka_unit_test(test_counted_types)};
        return cmocka_run_group_tests(tests, NULL, NULL);
}
