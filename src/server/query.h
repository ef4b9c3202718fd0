/* What a request gets: a decision, from octets and configuration and one view of the store. No socket, no
 * clock, no log. */
#pragma once

#include "conf/conf.h"
#include "dns/message.h"
#include "dns/tsig.h"
#include "store/store.h"

enum query_verdict {
        QUERY_DROP,  /* no answer */
        QUERY_ERROR, /* rcode, and why */
        QUERY_SOA,   /* the SOA, also for an IXFR over UDP */
        QUERY_NS,
        QUERY_TRANSFER, /* over TCP: AXFR or IXFR */
};

enum refusal {
        REFUSAL_NONE,
        REFUSAL_MALFORMED,
        REFUSAL_TSIG, /* tsig_result says which */
        REFUSAL_OPCODE,
        REFUSAL_EDNS,
        REFUSAL_QUESTION, /* none, or more than one */
        REFUSAL_CLASS,
        REFUSAL_UDP_AXFR,
        REFUSAL_IXFR_SOA, /* without the client's SOA */
        REFUSAL_TYPE,
        REFUSAL_NO_MATCH, /* no element of the list matches */
        REFUSAL_DENIED,   /* a negated element does: rule */
        REFUSAL_NO_ZONE,
        REFUSAL_NOT_READY,  /* configured, nothing published yet */
        REFUSAL_RATE,       /* key-only-query-rate */
        REFUSAL_QUOTA,      /* transfers-out */
        REFUSAL_PLACES,     /* transfers-out of its secondary block */
        REFUSAL_SIGNATURES, /* too many of the peer's failed */
        REFUSAL_STORE,
        REFUSAL_MEMORY,
};

struct query {
        /* Given. */
        const struct conf *conf;
        struct store_read *read;
        struct address peer;
        bool peer_is_local; /* this machine asks itself */
        bool over_tcp;
        bool trust_no_signature; /* the peer has used up its failed signatures: none is looked at */
        uint64_t now_sec;

        /* Found out. */
        struct request request;
        uint8_t name[NAME_MAX_LENGTH];    /* folded question */
        const struct conf_policy *policy; /* NULL where it did not come to that */
        const struct tsig_key *known_key; /* the one the request names */
        const struct tsig_key *key;       /* verified; NULL = none */
        enum tsig_result tsig_result;
        struct tsig_context *tsig;              /* signs the answer; the caller frees it */
        const struct conf_secondary *secondary; /* whose address and key these are; NULL = no block's */
        const struct conf_secondary *near;      /* without one: has the key, or the address, alone; NULL */
        const struct acl_element *element;      /* of the secondary's transfer-from */
        struct store_zone zone;                 /* QUERY_SOA, QUERY_NS, QUERY_TRANSFER */

        /* Decided. */
        enum query_verdict verdict;
        unsigned rcode; /* RCODE_BADVERS too */
        int ede;
        const char *ede_text;
        enum refusal refusal;
        const char *rule;     /* element or statement that decided; NULL = none */
        bool is_rate_limited; /* let in by a key-only rule: the caller counts it */
        bool is_secondary;    /* passes a transfer rule, is a NOTIFY target, or nearly some block's */
        bool is_ahead;        /* IXFR with a serial ahead of ours */
};

/* Never fails: what goes wrong inside is SERVFAIL. */
void query_decide(struct query *query, const uint8_t *bytes, size_t length);
/* Turns a decision that was good into an error. */
void query_refuse(struct query *query, enum refusal refusal);

/* Writes the answer of QUERY_ERROR, QUERY_SOA or QUERY_NS, signed where it is to be: at most `limit` octets
 * (or ANSWER_MIN, for an error about names of the greatest length), TC where it does not fit. bytes has room
 * for either. Returns its length, or 0: none can be given. */
#define ANSWER_MIN 1024
struct render;
size_t answer_write(struct query *query, struct render *render, uint8_t *bytes, size_t limit);
/* Octets that an answer over UDP may have. */
size_t answer_udp_limit(const struct query *query);

#define SERVER_UDP_SIZE 1232 /* what we send at most, and say in EDNS: no fragment on any path */
