/* Stages, what is due, when a secondary is stale, and when its copy ends: under a clock of the test's. */
#include "base/buffer.h"
#include "base/clock.h"
#include "fleet/stage.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <string.h>

#define SEC USEC_PER_SEC
#define T0 (1795262400 * SEC) /* 2026-11-21 12:00:00 UTC: the publish */
#define AFTER (300 * SEC)

static struct stage_facts facts_of(uint32_t serial)
{
        return (struct stage_facts){
                .serial = serial,
                .refresh_sec = 3600,
                .retry_sec = 600,
                .expire_sec = 86400,
                .takes_notify = true,
                .is_probed = true,
                .expire_is_honoured = true,
                .server_count = 2,
                /* It had the serial before, and was in touch a minute before the publish. */
                .row = {.transferred_serial = serial - 1,
                        .served_serial = serial - 1,
                        .soa_serial = serial - 1,
                        .transfer_count = 1,
                        .transfer_usec = T0 - 60 * SEC,
                        .first_transfer_usec = T0 - 60 * SEC,
                        .contact_usec = T0 - 60 * SEC,
                        .behind_usec = T0},
        };
}

static void test_stages_in_their_order(void **state)
{
        struct stage_facts facts = facts_of(7);
        (void)state;
        assert_int_equal(stage_judge(&facts, T0).reached, STAGE_NOTHING);
        facts.notified_serial = 7;
        assert_int_equal(stage_judge(&facts, T0).reached, STAGE_NOTIFIED);
        facts.acknowledged_serial = 7;
        assert_int_equal(stage_judge(&facts, T0).reached, STAGE_ACKNOWLEDGED);
        facts.row.soa_serial = 7;
        assert_int_equal(stage_judge(&facts, T0).reached, STAGE_ASKED_SOA);
        facts.row.asked_transfer_usec = T0 - 1;
        assert_int_equal(stage_judge(&facts, T0).reached, STAGE_ASKED_SOA); /* that was for the one before */
        facts.row.asked_transfer_usec = T0 + 1;
        assert_int_equal(stage_judge(&facts, T0 + 2).reached, STAGE_ASKED_TRANSFER);
        facts.row.transferred_serial = 7;
        assert_int_equal(stage_judge(&facts, T0 + 2).reached, STAGE_TRANSFERRED);
        facts.serving_count = 1;
        assert_int_equal(stage_judge(&facts, T0 + 2).reached, STAGE_TRANSFERRED);
        assert_false(stage_judge(&facts, T0 + 2).is_current);
        facts.serving_count = 2;
        assert_int_equal(stage_judge(&facts, T0 + 2).reached, STAGE_SERVING);
        assert_true(stage_judge(&facts, T0 + 2).is_current);
        for (int stage = STAGE_NOTHING; stage <= STAGE_SERVING; stage++)
                assert_true(strlen(stage_name((enum stage)stage)) > 0 &&
                            strlen(stage_words((enum stage)stage)) > 0);
}

static void test_silence_never_counts(void **state)
{
        struct stage_facts facts = facts_of(7);
        (void)state;
        facts.row.transferred_serial = 7;
        assert_false(stage_judge(&facts, T0 + SEC).is_current);
        facts.server_count = 0; /* the names of its servers have no address */
        assert_false(stage_judge(&facts, T0 + SEC).is_current);
        facts.is_probed = false; /* who cannot be asked counts by the transfer */
        assert_true(stage_judge(&facts, T0 + SEC).is_current);
        facts.row.transferred_serial = 6;
        assert_false(stage_judge(&facts, T0 + SEC).is_current);
        facts.is_probed = true;
        facts.server_count = 2;
        facts.row.served_serial = 7; /* it was seen everywhere once: that stays so (I1) */
        assert_true(stage_judge(&facts, T0 + SEC).is_current);
}

/* The word of a provider's API is as good as a transfer that was seen, and no better. */
static void test_told_counts_as_transferred(void **state)
{
        struct stage_facts facts = facts_of(7);
        (void)state;
        facts.told_serial = 6;
        assert_int_equal(stage_judge(&facts, T0).reached, STAGE_NOTHING);
        facts.told_serial = 7;
        assert_int_equal(stage_judge(&facts, T0).reached, STAGE_TRANSFERRED);
        assert_false(stage_judge(&facts, T0).is_current);
        facts.is_probed = false;
        assert_true(stage_judge(&facts, T0).is_current);
}

static void test_due_behind_a_notify(void **state)
{
        struct stage_facts facts = facts_of(7);
        (void)state;
        struct stage_view view = stage_judge(&facts, T0);
        assert_true(view.due_usec == T0 + 10 * SEC);
        assert_false(view.is_late);
        assert_false(stage_judge(&facts, T0 + 10 * SEC).is_late);
        view = stage_judge(&facts, T0 + 10 * SEC + 1);
        assert_true(view.is_late);
        assert_int_equal(view.overdue, STAGE_NOTIFIED);
        facts.size_bytes = 600u << 20; /* ten minutes at 1 MiB a second */
        assert_true(stage_judge(&facts, T0).due_usec == T0 + 610 * SEC);
}

static void test_what_is_overdue(void **state)
{
        struct stage_facts facts = facts_of(7);
        uint64_t late = T0 + 20 * SEC;
        (void)state;
        facts.notified_serial = 7;
        assert_int_equal(stage_judge(&facts, late).overdue, STAGE_ACKNOWLEDGED);
        facts.acknowledged_serial = 7;
        assert_int_equal(stage_judge(&facts, late).overdue, STAGE_ASKED_SOA);
        facts.row.soa_serial = 7;
        assert_int_equal(stage_judge(&facts, late).overdue, STAGE_TRANSFERRED);
        facts.row.transferred_serial = 7;
        assert_int_equal(stage_judge(&facts, late).overdue, STAGE_SERVING);
        facts = facts_of(7);
        facts.takes_notify = false;
        assert_int_equal(stage_judge(&facts, T0 + 4000 * SEC).overdue, STAGE_ASKED_SOA);
}

static void test_due_of_one_that_polls(void **state)
{
        struct stage_facts facts = facts_of(7);
        (void)state;
        facts.takes_notify = false;
        /* REFRESH after it asked last. */
        assert_true(stage_judge(&facts, T0).due_usec == T0 - 60 * SEC + 3610 * SEC);
        facts.row.contact_usec = 0;
        assert_true(stage_judge(&facts, T0).due_usec == T0 + 3610 * SEC);
        facts.row.contact_usec = T0 + 30 * SEC; /* it asked since, and knows */
        assert_true(stage_judge(&facts, T0 + 31 * SEC).due_usec == T0 + 10 * SEC);
        facts.row.contact_usec =
                T0 - 7200 * SEC; /* its poll is overdue already: it gets the transfer's time */
        assert_true(stage_judge(&facts, T0).due_usec == T0 + 10 * SEC);
        facts.row.contact_usec = T0 - 60 * SEC;
        facts.refresh_min_sec = 7200; /* no more often than that, whatever REFRESH says */
        assert_true(stage_judge(&facts, T0).due_usec == T0 - 60 * SEC + 7210 * SEC);
        facts.refresh_by = CONF_REFRESH_INTERVAL;
        facts.refresh_min_sec = 0;
        facts.interval_sec = 900;
        assert_true(stage_judge(&facts, T0).due_usec == T0 - 60 * SEC + 910 * SEC);
        facts.takes_notify = true; /* the interval is for when no NOTIFY came */
        assert_true(stage_judge(&facts, T0).due_usec == T0 + 10 * SEC);
}

static void test_expiry_counts_down(void **state)
{
        struct stage_facts facts = facts_of(7);
        uint64_t end = T0 - 60 * SEC + 86400 * SEC;
        (void)state;
        assert_int_equal(stage_judge(&facts, T0 + SEC).expires_usec, 0); /* in its time */
        assert_true(stage_judge(&facts, T0 + 11 * SEC).expires_usec == end);
        assert_true(stage_judge(&facts, T0 + 3600 * SEC).expires_usec == end);
        /* It asks, and cannot fetch: that it asked keeps nothing alive. */
        facts.row.soa_serial = 7;
        facts.row.soa_usec = facts.row.contact_usec = T0 + 1800 * SEC;
        assert_true(stage_judge(&facts, T0 + 3600 * SEC).expires_usec == end);
        facts.expire_is_honoured = false;
        assert_int_equal(stage_judge(&facts, T0 + 3600 * SEC).expires_usec, 0);

        /* In sync, and then not a word any more. */
        facts = facts_of(7);
        facts.row.transferred_serial = facts.row.served_serial = facts.row.soa_serial = 7;
        facts.row.transfer_usec = T0;
        facts.row.soa_usec = facts.row.contact_usec = T0 + 3600 * SEC;
        assert_int_equal(stage_judge(&facts, T0 + 7200 * SEC).expires_usec, 0);
        assert_true(stage_judge(&facts, T0 + 3600 * SEC + 6301 * SEC).expires_usec == T0 + 90000 * SEC);
        facts.row.transfer_usec = facts.row.soa_usec = 0;
        assert_int_equal(stage_judge(&facts, T0 + 90000 * SEC).expires_usec, 0); /* it never had it */
}

static void test_the_lag_begins_once(void **state)
{
        struct sight_row row = {0};
        (void)state;
        lag_published(&row, true, T0);
        assert_true(row.behind_usec == T0);
        lag_published(&row, false, T0 + SEC); /* published again: it is as late as before */
        assert_true(row.behind_usec == T0);
        lag_progress(&row, false, T0 + 5 * SEC); /* it took the first of the two */
        assert_true(row.behind_usec == T0 + 5 * SEC);
        lag_published(&row, true, T0 + 7 * SEC);
        assert_true(row.behind_usec == T0 + 7 * SEC);
        lag_progress(&row, true, T0 + 9 * SEC);
        assert_true(row.behind_usec == 0);
}

static enum alert_action alert_at(struct stage_facts *facts, uint64_t now, uint64_t *ret_next)
{
        struct stage_view view = stage_judge(facts, now);
        enum alert_action action = alert_judge(&facts->row, &view, AFTER, now, ret_next);
        if (action == ALERT_STALE)
                facts->row.stale_usec = now;
        else if (action == ALERT_IN_SYNC)
                facts->row.stale_usec = 0;
        return action;
}

static void test_told_once_when_it_begins_and_once_when_it_ends(void **state)
{
        struct stage_facts facts = facts_of(7);
        uint64_t next, at = T0 + 310 * SEC;
        (void)state;
        assert_int_equal(alert_at(&facts, T0 + SEC, &next), ALERT_NONE);
        assert_true(next == at);
        assert_int_equal(alert_at(&facts, at - 1, &next), ALERT_NONE);
        assert_int_equal(alert_at(&facts, at, &next), ALERT_STALE);
        assert_int_equal(alert_at(&facts, at + SEC, &next), ALERT_NONE);
        assert_true(next == STAGE_NEVER);
        assert_int_equal(alert_at(&facts, at + 90000 * SEC, &next), ALERT_NONE);
        facts.serving_count = 2;
        assert_int_equal(alert_at(&facts, at + 90001 * SEC, &next), ALERT_IN_SYNC);
        assert_int_equal(alert_at(&facts, at + 90002 * SEC, &next), ALERT_NONE);
        assert_true(next == STAGE_NEVER);
}

static void test_a_new_secondary_has_two_hours(void **state)
{
        struct stage_facts facts = facts_of(7);
        uint64_t next;
        (void)state;
        facts.row = (struct sight_row){.behind_usec = T0};
        assert_true(stage_judge(&facts, T0).is_new);
        assert_int_equal(alert_at(&facts, T0 + 400 * SEC, &next), ALERT_NONE);
        assert_true(next == T0 + 7210 * SEC);
        facts.first_transfer_sec = 1200; /* its provider says that it may take so long */
        assert_int_equal(alert_at(&facts, T0 + 400 * SEC, &next), ALERT_NONE);
        assert_true(next == T0 + 8410 * SEC);
        assert_int_equal(alert_at(&facts, T0 + 8410 * SEC, &next), ALERT_STALE);
}

static void test_serials_wrap(void **state)
{
        struct stage_facts facts = facts_of(1); /* after 4294967295 */
        (void)state;
        facts.row.transferred_serial = UINT32_MAX;
        facts.row.served_serial = UINT32_MAX;
        assert_int_equal(stage_judge(&facts, T0).reached, STAGE_NOTHING);
        assert_false(stage_judge(&facts, T0).is_new);
}

static void test_row_as_octets(void **state)
{
        struct sight_row row, full = {
                                      .transfer_kind = FLEET_TRANSFER_IXFR,
                                      .soa_serial = 1,
                                      .held_serial = 2,
                                      .transferred_serial = UINT32_MAX,
                                      .served_serial = 4,
                                      .sample_serial = 5,
                                      .soa_usec = 6,
                                      .asked_transfer_usec = 7,
                                      .transfer_usec = UINT64_MAX,
                                      .first_transfer_usec = 9,
                                      .transfer_bytes = 10,
                                      .transfer_count = 11,
                                      .served_usec = 12,
                                      .behind_usec = 13,
                                      .stale_usec = 14,
                                      .contact_usec = 15,
                              };
        struct buffer out = {0}, again = {0};
        uint8_t key[SIGHT_KEY_MAX];
        (void)state;
        sight_row_encode(&full, &out);
        assert_int_equal(out.length, SIGHT_ROW_SIZE);
        assert_int_equal(sight_row_decode(out.data, out.length, &row), 0);
        sight_row_encode(&row, &again);
        assert_memory_equal(out.data, again.data, out.length);
        assert_int_equal(row.transferred_serial, UINT32_MAX);
        assert_true(row.contact_usec == 15 && row.transfer_usec == UINT64_MAX);
        assert_int_equal(sight_row_decode(out.data, out.length - 1, &row), -EBADMSG);
        out.data[0] = 2;
        assert_int_equal(sight_row_decode(out.data, out.length, &row), -EBADMSG);
        out.data[0] = 1;
        out.data[1] = FLEET_TRANSFER_IXFR_WHOLE + 1;
        assert_int_equal(sight_row_decode(out.data, out.length, &row), -EBADMSG);
        assert_int_equal(sight_row_key("He", key), 3);
        assert_memory_equal(key, "She", 3);
        buffer_free(&out);
        buffer_free(&again);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_stages_in_their_order),
                cmocka_unit_test(test_silence_never_counts),
                cmocka_unit_test(test_told_counts_as_transferred),
                cmocka_unit_test(test_due_behind_a_notify),
                cmocka_unit_test(test_what_is_overdue),
                cmocka_unit_test(test_due_of_one_that_polls),
                cmocka_unit_test(test_expiry_counts_down),
                cmocka_unit_test(test_the_lag_begins_once),
                cmocka_unit_test(test_told_once_when_it_begins_and_once_when_it_ends),
                cmocka_unit_test(test_a_new_secondary_has_two_hours),
                cmocka_unit_test(test_serials_wrap),
                cmocka_unit_test(test_row_as_octets),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
