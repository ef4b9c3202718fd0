/* AXFR (RFC 5936) and IXFR (RFC 1995) answers out of the store: a plan, then message after message. No
 * sockets here; the server writes what it gets.
 *
 * A transfer is one version from first message to last (I1): it keeps its store_read. Messages are handed out
 * in pieces, so that leaves go from the map to the socket uncopied. */
#pragma once

#include "dns/message.h"
#include "dns/render.h"
#include "dns/tsig.h"
#include "store/store.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

enum transfer_kind {
        TRANSFER_AXFR,
        TRANSFER_IXFR,         /* deltas */
        TRANSFER_IXFR_WHOLE,   /* AXFR-style answer to IXFR: history gone, damaged, or larger */
        TRANSFER_UP_TO_DATE,   /* a lone SOA: the client has this serial */
        TRANSFER_CLIENT_AHEAD, /* a lone SOA: the client is ahead of us ("behind") */
};
const char *transfer_kind_name(
        enum transfer_kind kind); /* "AXFR", "IXFR", "AXFR-style IXFR", "up to date", "client ahead" */

/* Deciding, apart from doing: what an IXFR from client_serial gets. first is the step that starts there, or
 * NULL. max_ratio_percent: 0 = no limit. */
enum transfer_kind ixfr_plan(const struct store_zone *zone, uint32_t client_serial,
        const struct store_step *first, unsigned max_ratio_percent);

struct transfer;

struct transfer_request {
        const struct request *request; /* AXFR or IXFR, parsed; copied as far as needed */
        unsigned max_ixfr_ratio_percent;
        const char *secondary; /* whose block let it in; NULL = none's: the whole zone as it is */
        bool strip_dnssec;     /* without the records that DNSSEC and ZONEMD added */
        bool without_ixfr;     /* an IXFR gets the whole zone */
        bool tcp;              /* false: IXFR over UDP gets the lone SOA in any case (no amplification) */
        /* What messages are made in, zeroed once and MESSAGE_MAX_SIZE: the thread's, for it is used within a
         * call alone. They outlive the transfer. */
        struct render *render;
        uint8_t *scratch;
};

/* Takes the read view over (also when it fails). tsig (may be NULL) is taken over too. -ENOENT: no such zone.
 * -ENOMEM, -EUCLEAN. */
int transfer_new(struct store_read *read, const struct transfer_request *request, struct tsig_context *tsig,
        struct transfer **ret_transfer);

/* One message for TCP with its two octets of length in front: pieces point into the transfer and the map,
 * valid until the next call. */
#define TRANSFER_PIECES_MAX 4
struct transfer_message {
        struct iovec pieces[TRANSFER_PIECES_MAX];
        size_t piece_count;
        size_t length; /* of all pieces */
};
/* 0 = a message, 1 = the end, -EUCLEAN (break the connection: never a wrong answer), -EIO, -ENOMEM. now in
 * seconds, for TSIG. Up to TRANSFER_AHEAD messages may be taken before the first is written: their pieces
 * stay valid until as many more calls. */
#define TRANSFER_AHEAD 16
int transfer_next(struct transfer *transfer, uint64_t now, struct transfer_message *ret_message);

/* Between messages: moves to a newer view when the zone's version is still the same there (a long reader pins
 * freed pages). 0 = moved, 1 = the version changed, stay. */
int transfer_renew(struct transfer *transfer, struct store *store);
uint64_t transfer_clock(const struct transfer *transfer); /* store_read_clock of its view */

/* What a secondary has been sent of a zone, kept as a state row in the store: a client that holds what was
 * served before the view began cannot take differences of the view, and is sent the whole zone once. Without
 * a row all that it has is the whole zone as it is. */
struct transfer_view {
        bool strip_dnssec;
        uint64_t since_version; /* it got the whole in this view at this version, or later */
};
#define TRANSFER_VIEW_KEY_MAX 80
#define TRANSFER_VIEW_SIZE 10
size_t transfer_view_key(const char *secondary, uint8_t ret_key[static TRANSFER_VIEW_KEY_MAX]);
void transfer_view_encode(const struct transfer_view *view, uint8_t ret_value[static TRANSFER_VIEW_SIZE]);
/* -EBADMSG. */
int transfer_view_decode(const void *value, size_t size, struct transfer_view *ret_view);

struct transfer_summary {
        bool begins_view; /* the row is to become `view`, once the transfer is through */
        struct transfer_view view;
        enum transfer_kind kind;
        uint32_t from_serial; /* IXFR: what the client said; AXFR: 0 */
        uint32_t to_serial;
        uint64_t bytes; /* handed out so far, length octets and TSIG counted */
        uint64_t messages;
        uint64_t records;
};
void transfer_summary(const struct transfer *transfer, struct transfer_summary *ret_summary);
struct transfer *transfer_free(struct transfer *transfer);
