/* The question on the wire, and the judgement of what comes back. Pure.
 *
 *     header   ID random, opcode QUERY, no RD: an authoritative server is asked
 *     question name type IN
 *     OPT      1232 octets (no fragments), NSID where it is wanted (RFC 5001 s.2.1: empty)
 *     TSIG     where there is a key
 *
 * An answer counts when ID, opcode and question are those that were sent. An error may leave the question out
 * (RFC 1035 s.4.1.1 does not ask for it where the message could not be read). */
#include "probe/state.h"

#include "base/arena.h"
#include "base/buffer.h"
#include "dns/type.h"

#include <errno.h>
#include <string.h>

#define EDNS_SIZE 1232
#define OPTION_NSID 3

size_t probe_message_build(uint8_t bytes[static PROBE_MESSAGE_MAX], uint16_t id, const uint8_t *name,
        uint16_t type, bool with_edns, bool with_nsid)
{
        size_t length = name_length(name);
        memset(bytes, 0, MESSAGE_HEADER_SIZE);
        write_u16(bytes, id);
        write_u16(bytes + 4, 1);
        uint8_t *at = bytes + MESSAGE_HEADER_SIZE;
        memcpy(at, name, length);
        at += length;
        write_u16(at, type);
        write_u16(at + 2, CLASS_IN);
        at += 4;
        if (!with_edns)
                return (size_t)(at - bytes);
        write_u16(bytes + 10, 1);
        *at++ = 0;
        write_u16(at, TYPE_OPT);
        write_u16(at + 2, EDNS_SIZE);
        write_u32(at + 4, 0);
        write_u16(at + 8, with_nsid ? 4 : 0);
        at += 10;
        if (with_nsid) {
                write_u16(at, OPTION_NSID);
                write_u16(at + 2, 0);
                at += 4;
        }
        return (size_t)(at - bytes);
}

static bool is_question(const struct request *answer, const uint8_t *name, uint16_t type)
{
        if (answer->qdcount == 0)
                return answer->rcode != RCODE_NOERROR && answer->rcode != RCODE_NXDOMAIN;
        return answer->qtype == type && answer->qclass == CLASS_IN && name_equal(answer->qname, name);
}

/* Whether the answer's TSIG is what the context expects. */
static bool judge_tsig(const struct request *answer, struct tsig_context *context, uint64_t now_sec,
        struct probe_answer *ret_answer)
{
        const struct tsig_view *tsig = &answer->tsig;
        if (!context)
                return !tsig->present;
        /* RFC 8945 s.5.3.2: who does not know the key, or finds the MAC wrong, can only say so without a MAC.
         */
        if (tsig->present && tsig->mac_length == 0 &&
                name_equal(tsig->key_name, tsig_context_key(context)->name))
                ret_answer->tsig_error = tsig->error;
        int r = tsig_verify_response(context, answer, now_sec);
        if (r != TSIG_OK) {
                ret_answer->tsig = r < 0 ? TSIG_BADSIG : (enum tsig_result)r;
                return false;
        }
        ret_answer->tsig_error = tsig->error;
        return tsig->error == 0;
}

static void take_nsid(const struct record *opt, struct probe_answer *answer)
{
        const uint8_t *at = opt->rdata;
        size_t left = opt->rdata_length;
        while (left >= 4) {
                size_t size = read_u16(at + 2);
                if (left - 4 < size)
                        return;
                if (read_u16(at) == OPTION_NSID) {
                        answer->nsid_length = size < PROBE_NSID_MAX ? size : PROBE_NSID_MAX;
                        memcpy(answer->nsid, at + 4, answer->nsid_length);
                        return;
                }
                at += 4 + size;
                left -= 4 + size;
        }
}

/* The RRset of the answer section, and the NSID of the additional one. */
static int read_records(const struct request *request, const uint8_t *name, uint16_t type,
        struct arena *arena, struct probe_answer *answer)
{
        struct message_walk walk;
        unsigned answers = read_u16(request->bytes + 6);
        struct record *records = arena_alloc(arena, (answers + 1) * sizeof(*records));
        if (!records)
                return -ENOMEM;
        int r = message_walk_begin(&walk, request->bytes, request->length);
        if (r < 0)
                return r;
        for (unsigned n = 0;; n++) {
                struct record record;
                r = message_walk_next(&walk, arena, &record);
                if (r != 0)
                        break;
                if (n < answers && record.type == type && name_equal(record.owner, name))
                        records[answer->record_count++] = record;
                else if (n >= answers && record.type == TYPE_OPT)
                        take_nsid(&record, answer);
        }
        answer->records = records;
        return r < 0 ? r : 0;
}

int probe_judge(const uint8_t *bytes, size_t length, uint16_t id, const uint8_t *name, uint16_t type,
        struct tsig_context *context, uint64_t now_sec, struct arena *arena, struct probe_answer *ret_answer)
{
        struct request request;
        struct probe_answer answer = {.result = PROBE_ANSWERED};
        if (request_parse(bytes, length, true, &request) != MESSAGE_OK)
                return JUDGED_IGNORED;
        if (request.id != id || request.opcode != OPCODE_QUERY || !is_question(&request, name, type))
                return JUDGED_IGNORED;
        answer.rcode = request.rcode;
        if (!judge_tsig(&request, context, now_sec, &answer)) {
                answer.result = PROBE_BAD_TSIG;
                *ret_answer = answer;
                return JUDGED_BAD_TSIG;
        }
        if (request.flags & FLAG_TC)
                return JUDGED_TRUNCATED;
        answer.is_authoritative = request.flags & FLAG_AA;
        answer.has_serial = request.has_answer_soa;
        answer.serial = request.answer_serial;
        int r = read_records(&request, name, type, arena, &answer);
        if (r == -ENOMEM)
                return r;
        if (r < 0)
                return JUDGED_IGNORED;
        *ret_answer = answer;
        return JUDGED_COUNTS;
}
