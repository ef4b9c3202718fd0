/* guard { ... }: defaults, what a zone inherits, what is refused. */

#include "load.h"

#define QUIET "notify no; allow-transfer { none; };"

static void test_defaults(void **state)
{
        (void)state;
        LOADED loaded = load_text("");
        assert_int_equal(loaded.r, 0);
        const struct conf_guard *guard = &loaded.conf->policy.guard;
        assert_int_equal(guard->max_delete_percent, 30);
        assert_int_equal(guard->max_change_percent, 50);
        assert_int_equal(guard->window_usec, UINT64_C(3600000000));
        assert_int_equal(guard->min_records, 10);
        assert_true(guard->protect_apex);
        assert_int_equal(guard->max_serial_step, 31622400);
}

static void test_a_zone_replaces_what_it_names(void **state)
{
        (void)state;
        LOADED loaded =
                load_text("zone a.example { file \"a\"; guard { max-delete 5%; protect-apex no; }; };\n"
                          "options { " QUIET
                          " guard { max-delete unlimited; max-change 100%; window 10m; min-records 0; "
                          "max-serial-step unlimited; }; };\n");
        assert_string_equal(told(&loaded), "");
        assert_int_equal(loaded.r, 0);
        const struct conf_guard *options = &loaded.conf->policy.guard;
        const struct conf_guard *zone = &loaded.conf->zones[0].policy.guard;
        assert_true(options->max_delete_percent == CONF_UNLIMITED);
        assert_int_equal(options->max_change_percent, 100);
        assert_int_equal(options->window_usec, 600000000);
        assert_int_equal(options->min_records, 0);
        assert_true(options->protect_apex);
        assert_int_equal(options->max_serial_step, 0x7fffffff);
        assert_int_equal(zone->max_delete_percent, 5);
        assert_int_equal(zone->max_change_percent, 100);
        assert_false(zone->protect_apex);
}

static void test_what_is_refused(void **state)
{
        (void)state;
        LOADED loaded =
                load_text("options { " QUIET "\n"
                          "guard { max-delete 101%; max-change 30; window soon; min-records many;\n"
                          "protect-apex perhaps; max-serial-step 0; max-delete 3%; max-remove 3%; };\n"
                          "window 5; };\n");
        assert_int_equal(loaded.r, -EINVAL);
        assert_string_equal(told(&loaded),
                "2:20: error: \"101%\" is neither a percentage up to 100% nor \"unlimited\"\n"
                "2:37: error: \"30\" is neither a percentage up to 100% nor \"unlimited\"\n"
                "2:48: error: \"soon\" is not a duration\n"
                "2:66: error: \"many\" is not a number\n"
                "3:14: error: \"perhaps\" is neither yes nor no\n"
                "3:39: error: \"0\" is out of range: from 1 to 2147483647\n"
                "3:42: error: \"max-delete\" stands here twice, first at test.conf:2\n"
                "3:57: error: unknown statement \"max-remove\"\n"
                "4:1: error: \"window\" belongs in guard\n");
}

int main(void)
{
        const struct CMUnitTest tests[] = {cmocka_unit_test(test_defaults),
                cmocka_unit_test(test_a_zone_replaces_what_it_names), cmocka_unit_test(test_what_is_refused)};
        return cmocka_run_group_tests(tests, NULL, NULL);
}
