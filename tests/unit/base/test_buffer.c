/* Buffers: what is appended is what is there, and an error sticks. */
#include "base/buffer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <string.h>

static void test_empty(void **state)
{
        (void)state;
        struct buffer buffer = {0};
        assert_string_equal(buffer_text(&buffer), "");
        assert_int_equal(buffer_status(&buffer), 0);
        buffer_append(&buffer, NULL, 0);
        buffer_printf(&buffer, "%s", "");
        assert_string_equal(buffer_text(&buffer), "");
        assert_non_null(buffer_reserve(&buffer, 0));
        buffer_free(&buffer);
        buffer_free(&buffer);
        buffer_free(NULL);
}

static void test_integers_are_big_endian(void **state)
{
        (void)state;
        static const uint8_t expected[] = {
                1, 0x23, 0x45, 0x89, 0xab, 0xcd, 0xef, 0xf0, 0xe1, 0xd2, 0xc3, 0xb4, 0xa5, 0x96, 0x87};
        struct buffer buffer = {0};
        buffer_append_u8(&buffer, 1);
        buffer_append_u16(&buffer, 0x2345);
        buffer_append_u32(&buffer, 0x89abcdef);
        buffer_append_u64(&buffer, 0xf0e1d2c3b4a59687);
        assert_int_equal(buffer.length, sizeof(expected));
        assert_memory_equal(buffer.data, expected, sizeof(expected));
        assert_int_equal(read_u16(buffer.data + 1), 0x2345);
        assert_int_equal(read_u32(buffer.data + 3), 0x89abcdef);
        assert_true(read_u64(buffer.data + 7) == 0xf0e1d2c3b4a59687);
        buffer_free(&buffer);
}

static void test_growth_keeps_everything(void **state)
{
        (void)state;
        struct buffer buffer = {0};
        for (uint32_t i = 0; i < 50000; i++)
                buffer_append_u32(&buffer, i);
        assert_int_equal(buffer.length, 200000);
        for (uint32_t i = 0; i < 50000; i++)
                assert_int_equal(read_u32(buffer.data + (size_t)i * 4), i);
        buffer_free(&buffer);
}

static void test_printf_across_the_end_of_the_room(void **state)
{
        (void)state;
        /* Every length around the first capacity, so that the NUL falls on each side of it. */
        for (int before = 240; before < 260; before++) {
                struct buffer buffer = {0};
                buffer_printf(&buffer, "%*s", before, "");
                buffer_printf(&buffer, "%s#%d", "192.0.2.1", 53);
                assert_int_equal(buffer.length, before + 12);
                assert_string_equal(buffer_text(&buffer) + before, "192.0.2.1#53");
                buffer_free(&buffer);
        }
}

static void test_text_is_terminated_and_not_counted(void **state)
{
        (void)state;
        struct buffer buffer = {0};
        for (int i = 0; i < 256; i++)
                buffer_append_u8(&buffer, 'a');
        assert_int_equal(buffer.length, buffer.capacity);
        assert_int_equal(strlen(buffer_text(&buffer)), 256);
        assert_int_equal(buffer.length, 256);
        buffer_append_text(&buffer, "b");
        assert_string_equal(buffer_text(&buffer) + 255, "ab");
        buffer_clear(&buffer);
        assert_string_equal(buffer_text(&buffer), "");
        buffer_append_text(&buffer, "new");
        assert_string_equal(buffer_text(&buffer), "new");
        buffer_free(&buffer);
}

static void test_reserve_is_filled_by_the_caller(void **state)
{
        (void)state;
        struct buffer buffer = {0};
        buffer_append_text(&buffer, "ab");
        uint8_t *place = buffer_reserve(&buffer, 1000);
        assert_ptr_equal(place, buffer.data + 2);
        assert_int_equal(buffer.length, 2);
        memset(place, 'c', 1000);
        buffer.length += 1000;
        assert_int_equal(strlen(buffer_text(&buffer)), 1002);
        buffer_free(&buffer);
}

static void test_failure_sticks_until_cleared(void **state)
{
        (void)state;
        struct buffer buffer = {0};
        buffer_append_text(&buffer, "kept");
        assert_null(buffer_reserve(&buffer, SIZE_MAX));
        assert_int_equal(buffer_status(&buffer), -ENOMEM);
        assert_null(buffer_text(&buffer));
        buffer_append_u8(&buffer, 1);
        buffer_printf(&buffer, "%d", 1);
        assert_null(buffer_reserve(&buffer, 1));
        assert_int_equal(buffer.length, 4);
        buffer_clear(&buffer);
        assert_int_equal(buffer_status(&buffer), 0);
        buffer_append_text(&buffer, "again");
        assert_string_equal(buffer_text(&buffer), "again");
        buffer_free(&buffer);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_empty),
                cmocka_unit_test(test_integers_are_big_endian),
                cmocka_unit_test(test_growth_keeps_everything),
                cmocka_unit_test(test_printf_across_the_end_of_the_room),
                cmocka_unit_test(test_text_is_terminated_and_not_counted),
                cmocka_unit_test(test_reserve_is_filled_by_the_caller),
                cmocka_unit_test(test_failure_sticks_until_cleared),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
