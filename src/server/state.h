/* What the files of server/ share: the server (main thread), a serving thread, its listeners and its
 * connections.
 *
 *     main thread                         serving thread (one a core)
 *     server.c  -- commands (queue) -->   thread.c  epoll
 *     listen.c  binds the sockets           udp.c  tcp.c -> stream.c
 *                                             serve.c: query_decide, refuse, answer_write
 *
 * A thread owns its sockets, connections, renderer and view of the store; it shares atomic counters alone. */
#pragma once

#include "base/buffer.h"
#include "dns/render.h"
#include "server/limits.h"
#include "server/query.h"
#include "server/server.h"

#include <pthread.h>
#include <stdatomic.h>

#define THREADS_MAX 16
#define TICK_USEC (250 * USEC_PER_MSEC)
#define OBSERVATIONS_MAX 10000

/* ---- what epoll watches; each struct begins with its kind ---- */

enum watched {
        WATCHED_COMMANDS,
        WATCHED_UDP,
        WATCHED_TCP_LISTENER,
        WATCHED_CONNECTION,
};

struct listen_socket {
        enum watched watched; /* UDP or TCP_LISTENER */
        int fd;
        unsigned listener; /* which one of the server's */
        bool is_inherited; /* shared with other threads, and not ours to close */
        bool is_paused;    /* no more descriptors: accept again at the next tick */
        bool is_gone;      /* closed; freed behind the batch of events at hand */
        struct address bound;
        struct listen_socket *next;
};

/* A transfer on its way to one connection. */
struct stream {
        struct transfer *transfer;
        uint8_t zone[NAME_MAX_LENGTH];
        const struct tsig_key *key;             /* NULL = unsigned; lives with the connection's conf */
        const struct conf_secondary *secondary; /* the same; NULL = of no block */
        const struct acl_element *element;
        struct place *place; /* of the block's transfers-out; NULL = not counted */
        struct iovec pieces[TRANSFER_AHEAD * TRANSFER_PIECES_MAX];
        size_t first, count;
        uint8_t *unpinned; /* holds what is left of the pieces once the view was left */
        bool is_taken;     /* the last message has been handed out */
        bool is_counted;   /* against transfers-out */
        bool is_stuck;     /* the zone has a newer version: the view stays */
        uint64_t began_usec, progress_usec, renewed_usec;
        uint64_t sent_bytes;
        uint64_t window_usec, window_bytes; /* for the minimum rate */
};

struct connection {
        enum watched watched;
        int fd;
        struct conf *conf; /* of its beginning */
        struct address peer;
        bool peer_is_local;
        _Atomic uint32_t *peer_count;
        struct buffer in;
        size_t in_at; /* octets of it that are done */
        struct buffer out;
        size_t out_at;
        struct stream *stream;
        uint64_t active_usec; /* last whole request, or octets of an answer that left */
        uint32_t events;      /* registered */
        bool is_ended;        /* the peer sends no more */
        bool is_dead;
        struct connection *previous, *next;
};

/* Recently posted observations of queries, so that one peer's many are one a second. */
#define OBSERVED_SLOTS 256
struct observed {
        uint64_t key, at_usec;
};

struct udp_batch;

struct counters {
        _Atomic uint64_t udp_queries, tcp_queries, tcp_connections, transfers, transfer_bytes, refusals,
                dropped;
};

struct thread {
        struct server *server;
        unsigned index;
        pthread_t id;
        bool is_running;
        int epoll;
        struct queue *commands;
        enum watched commands_watched;
        struct conf *conf;
        struct store_read *read;
        struct render *render;
        uint8_t *scratch; /* MESSAGE_MAX_SIZE */
        struct peers *peers;
        struct bucket lines;                        /* of refusals, all peers */
        struct queue_item *seen_first, **seen_last; /* of this turn */
        size_t seen_count;
        struct observed observed[OBSERVED_SLOTS];
        struct udp_batch *udp;
        struct listen_socket *listeners;
        struct connection *connections;
        struct connection *dead;
        uint64_t ticked_usec;
        bool is_stopping;
        uint64_t stop_at_usec;
        struct counters counters;
        _Atomic uint64_t heartbeat_usec;
};

struct listener { /* the main thread's list */
        unsigned number;
        struct address configured, bound;
};

/* One for each block that bounds its transfers; by name, so that a reload changes nothing for those that run.
 */
struct place {
        struct place *next;
        _Atomic uint32_t taken;
        char name[CONF_SECONDARY_NAME_MAX + 1];
};
struct places {
        pthread_mutex_t lock; /* of the list; places stay until the end */
        struct place *first;
};

struct server {
        struct store *store;
        struct queue *observations;
        struct conf *conf;
        struct thread *threads;
        unsigned thread_count;
        bool is_started;
        bool is_inheriting;
        struct listener *listeners;
        size_t listener_count;
        unsigned next_listener;
        _Atomic uint32_t connections, transfers;
        struct shared_bucket key_only_queries;
        struct connection_counts by_peer;
        struct places places;
};

/* ---- commands from the main thread ---- */

enum command_kind { COMMAND_CONF, COMMAND_OPEN, COMMAND_CLOSE, COMMAND_STOP };
struct command {
        struct queue_item item;
        enum command_kind kind;
        struct conf *conf;            /* CONF: a reference */
        struct listen_socket *socket; /* OPEN */
        unsigned listener;            /* CLOSE */
        uint64_t stop_at_usec;        /* STOP */
};

static inline void counter_add(_Atomic uint64_t *counter, uint64_t n)
{
        atomic_fetch_add_explicit(counter, n, memory_order_relaxed);
}

/* ---- thread.c ---- */
int thread_begin(struct thread *thread, struct server *server, unsigned index);
void *thread_run(void *thread);
void thread_end(struct thread *thread);
void thread_command(struct thread *thread, struct command *command);
int thread_watch(struct thread *thread, struct listen_socket *socket);

/* ---- listen.c ---- */
/* One UDP and one TCP socket for each thread, all at one port. is_shared: sockets of ours are at that port
 * already. ret_sockets has room for 2 * thread_count. -errno. */
int listen_open(const struct address *address, bool is_shared, unsigned listener, unsigned thread_count,
        struct listen_socket **ret_sockets, struct address *ret_bound);
/* One of systemd's, as one thread's share. */
int listen_inherit(int fd, unsigned listener, struct listen_socket **ret_socket);
struct listen_socket *listen_socket_free(struct listen_socket *socket);

/* ---- serve.c: one request ---- */
/* Decides, and counts, tells and posts what is to be known of it. Afterwards the verdict is final. */
void serve_decide(struct thread *thread, struct query *query, const uint8_t *bytes, size_t length);
/* Turns a transfer away after all. */
void serve_refuse(struct thread *thread, struct query *query, enum refusal refusal);

/* ---- places.c: transfers-out of secondary blocks, over all threads and configurations ---- */
/* NULL = all taken, or memory is out. */
struct place *place_take(struct places *places, const char *name, unsigned limit);
void place_give(struct place *place);
void places_free(struct places *places);

/* ---- refuse.c ---- */
/* False: too many to this peer, drop it (UDP alone). */
bool refuse_may_answer(struct thread *thread, const struct query *query);
void refuse_tell(struct thread *thread, const struct query *query);
/* Writes "192.0.2.1#4242 (key "k")". */
#define PEER_TEXT_MAX (ADDRESS_TEXT_MAX + NAME_TEXT_MAX + 16)
const char *peer_format(const struct address *peer, const uint8_t *key_name, char text[static PEER_TEXT_MAX]);

/* ---- observe.c ---- */
void observations_post(struct thread *thread); /* at the end of a turn */
void observe_query(
        struct thread *thread, enum observation_kind kind, const struct query *query, uint32_t serial);
void observe_transfer(struct thread *thread, enum observation_kind kind, const struct connection *connection,
        const struct transfer_summary *summary, uint64_t duration_usec);

/* ---- udp.c ---- */
int udp_batch_new(struct udp_batch **ret_batch);
struct udp_batch *udp_batch_free(struct udp_batch *batch);
void udp_serve(struct thread *thread, struct listen_socket *socket);

/* ---- tcp.c ---- */
void tcp_accept(struct thread *thread, struct listen_socket *socket);
void connection_ready(struct thread *thread, struct connection *connection, uint32_t events);
void connection_close(struct thread *thread, struct connection *connection);
void connection_tick(struct thread *thread, struct connection *connection, uint64_t now_usec);
void connections_free_dead(struct thread *thread);

/* ---- stream.c ---- */
/* Takes the query's signature over; refuses (the verdict is then QUERY_ERROR) or begins the stream. */
void stream_begin(struct thread *thread, struct connection *connection, struct query *query);
enum stream_outcome {
        STREAM_DONE,
        STREAM_BLOCKED, /* wait for room in the socket, or for the next turn */
};
/* Negative: the connection is to be closed; it is told already. */
int stream_run(struct thread *thread, struct connection *connection);
/* Limits, and leaving old views. NULL, or why the connection is to be closed. */
const char *stream_tick(struct thread *thread, struct connection *connection, uint64_t now_usec);
/* Tells of a transfer that did not reach its end. */
void stream_break(struct thread *thread, struct connection *connection, const char *why);
void stream_free(struct thread *thread, struct connection *connection);
