/* The settle decisions, without time: now is a number. */
#include "source/settle.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define MSEC 1000ull
#define SETTLE (50 * MSEC)

static struct settle_state after(struct settle_state state, enum settle_event event, uint64_t now_usec)
{
        return settle_after(state, event, now_usec, SETTLE);
}

static void a_close_is_told_after_quiet(void **unused)
{
        struct settle_state state = {.phase = SETTLE_IDLE};

        (void)unused;
        state = after(state, SETTLE_ON_MODIFIED, 1000 * MSEC);
        assert_int_equal(settle_due(&state, 9999999 * MSEC), SETTLE_DO_WAIT); /* however long it is open */
        assert_true(settle_is_open(&state));
        state = after(state, SETTLE_ON_CLOSED, 2000 * MSEC);
        assert_int_equal(settle_due(&state, 2049 * MSEC), SETTLE_DO_WAIT);
        assert_int_equal(settle_due(&state, 2050 * MSEC), SETTLE_DO_TELL_CHANGED);
        state = after(state, SETTLE_ON_ATTRIBUTES, 2040 * MSEC);
        assert_int_equal(settle_due(&state, 2089 * MSEC), SETTLE_DO_WAIT);
        assert_int_equal(settle_due(&state, 2090 * MSEC), SETTLE_DO_TELL_CHANGED);
}

static void constant_writes_are_told_after_two_seconds(void **unused)
{
        struct settle_state state = {.phase = SETTLE_IDLE};
        uint64_t now_usec = 1000 * MSEC;

        (void)unused;
        for (;; now_usec += 20 * MSEC) {
                state = after(state, SETTLE_ON_MODIFIED, now_usec);
                assert_int_equal(settle_due(&state, now_usec), SETTLE_DO_WAIT); /* it is open */
                state = after(state, SETTLE_ON_CLOSED, now_usec + MSEC);
                if (settle_due(&state, now_usec + MSEC) == SETTLE_DO_TELL_CHANGED)
                        break;
        }
        assert_in_range(now_usec, 3000 * MSEC, 3020 * MSEC);
}

static void constant_unlink_and_write_too(void **unused)
{
        struct settle_state state = {.phase = SETTLE_IDLE};
        uint64_t now_usec = 1000 * MSEC;

        (void)unused;
        for (;; now_usec += 40 * MSEC) {
                state = after(state, SETTLE_ON_REMOVED, now_usec);
                state = after(state, SETTLE_ON_CREATED, now_usec + 1);
                state = after(state, SETTLE_ON_MODIFIED, now_usec + 2);
                state = after(state, SETTLE_ON_CLOSED, now_usec + 3);
                assert_true(now_usec < 3100 * MSEC);
                if (settle_due(&state, now_usec + 3) == SETTLE_DO_TELL_CHANGED)
                        break;
        }
}

static void a_longer_settle_time_is_the_limit(void **unused)
{
        struct settle_state state = settle_after(
                (struct settle_state){.phase = SETTLE_IDLE}, SETTLE_ON_CLOSED, 1000 * MSEC, 5000 * MSEC);

        (void)unused;
        assert_int_equal(settle_due(&state, 5999 * MSEC), SETTLE_DO_WAIT);
        assert_int_equal(settle_due(&state, 6000 * MSEC), SETTLE_DO_TELL_CHANGED);
}

static void a_rename_is_told_at_once(void **unused)
{
        struct settle_state state =
                after((struct settle_state){.phase = SETTLE_IDLE}, SETTLE_ON_RENAMED_IN, 1000);

        (void)unused;
        assert_int_equal(settle_due(&state, 1000), SETTLE_DO_TELL_CHANGED);
        /* over a file that somebody still writes: that one is gone */
        state = after((struct settle_state){.phase = SETTLE_IDLE}, SETTLE_ON_MODIFIED, 1000);
        state = after(state, SETTLE_ON_RENAMED_IN, 2000);
        assert_int_equal(settle_due(&state, 2000), SETTLE_DO_TELL_CHANGED);
        /* of a file that its writer has open: waits for the close */
        state = after((struct settle_state){.phase = SETTLE_IDLE}, SETTLE_ON_RENAMED_IN_OPEN, 1000);
        assert_int_equal(settle_due(&state, SETTLE_NEVER - 1), SETTLE_DO_WAIT);
}

static void a_new_name_waits_for_its_writer(void **unused)
{
        struct settle_state state =
                after((struct settle_state){.phase = SETTLE_IDLE}, SETTLE_ON_CREATED, 1000 * MSEC);

        (void)unused;
        assert_int_equal(settle_due(&state, 1049 * MSEC), SETTLE_DO_WAIT);
        assert_int_equal(settle_due(&state, 1050 * MSEC), SETTLE_DO_LOOK);

        struct settle_state empty = after(state, SETTLE_ON_SEEN_EMPTY, 1050 * MSEC);
        assert_int_equal(settle_due(&empty, SETTLE_NEVER - 1), SETTLE_DO_WAIT);
        assert_true(settle_is_open(&empty));

        struct settle_state link = after(state, SETTLE_ON_SEEN_LINK, 1050 * MSEC);
        assert_int_equal(settle_due(&link, 1050 * MSEC), SETTLE_DO_TELL_CHANGED);

        struct settle_state filled = after(state, SETTLE_ON_SEEN_FILLED, 1050 * MSEC);
        assert_int_equal(settle_due(&filled, 1099 * MSEC), SETTLE_DO_WAIT);
        assert_int_equal(
                settle_due(&filled, 1100 * MSEC), SETTLE_DO_LOOK); /* once more: a write may be queued */
        struct settle_state written = after(filled, SETTLE_ON_MODIFIED, 1099 * MSEC);
        assert_int_equal(settle_due(&written, SETTLE_NEVER - 1), SETTLE_DO_WAIT);
        filled = after(filled, SETTLE_ON_SEEN_FILLED, 1100 * MSEC);
        assert_int_equal(settle_due(&filled, 1100 * MSEC), SETTLE_DO_TELL_CHANGED);
}

static void gone_is_told_when_it_stays_away(void **unused)
{
        struct settle_state state =
                after((struct settle_state){.phase = SETTLE_IDLE}, SETTLE_ON_REMOVED, 1000 * MSEC);

        (void)unused;
        assert_int_equal(settle_due(&state, 1499 * MSEC), SETTLE_DO_WAIT);
        assert_int_equal(settle_due(&state, 1500 * MSEC), SETTLE_DO_TELL_VANISHED);
        struct settle_state back = after(state, SETTLE_ON_CREATED, 1400 * MSEC);
        assert_false(back.is_new); /* the owner knows it: gone again is told */
        back = after(back, SETTLE_ON_REMOVED, 1450 * MSEC);
        assert_int_equal(settle_due(&back, 1950 * MSEC), SETTLE_DO_TELL_VANISHED);
        state = settle_after((struct settle_state){.phase = SETTLE_IDLE}, SETTLE_ON_REMOVED, 0, 3000 * MSEC);
        assert_int_equal(settle_due(&state, 2999 * MSEC), SETTLE_DO_WAIT);
}

static void temporary_files_are_not_told(void **unused)
{
        struct settle_state state =
                after((struct settle_state){.phase = SETTLE_IDLE}, SETTLE_ON_CREATED, 1000);

        (void)unused;
        state = after(state, SETTLE_ON_MODIFIED, 1001);
        state = after(state, SETTLE_ON_CLOSED, 1002);
        state = after(state, SETTLE_ON_REMOVED, 1003);
        assert_int_equal(state.phase, SETTLE_IDLE);
}

static void lost_events_end_in_a_report(void **unused)
{
        struct settle_state state = after((struct settle_state){.phase = SETTLE_IDLE}, SETTLE_ON_MODIFIED, 0);

        (void)unused;
        state = after(state, SETTLE_ON_OVERFLOW, 1000 * MSEC);
        assert_true(settle_is_open(&state));
        state = after(state, SETTLE_ON_OVERFLOW, 2000 * MSEC); /* does not push it */
        assert_int_equal(settle_due(&state, 3000 * MSEC), SETTLE_DO_TELL_CHANGED);
        state = after(state, SETTLE_ON_MODIFIED, 2500 * MSEC); /* the writer is still there */
        assert_int_equal(settle_due(&state, 9000 * MSEC), SETTLE_DO_WAIT);
        state = after((struct settle_state){.phase = SETTLE_IDLE}, SETTLE_ON_CLOSED, 0);
        assert_int_equal(after(state, SETTLE_ON_OVERFLOW, 1).phase, SETTLE_IDLE); /* the rescan tells it */
}

static void a_text_read_half_is_told_at_the_next_close(void **unused)
{
        struct settle_state idle = {.phase = SETTLE_IDLE};
        struct settle_state state = after(idle, SETTLE_ON_MODIFIED, 5000 * MSEC);

        (void)unused;
        assert_int_equal(after(idle, SETTLE_ON_READ_HALF, 5000 * MSEC).phase, SETTLE_IDLE);
        struct settle_state half = after(state, SETTLE_ON_READ_HALF, 5001 * MSEC);
        assert_int_equal(settle_due(&half, 9000 * MSEC), SETTLE_DO_WAIT); /* open still */
        half = after(half, SETTLE_ON_CLOSED, 5002 * MSEC);
        assert_int_equal(settle_due(&half, 5002 * MSEC), SETTLE_DO_TELL_CHANGED);
        struct settle_state closed =
                after(after(state, SETTLE_ON_CLOSED, 5001 * MSEC), SETTLE_ON_READ_HALF, 5002 * MSEC);
        assert_int_equal(settle_due(&closed, 5002 * MSEC), SETTLE_DO_TELL_CHANGED);
}

static void what_the_limit_told_may_have_been_read_half(void **unused)
{
        struct settle_state state =
                after((struct settle_state){.phase = SETTLE_IDLE}, SETTLE_ON_CLOSED, MSEC);

        (void)unused;
        assert_int_equal(settle_told(&state, 51 * MSEC, 50 * MSEC).phase, SETTLE_IDLE); /* it was quiet */
        struct settle_state told = settle_told(&state, 2001 * MSEC, 50 * MSEC);
        assert_int_equal(told.phase, SETTLE_TOLD);
        assert_int_equal(settle_due(&told, 4001 * MSEC), SETTLE_DO_FORGET);
        struct settle_state half = after(told, SETTLE_ON_READ_HALF, 2002 * MSEC);
        struct settle_state closed = after(half, SETTLE_ON_CLOSED, 2010 * MSEC);
        assert_int_equal(settle_due(&closed, 2010 * MSEC), SETTLE_DO_TELL_CHANGED);
        assert_int_equal(
                settle_due(&half, 4001 * MSEC), SETTLE_DO_TELL_CHANGED); /* no close came: looked at again */
        closed = after(told, SETTLE_ON_CLOSED, 2010 * MSEC);             /* not half: as any other */
        assert_int_equal(settle_due(&closed, 2010 * MSEC), SETTLE_DO_WAIT);
}

static void git_is_waited_for_ten_seconds(void **unused)
{
        struct git_wait wait = {.lock = 0};

        (void)unused;
        assert_int_equal(git_wait_next(&wait, 0, 0), GIT_GO);
        assert_int_equal(git_wait_next(&wait, 7, 1000 * MSEC), GIT_WAIT);
        assert_int_equal(git_wait_next(&wait, 7, 10999 * MSEC), GIT_WAIT);
        assert_int_equal(git_wait_next(&wait, 7, 11000 * MSEC), GIT_TELL_AND_GO);
        assert_int_equal(git_wait_next(&wait, 7, 11001 * MSEC), GIT_GO);
        assert_int_equal(git_wait_next(&wait, 8, 12000 * MSEC), GIT_WAIT); /* another checkout */
        assert_int_equal(git_wait_next(&wait, 0, 12001 * MSEC), GIT_GO);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_close_is_told_after_quiet),
                cmocka_unit_test(constant_writes_are_told_after_two_seconds),
                cmocka_unit_test(constant_unlink_and_write_too),
                cmocka_unit_test(a_longer_settle_time_is_the_limit),
                cmocka_unit_test(a_rename_is_told_at_once),
                cmocka_unit_test(a_new_name_waits_for_its_writer),
                cmocka_unit_test(gone_is_told_when_it_stays_away),
                cmocka_unit_test(temporary_files_are_not_told),
                cmocka_unit_test(lost_events_end_in_a_report),
                cmocka_unit_test(a_text_read_half_is_told_at_the_next_close),
                cmocka_unit_test(what_the_limit_told_may_have_been_read_half),
                cmocka_unit_test(git_is_waited_for_ten_seconds),
        };
        return cmocka_run_group_tests_name("source/settle", tests, NULL, NULL);
}
