/* Numbers, durations, sizes and percentages of named.conf. */

#include "load.h"

#include "conf/value.h"

#define SECOND UINT64_C(1000000)

static void test_booleans(void **state)
{
        (void)state;
        bool value;
        static const char *const yes[] = {"yes", "YES", "true", "1"}, *const no[] = {"no", "False", "0"};
        for (size_t i = 0; i < ARRAY_SIZE(yes); i++) {
                assert_int_equal(value_parse_boolean(yes[i], &value), 0);
                assert_true(value);
        }
        for (size_t i = 0; i < ARRAY_SIZE(no); i++) {
                assert_int_equal(value_parse_boolean(no[i], &value), 0);
                assert_false(value);
        }
        assert_int_equal(value_parse_boolean("", &value), -EINVAL);
        assert_int_equal(value_parse_boolean("yess", &value), -EINVAL);
}

static void test_durations(void **state)
{
        (void)state;
        static const struct {
                const char *text;
                uint64_t usec;
        } good[] = {
                {"0", 0},
                {"30", 30 * SECOND},
                {"90s", 90 * SECOND},
                {"1h30m", 5400 * SECOND},
                {"50ms", 50000},
                {"7us", 7},
                {"1w2d", 777600 * SECOND},
                {"PT1H30M", 5400 * SECOND},
                {"P1D", 86400 * SECOND},
                {"P1DT1S", 86401 * SECOND},
                {"pt5s", 5 * SECOND},
                {"P2W", 1209600 * SECOND},
                {"P1M", 2592000 * SECOND},
        };
        uint64_t usec;
        for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
                assert_int_equal(value_parse_duration(good[i].text, SECOND, &usec), 0);
                assert_int_equal(usec, good[i].usec);
        }
        static const char *const bad[] = {
                "", "s", "-1", "1x", "1h30", "1h 30m", "P", "PT", "P1", "P1DT", "PT1D", "1.5s"};
        for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
                assert_int_equal(value_parse_duration(bad[i], SECOND, &usec), -EINVAL);
        static const char *const large[] = {"18446744073709551615", "99999999999999999999", "99999999999999w",
                "P99999999999999Y", "18446744073709551615us1us"};
        for (size_t i = 0; i < ARRAY_SIZE(large); i++)
                assert_int_equal(value_parse_duration(large[i], SECOND, &usec), -ERANGE);
        assert_int_equal(value_parse_duration("300", SECOND / 10, &usec), 0);
        assert_int_equal(usec, 30 * SECOND);
}

static void test_sizes_and_percentages(void **state)
{
        (void)state;
        uint64_t bytes;
        unsigned percent;
        assert_int_equal(value_parse_size("64m", &bytes), 0);
        assert_int_equal(bytes, 64 << 20);
        assert_int_equal(value_parse_size("3G", &bytes), 0);
        assert_int_equal(bytes, UINT64_C(3) << 30);
        assert_int_equal(value_parse_size("1t", &bytes), 0);
        assert_int_equal(value_parse_size("512", &bytes), 0);
        assert_int_equal(bytes, 512);
        assert_int_equal(value_parse_size("m", &bytes), -EINVAL);
        assert_int_equal(value_parse_size("1mb", &bytes), -EINVAL);
        assert_int_equal(value_parse_size("1x", &bytes), -EINVAL);
        assert_int_equal(value_parse_size("99999999999t", &bytes), -ERANGE);
        assert_int_equal(value_parse_percent("100%", &percent), 0);
        assert_int_equal(percent, 100);
        assert_int_equal(value_parse_percent("100", &percent), -EINVAL);
        assert_int_equal(value_parse_percent("%", &percent), -EINVAL);
        assert_int_equal(value_parse_percent("9999999%", &percent), -ERANGE);
}

static void test_numbers_and_modes(void **state)
{
        (void)state;
        uint64_t value;
        unsigned mode;
        assert_int_equal(value_parse_number("53", 1, 65535, &value), 0);
        assert_int_equal(value, 53);
        assert_int_equal(value_parse_number("0", 1, 65535, &value), -ERANGE);
        assert_int_equal(value_parse_number("65536", 1, 65535, &value), -ERANGE);
        assert_int_equal(value_parse_number("53x", 1, 65535, &value), -EINVAL);
        assert_int_equal(value_parse_number("", 1, 65535, &value), -EINVAL);
        assert_int_equal(value_parse_mode("0660", &mode), 0);
        assert_int_equal(mode, 0660);
        assert_int_equal(value_parse_mode("0680", &mode), -EINVAL);
        assert_int_equal(value_parse_mode("7777", &mode), -ERANGE);
        assert_int_equal(value_parse_mode("", &mode), -EINVAL);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_booleans),
                cmocka_unit_test(test_durations),
                cmocka_unit_test(test_sizes_and_percentages),
                cmocka_unit_test(test_numbers_and_modes),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
