/* IXFR (RFC 1995): the plan, and the differences step after step.
 *
 *     SOA(new)
 *       SOA(1) removed ...  SOA(2) added ...      one step
 *       SOA(2) removed ...  SOA(3) added ...
 *     SOA(new)
 *
 * Steps are sent one behind the other as they were published, never condensed. A piece of a step under
 * STREAM_MIN octets is decoded and packed; a larger one goes out as it lies in the map. Runs on the thread
 * that owns the transfer. */
#include "transfer/state.h"

#include "dns/serial.h"

#include <errno.h>

#define STREAM_MIN 8192

/* Where the difference is no larger than this, its share of an AXFR does not matter: either is one small
 * message, and differences keep the secondary's own journal whole. */
#define IXFR_ALWAYS_BYTES 4096

const char *transfer_kind_name(enum transfer_kind kind)
{
        switch (kind) {
        case TRANSFER_AXFR:
                return "AXFR";
        case TRANSFER_IXFR:
                return "IXFR";
        case TRANSFER_IXFR_WHOLE:
                return "AXFR-style IXFR";
        case TRANSFER_UP_TO_DATE:
                return "up to date";
        case TRANSFER_CLIENT_AHEAD:
                return "client ahead";
        }
        return "unknown";
}

static bool is_too_large(uint64_t ixfr_bytes, uint64_t axfr_bytes, unsigned max_ratio_percent)
{
        if (max_ratio_percent == 0 || ixfr_bytes <= IXFR_ALWAYS_BYTES)
                return false;
        return (unsigned __int128)ixfr_bytes * 100 > (unsigned __int128)axfr_bytes * max_ratio_percent;
}

/* A step that starts at the client's serial goes before the order of serials: after more than half the circle
 * a serial that we published looks like one ahead of us. */
enum transfer_kind ixfr_plan(const struct store_zone *zone, uint32_t client_serial,
        const struct store_step *first, unsigned max_ratio_percent)
{
        if (client_serial == zone->serial)
                return TRANSFER_UP_TO_DATE;
        if (first) {
                uint64_t bytes = zone->journal_end - first->bytes_before;
                bool whole = is_too_large(bytes, zone->axfr_bytes, max_ratio_percent);
                return whole ? TRANSFER_IXFR_WHOLE : TRANSFER_IXFR;
        }
        if (serial_is_ahead(client_serial, zone->serial))
                return TRANSFER_CLIENT_AHEAD;
        return TRANSFER_IXFR_WHOLE;
}

static int check_pieces(struct store_read *read, uint64_t zone_id, const struct store_step *step)
{
        uint64_t removed = 0, added = 0;
        for (unsigned i = 1; i <= step->removed_pieces + step->added_pieces; i++) {
                struct store_leaf body;
                int r = store_step_piece(read, zone_id, step->version, i, &body);
                if (r < 0)
                        return r == -ENOMEM ? r : -EUCLEAN;
                if (body.length < MESSAGE_HEADER_SIZE || body.length > MESSAGE_MAX_SIZE)
                        return -EUCLEAN;
                *(i <= step->removed_pieces ? &removed : &added) += body.record_count;
        }
        return removed == step->removed_count && added == step->added_count ? 0 : -EUCLEAN;
}

int ixfr_check_steps(struct store_read *read, const struct store_zone *zone, const struct store_step *first)
{
        struct store_step step = *first;
        for (;;) {
                int r = check_pieces(read, zone->id, &step);
                if (r < 0)
                        return r;
                if (step.version >= zone->version)
                        break;
                uint32_t serial = step.serial_to;
                r = store_step_get(read, zone->id, step.version + 1, &step);
                if (r < 0)
                        return r == -ENOMEM ? r : -EUCLEAN;
                if (step.serial_from != serial)
                        return -EUCLEAN;
        }
        return step.version == zone->version && step.serial_to == zone->serial ? 0 : -EUCLEAN;
}

/* The next piece of the step, up to `last`; SOURCE_END where none is left. */
static int piece_next(struct transfer *transfer, unsigned last, bool begun, struct store_leaf *ret_body)
{
        if (transfer->piece >= last)
                return SOURCE_END;
        int r = store_step_piece(
                transfer->read, transfer->zone.id, transfer->step.version, transfer->piece + 1, ret_body);
        if (r < 0)
                return r == -ENOMEM ? r : -EUCLEAN;
        bool is_large = ret_body->length >= STREAM_MIN && !transfer->strip_dnssec;
        if (is_large && begun)
                return SOURCE_BREAK;
        transfer->piece++;
        if (is_large)
                return ret_body->length <= MESSAGE_MAX_SIZE ? SOURCE_BODY : -EUCLEAN;
        r = transfer_walk_body(transfer, ret_body);
        return r < 0 ? r : SOURCE_WALK;
}

static int step_advance(struct transfer *transfer)
{
        if (transfer->step.version >= transfer->zone.version) {
                transfer->state = SOURCE_LAST;
                return 0;
        }
        int r = store_step_get(
                transfer->read, transfer->zone.id, transfer->step.version + 1, &transfer->step);
        if (r < 0)
                return r == -ENOMEM ? r : -EUCLEAN;
        transfer->piece = 0;
        transfer->state = SOURCE_STEP_FROM;
        return 0;
}

int ixfr_next(struct transfer *transfer, bool begun, struct record *ret_record, struct store_leaf *ret_body)
{
        bool is_lone = transfer->summary.kind != TRANSFER_IXFR;
        int r;
        switch (transfer->state) {
        case SOURCE_FIRST:
                *ret_record = transfer->zone.soa;
                transfer->state = is_lone ? SOURCE_DONE : SOURCE_STEP_FROM;
                return SOURCE_RECORD;
        case SOURCE_STEP_FROM:
                *ret_record = transfer->step.soa_from;
                transfer->state = SOURCE_STEP_REMOVED;
                return SOURCE_RECORD;
        case SOURCE_STEP_REMOVED:
                r = piece_next(transfer, transfer->step.removed_pieces, begun, ret_body);
                if (r != SOURCE_END)
                        return r;
                transfer->state = SOURCE_STEP_TO;
                return SOURCE_WALK;
        case SOURCE_STEP_TO:
                *ret_record = transfer->step.soa_to;
                transfer->state = SOURCE_STEP_ADDED;
                return SOURCE_RECORD;
        case SOURCE_STEP_ADDED:
                r = piece_next(transfer, transfer->step.removed_pieces + transfer->step.added_pieces, begun,
                        ret_body);
                if (r != SOURCE_END)
                        return r;
                r = step_advance(transfer);
                return r < 0 ? r : SOURCE_WALK;
        case SOURCE_LAST:
                *ret_record = transfer->zone.soa;
                transfer->state = SOURCE_DONE;
                return SOURCE_RECORD;
        case SOURCE_LEAF:
        case SOURCE_LEAVES:
        case SOURCE_DONE:
                break;
        }
        return SOURCE_END;
}
