/* SipHash-1-3 against values of CPython's (its hash of bytes under PYTHONHASHSEED=0 has an all-zero seed) and
 * of a straightforward script that also gives the paper's SipHash-2-4 vector. */
#include "base/siphash.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <ctype.h>
#include <string.h>

static void test_zero_seed(void **state)
{
        (void)state;
        static const struct {
                const char *text;
                uint64_t hash;
        } cases[] = {
                {"a", 0x407448d2b89b1813},
                {"12345678", 0x3489982430560a87},
                {"0123456789abcdef", 0x1d42b30f7e060c24},
                {"zonecrier keeps serials", 0x767029b8b8ade524},
        };
        static const uint64_t seed[2];
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
                assert_true(siphash13(seed, cases[i].text, strlen(cases[i].text), false) == cases[i].hash);
}

static void test_counting_seed(void **state)
{
        (void)state;
        static const struct {
                size_t size;
                uint64_t hash;
        } cases[] = {
                {0, 0xabac0158050fc4dc},
                {1, 0xc9f49bf37d57ca93},
                {7, 0xd3927d989bb11140},
                {8, 0x369095118d299a8e},
                {15, 0xd320d86d2a519956},
                {16, 0xcc4fdd1a7d908b66},
                {63, 0x9d199062b7bbb3a8},
        };
        static const uint64_t seed[2] = {0x0706050403020100, 0x0f0e0d0c0b0a0908};
        uint8_t bytes[63];
        for (uint8_t i = 0; i < sizeof(bytes); i++)
                bytes[i] = i;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
                assert_true(siphash13(seed, bytes, cases[i].size, false) == cases[i].hash);
}

static void test_fold_word_is_ascii_lower_case(void **state)
{
        (void)state;
        for (unsigned byte = 0; byte < 256; byte++) {
                uint64_t expected = byte < 0x80 ? (uint64_t)tolower((int)byte) : byte;
                for (int place = 0; place < 64; place += 8) {
                        /* Neighbours that would carry or borrow must not. */
                        uint64_t around = ~(0xffull << place);
                        assert_true(fold_word((uint64_t)byte << place) == expected << place);
                        assert_true(
                                fold_word((uint64_t)byte << place | around) == (expected << place | around));
                }
        }
}

static void test_fold(void **state)
{
        (void)state;
        static const uint64_t seed[2] = {1, 2};
        const char *upper = "\7EXAMPLE\3COM", *lower = "\7example\3com";
        for (size_t size = 0; size <= strlen(upper); size++) {
                assert_true(siphash13(seed, upper, size, true) == siphash13(seed, lower, size, true));
                assert_true(siphash13(seed, lower, size, true) == siphash13(seed, lower, size, false));
        }
        assert_true(siphash13(seed, upper, 5, false) != siphash13(seed, lower, 5, false));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_zero_seed),
                cmocka_unit_test(test_counting_seed),
                cmocka_unit_test(test_fold_word_is_ascii_lower_case),
                cmocka_unit_test(test_fold),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
