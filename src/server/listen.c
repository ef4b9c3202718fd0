/* Sockets to listen on. Main thread; each is then handed to the serving thread that owns it.
 *
 * Every thread has a UDP and a TCP socket of its own at one address (SO_REUSEPORT: the kernel spreads). The
 * first is bound without the option, so that somebody else's socket at that port is an error and not a
 * sharing. */
#include "base/cleanup.h"
#include "server/state.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdlib.h>

#define BACKLOG 1024
#define UDP_BUFFER_BYTES (4 << 20)
#define PORT_TRIES 16

struct listen_socket *listen_socket_free(struct listen_socket *socket)
{
        if (socket) {
                if (!socket->is_inherited && socket->fd >= 0)
                        close(socket->fd);
                free(socket);
        }
        return NULL;
}

DEFINE_CLEANUP(struct listen_socket *, listen_socket_free);

static int option_set(int fd, int level, int name, int value)
{
        return setsockopt(fd, level, name, &value, sizeof(value)) < 0 ? -errno : 0;
}

/* The address asked is the address that answers, whatever of ours that is; and no answer is a fragment, nor
 * does a forged "packet too big" make it one (IP_PMTUDISC_OMIT). */
static int udp_options_set(int fd, sa_family_t family)
{
        option_set(fd, SOL_SOCKET, SO_RCVBUF, UDP_BUFFER_BYTES);
        option_set(
                fd, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_OMIT); /* also where IPv6's socket takes IPv4 */
        if (family == AF_INET6) {
                option_set(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_OMIT);
                return option_set(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
        }
        return option_set(fd, IPPROTO_IP, IP_PKTINFO, 1);
}

/* What an accepted connection takes over from the socket that listens. */
static int tcp_options_set(int fd)
{
        return option_set(fd, IPPROTO_TCP, TCP_NODELAY, 1);
}

static int bound_address(int fd, struct address *ret_address)
{
        struct sockaddr_storage storage;
        socklen_t size = sizeof(storage);
        if (getsockname(fd, (struct sockaddr *)&storage, &size) < 0)
                return -errno;
        return address_from_sockaddr((struct sockaddr *)&storage, ret_address);
}

static int socket_bind(int fd, const struct address *address, bool is_tcp, bool is_shared)
{
        int r = 0;
        if (address->family == AF_INET6)
                r = option_set(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
        if (r == 0 && is_tcp)
                r = option_set(
                        fd, SOL_SOCKET, SO_REUSEADDR, 1); /* past connections in TIME_WAIT do not count */
        if (r == 0 && is_shared)
                r = option_set(fd, SOL_SOCKET, SO_REUSEPORT, 1);
        if (r < 0)
                return r;
        struct sockaddr_storage storage;
        socklen_t size = address_to_sockaddr(address, &storage);
        if (bind(fd, (struct sockaddr *)&storage, size) < 0)
                return -errno;
        if (!is_shared)
                r = option_set(fd, SOL_SOCKET, SO_REUSEPORT, 1);
        if (r == 0 && is_tcp && listen(fd, BACKLOG) < 0)
                r = -errno;
        return r;
}

static int socket_open(const struct address *address, bool is_tcp, bool is_shared, unsigned listener,
        struct listen_socket **ret_socket)
{
        CLEANUP(listen_socket_free_later) struct listen_socket *socket_ = calloc(1, sizeof(*socket_));
        if (!socket_)
                return -ENOMEM;
        int type = (is_tcp ? SOCK_STREAM : SOCK_DGRAM) | SOCK_NONBLOCK | SOCK_CLOEXEC;
        socket_->fd = socket(address->family, type, 0);
        if (socket_->fd < 0)
                return -errno;
        socket_->watched = is_tcp ? WATCHED_TCP_LISTENER : WATCHED_UDP;
        socket_->listener = listener;
        int r = is_tcp ? tcp_options_set(socket_->fd) : udp_options_set(socket_->fd, address->family);
        if (r == 0)
                r = socket_bind(socket_->fd, address, is_tcp, is_shared);
        if (r == 0)
                r = bound_address(socket_->fd, &socket_->bound);
        if (r < 0)
                return r;
        *ret_socket = TAKE(socket_);
        return 0;
}

static int open_all(const struct address *address, bool is_shared, unsigned listener, unsigned thread_count,
        struct listen_socket **ret_sockets, struct address *ret_bound)
{
        struct address bound = *address;
        unsigned count = 2 * thread_count;
        for (unsigned i = 0; i < count; i++) {
                int r = socket_open(&bound, i % 2, is_shared || i >= 2, listener, &ret_sockets[i]);
                if (r < 0) {
                        while (i-- > 0)
                                ret_sockets[i] = listen_socket_free(ret_sockets[i]);
                        return r;
                }
                bound.port = ret_sockets[i]->bound.port;
        }
        *ret_bound = bound;
        return 0;
}

int listen_open(const struct address *address, bool is_shared, unsigned listener, unsigned thread_count,
        struct listen_socket **ret_sockets, struct address *ret_bound)
{
        /* Port 0: the port that UDP gets may be taken in TCP. */
        unsigned tries = address->port == 0 ? PORT_TRIES : 1;
        int r = -EADDRINUSE;
        while (tries-- > 0 && r == -EADDRINUSE)
                r = open_all(address, is_shared, listener, thread_count, ret_sockets, ret_bound);
        return r;
}

int listen_inherit(int fd, unsigned listener, struct listen_socket **ret_socket)
{
        int type, listening = 0;
        socklen_t size = sizeof(type);
        if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) < 0)
                return -errno;
        size = sizeof(listening);
        if (type == SOCK_STREAM &&
                (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &size) < 0 || !listening))
                return -EINVAL;
        if (type != SOCK_STREAM && type != SOCK_DGRAM)
                return -EINVAL;
        int flags = fcntl(fd, F_GETFL);
        if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
                return -errno;

        CLEANUP(listen_socket_free_later) struct listen_socket *socket = calloc(1, sizeof(*socket));
        if (!socket)
                return -ENOMEM;
        socket->fd = fd;
        socket->is_inherited = true;
        socket->listener = listener;
        socket->watched = type == SOCK_STREAM ? WATCHED_TCP_LISTENER : WATCHED_UDP;
        int r = bound_address(fd, &socket->bound);
        if (r == 0)
                r = type == SOCK_DGRAM ? udp_options_set(fd, socket->bound.family) : tcp_options_set(fd);
        if (r < 0)
                return r;
        *ret_socket = TAKE(socket);
        return 0;
}
