/* Randomness: it differs, it fills everything, it is even; and a test can fix it. */
#include "base/random.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

static void test_every_byte_is_filled(void **state)
{
        (void)state;
        /* A byte that stays 0 in 64 draws was not written (chance 2^-512). */
        for (size_t size = 0; size <= 40; size++) {
                uint8_t seen[42] = {0}, drawn[42];
                for (int i = 0; i < 64; i++) {
                        memset(drawn, 0, sizeof(drawn));
                        random_bytes(drawn, size);
                        for (size_t n = 0; n < sizeof(drawn); n++)
                                seen[n] |= drawn[n];
                }
                for (size_t n = 0; n < sizeof(drawn); n++)
                        assert_int_equal(seen[n] != 0, n < size);
        }
}

static void test_large(void **state)
{
        (void)state;
        /* More than one getrandom call may give without being interrupted. */
        static uint8_t bytes[100000];
        random_bytes(bytes, sizeof(bytes));
        size_t ones = 0;
        for (size_t i = 0; i < sizeof(bytes); i++)
                ones += (size_t)__builtin_popcount(bytes[i]);
        assert_in_range(ones, 390000, 410000);
}

static void test_below(void **state)
{
        (void)state;
        random_fix(7);
        size_t counts[10] = {0};
        for (int i = 0; i < 100000; i++) {
                uint32_t value = random_below(10);
                assert_true(value < 10);
                counts[value]++;
        }
        for (size_t i = 0; i < 10; i++)
                assert_in_range(counts[i], 9500, 10500);
        for (int i = 0; i < 100; i++)
                assert_int_equal(random_below(1), 0);
        /* Without a second draw the lower half would come up twice as often here. */
        size_t low = 0;
        for (int i = 0; i < 10000; i++)
                low += random_below(0xc0000000) < 0x60000000;
        assert_in_range(low, 4800, 5200);
        random_fix(0);
}

static void test_fixed_sequence(void **state)
{
        (void)state;
        uint8_t first[20], second[20];
        random_fix(42);
        random_bytes(first, sizeof(first));
        uint32_t number = random_u32();
        random_fix(42);
        random_bytes(second, sizeof(second));
        assert_memory_equal(first, second, sizeof(first));
        assert_int_equal(random_u32(), number);
        random_fix(43);
        random_bytes(second, sizeof(second));
        assert_memory_not_equal(first, second, sizeof(first));
        random_fix(0);
        random_bytes(first, sizeof(first));
        random_bytes(second, sizeof(second));
        assert_memory_not_equal(first, second, sizeof(first));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_every_byte_is_filled),
                cmocka_unit_test(test_large),
                cmocka_unit_test(test_below),
                cmocka_unit_test(test_fixed_sequence),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
