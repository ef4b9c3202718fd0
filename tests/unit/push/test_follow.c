/* The API beside a provider's transfers: when it is asked for what, and what is read of its answer. */
#include "push/follow.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"

#include <errno.h>
#include <string.h>

#define SEC USEC_PER_SEC
#define T0 (1795262400 * SEC) /* the publish */
#define NEVER UINT64_MAX

static struct follow_facts facts_of(uint32_t serial)
{
        return (struct follow_facts){
                .serial = serial, .heard_usec = T0, .base_usec = T0, .due_usec = T0 + 10 * SEC};
}

/* What it does at that time; what it waits for is in *ret_next. */
static enum follow_action at(const struct follow_facts *facts, uint64_t after, uint64_t *ret_next)
{
        return follow_next(facts, T0 + after, ret_next);
}

static void reads_until_it_holds_the_serial(void **state)
{
        struct follow_facts facts = facts_of(7);
        uint64_t next;
        (void)state;
        facts.has = true; /* it was seen to transfer it */
        assert_int_equal(at(&facts, 0, &next), FOLLOW_SLEEP);
        assert_true(next == T0 + 5 * SEC);
        uint64_t waits[] = {5, 10, 20, 40, 80, 160, 300, 300, 300, 300};
        for (size_t i = 0; i < sizeof(waits) / sizeof(*waits); i++) {
                facts.reads = (unsigned)i;
                assert_int_equal(at(&facts, waits[i] * SEC - 1, &next), FOLLOW_SLEEP);
                assert_true(next == T0 + waits[i] * SEC);
                assert_int_equal(at(&facts, waits[i] * SEC, &next), FOLLOW_READ);
        }
        facts.reads = 100000;
        assert_int_equal(at(&facts, 300 * SEC, &next), FOLLOW_READ);
        facts.held_serial = 7;
        assert_int_equal(at(&facts, 300 * SEC, &next), FOLLOW_SLEEP);
        assert_true(next == T0 + 6 * 3600 * SEC);
        assert_int_equal(at(&facts, 6 * 3600 * SEC, &next), FOLLOW_READ);
}

static void forces_once_when_a_transfer_is_due(void **state)
{
        struct follow_facts facts = facts_of(7);
        uint64_t next;
        (void)state;
        facts.read_is_refused = true;
        assert_int_equal(at(&facts, 0, &next), FOLLOW_SLEEP);
        assert_true(next == T0 + 10 * SEC);
        assert_int_equal(at(&facts, 10 * SEC, &next), FOLLOW_FORCE);
        facts.due_usec = T0 + 600 * SEC; /* a large zone */
        assert_int_equal(at(&facts, 599 * SEC, &next), FOLLOW_SLEEP);
        assert_int_equal(at(&facts, 600 * SEC, &next), FOLLOW_FORCE);
        facts.due_usec = T0 - 600 * SEC; /* we did not run: NOTIFY goes first */
        assert_int_equal(at(&facts, 10 * SEC - 1, &next), FOLLOW_SLEEP);
        facts.asked_usec = T0 + 9 * SEC; /* a transfer is under way */
        assert_int_equal(at(&facts, 308 * SEC, &next), FOLLOW_SLEEP);
        assert_int_equal(at(&facts, 309 * SEC, &next), FOLLOW_FORCE);
        facts.forced_serial = 6; /* of the one before */
        assert_int_equal(at(&facts, 309 * SEC, &next), FOLLOW_FORCE);
        facts.forced_serial = 7;
        assert_int_equal(at(&facts, 309 * SEC, &next), FOLLOW_SLEEP);
        assert_true(next == NEVER);
}

static void never_forces_what_it_has(void **state)
{
        struct follow_facts facts = facts_of(7);
        uint64_t next;
        (void)state;
        facts.has = facts.read_is_refused = true;
        for (uint64_t after = 0; after < 86400; after += 7) {
                assert_int_equal(at(&facts, after * SEC, &next), FOLLOW_SLEEP);
                assert_true(next == NEVER);
        }
}

static void waits_for_answers_and_after_failures(void **state)
{
        struct follow_facts facts = facts_of(7);
        uint64_t next;
        (void)state;
        facts.is_forcing = true;
        assert_int_equal(at(&facts, 3600 * SEC, &next), FOLLOW_SLEEP);
        assert_true(next == NEVER); /* the answer comes */
        facts.is_forcing = false;
        facts.is_reading = true; /* that may take long: many are in line */
        assert_int_equal(at(&facts, 9 * SEC, &next), FOLLOW_SLEEP);
        assert_true(next == T0 + 10 * SEC);
        assert_int_equal(at(&facts, 10 * SEC, &next), FOLLOW_FORCE);
        facts.is_reading = false;
        facts.not_before_usec = T0 + 30 * SEC;
        assert_int_equal(at(&facts, 29 * SEC, &next), FOLLOW_SLEEP);
        assert_true(next == T0 + 30 * SEC);
        assert_int_equal(at(&facts, 30 * SEC, &next), FOLLOW_FORCE); /* before a read that is due too */
        facts.force_is_refused = true;
        assert_int_equal(at(&facts, 30 * SEC, &next), FOLLOW_READ);
        facts.read_is_refused = true;
        assert_int_equal(at(&facts, 3600 * SEC, &next), FOLLOW_SLEEP);
        assert_true(next == NEVER);
}

static void answers(void **state)
{
        static const struct {
                const char *text;
                int result;
                uint32_t serial;
                uint64_t checked_sec;
        } cases[] = {
                {"{\"success\":true,\"result\":{\"soa_serial\":4294967295,\"checked_time\":\"2026-11-22T05:"
                 "20:00.12345Z\"}}",
                        0, UINT32_MAX, 1795324800},
                {"{\"success\":true,\"result\":{\"soa_serial\":7,\"checked_time\":\"2026-11-22T05:20:00Z\"}}",
                        0, 7, 1795324800},
                {"{\"success\":true,\"result\":{\"soa_serial\":null,\"checked_time\":null}}", 0, 0, 0},
                {"{\"success\":true,\"result\":{}}", 0, 0, 0},
                {"{\"success\":true,\"result\":{\"soa_serial\":7,\"checked_time\":\"2026-11-22T05:20:00+01:"
                 "00\"}}",
                        0, 7, 0},
                {"{\"success\":true,\"result\":{\"soa_serial\":7,\"checked_time\":\"yesterday\"}}", 0, 7, 0},
                {"{\"success\":true,\"result\":{\"soa_serial\":4294967296}}", -EBADMSG, 0, 0},
                {"{\"success\":true,\"result\":{\"soa_serial\":-1}}", -EBADMSG, 0, 0},
                {"{\"success\":true,\"result\":null}", -EBADMSG, 0, 0},
                {"{\"success\":false,\"result\":{\"soa_serial\":7}}", -EBADMSG, 0, 0},
                {"{\"success\":true,\"result\":{\"soa_serial\":7", -EBADMSG, 0, 0},
                {"", -EBADMSG, 0, 0},
        };
        (void)state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
                struct push_incoming incoming = {0};
                assert_int_equal(cloudflare_incoming_read(cases[i].text, strlen(cases[i].text), &incoming),
                        cases[i].result);
                assert_int_equal(incoming.serial, cases[i].serial);
                assert_true(incoming.checked_usec == cases[i].checked_sec * SEC);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(reads_until_it_holds_the_serial),
                cmocka_unit_test(forces_once_when_a_transfer_is_due),
                cmocka_unit_test(never_forces_what_it_has),
                cmocka_unit_test(waits_for_answers_and_after_failures),
                cmocka_unit_test(answers),
        };
        return cmocka_run_group_tests_name("follow", tests, NULL, NULL);
}
