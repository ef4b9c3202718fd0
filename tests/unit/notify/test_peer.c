/* Many zones and targets: the dead do not delay the living, the rate holds for each address, one canary
 * stands for an address that is down, and what is pending outlives a restart and a reload (I6). */
#include "lab.h"

#include <malloc.h>

static void zone_name(unsigned i, char text[static 40])
{
        snprintf(text, 40, "z%u.test.", i);
}

static void publish_many(struct lab *lab, unsigned count, uint32_t serial)
{
        for (unsigned i = 0; i < count; i++) {
                char zone[40];
                zone_name(i, zone);
                publish(lab, zone, serial);
        }
}

static unsigned count_phase(struct lab *lab, unsigned count, size_t target, enum notify_phase phase)
{
        unsigned found = 0;
        for (unsigned i = 0; i < count; i++) {
                char zone[40];
                zone_name(i, zone);
                found += phase_of(lab, zone, target) == phase;
        }
        return found;
}

/* Answers all that comes, until none came for so long; returns how many did. */
static unsigned answer_all(struct lab *lab, const struct responder *responder, unsigned msec)
{
        unsigned count = 0;
        for (unsigned i = 0; i < msec; i += 5) {
                struct datagram datagram;
                while (receive_now(responder, &datagram)) {
                        uint8_t bytes[512];
                        send_bytes(responder, &datagram.from, bytes,
                                answer_make(&datagram, RCODE_NOERROR, bytes));
                        count++;
                        i = 0;
                }
                loop_for(lab, 5);
        }
        return count;
}

static void test_dead_target_delays_no_other(void **state)
{
        (void)state;
        struct responder dead = responder_open("127.0.0.2"), alive = responder_open("127.0.0.3");
        const struct responder *all[] = {&dead, &alive};
        struct lab lab;
        lab_begin(&lab, conf_text("notify-rate 100000;", all, 2));
        publish_many(&lab, 20, 7);
        assert_int_equal(answer_all(&lab, &alive, 300), 20);
        assert_int_equal(count_phase(&lab, 20, 1, NOTIFY_ACKNOWLEDGED), 20);
        /* The dead one goes down, and later ones are as quick as ever. */
        pass_slowly(&lab, 100);
        assert_int_equal(count_phase(&lab, 20, 0, NOTIFY_DOWN), 20);
        drain(&dead);
        drain(&alive);
        publish_many(&lab, 20, 8);
        assert_int_equal(answer_all(&lab, &alive, 300), 20);
        assert_in_range(drain(&dead), 0, 1);
        assert_int_equal(told.down, 1);
        lab_end(&lab);
        close(dead.fd);
        close(alive.fd);
}

static void test_rate_of_one_address(void **state)
{
        (void)state;
        struct responder slow = responder_open("127.0.0.2"), other = responder_open("127.0.0.3");
        const struct responder *all[] = {&slow, &other};
        struct lab lab;
        struct datagram datagram;
        lab_begin(&lab, conf_text("notify-rate 20;", all, 2));
        for (unsigned i = 0; i < 9; i++) {
                char zone[40];
                zone_name(i, zone);
                store_put_plain(&lab, zone, 7);
        }
        uint64_t begin = clock_monotonic_usec();
        for (unsigned i = 0; i < 9; i++) {
                char zone[40];
                zone_name(i, zone);
                announce(&lab, zone);
        }
        for (unsigned i = 0; i < 9; i++) {
                receive(&lab, &slow, &datagram);
                uint64_t since = clock_monotonic_usec() - begin;
                /* A new one each 50 ms, in the order of the publishes; not earlier, not much later. */
                assert_true(since + 5000 >= i * 50000u);
                assert_true(since <= i * 50000u + 3000000);
                char zone[40], text[NAME_TEXT_MAX];
                zone_name(i, zone);
                assert_string_equal(name_to_text(datagram.request.qname, text), zone);
        }
        /* The other address had its own 20 a second at the same time. */
        loop_for(&lab, 60);
        assert_int_equal(drain(&other), 9);
        lab_end(&lab);
        close(slow.fd);
        close(other.fd);
}

static void test_newer_serial_takes_the_place_in_the_queue(void **state)
{
        (void)state;
        struct responder one = responder_open("127.0.0.2");
        const struct responder *all[] = {&one};
        struct lab lab;
        struct datagram datagram;
        lab_begin(&lab, conf_text("notify-rate 20;", all, 1));
        publish_many(&lab, 3, 7);
        for (uint32_t serial = 8; serial < 12; serial++)
                publish(&lab, "z2.test.", serial);
        unsigned count = 0;
        for (uint64_t end = clock_monotonic_usec() + 400000; clock_monotonic_usec() < end;
                loop_for(&lab, 5)) {
                while (receive_now(&one, &datagram)) {
                        bool is_last = datagram.request.qname[2] == '2';
                        assert_int_equal(datagram.request.answer_serial, is_last ? 11 : 7);
                        count++;
                }
        }
        assert_int_equal(count, 3);
        lab_end(&lab);
        close(one.fd);
}

static void test_one_canary_for_an_address_that_is_down(void **state)
{
        (void)state;
        struct responder one = responder_open("127.0.0.2");
        const struct responder *all[] = {&one};
        struct lab lab;
        struct datagram datagram;
        uint8_t canaries[4];
        lab_begin(&lab, conf_text("notify-rate 100000;", all, 1));
        publish_many(&lab, 30, 7);
        pass_slowly(&lab, 94);
        assert_int_equal(count_phase(&lab, 30, 0, NOTIFY_DOWN), 30);
        assert_int_equal(told.down, 1);
        drain(&one);
        /* One at 60, 120, 240, 480 s, each time another zone's. */
        for (unsigned i = 0; i < 4; i++) {
                pass_slowly(&lab, (60u << i) - 2);
                assert_int_equal(drain(&one), 0);
                pass_slowly(&lab, 2);
                receive(&lab, &one, &datagram);
                assert_int_equal(drain(&one), 0);
                canaries[i] = datagram.request.qname[2];
                assert_true(i == 0 || canaries[i] != canaries[i - 1]);
        }
        /* Its answer drains all others at once. */
        answer(&lab, &one, &datagram, RCODE_NOERROR);
        assert_int_equal(answer_all(&lab, &one, 200), 29);
        assert_int_equal(count_phase(&lab, 30, 0, NOTIFY_ACKNOWLEDGED), 30);
        assert_int_equal(told.up, 1);
        lab_end(&lab);
        close(one.fd);
}

static void test_any_packet_drains(void **state)
{
        (void)state;
        for (unsigned kind = 0; kind < 2; kind++) {
                struct responder one = responder_open("127.0.0.2");
                const struct responder *all[] = {&one};
                struct lab lab;
                uint8_t name[NAME_MAX_LENGTH];
                lab_begin(&lab, conf_text("notify-rate 100000;", all, 1));
                publish_many(&lab, 10, 7);
                pass_slowly(&lab, 94);
                drain(&one);
                struct address from = one.address;
                from.port = 40000; /* queries come from anywhere */
                struct fleet_target *target;
                if (kind == 0) {
                        target = fleet_saw_soa_query(
                                lab.fleet, name_of("z3.test.", name), &from, NULL, 7, clock_realtime_usec());
                        assert_non_null(target);
                        notify_target_asked(lab.notify, target);
                        assert_int_equal(answer_all(&lab, &one, 200), 10);
                } else {
                        target = fleet_saw_transfer(lab.fleet, name_of("z3.test.", name), &from, NULL,
                                FLEET_TRANSFER_IXFR, 6, 7, 100, 1000, clock_realtime_usec());
                        assert_non_null(target);
                        notify_target_transferred(lab.notify, target);
                        assert_int_equal(phase_of(&lab, "z3.test.", 0), NOTIFY_DONE);
                        assert_int_equal(answer_all(&lab, &one, 200), 9);
                }
                assert_int_equal(told.up, 1);
                assert_false(target->row.is_down);
                lab_end(&lab);
                close(one.fd);
        }
}

/* A server that drops NOTIFYs of one zone, and answers the others. */
static void test_silent_zone_of_a_living_target(void **state)
{
        (void)state;
        struct responder one = responder_open("127.0.0.2");
        const struct responder *all[] = {&one};
        struct lab lab;
        lab_begin(&lab, conf_text("notify-rate 100000;", all, 1));
        publish(&lab, "silent.test.", 7);
        for (unsigned i = 0; i < 10; i++) {
                pass_slowly(&lab, 10);
                drain(&one);
                publish(&lab, "good.test.", 7 + i);
                receive_and_answer(&lab, &one, RCODE_NOERROR);
        }
        /* The silent zone alone is down, was told once, and is its own canary: at 60 and 120 s. */
        assert_int_equal(phase_of(&lab, "good.test.", 0), NOTIFY_ACKNOWLEDGED);
        assert_int_equal(told.down, 1);
        unsigned tries = 0;
        for (unsigned i = 0; i < 30; i++) {
                pass_slowly(&lab, 10);
                tries += drain(&one);
                publish(&lab, "good.test.", 100 + i);
                receive_and_answer(&lab, &one, RCODE_NOERROR);
        }
        assert_in_range(tries, 2, 3);
        assert_int_equal(told.down, 1);
        assert_int_equal(told.up, 0);
        lab_end(&lab);
        close(one.fd);
}

/* Heard of, and then dead: zones that were down alone are held when nothing was heard for long. */
static void test_heard_of_and_then_dead(void **state)
{
        (void)state;
        struct responder one = responder_open("127.0.0.2");
        const struct responder *all[] = {&one};
        struct lab lab;
        uint8_t name[NAME_MAX_LENGTH];
        lab_begin(&lab, conf_text("notify-rate 100000;", all, 1));
        publish_many(&lab, 10, 7);
        pass_slowly(&lab, 94);
        struct fleet_target *target =
                fleet_saw_soa_query(lab.fleet, name_of("z3.test.", name), &one.address, NULL, 7, 1);
        notify_target_asked(lab.notify, target);
        pass_slowly(&lab, 20);
        assert_int_equal(count_phase(&lab, 10, 0, NOTIFY_DOWN), 10);
        assert_int_equal(told.down, 2); /* the address, and one line for the silent zones */
        pass_slowly(&lab, 320);
        drain(&one);
        pass_slowly(&lab, 600);
        assert_in_range(drain(&one), 1, 8); /* canaries of one zone at a time, not of ten */
        assert_int_equal(told.down, 3);
        /* And it comes back. */
        notify_target_asked(lab.notify, target);
        loop_for(&lab, 10);
        assert_int_equal(drain(&one), 10);
        lab_end(&lab);
        close(one.fd);
}

/* A zone that is published while the address is down may be its next canary, once a minute at most. */
static void test_publish_brings_a_canary_forward(void **state)
{
        (void)state;
        struct responder one = responder_open("127.0.0.2");
        const struct responder *all[] = {&one};
        struct lab lab;
        struct datagram datagram;
        lab_begin(&lab, conf_text("notify-rate 100000;", all, 1));
        publish(&lab, "a.test.", 7);
        pass_slowly(&lab, 93 + 60 + 120 + 1);
        drain(&one);
        publish(&lab, "b.test.", 7);
        loop_for(&lab, 20);
        assert_int_equal(drain(&one), 0);
        pass_slowly(&lab, 60);
        receive(&lab, &one, &datagram);
        assert_int_equal(datagram.request.qname[1], 'b');
        for (uint32_t serial = 8; serial < 20; serial++)
                publish(&lab, "c.test.", serial);
        loop_for(&lab, 20);
        assert_int_equal(drain(&one), 0);
        lab_end(&lab);
        close(one.fd);
}

static void test_down_is_of_one_address(void **state)
{
        (void)state;
        struct responder one = responder_open("127.0.0.2"), two = responder_open("127.0.0.2");
        const struct responder *all[] = {&one, &two};
        struct lab lab;
        lab_begin(&lab, conf_text("", all, 2));
        publish(&lab, "a.test.", 7);
        receive_and_answer(&lab, &two, RCODE_NOERROR);
        pass_slowly(&lab, 94);
        assert_int_equal(phase_of(&lab, "a.test.", 0), NOTIFY_DOWN);
        drain(&one);
        drain(&two);
        publish(&lab, "b.test.", 7);
        receive_and_answer(&lab, &two, RCODE_NOERROR);
        assert_int_equal(phase_of(&lab, "b.test.", 1), NOTIFY_ACKNOWLEDGED);
        assert_int_equal(phase_of(&lab, "b.test.", 0), NOTIFY_DOWN);
        lab_end(&lab);
        close(one.fd);
        close(two.fd);
}

static void test_acknowledged_and_never_asked(void **state)
{
        (void)state;
        struct responder one = responder_open("127.0.0.2");
        const struct responder *all[] = {&one};
        struct lab lab;
        lab_begin(&lab, conf_text("", all, 1));
        publish(&lab, "a.test.", 7);
        receive_and_answer(&lab, &one, RCODE_NOERROR);
        for (unsigned i = 0; i < 3; i++) {
                assert_int_equal(told.not_transferred, 0);
                pass(&lab, 60);
                receive_and_answer(&lab, &one, RCODE_NOERROR);
        }
        pass(&lab, 60);
        assert_int_equal(told.not_transferred, 1);
        assert_int_equal(told.acknowledged, 1);
        assert_null(target_of(&lab, "a.test.", 0)->notify);
        pass(&lab, 7200);
        assert_int_equal(drain(&one), 0);
        /* The next serial begins anew; a transfer ends it. */
        publish(&lab, "a.test.", 8);
        receive_and_answer(&lab, &one, RCODE_NOERROR);
        uint8_t name[NAME_MAX_LENGTH];
        struct fleet_target *target = fleet_saw_transfer(
                lab.fleet, name_of("a.test.", name), &one.address, NULL, FLEET_TRANSFER_AXFR, 0, 8, 1, 1, 1);
        notify_target_transferred(lab.notify, target);
        assert_null(target->notify);
        pass(&lab, 7200);
        assert_int_equal(drain(&one), 0);
        assert_int_equal(told.not_transferred, 1);
        lab_end(&lab);
        close(one.fd);
}

static void test_question_for_an_older_serial_is_none(void **state)
{
        (void)state;
        struct responder one = responder_open("127.0.0.2");
        const struct responder *all[] = {&one};
        struct lab lab;
        uint8_t name[NAME_MAX_LENGTH];
        lab_begin(&lab, conf_text("", all, 1));
        publish(&lab, "a.test.", 7);
        receive_and_answer(&lab, &one, RCODE_NOERROR);
        struct fleet_target *target =
                fleet_saw_soa_query(lab.fleet, name_of("a.test.", name), &one.address, NULL, 6, 1);
        notify_target_asked(lab.notify, target);
        assert_int_equal(phase_of(&lab, "a.test.", 0), NOTIFY_ACKNOWLEDGED);
        fleet_saw_soa_query(lab.fleet, name, &one.address, NULL, 7, 1);
        notify_target_asked(lab.notify, target);
        assert_int_equal(phase_of(&lab, "a.test.", 0), NOTIFY_DONE);
        lab_end(&lab);
        close(one.fd);
}

static void test_restart(void **state)
{
        (void)state;
        struct responder one = responder_open("127.0.0.2"), dead = responder_open("127.0.0.3");
        const struct responder *all[] = {&one, &dead};
        struct lab lab;
        lab_begin(&lab, conf_text("notify-rate 100000;", all, 2));
        publish_many(&lab, 8, 7);
        assert_int_equal(answer_all(&lab, &one, 100), 8);
        pass_slowly(&lab, 94);
        store_put_plain(&lab, "z5.test.", 8); /* committed, and then it died */
        restart(&lab);
        assert_int_equal(drain(&one) > 0, 1); /* asked again: never asked for the zone */
        drain(&dead);
        for (unsigned i = 0; i < 8; i++) {
                char zone[40];
                zone_name(i, zone);
                announce(&lab, zone);
        }
        /* What was acknowledged is not told again; what is new is. */
        assert_int_equal(answer_all(&lab, &one, 100), 1);
        assert_int_equal(target_of(&lab, "z5.test.", 0)->row.acknowledged_serial, 8);
        /* The dead one is known to be dead: a single canary. */
        assert_int_equal(drain(&dead), 1);
        assert_int_equal(count_phase(&lab, 8, 1, NOTIFY_DOWN), 8);
        loop_for(&lab, 50);
        pass_slowly(&lab, 30);
        assert_int_equal(drain(&dead), 0);
        pass_slowly(&lab, 31);
        assert_int_equal(answer_all(&lab, &dead, 200), 8);
        restart(&lab);
        drain(&one);
        for (unsigned i = 0; i < 8; i++) {
                char zone[40];
                zone_name(i, zone);
                announce(&lab, zone);
        }
        loop_for(&lab, 50);
        assert_int_equal(drain(&one) + drain(&dead), 0);
        lab_end(&lab);
        close(one.fd);
        close(dead.fd);
}

static void test_reload(void **state)
{
        (void)state;
        struct responder one = responder_open("127.0.0.2"), two = responder_open("127.0.0.3"),
                         three = responder_open("127.0.0.4");
        const struct responder *before[] = {&one, &two}, *after[] = {&two, &three};
        struct lab lab;
        struct datagram datagram;
        lab_begin(&lab, conf_text("", before, 2));
        publish(&lab, "a.test.", 7);
        receive(&lab, &two, &datagram); /* not answered yet */
        receive_and_answer(&lab, &one, RCODE_NOERROR);
        struct conf *fresh = conf_make(conf_text("", after, 2));
        assert_int_equal(fleet_reconfigure(lab.fleet, fresh), 0);
        conf_unref(lab.conf);
        lab.conf = fresh;
        assert_int_equal(notify_reconfigure(lab.notify), 0);
        assert_int_equal(zone_of(&lab, "a.test.")->target_count, 2);
        answer(&lab, &two, &datagram, RCODE_NOERROR);
        assert_int_equal(phase_of(&lab, "a.test.", 0), NOTIFY_ACKNOWLEDGED);
        receive_and_answer(&lab, &three, RCODE_NOERROR);
        assert_int_equal(phase_of(&lab, "a.test.", 1), NOTIFY_ACKNOWLEDGED);
        pass(&lab, 60);
        loop_for(&lab, 10);
        assert_int_equal(drain(&one), 0);
        lab_end(&lab);
        close(one.fd);
        close(two.fd);
        close(three.fd);
}

/* The key of a NOTIFY under way belongs to the configuration of before. */
static void test_reload_with_a_signed_notify_under_way(void **state)
{
        (void)state;
        static const char form[] = "key \"k1\" { algorithm hmac-sha256; secret "
                                   "\"MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=\"; };\n"
                                   "options { also-notify { 127.0.0.2 port %u key k1; }; };";
        struct responder one = responder_open("127.0.0.2");
        struct lab lab;
        struct datagram datagram;
        char text[512];
        uint8_t bytes[2048];
        struct tsig_context *context;
        snprintf(text, sizeof(text), form, one.address.port);
        lab_begin(&lab, text);
        publish(&lab, "a.test.", 7);
        receive(&lab, &one, &datagram);
        struct conf *fresh = conf_make(text);
        assert_int_equal(fleet_reconfigure(lab.fleet, fresh), 0);
        conf_unref(lab.conf);
        lab.conf = fresh;
        assert_int_equal(notify_reconfigure(lab.notify), 0);
        uint64_t now = clock_realtime_usec() / USEC_PER_SEC;
        assert_int_equal(tsig_verify_request(lab.conf->keys[0], &datagram.request, now, &context), TSIG_OK);
        size_t length = answer_make(&datagram, RCODE_NOERROR, bytes);
        assert_int_equal(tsig_sign_response(context, bytes, &length, TSIG_OK, now), 0);
        send_bytes(&one, &datagram.from, bytes, length);
        loop_for(&lab, 10);
        assert_int_equal(phase_of(&lab, "a.test.", 0), NOTIFY_ACKNOWLEDGED);
        assert_false(target_of(&lab, "a.test.", 0)->row.acknowledged_unsigned);
        tsig_context_free(context);
        lab_end(&lab);
        close(one.fd);
}

static void test_forced(void **state)
{
        (void)state;
        struct responder one = responder_open("127.0.0.2");
        const struct responder *all[] = {&one};
        struct lab lab;
        uint8_t name[NAME_MAX_LENGTH];
        size_t count = 0;
        lab_begin(&lab, conf_text("", all, 1));
        publish(&lab, "a.test.", 7);
        receive_and_answer(&lab, &one, RCODE_NOERROR);
        assert_int_equal(notify_zone_force(lab.notify, name_of("a.test.", name), &count), 0);
        assert_int_equal(count, 1);
        loop_for(&lab, 5);
        assert_int_equal(drain(&one), 1);
        /* Down: it leaves all the same, and the canary's time stays. */
        pass_slowly(&lab, 100);
        drain(&one);
        assert_int_equal(phase_of(&lab, "a.test.", 0), NOTIFY_DOWN);
        assert_int_equal(notify_zone_force(lab.notify, name, &count), 0);
        receive_and_answer(&lab, &one, RCODE_NOERROR);
        assert_int_equal(phase_of(&lab, "a.test.", 0), NOTIFY_ACKNOWLEDGED);
        assert_int_equal(notify_zone_force(lab.notify, name_of("no.test.", name), &count), -ENOENT);
        lab_end(&lab);
        close(one.fd);
}

static void test_notify_delay_is_between_two_sets(void **state)
{
        (void)state;
        struct responder one = responder_open("127.0.0.2");
        const struct responder *all[] = {&one};
        struct lab lab;
        lab_begin(&lab, conf_text("notify-delay 5;", all, 1));
        publish(&lab, "a.test.", 7);
        receive_and_answer(&lab, &one, RCODE_NOERROR);
        publish(&lab, "a.test.", 8);
        publish(&lab, "a.test.", 9);
        pass(&lab, 4);
        assert_int_equal(drain(&one), 0);
        assert_int_equal(phase_of(&lab, "a.test.", 0), NOTIFY_DELAYED);
        pass(&lab, 2);
        struct datagram datagram;
        receive(&lab, &one, &datagram);
        assert_int_equal(datagram.request.answer_serial, 9);
        assert_int_equal(drain(&one), 0);
        lab_end(&lab);
        close(one.fd);
}

static void test_forgotten_zone(void **state)
{
        (void)state;
        struct responder one = responder_open("127.0.0.2");
        const struct responder *all[] = {&one};
        struct lab lab;
        uint8_t name[NAME_MAX_LENGTH];
        lab_begin(&lab, conf_text("", all, 1));
        publish_many(&lab, 4, 7); /* one left, three in the queue */
        for (unsigned i = 0; i < 3; i++) {
                char zone[40];
                zone_name(i, zone);
                notify_zone_forget(lab.notify, name_of(zone, name));
                fleet_zone_forget(lab.fleet, name);
        }
        loop_for(&lab, 200);
        assert_int_equal(drain(&one), 2);
        /* Removed in the store first: the NOTIFY in the queue finds no zone. */
        publish(&lab, "z0.test.", 8);
        publish(&lab, "z1.test.", 8);
        struct store_batch *batch;
        assert_int_equal(store_batch_begin(lab.store, &batch), 0);
        assert_int_equal(store_batch_zone_remove(batch, zone_of(&lab, "z1.test.")->id), 0);
        assert_int_equal(store_batch_commit(batch), 0);
        loop_for(&lab, 200);
        assert_int_equal(drain(&one), 1);
        assert_null(target_of(&lab, "z1.test.", 0)->notify);
        /* The canary of an address that is down is forgotten: another takes over. */
        pass_slowly(&lab, 100);
        drain(&one);
        notify_zone_forget(lab.notify, name_of("z0.test.", name));
        fleet_zone_forget(lab.fleet, name);
        pass_slowly(&lab, 61);
        assert_int_equal(drain(&one), 1);
        lab_end(&lab);
        close(one.fd);
}

static void test_idle_targets_are_small(void **state)
{
        (void)state;
        struct responder one = responder_open("127.0.0.2"), two = responder_open("127.0.0.3");
        const struct responder *all[] = {&one, &two};
        struct lab lab;
        uint8_t name[NAME_MAX_LENGTH], rdata[600];
        char zone[40];
        lab_begin(&lab, conf_text("notify no;", all, 2));
        struct conf *fresh = conf_make(conf_text("", all, 2));
        struct store_zone row = {.id = 1,
                .serial = 7,
                .soa = {.rdata = rdata,
                        .type = TYPE_SOA,
                        .rdata_length = (uint16_t)soa_rdata("a.test.", 7, rdata)}};
        assert_int_equal(fleet_reconfigure(lab.fleet, fresh), 0);
        conf_unref(lab.conf);
        lab.conf = fresh;
        size_t before = mallinfo2().uordblks;
        for (unsigned i = 0; i < 20000; i++) {
                zone_name(i, zone);
                row.id = i + 1;
                row.name = name_of(zone, name);
                struct fleet_zone *loaded = fleet_zone_get(lab.fleet, name, &row);
                assert_non_null(loaded);
                assert_int_equal(loaded->target_count, 2);
        }
        size_t used = mallinfo2().uordblks - before;
        assert_true(used < 20000 * 700); /* two targets each; 0 under a sanitizer's malloc */
        lab_end(&lab);
        close(one.fd);
        close(two.fd);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_dead_target_delays_no_other),
                cmocka_unit_test(test_rate_of_one_address),
                cmocka_unit_test(test_newer_serial_takes_the_place_in_the_queue),
                cmocka_unit_test(test_one_canary_for_an_address_that_is_down),
                cmocka_unit_test(test_any_packet_drains),
                cmocka_unit_test(test_silent_zone_of_a_living_target),
                cmocka_unit_test(test_heard_of_and_then_dead),
                cmocka_unit_test(test_publish_brings_a_canary_forward),
                cmocka_unit_test(test_down_is_of_one_address),
                cmocka_unit_test(test_acknowledged_and_never_asked),
                cmocka_unit_test(test_question_for_an_older_serial_is_none),
                cmocka_unit_test(test_restart),
                cmocka_unit_test(test_reload),
                cmocka_unit_test(test_reload_with_a_signed_notify_under_way),
                cmocka_unit_test(test_forced),
                cmocka_unit_test(test_notify_delay_is_between_two_sets),
                cmocka_unit_test(test_forgotten_zone),
                cmocka_unit_test(test_idle_targets_are_small),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
