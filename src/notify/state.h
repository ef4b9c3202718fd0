/* Private to notify/: what its files share. Main loop, but for the worker inside resolve.c. */
#pragma once

#include "base/table.h"
#include "base/timers.h"
#include "base/udp_pool.h"
#include "dns/message.h"
#include "dns/tsig.h"
#include "notify/notify.h"

#include <systemd/sd-event.h>

/* ---- one (zone, target) while something is to be done; one address and port ---- */

enum { NODE_PENDING, NODE_PEER }; /* timer_node.kind */

struct exchange {
        struct exchange_key key;
        uint32_t serial; /* in the NOTIFY's SOA */
        bool is_open;
        uint64_t sent_usec;
        struct tsig_context *context; /* NULL = it was not signed */
        struct conf *conf;            /* what the context's key belongs to */
};

struct pending {
        struct timer_node timer; /* first: a node is cast to what it is in */
        struct notify_state state;
        struct fleet_target *target;
        struct peer *peer;
        struct pending *peer_next, *peer_previous;
        struct pending *queue_next, *queue_previous;
        struct exchange exchange;
        int16_t told_rcode; /* the error that was logged; -1 = none */
        bool is_queued;
        bool goes_first; /* a canary, or forced: neither the address being down nor the queue holds it */
};

struct peer_key {
        uint8_t bytes[16];
        uint32_t scope;
        uint16_t port;
        uint16_t family;
};

struct peer {
        struct timer_node timer; /* first. The queue's next send; with no targets left: the end */
        struct peer_key key;
        struct address address;
        struct pending *first, *last; /* every pending one of this address and port */
        size_t down_count;            /* of them in NOTIFY_DOWN */
        struct pending *queue_first, *queue_last;
        uint64_t next_send_usec;
        uint64_t heard_usec;  /* of the last packet; 0 = never */
        uint64_t down_usec;   /* since when */
        uint64_t canary_usec; /* of the last canary */
        uint64_t told_tsig_usec, told_error_usec, told_silent_usec;
        bool is_down;
        struct pending *canary;
};

struct resolver;

struct notify {
        sd_event *event;
        struct store *store;
        struct fleet *fleet;
        struct timers timers;
        struct table peers;     /* struct peer_key -> struct peer */
        struct table exchanges; /* struct exchange_key -> struct pending */
        struct udp_pools *pools;
        struct resolver *resolver;
};

/* ---- notify.c ---- */

/* Feeds the state machine and does what it says; `pending` may be gone afterwards. now_usec and refresh_sec
 * are filled in. */
void pending_step(struct notify *notify, struct pending *pending, struct notify_input input);
void pending_free(struct notify *notify, struct pending *pending);
/* Gives every target of the zone that has not heard of its serial something to do. */
int zone_wake(struct notify *notify, struct fleet_zone *zone);
/* Runs what is due: the sd-event timer's handler, and tests after they moved the clock. */
void notify_run_due(struct notify *notify);

/* ---- peer.c ---- */

int peer_get(struct notify *notify, const struct address *address, struct peer **ret_peer);
void peer_add(struct peer *peer, struct pending *pending);
void peer_remove(struct notify *notify, struct pending *pending);
/* Five NOTIFYs of this target had no answer. */
void peer_silent(struct notify *notify, struct pending *pending);
/* A zone that is down alone is about to try again: perhaps the address is down by now. */
void peer_suspect(struct notify *notify, struct pending *pending);
/* Known to be down from before the restart: one canary, now. */
void peer_begin_down(struct pending *pending);
/* The address is down and this one is not its canary. */
void peer_hold(struct notify *notify, struct pending *pending);
/* The canary was sent: the next one is another zone's. */
void peer_canary_sent(struct notify *notify, struct pending *pending);
/* A packet came. First this, then what it means for its own target, then peer_drain with the result. */
bool peer_heard(struct peer *peer);
void peer_drain(struct notify *notify, struct peer *peer, bool was_down);
struct peer *peer_free(struct notify *notify, struct peer *peer);

/* ---- pace.c ---- */

void pace_submit(struct notify *notify, struct pending *pending);
void pace_withdraw(struct notify *notify, struct pending *pending);
void pace_run(struct notify *notify, struct peer *peer);

/* ---- send.c, reply.c ---- */

#define NOTIFY_MESSAGE_MAX                                                                                   \
        (MESSAGE_HEADER_SIZE + NAME_MAX_LENGTH + 4 + 12 + 2 * NAME_MAX_LENGTH + 20 + TSIG_RR_MAX)

/* Builds, signs and sends. -ENOENT: the zone is not published any more. Any other error: nothing left, told.
 */
int notify_send(struct notify *notify, struct pending *pending);
void exchange_end(struct notify *notify, struct pending *pending);

void reply_received(
        void *context, uint32_t socket_id, const struct address *from, const uint8_t *bytes, size_t length);

enum reply_outcome {
        REPLY_COUNTS = 0,
        REPLY_IGNORED,  /* malformed, or to another question */
        REPLY_BAD_TSIG, /* its TSIG is not what the key says */
};
struct reply {
        unsigned rcode;
        bool is_unsigned;         /* the NOTIFY was signed and this is not */
        enum tsig_result result;  /* BAD_TSIG: why */
        uint16_t tsig_error;      /* what the target found wrong with our TSIG; 0 = nothing */
        int64_t clock_offset_sec; /* BADTIME: its clock against ours, where it said */
};
/* A datagram against the NOTIFY it should answer; context NULL = that was not signed. Pure. */
enum reply_outcome reply_judge(const uint8_t *bytes, size_t length, uint16_t id, const uint8_t *zone,
        struct tsig_context *context, uint64_t now_sec, struct reply *ret_reply);

/* ---- resolve.c ---- */

/* Makes the zone's targets by name of what is known now, and asks for what is not. */
int resolve_zone(struct notify *notify, struct fleet_zone *zone);
void resolve_forget_zone(struct notify *notify, const struct fleet_zone *zone);
struct resolver *resolver_free(struct resolver *resolver);

/* ---- tell.c: the log ---- */

void tell_acknowledged(
        const struct pending *pending, const struct reply *reply, bool was_unsigned, uint64_t usec);
void tell_refused(const struct pending *pending, const struct reply *reply);
void tell_not_transferred(const struct pending *pending);
void tell_zone_silent(const struct pending *pending);
void tell_peer_down(const struct pending *pending);
void tell_peer_up(const struct peer *peer, uint64_t now_usec);
void tell_bad_tsig(const struct pending *pending, const struct reply *reply);
void tell_send_error(const struct pending *pending, const char *what, int error);
void tell_not_resolved(const uint8_t *zone, const char *name, const char *why);
