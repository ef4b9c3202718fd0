/* One answer from plan to last message: takes records and bodies from the source and makes messages of them.
 *
 *     head (own)                      body                           TSIG (own)
 *     length 2 | header 12, ID put in | behind the header: map or heap | where the request had one
 *
 * A slot of the ring holds what is not in the map, so TRANSFER_AHEAD messages stay valid while they are
 * written. Runs on the thread that owns the transfer; nothing here is shared. One view of the store from
 * first message to last, or a newer one of the very same version (I1). */
#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/fault.h"
#include "base/log.h"
#include "base/log_ids.h"
#include "dns/type.h"
#include "transfer/state.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define RENDERED_SIZE 32768 /* a record that is larger gets a message of its own, up to MESSAGE_MAX_SIZE */
#define OPT_SIZE 11
#define UDP_SIZE 1232

DEFINE_CLEANUP(struct transfer *, transfer_free);

struct transfer *transfer_free(struct transfer *transfer)
{
        if (!transfer)
                return NULL;
        if (transfer->leaves)
                store_leaves_close(transfer->leaves);
        if (transfer->read)
                store_read_end(transfer->read);
        tsig_context_free(transfer->tsig);
        for (unsigned i = 0; i < TRANSFER_AHEAD; i++)
                free(transfer->slots[i].rendered);
        arena_free(&transfer->arenas[0]);
        arena_free(&transfer->arenas[1]);
        free(transfer->walk_copy);
        free(transfer);
        return NULL;
}

/* A damaged journal is told once a version, not at each of a secondary's tries. */
static void log_damaged_history(const struct store_zone *zone)
{
        static _Atomic uint64_t last_told;
        uint64_t now_told = zone->id << 32 ^ zone->version;
        if (atomic_exchange(&last_told, now_told) == now_told)
                return;
        char text[NAME_TEXT_MAX];
        name_to_zone_text(zone->name, text);
        log_write(LOG_ERR,
                &(struct log_fields){
                        .zone = text, .serial = zone->serial, .message_id = MESSAGE_STORE_DAMAGED},
                "%s: a stored step of its history is damaged: IXFR is answered with the whole zone", text);
}

/* The kind, and the first step where it is differences. */
static int plan_kind(
        struct transfer *transfer, const struct transfer_request *wanted, const struct store_step **ret_first)
{
        const struct request *request = wanted->request;
        struct store_zone *zone = &transfer->zone;
        struct transfer_summary *summary = &transfer->summary;
        summary->to_serial = zone->serial;
        summary->kind = TRANSFER_AXFR;
        if (request->qtype != TYPE_IXFR)
                return 0;
        summary->kind = TRANSFER_IXFR_WHOLE;
        if (!request->has_authority_soa)
                return 0;
        summary->from_serial = request->authority_serial;

        struct store_step *first = NULL;
        if (request->authority_serial != zone->serial && wanted->tcp) {
                int r = store_step_from(transfer->read, zone, request->authority_serial, &transfer->step);
                if (r == 0)
                        first = &transfer->step;
                else if (r == -EUCLEAN)
                        log_damaged_history(zone);
                else if (r != -ENOENT)
                        return r;
        }
        summary->kind = ixfr_plan(zone, request->authority_serial, first, wanted->max_ixfr_ratio_percent);
        if (!wanted->tcp && summary->kind != TRANSFER_CLIENT_AHEAD)
                summary->kind = TRANSFER_UP_TO_DATE; /* the lone SOA sends it to TCP (RFC 1995 s.4) */
        *ret_first = first;
        return 0;
}

/* What the client is to get. */
static int plan(struct transfer *transfer, const struct transfer_request *wanted)
{
        const struct store_step *first = NULL;
        struct transfer_summary *summary = &transfer->summary;
        int r = plan_kind(transfer, wanted, &first);
        if (r == 0)
                r = view_plan(transfer, wanted, first);
        if (r < 0 || summary->kind != TRANSFER_IXFR)
                return r;
        r = ixfr_check_steps(transfer->read, &transfer->zone, first);
        if (r == -EUCLEAN) {
                log_damaged_history(&transfer->zone);
                summary->kind = TRANSFER_IXFR_WHOLE;
                return 0;
        }
        return r;
}

/* Keeps of the request what the answer needs: header, question, EDNS. */
static void keep_request(struct transfer *transfer, const struct request *request)
{
        transfer->request = *request;
        memcpy(transfer->question, request->bytes, request->question_end);
        transfer->request.bytes = transfer->question;
        transfer->request.length = request->question_end;
        transfer->request.tsig = (struct tsig_view){0};
}

int transfer_new(struct store_read *read, const struct transfer_request *request, struct tsig_context *tsig,
        struct transfer **ret_transfer)
{
        CLEANUP(transfer_free_later) struct transfer *transfer = calloc(1, sizeof(*transfer));
        if (!transfer) {
                store_read_end(read);
                tsig_context_free(tsig);
                return -ENOMEM;
        }
        transfer->read = read;
        transfer->tsig = tsig;
        transfer->render = request->render;
        transfer->scratch = request->scratch;
        if (request->request->question_end > sizeof(transfer->question))
                return -EINVAL;
        keep_request(transfer, request->request);

        uint8_t name[NAME_MAX_LENGTH];
        name_fold(request->request->qname, name);
        int r = store_zone_find(read, name, &transfer->zone);
        if (r < 0)
                return r;
        r = plan(transfer, request);
        if (r < 0)
                return r;
        *ret_transfer = TAKE(transfer);
        return 0;
}

int transfer_walk_body(struct transfer *transfer, const struct store_leaf *body)
{
        free(transfer->walk_copy);
        transfer->walk_copy = NULL;
        if (message_walk_begin(&transfer->walk, body->message, body->length) < 0)
                return -EUCLEAN;
        if (transfer->walk.left != body->record_count)
                return -EUCLEAN;
        transfer->walking = true;
        return 0;
}

/* The next record or body, whatever it comes from. */
static int source_next(
        struct transfer *transfer, bool begun, struct record *ret_record, struct store_leaf *ret_body)
{
        bool is_whole =
                transfer->summary.kind == TRANSFER_AXFR || transfer->summary.kind == TRANSFER_IXFR_WHOLE;
        if (transfer->has_pending) {
                transfer->has_pending = false;
                *ret_record = transfer->pending;
                return SOURCE_RECORD;
        }
        for (;;) {
                if (transfer->walking) {
                        struct arena *arena = &transfer->arenas[transfer->arena];
                        int r = message_walk_next(&transfer->walk, arena, ret_record);
                        if (r == 0 && transfer->strip_dnssec && view_strips(ret_record->type)) {
                                transfer->stripped++;
                                continue;
                        }
                        if (r == 0)
                                return SOURCE_RECORD;
                        if (r < 0)
                                return r == -ENOMEM ? r : -EUCLEAN;
                        transfer->walking = false;
                }
                int r = is_whole ? axfr_next(transfer, begun, ret_record, ret_body)
                                 : ixfr_next(transfer, begun, ret_record, ret_body);
                if (r != SOURCE_WALK)
                        return r;
        }
}

/* Keeps a record that did not fit for the next message, and leaves the octets of this one's behind. */
static int keep_pending(struct transfer *transfer, const struct record *record)
{
        unsigned other = !transfer->arena;
        arena_free(&transfer->arenas[other]);
        int r = record_copy(&transfer->arenas[other], record, &transfer->pending);
        if (r < 0)
                return r;
        transfer->has_pending = true;
        return 0;
}

static size_t size_limit(const struct transfer *transfer, size_t size)
{
        size_t room = transfer->tsig ? TSIG_RR_MAX : 0;
        return size > MESSAGE_MAX_SIZE - room ? MESSAGE_MAX_SIZE - room : size;
}

static bool has_opt(const struct transfer *transfer)
{
        return transfer->summary.messages == 0 && transfer->request.has_edns;
}

/* Header, and in the first message the question and room for OPT (RFC 5936 s.2.2). */
static void message_begin(struct transfer *transfer, size_t size)
{
        const struct request *request = &transfer->request;
        uint16_t flags = (uint16_t)(FLAG_QR | FLAG_AA | (request->flags & FLAG_RD));
        size_t limit = size_limit(transfer, size) - (has_opt(transfer) ? OPT_SIZE : 0);
        render_begin(transfer->render, transfer->scratch, limit, request->id, flags);
        if (transfer->summary.messages == 0)
                render_question(transfer->render, request); /* always fits */
}

/* Fills the message at hand until it is full, or a body or the end comes. Returns the outcome that ended it.
 */
static int message_fill(struct transfer *transfer, struct store_leaf *ret_body)
{
        message_begin(transfer, RENDERED_SIZE);
        bool is_large = false;
        for (unsigned count = 0;;) {
                struct record record;
                int r = source_next(transfer, count > 0, &record, ret_body);
                if (r != SOURCE_RECORD)
                        return r;
                if (render_record(transfer->render, RENDER_ANSWER, &record) == RENDER_OK) {
                        count++;
                        transfer->summary.records++;
                        continue;
                }
                if (count > 0)
                        return keep_pending(transfer, &record) < 0 ? -ENOMEM : SOURCE_BREAK;
                if (is_large)
                        return -EUCLEAN; /* no message can hold it; the zone's checks let none through */
                is_large = true;
                message_begin(transfer, MESSAGE_MAX_SIZE);
                transfer->pending = record;
                transfer->has_pending = true;
        }
}

static int message_end(struct transfer *transfer, struct transfer_slot *slot, struct store_leaf *ret_body)
{
        struct render *render = transfer->render;
        if (has_opt(transfer)) {
                render->limit += OPT_SIZE;
                render_opt(render, UDP_SIZE, transfer->request.dnssec_ok, 0, EDE_NONE, NULL);
        }
        size_t length = render_end(render);
        slot->rendered = malloc(length);
        if (!slot->rendered)
                return -ENOMEM;
        memcpy(slot->rendered, transfer->scratch, length);
        *ret_body = (struct store_leaf){.message = slot->rendered, .length = length};

        arena_free(&transfer->arenas[transfer->arena]);
        transfer->arena = !transfer->arena;
        return 0;
}

static int message_sign(
        struct transfer *transfer, uint64_t now, struct transfer_slot *slot, struct transfer_message *message)
{
        struct iovec covered[2] = {
                {slot->head + 2, MESSAGE_HEADER_SIZE},
                message->pieces[1],
        };
        ssize_t size = tsig_sign_pieces(transfer->tsig, covered, 2, TSIG_OK, now, slot->tsig);
        if (size < 0)
                return (int)size;
        message->pieces[message->piece_count++] = (struct iovec){slot->tsig, (size_t)size};
        message->length += (size_t)size;
        uint8_t *additional_count = slot->head + 12;
        write_u16(additional_count, (uint16_t)(read_u16(additional_count) + 1));
        return 0;
}

/* Head, body, signature. The header comes from the body with the request's ID and RD put in. */
static int message_assemble(struct transfer *transfer, uint64_t now, struct transfer_slot *slot,
        const struct store_leaf *body, struct transfer_message *ret_message)
{
        const struct request *request = &transfer->request;
        uint8_t *header = slot->head + 2;
        memcpy(header, body->message, MESSAGE_HEADER_SIZE);
        write_u16(header, request->id);
        write_u16(header + 2, (uint16_t)(FLAG_QR | FLAG_AA | (request->flags & FLAG_RD)));

        struct transfer_message message = {
                .pieces = {{slot->head, sizeof(slot->head)},
                        {(void *)(body->message + MESSAGE_HEADER_SIZE), body->length - MESSAGE_HEADER_SIZE}},
                .piece_count = 2,
                .length = sizeof(slot->head) + body->length - MESSAGE_HEADER_SIZE,
        };
        if (transfer->tsig) {
                int r = message_sign(transfer, now, slot, &message);
                if (r < 0)
                        return r;
        }
        if (message.length - 2 > MESSAGE_MAX_SIZE)
                return -EUCLEAN; /* a stored body that leaves no room for a signature */
        write_u16(slot->head, (uint16_t)(message.length - 2));
        *ret_message = message;
        return 0;
}

int transfer_next(struct transfer *transfer, uint64_t now, struct transfer_message *ret_message)
{
        struct transfer_slot *slot = &transfer->slots[transfer->summary.messages % TRANSFER_AHEAD];
        if (transfer->is_broken)
                return -EUCLEAN;
        int r = fault_point("transfer-message");
        if (r < 0)
                return r;
        free(slot->rendered);
        slot->rendered = NULL;

        struct store_leaf body;
        r = message_fill(transfer, &body);
        if (r < 0)
                return r;
        bool is_stored = r == SOURCE_BODY;
        if (is_stored) {
                transfer->summary.records += body.record_count;
        } else {
                if (transfer->render->counts[1] == 0)
                        return 1;
                r = message_end(transfer, slot, &body);
                if (r < 0)
                        return r;
        }
        r = message_assemble(transfer, now, slot, &body, ret_message);
        /* Behind the signature: the MAC is slow enough to have the memory's octets come meanwhile. */
        if (r == 0 && is_stored)
                r = store_leaf_check(&body);
        if (r < 0)
                return r;
        transfer->summary.messages++;
        transfer->summary.bytes += ret_message->length;
        return 0;
}

/* What the walk still reads lies in the view that is about to go. */
static int walk_keep(struct transfer *transfer)
{
        if (!transfer->walking || transfer->walk_copy)
                return 0;
        transfer->walk_copy = malloc(transfer->walk.length);
        if (!transfer->walk_copy)
                return -ENOMEM;
        memcpy(transfer->walk_copy, transfer->walk.bytes, transfer->walk.length);
        transfer->walk.bytes = transfer->walk_copy;
        return 0;
}

DEFINE_CLEANUP(struct store_read *, store_read_end);

int transfer_renew(struct transfer *transfer, struct store *store)
{
        CLEANUP(store_read_end_later) struct store_read *read = NULL;
        struct store_zone zone;
        struct store_step step = transfer->step;
        int r = store_read_begin(store, &read);
        if (r < 0)
                return r;
        r = store_zone_get(read, transfer->zone.id, &zone);
        if (r == -ENOENT || (r == 0 && zone.version != transfer->zone.version))
                return 1;
        if (r < 0)
                return r;
        if (transfer->summary.kind == TRANSFER_IXFR) {
                r = store_step_get(read, zone.id, step.version, &step);
                if (r == -ENOENT)
                        return 1; /* the history was cut meanwhile; this view still has it */
                if (r < 0)
                        return r;
        }
        r = walk_keep(transfer);
        if (r < 0)
                return r;
        if (transfer->leaves) {
                r = store_leaves_resume(transfer->leaves, read);
                if (r < 0) {
                        transfer->leaves = store_leaves_close(transfer->leaves);
                        transfer->is_broken = true;
                        return r;
                }
        }
        store_read_end(transfer->read);
        transfer->read = TAKE(read);
        transfer->zone = zone;
        transfer->step = step;
        return 0;
}

uint64_t transfer_clock(const struct transfer *transfer)
{
        return store_read_clock(transfer->read);
}

void transfer_summary(const struct transfer *transfer, struct transfer_summary *ret_summary)
{
        *ret_summary = transfer->summary;
}
