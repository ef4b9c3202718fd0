/* notify yes: the NS set less MNAME becomes targets; names outside are looked up without stopping anything.
 */
#include "lab.h"

#include "probe/lookup.h"

#include <netdb.h>
#include <stdatomic.h>

/* In place of getaddrinfo, on the worker's thread. */
static _Atomic unsigned lookups;
static _Atomic bool is_broken, is_slow, is_moved;

static int look_up(const char *name, struct address *ret_addresses, size_t size, size_t *ret_count)
{
        (void)size;
        atomic_fetch_add(&lookups, 1);
        while (atomic_load(&is_slow))
                usleep(1000);
        if (atomic_load(&is_broken) || strcmp(name, "missing.out.test.") == 0)
                return EAI_NONAME;
        *ret_count = 1;
        return address_parse(atomic_load(&is_moved) ? "127.0.0.22" : "127.0.0.21", &ret_addresses[0]);
}

static void resolve_begin(struct lab *lab, const char *options)
{
        lookups = 0;
        is_broken = is_slow = is_moved = false;
        lookup_replace(look_up);
        lab_begin(lab, options);
}

struct names {
        struct arena arena;
        struct record_list records;
};

static void names_publish(struct lab *lab, const char *zone, uint32_t serial, struct names *names)
{
        store_put(lab, zone, serial, &names->records);
        announce(lab, zone);
        record_list_free(&names->records);
        names->records = (struct record_list){0};
        arena_free(&names->arena);
}

static const char *target_text(struct lab *lab, const char *zone, size_t i)
{
        static char text[ADDRESS_TEXT_MAX];
        return address_format(&target_of(lab, zone, i)->target.address, text);
}

/* Runs the loop until the zone has so many targets. */
static void wait_for_targets(struct lab *lab, const char *zone, size_t count)
{
        for (unsigned i = 0; i < 2000 && zone_of(lab, zone)->target_count != count; i++)
                loop_for(lab, 5);
        assert_int_equal(zone_of(lab, zone)->target_count, count);
}

static void test_names_inside_the_zone(void **state)
{
        (void)state;
        struct lab lab;
        struct names names = {0};
        resolve_begin(&lab, "options { notify yes; };");
        add_ns(&names.records, &names.arena, "a.test.", "mname.a.test.");
        add_ns(&names.records, &names.arena, "a.test.", "NS1.a.test.");
        add_ns(&names.records, &names.arena, "a.test.", "ns2.a.test.");
        add_a(&names.records, &names.arena, "mname.a.test.", "127.0.0.20");
        add_a(&names.records, &names.arena, "ns1.a.test.", "127.0.0.11");
        add_a(&names.records, &names.arena, "ns1.a.test.", "::1");
        add_a(&names.records, &names.arena, "ns2.a.test.", "127.0.0.11"); /* the same address again */
        add_a(&names.records, &names.arena, "ns2.a.test.", "127.0.0.12");
        names_publish(&lab, "a.test.", 7, &names);
        assert_int_equal(zone_of(&lab, "a.test.")->target_count, 3);
        assert_string_equal(target_text(&lab, "a.test.", 0), "127.0.0.11#53");
        assert_string_equal(target_text(&lab, "a.test.", 1), "::1#53");
        assert_string_equal(target_text(&lab, "a.test.", 2), "127.0.0.12#53");
        assert_true(target_of(&lab, "a.test.", 0)->from_ns_set);
        assert_string_equal(target_of(&lab, "a.test.", 0)->ns_name, "NS1.a.test");
        assert_int_equal(lookups, 0);
        /* One leaves, its NOTIFY under way. */
        assert_non_null(target_of(&lab, "a.test.", 2)->notify);
        add_ns(&names.records, &names.arena, "a.test.", "ns1.a.test.");
        add_a(&names.records, &names.arena, "ns1.a.test.", "127.0.0.11");
        names_publish(&lab, "a.test.", 8, &names);
        assert_int_equal(zone_of(&lab, "a.test.")->target_count, 1);
        lab_end(&lab);
}

static void test_also_notify_stays_and_mname_may_be_meant(void **state)
{
        (void)state;
        struct lab lab;
        struct names names = {0};
        resolve_begin(
                &lab, "options { notify yes; notify-to-soa yes; also-notify { 127.0.0.5; 127.0.0.11; }; };");
        add_ns(&names.records, &names.arena, "a.test.", "mname.a.test.");
        add_ns(&names.records, &names.arena, "a.test.", "ns1.a.test.");
        add_a(&names.records, &names.arena, "mname.a.test.", "127.0.0.20");
        add_a(&names.records, &names.arena, "ns1.a.test.", "127.0.0.11");
        names_publish(&lab, "a.test.", 7, &names);
        assert_int_equal(zone_of(&lab, "a.test.")->target_count, 3);
        assert_string_equal(target_text(&lab, "a.test.", 0), "127.0.0.5#53");
        assert_string_equal(target_text(&lab, "a.test.", 1), "127.0.0.11#53");
        assert_false(target_of(&lab, "a.test.", 1)->from_ns_set);
        assert_string_equal(target_text(&lab, "a.test.", 2), "127.0.0.20#53");
        lab_end(&lab);
}

static void publish_outside(struct lab *lab, const char *zone, uint32_t serial, const char *ns)
{
        struct names names = {0};
        add_ns(&names.records, &names.arena, zone, ns);
        names_publish(lab, zone, serial, &names);
}

static void test_names_outside_are_looked_up(void **state)
{
        (void)state;
        struct lab lab;
        resolve_begin(&lab, "options { notify yes; };");
        publish_outside(&lab, "a.test.", 7, "ns1.out.test.");
        assert_int_equal(zone_of(&lab, "a.test.")->target_count, 0);
        wait_for_targets(&lab, "a.test.", 1);
        assert_string_equal(target_text(&lab, "a.test.", 0), "127.0.0.21#53");
        assert_int_equal(phase_of(&lab, "a.test.", 0), NOTIFY_WAITING);
        assert_int_equal(lookups, 1);
        /* Known for a minute, for every zone; then asked again, and the old address holds meanwhile. */
        publish_outside(&lab, "a.test.", 8, "ns1.out.test.");
        publish_outside(&lab, "b.test.", 8, "NS1.out.test.");
        assert_int_equal(zone_of(&lab, "b.test.")->target_count, 1);
        loop_for(&lab, 20);
        assert_int_equal(lookups, 1);
        is_moved = true;
        clock_shift(61 * USEC_PER_SEC);
        publish_outside(&lab, "a.test.", 9, "ns1.out.test.");
        assert_string_equal(target_text(&lab, "a.test.", 0), "127.0.0.21#53");
        for (unsigned i = 0; i < 2000 && strcmp(target_text(&lab, "a.test.", 0), "127.0.0.22#53") != 0; i++)
                loop_for(&lab, 5);
        assert_string_equal(target_text(&lab, "a.test.", 0), "127.0.0.22#53");
        assert_int_equal(zone_of(&lab, "a.test.")->target_count, 1);
        assert_int_equal(lookups, 2);
        lab_end(&lab);
}

static void test_failures_are_told_once_and_keep_what_was_known(void **state)
{
        (void)state;
        struct lab lab;
        resolve_begin(&lab, "options { notify yes; };");
        publish_outside(&lab, "a.test.", 7, "ns1.out.test.");
        wait_for_targets(&lab, "a.test.", 1);
        unsigned others = told.others;
        is_broken = true;
        for (uint32_t serial = 8; serial < 11; serial++) {
                clock_shift(61 * USEC_PER_SEC);
                publish_outside(&lab, "a.test.", serial, "ns1.out.test.");
                loop_for(&lab, 50);
        }
        assert_int_equal(lookups, 4);
        assert_int_equal(zone_of(&lab, "a.test.")->target_count, 1);
        assert_in_range(told.others, others + 1, others + 4); /* sends to port 53 may fail on their own */
        lab_end(&lab);
        told.others = 0;
        resolve_begin(&lab, "options { notify yes; };");
        for (uint32_t serial = 7; serial < 10; serial++) {
                publish_outside(&lab, "a.test.", serial, "missing.out.test.");
                clock_shift(61 * USEC_PER_SEC);
                loop_for(&lab, 50);
        }
        assert_int_equal(lookups, 3);
        assert_int_equal(told.others, 1);
        assert_non_null(strstr(told.last, "missing.out.test."));
        lab_end(&lab);
}

static void test_a_slow_resolver_stops_nothing(void **state)
{
        (void)state;
        struct responder one = responder_open("127.0.0.2");
        struct lab lab;
        char text[200];
        uint8_t name[NAME_MAX_LENGTH];
        snprintf(text, sizeof(text), "options { notify yes; also-notify { 127.0.0.2 port %u; }; };",
                one.address.port);
        resolve_begin(&lab, text);
        is_slow = true;
        uint64_t begin = clock_monotonic_usec();
        publish_outside(&lab, "a.test.", 7, "ns1.out.test.");
        receive_and_answer(&lab, &one, RCODE_NOERROR);
        assert_true(clock_monotonic_usec() - begin < 10 * USEC_PER_SEC);
        publish_outside(&lab, "b.test.", 7, "ns1.out.test.");
        /* A zone that waits for an answer goes away. */
        notify_zone_forget(lab.notify, name_of("a.test.", name));
        fleet_zone_forget(lab.fleet, name);
        is_slow = false;
        wait_for_targets(&lab, "b.test.", 2);
        /* The end comes while a look-up runs. */
        is_slow = true;
        publish_outside(&lab, "c.test.", 7, "ns2.out.test.");
        begin = clock_monotonic_usec();
        lab_end(&lab);
        assert_true(clock_monotonic_usec() - begin < 10 * USEC_PER_SEC);
        is_slow = false;
        usleep(20000);
        close(one.fd);
}

static void test_reload_to_explicit(void **state)
{
        (void)state;
        struct lab lab;
        resolve_begin(&lab, "options { notify yes; };");
        publish_outside(&lab, "a.test.", 7, "ns1.out.test.");
        wait_for_targets(&lab, "a.test.", 1);
        static const char *const texts[] = {"options { notify primary-only; };",
                "options { notify explicit; };", "options { notify yes; };", "options { notify no; };"};
        static const size_t counts[] = {1, 0, 1, 0};
        for (unsigned i = 0; i < 4; i++) {
                struct conf *fresh = conf_make(texts[i]);
                assert_int_equal(fleet_reconfigure(lab.fleet, fresh), 0);
                conf_unref(lab.conf);
                lab.conf = fresh;
                assert_int_equal(notify_reconfigure(lab.notify), 0);
                wait_for_targets(&lab, "a.test.", counts[i]);
        }
        lab_end(&lab);
}

/* getaddrinfo itself, with what needs no net. */
static void test_the_system_resolver(void **state)
{
        (void)state;
        struct lookups *system;
        struct lookup *answers = NULL;
        lookup_replace(NULL);
        assert_int_equal(lookups_new(&system), 0);
        assert_int_equal(lookups_ask(system, "not..a..name."), 0);
        struct pollfd wait = {.fd = lookups_fd(system), .events = POLLIN};
        assert_int_equal(poll(&wait, 1, 30000), 1);
        answers = lookups_take(system);
        assert_non_null(answers);
        assert_int_not_equal(answers->error, 0);
        assert_string_equal(answers->name, "not..a..name.");
        lookup_list_free(answers);
        lookup_list_free(NULL);
        lookups_free(system);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_names_inside_the_zone),
                cmocka_unit_test(test_also_notify_stays_and_mname_may_be_meant),
                cmocka_unit_test(test_names_outside_are_looked_up),
                cmocka_unit_test(test_failures_are_told_once_and_keep_what_was_known),
                cmocka_unit_test(test_a_slow_resolver_stops_nothing),
                cmocka_unit_test(test_reload_to_explicit),
                cmocka_unit_test(test_the_system_resolver),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
