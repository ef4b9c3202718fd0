/* Questions to other DNS servers: an RRset asked of one address, over UDP and then TCP, with its answer. Main
 * loop.
 *
 * A probe is one question to one server. It takes its turn in the prober's pace (so many packets and
 * connections a second, over all that ask), is sent again where nobody answers, goes over to TCP where the
 * answer is cut short or UDP stays silent, and ends with exactly one call of its function, never from within
 * probe_start(). Nothing is cached: who asks often keeps what it heard. */
#pragma once

#include "base/address.h"
#include "dns/record.h"
#include "dns/tsig.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct conf;
struct prober;
struct probe;
struct sd_event;

#define PROBE_NSID_MAX 128

enum probe_result {
        PROBE_ANSWERED,    /* an answer to the question came; its rcode may be any */
        PROBE_SILENT,      /* nothing came in time */
        PROBE_UNREACHABLE, /* the connection was refused, or there is no way there: `error` says */
        PROBE_BAD_TSIG,  /* the answer's TSIG is wrong or missing (tsig), or it complains of ours (tsig_error)
                          */
        PROBE_MALFORMED, /* over TCP something came that is no answer to the question */
        PROBE_NOT_SENT,  /* our own doing: no socket with the source address, no memory: `error` says */
};

struct probe_question {
        struct address server;      /* with its port */
        struct address source;      /* family 0: any; port 0: any, at random */
        const uint8_t *name;        /* copied */
        uint16_t type;              /* TYPE_SOA or any other */
        const struct tsig_key *key; /* NULL: not signed */
        struct conf *conf;          /* what the key belongs to: a reference is held until the end */
        bool tcp_only;              /* never a datagram */
        bool wants_nsid;            /* RFC 5001 */
        bool is_urgent;             /* before all that waits and is not */
        unsigned udp_tries;         /* datagrams before TCP; 0: the usual 2 */
        uint64_t udp_wait_usec;     /* for an answer to one, doubled each time; 0: the usual second */
        uint64_t tcp_wait_usec;     /* for the whole exchange; 0: the usual 4 s */
};

/* Valid during the call alone. */
struct probe_answer {
        enum probe_result result;
        int error;             /* UNREACHABLE, NOT_SENT: a negative errno */
        unsigned rcode;        /* ANSWERED: 0 to 255 (an extended one above is 255) */
        bool is_authoritative; /* AA */
        bool over_tcp;         /* the answer, or the last try */
        bool has_serial;       /* an SOA of the name was in the answer section */
        uint32_t serial;
        const struct record
                *records; /* the RRset asked for: owner and type as asked; CNAMEs are not followed */
        size_t record_count;
        uint8_t nsid[PROBE_NSID_MAX]; /* as sent, cut to this */
        size_t nsid_length;           /* 0: none */
        enum tsig_result tsig;        /* BAD_TSIG: what is wrong with it; TSIG_OK: see tsig_error */
        unsigned tsig_error;          /* BAD_TSIG: what the server found wrong with ours; 0: nothing */
        uint64_t duration_usec;       /* from the sending that was answered, or from the first one */
};

typedef void (*probe_told)(void *context, const struct probe_answer *answer);

/* rate: packets and connections a second, at least 1. */
int prober_new(struct sd_event *event, unsigned rate, struct prober **ret_prober);
void prober_set_rate(struct prober *prober, unsigned rate);
/* The probe is known by *ret_probe (may be NULL) until `told` is called. -ENOMEM; nothing else fails here. */
int probe_start(struct prober *prober, const struct probe_question *question, probe_told told, void *context,
        struct probe **ret_probe);
/* It will not be told; NULL is fine. Returns NULL. */
struct probe *probe_cancel(struct probe *probe);
size_t prober_count(const struct prober *prober);        /* probes that run or wait */
uint64_t prober_sent(const struct prober *prober);       /* packets and connections since the beginning */
const char *probe_result_name(enum probe_result result); /* "answered", "silent", ... */
/* What still runs is not told. */
struct prober *prober_free(struct prober *prober);
