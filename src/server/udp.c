/* UDP: a batch of datagrams in, a batch of answers out, one view of the store for all of them. On a serving
 * thread, with its own batch; nothing is allocated for an unsigned SOA query. */
#include "base/clock.h"
#include "server/state.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define BATCH 32
#define BATCHES_A_TURN 8
#define REQUEST_MAX 4096
#define ANSWER_MAX                                                                                           \
        (REQUEST_MAX + 1024) /* answer_udp_limit: no more than what was asked and a MAC, or 1,232 */
#define CONTROL_SIZE 64

struct datagram {
        uint8_t request[REQUEST_MAX];
        uint8_t answer[ANSWER_MAX];
        struct sockaddr_storage peer;
        _Alignas(struct cmsghdr) uint8_t control[CONTROL_SIZE];
        struct iovec in, out;
};

struct udp_batch {
        struct mmsghdr requests[BATCH], answers[BATCH];
        struct datagram datagrams[BATCH];
};

int udp_batch_new(struct udp_batch **ret_batch)
{
        struct udp_batch *batch = calloc(1, sizeof(*batch));
        if (!batch)
                return -ENOMEM;
        *ret_batch = batch;
        return 0;
}

struct udp_batch *udp_batch_free(struct udp_batch *batch)
{
        free(batch);
        return NULL;
}

static void batch_prepare(struct udp_batch *batch)
{
        for (unsigned i = 0; i < BATCH; i++) {
                struct datagram *datagram = &batch->datagrams[i];
                datagram->in = (struct iovec){datagram->request, sizeof(datagram->request)};
                batch->requests[i].msg_hdr = (struct msghdr){
                        .msg_name = &datagram->peer,
                        .msg_namelen = sizeof(datagram->peer),
                        .msg_iov = &datagram->in,
                        .msg_iovlen = 1,
                        .msg_control = datagram->control,
                        .msg_controllen = sizeof(datagram->control),
                };
        }
}

/* Reads the address that was asked, and leaves in the control octets what makes the answer come from it. The
 * interface is the route's choice, but for link-local addresses. */
static void asked_address(struct msghdr *message, struct address *ret_address)
{
        *ret_address = (struct address){0};
        for (struct cmsghdr *control = CMSG_FIRSTHDR(message); control;
                control = CMSG_NXTHDR(message, control)) {
                if (control->cmsg_level == IPPROTO_IP && control->cmsg_type == IP_PKTINFO) {
                        struct in_pktinfo info;
                        memcpy(&info, CMSG_DATA(control), sizeof(info));
                        info.ipi_ifindex = 0;
                        memcpy(CMSG_DATA(control), &info, sizeof(info));
                        ret_address->family = AF_INET;
                        memcpy(ret_address->bytes, &info.ipi_spec_dst, 4);
                } else if (control->cmsg_level == IPPROTO_IPV6 && control->cmsg_type == IPV6_PKTINFO) {
                        struct in6_pktinfo info;
                        memcpy(&info, CMSG_DATA(control), sizeof(info));
                        if (!IN6_IS_ADDR_LINKLOCAL(&info.ipi6_addr))
                                info.ipi6_ifindex = 0;
                        memcpy(CMSG_DATA(control), &info, sizeof(info));
                        /* A socket of systemd's may take both families: then it is an IPv4 address in IPv6's
                         * form. */
                        struct sockaddr_in6 asked = {.sin6_family = AF_INET6, .sin6_addr = info.ipi6_addr};
                        address_from_sockaddr((struct sockaddr *)&asked, ret_address);
                }
        }
}

/* Length of the answer, or 0. */
static size_t datagram_answer(
        struct thread *thread, struct mmsghdr *request, struct datagram *datagram, uint64_t now)
{
        struct query query = {
                .conf = thread->conf,
                .read = thread->read,
                .now_sec = now,
        };
        struct address asked;
        counter_add(&thread->counters.udp_queries, 1);
        if (request->msg_hdr.msg_flags & MSG_TRUNC ||
                address_from_sockaddr((struct sockaddr *)&datagram->peer, &query.peer) < 0 ||
                query.peer.port == 0) {
                counter_add(&thread->counters.dropped, 1);
                return 0;
        }
        asked_address(&request->msg_hdr, &asked);
        query.peer_is_local = address_is_loopback(&query.peer) || address_equal(&asked, &query.peer);
        serve_decide(thread, &query, datagram->request, request->msg_len);
        size_t length = 0;
        if (query.verdict != QUERY_DROP)
                length = answer_write(&query, thread->render, datagram->answer, answer_udp_limit(&query));
        tsig_context_free(query.tsig);
        return length;
}

/* Sends what it can; what the socket does not take is dropped, as the net would. */
static void answers_send(struct thread *thread, int fd, struct mmsghdr *answers, unsigned count)
{
        for (unsigned at = 0; at < count;) {
                int sent = sendmmsg(fd, answers + at, count - at, MSG_DONTWAIT | MSG_NOSIGNAL);
                if (sent > 0) {
                        at += (unsigned)sent;
                        continue;
                }
                if (sent < 0 && errno == EINTR)
                        continue;
                if (sent < 0 && (errno == EAGAIN || errno == ENOBUFS)) {
                        counter_add(&thread->counters.dropped, count - at);
                        return;
                }
                counter_add(&thread->counters.dropped, 1);
                at++; /* this one has no way to go */
        }
}

static bool batch_serve(struct thread *thread, int fd)
{
        struct udp_batch *batch = thread->udp;
        batch_prepare(batch);
        int received = recvmmsg(fd, batch->requests, BATCH, MSG_DONTWAIT, NULL);
        if (received <= 0)
                return false;
        store_read_renew(thread->read);
        uint64_t now = clock_realtime_usec() / USEC_PER_SEC;
        unsigned count = 0;
        for (unsigned i = 0; i < (unsigned)received; i++) {
                struct datagram *datagram = &batch->datagrams[i];
                size_t length = datagram_answer(thread, &batch->requests[i], datagram, now);
                if (length == 0)
                        continue;
                datagram->out = (struct iovec){datagram->answer, length};
                batch->answers[count] = batch->requests[i];
                batch->answers[count].msg_hdr.msg_iov = &datagram->out;
                batch->answers[count++].msg_hdr.msg_flags = 0;
        }
        answers_send(thread, fd, batch->answers, count);
        return received == BATCH;
}

void udp_serve(struct thread *thread, struct listen_socket *socket)
{
        for (unsigned i = 0; i < BATCHES_A_TURN && batch_serve(thread, socket->fd); i++)
                ;
}
