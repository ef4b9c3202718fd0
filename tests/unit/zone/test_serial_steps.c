/* serial-set: the steps, what is kept of them, and when the next may be taken. */
#include "base/buffer.h"
#include "base/cleanup.h"
#include "dns/serial.h"
#include "zone/serial_steps.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void assert_steps(uint32_t from, uint32_t to, bool longest, size_t count, const uint32_t *wanted)
{
        uint32_t steps[SERIAL_STEPS_MAX];

        assert_int_equal(serial_steps_make(from, to, longest, steps), count);
        for (size_t i = 0; i < count; i++)
                assert_int_equal(steps[i], wanted[i]);
}

static void test_the_vector(void **state)
{
        (void)state;
        assert_steps(2007103101, 1193788800, true, 2, (uint32_t[]){4154586748, 1193788800});
        /* In equal steps: D = 3481652995. */
        assert_steps(2007103101, 1193788800, false, 2, (uint32_t[]){3747929598, 1193788800});
}

static void test_by_one_and_ahead(void **state)
{
        (void)state;
        /* One back is 2^32 - 1 ahead: too far for two steps. */
        assert_steps(100, 99, false, 3, (uint32_t[]){1431655865, 2863311630, 99});
        /* Two back is twice the longest step. */
        assert_steps(100, 98, false, 2, (uint32_t[]){2147483747, 98});
        assert_steps(100, 200, false, 1, (uint32_t[]){200});
        assert_steps(100, 100, false, 0, NULL);
        /* Half the circle is not ahead. */
        assert_steps(1, 0x80000001u, false, 2, (uint32_t[]){0x40000001u, 0x80000001u});
}

static void test_around_zero(void **state)
{
        (void)state;
        /* The middle would be 0. */
        assert_steps(0x80000002u, 0x7fffffffu, false, 3, (uint32_t[]){UINT32_MAX, 0x3fffffffu, 0x7fffffffu});
        assert_steps(0xc0000000u, 0x40000000u, false, 2, (uint32_t[]){UINT32_MAX, 0x40000000u});
        assert_steps(UINT32_MAX, 1, false, 1, (uint32_t[]){1});
}

/* Whatever is asked: each step is ahead of the one before, none is 0, the last is where it was to go. */
static void test_any(void **state)
{
        (void)state;
        uint64_t seed = 88172645463325252ull;

        for (int i = 0; i < 400000; i++) {
                seed ^= seed << 13;
                seed ^= seed >> 7;
                seed ^= seed << 17;
                uint32_t from = (uint32_t)(seed >> 32), to = (uint32_t)seed;
                if (i % 4 == 0)
                        to = from - (uint32_t)(seed % 5);
                if (i % 8 == 1)
                        from = (uint32_t)(0 - (to / 2)) + (uint32_t)(seed % 3); /* the middle is about 0 */
                if (from == 0 || to == 0)
                        continue;
                uint32_t steps[SERIAL_STEPS_MAX], at = from;
                size_t count = serial_steps_make(from, to, i % 2 == 0, steps);
                for (size_t n = 0; n < count; n++) {
                        assert_int_not_equal(steps[n], 0);
                        assert_true(serial_is_ahead(steps[n], at));
                        at = steps[n];
                }
                assert_int_equal(at, to);
        }
}

static struct serial_set example(void)
{
        struct serial_set set = {.from = 2007103101, .taken = 1, .begun_usec = 77};
        set.step_count = serial_steps_make(set.from, 1193788800, true, set.steps);
        assert_true(serial_set_assume(&set, "192.0.2.1"));
        assert_true(serial_set_assume(&set, "office"));
        assert_true(serial_set_assume(&set, "office"));
        return set;
}

static void test_kept(void **state)
{
        (void)state;
        CLEANUP(buffer_free) struct buffer octets = {0};
        struct serial_set set = example(), back;

        serial_set_encode(&set, &octets);
        assert_int_equal(serial_set_decode(octets.data, octets.length, &back), 0);
        assert_int_equal(back.from, set.from);
        assert_int_equal(back.taken, 1);
        assert_int_equal(back.begun_usec, 77);
        assert_int_equal(serial_set_target(&back), 1193788800);
        assert_int_equal(serial_set_current(&back), 4154586748);
        assert_string_equal(back.assumed, "192.0.2.1\noffice\n");
        for (size_t length = 0; length < octets.length; length++)
                assert_int_equal(serial_set_decode(octets.data, length, &back), -EBADMSG);
        octets.data[1] = 2; /* all steps are taken: there is no such row */
        assert_int_equal(serial_set_decode(octets.data, octets.length, &back), -EBADMSG);
        octets.data[1] = 1;
        octets.data[15] ^= 0x80; /* a step that nobody follows */
        assert_int_equal(serial_set_decode(octets.data, octets.length, &back), -EBADMSG);
}

static void test_assumed(void **state)
{
        (void)state;
        struct serial_set set = example();
        char long_name[SERIAL_ASSUMED_MAX + 1];

        assert_true(serial_set_assumes(&set, "office"));
        assert_false(serial_set_assumes(&set, "offic"));
        assert_false(serial_set_assumes(&set, "192.0.2.10"));
        assert_false(serial_set_assume(&set, ""));
        assert_false(serial_set_assume(&set, "a\nb"));
        memset(long_name, 'x', sizeof(long_name));
        long_name[sizeof(long_name) - 1] = '\0';
        assert_false(serial_set_assume(&set, long_name));
}

static void test_next(void **state)
{
        (void)state;
        const struct serial_set set = example();
        const uint32_t at = serial_set_current(&set);
        struct serial_holder holders[] = {{.serial = at, .is_known = true}, {.serial = at, .is_known = true}};

        assert_int_equal(serial_set_next(&set, at, holders, 2), SERIAL_SET_STEP);
        assert_int_equal(serial_set_next(&set, at, NULL, 0), SERIAL_SET_STEP);
        assert_int_equal(serial_set_next(&set, at + 1, holders, 2), SERIAL_SET_LOST);
        holders[1].serial = set.from;
        assert_int_equal(serial_set_next(&set, at, holders, 2), SERIAL_SET_WAIT);
        holders[1].is_assumed = true;
        assert_int_equal(serial_set_next(&set, at, holders, 2), SERIAL_SET_STEP);
        holders[0].is_known = false;
        assert_int_equal(serial_set_next(&set, at, holders, 2), SERIAL_SET_WAIT);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_the_vector),
                cmocka_unit_test(test_by_one_and_ahead),
                cmocka_unit_test(test_around_zero),
                cmocka_unit_test(test_any),
                cmocka_unit_test(test_kept),
                cmocka_unit_test(test_assumed),
                cmocka_unit_test(test_next),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
