/* NOTIFYs on the wire, against responders on loopback: what leaves, which answers count, what is told. */
#include "lab.h"

#include "base/fault.h"

static const char key_text[] = "key \"k1\" { algorithm hmac-sha256; secret "
                               "\"MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=\"; };\n";

static void test_what_leaves(void **state)
{
        (void)state;
        struct responder one = responder_open("127.0.0.1");
        const struct responder *all[] = {&one};
        struct lab lab;
        struct datagram datagram;
        uint8_t name[NAME_MAX_LENGTH];
        lab_begin(&lab, conf_text("", all, 1));
        publish(&lab, "example.com.", 7);
        assert_int_equal(phase_of(&lab, "example.com.", 0), NOTIFY_WAITING);
        receive(&lab, &one, &datagram);

        const struct request *request = &datagram.request;
        assert_int_equal(request->opcode, OPCODE_NOTIFY);
        assert_int_equal(request->flags, OPCODE_NOTIFY << 11 | FLAG_AA);
        assert_int_equal(request->qdcount, 1);
        assert_int_equal(request->qtype, TYPE_SOA);
        assert_int_equal(request->qclass, CLASS_IN);
        assert_true(name_equal(request->qname, name_of("example.com.", name)));
        assert_true(request->has_answer_soa);
        assert_int_equal(request->answer_serial, 7);
        assert_false(request->tsig.present);
        assert_true(datagram.from.port >= 1024);

        answer(&lab, &one, &datagram, RCODE_NOERROR);
        const struct fleet_row *row = &target_of(&lab, "example.com.", 0)->row;
        assert_int_equal(phase_of(&lab, "example.com.", 0), NOTIFY_ACKNOWLEDGED);
        assert_int_equal(row->notified_serial, 7);
        assert_int_equal(row->acknowledged_serial, 7);
        assert_int_equal(row->last_rcode, RCODE_NOERROR);
        assert_false(row->acknowledged_unsigned);
        assert_true(row->acknowledged_usec >= row->notified_usec);
        assert_int_equal(told.acknowledged, 1);
        assert_non_null(strstr(told.last, "example.com: 127.0.0.1#"));
        lab_end(&lab);
        close(one.fd);
}

static void test_ports_and_ids_differ(void **state)
{
        (void)state;
        struct responder one = responder_open("127.0.0.1");
        const struct responder *all[] = {&one};
        struct lab lab;
        bool ports[65536] = {false}, ids[65536] = {false};
        unsigned port_count = 0, id_count = 0;
        lab_begin(&lab, conf_text("notify-rate 100000;", all, 1));
        for (unsigned i = 0; i < 64; i++) {
                char zone[40];
                struct datagram datagram;
                snprintf(zone, sizeof(zone), "z%u.test.", i);
                publish(&lab, zone, 7);
                receive(&lab, &one, &datagram);
                port_count += !ports[datagram.from.port];
                ports[datagram.from.port] = true;
                id_count += !ids[datagram.request.id];
                ids[datagram.request.id] = true;
        }
        assert_in_range(port_count, 4, 8);
        assert_in_range(id_count, 60, 64);
        lab_end(&lab);
        close(one.fd);
}

static void test_lost_answers_then_down_then_back(void **state)
{
        (void)state;
        struct responder one = responder_open("127.0.0.1");
        const struct responder *all[] = {&one};
        struct lab lab;
        struct datagram datagram;
        static const unsigned waits[] = {3, 6, 12, 24};
        lab_begin(&lab, conf_text("", all, 1));
        publish(&lab, "example.com.", 7);
        receive(&lab, &one, &datagram);
        for (unsigned i = 0; i < 4; i++) {
                uint16_t id = datagram.request.id;
                pass(&lab, waits[i] - 1);
                assert_int_equal(drain(&one), 0);
                pass(&lab, 1);
                receive(&lab, &one, &datagram);
                assert_int_not_equal(datagram.request.id, id);
        }
        assert_int_equal(told.down, 0);
        pass(&lab, 48);
        assert_int_equal(phase_of(&lab, "example.com.", 0), NOTIFY_DOWN);
        assert_true(target_of(&lab, "example.com.", 0)->row.is_down);
        assert_int_equal(target_of(&lab, "example.com.", 0)->row.failures, 5);
        assert_int_equal(told.down, 1);
        assert_int_equal(drain(&one), 0);
        pass(&lab, 60);
        receive(&lab, &one, &datagram);
        pass(&lab, 120);
        receive(&lab, &one, &datagram);
        assert_int_equal(told.down, 1);
        answer(&lab, &one, &datagram, RCODE_NOERROR);
        assert_int_equal(phase_of(&lab, "example.com.", 0), NOTIFY_ACKNOWLEDGED);
        assert_false(target_of(&lab, "example.com.", 0)->row.is_down);
        assert_int_equal(told.up, 1);
        assert_int_equal(told.acknowledged, 1);
        lab_end(&lab);
        close(one.fd);
}

static void test_answers_that_do_not_count(void **state)
{
        (void)state;
        struct responder one = responder_open("127.0.0.1"), other_port = responder_open("127.0.0.1"),
                         other_address = responder_open("127.0.0.2");
        const struct responder *all[] = {&one};
        struct lab lab;
        struct datagram datagram;
        uint8_t bytes[512], changed[512];
        lab_begin(&lab, conf_text("", all, 1));
        publish(&lab, "example.com.", 7);
        receive(&lab, &one, &datagram);
        size_t length = answer_make(&datagram, RCODE_NOERROR, bytes);

        send_bytes(&other_port, &datagram.from, bytes, length);
        send_bytes(&other_address, &datagram.from, bytes, length);
        memcpy(changed, bytes, length);
        changed[0] ^= 1; /* ID */
        send_bytes(&one, &datagram.from, changed, length);
        memcpy(changed, bytes, length);
        write_u16(changed + 2, FLAG_QR | OPCODE_QUERY << 11 | FLAG_AA);
        send_bytes(&one, &datagram.from, changed, length);
        memcpy(changed, bytes, length);
        changed[2] &= 0x7f; /* QR */
        send_bytes(&one, &datagram.from, changed, length);
        memcpy(changed, bytes, length);
        changed[13] = 'x'; /* another name */
        send_bytes(&one, &datagram.from, changed, length);
        memcpy(changed, bytes, length);
        changed[length - 3] = TYPE_NS;
        send_bytes(&one, &datagram.from, changed, length);
        send_bytes(&one, &datagram.from, bytes, length - 1);
        send_bytes(&one, &datagram.from, bytes, 11);
        send_bytes(&one, &datagram.from, bytes, 0);
        loop_for(&lab, 20);
        assert_int_equal(phase_of(&lab, "example.com.", 0), NOTIFY_WAITING);
        assert_int_equal(target_of(&lab, "example.com.", 0)->row.last_rcode, -1);
        assert_int_equal(told.acknowledged + told.others, 0);

        /* The right one still counts, and only once. */
        send_bytes(&one, &datagram.from, bytes, length);
        send_bytes(&one, &datagram.from, bytes, length);
        loop_for(&lab, 20);
        assert_int_equal(phase_of(&lab, "example.com.", 0), NOTIFY_ACKNOWLEDGED);
        assert_int_equal(told.acknowledged, 1);
        lab_end(&lab);
        close(one.fd);
        close(other_port.fd);
        close(other_address.fd);
}

/* To the right port of ours from the right one, but not to the socket the NOTIFY left from. */
static void test_answer_to_another_socket(void **state)
{
        (void)state;
        struct responder one = responder_open("127.0.0.1");
        const struct responder *all[] = {&one};
        struct lab lab;
        struct datagram first, second;
        uint8_t bytes[512];
        lab_begin(&lab, conf_text("notify-rate 100000;", all, 1));
        publish(&lab, "a.test.", 7);
        receive(&lab, &one, &first);
        unsigned i = 0;
        do {
                char zone[40];
                snprintf(zone, sizeof(zone), "b%u.test.", i);
                publish(&lab, zone, 7);
                receive(&lab, &one, &second);
        } while (second.from.port == first.from.port && ++i < 100);
        send_bytes(&one, &second.from, bytes, answer_make(&first, RCODE_NOERROR, bytes));
        loop_for(&lab, 10);
        assert_int_equal(phase_of(&lab, "a.test.", 0), NOTIFY_WAITING);
        lab_end(&lab);
        close(one.fd);
}

static void test_empty_question_is_fine(void **state)
{
        (void)state;
        struct responder one = responder_open("127.0.0.1");
        const struct responder *all[] = {&one};
        struct lab lab;
        struct datagram datagram;
        uint8_t bytes[512];
        lab_begin(&lab, conf_text("", all, 1));
        publish(&lab, "example.com.", 7);
        receive(&lab, &one, &datagram);
        answer_make(&datagram, RCODE_NOERROR, bytes);
        write_u16(bytes + 4, 0);
        send_bytes(&one, &datagram.from, bytes, MESSAGE_HEADER_SIZE);
        loop_for(&lab, 10);
        assert_int_equal(phase_of(&lab, "example.com.", 0), NOTIFY_ACKNOWLEDGED);
        lab_end(&lab);
        close(one.fd);
}

static void test_errors_are_states(void **state)
{
        (void)state;
        struct responder one = responder_open("127.0.0.1");
        const struct responder *all[] = {&one};
        struct lab lab;
        lab_begin(&lab, conf_text("", all, 1));
        publish(&lab, "example.com.", 7);
        receive_and_answer(&lab, &one, RCODE_REFUSED);
        assert_int_equal(phase_of(&lab, "example.com.", 0), NOTIFY_REFUSED);
        assert_int_equal(target_of(&lab, "example.com.", 0)->row.last_rcode, RCODE_REFUSED);
        assert_int_equal(target_of(&lab, "example.com.", 0)->row.acknowledged_serial, 0);
        assert_int_equal(told.refused, 1);
        assert_non_null(strstr(told.last, "source address not registered at the provider?"));
        pass(&lab, 3599);
        assert_int_equal(drain(&one), 0);
        pass(&lab, 1);
        receive_and_answer(&lab, &one, RCODE_REFUSED);
        assert_int_equal(told.refused, 1); /* the same again is not told */
        pass(&lab, 3600);
        receive_and_answer(&lab, &one, RCODE_NOTAUTH);
        assert_int_equal(told.refused, 2);
        pass(&lab, 3600);
        receive_and_answer(&lab, &one, RCODE_NOERROR);
        assert_int_equal(phase_of(&lab, "example.com.", 0), NOTIFY_ACKNOWLEDGED);
        publish(&lab, "example.com.", 8);
        receive_and_answer(&lab, &one, RCODE_NOTIMP);
        assert_int_equal(phase_of(&lab, "example.com.", 0), NOTIFY_DONE);
        assert_int_equal(target_of(&lab, "example.com.", 0)->row.acknowledged_serial, 8);
        lab_end(&lab);
        close(one.fd);
}

/* ---- TSIG ---- */

struct keyed {
        struct lab lab;
        struct responder one;
        struct datagram datagram;
        struct tsig_key key;
        struct tsig_context *context; /* of the request, on the responder's side */
};

static void keyed_begin(struct keyed *keyed)
{
        char text[1024];
        keyed->one = responder_open("127.0.0.1");
        keyed->context = NULL;
        snprintf(text, sizeof(text), "%soptions { also-notify { 127.0.0.1 port %u key k1; }; };", key_text,
                keyed->one.address.port);
        lab_begin(&keyed->lab, text);
        keyed->key = *keyed->lab.conf->keys[0];
        publish(&keyed->lab, "example.com.", 7);
        receive(&keyed->lab, &keyed->one, &keyed->datagram);
}

static void keyed_end(struct keyed *keyed)
{
        lab_end(&keyed->lab);
        tsig_context_free(keyed->context);
        close(keyed->one.fd);
}

static uint64_t now_sec(void)
{
        return clock_realtime_usec() / USEC_PER_SEC;
}

static int verify(struct keyed *keyed)
{
        return tsig_verify_request(&keyed->key, &keyed->datagram.request, now_sec(), &keyed->context);
}

static const struct fleet_row *keyed_row(struct keyed *keyed)
{
        return &target_of(&keyed->lab, "example.com.", 0)->row;
}

static void test_signed_answer(void **state)
{
        (void)state;
        struct keyed keyed;
        uint8_t bytes[2048];
        keyed_begin(&keyed);
        assert_int_equal(verify(&keyed), TSIG_OK);
        size_t length = answer_make(&keyed.datagram, RCODE_NOERROR, bytes);
        assert_int_equal(tsig_sign_response(keyed.context, bytes, &length, TSIG_OK, now_sec()), 0);
        send_bytes(&keyed.one, &keyed.datagram.from, bytes, length);
        loop_for(&keyed.lab, 10);
        assert_int_equal(phase_of(&keyed.lab, "example.com.", 0), NOTIFY_ACKNOWLEDGED);
        assert_false(keyed_row(&keyed)->acknowledged_unsigned);
        assert_int_equal(told.last_priority, LOG_INFO);
        keyed_end(&keyed);
}

static void test_unsigned_answer_counts_and_is_flagged(void **state)
{
        (void)state;
        struct keyed keyed;
        keyed_begin(&keyed);
        answer(&keyed.lab, &keyed.one, &keyed.datagram, RCODE_NOERROR);
        assert_int_equal(phase_of(&keyed.lab, "example.com.", 0), NOTIFY_ACKNOWLEDGED);
        assert_true(keyed_row(&keyed)->acknowledged_unsigned);
        assert_int_equal(told.last_priority, LOG_WARNING);
        assert_non_null(strstr(told.last, "unsigned"));
        /* Known by now: no warning again. */
        publish(&keyed.lab, "example.com.", 8);
        receive_and_answer(&keyed.lab, &keyed.one, RCODE_NOERROR);
        assert_int_equal(told.acknowledged, 2);
        assert_int_equal(told.last_priority, LOG_INFO);
        keyed_end(&keyed);
}

static void test_badly_signed_answer_is_ignored(void **state)
{
        (void)state;
        struct keyed keyed;
        uint8_t bytes[2048];
        keyed_begin(&keyed);
        assert_int_equal(verify(&keyed), TSIG_OK);
        size_t length = answer_make(&keyed.datagram, RCODE_NOERROR, bytes);
        assert_int_equal(tsig_sign_response(keyed.context, bytes, &length, TSIG_OK, now_sec()), 0);
        bytes[3] ^= RCODE_REFUSED; /* after signing */
        for (unsigned i = 0; i < 5; i++)
                send_bytes(&keyed.one, &keyed.datagram.from, bytes, length);
        loop_for(&keyed.lab, 10);
        assert_int_equal(phase_of(&keyed.lab, "example.com.", 0), NOTIFY_WAITING);
        assert_int_equal(told.others, 1); /* told once, not five times */
        assert_non_null(strstr(told.last, "BADSIG"));
        /* The true answer comes behind. */
        bytes[3] ^= RCODE_REFUSED;
        send_bytes(&keyed.one, &keyed.datagram.from, bytes, length);
        loop_for(&keyed.lab, 10);
        assert_int_equal(phase_of(&keyed.lab, "example.com.", 0), NOTIFY_ACKNOWLEDGED);
        keyed_end(&keyed);
}

/* The answer signed for another NOTIFY of ours with the same ID. */
static void test_answer_of_another_exchange_is_ignored(void **state)
{
        (void)state;
        struct keyed keyed;
        uint8_t bytes[2048];
        keyed_begin(&keyed);
        assert_int_equal(verify(&keyed), TSIG_OK);
        size_t length = answer_make(&keyed.datagram, RCODE_NOERROR, bytes);
        assert_int_equal(tsig_sign_response(keyed.context, bytes, &length, TSIG_OK, now_sec()), 0);
        struct address old_from = keyed.datagram.from;
        pass(&keyed.lab, 3);
        receive(&keyed.lab, &keyed.one, &keyed.datagram);
        (void)old_from;
        write_u16(bytes, keyed.datagram.request.id);
        send_bytes(&keyed.one, &keyed.datagram.from, bytes, length);
        loop_for(&keyed.lab, 10);
        assert_int_equal(phase_of(&keyed.lab, "example.com.", 0), NOTIFY_WAITING);
        keyed_end(&keyed);
}

static void test_tsig_errors_of_the_target(void **state)
{
        (void)state;
        static const struct {
                enum tsig_result result;
                const char *told;
        } cases[] = {{TSIG_BADKEY, "BADKEY"}, {TSIG_BADSIG, "BADSIG"}, {TSIG_BADTIME, "differ by"}};
        for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
                struct keyed keyed;
                uint8_t bytes[2048];
                keyed_begin(&keyed);
                size_t length = answer_make(&keyed.datagram, RCODE_NOTAUTH, bytes);
                if (cases[i].result == TSIG_BADTIME) {
                        assert_int_equal(verify(&keyed), TSIG_OK);
                        assert_int_equal(tsig_sign_response(keyed.context, bytes, &length, TSIG_BADTIME,
                                                 now_sec() + 600),
                                0);
                } else {
                        assert_int_equal(tsig_append_unsigned(&keyed.datagram.request, cases[i].result,
                                                 now_sec(), bytes, &length),
                                0);
                }
                send_bytes(&keyed.one, &keyed.datagram.from, bytes, length);
                loop_for(&keyed.lab, 10);
                assert_int_equal(phase_of(&keyed.lab, "example.com.", 0), NOTIFY_REFUSED);
                assert_int_equal(keyed_row(&keyed)->last_rcode, RCODE_NOTAUTH);
                assert_int_equal(told.refused, 1);
                assert_non_null(strstr(told.last, cases[i].told));
                keyed_end(&keyed);
        }
}

/* ---- sources ---- */

static void test_fixed_source(void **state)
{
        (void)state;
        struct responder one = responder_open("127.0.0.1"), mine = responder_open("127.0.0.9");
        const struct responder *all[] = {&one};
        struct lab lab;
        struct datagram datagram;
        char more[100];
        uint16_t port = mine.address.port;
        close(mine.fd); /* a port that is free */
        snprintf(more, sizeof(more), "notify-source 127.0.0.9 port %u;", port);
        lab_begin(&lab, conf_text(more, all, 1));
        for (uint32_t serial = 7; serial < 10; serial++) {
                publish(&lab, "example.com.", serial);
                receive(&lab, &one, &datagram);
                struct address from;
                assert_int_equal(address_parse("127.0.0.9", &from), 0);
                assert_true(address_equal(&datagram.from, &from));
                assert_int_equal(datagram.from.port, port);
                answer(&lab, &one, &datagram, RCODE_NOERROR);
                assert_int_equal(phase_of(&lab, "example.com.", 0), NOTIFY_ACKNOWLEDGED);
        }
        lab_end(&lab);
        close(one.fd);
}

static void test_ipv6(void **state)
{
        (void)state;
        struct responder one = responder_open("::1"), mine = responder_open("::1");
        const struct responder *all[] = {&one};
        struct lab lab;
        struct datagram datagram;
        char more[100];
        uint16_t port = mine.address.port;
        close(mine.fd);
        snprintf(more, sizeof(more), "notify-source 127.0.0.9; notify-source-v6 ::1 port %u;", port);
        lab_begin(&lab, conf_text(more, all, 1));
        publish(&lab, "example.com.", 7);
        receive(&lab, &one, &datagram);
        assert_int_equal(datagram.from.family, AF_INET6);
        assert_int_equal(datagram.from.port, port);
        answer(&lab, &one, &datagram, RCODE_NOERROR);
        assert_int_equal(phase_of(&lab, "example.com.", 0), NOTIFY_ACKNOWLEDGED);
        lab_end(&lab);
        close(one.fd);
}

static void test_source_that_is_not_ours(void **state)
{
        (void)state;
        struct responder one = responder_open("127.0.0.1");
        const struct responder *all[] = {&one};
        struct lab lab;
        lab_begin(&lab, conf_text("notify-source 192.0.2.77;", all, 1));
        publish(&lab, "example.com.", 7);
        assert_int_equal(phase_of(&lab, "example.com.", 0), NOTIFY_WAITING);
        assert_int_equal(told.others, 1);
        assert_non_null(strstr(told.last, "source address"));
        for (unsigned i = 0; i < 3; i++)
                pass(&lab, 10);
        assert_int_equal(target_of(&lab, "example.com.", 0)->row.notified_serial, 0);
        assert_int_equal(told.others, 1);
        /* The right address comes with a reload: the next try leaves. */
        struct conf *fresh = conf_make(conf_text("notify-source 127.0.0.9;", all, 1));
        assert_int_equal(fleet_reconfigure(lab.fleet, fresh), 0);
        conf_unref(lab.conf);
        lab.conf = fresh;
        assert_int_equal(notify_reconfigure(lab.notify), 0);
        pass(&lab, 60);
        receive_and_answer(&lab, &one, RCODE_NOERROR);
        assert_int_equal(phase_of(&lab, "example.com.", 0), NOTIFY_ACKNOWLEDGED);
        lab_end(&lab);
        close(one.fd);
}

static void test_socket_with_a_fault(void **state)
{
        (void)state;
        struct responder one = responder_open("127.0.0.1");
        const struct responder *all[] = {&one};
        struct lab lab;
        lab_begin(&lab, conf_text("", all, 1));
        fault_set("notify-send:1:fail=ENETUNREACH");
        publish(&lab, "example.com.", 7);
        fault_set(NULL);
        assert_int_equal(told.others, 1);
        assert_int_equal(drain(&one), 0);
        pass(&lab, 3);
        receive_and_answer(&lab, &one, RCODE_NOERROR);
        assert_int_equal(phase_of(&lab, "example.com.", 0), NOTIFY_ACKNOWLEDGED);
        lab_end(&lab);
        close(one.fd);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_what_leaves),
                cmocka_unit_test(test_ports_and_ids_differ),
                cmocka_unit_test(test_lost_answers_then_down_then_back),
                cmocka_unit_test(test_answers_that_do_not_count),
                cmocka_unit_test(test_answer_to_another_socket),
                cmocka_unit_test(test_empty_question_is_fine),
                cmocka_unit_test(test_errors_are_states),
                cmocka_unit_test(test_signed_answer),
                cmocka_unit_test(test_unsigned_answer_counts_and_is_flagged),
                cmocka_unit_test(test_badly_signed_answer_is_ignored),
                cmocka_unit_test(test_answer_of_another_exchange_is_ignored),
                cmocka_unit_test(test_tsig_errors_of_the_target),
                cmocka_unit_test(test_fixed_source),
                cmocka_unit_test(test_ipv6),
                cmocka_unit_test(test_source_that_is_not_ours),
                cmocka_unit_test(test_socket_with_a_fault),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
