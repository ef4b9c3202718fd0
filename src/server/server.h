/* The DNS server: UDP and TCP, one serving thread a core with its own SO_REUSEPORT sockets and plain epoll.
 * Threads only read the store.
 *
 * Answers SOA and NS at an apex, AXFR and IXFR, to those who may ask; REFUSED for all else, NOTIMP for
 * UPDATE. What it sees of peers is posted as observations for the main loop. */
#pragma once

#include "base/address.h"
#include "base/queue.h"
#include "conf/conf.h"
#include "dns/name.h"
#include "store/store.h"
#include "transfer/transfer.h"

#include <stdint.h>

struct server;

enum observation_kind {
        OBSERVED_SOA_QUERY, /* a peer that is a NOTIFY target, or passes a transfer rule, asked for the SOA */
        OBSERVED_TRANSFER,  /* a transfer to its end (kind, serials, bytes, duration) */
        OBSERVED_TRANSFER_BROKEN,
        OBSERVED_CLIENT_AHEAD, /* an IXFR query with a serial ahead of ours */
        OBSERVED_DAMAGED,      /* a stored value failed its checksum: the transfer was broken off */
        OBSERVED_REFUSED,      /* rule or TSIG refused a transfer */
};

/* One thing that was seen; malloc'ed; the taker frees it. */
struct observation {
        struct queue_item item;
        enum observation_kind kind;
        uint8_t zone[NAME_MAX_LENGTH];
        struct address peer;                         /* with its port */
        uint8_t key_name[NAME_MAX_LENGTH];           /* the verified key's; the root = none */
        char secondary[CONF_SECONDARY_NAME_MAX + 1]; /* the block it is; of a refusal: nearly is. "" = none */
        char rule[ADDRESS_TEXT_MAX];                 /* the element of its transfer-from */
        char until[12];                              /* that element's end, "2026-12-01"; "" = none */
        bool signed_ok;
        bool over_tcp;
        uint64_t at_usec; /* realtime */
        uint32_t serial;  /* SOA answered, transfer's to-serial, or the serial the client said (ahead) */
        struct transfer_summary summary;
        uint64_t duration_usec;
};

struct server_counters { /* since start; read any time */
        uint64_t udp_queries, tcp_queries, tcp_connections, transfers, transfers_running, transfer_bytes,
                refusals, dropped;
};

struct server_options {
        struct store *store;
        struct queue *observations; /* bounded by the server: at most 10,000 wait, more SOA observations are
                                       dropped */
        unsigned thread_count;      /* 0 = one a core, at most 16 */
        /* Sockets from systemd (sd_listen_fds): used in place of listen statements; NULL = none. */
        const int *inherited_fds;
        size_t inherited_fd_count;
};

/* Binds everything conf lists, all or nothing; *ret_why names the address that failed. Queries are answered
 * from server_start on. */
int server_new(const struct server_options *options, struct conf *conf, struct server **ret_server,
        const char **ret_why);
int server_start(struct server *server);
/* A new configuration: listeners that both have stay open, new ones are bound first (a failure changes
 * nothing), old ones closed; a transfer under way keeps the configuration it began with. */
int server_reconfigure(struct server *server, struct conf *conf, const char **ret_why);
/* Stops taking new work; running transfers may end within grace_usec, then threads are joined. */
void server_stop(struct server *server, uint64_t grace_usec);
void server_counters(const struct server *server, struct server_counters *ret_counters);
/* Each thread's last heartbeat is younger than max_age_usec: for the watchdog. */
bool server_is_alive(const struct server *server, uint64_t max_age_usec);
/* Addresses bound, for status and tests (port 0 in the configuration shows the real port). Returns count;
 * fills up to size. */
size_t server_addresses(const struct server *server, struct address *ret_addresses, size_t size);
struct server *server_free(struct server *server);
