/* Drains transfers at little cost of its own, so that the server is what is measured.
 *
 *      transfers [-c PARALLEL] [-n TOTAL] [-i SERIAL] [-k KEY:HEXSECRET] [-t SECONDS] SERVER:PORT ZONE
 *
 * AXFR, or IXFR from SERIAL, a TCP connection each, PARALLEL at a time, from addresses that take turns. -k
 * signs the query (hmac-sha256); the MACs of the answers are not checked here, other tests do that. Of an
 * AXFR only the first message is read record by record: its end is where the twenty octets that end the SOA
 * come again. One line of JSON. */
#include "wire.h"

#include <netinet/tcp.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <sys/epoll.h>

struct client {
        int fd;
        bool is_sent;
        size_t have;
        struct answer answer;
        uint8_t soa_end[20];
        double begun;
        uint8_t *buffer;
};

#define BUFFER_SIZE (512 * 1024)
#define SOURCES 50 /* 127.0.3.1 and on */

static struct sockaddr_in server;
static int epoll_fd;
static uint8_t query[1024];
static size_t query_length;
static bool is_ixfr;
static uint32_t asked;
static long started;

static uint8_t *put_tsig_variables(uint8_t *at, uint64_t time_signed)
{
        at = put_name(at, "hmac-sha256");
        return put16(put32(put16(at, (unsigned)(time_signed >> 32)), (uint32_t)time_signed), 300);
}

/* RFC 8945 s.4.3.3. `message` ends at `end`; returns the new end. */
static uint8_t *sign(uint8_t *message, uint8_t *end, char *key)
{
        uint8_t digested[1024], mac[32], secret[64];
        char *hex = strchr(key, ':');
        size_t secret_length = 0;
        if (!hex) {
                fprintf(stderr, "-k KEY:HEXSECRET\n");
                exit(2);
        }
        *hex++ = '\0';
        for (unsigned octet;
                secret_length < sizeof(secret) && sscanf(hex + 2 * secret_length, "%2x", &octet) == 1;)
                secret[secret_length++] = (uint8_t)octet;
        uint64_t time_signed = (uint64_t)time(NULL);
        memcpy(digested, message, (size_t)(end - message));
        uint8_t *at = put_name(digested + (end - message), key);
        at = put32(
                put_tsig_variables(put32(put16(at, 255), 0), time_signed), 0); /* no error, no other data */
        HMAC(EVP_sha256(), secret, (int)secret_length, digested, (size_t)(at - digested), mac, NULL);

        end = put32(put16(put16(put_name(end, key), TYPE_TSIG), 255), 0);
        uint8_t *length_at = end;
        end = put16(put_tsig_variables(end + 2, time_signed), sizeof(mac));
        memcpy(end, mac, sizeof(mac));
        end = put16(put32(end + sizeof(mac), get16(message) << 16), 0);
        put16(length_at, (unsigned)(end - length_at - 2));
        put16(message + 10, 1);
        return end;
}

static void client_begin(struct client *client)
{
        struct sockaddr_in from = {
                .sin_family = AF_INET, .sin_addr.s_addr = htonl(0x7f000301u + (uint32_t)(started % SOURCES))};
        int on = 1;
        client->fd = must(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), "socket");
        setsockopt(client->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on));
        setsockopt(client->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
        must(bind(client->fd, (struct sockaddr *)&from, sizeof(from)), "bind");
        if (connect(client->fd, (struct sockaddr *)&server, sizeof(server)) < 0 && errno != EINPROGRESS)
                fail("connect");
        client->have = 0;
        client->is_sent = false;
        client->begun = now_sec();
        client->answer = (struct answer){.is_ixfr = is_ixfr, .asked = asked};
        struct epoll_event event = {.events = EPOLLOUT, .data.ptr = client};
        must(epoll_ctl(epoll_fd, EPOLL_CTL_ADD, client->fd, &event), "epoll_ctl");
        started++;
}

/* The SOA of the first message: header, question, owner, ten octets, rdata. */
static void soa_end_find(struct client *client, const uint8_t *message, size_t length)
{
        const uint8_t *end = message + length, *at = message + 12;
        if (get16(message + 4) == 1)
                at = skip_name(at, end) + 4;
        at = skip_name(at, end);
        memcpy(client->soa_end, at + 10 + get16(at + 8) - 20, 20);
}

/* An AXFR's messages behind the first: counted, and looked at near their ends. */
static void axfr_message(struct client *client, const uint8_t *message, size_t length)
{
        struct answer *answer = &client->answer;
        if (answer->messages == 0) {
                answer_message(answer, message, length);
                if (!answer->fault)
                        soa_end_find(client, message, length);
                return;
        }
        size_t tail = length < 400 ? length : 400;
        answer->messages++;
        answer->records += length >= 12 ? get16(message + 6) : 0;
        if (length < 12 || (message[3] & 15))
                answer->fault = "an RCODE";
        else
                answer->is_done = memmem(message + length - tail, tail, client->soa_end, 20) != NULL;
}

static void axfr_take(struct client *client)
{
        size_t at = 0;
        while (client->have - at >= 2 && client->have - at - 2 >= get16(client->buffer + at) &&
                !client->answer.fault) {
                size_t length = get16(client->buffer + at);
                axfr_message(client, client->buffer + at + 2, length);
                client->answer.bytes += 2 + length;
                at += 2 + length;
        }
        client->have -= at;
        memmove(client->buffer, client->buffer + at, client->have);
}

/* True when the transfer is at its end. */
static bool client_ready(struct client *client)
{
        if (!client->is_sent) {
                if (write(client->fd, query, query_length) != (ssize_t)query_length)
                        fail("connect or write");
                client->is_sent = true;
                struct epoll_event event = {.events = EPOLLIN, .data.ptr = client};
                must(epoll_ctl(epoll_fd, EPOLL_CTL_MOD, client->fd, &event), "epoll_ctl");
                return false;
        }
        ssize_t n = read(client->fd, client->buffer + client->have, BUFFER_SIZE - client->have);
        if (n < 0 && errno == EAGAIN)
                return false;
        if (n <= 0) {
                fprintf(stderr, "closed early, behind %lu records\n", (unsigned long)client->answer.records);
                exit(1);
        }
        client->have += (size_t)n;
        if (is_ixfr)
                client->have = answer_stream(&client->answer, client->buffer, client->have);
        else
                axfr_take(client);
        if (client->answer.fault) {
                fprintf(stderr, "%s, behind %lu records\n", client->answer.fault,
                        (unsigned long)client->answer.records);
                exit(1);
        }
        return client->answer.is_done;
}

int main(int count, char **words)
{
        long parallel = 1, total = 0, done = 0;
        double seconds = 60;
        char *key = NULL;
        struct answer last = {0};
        uint64_t bytes = 0, messages = 0, records = 0;
        for (int option; (option = getopt(count, words, "c:n:i:k:t:")) != -1;) {
                switch (option) {
                case 'c':
                        parallel = atol(optarg);
                        break;
                case 'n':
                        total = atol(optarg);
                        break;
                case 'i':
                        is_ixfr = true;
                        asked = (uint32_t)strtoul(optarg, NULL, 10);
                        break;
                case 'k':
                        key = optarg;
                        break;
                case 't':
                        seconds = atof(optarg);
                        break;
                default:
                        return 2;
                }
        }
        if (count - optind != 2) {
                fprintf(stderr, "usage: transfers [-c PARALLEL] [-n TOTAL] [-i SERIAL] [-k KEY:HEX] [-t "
                                "SECONDS] SERVER:PORT ZONE\n");
                return 2;
        }
        total = total < parallel ? parallel : total;
        server = address_parse(words[optind]);
        uint8_t *end =
                put_query(query + 2, 0x6263, words[optind + 1], is_ixfr ? TYPE_IXFR : TYPE_AXFR, asked);
        if (key)
                end = sign(query + 2, end, key);
        query_length = (size_t)(end - query);
        put16(query, (unsigned)(query_length - 2));

        epoll_fd = must(epoll_create1(EPOLL_CLOEXEC), "epoll");
        struct client *clients = calloc((size_t)parallel, sizeof(*clients));
        double *took = calloc((size_t)total, sizeof(*took)), begun = now_sec();
        for (long i = 0; i < parallel; i++) {
                clients[i].buffer = malloc(BUFFER_SIZE);
                client_begin(&clients[i]);
        }
        while (done < total) {
                struct epoll_event events[256];
                int n = epoll_wait(epoll_fd, events, 256, 1000);
                if (now_sec() - begun > seconds) {
                        fprintf(stderr, "%ld of %ld in %.0f s\n", done, total, seconds);
                        return 1;
                }
                for (int i = 0; i < n; i++) {
                        struct client *client = events[i].data.ptr;
                        if (!client_ready(client))
                                continue;
                        took[done++] = (now_sec() - client->begun) * 1e3;
                        last = client->answer;
                        bytes += last.bytes;
                        messages += last.messages;
                        records += last.records;
                        close(client->fd);
                        if (started < total)
                                client_begin(client);
                }
        }
        double wall = now_sec() - begun;
        qsort(took, (size_t)total, sizeof(*took), by_value);
        printf("{\"transfers\": %ld, \"seconds\": %.6f, \"bytes\": %lu, \"messages\": %lu, \"records\": %lu, "
               "\"records_per_sec\": %.0f, "
               "\"bytes_per_sec\": %.0f, \"transfers_per_sec\": %.1f, \"p50_ms\": %.3f, \"p99_ms\": %.3f, "
               "\"serial\": %u, \"form\": \"%s\", "
               "\"client_cpu\": %.4f}\n",
                total, wall, (unsigned long)bytes, (unsigned long)messages, (unsigned long)records,
                (double)records / wall, (double)bytes / wall, (double)total / wall,
                percentile(took, (size_t)total, 0.5), percentile(took, (size_t)total, 0.99), last.serial,
                is_ixfr ? answer_form(&last) : "whole", own_cpu_sec());
        return 0;
}
