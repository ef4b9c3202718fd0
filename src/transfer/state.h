/* What the files of transfer/ share: the state of one answer, and where its records come from.
 *
 *     source (axfr.c, ixfr.c)            transfer.c
 *     record, record, body, body, ...  ->  messages
 *
 * A record is rendered into the message at hand; a body (a leaf, a piece of a large step) is a whole message
 * that goes out as it lies in the map. One thread at a time. */
#pragma once

#include "base/arena.h"
#include "transfer/transfer.h"

/* Where an answer stands. AXFR: FIRST, LEAF, LEAVES, LAST. IXFR: FIRST, then FROM, REMOVED, TO, ADDED a step,
 * LAST. A lone SOA: FIRST. */
enum source_state {
        SOURCE_FIRST,
        SOURCE_LEAF,
        SOURCE_LEAVES,
        SOURCE_STEP_FROM,
        SOURCE_STEP_REMOVED,
        SOURCE_STEP_TO,
        SOURCE_STEP_ADDED,
        SOURCE_LAST,
        SOURCE_DONE,
};

enum source_outcome {
        SOURCE_RECORD, /* *ret_record is the next one */
        SOURCE_BODY,   /* *ret_body is; its checksum is looked at before the message is handed out */
        SOURCE_BREAK,  /* a body is next and this message has begun: finish it, then ask again */
        SOURCE_WALK,   /* records of a body follow, if any: walk, then ask again */
        SOURCE_END,
};

/* A message handed out: its own octets stay until TRANSFER_AHEAD further calls. */
struct transfer_slot {
        uint8_t head[2 + MESSAGE_HEADER_SIZE];
        uint8_t tsig[TSIG_RR_MAX];
        uint8_t *rendered; /* malloc'ed; NULL where the body lies in the map */
};

struct transfer {
        struct store_read *read;
        struct store_zone zone;
        struct tsig_context *tsig;
        struct transfer_summary summary;

        /* Of the request. */
        struct request request; /* bytes: `question`, header included */
        uint8_t question[MESSAGE_HEADER_SIZE + NAME_MAX_LENGTH + 4];

        enum source_state state;
        struct store_leaves *leaves;
        uint64_t leaves_taken;
        struct store_step step;
        unsigned piece; /* of the step, the last one taken */
        bool is_broken; /* the way from one view to the next failed halfway */

        bool strip_dnssec;
        uint64_t stripped; /* records left out */

        bool walking;
        struct message_walk walk;
        uint8_t *walk_copy; /* the body walked through, when the view it lay in was left */

        /* A record that did not fit is the first of the next message. Two arenas take turns, message by
         * message, because the renderer remembers owners of the message at hand. */
        bool has_pending;
        struct record pending;
        struct arena arenas[2];
        unsigned arena;

        struct render *render; /* of the request */
        uint8_t *scratch;
        struct transfer_slot slots[TRANSFER_AHEAD];
};

/* Each gives what comes next and moves on; begun: the message at hand has records already. Negative:
 * -EUCLEAN, -ENOMEM. */
int axfr_next(struct transfer *transfer, bool begun, struct record *ret_record, struct store_leaf *ret_body);
int ixfr_next(struct transfer *transfer, bool begun, struct record *ret_record, struct store_leaf *ret_body);

/* view.c: whether a view without DNSSEC leaves out records of this type. */
bool view_strips(uint16_t type);
/* What the secondary's block and view make of the plan; first: the step an IXFR would begin with, or NULL. */
int view_plan(
        struct transfer *transfer, const struct transfer_request *wanted, const struct store_step *first);

/* The next message's records come out of this body. -EUCLEAN. */
int transfer_walk_body(struct transfer *transfer, const struct store_leaf *body);

/* Reads the whole chain of steps once, before the first octet goes out: each there, undamaged, and leading to
 * the next, the last to the zone's version (I3). 0 or -EUCLEAN. */
int ixfr_check_steps(struct store_read *read, const struct store_zone *zone, const struct store_step *first);
