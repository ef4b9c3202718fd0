/* The server on real sockets of 127.0.0.1: answers, order, limits, peers that read slowly, stop halfway or
 * close. */
#include "conf_fixture.h"

#include "base/clock.h"
#include "base/log.h"
#include "server/server.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>

#define BASE_CONF                                                                                            \
        KEY_BLOCKS "zone \"example.com\" { type primary; file \"a\"; allow-transfer { 127.0.0.1; key k; "    \
                   "key short; }; };\n"                                                                      \
                   "zone \"big.example\" { type primary; file \"b\"; allow-transfer { 127.0.0.1; }; };\n"    \
                   "zone \"keyed.example\" { type primary; file \"c\"; allow-transfer { key k; }; };\n"
#define OPTIONS(more)                                                                                        \
        "options { directory \"/tmp\"; listen-on port 65535 { 127.0.0.1; }; listen-on-v6 { none; }; " more   \
        " };\n" BASE_CONF

static struct fixture fixture;
static struct server *server;
static struct queue *observations;
static struct conf *conf;
static struct address server_address;
static struct content small, big;
static uint8_t example[NAME_MAX_LENGTH], big_name[NAME_MAX_LENGTH], keyed[NAME_MAX_LENGTH];

/* ---- the log, gathered from all threads ---- */

static pthread_mutex_t log_mutex = PTHREAD_MUTEX_INITIALIZER;
static struct buffer log_text;

static void log_gather(int priority, const struct log_fields *fields, const char *message)
{
        (void)priority;
        (void)fields;
        pthread_mutex_lock(&log_mutex);
        buffer_append_text(&log_text, message);
        buffer_append_text(&log_text, "\n");
        pthread_mutex_unlock(&log_mutex);
}

static bool log_has(const char *text)
{
        pthread_mutex_lock(&log_mutex);
        bool has = strstr(buffer_text(&log_text), text) != NULL;
        pthread_mutex_unlock(&log_mutex);
        return has;
}

static void wait_log(const char *text)
{
        for (unsigned i = 0; i < 500; i++) {
                if (log_has(text))
                        return;
                usleep(10000);
        }
        fail_msg("not logged: %s\nbut:\n%s", text, buffer_text(&log_text));
}

/* ---- beginning and end ---- */

static void zones_publish(void)
{
        struct content added = {0};
        content_add_ns(&small, example);
        publish(&fixture, example, &small, NULL, NULL, 100, &(struct publish_how){.begins_era = true});
        content_add_random(&added, example, 1);
        content_add(&small, &added.records[0]);
        publish(&fixture, example, NULL, NULL, &added, 101, NULL);
        small.serial = 101;
        content_add_ns(&big, big_name);
        for (unsigned i = 0; i < 250; i++)
                content_add_large(&big, big_name, i, 60000);
        big.serial = 7;
        publish(&fixture, big_name, &big, NULL, NULL, 7, &(struct publish_how){.begins_era = true});
        publish(&fixture, keyed, &(struct content){0}, NULL, NULL, 3,
                &(struct publish_how){.begins_era = true});
        content_free(&added);
}

static int prepare(void **state)
{
        (void)state;
        name_make("example.com.", example);
        name_make("big.example.", big_name);
        name_make("keyed.example.", keyed);
        fixture_open(&fixture);
        zones_publish();
        return 0;
}

static int put_away(void **state)
{
        (void)state;
        fixture_close(&fixture);
        content_free(&small);
        content_free(&big);
        return 0;
}

static void server_begin_with(const struct server_options *options, const char *text)
{
        const char *why = "";
        log_redirect(log_gather);
        conf = conf_make(text);
        assert_int_equal(queue_new(&observations), 0);
        struct server_options all = *options;
        all.store = fixture.store;
        all.observations = observations;
        all.thread_count = 2;
        int r = server_new(&all, conf, &server, &why);
        if (r < 0)
                fail_msg("server_new: %s", why);
        assert_true(server_addresses(server, &server_address, 1) >= 1);
        assert_int_equal(server_start(server), 0);
}

static void server_begin(const char *text)
{
        server_begin_with(&(struct server_options){0}, text);
}

static void server_end(void)
{
        server = server_free(server);
        for (struct queue_item *item = queue_take_all(observations), *next; item; item = next) {
                next = item->next;
                free(item);
        }
        observations = queue_free(observations);
        conf = conf_unref(conf);
        log_redirect(NULL);
        buffer_free(&log_text);
}

static struct observation *wait_observation(enum observation_kind kind)
{
        for (unsigned i = 0; i < 500; i++, usleep(10000))
                for (struct queue_item *item = queue_take_all(observations), *next; item; item = next) {
                        struct observation *seen = (struct observation *)item;
                        next = item->next;
                        if (seen->kind != kind) {
                                free(seen);
                                continue;
                        }
                        for (; next; next = item) { /* the rest goes */
                                item = next->next;
                                free(next);
                        }
                        return seen;
                }
        fail_msg("no observation of kind %d", kind);
        return NULL;
}

/* ---- a client ---- */

static int dial(int type, int receive_buffer)
{
        struct sockaddr_storage storage;
        socklen_t size = address_to_sockaddr(&server_address, &storage);
        int fd = socket(AF_INET, type, 0);
        assert_true(fd >= 0);
        if (receive_buffer)
                setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof(receive_buffer));
        struct timeval patience = {.tv_sec = 20};
        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
        assert_int_equal(connect(fd, (struct sockaddr *)&storage, size), 0);
        return fd;
}

static void send_all(int fd, const void *bytes, size_t length)
{
        assert_int_equal(send(fd, bytes, length, MSG_NOSIGNAL), (ssize_t)length);
}

static size_t framed(uint8_t *bytes, uint16_t id, const uint8_t *name, uint16_t type, uint32_t serial)
{
        size_t length = request_write(bytes + 2, id, name, type, type == TYPE_IXFR, serial, true);
        write_u16(bytes, (uint16_t)length);
        return length + 2;
}

static bool receive_all(int fd, uint8_t *bytes, size_t length)
{
        for (size_t got = 0; got < length;) {
                ssize_t r = recv(fd, bytes + got, length - got, 0);
                if (r <= 0)
                        return false;
                got += (size_t)r;
        }
        return true;
}

static uint8_t message[MESSAGE_MAX_SIZE];
/* Length, or 0 at the end of the connection. */
static size_t receive_message(int fd)
{
        uint8_t length[2];
        if (!receive_all(fd, length, 2) || !receive_all(fd, message, read_u16(length)))
                return 0;
        return read_u16(length);
}

/* Until the SOA that ends it. */
static void receive_transfer(int fd, uint16_t id, const struct content *expected)
{
        struct answer answer = {.id = id};
        struct content got;
        do {
                size_t length = receive_message(fd);
                assert_true(length > 0);
                answer_take_message(&answer, message, length);
        } while (answer.count < 2 || answer.records[answer.count - 1].type != TYPE_SOA);
        apply_axfr(&answer, &got);
        struct content copy;
        content_copy(&copy, expected);
        assert_same_content(&got, &copy);
        content_free(&copy);
        content_free(&got);
        answer_free(&answer);
}

static struct request response;
static void expect_message(int fd, uint16_t id, unsigned rcode, unsigned records)
{
        size_t length = receive_message(fd);
        assert_true(length > 0);
        assert_int_equal(request_parse(message, length, true, &response), MESSAGE_OK);
        assert_int_equal(response.id, id);
        assert_int_equal(response.rcode, rcode);
        assert_int_equal(read_u16(message + 6), records);
}

static void expect_closed(int fd)
{
        uint8_t octet;
        ssize_t length = recv(fd, &octet, 1, 0);
        assert_true(length == 0 || (length < 0 && errno != EAGAIN));
        close(fd);
}

static void udp_expect(const uint8_t *name, uint16_t type, unsigned rcode, unsigned records)
{
        uint8_t bytes[1024];
        int fd = dial(SOCK_DGRAM, 0);
        size_t length = request_write(bytes, 77, name, type, type == TYPE_IXFR, 100, true);
        send_all(fd, bytes, length);
        ssize_t got = recv(fd, message, sizeof(message), 0);
        assert_true(got >= MESSAGE_HEADER_SIZE);
        assert_int_equal(request_parse(message, (size_t)got, true, &response), MESSAGE_OK);
        assert_int_equal(response.id, 77);
        assert_int_equal(response.rcode, rcode);
        assert_int_equal(read_u16(message + 6), records);
        close(fd);
}

/* ---- tests ---- */

static void test_udp(void **state)
{
        (void)state;
        server_begin(OPTIONS(""));
        uint8_t nowhere[NAME_MAX_LENGTH];
        name_make("nowhere.example.", nowhere);
        udp_expect(example, TYPE_SOA, RCODE_NOERROR, 1);
        udp_expect(example, TYPE_NS, RCODE_NOERROR, 2);
        udp_expect(example, TYPE_IXFR, RCODE_NOERROR, 1);
        udp_expect(example, TYPE_AXFR, RCODE_FORMERR, 0);
        udp_expect(example, TYPE_A, RCODE_REFUSED, 0);
        udp_expect(nowhere, TYPE_SOA, RCODE_REFUSED, 0);
        struct observation *seen = wait_observation(OBSERVED_SOA_QUERY);
        assert_int_equal(seen->serial, 101);
        assert_true(name_equal(seen->zone, example));
        assert_false(seen->signed_ok || seen->over_tcp);
        free(seen);
        assert_true(server_is_alive(server, 5 * USEC_PER_SEC));
        struct server_counters counters;
        server_counters(server, &counters);
        assert_int_equal(counters.udp_queries, 6);
        assert_int_equal(counters.refusals, 3);
        server_end();
}

/* Requests behind one another on one connection, transfers among them: answered in order, none forgotten. */
static void test_pipelining(void **state)
{
        (void)state;
        server_begin(OPTIONS(""));
        uint8_t bytes[8192];
        size_t length = 0;
        for (uint16_t round = 0; round < 3; round++) {
                uint16_t id = (uint16_t)(round * 10);
                length += framed(bytes + length, id, example, TYPE_SOA, 0);
                length += framed(bytes + length, (uint16_t)(id + 1), example, TYPE_AXFR, 0);
                length += framed(bytes + length, (uint16_t)(id + 2), big_name, TYPE_AXFR, 0);
                length += framed(bytes + length, (uint16_t)(id + 3), example, TYPE_IXFR, 100);
                length += framed(bytes + length, (uint16_t)(id + 4), example, TYPE_IXFR, 101);
                length += framed(bytes + length, (uint16_t)(id + 5), example, TYPE_A, 0);
        }
        int fd = dial(SOCK_STREAM, 0);
        send_all(fd, bytes, length);
        for (uint16_t round = 0; round < 3; round++) {
                uint16_t id = (uint16_t)(round * 10);
                expect_message(fd, id, RCODE_NOERROR, 1);
                receive_transfer(fd, (uint16_t)(id + 1), &small);
                receive_transfer(fd, (uint16_t)(id + 2), &big);
                expect_message(fd, (uint16_t)(id + 3), RCODE_NOERROR, 5);
                expect_message(fd, (uint16_t)(id + 4), RCODE_NOERROR, 1);
                expect_message(fd, (uint16_t)(id + 5), RCODE_REFUSED, 0);
        }
        /* And once more after a pause. */
        usleep(50000);
        send_all(fd, bytes, framed(bytes, 99, example, TYPE_AXFR, 0));
        receive_transfer(fd, 99, &small);
        close(fd);
        wait_log("AXFR of example.com to 127.0.0.1#");
        wait_log("IXFR of example.com to 127.0.0.1#");
        struct observation *seen = wait_observation(OBSERVED_TRANSFER);
        assert_int_equal(seen->summary.kind, TRANSFER_AXFR);
        assert_int_equal(seen->serial, 101);
        free(seen);
        server_end();
}

static void test_many_small_requests(void **state)
{
        (void)state;
        server_begin(OPTIONS(""));
        int fd = dial(SOCK_STREAM, 0);
        uint8_t bytes[100];
        for (uint16_t i = 0; i < 2000; i++)
                send_all(fd, bytes, framed(bytes, i, example, TYPE_SOA, 0));
        for (uint16_t i = 0; i < 2000; i++)
                expect_message(fd, i, RCODE_NOERROR, 1);
        close(fd);
        server_end();
}

static void test_octet_by_octet(void **state)
{
        (void)state;
        server_begin(OPTIONS(""));
        uint8_t bytes[1024], octets[2048];
        size_t length = framed(bytes, 5, example, TYPE_AXFR, 0), got = 0;
        int fd = dial(SOCK_STREAM, 0);
        for (size_t i = 0; i < length; i++) {
                send_all(fd, bytes + i, 1);
                usleep(1000);
        }
        while (got < 2 || got < 2u + read_u16(octets))
                got += (size_t)recv(fd, octets + got, 1, 0);
        struct answer answer = {.id = 5};
        answer_take_message(&answer, octets + 2, got - 2);
        assert_int_equal(answer.count, 5);
        answer_free(&answer);
        close(fd);
        server_end();
}

static void test_peers_that_misbehave(void **state)
{
        (void)state;
        server_begin(OPTIONS(""));
        uint8_t bytes[1024];
        /* No DNS: no length, less than a header, a response. */
        int fd = dial(SOCK_STREAM, 0);
        send_all(fd, "\0\0", 2);
        expect_closed(fd);
        fd = dial(SOCK_STREAM, 0);
        send_all(fd, "\0\5hello", 7);
        expect_closed(fd);
        fd = dial(SOCK_STREAM, 0);
        size_t length = framed(bytes, 1, example, TYPE_SOA, 0);
        bytes[4] |= 0x80;
        send_all(fd, bytes, length);
        expect_closed(fd);
        /* Half closed: everything asked before is answered. */
        fd = dial(SOCK_STREAM, 0);
        length = framed(bytes, 1, big_name, TYPE_AXFR, 0);
        length += framed(bytes + length, 2, example, TYPE_SOA, 0);
        send_all(fd, bytes, length);
        send_all(fd, bytes, 7); /* and a piece of a request that never ends */
        shutdown(fd, SHUT_WR);
        receive_transfer(fd, 1, &big);
        expect_message(fd, 2, RCODE_NOERROR, 1);
        expect_closed(fd);
        /* Reset in the midst of a transfer. */
        fd = dial(SOCK_STREAM, 4096);
        send_all(fd, bytes, framed(bytes, 3, big_name, TYPE_AXFR, 0));
        assert_true(receive_message(fd) > 0);
        struct linger reset = {.l_onoff = 1};
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
        close(fd);
        wait_log("AXFR of big.example to 127.0.0.1#");
        wait_log("broke off after");
        free(wait_observation(OBSERVED_TRANSFER_BROKEN));
        /* It lives. */
        udp_expect(example, TYPE_SOA, RCODE_NOERROR, 1);
        server_end();
}

static void test_tsig_failures(void **state)
{
        (void)state;
        server_begin(OPTIONS(""));
        static const struct {
                const char *key, *zone, *line;
                char fill;
                enum tsig_algorithm algorithm;
                int offset;
                unsigned rcode, error;
                uint16_t mac_bits;
        } cases[] = {
                {"k.", "example.com.", NULL, 'k', TSIG_HMAC_SHA256, 0, 0, 0, 0},
                {"nobody.", "example.com.", "(key \"nobody\"): BADKEY: no key of this name is configured",
                        'k', TSIG_HMAC_SHA256, 0, RCODE_NOTAUTH, RCODE_BADKEY, 0},
                {"k.", "example.com.", "(key \"k\"): BADSIG: the secret here and there differ", 'w',
                        TSIG_HMAC_SHA256, 0, RCODE_NOTAUTH, RCODE_BADSIG, 0},
                {"k.", "example.com.", "(key \"k\"): BADKEY: the key is hmac-sha256 here and hmac-sha1 there",
                        'k', TSIG_HMAC_SHA1, 0, RCODE_NOTAUTH, RCODE_BADKEY, 0},
                {"k.", "example.com.", "(key \"k\"): BADTIME: the peer's clock is 60", 'k', TSIG_HMAC_SHA256,
                        605, RCODE_NOTAUTH, RCODE_BADTIME, 0},
                {"k.", "example.com.", " s behind ours", 'k', TSIG_HMAC_SHA256, -600, RCODE_NOTAUTH,
                        RCODE_BADTIME, 0},
                {"k.", "example.com.", "(key \"k\"): BADTRUNC: a MAC of 16 octets", 'k', TSIG_HMAC_SHA256, 0,
                        RCODE_NOTAUTH, RCODE_BADTRUNC, 128},
                {"short.", "example.com.", NULL, 'k', TSIG_HMAC_SHA256, 0, 0, 0, 128},
                {"k.", "example.com.", "FORMERR: no MAC of this algorithm has 8 octets", 'k',
                        TSIG_HMAC_SHA256, 0, RCODE_FORMERR, 0, 64},
                {"other.", "keyed.example.", "refused AXFR of keyed.example to 127.0.0.1#", 'o',
                        TSIG_HMAC_SHA256, 0, RCODE_REFUSED, 0, 0},
                {"other.", "keyed.example.", "(key \"other\"): no element of allow-transfer matches", 'o',
                        TSIG_HMAC_SHA256, 0, RCODE_REFUSED, 0, 0},
                {"k.", "keyed.example.", NULL, 'k', TSIG_HMAC_SHA256, 0, 0, 0, 0},
        };
        for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
                uint8_t bytes[2048], zone[NAME_MAX_LENGTH];
                name_make(cases[i].zone, zone);
                struct tsig_key key = key_make(cases[i].key, cases[i].algorithm, (uint8_t)cases[i].fill);
                key.mac_bits = cases[i].mac_bits;
                struct tsig_context *ours;
                assert_int_equal(tsig_context_new(&key, &ours), 0);
                size_t length = request_write(bytes + 2, 42, zone, TYPE_AXFR, false, 0, false);
                uint64_t now = clock_realtime_usec() / USEC_PER_SEC;
                assert_int_equal(
                        tsig_sign_request(ours, bytes + 2, &length, now + (uint64_t)(int64_t)cases[i].offset),
                        0);
                write_u16(bytes, (uint16_t)length);
                int fd = dial(SOCK_STREAM, 0);
                send_all(fd, bytes, length + 2);
                length = receive_message(fd);
                assert_int_equal(request_parse(message, length, true, &response), MESSAGE_OK);
                assert_int_equal(response.rcode, cases[i].rcode);
                assert_int_equal(response.tsig.present, cases[i].rcode != RCODE_FORMERR);
                assert_int_equal(response.tsig.error, cases[i].error);
                if (cases[i].error == RCODE_BADTIME) {
                        assert_int_equal(response.tsig.other_length, 6);
                        assert_true(response.tsig.mac_length > 0);
                }
                if (cases[i].error == 0 && response.tsig.present)
                        assert_int_equal(tsig_verify_response(ours, &response, now), TSIG_OK);
                if (cases[i].line)
                        wait_log(cases[i].line);
                tsig_context_free(ours);
                close(fd);
        }
        struct observation *seen = wait_observation(OBSERVED_REFUSED);
        assert_true(name_equal(seen->zone, example));
        free(seen);
        server_end();
}

static void test_client_ahead(void **state)
{
        (void)state;
        server_begin(OPTIONS(""));
        uint8_t bytes[1024];
        int fd = dial(SOCK_STREAM, 0);
        send_all(fd, bytes, framed(bytes, 1, example, TYPE_IXFR, 5000));
        expect_message(fd, 1, RCODE_NOERROR, 1);
        struct observation *seen = wait_observation(OBSERVED_CLIENT_AHEAD);
        assert_int_equal(seen->serial, 5000);
        free(seen);
        close(fd);
        server_end();
}

static void test_connection_limits(void **state)
{
        (void)state;
        server_begin(OPTIONS("tcp-clients 4; tcp-clients-per-peer 3;"));
        uint8_t bytes[1024];
        int fds[3];
        for (unsigned i = 0; i < ARRAY_SIZE(fds); i++) {
                fds[i] = dial(SOCK_STREAM, 0);
                send_all(fds[i], bytes, framed(bytes, 1, example, TYPE_SOA, 0));
                expect_message(fds[i], 1, RCODE_NOERROR, 1);
        }
        int fd = dial(SOCK_STREAM, 0);
        send(fd, bytes, framed(bytes, 1, example, TYPE_SOA, 0), MSG_NOSIGNAL);
        expect_closed(fd); /* one too many of this peer */
        close(fds[0]);
        usleep(50000);
        fds[0] = dial(SOCK_STREAM, 0);
        send_all(fds[0], bytes, framed(bytes, 1, example, TYPE_SOA, 0));
        expect_message(fds[0], 1, RCODE_NOERROR, 1);
        for (unsigned i = 0; i < ARRAY_SIZE(fds); i++)
                close(fds[i]);
        server_end();
}

/* All places taken: the one that has been silent longest makes room. */
static void test_idle_makes_room(void **state)
{
        (void)state;
        server_begin(OPTIONS("tcp-clients 2;"));
        uint8_t bytes[1024];
        int idle[2] = {dial(SOCK_STREAM, 0), dial(SOCK_STREAM, 0)};
        for (unsigned i = 0; i < 2; i++) {
                send_all(idle[i], bytes, framed(bytes, 1, example, TYPE_SOA, 0));
                expect_message(idle[i], 1, RCODE_NOERROR, 1);
        }
        clock_shift(2 * (int64_t)USEC_PER_SEC);
        unsigned served = 0;
        for (unsigned i = 0; i < 30 && served == 0;
                i++) { /* until the kernel gives it to a thread that has an idle one */
                int fd = dial(SOCK_STREAM, 0);
                size_t length = framed(bytes, 2, example, TYPE_SOA, 0);
                if (send(fd, bytes, length, MSG_NOSIGNAL) == (ssize_t)length && receive_message(fd) > 0)
                        served++;
                close(fd);
        }
        assert_int_equal(served, 1);
        close(idle[0]);
        close(idle[1]);
        server_end();
}

static void test_idle_timeout(void **state)
{
        (void)state;
        server_begin(OPTIONS(""));
        uint8_t bytes[1024];
        int fd = dial(SOCK_STREAM, 0), trickle = dial(SOCK_STREAM, 0);
        send_all(fd, bytes, framed(bytes, 1, example, TYPE_SOA, 0));
        expect_message(fd, 1, RCODE_NOERROR, 1);
        usleep(20000);
        clock_shift(20 * (int64_t)USEC_PER_SEC);
        send_all(trickle, "\0", 1); /* octets alone are no sign of life */
        usleep(600000);
        clock_shift(11 * (int64_t)USEC_PER_SEC);
        expect_closed(fd);
        expect_closed(trickle);
        server_end();
}

static int begin_slow_transfer(uint16_t id)
{
        uint8_t bytes[1024];
        int fd = dial(SOCK_STREAM, 4096);
        send_all(fd, bytes, framed(bytes, id, big_name, TYPE_AXFR, 0));
        for (struct server_counters counters = {0}; counters.transfers_running == 0; usleep(10000))
                server_counters(server, &counters);
        usleep(100000); /* the socket is full */
        return fd;
}

static void test_transfers_out(void **state)
{
        (void)state;
        server_begin(OPTIONS("transfers-out 1;"));
        uint8_t bytes[1024];
        int slow = begin_slow_transfer(1), fd = dial(SOCK_STREAM, 0);
        send_all(fd, bytes, framed(bytes, 2, example, TYPE_AXFR, 0));
        expect_message(fd, 2, RCODE_REFUSED, 0);
        send_all(fd, bytes, framed(bytes, 3, example, TYPE_IXFR, 100));
        expect_message(fd, 3, RCODE_REFUSED, 0);
        send_all(fd, bytes, framed(bytes, 4, example, TYPE_IXFR, 101)); /* a lone SOA is no transfer */
        expect_message(fd, 4, RCODE_NOERROR, 1);
        wait_log("refused AXFR of example.com to 127.0.0.1#");
        wait_log("(no key): transfers-out is reached");
        receive_transfer(slow, 1, &big); /* the slow one is not hurt */
        send_all(fd, bytes, framed(bytes, 5, example, TYPE_AXFR, 0));
        receive_transfer(fd, 5, &small);
        close(fd);
        close(slow);
        server_end();
}

static void test_minimum_rate(void **state)
{
        (void)state;
        server_begin(OPTIONS(""));
        int slow = begin_slow_transfer(1);
        clock_shift(31 * (int64_t)USEC_PER_SEC);
        usleep(600000);
        clock_shift(31 * (int64_t)USEC_PER_SEC);
        wait_log("slower than min-transfer-rate");
        close(slow);
        server_end();
}

/* While a peer does not read, other zones are published: the transfer leaves its old view and is whole in the
 * end. */
static void test_slow_reader_and_publishes(void **state)
{
        (void)state;
        server_begin(OPTIONS(""));
        uint8_t other[NAME_MAX_LENGTH];
        struct content content = {0};
        name_make("other.example.", other);
        content_add_ns(&content, other);
        for (unsigned i = 0; i < 60; i++)
                content_add_large(&content, other, i, 60000);
        int slow = begin_slow_transfer(9);
        uint64_t begun = store_written_bytes(fixture.store);
        for (uint32_t serial = 1; store_written_bytes(fixture.store) - begun < 40u << 20; serial++)
                publish(&fixture, other, &content, NULL, NULL, serial,
                        &(struct publish_how){.begins_era = true});
        usleep(600000);
        for (unsigned i = 0; i < 5; i++)
                publish(&fixture, other, &content, NULL, NULL, 1000 + i,
                        &(struct publish_how){.begins_era = true});
        receive_transfer(slow, 9, &big);
        close(slow);
        content_free(&content);
        server_end();
}

/* The zone itself moves on: the view stays until its budget is spent, then the slow one is dropped and told.
 */
static void test_pinned_budget(void **state)
{
        (void)state;
        server_begin(OPTIONS(""));
        int slow = begin_slow_transfer(9);
        uint64_t begun = store_written_bytes(fixture.store);
        for (uint32_t serial = 8; store_written_bytes(fixture.store) - begun < 257u << 20; serial++)
                publish(&fixture, big_name, &big, NULL, NULL, serial,
                        &(struct publish_how){.begins_era = true});
        wait_log("held back more of the store than its budget");
        close(slow);
        publish(&fixture, big_name, &big, NULL, NULL, 7, &(struct publish_how){.begins_era = true});
        server_end();
}

/* A port that nobody on this machine has at any address. */
static uint16_t port_free_everywhere(void)
{
        for (;;) {
                int udp = socket(AF_INET, SOCK_DGRAM, 0), tcp = socket(AF_INET, SOCK_STREAM, 0);
                struct sockaddr_in any = {.sin_family = AF_INET};
                socklen_t length = sizeof(any);
                assert_int_equal(bind(udp, (struct sockaddr *)&any, length), 0);
                assert_int_equal(getsockname(udp, (struct sockaddr *)&any, &length), 0);
                bool is_free = bind(tcp, (struct sockaddr *)&any, length) == 0;
                close(udp);
                close(tcp);
                if (is_free)
                        return ntohs(any.sin_port);
        }
}

static void test_reconfigure(void **state)
{
        (void)state;
        const char *why = "";
        char text[2048];
        unsigned port = port_free_everywhere();
        snprintf(text, sizeof(text),
                "options { directory \"/tmp\"; listen-on port %u { 127.0.0.1; }; listen-on-v6 { none; }; "
                "};\n" BASE_CONF,
                port);
        server_begin(text);
        uint8_t bytes[1024];
        int old = dial(SOCK_STREAM, 0);
        send_all(old, bytes, framed(bytes, 1, example, TYPE_SOA, 0));
        expect_message(old, 1, RCODE_NOERROR, 1);

        snprintf(text, sizeof(text),
                "options { directory \"/tmp\"; listen-on port %u { 127.0.0.1; }; listen-on-v6 { none; }; };\n"
                "zone \"example.com\" { type primary; file \"a\"; allow-transfer { none; }; };\n",
                port);
        struct conf *closed = conf_make(text);
        assert_int_equal(server_reconfigure(server, closed, &why), 0);
        struct address kept;
        assert_int_equal(server_addresses(server, &kept, 1), 1);
        assert_true(address_and_port_equal(&kept, &server_address)); /* the listener both have stays */
        usleep(100000);
        int fd = dial(SOCK_STREAM, 0);
        send_all(fd, bytes, framed(bytes, 2, example, TYPE_AXFR, 0));
        expect_message(fd, 2, RCODE_REFUSED, 0);
        send_all(old, bytes, framed(bytes, 3, example, TYPE_AXFR, 0)); /* open before: its next request */
        expect_message(old, 3, RCODE_REFUSED, 0);
        close(fd);
        close(old);

        /* One that cannot be bound changes nothing. */
        struct conf *wrong = conf_make("options { directory \"/tmp\"; listen-on port 5399 { 192.0.2.1; }; "
                                       "listen-on-v6 { none; }; };\n");
        assert_true(server_reconfigure(server, wrong, &why) < 0);
        assert_string_equal(why, "192.0.2.1#5399");
        udp_expect(example, TYPE_SOA, RCODE_NOERROR, 1);

        /* Another address of the same port, wider than the first: the old listener goes. */
        snprintf(text, sizeof(text),
                "options { directory \"/tmp\"; listen-on port %u { any; }; listen-on-v6 { none; }; "
                "};\n" BASE_CONF,
                server_address.port);
        struct conf *wide = conf_make(text);
        if (server_reconfigure(server, wide, &why) < 0)
                fail_msg("%s", why);
        usleep(100000);
        udp_expect(example, TYPE_SOA, RCODE_NOERROR, 1);
        assert_int_equal(server_addresses(server, &kept, 1), 1);
        assert_int_equal(kept.bytes[0], 0);
        conf_unref(closed);
        conf_unref(wrong);
        conf_unref(wide);
        server_end();
}

/* Somebody else's socket at the port is an error that names it, not a sharing. */
static void test_port_taken(void **state)
{
        (void)state;
        server_begin(OPTIONS(""));
        char text[2048];
        const char *why = "";
        struct server *second = NULL;
        snprintf(text, sizeof(text),
                "options { directory \"/tmp\"; listen-on port %u { 127.0.0.1; }; listen-on-v6 { none; }; "
                "};\n",
                server_address.port);
        struct conf *taken = conf_make(text);
        struct server_options options = {.store = fixture.store, .thread_count = 2};
        assert_int_equal(server_new(&options, taken, &second, &why), -EADDRINUSE);
        assert_null(second);
        assert_non_null(strstr(why, "127.0.0.1#"));
        conf_unref(taken);
        server_end();
}

static void *read_slow_transfer(void *fd)
{
        usleep(300000);
        receive_transfer(*(int *)fd, 3, &big);
        return NULL;
}

static void test_stop_lets_transfers_end(void **state)
{
        (void)state;
        server_begin(OPTIONS(""));
        int idle = dial(SOCK_STREAM, 0), slow = begin_slow_transfer(3);
        pthread_t reader;
        assert_int_equal(pthread_create(&reader, NULL, read_slow_transfer, &slow), 0);
        server_stop(server, 20 * USEC_PER_SEC);
        pthread_join(reader, NULL);
        expect_closed(idle);
        expect_closed(slow);
        server_end();
}

static void test_inherited_sockets(void **state)
{
        (void)state;
        struct sockaddr_in any = {.sin_family = AF_INET,
                .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                .sin_port = htons(port_free_everywhere())};
        socklen_t size = sizeof(any);
        int fds[2] = {socket(AF_INET, SOCK_DGRAM, 0), socket(AF_INET, SOCK_STREAM, 0)};
        assert_int_equal(bind(fds[0], (struct sockaddr *)&any, size), 0);
        assert_int_equal(bind(fds[1], (struct sockaddr *)&any, size), 0);
        assert_int_equal(listen(fds[1], 10), 0);
        server_begin_with(
                &(struct server_options){.inherited_fds = fds, .inherited_fd_count = 2}, OPTIONS(""));
        assert_int_equal(server_address.port, ntohs(any.sin_port));
        uint8_t bytes[1024];
        for (unsigned i = 0; i < 20; i++) {
                udp_expect(example, TYPE_SOA, RCODE_NOERROR, 1);
                int fd = dial(SOCK_STREAM, 0);
                send_all(fd, bytes, framed(bytes, 1, example, TYPE_AXFR, 0));
                receive_transfer(fd, 1, &small);
                close(fd);
        }
        server_end();
        assert_true(fcntl(fds[0], F_GETFD) >= 0); /* theirs, not ours to close */
        close(fds[0]);
        close(fds[1]);
}

/* [::] as systemd gives it by default: IPv4 comes in IPv6's form, and counts as IPv4. */
static void test_inherited_dual_stack(void **state)
{
        (void)state;
        struct sockaddr_in6 any = {.sin6_family = AF_INET6, .sin6_port = htons(port_free_everywhere())};
        socklen_t size = sizeof(any);
        int fds[2] = {socket(AF_INET6, SOCK_DGRAM, 0), socket(AF_INET6, SOCK_STREAM, 0)};
        if (fds[0] < 0 || bind(fds[0], (struct sockaddr *)&any, size) < 0)
                skip();
        assert_int_equal(bind(fds[1], (struct sockaddr *)&any, size), 0);
        assert_int_equal(listen(fds[1], 10), 0);
        server_begin_with(
                &(struct server_options){.inherited_fds = fds, .inherited_fd_count = 2}, OPTIONS(""));
        assert_int_equal(address_parse("127.0.0.98", &server_address), 0);
        server_address.port = ntohs(any.sin6_port);
        uint8_t bytes[1024];
        udp_expect(example, TYPE_SOA, RCODE_NOERROR, 1);
        udp_expect(example, TYPE_IXFR, RCODE_NOERROR, 1); /* allow-transfer { 127.0.0.1; } */
        int fd = dial(SOCK_STREAM, 0);
        send_all(fd, bytes, framed(bytes, 1, example, TYPE_AXFR, 0));
        receive_transfer(fd, 1, &small);
        close(fd);
        server_end();
        close(fds[0]);
        close(fds[1]);
}

/* A wildcard listener answers from the address that was asked. */
static void test_wildcard_answers_from_the_address_asked(void **state)
{
        (void)state;
        server_begin("options { directory \"/tmp\"; listen-on port 65535 { any; }; listen-on-v6 { none; }; "
                     "};\n" BASE_CONF);
        uint16_t port = server_address.port;
        assert_int_equal(address_parse("127.0.0.99", &server_address), 0);
        server_address.port = port;
        udp_expect(example, TYPE_SOA, RCODE_NOERROR, 1); /* a connected socket takes nothing else */
        server_end();
}

/* Refusals to one peer over UDP end after a burst, and so do their log lines. */
static void test_refusals_are_bounded(void **state)
{
        (void)state;
        server_begin(OPTIONS(""));
        uint8_t bytes[1024];
        int fd = dial(SOCK_DGRAM, 0); /* one socket: one thread */
        unsigned answered = 0;
        for (uint16_t i = 0; i < 1000; i++) {
                send_all(fd, bytes, request_write(bytes, i, example, TYPE_AXFR, false, 0, true));
                if (i % 20 == 19)
                        usleep(2000);
        }
        usleep(100000);
        while (recv(fd, message, sizeof(message), MSG_DONTWAIT) > 0)
                answered++;
        assert_in_range(answered, 100, 110);
        close(fd);
        unsigned lines = 0;
        pthread_mutex_lock(&log_mutex);
        for (const char *at = buffer_text(&log_text); (at = strstr(at, "AXFR over UDP")); at++)
                lines++;
        pthread_mutex_unlock(&log_mutex);
        assert_in_range(lines, 100, 105);
        server_end();
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_udp),
                cmocka_unit_test(test_pipelining),
                cmocka_unit_test(test_many_small_requests),
                cmocka_unit_test(test_octet_by_octet),
                cmocka_unit_test(test_peers_that_misbehave),
                cmocka_unit_test(test_tsig_failures),
                cmocka_unit_test(test_client_ahead),
                cmocka_unit_test(test_connection_limits),
                cmocka_unit_test(test_idle_makes_room),
                cmocka_unit_test(test_idle_timeout),
                cmocka_unit_test(test_transfers_out),
                cmocka_unit_test(test_minimum_rate),
                cmocka_unit_test(test_slow_reader_and_publishes),
                cmocka_unit_test(test_pinned_budget),
                cmocka_unit_test(test_reconfigure),
                cmocka_unit_test(test_port_taken),
                cmocka_unit_test(test_stop_lets_transfers_end),
                cmocka_unit_test(test_inherited_sockets),
                cmocka_unit_test(test_inherited_dual_stack),
                cmocka_unit_test(test_wildcard_answers_from_the_address_asked),
                cmocka_unit_test(test_refusals_are_bounded),
        };
        return cmocka_run_group_tests(tests, prepare, put_away);
}
