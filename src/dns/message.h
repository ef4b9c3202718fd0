/* DNS messages: the view of a request, and the walk over the records of a message (a leaf of the store, an
 * answer). */
#pragma once

#include "dns/name.h"
#include "dns/record.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MESSAGE_HEADER_SIZE 12
#define MESSAGE_MAX_SIZE 65535

enum { OPCODE_QUERY = 0, OPCODE_STATUS = 2, OPCODE_NOTIFY = 4, OPCODE_UPDATE = 5 };
enum {
        RCODE_NOERROR = 0,
        RCODE_FORMERR = 1,
        RCODE_SERVFAIL = 2,
        RCODE_NXDOMAIN = 3,
        RCODE_NOTIMP = 4,
        RCODE_REFUSED = 5,
        RCODE_NOTAUTH = 9,
        RCODE_BADVERS = 16,
        RCODE_BADSIG = 16,
        RCODE_BADKEY = 17,
        RCODE_BADTIME = 18,
        RCODE_BADTRUNC = 22,
};
enum {
        FLAG_QR = 0x8000,
        FLAG_AA = 0x0400,
        FLAG_TC = 0x0200,
        FLAG_RD = 0x0100,
        FLAG_RA = 0x0080,
        FLAG_AD = 0x0020,
        FLAG_CD = 0x0010
};

/* Extended DNS errors (RFC 8914). */
enum {
        EDE_NONE = -1,
        EDE_OTHER = 0,
        EDE_NOT_READY = 14,
        EDE_PROHIBITED = 18,
        EDE_NOT_AUTHORITATIVE = 20,
        EDE_NOT_SUPPORTED = 21,
        EDE_INVALID_DATA = 24
};

#define RCODE_TEXT_MAX 16
const char *rcode_to_text(
        unsigned rcode, char text[static RCODE_TEXT_MAX]); /* 16 is BADSIG (we meet it in TSIG alone) */

/* A TSIG record as it stood in a message. Pointers into the message. */
struct tsig_view {
        bool present;
        size_t offset; /* where the TSIG RR begins: the message without it ends here */
        uint8_t key_name[NAME_MAX_LENGTH];
        uint8_t algorithm[NAME_MAX_LENGTH];
        uint64_t time_signed; /* seconds, 48 bits */
        uint16_t fudge;
        const uint8_t *mac;
        uint16_t mac_length;
        uint16_t original_id;
        uint16_t error;
        const uint8_t *other;
        uint16_t other_length;
};

struct request {
        const uint8_t *bytes;
        size_t length;
        uint16_t id;
        uint16_t flags; /* the header's second 16 bits */
        uint8_t opcode;
        uint8_t rcode;
        uint16_t qdcount;
        uint8_t qname[NAME_MAX_LENGTH]; /* as sent, case kept */
        size_t qname_length;
        uint16_t qtype;
        uint16_t qclass;
        size_t question_end; /* offset behind the question: the response repeats bytes 12 to here */
        bool has_edns;
        uint8_t edns_version;
        uint16_t edns_udp_size; /* as sent */
        bool dnssec_ok;
        bool has_authority_soa; /* IXFR: what the client holds (RFC 1995 s.3) */
        uint32_t authority_serial;
        bool has_answer_soa; /* NOTIFY and our own probes: SOA in the answer section */
        uint32_t answer_serial;
        struct tsig_view tsig;
};

enum message_outcome {
        MESSAGE_OK = 0,
        MESSAGE_DROP,    /* too short for a header, or itself a response: no answer */
        MESSAGE_FORMERR, /* what could be read of id, opcode and question is in the request; question_end is
                            12 where there is none */
};

/* Parses a query, NOTIFY or (want_response) a response. One question at most; TSIG last and alone (RFC 8945
 * s.5.1), OPT alone; nothing behind the last record. Bounded work: refuses more than 64 records outside the
 * question without reading on (a response: as many as fit). Returns enum message_outcome. */
int request_parse(const uint8_t *bytes, size_t length, bool want_response, struct request *ret_request);

/* Walks the records behind the question. */
struct message_walk {
        const uint8_t *bytes;
        size_t length;
        size_t offset;
        unsigned left; /* records left in the counts of the header */
};
/* -EBADMSG where header or question are malformed. */
int message_walk_begin(struct message_walk *walk, const uint8_t *bytes, size_t length);
/* Decompresses the next record into the arena. 0 = a record, 1 = the end, -EBADMSG, -ENOMEM. Class is not
 * told (IN, or ANY for OPT/TSIG). RDATA names of the types that may be compressed (RFC 3597 s.4) are
 * decompressed. */
struct arena;
int message_walk_next(struct message_walk *walk, struct arena *arena, struct record *ret_record);
