/* AXFR (RFC 5936), and the answer in its style to an IXFR: SOA, every leaf, SOA.
 *
 * Where DNSSEC records are left out, every leaf is walked through and its records rendered. Else
 * the first leaf's records are rendered behind question and SOA, so that the first message holds more than
 * the SOA (a lone one can be read as "up to date", RFC 1995 s.4) and a small zone is one message; the other
 * leaves go out as they lie. Runs on the thread that owns the transfer. What was counted must be what the
 * zone row says, or the last message is not sent: a connection that breaks off is no transfer, so a damaged
 * store never gives a wrong one (I4). */
#include "transfer/state.h"

#include <errno.h>

static int leaf_take(struct transfer *transfer, struct store_leaf *ret_leaf)
{
        int r = store_leaves_next(transfer->leaves, ret_leaf);
        if (r == 1)
                return -EUCLEAN; /* fewer than the zone row counts */
        if (r < 0)
                return r;
        if (ret_leaf->length < MESSAGE_HEADER_SIZE || ret_leaf->length > MESSAGE_MAX_SIZE)
                return -EUCLEAN;
        transfer->leaves_taken++;
        return 0;
}

static int leaf_walk(struct transfer *transfer, const struct store_leaf *leaf)
{
        int r = store_leaf_check(leaf);
        return r < 0 ? r : transfer_walk_body(transfer, leaf);
}

/* Behind the last leaf; the SOA that has been sent stands for the one that comes. */
static int check_is_whole(struct transfer *transfer)
{
        struct store_leaf leaf;
        int r = store_leaves_next(transfer->leaves, &leaf);
        if (r <= 0)
                return r < 0 ? r : -EUCLEAN;
        return transfer->summary.records + transfer->stripped == transfer->zone.record_count ? 0 : -EUCLEAN;
}

static int first_leaf(struct transfer *transfer)
{
        transfer->state = SOURCE_LEAVES;
        int r = store_leaves_open(transfer->read, transfer->zone.id, &transfer->leaves);
        if (r < 0)
                return r;
        if (transfer->zone.leaf_count == 0)
                return SOURCE_WALK; /* through nothing */
        struct store_leaf leaf;
        r = leaf_take(transfer, &leaf);
        if (r == 0)
                r = leaf_walk(transfer, &leaf);
        return r < 0 ? r : SOURCE_WALK;
}

int axfr_next(struct transfer *transfer, bool begun, struct record *ret_record, struct store_leaf *ret_body)
{
        int r;
        switch (transfer->state) {
        case SOURCE_FIRST:
                *ret_record = transfer->zone.soa;
                transfer->state = SOURCE_LEAF;
                return SOURCE_RECORD;
        case SOURCE_LEAF:
                return first_leaf(transfer);
        case SOURCE_LEAVES:
                if (transfer->leaves_taken < transfer->zone.leaf_count) {
                        if (begun && !transfer->strip_dnssec)
                                return SOURCE_BREAK;
                        r = leaf_take(transfer, ret_body);
                        if (r < 0 || !transfer->strip_dnssec)
                                return r < 0 ? r : SOURCE_BODY;
                        r = leaf_walk(transfer, ret_body);
                        return r < 0 ? r : SOURCE_WALK;
                }
                r = check_is_whole(transfer);
                if (r < 0)
                        return r;
                transfer->state = SOURCE_LAST;
                return axfr_next(transfer, begun, ret_record, ret_body);
        case SOURCE_LAST:
                *ret_record = transfer->zone.soa;
                transfer->state = SOURCE_DONE;
                return SOURCE_RECORD;
        case SOURCE_STEP_FROM:
        case SOURCE_STEP_REMOVED:
        case SOURCE_STEP_TO:
        case SOURCE_STEP_ADDED:
        case SOURCE_DONE:
                break;
        }
        return SOURCE_END;
}
