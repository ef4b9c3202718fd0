/* Questions against a server on loopback that answers as the test says, over UDP and TCP. */
#include "base/buffer.h"
#include "base/clock.h"
#include "dns/type.h"
#include "probe/state.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SHORT (30 * USEC_PER_MSEC)

static const uint8_t zone[] = "\7example\3com";
static const struct tsig_key key = {
        .name = "\2k1",
        .algorithm = TSIG_HMAC_SHA256,
        .secret_length = 32,
        .secret = "0123456789abcdef0123456789abcdef",
};
static const struct tsig_key other_key = {
        .name = "\2k2",
        .algorithm = TSIG_HMAC_SHA256,
        .secret_length = 32,
        .secret = "0123456789abcdef0123456789abcdef",
};

struct lab;
/* Makes the answer in `bytes` (64 KiB of room); 0 = none. */
typedef size_t (*answering)(struct lab *lab, const struct request *request, bool is_tcp, uint8_t *bytes);

struct lab {
        sd_event *event;
        struct prober *prober;
        int udp, listener, stream;
        sd_event_source *sources[3];
        struct address address;
        answering answer;
        unsigned udp_count, tcp_count;
        uint16_t first_id, last_id;
        bool stays_open; /* a TCP connection is taken, and nothing said */

        unsigned told_count;
        struct probe_answer told;
        uint32_t told_records; /* of them, those that are whole */
        char told_text[256];
};

/* ---- the server ---- */

static size_t reply(const struct request *request, unsigned rcode, uint8_t *bytes)
{
        memcpy(bytes, request->bytes, request->question_end);
        write_u16(bytes + 2, (uint16_t)(FLAG_QR | FLAG_AA | rcode));
        memset(bytes + 6, 0, 6);
        return request->question_end;
}

static size_t add(uint8_t *bytes, size_t length, uint16_t type, const void *rdata, size_t size)
{
        write_u16(bytes + length, 0xc00c);
        write_u16(bytes + length + 2, type);
        write_u16(bytes + length + 4, CLASS_IN);
        write_u32(bytes + length + 6, 60);
        write_u16(bytes + length + 10, (uint16_t)size);
        memcpy(bytes + length + 12, rdata, size);
        write_u16(bytes + 6, (uint16_t)(read_u16(bytes + 6) + 1));
        return length + 12 + size;
}

static size_t add_soa(uint8_t *bytes, size_t length, uint32_t serial)
{
        uint8_t rdata[] = "\2ns\0\1h\0"
                          "\0\0\0\0\0\0\1\0\0\0\1\0\0\0\1\0\0\0\1";
        write_u32(rdata + 7, serial);
        return add(bytes, length, TYPE_SOA, rdata, 27);
}

static size_t answer_soa(struct lab *lab, const struct request *request, bool is_tcp, uint8_t *bytes)
{
        (void)is_tcp;
        assert_int_equal(request->qtype, TYPE_SOA);
        assert_int_equal(request->flags, 0);
        size_t length = add_soa(bytes, reply(request, RCODE_NOERROR, bytes), 2026112201 + lab->tcp_count);
        return length;
}

static size_t answer_nsid(struct lab *lab, const struct request *request, bool is_tcp, uint8_t *bytes)
{
        static const uint8_t opt[] = "\0\0\51\4\320\0\0\0\0\0\10\0\3\0\4fra1";
        assert_true(request->has_edns);
        assert_int_equal(request->edns_udp_size, 1232);
        assert_int_equal(read_u16(request->bytes + request->length - 4), 3);
        size_t length = answer_soa(lab, request, is_tcp, bytes);
        memcpy(bytes + length, opt, sizeof(opt) - 1);
        write_u16(bytes + 10, 1);
        return length + sizeof(opt) - 1;
}

static size_t answer_refused(struct lab *lab, const struct request *request, bool is_tcp, uint8_t *bytes)
{
        (void)lab;
        (void)is_tcp;
        return reply(request, RCODE_REFUSED, bytes);
}

static size_t answer_nothing(struct lab *lab, const struct request *request, bool is_tcp, uint8_t *bytes)
{
        (void)lab;
        (void)request;
        (void)is_tcp;
        (void)bytes;
        return 0;
}

static size_t answer_the_second(struct lab *lab, const struct request *request, bool is_tcp, uint8_t *bytes)
{
        return lab->udp_count < 2 ? 0 : answer_soa(lab, request, is_tcp, bytes);
}

static size_t answer_by_tcp(struct lab *lab, const struct request *request, bool is_tcp, uint8_t *bytes)
{
        return is_tcp ? answer_soa(lab, request, is_tcp, bytes) : 0;
}

static size_t answer_truncated(struct lab *lab, const struct request *request, bool is_tcp, uint8_t *bytes)
{
        (void)lab;
        size_t length = reply(request, RCODE_NOERROR, bytes);
        if (!is_tcp) {
                write_u16(bytes + 2, FLAG_QR | FLAG_AA | FLAG_TC);
                return length;
        }
        for (unsigned i = 0; i < 600; i++)
                length = add(bytes, length, TYPE_A, (uint8_t[]){192, 0, (uint8_t)(i >> 8), (uint8_t)i}, 4);
        return length;
}

static size_t answer_formerr_to_edns(
        struct lab *lab, const struct request *request, bool is_tcp, uint8_t *bytes)
{
        return request->has_edns ? reply(request, RCODE_FORMERR, bytes)
                                 : answer_soa(lab, request, is_tcp, bytes);
}

static size_t answer_others(struct lab *lab, const struct request *request, bool is_tcp, uint8_t *bytes)
{
        size_t length = answer_soa(lab, request, is_tcp, bytes);
        bytes[MESSAGE_HEADER_SIZE + 1] ^= 1; /* another name */
        return length;
}

static size_t signed_with(const struct tsig_key *with, const struct request *request, uint8_t *bytes,
        size_t length, uint64_t now)
{
        struct tsig_context *context = NULL;
        assert_true(request->tsig.present);
        assert_int_equal(tsig_verify_request(with, request, now, &context), TSIG_OK);
        assert_int_equal(tsig_sign_response(context, bytes, &length, TSIG_OK, now), 0);
        tsig_context_free(context);
        return length;
}

static size_t answer_signed(struct lab *lab, const struct request *request, bool is_tcp, uint8_t *bytes)
{
        size_t length = answer_soa(lab, request, is_tcp, bytes);
        return signed_with(&key, request, bytes, length, clock_realtime_usec() / USEC_PER_SEC);
}

static size_t answer_badly_signed_by_udp(
        struct lab *lab, const struct request *request, bool is_tcp, uint8_t *bytes)
{
        size_t length = answer_signed(lab, request, is_tcp, bytes);
        bytes[MESSAGE_HEADER_SIZE + sizeof(zone) + 4 + 30] ^= !is_tcp;
        return length;
}

static size_t answer_badkey(struct lab *lab, const struct request *request, bool is_tcp, uint8_t *bytes)
{
        (void)lab;
        (void)is_tcp;
        size_t length = reply(request, RCODE_NOTAUTH, bytes);
        assert_int_equal(tsig_append_unsigned(request, TSIG_BADKEY, 0, bytes, &length), 0);
        return length;
}

static size_t make(struct lab *lab, const uint8_t *bytes, size_t length, bool is_tcp, uint8_t *ret_bytes)
{
        struct request request;
        assert_int_equal(request_parse(bytes, length, false, &request), MESSAGE_OK);
        if (lab->udp_count + lab->tcp_count == 1)
                lab->first_id = request.id;
        lab->last_id = request.id;
        return lab->answer(lab, &request, is_tcp, ret_bytes);
}

static int udp_came(sd_event_source *source, int fd, uint32_t events, void *context)
{
        static uint8_t out[65536];
        struct lab *lab = context;
        uint8_t bytes[4096];
        struct sockaddr_storage from;
        socklen_t size = sizeof(from);
        (void)source;
        (void)events;
        ssize_t length = recvfrom(fd, bytes, sizeof(bytes), 0, (struct sockaddr *)&from, &size);
        assert_true(length > 0);
        lab->udp_count++;
        size_t out_length = make(lab, bytes, (size_t)length, false, out);
        if (out_length > 0)
                assert_true(sendto(fd, out, out_length, 0, (struct sockaddr *)&from, size) > 0);
        return 0;
}

static int stream_came(sd_event_source *source, int fd, uint32_t events, void *context)
{
        static uint8_t out[65538];
        struct lab *lab = context;
        uint8_t bytes[4096];
        (void)events;
        ssize_t length = recv(fd, bytes, sizeof(bytes), 0);
        if (length > 2 && !lab->stays_open) { /* a question is one segment */
                size_t out_length = make(lab, bytes + 2, (size_t)length - 2, true, out + 2);
                write_u16(out, (uint16_t)out_length);
                /* In two pieces, the first of one octet. */
                if (out_length > 0) {
                        assert_int_equal(send(fd, out, 1, MSG_NOSIGNAL), 1);
                        assert_true(send(fd, out + 1, out_length + 1, MSG_NOSIGNAL) > 0);
                        return 0;
                }
        } else if (length > 2) {
                return 0;
        }
        lab->sources[2] = sd_event_source_disable_unref(source);
        close(fd);
        lab->stream = -1;
        return 0;
}

static int connection_came(sd_event_source *source, int fd, uint32_t events, void *context)
{
        struct lab *lab = context;
        (void)events;
        lab->tcp_count++;
        if (lab->stays_open && lab->tcp_count > 1) /* kept in the backlog */
                return sd_event_source_set_enabled(source, SD_EVENT_OFF);
        if (lab->sources[2]) {
                sd_event_source_disable_unref(lab->sources[2]);
                close(lab->stream);
        }
        lab->stream = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        assert_true(
                sd_event_add_io(lab->event, &lab->sources[2], lab->stream, EPOLLIN, stream_came, lab) >= 0);
        return 0;
}

static int bound(struct lab *lab, int type)
{
        struct sockaddr_storage sockaddr;
        int fd = socket(AF_INET, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        socklen_t size = address_to_sockaddr(&lab->address, &sockaddr);
        assert_int_equal(bind(fd, (struct sockaddr *)&sockaddr, size), 0);
        assert_int_equal(getsockname(fd, (struct sockaddr *)&sockaddr, &size), 0);
        assert_int_equal(address_from_sockaddr((struct sockaddr *)&sockaddr, &lab->address), 0);
        return fd;
}

static void lab_begin(struct lab *lab, answering answer, unsigned rate)
{
        *lab = (struct lab){.answer = answer, .udp = -1, .listener = -1, .stream = -1};
        assert_int_equal(address_parse("127.53.1.9", &lab->address), 0);
        assert_true(sd_event_new(&lab->event) >= 0);
        assert_int_equal(prober_new(lab->event, rate, &lab->prober), 0);
        lab->udp = bound(lab, SOCK_DGRAM);
        lab->listener = bound(lab, SOCK_STREAM);
        assert_int_equal(listen(lab->listener, 1000), 0);
        assert_true(sd_event_add_io(lab->event, &lab->sources[0], lab->udp, EPOLLIN, udp_came, lab) >= 0);
        assert_true(sd_event_add_io(
                            lab->event, &lab->sources[1], lab->listener, EPOLLIN, connection_came, lab) >= 0);
}

static void lab_end(struct lab *lab)
{
        prober_free(lab->prober);
        for (unsigned i = 0; i < 3; i++)
                sd_event_source_disable_unref(lab->sources[i]);
        const int fds[] = {lab->udp, lab->listener, lab->stream};
        for (unsigned i = 0; i < 3; i++)
                if (fds[i] >= 0)
                        close(fds[i]);
        sd_event_unref(lab->event);
}

/* ---- the question ---- */

static void told(void *context, const struct probe_answer *answer)
{
        struct lab *lab = context;
        lab->told_count++;
        lab->told = *answer;
        lab->told.records = NULL;
        lab->told_records = 0;
        for (size_t i = 0; i < answer->record_count; i++)
                lab->told_records +=
                        name_equal(answer->records[i].owner, zone) && answer->records[i].rdata_length;
}

static struct probe_question question_for(const struct lab *lab)
{
        return (struct probe_question){.server = lab->address, .name = zone, .type = TYPE_SOA};
}

static void wait_told(struct lab *lab, unsigned count)
{
        for (unsigned i = 0; i < 4000 && lab->told_count < count; i++)
                assert_true(sd_event_run(lab->event, 5000) >= 0);
        assert_int_equal(lab->told_count, count);
}

static void ask(struct lab *lab, const struct probe_question *question)
{
        struct probe *probe;
        assert_int_equal(probe_start(lab->prober, question, told, lab, &probe), 0);
        assert_int_equal(lab->told_count, 0);
        assert_int_equal(prober_count(lab->prober), 1);
        wait_told(lab, 1);
        assert_int_equal(prober_count(lab->prober), 0);
}

/* ---- the tests ---- */

static void test_soa(void **state)
{
        (void)state;
        struct lab lab;
        lab_begin(&lab, answer_soa, 1000);
        struct probe_question question = question_for(&lab);
        ask(&lab, &question);
        assert_int_equal(lab.told.result, PROBE_ANSWERED);
        assert_int_equal(lab.told.rcode, RCODE_NOERROR);
        assert_true(lab.told.is_authoritative && lab.told.has_serial && !lab.told.over_tcp);
        assert_int_equal(lab.told.serial, 2026112201);
        assert_int_equal(lab.told.record_count, 1);
        assert_int_equal(lab.told_records, 1);
        assert_int_equal(lab.told.nsid_length, 0);
        assert_int_equal(prober_sent(lab.prober), 1);
        lab_end(&lab);
}

static void test_nsid(void **state)
{
        (void)state;
        struct lab lab;
        lab_begin(&lab, answer_nsid, 1000);
        struct probe_question question = question_for(&lab);
        question.wants_nsid = true;
        ask(&lab, &question);
        assert_int_equal(lab.told.result, PROBE_ANSWERED);
        assert_int_equal(lab.told.nsid_length, 4);
        assert_memory_equal(lab.told.nsid, "fra1", 4);
        lab_end(&lab);
}

static void test_refused_is_an_answer(void **state)
{
        (void)state;
        struct lab lab;
        lab_begin(&lab, answer_refused, 1000);
        struct probe_question question = question_for(&lab);
        ask(&lab, &question);
        assert_int_equal(lab.told.result, PROBE_ANSWERED);
        assert_int_equal(lab.told.rcode, RCODE_REFUSED);
        assert_false(lab.told.has_serial);
        lab_end(&lab);
}

static void test_lost_datagram(void **state)
{
        (void)state;
        struct lab lab;
        lab_begin(&lab, answer_the_second, 1000);
        struct probe_question question = question_for(&lab);
        question.udp_wait_usec = 20 * SHORT;
        ask(&lab, &question);
        assert_int_equal(lab.told.result, PROBE_ANSWERED);
        assert_int_equal(lab.udp_count, 2);
        assert_int_equal(lab.tcp_count, 0);
        lab_end(&lab);
}

static void test_silent_udp_goes_tcp(void **state)
{
        (void)state;
        struct lab lab;
        lab_begin(&lab, answer_by_tcp, 1000);
        struct probe_question question = question_for(&lab);
        question.udp_wait_usec = SHORT;
        ask(&lab, &question);
        assert_int_equal(lab.told.result, PROBE_ANSWERED);
        assert_true(lab.told.over_tcp);
        assert_int_equal(lab.udp_count, 2);
        assert_int_equal(lab.told.serial, 2026112202);
        assert_int_equal(prober_sent(lab.prober), 3);
        lab_end(&lab);
}

static void test_tcp_only(void **state)
{
        (void)state;
        struct lab lab;
        lab_begin(&lab, answer_signed, 1000);
        struct probe_question question = question_for(&lab);
        question.tcp_only = true;
        question.key = &key;
        ask(&lab, &question);
        assert_int_equal(lab.told.result, PROBE_ANSWERED);
        assert_int_equal(lab.udp_count, 0);
        assert_int_equal(lab.tcp_count, 1);
        lab_end(&lab);
}

static void test_truncated_goes_tcp(void **state)
{
        (void)state;
        struct lab lab;
        lab_begin(&lab, answer_truncated, 1000);
        struct probe_question question = question_for(&lab);
        question.type = TYPE_A;
        ask(&lab, &question);
        assert_int_equal(lab.told.result, PROBE_ANSWERED);
        assert_int_equal(lab.told.record_count, 600);
        assert_int_equal(lab.told_records, 600);
        assert_false(lab.told.has_serial);
        lab_end(&lab);
}

static void test_silent_in_the_end(void **state)
{
        (void)state;
        struct lab lab;
        lab_begin(&lab, answer_nothing, 1000);
        lab.stays_open = true;
        struct probe_question question = question_for(&lab);
        question.udp_wait_usec = question.tcp_wait_usec = SHORT;
        ask(&lab, &question);
        assert_int_equal(lab.told.result, PROBE_SILENT);
        assert_true(lab.told.over_tcp);
        assert_int_equal(lab.tcp_count, 1);
        assert_true(lab.told.duration_usec >= 3 * SHORT);
        lab_end(&lab);
}

static void test_nobody_there(void **state)
{
        (void)state;
        struct lab lab;
        lab_begin(&lab, answer_nothing, 1000);
        struct probe_question question = question_for(&lab);
        lab.sources[1] = sd_event_source_disable_unref(lab.sources[1]);
        close(lab.listener);
        lab.listener = -1;
        question.udp_wait_usec = SHORT;
        ask(&lab, &question);
        assert_int_equal(lab.told.result, PROBE_UNREACHABLE);
        assert_int_equal(lab.told.error, -ECONNREFUSED);
        lab_end(&lab);
}

static void test_source_that_is_not_ours(void **state)
{
        (void)state;
        struct lab lab;
        lab_begin(&lab, answer_soa, 1000);
        struct probe_question question = question_for(&lab);
        assert_int_equal(address_parse("192.0.2.77", &question.source), 0);
        ask(&lab, &question);
        assert_int_equal(lab.told.result, PROBE_NOT_SENT);
        assert_int_equal(lab.told.error, -EADDRNOTAVAIL);
        assert_int_equal(lab.udp_count, 0);
        lab_end(&lab);
}

static void test_server_without_edns(void **state)
{
        (void)state;
        struct lab lab;
        lab_begin(&lab, answer_formerr_to_edns, 1000);
        struct probe_question question = question_for(&lab);
        ask(&lab, &question);
        assert_int_equal(lab.told.result, PROBE_ANSWERED);
        assert_int_equal(lab.told.rcode, RCODE_NOERROR);
        assert_int_equal(lab.udp_count, 2);
        assert_int_not_equal(lab.first_id, lab.last_id);
        lab_end(&lab);
}

static void test_answer_to_another_question(void **state)
{
        (void)state;
        struct lab lab;
        lab_begin(&lab, answer_others, 1000);
        struct probe_question question = question_for(&lab);
        question.udp_wait_usec = SHORT;
        ask(&lab, &question);
        assert_int_equal(lab.told.result, PROBE_MALFORMED);
        assert_int_equal(lab.udp_count, 2);
        lab_end(&lab);
}

static void test_signed(void **state)
{
        (void)state;
        struct lab lab;
        lab_begin(&lab, answer_signed, 1000);
        struct probe_question question = question_for(&lab);
        question.key = &key;
        ask(&lab, &question);
        assert_int_equal(lab.told.result, PROBE_ANSWERED);
        assert_int_equal(lab.udp_count, 1);
        lab_end(&lab);
}

static void test_unsigned_answer(void **state)
{
        (void)state;
        struct lab lab;
        lab_begin(&lab, answer_soa, 1000);
        struct probe_question question = question_for(&lab);
        question.key = &other_key;
        ask(&lab, &question);
        assert_int_equal(lab.told.result, PROBE_BAD_TSIG);
        assert_int_equal(lab.told.tsig, TSIG_BADSIG);
        assert_int_equal(lab.told.tsig_error, 0);
        assert_false(lab.told.has_serial);
        lab_end(&lab);
}

static void test_forged_datagram_does_not_spoil(void **state)
{
        (void)state;
        struct lab lab;
        lab_begin(&lab, answer_badly_signed_by_udp, 1000);
        struct probe_question question = question_for(&lab);
        question.key = &key;
        ask(&lab, &question);
        assert_int_equal(lab.told.result, PROBE_ANSWERED);
        assert_true(lab.told.over_tcp);
        lab_end(&lab);
}

static void test_key_that_the_server_does_not_know(void **state)
{
        (void)state;
        struct lab lab;
        lab_begin(&lab, answer_badkey, 1000);
        struct probe_question question = question_for(&lab);
        question.key = &key;
        ask(&lab, &question);
        assert_int_equal(lab.told.result, PROBE_BAD_TSIG);
        assert_int_equal(lab.told.tsig_error, RCODE_BADKEY);
        lab_end(&lab);
}

static void test_cancelled(void **state)
{
        (void)state;
        struct lab lab;
        struct probe *probe;
        lab_begin(&lab, answer_soa, 1000);
        struct probe_question question = question_for(&lab);
        assert_int_equal(probe_start(lab.prober, &question, told, &lab, &probe), 0);
        assert_null(probe_cancel(probe));
        question.tcp_only = true;
        lab.stays_open = true;
        assert_int_equal(probe_start(lab.prober, &question, told, &lab, &probe), 0);
        while (lab.tcp_count == 0)
                assert_true(sd_event_run(lab.event, 5000) >= 0);
        assert_null(probe_cancel(probe));
        assert_null(probe_cancel(NULL));
        assert_int_equal(prober_count(lab.prober), 0);
        question.tcp_only = false;
        ask(&lab, &question); /* what comes after it is told, and it alone */
        lab_end(&lab);
}

static void test_pace(void **state)
{
        (void)state;
        struct lab lab;
        lab_begin(&lab, answer_soa, 100);
        struct probe_question question = question_for(&lab);
        uint64_t begin = clock_monotonic_usec();
        for (unsigned i = 0; i < 30; i++)
                assert_int_equal(probe_start(lab.prober, &question, told, &lab, NULL), 0);
        wait_told(&lab, 30);
        assert_true(clock_monotonic_usec() - begin >= 290 * USEC_PER_MSEC);
        lab_end(&lab);
}

static void told_order(void *context, const struct probe_answer *answer)
{
        struct lab *lab = context;
        (void)answer;
        lab->told_count++;
        strcat(lab->told_text, "-");
}
static void told_urgent(void *context, const struct probe_answer *answer)
{
        struct lab *lab = context;
        (void)answer;
        lab->told_count++;
        strcat(lab->told_text, "!");
}

static void test_urgent_goes_first(void **state)
{
        (void)state;
        struct lab lab;
        lab_begin(&lab, answer_soa, 50);
        struct probe_question question = question_for(&lab);
        for (unsigned i = 0; i < 5; i++)
                assert_int_equal(probe_start(lab.prober, &question, told_order, &lab, NULL), 0);
        question.is_urgent = true;
        assert_int_equal(probe_start(lab.prober, &question, told_urgent, &lab, NULL), 0);
        wait_told(&lab, 6);
        assert_string_equal(lab.told_text, "!-----");
        lab_end(&lab);
}

static void test_many_connections_wait_for_a_place(void **state)
{
        (void)state;
        struct lab lab;
        lab_begin(&lab, answer_nothing, 100000);
        lab.stays_open = true;
        struct probe_question question = question_for(&lab);
        question.tcp_only = true;
        question.tcp_wait_usec = 10 * SHORT;
        for (unsigned i = 0; i < 300; i++)
                assert_int_equal(probe_start(lab.prober, &question, told, &lab, NULL), 0);
        size_t most = 0;
        while (lab.told_count < 300) {
                assert_true(sd_event_run(lab.event, 5000) >= 0);
                if (lab.prober->stream_count > most)
                        most = lab.prober->stream_count;
        }
        assert_int_equal(most, 128);
        assert_int_equal(prober_sent(lab.prober), 300);
        lab_end(&lab);
}

static void test_freed_while_they_run(void **state)
{
        (void)state;
        struct lab lab;
        lab_begin(&lab, answer_nothing, 1000);
        lab.stays_open = true;
        struct probe_question question = question_for(&lab);
        for (unsigned i = 0; i < 10; i++) {
                question.tcp_only = i % 2;
                assert_int_equal(probe_start(lab.prober, &question, told, &lab, NULL), 0);
        }
        for (unsigned i = 0; i < 20; i++)
                assert_true(sd_event_run(lab.event, 2000) >= 0);
        assert_int_equal(lab.told_count, 0);
        lab_end(&lab);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_soa),
                cmocka_unit_test(test_nsid),
                cmocka_unit_test(test_refused_is_an_answer),
                cmocka_unit_test(test_lost_datagram),
                cmocka_unit_test(test_silent_udp_goes_tcp),
                cmocka_unit_test(test_tcp_only),
                cmocka_unit_test(test_truncated_goes_tcp),
                cmocka_unit_test(test_silent_in_the_end),
                cmocka_unit_test(test_nobody_there),
                cmocka_unit_test(test_source_that_is_not_ours),
                cmocka_unit_test(test_server_without_edns),
                cmocka_unit_test(test_answer_to_another_question),
                cmocka_unit_test(test_signed),
                cmocka_unit_test(test_unsigned_answer),
                cmocka_unit_test(test_forged_datagram_does_not_spoil),
                cmocka_unit_test(test_key_that_the_server_does_not_know),
                cmocka_unit_test(test_cancelled),
                cmocka_unit_test(test_pace),
                cmocka_unit_test(test_urgent_goes_first),
                cmocka_unit_test(test_many_connections_wait_for_a_place),
                cmocka_unit_test(test_freed_while_they_run),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
