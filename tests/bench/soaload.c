/* SOA queries over UDP, as many as the server takes or at a pace.
 *
 *      soaload [-t SECONDS] [-s SOCKETS] [-q IN_FLIGHT] SERVER:PORT ZONE
 *      soaload [-t SECONDS] [-s SOCKETS] -r RATE SERVER:PORT ZONE
 *
 * The first keeps IN_FLIGHT queries under way on each socket; the second sends RATE a second in all and tells
 * their latencies. Every socket has a source port of its own, so that a server with a socket for each thread
 * gets work on all of them. An ID names the query within its socket. One thread; queries and answers go in
 * batches, so that the server is what is measured. One line of JSON. */
#include "wire.h"

#include <poll.h>

enum { BATCH = 32, SOCKETS = 64, ANSWER_SIZE = 512, IDS = 65536 };

struct stream {
        int fd;
        unsigned next_id;
        size_t in_flight;
        double heard_at;
};

static struct stream streams[SOCKETS];
static size_t stream_count = 16, in_flight_wanted = 16;
static uint8_t query[600];
static size_t query_length;
static uint64_t sent, answered, lost, wrong;
static double *latencies, *sent_at; /* of a paced run: by answer; by socket and ID */
static size_t latency_count, latency_room;

static bool is_right(const uint8_t *answer, size_t length)
{
        return length >= query_length && (answer[2] & 0x84) == 0x84 && (answer[3] & 15) == 0 &&
               get16(answer + 6) == 1;
}

static void stream_open(struct stream *stream, const struct sockaddr_in *server)
{
        int room = 4 << 20;
        stream->fd = must(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), "socket");
        setsockopt(stream->fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room));
        must(connect(stream->fd, (const struct sockaddr *)server, sizeof(*server)), "connect");
        stream->heard_at = now_sec();
}

static void stream_send(struct stream *stream, size_t count)
{
        uint8_t heads[BATCH][2];
        struct iovec parts[BATCH][2];
        struct mmsghdr messages[BATCH] = {0};
        for (size_t i = 0; i < count; i++) {
                put16(heads[i], (stream->next_id + (unsigned)i) & 0xffff);
                parts[i][0] = (struct iovec){.iov_base = heads[i], .iov_len = 2};
                parts[i][1] = (struct iovec){.iov_base = query + 2, .iov_len = query_length - 2};
                messages[i].msg_hdr = (struct msghdr){.msg_iov = parts[i], .msg_iovlen = 2};
        }
        int n = sendmmsg(stream->fd, messages, (unsigned)count, 0);
        if (n < 0 && errno != EAGAIN && errno != ECONNREFUSED)
                fail("sendmmsg");
        if (n > 0) {
                stream->next_id += (unsigned)n;
                stream->in_flight += (size_t)n;
                sent += (uint64_t)n;
        }
}

static void latency_note(const struct stream *stream, const uint8_t *answer, double now)
{
        double *then = &sent_at[(size_t)(stream - streams) * IDS + get16(answer)];
        if (*then > 0 && latency_count < latency_room)
                latencies[latency_count++] = (now - *then) * 1e6;
        *then = 0;
}

static void stream_receive(struct stream *stream)
{
        static uint8_t answers[BATCH][ANSWER_SIZE];
        struct iovec parts[BATCH];
        struct mmsghdr messages[BATCH] = {0};
        for (size_t i = 0; i < BATCH; i++) {
                parts[i] = (struct iovec){.iov_base = answers[i], .iov_len = ANSWER_SIZE};
                messages[i].msg_hdr = (struct msghdr){.msg_iov = &parts[i], .msg_iovlen = 1};
        }
        int n = recvmmsg(stream->fd, messages, BATCH, MSG_DONTWAIT, NULL);
        if (n <= 0)
                return;
        stream->heard_at = now_sec();
        for (int i = 0; i < n; i++) {
                if (!is_right(answers[i], messages[i].msg_len))
                        wrong++;
                else
                        answered++;
                if (latencies)
                        latency_note(stream, answers[i], stream->heard_at);
        }
        stream->in_flight -= (size_t)n < stream->in_flight ? (size_t)n : stream->in_flight;
}

/* What was not answered in a fifth of a second is lost, and sent again as another. */
static void stream_refill(struct stream *stream, double now)
{
        if (stream->in_flight > 0 && now - stream->heard_at > 0.2) {
                lost += stream->in_flight;
                stream->in_flight = 0;
                stream->heard_at = now;
        }
        size_t missing = in_flight_wanted - stream->in_flight;
        if (missing >= (in_flight_wanted + 1) / 2)
                stream_send(stream, missing < BATCH ? missing : BATCH);
}

static void flood(struct pollfd *polled, double until)
{
        for (double now; (now = now_sec()) < until;) {
                for (size_t i = 0; i < stream_count; i++)
                        stream_refill(&streams[i], now);
                poll(polled, stream_count, 10);
                for (size_t i = 0; i < stream_count; i++)
                        if (polled[i].revents)
                                stream_receive(&streams[i]);
        }
}

/* A query that is late is sent at once, and its latency counts from when it was due: a stall is seen by all
 * that it held up. */
static void pace(struct pollfd *polled, double until, double rate)
{
        double due = now_sec();
        size_t turn = 0;
        for (double now; (now = now_sec()) < until;) {
                for (; due <= now; due += 1 / rate, turn = (turn + 1) % stream_count) {
                        sent_at[turn * IDS + (streams[turn].next_id & 0xffff)] = due;
                        stream_send(&streams[turn], 1);
                }
                struct timespec wait = {.tv_nsec = (long)((due - now) * 1e9)};
                ppoll(polled, stream_count, &wait, NULL);
                for (size_t i = 0; i < stream_count; i++)
                        if (polled[i].revents)
                                stream_receive(&streams[i]);
        }
}

int main(int count, char **words)
{
        double seconds = 3, rate = 0;
        for (int option; (option = getopt(count, words, "t:s:q:r:")) != -1;) {
                switch (option) {
                case 't':
                        seconds = atof(optarg);
                        break;
                case 's':
                        stream_count = (size_t)atol(optarg);
                        break;
                case 'q':
                        in_flight_wanted = (size_t)atol(optarg);
                        break;
                case 'r':
                        rate = atof(optarg);
                        break;
                default:
                        return 2;
                }
        }
        if (count - optind != 2 || stream_count < 1 || stream_count > SOCKETS || in_flight_wanted < 1) {
                fprintf(stderr, "usage: soaload [-t SECONDS] [-s SOCKETS] [-q IN_FLIGHT | -r RATE] "
                                "SERVER:PORT ZONE\n");
                return 2;
        }
        struct sockaddr_in server = address_parse(words[optind]);
        query_length = (size_t)(put_query(query, 0, words[optind + 1], TYPE_SOA, 0) - query);
        struct pollfd polled[SOCKETS];
        for (size_t i = 0; i < stream_count; i++) {
                stream_open(&streams[i], &server);
                polled[i] = (struct pollfd){.fd = streams[i].fd, .events = POLLIN};
        }
        double begun = now_sec();
        if (rate > 0) {
                latency_room = (size_t)(rate * seconds) + 1000;
                latencies = calloc(latency_room, sizeof(*latencies));
                sent_at = calloc(stream_count * IDS, sizeof(*sent_at));
                pace(polled, begun + seconds, rate);
        } else {
                flood(polled, begun + seconds);
        }
        double wall = now_sec() - begun;
        qsort(latencies, latency_count, sizeof(*latencies), by_value);
        printf("{\"seconds\": %.3f, \"sent\": %lu, \"answers\": %lu, \"answers_per_sec\": %.0f, \"lost\": "
               "%lu, \"wrong\": %lu, "
               "\"client_cpu\": %.4f",
                wall, (unsigned long)sent, (unsigned long)answered, (double)answered / wall,
                (unsigned long)lost, (unsigned long)wrong, own_cpu_sec());
        if (rate > 0)
                printf(", \"p50_us\": %.1f, \"p99_us\": %.1f, \"p999_us\": %.1f, \"max_us\": %.1f",
                        percentile(latencies, latency_count, 0.5), percentile(latencies, latency_count, 0.99),
                        percentile(latencies, latency_count, 0.999), percentile(latencies, latency_count, 1));
        printf("}\n");
        return 0;
}
