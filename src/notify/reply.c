/* Answers to our NOTIFYs. Main loop; reply_judge is pure.
 *
 * An answer counts when it comes to the socket that the NOTIFY left from, from the address and port it went
 * to, with its ID, opcode NOTIFY and its question (an empty question section is fine: some servers leave it
 * out). Where the NOTIFY was signed the answer's TSIG has to be right; one without TSIG counts, and is
 * flagged, as many servers do not sign an answer to NOTIFY. Anything else changes nothing. */
#include "notify/state.h"

#include "base/buffer.h"
#include "base/clock.h"
#include "dns/type.h"

#define TELL_SPACING (60 * USEC_PER_SEC)

static bool is_question(const struct request *answer, const uint8_t *zone)
{
        if (answer->qdcount == 0)
                return true;
        return answer->qtype == TYPE_SOA && answer->qclass == CLASS_IN && name_equal(answer->qname, zone);
}

/* BADTIME comes with the target's own time (RFC 8945 s.5.2.3). */
static int64_t clock_offset(const struct tsig_view *tsig, uint64_t now_sec)
{
        if (tsig->error != RCODE_BADTIME || tsig->other_length != 6)
                return 0;
        uint64_t theirs = (uint64_t)read_u16(tsig->other) << 32 | read_u32(tsig->other + 2);
        return (int64_t)theirs - (int64_t)now_sec;
}

static enum reply_outcome judge_tsig(
        const struct request *answer, struct tsig_context *context, uint64_t now_sec, struct reply *reply)
{
        const struct tsig_view *tsig = &answer->tsig;
        reply->is_unsigned = context && !tsig->present;
        if (!tsig->present)
                return REPLY_COUNTS;
        /* RFC 8945 s.5.3.2: who does not know the key, or finds the MAC wrong, can only say so without a MAC.
         */
        bool is_complaint = answer->rcode == RCODE_NOTAUTH && tsig->mac_length == 0 &&
                            (tsig->error == RCODE_BADKEY || tsig->error == RCODE_BADSIG);
        if (context && is_complaint && name_equal(tsig->key_name, tsig_context_key(context)->name)) {
                reply->tsig_error = tsig->error;
                return REPLY_COUNTS;
        }
        int r = context ? tsig_verify_response(context, answer, now_sec) : TSIG_BADKEY;
        if (r != TSIG_OK) {
                reply->result = r < 0 ? TSIG_BADSIG : (enum tsig_result)r;
                return REPLY_BAD_TSIG;
        }
        reply->tsig_error = tsig->error;
        reply->clock_offset_sec = clock_offset(tsig, now_sec);
        return REPLY_COUNTS;
}

enum reply_outcome reply_judge(const uint8_t *bytes, size_t length, uint16_t id, const uint8_t *zone,
        struct tsig_context *context, uint64_t now_sec, struct reply *ret_reply)
{
        struct request answer;
        if (request_parse(bytes, length, true, &answer) != MESSAGE_OK)
                return REPLY_IGNORED;
        if (answer.id != id || answer.opcode != OPCODE_NOTIFY || !is_question(&answer, zone))
                return REPLY_IGNORED;
        struct reply reply = {.rcode = answer.rcode};
        enum reply_outcome outcome = judge_tsig(&answer, context, now_sec, &reply);
        *ret_reply = reply;
        return outcome;
}

static void note_answer(
        struct notify *notify, struct pending *pending, const struct reply *reply, uint64_t took_usec)
{
        struct fleet_row *row = &pending->target->row;
        bool is_error = reply->rcode != RCODE_NOERROR && reply->rcode != RCODE_NOTIMP;
        row->last_rcode = (int16_t)reply->rcode;
        if (is_error) {
                if (pending->told_rcode != row->last_rcode)
                        tell_refused(pending, reply);
                pending->told_rcode = row->last_rcode;
        } else {
                bool was_unsigned = row->acknowledged_unsigned;
                bool is_first = row->acknowledged_serial != pending->exchange.serial;
                row->acknowledged_serial = pending->exchange.serial;
                row->acknowledged_usec = clock_realtime_usec();
                row->acknowledged_unsigned = reply->is_unsigned;
                pending->told_rcode = -1;
                if (is_first)
                        tell_acknowledged(pending, reply, was_unsigned, took_usec);
        }
        fleet_target_changed(notify->fleet, pending->target);
}

static void answer_take(struct notify *notify, struct pending *pending, const struct reply *reply)
{
        struct peer *peer = pending->peer;
        uint64_t now = clock_monotonic_usec();
        struct notify_input input = {
                .event = NOTIFY_EVENT_ANSWER,
                .rcode = reply->rcode,
                .serial = pending->exchange.serial,
        };
        bool was_down = peer_heard(peer);
        note_answer(notify, pending, reply, now - pending->exchange.sent_usec);
        exchange_end(notify, pending);
        pending_step(notify, pending, input);
        peer_drain(notify, peer, was_down);
}

void reply_received(
        void *context, uint32_t socket_id, const struct address *from, const uint8_t *bytes, size_t length)
{
        struct notify *notify = context;
        if (length < MESSAGE_HEADER_SIZE)
                return;
        struct exchange_key key = exchange_key_of(from, socket_id, read_u16(bytes));
        struct pending *pending = table_get(&notify->exchanges, &key, sizeof(key));
        if (!pending)
                return;
        struct reply reply;
        uint64_t now = clock_monotonic_usec();
        switch (reply_judge(bytes, length, key.id, pending->target->zone->name, pending->exchange.context,
                clock_realtime_usec() / USEC_PER_SEC, &reply)) {
        case REPLY_COUNTS:
                answer_take(notify, pending, &reply);
                return;
        case REPLY_BAD_TSIG:
                if (pending->peer->told_tsig_usec == 0 ||
                        now - pending->peer->told_tsig_usec >= TELL_SPACING) {
                        tell_bad_tsig(pending, &reply);
                        pending->peer->told_tsig_usec = now;
                }
                return;
        case REPLY_IGNORED:
                return;
        }
}
