/* The serial rules: DESIGN's sentences, one by one. */
#include "dns/serial.h"
#include "zone/serial_policy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define NOON 1795262400ull /* 2026-11-21 12:00 UTC */

struct row {
        const char *what;
        struct serial_question question;
        enum serial_decision decision;
        uint32_t serial; /* 0 = not looked at */
};

#define CHANGED .content_changed = true

static const struct row rows[] = {
        {"a new zone takes the file's", {.file = 7}, SERIAL_FROM_FILE, 7},
        {"a new zone, ours to manage", {.file = 0}, SERIAL_FROM_POLICY, 1},
        {"a new zone by date", {.method = SERIAL_METHOD_DATE, .now_sec = NOON}, SERIAL_FROM_POLICY,
                2026112100},
        {"a new zone by time", {.method = SERIAL_METHOD_UNIXTIME, .now_sec = NOON}, SERIAL_FROM_POLICY,
                (uint32_t)NOON},
        {"nothing changed", {.published = 7, .file = 7, .file_before = 7}, SERIAL_SAME, 0},
        {"nothing changed, file behind", {.published = 9, .file = 7, .file_before = 7}, SERIAL_SAME, 0},
        {"raised by hand, same content", {.published = 7, .file = 8, .file_before = 7}, SERIAL_FROM_FILE, 8},
        {"forgotten", {.published = 7, .file = 7, .file_before = 7, CHANGED}, SERIAL_FROM_POLICY, 8},
        {"gone backwards", {.published = 7, .file = 3, .file_before = 7, CHANGED}, SERIAL_FROM_POLICY, 8},
        {"ahead and changed", {.published = 7, .file = 100, .file_before = 7, CHANGED}, SERIAL_FROM_FILE,
                100},
        {"wraps to 1, never 0",
                {.published = UINT32_MAX, .file = UINT32_MAX, .file_before = UINT32_MAX, CHANGED},
                SERIAL_FROM_POLICY, 1},
        {"ahead across the wrap",
                {.published = UINT32_MAX - 1, .file = 5, .file_before = UINT32_MAX - 1, CHANGED},
                SERIAL_FROM_FILE, 5},
        {"exactly half the circle is not ahead", {.published = 1, .file = 0x80000001u, CHANGED},
                SERIAL_FROM_POLICY, 2},
        {"a typo is held", {.published = 2026112101, .file = 3026112101, .file_before = 2026112101, CHANGED},
                SERIAL_HOLD_JUMP, 0},
        {"a typo is held without content too",
                {.published = 2026112101, .file = 3026112101, .file_before = 2026112101}, SERIAL_HOLD_JUMP,
                0},
        {"what the file had before serial-set went below it is no opinion",
                {.published = 500, .file = 1000500, .file_before = 1000500, CHANGED}, SERIAL_FROM_POLICY,
                501},
        {"a year of dates is no typo",
                {.published = 2026112101, .file = 2027112101, .file_before = 2026112101, CHANGED},
                SERIAL_FROM_FILE, 2027112101},
        {"date", {.method = SERIAL_METHOD_DATE, .published = 2026112001, .file = 0, CHANGED, .now_sec = NOON},
                SERIAL_FROM_POLICY, 2026112100},
        {"date, again today",
                {.method = SERIAL_METHOD_DATE, .published = 2026112100, CHANGED, .now_sec = NOON},
                SERIAL_FROM_POLICY, 2026112101},
        {"date, past 99 it carries on",
                {.method = SERIAL_METHOD_DATE, .published = 2026112199, CHANGED, .now_sec = NOON},
                SERIAL_FROM_POLICY_BEHIND, 2026112200},
        {"time behind gives one more",
                {.method = SERIAL_METHOD_UNIXTIME, .published = 2026112199, CHANGED, .now_sec = NOON},
                SERIAL_FROM_POLICY_BEHIND, 2026112200},
        {"the serial file is the floor", {.published = 7, .floor = 9, .file = 7, .file_before = 7, CHANGED},
                SERIAL_FROM_POLICY, 10},
        {"the serial file is ahead: publish even the same",
                {.published = 7, .floor = 9, .file = 7, .file_before = 7}, SERIAL_FROM_POLICY, 10},
        {"a lost store, the serial file is there", {.floor = 9, .file = 9, CHANGED}, SERIAL_FROM_POLICY, 10},
        {"a secondary ahead", {.published = 7, .floor = 1000, .floor_needs_gap = true, .file = 7},
                SERIAL_FROM_POLICY, 1000 + SERIAL_LOST_GAP},
        {"a secondary ahead, by date",
                {.method = SERIAL_METHOD_DATE,
                        .published = 2026112101,
                        .floor = 2026112105,
                        .floor_needs_gap = true,
                        .now_sec = NOON},
                SERIAL_FROM_POLICY, 2026112200},
        {"signed elsewhere, advanced", {.is_signed_elsewhere = true, .published = 7, .file = 8, CHANGED},
                SERIAL_FROM_FILE, 8},
        {"signed elsewhere, not advanced", {.is_signed_elsewhere = true, .published = 7, .file = 7, CHANGED},
                SERIAL_HOLD_SIGNED, 0},
        {"signed elsewhere, the same", {.is_signed_elsewhere = true, .published = 7, .file = 7}, SERIAL_SAME,
                0},
        {"signed elsewhere, new", {.is_signed_elsewhere = true, .file = 7, CHANGED}, SERIAL_FROM_FILE, 7},
        {"signed elsewhere, serial 0 cannot be", {.is_signed_elsewhere = true, .file = 0, CHANGED},
                SERIAL_HOLD_SIGNED, 0},
};

static void test_rows(void **state)
{
        (void)state;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                uint32_t serial = 0;
                enum serial_decision decision = serial_next(&rows[i].question, &serial);
                if (decision != rows[i].decision || (rows[i].serial && serial != rows[i].serial))
                        fail_msg("%s: decision %d (wanted %d), serial %u (wanted %u)", rows[i].what, decision,
                                rows[i].decision, serial, rows[i].serial);
        }
}

/* I2: whatever is asked, a serial that is given is not 0 and above everything that was seen. */
static void test_always_forward(void **state)
{
        (void)state;
        uint64_t seed = 88172645463325252ull;
        for (int i = 0; i < 200000; i++) {
                uint32_t random[6];
                for (size_t n = 0; n < 6; n++) {
                        seed ^= seed << 13;
                        seed ^= seed >> 7;
                        seed ^= seed << 17;
                        random[n] = (uint32_t)(seed >> 16);
                }
                struct serial_question question = {
                        .method = (enum serial_method)(random[0] % 3),
                        .published = random[0] & 8    ? random[1]
                                     : random[1] % 16 ? UINT32_MAX - random[1] % 4
                                                      : 0,
                        .floor = random[0] & 16 ? 0 : random[1] + random[2] % 1000,
                        .floor_needs_gap = (random[0] & 32) != 0,
                        .file = random[0] & 64 ? 0 : random[3],
                        .file_before = random[0] & 128 ? random[3] : random[4],
                        .content_changed = (random[0] & 256) != 0,
                        .is_signed_elsewhere = (random[0] & 512) != 0,
                        .now_sec = random[5],
                };
                uint32_t serial = 0;
                enum serial_decision decision = serial_next(&question, &serial);
                if (decision != SERIAL_FROM_FILE && decision != SERIAL_FROM_POLICY &&
                        decision != SERIAL_FROM_POLICY_BEHIND)
                        continue;
                assert_int_not_equal(serial, 0);
                /* A floor ahead is what counts: nobody holds two serials. */
                bool has_floor = question.floor &&
                                 (!question.published || serial_is_ahead(question.floor, question.published));
                uint32_t seen = has_floor ? question.floor : question.published;
                if (seen)
                        assert_int_equal(serial_compare(serial, seen), SERIAL_AHEAD);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_rows), cmocka_unit_test(test_always_forward)};
        return cmocka_run_group_tests(tests, NULL, NULL);
}
