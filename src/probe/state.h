/* Private to probe/: what its files share. */
#pragma once

#include "base/table.h"
#include "base/timers.h"
#include "base/udp_pool.h"
#include "dns/message.h"
#include "probe/prober.h"

struct arena;

#define PROBE_UDP_TRIES_MAX 4
/* Header, question, OPT with NSID, TSIG. */
#define PROBE_MESSAGE_MAX (MESSAGE_HEADER_SIZE + NAME_MAX_LENGTH + 4 + 11 + 4 + TSIG_RR_MAX)

/* ---- message.c: pure ---- */

/* Builds the question without TSIG; returns its length. */
size_t probe_message_build(uint8_t bytes[static PROBE_MESSAGE_MAX], uint16_t id, const uint8_t *name,
        uint16_t type, bool with_edns, bool with_nsid);

enum probe_judged {
        JUDGED_COUNTS = 0, /* it answers; *ret_answer is filled, records from the arena */
        JUDGED_IGNORED,    /* malformed, or to another question */
        JUDGED_TRUNCATED,  /* TC: ask over TCP */
        JUDGED_BAD_TSIG,   /* tsig and tsig_error say why */
};
/* What the server sent against what was asked; context NULL = that was not signed. Returns enum probe_judged
 * or -ENOMEM. Everything in `ret_answer` but what comes out of the message is left zero. */
int probe_judge(const uint8_t *bytes, size_t length, uint16_t id, const uint8_t *name, uint16_t type,
        struct tsig_context *context, uint64_t now_sec, struct arena *arena, struct probe_answer *ret_answer);

/* ---- one probe ---- */

enum { NODE_PACE, NODE_PROBE }; /* timer_node.kind */

/* One sending; the table of exchanges has it while key.socket_id is set. */
struct exchange {
        struct probe *probe;
        struct exchange_key key;
        uint64_t sent_usec;
        struct tsig_context *context; /* NULL = not signed */
};

struct stream;

struct probe {
        struct timer_node timer; /* first: a node is cast to what it is in. The wait for an answer */
        struct prober *prober;
        struct probe *next, *previous; /* in one of the prober's lists */
        struct probe_list *list;
        struct probe_question question; /* name points to the copy below */
        probe_told told;
        void *context;
        struct exchange exchanges[PROBE_UDP_TRIES_MAX];
        unsigned sent_count; /* datagrams sent */
        uint64_t first_usec; /* of the first sending; 0 = none yet */
        bool goes_by_tcp;    /* its next sending, or the one that runs */
        bool without_edns;   /* the server does not know it */
        bool had_bad_tsig;   /* over UDP: what is told if TCP brings nothing better */
        enum tsig_result bad_tsig;
        unsigned bad_tsig_error;
        struct stream *stream; /* the TCP connection */
        uint8_t name[NAME_MAX_LENGTH];
};

struct probe_list {
        struct probe *first, *last;
        size_t count;
};

struct prober {
        sd_event *event;
        struct timers timers;
        struct timer_node pace; /* when the next packet may leave */
        uint64_t interval_usec, next_send_usec;
        struct udp_pools *pools;
        struct table exchanges;       /* struct exchange_key -> struct exchange */
        struct probe_list queue;      /* a packet or connection is due, when the pace allows */
        struct probe_list for_stream; /* the pace allowed; all connections are taken */
        struct probe_list waiting;    /* for an answer */
        size_t stream_count;
        uint64_t sent;
};

/* ---- prober.c ---- */

/* Tells and frees. Fields that are the same for each answer are filled in. */
void probe_end(struct probe *probe, struct probe_answer *answer);
void probe_end_with(struct probe *probe, enum probe_result result, int error);
/* An answer that was judged to count, from the exchange or the stream that began at sent_usec. */
void probe_answered(struct probe *probe, struct probe_answer *answer, uint64_t sent_usec);
/* The next sending is over TCP. */
void probe_go_tcp(struct probe *probe);
void probe_note_bad_tsig(struct probe *probe, const struct probe_answer *answer);
void probe_wait(struct probe *probe, uint64_t usec); /* an answer is awaited for so long */

/* ---- udp.c ---- */

void probe_udp_send(struct probe *probe);
void probe_udp_close(struct probe *probe); /* no answer to its datagrams is awaited */
void probe_udp_received(
        void *context, uint32_t socket_id, const struct address *from, const uint8_t *bytes, size_t length);

/* ---- tcp.c ---- */

void probe_tcp_begin(struct probe *probe); /* the connection; it ends the probe when it ends */
void probe_tcp_close(struct probe *probe);
