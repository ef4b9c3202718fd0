/* The guard's limits, at their edges. */
#include "dns/type.h"
#include "zone/guard.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static struct guard_input input(uint64_t before, uint64_t gone)
{
        return (struct guard_input){.records_before = before + 1,
                .rrsets_before = before,
                .rrsets_gone = gone,
                .max_delete_percent = 30,
                .min_records = 10};
}

static void test_share(void **state)
{
        (void)state;
        struct guard_input at = input(100, 30), over = input(100, 31), small = input(8, 8), ten = input(9, 3);
        char text[200];
        assert_int_equal(guard_judge(&at), GUARD_NONE);
        assert_int_equal(guard_judge(&over), GUARD_DELETES);
        assert_int_equal(guard_judge(&small), GUARD_NONE);
        assert_int_equal(guard_judge(&ten), GUARD_DELETES);
        assert_string_equal(guard_explain(GUARD_DELETES, &over, text, sizeof(text)),
                "31 of 100 RRsets would be gone (limit 30 %)");
}

static void test_text_and_apex(void **state)
{
        (void)state;
        struct guard_input half = input(100, 0), apex = input(100, 0), fresh = {.ends_without_newline = true},
                           both = input(100, 50);
        char text[300];
        half.ends_without_newline = true;
        apex.apex_ns_gone = true;
        both.ends_without_newline = true;
        assert_int_equal(guard_judge(&half), GUARD_NO_NEWLINE);
        assert_int_equal(guard_judge(&apex), GUARD_APEX_NS);
        assert_int_equal(guard_judge(&fresh), GUARD_NO_NEWLINE);
        assert_int_equal(guard_judge(&both), GUARD_DELETES | GUARD_NO_NEWLINE);
        assert_string_equal(guard_explain(GUARD_DELETES | GUARD_NO_NEWLINE, &both, text, sizeof(text)),
                "50 of 100 RRsets would be gone (limit 30 %); the text ends without a newline, it may be "
                "half written");
}

static void test_explanation_fits(void **state)
{
        (void)state;
        struct guard_input all = input(100, 100);
        char text[20];
        guard_explain(7, &all, text, sizeof(text));
        assert_int_equal(text[19], '\0');
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
        const struct CMUnitTest tests[] = {cmocka_unit_test(test_share), cmocka_unit_test(test_text_and_apex),
                cmocka_unit_test(test_explanation_fits), cmocka_unit_test(test_counted_types)};
        return cmocka_run_group_tests(tests, NULL, NULL);
}
