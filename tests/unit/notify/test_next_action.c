/* The state machine of one target, over time that the test makes: every phase with every event. */
#include "notify/notify.h"

#include "base/clock.h"
#include "dns/message.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#define SECONDS(n) ((n)*USEC_PER_SEC)
#define HOUR SECONDS(3600)

struct machine {
        struct notify_state state;
        uint64_t now;
        uint32_t refresh;
        uint64_t delay;
        unsigned rcode;
};

static struct machine machine_new(void)
{
        return (struct machine){.now = SECONDS(1000), .refresh = 3600};
}

static enum notify_action step(struct machine *machine, enum notify_event event, uint32_t serial)
{
        struct notify_input input = {
                .event = event,
                .serial = serial,
                .rcode = machine->rcode,
                .now_usec = machine->now,
                .refresh_sec = machine->refresh,
                .delay_usec = machine->delay,
        };
        return notify_next_action(&machine->state, &input);
}

static enum notify_action answer(struct machine *machine, unsigned rcode, uint32_t serial)
{
        machine->rcode = rcode;
        return step(machine, NOTIFY_EVENT_ANSWER, serial);
}

/* Time moves to what the state waits for. */
static enum notify_action at_due(struct machine *machine)
{
        assert_true(machine->state.due_usec != NOTIFY_NEVER);
        assert_true(machine->state.due_usec >= machine->now);
        machine->now = machine->state.due_usec;
        return step(machine, NOTIFY_EVENT_TIMER, 0);
}

static void assert_phase(const struct machine *machine, enum notify_phase phase)
{
        assert_string_equal(notify_phase_name(machine->state.phase), notify_phase_name(phase));
}

static struct machine in_waiting(void)
{
        struct machine machine = machine_new();
        assert_int_equal(step(&machine, NOTIFY_EVENT_PUBLISHED, 7), NOTIFY_SEND);
        assert_phase(&machine, NOTIFY_DELAYED);
        assert_true(machine.state.due_usec == NOTIFY_NEVER);
        assert_int_equal(step(&machine, NOTIFY_EVENT_SENT, 0), NOTIFY_SLEEP);
        assert_phase(&machine, NOTIFY_WAITING);
        return machine;
}

static struct machine in_acknowledged(void)
{
        struct machine machine = in_waiting();
        assert_int_equal(answer(&machine, RCODE_NOERROR, 7), NOTIFY_SLEEP);
        assert_phase(&machine, NOTIFY_ACKNOWLEDGED);
        return machine;
}

static struct machine in_down(void)
{
        struct machine machine = in_waiting();
        while (at_due(&machine) == NOTIFY_SEND)
                step(&machine, NOTIFY_EVENT_SENT, 0);
        assert_phase(&machine, NOTIFY_DOWN);
        return machine;
}

static struct machine in_refused(void)
{
        struct machine machine = in_waiting();
        assert_int_equal(answer(&machine, RCODE_REFUSED, 7), NOTIFY_SLEEP);
        assert_phase(&machine, NOTIFY_REFUSED);
        return machine;
}

static void test_first_notify_goes_at_once(void **state)
{
        (void)state;
        struct machine machine = in_waiting();
        assert_int_equal(machine.state.serial, 7);
        assert_int_equal(machine.state.due_usec - machine.now, SECONDS(3));
}

static void test_timeouts_grow_then_down(void **state)
{
        (void)state;
        static const unsigned waits[] = {3, 6, 12, 24, 48};
        struct machine machine = in_waiting();
        for (unsigned i = 0; i < 5; i++) {
                assert_int_equal(machine.state.due_usec - machine.now, SECONDS(waits[i]));
                if (i == 4)
                        break;
                assert_int_equal(at_due(&machine), NOTIFY_SEND);
                assert_int_equal(machine.state.attempts, i + 1);
                assert_int_equal(step(&machine, NOTIFY_EVENT_SENT, 0), NOTIFY_SLEEP);
        }
        assert_int_equal(at_due(&machine), NOTIFY_SLEEP);
        assert_phase(&machine, NOTIFY_DOWN);
        assert_int_equal(machine.state.attempts, 5);
}

static void test_canary_grows_up_to_refresh(void **state)
{
        (void)state;
        struct machine machine = in_down();
        static const unsigned waits[] = {60, 120, 240, 480, 960, 1920, 3600, 3600};
        for (unsigned i = 0; i < 8; i++) {
                assert_int_equal(machine.state.due_usec - machine.now, SECONDS(waits[i]));
                assert_int_equal(at_due(&machine), NOTIFY_SEND);
                assert_int_equal(step(&machine, NOTIFY_EVENT_SENT, 0), NOTIFY_SLEEP);
                assert_phase(&machine, NOTIFY_DOWN);
        }
}

static void test_canary_interval_has_a_floor(void **state)
{
        (void)state;
        struct machine machine = in_down();
        machine.refresh = 5;
        for (unsigned i = 0; i < 3; i++) {
                assert_int_equal(at_due(&machine), NOTIFY_SEND);
                assert_int_equal(machine.state.due_usec - machine.now, SECONDS(60));
        }
}

static void test_acknowledged_and_asked_is_done(void **state)
{
        (void)state;
        struct machine machine = in_acknowledged();
        assert_int_equal(machine.state.due_usec - machine.now, SECONDS(60));
        assert_int_equal(step(&machine, NOTIFY_EVENT_ASKED, 7), NOTIFY_FINISH);
        assert_phase(&machine, NOTIFY_DONE);
        /* The question may be seen before the answer. */
        machine = in_waiting();
        assert_int_equal(step(&machine, NOTIFY_EVENT_ASKED, 7), NOTIFY_SLEEP);
        assert_phase(&machine, NOTIFY_WAITING);
        assert_int_equal(answer(&machine, RCODE_NOERROR, 7), NOTIFY_FINISH);
}

static void test_acknowledged_without_question_is_repeated_three_times(void **state)
{
        (void)state;
        struct machine machine = in_acknowledged();
        for (unsigned i = 0; i < 3; i++) {
                assert_int_equal(machine.state.repeats, i);
                assert_int_equal(at_due(&machine), NOTIFY_SEND);
                assert_int_equal(step(&machine, NOTIFY_EVENT_SENT, 0), NOTIFY_SLEEP);
                assert_int_equal(answer(&machine, RCODE_NOERROR, 7), NOTIFY_SLEEP);
                assert_phase(&machine, NOTIFY_ACKNOWLEDGED);
        }
        assert_int_equal(at_due(&machine), NOTIFY_FINISH);
        assert_phase(&machine, NOTIFY_DONE);
}

static void test_repeat_without_answer_goes_down(void **state)
{
        (void)state;
        struct machine machine = in_acknowledged();
        unsigned sends = 0;
        while (at_due(&machine) == NOTIFY_SEND) {
                step(&machine, NOTIFY_EVENT_SENT, 0);
                sends++;
        }
        assert_int_equal(sends, 5);
        assert_phase(&machine, NOTIFY_DOWN);
}

static void test_notimp_is_done(void **state)
{
        (void)state;
        struct machine machine = in_waiting();
        assert_int_equal(answer(&machine, RCODE_NOTIMP, 7), NOTIFY_FINISH);
}

static void test_errors_are_tried_hourly(void **state)
{
        (void)state;
        static const unsigned rcodes[] = {
                RCODE_FORMERR, RCODE_SERVFAIL, RCODE_NXDOMAIN, RCODE_REFUSED, RCODE_NOTAUTH};
        for (unsigned i = 0; i < 5; i++) {
                struct machine machine = in_waiting();
                for (unsigned n = 0; n < 3; n++) {
                        assert_int_equal(answer(&machine, rcodes[i], 7), NOTIFY_SLEEP);
                        assert_phase(&machine, NOTIFY_REFUSED);
                        assert_true(machine.state.due_usec - machine.now == HOUR);
                        assert_int_equal(at_due(&machine), NOTIFY_SEND);
                        assert_int_equal(step(&machine, NOTIFY_EVENT_SENT, 0), NOTIFY_SLEEP);
                        assert_phase(&machine, NOTIFY_WAITING);
                }
                assert_int_equal(answer(&machine, RCODE_NOERROR, 7), NOTIFY_SLEEP);
                assert_phase(&machine, NOTIFY_ACKNOWLEDGED);
        }
}

static void test_transfer_is_done_in_every_phase(void **state)
{
        (void)state;
        struct machine phases[] = {in_acknowledged(), in_down(), in_refused()};
        for (unsigned i = 0; i < 3; i++) {
                assert_int_equal(step(&phases[i], NOTIFY_EVENT_TRANSFERRED, 7), NOTIFY_FINISH);
                assert_phase(&phases[i], NOTIFY_DONE);
        }
        struct machine queued = machine_new();
        step(&queued, NOTIFY_EVENT_PUBLISHED, 7);
        assert_int_equal(step(&queued, NOTIFY_EVENT_TRANSFERRED, 7), NOTIFY_FINISH);
}

static void test_transfer_before_the_answer_leaves_time_for_it(void **state)
{
        (void)state;
        struct machine machine = in_waiting();
        assert_int_equal(step(&machine, NOTIFY_EVENT_TRANSFERRED, 7), NOTIFY_SLEEP);
        assert_phase(&machine, NOTIFY_DONE);
        struct machine answered = machine;
        assert_int_equal(answer(&answered, RCODE_NOERROR, 7), NOTIFY_FINISH);
        assert_int_equal(step(&machine, NOTIFY_EVENT_TRANSFERRED, 7), NOTIFY_SLEEP);
        assert_int_equal(step(&machine, NOTIFY_EVENT_HEARD, 0), NOTIFY_SLEEP);
        struct machine again = machine;
        assert_int_equal(at_due(&machine), NOTIFY_FINISH);
        /* A new serial in that time. */
        assert_int_equal(step(&again, NOTIFY_EVENT_PUBLISHED, 8), NOTIFY_SEND);
        assert_phase(&again, NOTIFY_DELAYED);
}

static void test_transfer_compares_by_rfc_1982(void **state)
{
        (void)state;
        struct {
                uint32_t announced, transferred;
                enum notify_action action;
        } cases[] = {
                {7, 8, NOTIFY_FINISH},
                {7, 6, NOTIFY_SLEEP},
                {UINT32_MAX, 1, NOTIFY_FINISH},
                {1, UINT32_MAX, NOTIFY_SLEEP},
                {7, 7 + 0x80000000u, NOTIFY_SLEEP},
        };
        for (unsigned i = 0; i < 5; i++) {
                struct machine machine = machine_new();
                step(&machine, NOTIFY_EVENT_PUBLISHED, cases[i].announced);
                step(&machine, NOTIFY_EVENT_SENT, 0);
                answer(&machine, RCODE_NOERROR, cases[i].announced);
                assert_int_equal(
                        step(&machine, NOTIFY_EVENT_TRANSFERRED, cases[i].transferred), cases[i].action);
        }
}

static void test_newer_serial_replaces_older(void **state)
{
        (void)state;
        struct machine phases[] = {in_waiting(), in_acknowledged(), in_refused()};
        for (unsigned i = 0; i < 3; i++) {
                phases[i].now += SECONDS(1);
                assert_int_equal(step(&phases[i], NOTIFY_EVENT_PUBLISHED, 8), NOTIFY_SEND);
                assert_phase(&phases[i], NOTIFY_DELAYED);
                assert_int_equal(phases[i].state.serial, 8);
                /* In the queue: the next replaces it there. */
                assert_int_equal(step(&phases[i], NOTIFY_EVENT_PUBLISHED, 9), NOTIFY_SLEEP);
                assert_int_equal(phases[i].state.serial, 9);
                assert_int_equal(step(&phases[i], NOTIFY_EVENT_SENT, 0), NOTIFY_SLEEP);
                assert_phase(&phases[i], NOTIFY_WAITING);
        }
        struct machine down = in_down();
        assert_int_equal(step(&down, NOTIFY_EVENT_PUBLISHED, 8), NOTIFY_SLEEP);
        assert_phase(&down, NOTIFY_DOWN);
        assert_int_equal(down.state.serial, 8);
}

static void test_same_serial_again_changes_nothing(void **state)
{
        (void)state;
        struct machine phases[] = {in_waiting(), in_acknowledged(), in_refused(), in_down()};
        for (unsigned i = 0; i < 4; i++) {
                struct notify_state before = phases[i].state;
                assert_int_equal(step(&phases[i], NOTIFY_EVENT_PUBLISHED, 7), NOTIFY_SLEEP);
                assert_memory_equal(&before, &phases[i].state, sizeof(before));
        }
}

static void test_repeats_begin_anew_with_a_serial(void **state)
{
        (void)state;
        struct machine machine = in_acknowledged();
        at_due(&machine);
        step(&machine, NOTIFY_EVENT_SENT, 0);
        answer(&machine, RCODE_NOERROR, 7);
        assert_int_equal(machine.state.repeats, 1);
        step(&machine, NOTIFY_EVENT_PUBLISHED, 8);
        assert_int_equal(machine.state.repeats, 0);
        /* Having been asked for 7 says nothing of 8. */
        machine = in_waiting();
        step(&machine, NOTIFY_EVENT_ASKED, 7);
        step(&machine, NOTIFY_EVENT_PUBLISHED, 8);
        step(&machine, NOTIFY_EVENT_SENT, 0);
        assert_int_equal(answer(&machine, RCODE_NOERROR, 8), NOTIFY_SLEEP);
        assert_phase(&machine, NOTIFY_ACKNOWLEDGED);
}

static void test_dead_target_is_found_out_however_often_its_zone_changes(void **state)
{
        (void)state;
        struct machine machine = in_waiting();
        uint64_t end = machine.now + SECONDS(120);
        uint32_t serial = 8;
        unsigned sends = 0;
        for (; machine.now < end && machine.state.phase != NOTIFY_DOWN; machine.now += SECONDS(1)) {
                enum notify_action action = machine.state.due_usec <= machine.now
                                                    ? step(&machine, NOTIFY_EVENT_TIMER, 0)
                                                    : step(&machine, NOTIFY_EVENT_PUBLISHED, serial++);
                if (action == NOTIFY_SEND) {
                        step(&machine, NOTIFY_EVENT_SENT, 0);
                        sends++;
                }
        }
        assert_phase(&machine, NOTIFY_DOWN);
        assert_in_range(sends, 5, 120);
}

static void test_answer_to_an_older_serial(void **state)
{
        (void)state;
        struct machine machine = in_waiting();
        machine.now += SECONDS(1);
        step(&machine, NOTIFY_EVENT_PUBLISHED, 8);
        step(&machine, NOTIFY_EVENT_SENT, 0);
        assert_int_equal(answer(&machine, RCODE_NOERROR, 7), NOTIFY_SLEEP);
        assert_phase(&machine, NOTIFY_WAITING);
        /* A target that was down answers the canary of before: the newer serial goes now. */
        machine = in_down();
        step(&machine, NOTIFY_EVENT_PUBLISHED, 8);
        assert_int_equal(answer(&machine, RCODE_NOERROR, 7), NOTIFY_SEND);
        assert_phase(&machine, NOTIFY_DELAYED);
        assert_int_equal(machine.state.attempts, 0);
}

static void test_answer_clears_failures(void **state)
{
        (void)state;
        struct machine machine = in_waiting();
        for (unsigned i = 0; i < 4; i++) {
                at_due(&machine);
                step(&machine, NOTIFY_EVENT_SENT, 0);
        }
        answer(&machine, RCODE_REFUSED, 7);
        assert_int_equal(machine.state.attempts, 0);
        at_due(&machine);
        step(&machine, NOTIFY_EVENT_SENT, 0);
        assert_int_equal(machine.state.due_usec - machine.now, SECONDS(3));
}

static void test_heard_wakes_what_is_down(void **state)
{
        (void)state;
        static const enum notify_event events[] = {NOTIFY_EVENT_HEARD, NOTIFY_EVENT_ASKED};
        for (unsigned i = 0; i < 2; i++) {
                struct machine machine = in_down();
                assert_int_equal(step(&machine, events[i], 7), NOTIFY_SEND);
                assert_phase(&machine, NOTIFY_DELAYED);
                step(&machine, NOTIFY_EVENT_SENT, 0);
                assert_int_equal(machine.state.due_usec - machine.now, SECONDS(3));
                /* Two tries, then it is down again. */
                assert_int_equal(at_due(&machine), NOTIFY_SEND);
                step(&machine, NOTIFY_EVENT_SENT, 0);
                assert_int_equal(at_due(&machine), NOTIFY_SLEEP);
                assert_phase(&machine, NOTIFY_DOWN);
        }
        struct machine old = in_down();
        assert_int_equal(step(&old, NOTIFY_EVENT_TRANSFERRED, 6), NOTIFY_SEND);
}

static void test_heard_changes_nothing_elsewhere(void **state)
{
        (void)state;
        struct machine phases[] = {in_waiting(), in_acknowledged(), in_refused()};
        for (unsigned i = 0; i < 3; i++) {
                struct notify_state before = phases[i].state;
                assert_int_equal(step(&phases[i], NOTIFY_EVENT_HEARD, 0), NOTIFY_SLEEP);
                assert_memory_equal(&before, &phases[i].state, sizeof(before));
        }
}

static void test_canary_answered(void **state)
{
        (void)state;
        struct machine machine = in_down();
        at_due(&machine);
        step(&machine, NOTIFY_EVENT_SENT, 0);
        struct machine refused = machine;
        assert_int_equal(answer(&machine, RCODE_NOERROR, 7), NOTIFY_SLEEP);
        assert_phase(&machine, NOTIFY_ACKNOWLEDGED);
        assert_int_equal(answer(&refused, RCODE_NOTAUTH, 7), NOTIFY_SLEEP);
        assert_phase(&refused, NOTIFY_REFUSED);
}

static void test_held(void **state)
{
        (void)state;
        struct machine machine = in_waiting();
        assert_int_equal(step(&machine, NOTIFY_EVENT_HELD, 0), NOTIFY_SLEEP);
        assert_phase(&machine, NOTIFY_DOWN);
        assert_true(machine.state.due_usec == NOTIFY_NEVER);
        struct machine canary = machine;
        assert_int_equal(step(&machine, NOTIFY_EVENT_HEARD, 0), NOTIFY_SEND);
        /* Made the canary: due now, and then a minute. */
        canary.state.due_usec = canary.now;
        assert_int_equal(at_due(&canary), NOTIFY_SEND);
        assert_int_equal(canary.state.due_usec - canary.now, SECONDS(60));
}

static void test_forced(void **state)
{
        (void)state;
        struct machine phases[] = {machine_new(), in_waiting(), in_acknowledged(), in_refused()};
        for (unsigned i = 0; i < 4; i++) {
                phases[i].delay = SECONDS(5);
                assert_int_equal(step(&phases[i], NOTIFY_EVENT_FORCED, 7), NOTIFY_SEND);
                step(&phases[i], NOTIFY_EVENT_SENT, 0);
                assert_phase(&phases[i], NOTIFY_WAITING);
                assert_int_equal(phases[i].state.due_usec - phases[i].now, SECONDS(3));
        }
        struct machine down = in_down();
        uint64_t due = down.state.due_usec;
        assert_int_equal(step(&down, NOTIFY_EVENT_FORCED, 7), NOTIFY_SEND);
        step(&down, NOTIFY_EVENT_SENT, 0);
        assert_phase(&down, NOTIFY_DOWN);
        assert_true(down.state.due_usec == due);
}

static void test_notify_delay(void **state)
{
        (void)state;
        struct machine machine = machine_new();
        machine.delay = SECONDS(5);
        assert_int_equal(step(&machine, NOTIFY_EVENT_PUBLISHED, 7), NOTIFY_SLEEP);
        assert_phase(&machine, NOTIFY_DELAYED);
        assert_int_equal(machine.state.due_usec - machine.now, SECONDS(5));
        machine.now += SECONDS(2);
        assert_int_equal(step(&machine, NOTIFY_EVENT_PUBLISHED, 8), NOTIFY_SLEEP);
        assert_int_equal(machine.state.due_usec - machine.now, SECONDS(3));
        assert_int_equal(at_due(&machine), NOTIFY_SEND);
        assert_int_equal(machine.state.serial, 8);
        step(&machine, NOTIFY_EVENT_SENT, 0);
        assert_int_equal(step(&machine, NOTIFY_EVENT_PUBLISHED, 9), NOTIFY_SLEEP);
        assert_phase(&machine, NOTIFY_DELAYED);
        /* The answer to 8 comes while 9 waits. */
        assert_int_equal(answer(&machine, RCODE_NOERROR, 8), NOTIFY_SLEEP);
        assert_phase(&machine, NOTIFY_DELAYED);
        assert_int_equal(at_due(&machine), NOTIFY_SEND);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_first_notify_goes_at_once),
                cmocka_unit_test(test_timeouts_grow_then_down),
                cmocka_unit_test(test_canary_grows_up_to_refresh),
                cmocka_unit_test(test_canary_interval_has_a_floor),
                cmocka_unit_test(test_acknowledged_and_asked_is_done),
                cmocka_unit_test(test_acknowledged_without_question_is_repeated_three_times),
                cmocka_unit_test(test_repeat_without_answer_goes_down),
                cmocka_unit_test(test_notimp_is_done),
                cmocka_unit_test(test_errors_are_tried_hourly),
                cmocka_unit_test(test_transfer_is_done_in_every_phase),
                cmocka_unit_test(test_transfer_before_the_answer_leaves_time_for_it),
                cmocka_unit_test(test_transfer_compares_by_rfc_1982),
                cmocka_unit_test(test_newer_serial_replaces_older),
                cmocka_unit_test(test_same_serial_again_changes_nothing),
                cmocka_unit_test(test_repeats_begin_anew_with_a_serial),
                cmocka_unit_test(test_dead_target_is_found_out_however_often_its_zone_changes),
                cmocka_unit_test(test_answer_to_an_older_serial),
                cmocka_unit_test(test_answer_clears_failures),
                cmocka_unit_test(test_heard_wakes_what_is_down),
                cmocka_unit_test(test_heard_changes_nothing_elsewhere),
                cmocka_unit_test(test_canary_answered),
                cmocka_unit_test(test_held),
                cmocka_unit_test(test_forced),
                cmocka_unit_test(test_notify_delay),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
