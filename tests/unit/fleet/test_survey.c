/* The survey told of publishes and transfers, under a moved clock: what is told, and what outlives a restart.
 */
#include "fleet/survey.h"

#include "base/buffer.h"
#include "base/clock.h"
#include "base/log.h"
#include "dns/type.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-event.h>

/* Nobody answers there: the address is of TEST-NET-1. */
#define BLOCK(more)                                                                                          \
        "options { alert-after 1; secondaries { \"he\"; }; };\n"                                             \
        "secondary \"he\" { transfer-from { 127.0.0.8; }; notify no; refresh-by notify; " more " };\n"
#define PROBED BLOCK("nameservers { 127.0.0.8 port 1; };")

static const uint8_t zone_name[] = "\1a\4test";

struct fixture {
        char directory[64];
        struct store *store;
        struct fleet *fleet;
        struct prober *prober;
        struct survey *survey;
        sd_event *event;
        unsigned stale, in_sync;
};

static void sink(int priority, const struct log_fields *fields, const char *message)
{
        (void)priority, (void)fields, (void)message;
}

static void told(void *context, const struct survey_event *event)
{
        struct fixture *fixture = context;
        if (event->kind == SURVEY_STALE)
                fixture->stale++;
        else
                fixture->in_sync++;
}

static void store_put(struct fixture *fixture, uint32_t serial)
{
        uint8_t rdata[] = "\1m\0\1h\0\0\0\0\0\0\0\16\20\0\0\2\x58\0\1\x51\x80\0\0\1\x2c", ns[] = "\2ns\3out";
        struct record record = {
                .owner = zone_name, .rdata = ns, .ttl = 60, .type = TYPE_NS, .rdata_length = sizeof(ns)};
        struct record_list records = {.items = &record, .count = 1, .capacity = 1};
        struct store_zone row = {0};
        struct store_batch *batch;
        struct store_read *read;
        uint64_t version;
        assert_int_equal(store_read_begin(fixture->store, &read), 0);
        uint64_t base = store_zone_find(read, zone_name, &row) == 0 ? row.version : 0;
        store_read_end(read);
        write_u32(rdata + 6, serial);
        struct store_publication publication = {
                .name = zone_name,
                .base_version = base,
                .begins_era = true,
                .soa = {.owner = zone_name,
                        .rdata = rdata,
                        .ttl = 60,
                        .type = TYPE_SOA,
                        .rdata_length = sizeof(rdata) - 1},
                .records = &records,
                .published_usec = clock_realtime_usec(),
                .text_change = STORE_TEXT_DROP,
                .provenance = "test",
                .max_journal_bytes = UINT64_MAX,
        };
        assert_int_equal(store_batch_begin(fixture->store, &batch), 0);
        assert_int_equal(store_batch_publish(batch, &publication, &version), 0);
        assert_int_equal(store_batch_commit(batch), 0);
}

static void tell_zone(struct fixture *fixture)
{
        struct store_read *read;
        struct store_zone row;
        assert_int_equal(store_read_begin(fixture->store, &read), 0);
        assert_int_equal(store_zone_find(read, zone_name, &row), 0);
        assert_non_null(fleet_zone_get(fixture->fleet, zone_name, &row));
        assert_int_equal(survey_zone_published(fixture->survey, &row), 0);
        store_read_end(read);
}

static void publish(struct fixture *fixture, uint32_t serial)
{
        store_put(fixture, serial);
        tell_zone(fixture);
}

static void start(struct fixture *fixture, const char *text)
{
        struct diag_list diags = {0};
        struct conf *conf = NULL;
        struct conf_load_options options = {.without_secrets_check = true,
                .without_files = true,
                .text = text,
                .text_length = strlen(text)};
        assert_int_equal(conf_load("test.conf", &options, &diags, &conf), 0);
        diag_free(&diags);
        assert_int_equal(fleet_new(fixture->store, conf, &fixture->fleet), 0);
        conf_unref(conf);
        assert_true(sd_event_new(&fixture->event) >= 0);
        assert_int_equal(prober_new(fixture->event, 100, &fixture->prober), 0);
        struct survey_options survey = {.event = fixture->event,
                .store = fixture->store,
                .fleet = fixture->fleet,
                .prober = fixture->prober,
                .told = told,
                .context = fixture};
        assert_int_equal(survey_new(&survey, &fixture->survey), 0);
}

static void stop(struct fixture *fixture)
{
        fixture->survey = survey_free(fixture->survey);
        fixture->prober = prober_free(fixture->prober);
        fixture->fleet = fleet_free(fixture->fleet);
        fixture->event = sd_event_unref(fixture->event);
}

static void begin(struct fixture *fixture, const char *text)
{
        const char *why = NULL;
        *fixture = (struct fixture){.directory = "/tmp/zonecrier-survey-XXXXXX"};
        log_redirect(sink);
        assert_non_null(mkdtemp(fixture->directory));
        struct store_options options = {.directory = fixture->directory, .limit_bytes = 64 << 20};
        if (store_open(&options, &fixture->store, &why) < 0)
                fail_msg("%s", why);
        start(fixture, text);
}

static void end(struct fixture *fixture)
{
        char command[100];
        stop(fixture);
        store_close(fixture->store);
        log_redirect(NULL);
        snprintf(command, sizeof(command), "rm -r %s", fixture->directory);
        assert_int_equal(system(command), 0);
}

/* Time jumps; what is due then runs. */
static void pass(struct fixture *fixture, uint64_t seconds)
{
        clock_shift((int64_t)(seconds * USEC_PER_SEC));
        survey_turn(fixture->survey);
}

static void transfer(struct fixture *fixture, uint32_t serial)
{
        struct address peer;
        assert_int_equal(address_parse("127.0.0.8", &peer), 0);
        struct survey_seen seen = {.zone = zone_name,
                .peer = &peer,
                .secondary = "he",
                .rule = "127.0.0.8",
                .at_usec = clock_realtime_usec()};
        survey_saw_transfer(fixture->survey, &seen, FLEET_TRANSFER_AXFR, 0, serial, 100);
}

static struct survey_sight sight_of(struct fixture *fixture)
{
        struct survey_sight sight;
        assert_int_equal(survey_sight_count(fixture->survey, zone_name), 1);
        assert_int_equal(survey_sight_get(fixture->survey, zone_name, 0, &sight), 0);
        return sight;
}

static size_t write_rows(struct fixture *fixture)
{
        struct fleet_write *writes;
        struct store_batch *batch;
        size_t count;
        assert_int_equal(survey_take_dirty(fixture->survey, &writes, &count), 0);
        assert_int_equal(store_batch_begin(fixture->store, &batch), 0);
        for (size_t i = 0; i < count; i++) {
                const struct fleet_write *write = &writes[i];
                int r = write->size > 0 ? store_batch_state_put(batch, write->zone_id, write->key,
                                                  write->key_size, write->value, write->size)
                                        : store_batch_state_delete(
                                                  batch, write->zone_id, write->key, write->key_size);
                assert_true(r == 0 || write->size == 0);
        }
        assert_int_equal(store_batch_commit(batch), 0);
        free(writes);
        return count;
}

static void test_a_late_first_transfer_is_no_alarm(void **state)
{
        struct fixture fixture;
        (void)state;
        begin(&fixture, PROBED);
        publish(&fixture, 7);
        pass(&fixture, 20); /* a new secondary has longer */
        assert_int_equal(fixture.stale, 0);
        transfer(&fixture, 7); /* its name servers have their time from here on */
        assert_int_equal(fixture.stale, 0);
        assert_int_equal(sight_of(&fixture).view.reached, STAGE_TRANSFERRED);
        pass(&fixture, 5);
        assert_int_equal(fixture.stale, 0);
        pass(&fixture, 7);
        assert_int_equal(fixture.stale, 1);
        pass(&fixture, 600);
        assert_int_equal(fixture.stale, 1);
        assert_false(sight_of(&fixture).view.is_current);
        end(&fixture);
}

static void test_who_is_not_probed_counts_by_the_transfer(void **state)
{
        struct fixture fixture;
        (void)state;
        begin(&fixture, BLOCK(""));
        publish(&fixture, 7);
        transfer(&fixture, 7);
        assert_true(sight_of(&fixture).view.is_current);
        publish(&fixture, 8);
        assert_false(sight_of(&fixture).view.is_current);
        pass(&fixture, 4000); /* it gets no NOTIFY: it polls every REFRESH */
        assert_int_equal(fixture.stale, 1);
        transfer(&fixture, 8);
        assert_int_equal(fixture.in_sync, 1);
        transfer(&fixture, 8);
        assert_int_equal(fixture.in_sync, 1);
        end(&fixture);
}

static void test_it_is_known_over_a_restart(void **state)
{
        struct fixture fixture;
        size_t position = 0;
        const char *owner, *element;
        uint64_t usec;
        (void)state;
        begin(&fixture, BLOCK(""));
        publish(&fixture, 7);
        transfer(&fixture, 7);
        publish(&fixture, 8);
        pass(&fixture, 4000);
        assert_int_equal(fixture.stale, 1);
        assert_int_equal(write_rows(&fixture), 2); /* the secondary, and the element that let it in */
        assert_int_equal(write_rows(&fixture), 0);
        stop(&fixture);
        start(&fixture, BLOCK(""));
        tell_zone(&fixture);
        pass(&fixture, 4000);
        assert_int_equal(fixture.stale, 1); /* told before */
        assert_int_equal(sight_of(&fixture).row->transferred_serial, 7);
        assert_int_equal(sight_of(&fixture).row->transfer_count, 1);
        assert_true(survey_acl_use_next(fixture.survey, &position, &owner, &element, &usec));
        assert_string_equal(owner, "he");
        assert_string_equal(element, "127.0.0.8");
        transfer(&fixture, 8);
        assert_int_equal(fixture.in_sync, 1);
        end(&fixture);
}

static void test_a_zone_goes_and_comes(void **state)
{
        struct fixture fixture;
        (void)state;
        begin(&fixture, PROBED);
        publish(&fixture, 7);
        pass(&fixture, 2); /* a look is under way */
        survey_zone_forget(fixture.survey, zone_name);
        fleet_zone_forget(fixture.fleet, zone_name);
        assert_int_equal(survey_sight_count(fixture.survey, zone_name), 0);
        assert_int_equal(prober_count(fixture.prober), 0);
        publish(&fixture, 8);
        assert_int_equal(survey_sight_count(fixture.survey, zone_name), 1);
        end(&fixture);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_a_late_first_transfer_is_no_alarm),
                cmocka_unit_test(test_who_is_not_probed_counts_by_the_transfer),
                cmocka_unit_test(test_it_is_known_over_a_restart),
                cmocka_unit_test(test_a_zone_goes_and_comes),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
