/* UDP sockets that questions and NOTIFYs leave from. Main loop.
 *
 * Each source address has a pool of a few sockets on ports that the kernel chose at random; one is picked at
 * random for each sending, and each is replaced after some time or use. Who wants to forge an answer has to
 * guess ID and port. A replaced socket still hears late answers for a while. A source with a fixed port has
 * one socket. */
#include "base/udp_pool.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/random.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-event.h>

#define POOL_SIZE 8u
#define SOCKET_USES_MAX 1000
#define SOCKET_AGE_MAX (600 * USEC_PER_SEC)
#define LINGER_TIME (120 * USEC_PER_SEC)
#define SWEEP_INTERVAL (30 * USEC_PER_SEC)
#define POOL_IDLE_MAX (900 * USEC_PER_SEC)
#define READS_A_TURN 64
#define REPLY_SIZE 4096

struct udp_socket {
        struct udp_pools *pools;
        const struct udp_pool *pool;
        struct udp_socket *next; /* among those that linger */
        sd_event_source *source;
        int fd;
        uint32_t id;
        unsigned uses;
        uint64_t opened_usec, retired_usec;
};

struct udp_pool {
        struct udp_pool *next;
        struct address source; /* family set; no address: any */
        uint64_t used_usec;
        struct udp_socket *sockets[POOL_SIZE];
        struct udp_socket *lingering;
};

struct udp_pools {
        sd_event *event;
        struct udp_pools_owner owner;
        struct udp_pool *first;
        uint32_t next_socket_id;
        uint64_t swept_usec;
        struct udp_socket *reading; /* its owner may send, and so sweep, while it is read */
};

static struct udp_socket *socket_free(struct udp_socket *socket)
{
        if (!socket)
                return NULL;
        sd_event_source_disable_unref(socket->source);
        if (socket->fd >= 0)
                close(socket->fd);
        free(socket);
        return NULL;
}
DEFINE_CLEANUP(struct udp_socket *, socket_free);

static int readable(sd_event_source *source, int fd, uint32_t events, void *context)
{
        struct udp_socket *socket = context;
        const struct udp_pools_owner *owner = &socket->pools->owner;
        (void)source;
        (void)events;
        socket->pools->reading = socket;
        log_hold(); /* a line for each reply */
        for (unsigned i = 0; i < READS_A_TURN; i++) {
                uint8_t bytes[REPLY_SIZE];
                struct sockaddr_storage from;
                socklen_t from_length = sizeof(from);
                struct address address;
                ssize_t length = recvfrom(
                        fd, bytes, sizeof(bytes), MSG_DONTWAIT, (struct sockaddr *)&from, &from_length);
                if (length < 0)
                        break; /* nothing left, or an error of a datagram that was lost */
                if (address_from_sockaddr((struct sockaddr *)&from, &address) == 0)
                        owner->received(owner->context, socket->id, &address, bytes, (size_t)length);
        }
        socket->pools->reading = NULL;
        owner->turn_ended(owner->context);
        log_release();
        return 0;
}

int socket_bind_source(int fd, const struct address *source)
{
        int on = 1;
        if (source->family == AF_INET6 && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)) < 0)
                return -errno;
        struct sockaddr_storage bound;
        socklen_t length = address_to_sockaddr(source, &bound);
        return bind(fd, (struct sockaddr *)&bound, length) < 0 ? -errno : 0;
}

static int socket_open(struct udp_pools *pools, const struct address *source, struct udp_socket **ret_socket)
{
        CLEANUP(socket_free_later) struct udp_socket *opened = calloc(1, sizeof(*opened));
        if (!opened)
                return -ENOMEM;
        opened->pools = pools;
        opened->fd = socket(source->family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (opened->fd < 0)
                return -errno;
        int r = socket_bind_source(opened->fd, source);
        if (r < 0)
                return r;
        r = sd_event_add_io(pools->event, &opened->source, opened->fd, EPOLLIN, readable, opened);
        if (r < 0)
                return r;
        opened->id = ++pools->next_socket_id;
        opened->opened_usec = clock_monotonic_usec();
        *ret_socket = TAKE(opened);
        return 0;
}

static struct udp_pool *pool_free(struct udp_pool *pool)
{
        for (unsigned i = 0; i < POOL_SIZE; i++)
                socket_free(pool->sockets[i]);
        while (pool->lingering) {
                struct udp_socket *next = pool->lingering->next;
                socket_free(pool->lingering);
                pool->lingering = next;
        }
        free(pool);
        return NULL;
}

static void linger_sweep(struct udp_pool *pool, uint64_t now)
{
        for (struct udp_socket **at = &pool->lingering; *at;) {
                struct udp_socket *old = *at;
                if (now - old->retired_usec < LINGER_TIME || old == old->pools->reading) {
                        at = &old->next;
                        continue;
                }
                *at = old->next;
                socket_free(old);
        }
}

static void pools_sweep(struct udp_pools *pools, uint64_t now)
{
        if (now - pools->swept_usec < SWEEP_INTERVAL)
                return;
        pools->swept_usec = now;
        for (struct udp_pool **at = &pools->first; *at;) {
                struct udp_pool *pool = *at;
                linger_sweep(pool, now);
                bool is_read = pools->reading && pools->reading->pool == pool;
                if (is_read || now - pool->used_usec < POOL_IDLE_MAX) {
                        at = &pool->next;
                        continue;
                }
                *at = pool->next;
                pool_free(pool);
        }
}

static int pool_get(struct udp_pools *pools, const struct address *source, struct udp_pool **ret_pool)
{
        struct udp_pool *pool = pools->first;
        while (pool && !address_and_port_equal(&pool->source, source))
                pool = pool->next;
        if (!pool) {
                pool = calloc(1, sizeof(*pool));
                if (!pool)
                        return -ENOMEM;
                pool->source = *source;
                pool->next = pools->first;
                pools->first = pool;
        }
        *ret_pool = pool;
        return 0;
}

static bool is_worn(const struct udp_pool *pool, const struct udp_socket *socket, uint64_t now)
{
        if (pool->source.port != 0)
                return false;
        return socket->uses >= SOCKET_USES_MAX || now - socket->opened_usec > SOCKET_AGE_MAX;
}

/* The slot's socket, a new one where it is empty or worn. */
static int slot_use(struct udp_pools *pools, struct udp_pool *pool, struct udp_socket **slot)
{
        uint64_t now = clock_monotonic_usec();
        struct udp_socket *fresh = NULL;
        if (*slot && !is_worn(pool, *slot, now))
                return 0;
        int r = socket_open(pools, &pool->source, &fresh);
        if (r < 0)
                return *slot ? 0 : r; /* a worn one is better than none */
        if (*slot) {
                (*slot)->retired_usec = now;
                (*slot)->next = pool->lingering;
                pool->lingering = *slot;
        }
        fresh->pool = pool;
        *slot = fresh;
        return 0;
}

int udp_pools_pick(struct udp_pools *pools, sa_family_t family, const struct address *source,
        struct udp_socket **ret_socket)
{
        struct address bound = *source;
        struct udp_pool *pool;
        uint64_t now = clock_monotonic_usec();
        bound.family = family; /* none is configured: any address, any port */
        int r = pool_get(pools, &bound, &pool);
        if (r < 0)
                return r;
        pool->used_usec = now;
        pools_sweep(pools, now);
        unsigned slot = bound.port != 0 ? 0 : random_below(POOL_SIZE);
        r = slot_use(pools, pool, &pool->sockets[slot]);
        if (r < 0)
                return r;
        pool->sockets[slot]->uses++;
        *ret_socket = pool->sockets[slot];
        return 0;
}

uint32_t udp_socket_id(const struct udp_socket *socket)
{
        return socket->id;
}

int udp_socket_fd(const struct udp_socket *socket)
{
        return socket->fd;
}

struct exchange_key exchange_key_of(const struct address *peer, uint32_t socket_id, uint16_t id)
{
        struct exchange_key key = {
                .scope = peer->scope,
                .socket_id = socket_id,
                .port = peer->port,
                .family = (uint16_t)peer->family,
                .id = id,
        };
        memcpy(key.bytes, peer->bytes, sizeof(key.bytes));
        return key;
}

int udp_pools_new(struct sd_event *event, const struct udp_pools_owner *owner, struct udp_pools **ret_pools)
{
        struct udp_pools *pools = calloc(1, sizeof(*pools));
        if (!pools)
                return -ENOMEM;
        pools->event = sd_event_ref(event);
        pools->owner = *owner;
        *ret_pools = pools;
        return 0;
}

struct udp_pools *udp_pools_free(struct udp_pools *pools)
{
        if (!pools)
                return NULL;
        while (pools->first) {
                struct udp_pool *next = pools->first->next;
                pool_free(pools->first);
                pools->first = next;
        }
        sd_event_unref(pools->event);
        free(pools);
        return NULL;
}
