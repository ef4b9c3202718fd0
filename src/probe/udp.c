/* A probe's datagrams and their answers. Main loop.
 *
 * Each sending has an ID, a socket and, where it is signed, a MAC of its own; answers to any of them count. A
 * wrong TSIG over UDP may be anybody's: the question then goes over TCP, whose answer cannot be forged from
 * the side. */
#include "probe/state.h"

#include "base/arena.h"
#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fault.h"
#include "base/random.h"

#include <errno.h>

#define ID_TRIES 16

static void exchange_close(struct exchange *exchange)
{
        if (exchange->key.socket_id == 0)
                return;
        struct prober *prober = exchange->probe->prober;
        table_remove(&prober->exchanges, &exchange->key, sizeof(exchange->key));
        tsig_context_free(exchange->context);
        *exchange = (struct exchange){0};
}

void probe_udp_close(struct probe *probe)
{
        for (unsigned i = 0; i < PROBE_UDP_TRIES_MAX; i++)
                exchange_close(&probe->exchanges[i]);
}

/* A random ID that no other question on this way waits with. */
static int exchange_open(struct probe *probe, struct exchange *exchange, uint32_t socket_id)
{
        struct table *exchanges = &probe->prober->exchanges;
        for (unsigned i = 0; i < ID_TRIES; i++) {
                uint16_t id = (uint16_t)random_below(0x10000);
                struct exchange_key key = exchange_key_of(&probe->question.server, socket_id, id);
                if (table_get(exchanges, &key, sizeof(key)))
                        continue;
                *exchange = (struct exchange){.probe = probe, .key = key};
                int r = table_put(exchanges, &exchange->key, sizeof(exchange->key), exchange, NULL);
                if (r < 0)
                        *exchange = (struct exchange){0};
                return r;
        }
        return -EAGAIN;
}

static int build(struct probe *probe, struct exchange *exchange, uint8_t *bytes, size_t *ret_length)
{
        const struct probe_question *question = &probe->question;
        *ret_length = probe_message_build(bytes, exchange->key.id, probe->name, question->type,
                !probe->without_edns, question->wants_nsid);
        if (!question->key)
                return 0;
        int r = tsig_context_new(question->key, &exchange->context);
        if (r < 0)
                return r;
        return tsig_sign_request(exchange->context, bytes, ret_length, clock_realtime_usec() / USEC_PER_SEC);
}

/* Whether an errno says that no datagram gets there from here; others are a lost datagram's. */
static bool is_unreachable(int error)
{
        return error == ENETUNREACH || error == EHOSTUNREACH || error == EAFNOSUPPORT || error == EINVAL;
}

static int send_datagram(struct probe *probe, struct exchange *exchange)
{
        uint8_t bytes[PROBE_MESSAGE_MAX];
        size_t length;
        struct udp_socket *from;
        struct sockaddr_storage to;
        int r = udp_pools_pick(
                probe->prober->pools, probe->question.server.family, &probe->question.source, &from);
        if (r < 0)
                return r;
        r = exchange_open(probe, exchange, udp_socket_id(from));
        if (r < 0)
                return r;
        r = build(probe, exchange, bytes, &length);
        if (r < 0)
                return r;
        r = fault_point("probe-send");
        if (r < 0)
                return r;
        exchange->sent_usec = clock_monotonic_usec();
        socklen_t to_length = address_to_sockaddr(&probe->question.server, &to);
        if (sendto(udp_socket_fd(from), bytes, length, MSG_DONTWAIT, (struct sockaddr *)&to, to_length) < 0 &&
                is_unreachable(errno)) {
                probe_end_with(probe, PROBE_UNREACHABLE, -errno);
                return 1;
        }
        return 0;
}

void probe_udp_send(struct probe *probe)
{
        unsigned tries = probe->sent_count;
        struct exchange *exchange = &probe->exchanges[tries];
        exchange_close(exchange);
        int r = send_datagram(probe, exchange);
        if (r < 0)
                probe_end_with(probe, PROBE_NOT_SENT, r);
        if (r != 0)
                return;
        probe->sent_count++;
        probe_wait(probe, probe->question.udp_wait_usec << tries);
}

void probe_udp_received(
        void *context, uint32_t socket_id, const struct address *from, const uint8_t *bytes, size_t length)
{
        struct prober *prober = context;
        if (length < MESSAGE_HEADER_SIZE)
                return;
        uint16_t id = read_u16(bytes);
        struct exchange_key key = exchange_key_of(from, socket_id, id);
        struct exchange *exchange = table_get(&prober->exchanges, &key, sizeof(key));
        if (!exchange)
                return;
        CLEANUP(arena_free) struct arena arena = {0};
        struct probe *probe = exchange->probe;
        struct probe_answer answer;
        int r = probe_judge(bytes, length, id, probe->name, probe->question.type, exchange->context,
                clock_realtime_usec() / USEC_PER_SEC, &arena, &answer);
        if (r < 0) {
                probe_end_with(probe, PROBE_NOT_SENT, r);
                return;
        }
        switch ((enum probe_judged)r) {
        case JUDGED_COUNTS:
                probe_answered(probe, &answer, exchange->sent_usec);
                return;
        case JUDGED_TRUNCATED:
                probe_go_tcp(probe);
                return;
        case JUDGED_BAD_TSIG:
                probe_note_bad_tsig(probe, &answer);
                probe_go_tcp(probe);
                return;
        case JUDGED_IGNORED:
                return;
        }
}
