/* Clocks: the right epoch and unit, forward, and moved by tests. */
#include "base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <time.h>

static void test_realtime_is_now_in_microseconds(void **state)
{
        (void)state;
        uint64_t before = (uint64_t)time(NULL);
        uint64_t now = clock_realtime_usec();
        assert_in_range(now / USEC_PER_SEC, before, before + 2);
}

static void test_monotonic_never_goes_back(void **state)
{
        (void)state;
        uint64_t last = clock_monotonic_usec();
        for (int i = 0; i < 10000; i++) {
                uint64_t now = clock_monotonic_usec();
                assert_true(now >= last);
                last = now;
        }
}

static void test_shift_moves_both_and_adds_up(void **state)
{
        (void)state;
        uint64_t realtime = clock_realtime_usec(), monotonic = clock_monotonic_usec();
        clock_shift((int64_t)(3600 * USEC_PER_SEC));
        clock_shift((int64_t)(3600 * USEC_PER_SEC));
        assert_in_range(clock_realtime_usec() - realtime, 7200 * USEC_PER_SEC, 7210 * USEC_PER_SEC);
        assert_in_range(clock_monotonic_usec() - monotonic, 7200 * USEC_PER_SEC, 7210 * USEC_PER_SEC);
        clock_shift(-(int64_t)(7200 * USEC_PER_SEC));
        assert_in_range(clock_realtime_usec() - realtime, 0, 10 * USEC_PER_SEC);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_realtime_is_now_in_microseconds),
                cmocka_unit_test(test_monotonic_never_goes_back),
                cmocka_unit_test(test_shift_moves_both_and_adds_up),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
