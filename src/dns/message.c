/* The view of one request (or of the response to ours): header, question, EDNS, SOA serials, TSIG. Pure; any
 * thread. Everything read here comes from the net: bounded work, no allocation, pointers only into the
 * message. */
#include "dns/message.h"

#include "base/buffer.h"
#include "dns/rr_header.h"
#include "dns/type.h"

#include <string.h>

#define REQUEST_RECORDS_MAX 64u
#define TSIG_AFTER_ALGORITHM 16u /* time, fudge, MAC size, original ID, error, other length */

size_t rr_header_read(const uint8_t *bytes, size_t length, size_t offset, struct rr_header *ret_header)
{
        size_t taken = name_decompress(bytes, length, offset, ret_header->owner, &ret_header->owner_length);
        size_t at = offset + taken;

        if (taken == 0 || length - at < RR_FIXED_SIZE)
                return 0;
        ret_header->type = read_u16(bytes + at);
        ret_header->class = read_u16(bytes + at + 2);
        ret_header->ttl = read_u32(bytes + at + 4);
        ret_header->rdata_length = read_u16(bytes + at + 8);
        ret_header->rdata_offset = at + RR_FIXED_SIZE;
        if (length - ret_header->rdata_offset < ret_header->rdata_length)
                return 0;
        return ret_header->rdata_offset + ret_header->rdata_length;
}

enum section { SECTION_ANSWER, SECTION_AUTHORITY, SECTION_ADDITIONAL, SECTION_COUNT };

static bool read_question(struct request *request)
{
        size_t taken = name_decompress(
                request->bytes, request->length, MESSAGE_HEADER_SIZE, request->qname, &request->qname_length);
        size_t at = MESSAGE_HEADER_SIZE + taken;

        if (taken == 0 || request->length - at < 4) {
                request->qname_length = 0;
                return false;
        }
        request->qtype = read_u16(request->bytes + at);
        request->qclass = read_u16(request->bytes + at + 2);
        request->question_end = at + 4;
        return true;
}

/* The serial of an SOA whose names may be compressed. */
static bool read_soa_serial(
        const struct request *request, const struct rr_header *header, uint32_t *ret_serial)
{
        size_t at = header->rdata_offset, end = at + header->rdata_length, ignored;
        uint8_t name[NAME_MAX_LENGTH];

        for (unsigned i = 0; i < 2; i++) {
                size_t taken = name_decompress(request->bytes, end, at, name, &ignored);

                if (taken == 0)
                        return false;
                at += taken;
        }
        if (end - at != 20)
                return false;
        *ret_serial = read_u32(request->bytes + at);
        return true;
}

/* The first SOA of the question's name in a section; one that cannot be read fails the message. */
static bool take_soa(
        const struct request *request, const struct rr_header *header, bool *has, uint32_t *ret_serial)
{
        uint32_t serial;

        /* An UPDATE's sections mean something else, and may hold SOAs without RDATA (RFC 2136 s.2.4). */
        if (header->type != TYPE_SOA || (request->opcode != OPCODE_QUERY && request->opcode != OPCODE_NOTIFY))
                return true;
        if (!read_soa_serial(request, header, &serial))
                return false;
        if (*has || request->qname_length == 0 || !name_equal(header->owner, request->qname))
                return true;
        *has = true;
        *ret_serial = serial;
        return true;
}

static bool take_opt(struct request *request, const struct rr_header *header)
{
        const uint8_t *options = request->bytes + header->rdata_offset;
        size_t left = header->rdata_length;

        /* RFC 6891 s.6.1: one, owned by the root. */
        if (request->has_edns || header->owner_length != 1)
                return false;
        while (left > 0) {
                if (left < 4 || left - 4 < read_u16(options + 2))
                        return false;
                left -= 4u + read_u16(options + 2);
                options += 4u + read_u16(options + 2);
        }
        request->has_edns = true;
        request->edns_udp_size = header->class;
        request->edns_version = header->ttl >> 16 & 0xFF;
        request->dnssec_ok = header->ttl & 0x8000;
        if (header->ttl >> 24) {
                unsigned rcode = (header->ttl >> 24) << 4 | request->rcode;

                request->rcode = rcode > UINT8_MAX ? UINT8_MAX : (uint8_t)rcode;
        }
        return true;
}

/* RFC 8945 s.4.2. The algorithm's name is never compressed. */
static bool take_tsig(struct request *request, const struct rr_header *header, size_t offset)
{
        const uint8_t *rdata = request->bytes + header->rdata_offset, *at;
        size_t length = header->rdata_length, algorithm_length = name_check(rdata, length);
        struct tsig_view *tsig = &request->tsig;

        if (header->class != CLASS_ANY || header->ttl != 0)
                return false;
        if (algorithm_length == 0 || length - algorithm_length < TSIG_AFTER_ALGORITHM)
                return false;
        at = rdata + algorithm_length;
        tsig->time_signed = (uint64_t)read_u16(at) << 32 | read_u32(at + 2);
        tsig->fudge = read_u16(at + 6);
        tsig->mac_length = read_u16(at + 8);
        if (length - algorithm_length - TSIG_AFTER_ALGORITHM < tsig->mac_length)
                return false;
        tsig->mac = at + 10;
        at += 10 + tsig->mac_length;
        tsig->original_id = read_u16(at);
        tsig->error = read_u16(at + 2);
        tsig->other_length = read_u16(at + 4);
        tsig->other = at + 6;
        if (length - algorithm_length - TSIG_AFTER_ALGORITHM - tsig->mac_length != tsig->other_length)
                return false;
        tsig->offset = offset;
        memcpy(tsig->key_name, header->owner, header->owner_length);
        memcpy(tsig->algorithm, rdata, algorithm_length);
        tsig->present = true;
        return true;
}

static bool take_record(struct request *request, enum section section, bool is_last, size_t *offset)
{
        struct rr_header header;
        size_t begin = *offset;

        *offset = rr_header_read(request->bytes, request->length, begin, &header);
        if (*offset == 0)
                return false;
        if (header.type == TYPE_TSIG) /* RFC 8945 s.5.1: the last record of the additional section */
                return section == SECTION_ADDITIONAL && is_last && take_tsig(request, &header, begin);
        if (header.type == TYPE_OPT)
                return section == SECTION_ADDITIONAL && take_opt(request, &header);
        if (section == SECTION_ANSWER)
                return take_soa(request, &header, &request->has_answer_soa, &request->answer_serial);
        if (section == SECTION_AUTHORITY)
                return take_soa(request, &header, &request->has_authority_soa, &request->authority_serial);
        return true;
}

static void read_header(const uint8_t *bytes, size_t length, struct request *ret_request)
{
        memset(ret_request, 0, sizeof(*ret_request));
        ret_request->bytes = bytes;
        ret_request->length = length;
        ret_request->id = read_u16(bytes);
        ret_request->flags = read_u16(bytes + 2);
        ret_request->opcode = bytes[2] >> 3 & 0x0F;
        ret_request->rcode = bytes[3] & 0x0F;
        ret_request->qdcount = read_u16(bytes + 4);
        ret_request->question_end = MESSAGE_HEADER_SIZE;
}

int request_parse(const uint8_t *bytes, size_t length, bool want_response, struct request *ret_request)
{
        unsigned counts[SECTION_COUNT];
        size_t offset;

        if (length < MESSAGE_HEADER_SIZE || !(bytes[2] & 0x80) == want_response)
                return MESSAGE_DROP;
        read_header(bytes, length, ret_request);
        if (ret_request->qdcount > 1 || (ret_request->qdcount == 1 && !read_question(ret_request)))
                return MESSAGE_FORMERR;
        for (unsigned i = 0; i < SECTION_COUNT; i++)
                counts[i] = read_u16(bytes + 6 + 2 * i);
        if (!want_response &&
                counts[SECTION_ANSWER] + counts[SECTION_AUTHORITY] + counts[SECTION_ADDITIONAL] >
                        REQUEST_RECORDS_MAX)
                return MESSAGE_FORMERR;
        offset = ret_request->question_end;
        for (unsigned section = 0; section < SECTION_COUNT; section++)
                for (unsigned n = counts[section]; n > 0; n--)
                        if (!take_record(ret_request, (enum section)section, n == 1, &offset)) {
                                ret_request->tsig.present = false;
                                return MESSAGE_FORMERR;
                        }
        if (offset != length) {
                ret_request->tsig.present = false;
                return MESSAGE_FORMERR;
        }
        return MESSAGE_OK;
}
