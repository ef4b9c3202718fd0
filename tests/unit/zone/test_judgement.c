/* What holds a change, in which order and in which words. */
#include "zone/judgement.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static struct judgement_question question(void)
{
        return (struct judgement_question){
                .serial = {.published = 10,
                        .floor = 10,
                        .file = 10,
                        .file_before = 10,
                        .content_changed = true,
                        .now_sec = 1700000000},
                .guard = {.limits = {.max_delete_percent = 30,
                                  .max_change_percent = 50,
                                  .min_records = 10,
                                  .protect_apex = true},
                        .records_before = 101,
                        .rrsets_before = 100},
        };
}

static struct judgement judged(const struct judgement_question *asked)
{
        struct judgement judgement;
        judge_change(asked, &judgement);
        return judgement;
}

static void test_publishes(void **state)
{
        (void)state;
        struct judgement_question asked = question();
        struct judgement judgement = judged(&asked);
        assert_int_equal(judgement.kind, JUDGEMENT_PUBLISH);
        assert_int_equal(judgement.serial, 11);
        assert_int_equal(judgement.reason_count, 0);
        asked.serial.content_changed = false;
        judgement = judged(&asked);
        assert_int_equal(judgement.kind, JUDGEMENT_NOTHING);
        assert_int_equal(judgement.serial, 0);
}

static void test_every_reason_is_told_and_one_approval_releases_all(void **state)
{
        (void)state;
        char summary[JUDGEMENT_SUMMARY_MAX];
        struct judgement_question asked = question();
        asked.serial.file = 2026112101;
        asked.guard.rrsets_gone = asked.guard.rrsets_changed = 40;
        asked.guard.deletes_more = true;
        asked.guard.ends_without_newline = true;
        struct judgement judgement = judged(&asked);
        assert_int_equal(judgement.kind, JUDGEMENT_HOLD);
        assert_int_equal(judgement.serial, 2026112101);
        assert_int_equal(judgement.reason_count, 3);
        assert_string_equal(judgement_summary(&judgement, summary),
                "the file's serial 2026112101 is far ahead of the published 10: a typo? approve it, or "
                "correct the file; 40 of 100 RRsets would be gone (limit 30 %); the text ends without a "
                "newline, it may be half written");
        asked.is_approved = true;
        judgement = judged(&asked);
        assert_int_equal(judgement.kind, JUDGEMENT_PUBLISH);
        assert_int_equal(judgement.serial, 2026112101);
}

static void test_the_step_of_a_serial_is_the_configurations(void **state)
{
        (void)state;
        struct judgement_question asked = question();
        asked.serial.file = 1010;
        assert_int_equal(judged(&asked).kind, JUDGEMENT_PUBLISH);
        asked.serial.max_step = 999;
        assert_int_equal(judged(&asked).kind, JUDGEMENT_HOLD);
        asked.serial.max_step = 1000;
        assert_int_equal(judged(&asked).kind, JUDGEMENT_PUBLISH);
}

static void test_frozen_comes_first(void **state)
{
        (void)state;
        struct judgement_question asked = question();
        asked.guard.rrsets_gone = 90;
        asked.guard.deletes_more = asked.is_frozen = asked.is_approved = true;
        assert_int_equal(judged(&asked).kind, JUDGEMENT_FROZEN);
        asked.serial.content_changed = false;
        assert_int_equal(judged(&asked).kind, JUDGEMENT_NOTHING);
}

static void test_no_approval_makes_a_signed_zones_serial(void **state)
{
        (void)state;
        struct judgement_question asked = question();
        asked.serial.is_signed_elsewhere = asked.is_approved = true;
        struct judgement judgement = judged(&asked);
        assert_int_equal(judgement.kind, JUDGEMENT_REFUSE);
        assert_int_equal(judgement.serial, 0);
        assert_non_null(strstr(judgement.reasons[0], "raise it where the zone is signed"));
}

int main(void)
{
        const struct CMUnitTest tests[] = {cmocka_unit_test(test_publishes),
                cmocka_unit_test(test_every_reason_is_told_and_one_approval_releases_all),
                cmocka_unit_test(test_the_step_of_a_serial_is_the_configurations),
                cmocka_unit_test(test_frozen_comes_first),
                cmocka_unit_test(test_no_approval_makes_a_signed_zones_serial)};
        return cmocka_run_group_tests(tests, NULL, NULL);
}
