/* Zones and their targets: made from the configuration, found by what the server saw, kept in the store. */
#include "fleet/fleet.h"

#include "base/buffer.h"
#include "base/cleanup.h"
#include "dns/type.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEYS                                                                                                 \
        "key \"k1\" { algorithm hmac-sha256; secret \"MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=\"; };\n"  \
        "key \"k2\" { algorithm hmac-sha256; secret \"MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDI=\"; };\n"

static const uint8_t zone_name[] = "\1a\4test";
static const uint8_t key_one[] = "\2k1", key_two[] = "\2k2", key_other[] = "\5other";

struct fixture {
        char directory[64];
        struct store *store;
        struct fleet *fleet;
        unsigned gone;
};

static struct conf *conf_make(const char *text)
{
        struct diag_list diags = {0};
        struct conf *conf = NULL;
        struct conf_load_options options = {
                .without_secrets_check = true,
                .without_files = true,
                .text = text,
                .text_length = strlen(text),
        };
        assert_int_equal(conf_load("test.conf", &options, &diags, &conf), 0);
        diag_free(&diags);
        return conf;
}

static void store_put(struct fixture *fixture, const uint8_t *name, uint32_t serial)
{
        uint8_t rdata[] = "\1m\0\1h\0\0\0\0\0\0\0\16\20\0\0\2\x58\0\1\x51\x80\0\0\1\x2c";
        uint8_t ns[] = "\2ns\3out";
        struct record record = {
                .owner = name, .rdata = ns, .ttl = 60, .type = TYPE_NS, .rdata_length = sizeof(ns)};
        struct record_list records = {.items = &record, .count = 1, .capacity = 1};
        struct store_batch *batch;
        uint64_t version;
        write_u32(rdata + 6, serial);
        struct store_publication publication = {
                .name = name,
                .begins_era = true,
                .soa = {.owner = name,
                        .rdata = rdata,
                        .ttl = 60,
                        .type = TYPE_SOA,
                        .rdata_length = sizeof(rdata) - 1},
                .records = &records,
                .text_change = STORE_TEXT_DROP,
                .provenance = "test",
                .max_journal_bytes = UINT64_MAX,
        };
        assert_int_equal(store_batch_begin(fixture->store, &batch), 0);
        assert_int_equal(store_batch_publish(batch, &publication, &version), 0);
        assert_int_equal(store_batch_commit(batch), 0);
}

static void begin(struct fixture *fixture, const char *text)
{
        const char *why = NULL;
        *fixture = (struct fixture){.directory = "/tmp/zonecrier-fleet-XXXXXX"};
        assert_non_null(mkdtemp(fixture->directory));
        struct store_options options = {.directory = fixture->directory, .limit_bytes = 64 << 20};
        if (store_open(&options, &fixture->store, &why) < 0)
                fail_msg("%s", why);
        store_put(fixture, zone_name, 7);
        struct conf *conf = conf_make(text);
        assert_int_equal(fleet_new(fixture->store, conf, &fixture->fleet), 0);
        conf_unref(conf);
}

static void end(struct fixture *fixture)
{
        char command[100];
        fleet_free(fixture->fleet);
        store_close(fixture->store);
        snprintf(command, sizeof(command), "rm -r %s", fixture->directory);
        assert_int_equal(system(command), 0);
}

static void reconfigure(struct fixture *fixture, const char *text)
{
        struct conf *conf = conf_make(text);
        assert_int_equal(fleet_reconfigure(fixture->fleet, conf), 0);
        conf_unref(conf);
}

static struct fleet_zone *zone_get(struct fixture *fixture)
{
        struct fleet_zone *zone = fleet_zone_get(fixture->fleet, zone_name, NULL);
        assert_non_null(zone);
        return zone;
}

static struct address address_of(const char *text)
{
        struct address address;
        assert_int_equal(address_parse(text, &address), 0);
        return address;
}

static void write_rows(struct fixture *fixture, size_t want_writes, size_t want_deletes)
{
        struct fleet_write *writes;
        struct store_batch *batch;
        size_t count, deletes = 0;
        assert_int_equal(fleet_take_dirty(fixture->fleet, &writes, &count), 0);
        assert_int_equal(store_batch_begin(fixture->store, &batch), 0);
        for (size_t i = 0; i < count; i++) {
                const struct fleet_write *write = &writes[i];
                deletes += write->size == 0;
                if (write->size == 0)
                        store_batch_state_delete(batch, write->zone_id, write->key, write->key_size);
                else
                        assert_int_equal(store_batch_state_put(batch, write->zone_id, write->key,
                                                 write->key_size, write->value, write->size),
                                0);
        }
        assert_int_equal(store_batch_commit(batch), 0);
        assert_int_equal(count - deletes, want_writes);
        assert_int_equal(deletes, want_deletes);
        free(writes);
}

static void test_zone_is_loaded_on_first_use(void **state)
{
        (void)state;
        struct fixture fixture;
        begin(&fixture, "options { also-notify { 192.0.2.1; 192.0.2.1; 192.0.2.2 port 5300; }; };");
        assert_null(fleet_zone_get(fixture.fleet, (const uint8_t *)"\2no", NULL));
        struct fleet_zone *zone = fleet_zone_get(fixture.fleet, (const uint8_t *)"\1A\4TEST", NULL);
        assert_non_null(zone);
        assert_ptr_equal(zone, zone_get(&fixture));
        assert_memory_equal(zone->name, zone_name, sizeof(zone_name));
        assert_int_equal(zone->serial, 7);
        assert_int_equal(zone->refresh_sec, 3600);
        assert_int_equal(zone->target_count, 2);
        assert_int_equal(zone->targets[0]->target.address.port, 53);
        assert_int_equal(zone->targets[1]->target.address.port, 5300);
        assert_int_equal(zone->targets[0]->row.last_rcode, -1);
        size_t position = 0;
        assert_ptr_equal(fleet_zone_next(fixture.fleet, &position), zone);
        assert_null(fleet_zone_next(fixture.fleet, &position));
        fleet_zone_forget(fixture.fleet, zone_name);
        fleet_zone_forget(fixture.fleet, zone_name);
        position = 0;
        assert_null(fleet_zone_next(fixture.fleet, &position));
        end(&fixture);
}

static void test_notify_no_has_no_targets(void **state)
{
        (void)state;
        struct fixture fixture;
        begin(&fixture, "options { notify no; also-notify { 192.0.2.1; }; };");
        assert_int_equal(zone_get(&fixture)->target_count, 0);
        assert_null(zone_get(&fixture)->targets);
        end(&fixture);
}

static void test_peer_to_target(void **state)
{
        (void)state;
        struct fixture fixture;
        begin(&fixture,
                KEYS "options { also-notify { 192.0.2.1 key k1; 192.0.2.2 key k1; 192.0.2.2 port 54 key k2;"
                     " 192.0.2.3; 192.0.2.4 port 53; 192.0.2.4 port 54; }; };");
        struct fleet_zone *zone = zone_get(&fixture);
        assert_int_equal(zone->target_count, 6);
        struct {
                const char *peer;
                const uint8_t *key;
                int target;
        } cases[] = {
                {"192.0.2.1", key_one, 0},
                {"192.0.2.1", NULL, 0}, /* by address alone */
                {"192.0.2.1", key_other, 0},
                {"192.0.2.2", key_one, 1}, /* several have the address: the key decides */
                {"192.0.2.2", key_two, 2},
                {"192.0.2.2", NULL, -1},
                {"192.0.2.3", key_one, 3},
                {"192.0.2.4", NULL, -1},    /* two ports, nothing tells them apart */
                {"192.0.2.9", key_two, 2},  /* from elsewhere, by a key that one target has */
                {"192.0.2.9", key_one, -1}, /* two have it */
                {"192.0.2.9", NULL, -1},
                {"192.0.2.9", (const uint8_t *)"", -1},
                {"192.0.2.9", key_other, -1},
        };
        for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
                struct address peer = address_of(cases[i].peer);
                peer.port = 40000;
                struct fleet_target *want = cases[i].target < 0 ? NULL : zone->targets[cases[i].target];
                assert_ptr_equal(fleet_target_find(zone, &peer, cases[i].key), want);
        }
        end(&fixture);
}

static void test_what_the_server_saw(void **state)
{
        (void)state;
        struct fixture fixture;
        begin(&fixture, "options { also-notify { 192.0.2.1; 192.0.2.2; }; };");
        struct address peer = address_of("192.0.2.2"), stranger = address_of("192.0.2.9");
        assert_null(fleet_saw_soa_query(fixture.fleet, zone_name, &stranger, NULL, 7, 5));
        assert_null(fleet_saw_soa_query(fixture.fleet, (const uint8_t *)"\2no", &peer, NULL, 7, 5));
        write_rows(&fixture, 0, 0);
        struct fleet_target *target = fleet_saw_soa_query(fixture.fleet, zone_name, &peer, NULL, 6, 5);
        assert_ptr_equal(target, zone_get(&fixture)->targets[1]);
        assert_int_equal(target->row.soa_serial, 6);
        assert_int_equal(target->row.soa_usec, 5);
        assert_false(fleet_target_is_current(target));
        for (unsigned i = 0; i < 2; i++)
                assert_ptr_equal(fleet_saw_transfer(fixture.fleet, zone_name, &peer, NULL,
                                         FLEET_TRANSFER_IXFR, 6, 7, 100, 1000, 9),
                        target);
        assert_int_equal(target->row.transferred_serial, 7);
        assert_int_equal(target->row.transfer_from_serial, 6);
        assert_int_equal(target->row.transfer_kind, FLEET_TRANSFER_IXFR);
        assert_int_equal(target->row.transfer_count, 2);
        assert_true(fleet_target_is_current(target));
        write_rows(&fixture, 1, 0);
        write_rows(&fixture, 0, 0);
        end(&fixture);
}

static void test_rows_outlive_the_process(void **state)
{
        (void)state;
        struct fixture fixture;
        static const char text[] = KEYS "options { also-notify { 192.0.2.1 key k1; 2001:db8::1; }; };";
        begin(&fixture, text);
        struct fleet_zone *zone = zone_get(&fixture);
        for (unsigned i = 0; i < 2; i++) {
                zone->targets[i]->row.acknowledged_serial = 7 + i;
                zone->targets[i]->row.is_down = i == 1;
                fleet_target_changed(fixture.fleet, zone->targets[i]);
                fleet_target_changed(fixture.fleet, zone->targets[i]);
        }
        write_rows(&fixture, 2, 0);
        fleet_free(fixture.fleet);
        struct conf *conf = conf_make(text);
        assert_int_equal(fleet_new(fixture.store, conf, &fixture.fleet), 0);
        conf_unref(conf);
        zone = zone_get(&fixture);
        assert_int_equal(zone->targets[0]->row.acknowledged_serial, 7);
        assert_int_equal(zone->targets[1]->row.acknowledged_serial, 8);
        assert_false(zone->targets[0]->row.is_down);
        assert_true(zone->targets[1]->row.is_down);
        end(&fixture);
}

static void test_zone_that_is_published_again(void **state)
{
        (void)state;
        struct fixture fixture;
        begin(&fixture, "options { also-notify { 192.0.2.1; 192.0.2.2; }; };");
        struct fleet_zone *zone = zone_get(&fixture);
        struct store_zone row = {.id = zone->id + 1, .serial = 9, .name = zone_name};
        assert_ptr_equal(fleet_zone_get(fixture.fleet, zone_name, &row), zone);
        assert_int_equal(zone->serial, 9);
        assert_int_equal(zone->refresh_sec, 3600); /* an SOA that cannot be read changes nothing */
        struct fleet_write *writes;
        size_t count;
        assert_int_equal(fleet_take_dirty(fixture.fleet, &writes, &count), 0);
        assert_int_equal(count, 2);
        assert_true(writes[0].zone_id == row.id);
        free(writes);
        end(&fixture);
}

static void count_gone(void *context, struct fleet_target *target)
{
        struct fixture *fixture = context;
        assert_non_null(target->notify);
        fixture->gone++;
}

static void test_reconfigure(void **state)
{
        (void)state;
        struct fixture fixture;
        begin(&fixture, KEYS "options { also-notify { 192.0.2.1 key k1; 192.0.2.2; 192.0.2.3; }; };");
        fleet_on_target_gone(fixture.fleet, count_gone, &fixture);
        struct fleet_zone *zone = zone_get(&fixture);
        struct fleet_target *kept = zone->targets[2];
        for (unsigned i = 0; i < 3; i++) {
                zone->targets[i]->row.acknowledged_serial = 7;
                zone->targets[i]->notify = i > 0 ? &fixture : NULL;
                fleet_target_changed(fixture.fleet, zone->targets[i]);
        }
        reconfigure(&fixture, KEYS "options { also-notify { 192.0.2.3; 192.0.2.1 key k2; }; };");
        assert_int_equal(zone->target_count, 2);
        assert_ptr_equal(zone->targets[0], kept);
        assert_int_equal(kept->row.acknowledged_serial, 7);
        assert_int_equal(zone->targets[1]->row.acknowledged_serial, 0); /* another key: another target */
        assert_ptr_equal(zone->targets[1]->target.key, fleet_conf(fixture.fleet)->keys[1]);
        assert_int_equal(fixture.gone, 1);
        write_rows(&fixture, 1, 2);
        /* It leaves and comes back before anything is written: the row is there in the end. */
        reconfigure(&fixture, "options { };");
        assert_int_equal(zone->target_count, 0);
        assert_int_equal(fixture.gone, 2);
        reconfigure(&fixture, "options { also-notify { 192.0.2.3; }; };");
        zone->targets[0]->row.acknowledged_serial = 9;
        fleet_target_changed(fixture.fleet, zone->targets[0]);
        write_rows(&fixture, 1, 2);
        fleet_zone_forget(fixture.fleet, zone_name);
        assert_int_equal(zone_get(&fixture)->targets[0]->row.acknowledged_serial, 9);
        end(&fixture);
}

static void test_ns_targets(void **state)
{
        (void)state;
        struct fixture fixture;
        begin(&fixture, "options { notify yes; also-notify { 192.0.2.1; }; };");
        struct fleet_zone *zone = zone_get(&fixture);
        struct conf_target targets[3] = {
                {.address = address_of("192.0.2.1")}, /* in the list too */
                {.address = address_of("192.0.2.2")},
                {.address = address_of("192.0.2.3")},
        };
        const char *names[3] = {"ns1.test", "ns2.test", "ns3.test"};
        for (unsigned i = 0; i < 3; i++)
                targets[i].address.port = 53;
        assert_int_equal(fleet_zone_set_resolved(fixture.fleet, zone, targets, names, 3), 0);
        assert_int_equal(zone->target_count, 3);
        assert_false(zone->targets[0]->from_ns_set);
        assert_true(zone->targets[2]->from_ns_set);
        assert_string_equal(zone->targets[2]->ns_name, "ns3.test");
        struct fleet_target *kept = zone->targets[2];
        assert_int_equal(fleet_zone_set_resolved(fixture.fleet, zone, targets + 2, names, 1), 0);
        assert_int_equal(zone->target_count, 2);
        assert_ptr_equal(zone->targets[1], kept);
        assert_string_equal(kept->ns_name, "ns1.test");
        /* A reload keeps them; one that names them in the list takes them over; one without notify yes drops
         * them. */
        reconfigure(&fixture, "options { notify yes; also-notify { 192.0.2.9; }; };");
        assert_int_equal(zone->target_count, 2);
        assert_ptr_equal(zone->targets[1], kept);
        reconfigure(&fixture, "options { notify yes; also-notify { 192.0.2.3; }; };");
        assert_int_equal(zone->target_count, 1);
        assert_ptr_equal(zone->targets[0], kept);
        assert_false(kept->from_ns_set);
        assert_null(kept->ns_name);
        assert_int_equal(fleet_zone_set_resolved(fixture.fleet, zone, targets, names, 2), 0);
        assert_int_equal(zone->target_count, 3);
        reconfigure(&fixture, "options { notify explicit; also-notify { 192.0.2.3; }; };");
        assert_int_equal(zone->target_count, 1);
        end(&fixture);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_zone_is_loaded_on_first_use),
                cmocka_unit_test(test_notify_no_has_no_targets),
                cmocka_unit_test(test_peer_to_target),
                cmocka_unit_test(test_what_the_server_saw),
                cmocka_unit_test(test_rows_outlive_the_process),
                cmocka_unit_test(test_zone_that_is_published_again),
                cmocka_unit_test(test_reconfigure),
                cmocka_unit_test(test_ns_targets),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
