/* UDP sockets that questions leave from: for each source address a few, on random ports, replaced with time
 * and use. Who wants to forge an answer has to guess ID and port. Main loop. */
#pragma once

#include "base/address.h"

#include <stddef.h>
#include <stdint.h>

struct sd_event;
struct udp_pools;
struct udp_socket;

struct udp_pools_owner {
        /* A datagram came to the socket of that id. */
        void (*received)(void *context, uint32_t socket_id, const struct address *from, const uint8_t *bytes,
                size_t length);
        void (*turn_ended)(void *context); /* behind the last datagram of a turn */
        void *context;
};

int udp_pools_new(struct sd_event *event, const struct udp_pools_owner *owner, struct udp_pools **ret_pools);
/* A socket to send from, bound to the source (no address: any; no port: one at random) in this family. */
int udp_pools_pick(struct udp_pools *pools, sa_family_t family, const struct address *source,
        struct udp_socket **ret_socket);
uint32_t udp_socket_id(const struct udp_socket *socket); /* never given twice */
int udp_socket_fd(const struct udp_socket *socket);
/* Binds what leaves from here, TCP as well: the source with its port, IPv6 kept apart from IPv4. */
int socket_bind_source(int fd, const struct address *source);
/* What names an outstanding datagram: an answer has to come to the socket it left from, from where it went
 * to. A key of tables: no octet of it is undefined. */
struct exchange_key {
        uint8_t bytes[16];
        uint32_t scope;
        uint32_t socket_id;
        uint16_t port;
        uint16_t family;
        uint16_t id;
        uint16_t zero;
};
struct exchange_key exchange_key_of(const struct address *peer, uint32_t socket_id, uint16_t id);

struct udp_pools *udp_pools_free(struct udp_pools *pools);
