/* CRC32C: the vectors of RFC 3720 B.4, and both ways to compute it agree. */
#include "base/crc32c.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/random.h"

#include <string.h>

static void check(const void *bytes, size_t size, uint32_t expected)
{
        assert_int_equal(crc32c(0, bytes, size), expected);
        assert_int_equal(crc32c_by_table(0, bytes, size), expected);
}

static void test_vectors(void **state)
{
        (void)state;
        check("", 0, 0);
        check(NULL, 0, 0);
        check("123456789", 9, 0xe3069283);
        check("a", 1, 0xc1d04330);
        uint8_t bytes[32] = {0};
        check(bytes, 32, 0x8a9136aa);
        memset(bytes, 0xff, 32);
        check(bytes, 32, 0x62a8ab43);
        for (uint8_t i = 0; i < 32; i++)
                bytes[i] = i;
        check(bytes, 32, 0x46dd794e);
        for (uint8_t i = 0; i < 32; i++)
                bytes[i] = (uint8_t)(31 - i);
        check(bytes, 32, 0x113fdb5c);
        static const uint8_t iscsi_read[48] = {
                0x01, 0xc0, [16] = 0x14, [22] = 0x04, [27] = 0x14, [31] = 0x18, [32] = 0x28, [40] = 0x02};
        check(iscsi_read, 48, 0xd9963a56);
}

static void test_both_ways_agree_at_every_length_and_offset(void **state)
{
        (void)state;
        uint8_t bytes[300];
        random_fix(1);
        random_bytes(bytes, sizeof(bytes));
        random_fix(0);
        for (size_t offset = 0; offset < 9; offset++) {
                for (size_t size = 0; size + offset <= sizeof(bytes); size++)
                        assert_int_equal(
                                crc32c(0, bytes + offset, size), crc32c_by_table(0, bytes + offset, size));
        }
}

/* Long enough for several rounds of lanes, and for all that may be left behind them. */
static void test_both_ways_agree_on_large_values(void **state)
{
        (void)state;
        static uint8_t bytes[20000];
        random_fix(2);
        random_bytes(bytes, sizeof(bytes));
        random_fix(0);
        for (size_t size = 1400; size + 3 <= sizeof(bytes); size += size < 1700 ? 1 : 61) {
                size_t offset = size % 3;
                assert_int_equal(crc32c((uint32_t)size, bytes + offset, size),
                        crc32c_by_table((uint32_t)size, bytes + offset, size));
        }
}

static void test_in_parts(void **state)
{
        (void)state;
        for (size_t cut = 0; cut <= 9; cut++) {
                assert_int_equal(crc32c(crc32c(0, "123456789", cut), &"123456789"[cut], 9 - cut), 0xe3069283);
                assert_int_equal(
                        crc32c_by_table(crc32c_by_table(0, "123456789", cut), &"123456789"[cut], 9 - cut),
                        0xe3069283);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_vectors),
                cmocka_unit_test(test_both_ways_agree_at_every_length_and_offset),
                cmocka_unit_test(test_both_ways_agree_on_large_values),
                cmocka_unit_test(test_in_parts),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
