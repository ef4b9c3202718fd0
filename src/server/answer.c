/* Small answers: an error, the SOA, the NS set. Rendered into the caller's octets with the caller's renderer;
 * nothing is allocated for a SOA. Any serving thread, each with its own. */
#include "base/cleanup.h"
#include "dns/render.h"
#include "dns/type.h"
#include "server/query.h"

#include <errno.h>
#include <string.h>

#define OPT_SIZE 11
#define EDE_SIZE 6
#define UDP_PLAIN_SIZE 512
#define TSIG_FIXED_SIZE (10 + 16)
#define TSIG_OTHER_SIZE 6

DEFINE_CLEANUP(struct store_records *, store_records_close);

/* An answer may be as long as what was asked and a MAC more: error answers repeat the question and the names
 * of the TSIG record, and nobody gains by their size. */
size_t answer_udp_limit(const struct query *query)
{
        const struct request *request = &query->request;
        size_t limit = request->has_edns ? request->edns_udp_size : UDP_PLAIN_SIZE;
        if (limit < UDP_PLAIN_SIZE)
                limit = UDP_PLAIN_SIZE;
        if (limit > SERVER_UDP_SIZE)
                limit = SERVER_UDP_SIZE;
        size_t asked = request->length + TSIG_MAC_MAX + TSIG_OTHER_SIZE;
        return request->tsig.present && asked > limit ? asked : limit;
}

static size_t tsig_room(const struct query *query)
{
        const struct tsig_view *tsig = &query->request.tsig;
        if (!tsig->present)
                return 0;
        return name_length(tsig->key_name) + name_length(tsig->algorithm) + TSIG_FIXED_SIZE +
               TSIG_OTHER_SIZE + (query->tsig ? TSIG_MAC_MAX : 0);
}

static size_t opt_room(const struct query *query)
{
        if (!query->request.has_edns)
                return 0;
        size_t text = query->ede_text ? strlen(query->ede_text) : 0;
        return OPT_SIZE + (query->ede == EDE_NONE ? 0 : EDE_SIZE + text);
}

/* The NS records of the apex: first in canonical order, but for its A records. */
static int render_ns(const struct query *query, struct render *render)
{
        CLEANUP(store_records_close_later) struct store_records *records = NULL;
        int r = store_records_open(query->read, query->zone.id, &records);
        if (r < 0)
                return r;
        for (;;) {
                struct record record;
                r = store_records_next(records, &record);
                if (r < 0)
                        return r;
                if (r == 1 || record.type > TYPE_NS || !name_equal(record.owner, query->zone.soa.owner))
                        return RENDER_OK;
                if (record.type == TYPE_NS && render_record(render, RENDER_ANSWER, &record) != RENDER_OK)
                        return RENDER_FULL;
        }
}

static int render_content(const struct query *query, struct render *render)
{
        switch (query->verdict) {
        case QUERY_SOA:
                return render_record(render, RENDER_ANSWER, &query->zone.soa);
        case QUERY_NS:
                return render_ns(query, render);
        case QUERY_DROP:
        case QUERY_ERROR:
        case QUERY_TRANSFER:
                break;
        }
        return RENDER_OK;
}

static void begin(
        const struct query *query, struct render *render, uint8_t *bytes, size_t limit, uint16_t more)
{
        const struct request *request = &query->request;
        uint16_t flags = (uint16_t)(FLAG_QR | (unsigned)request->opcode << 11 | (request->flags & FLAG_RD) |
                                    (query->rcode & 0xf) | more);
        render_begin(render, bytes, limit, request->id, flags);
        render_question(render, request);
}

/* RFC 8945 s.5.2: BADKEY and BADSIG go out with an empty MAC, all else that was signed is answered signed. */
static int sign(struct query *query, uint8_t *bytes, size_t *length)
{
        if (query->tsig)
                return tsig_sign_response(query->tsig, bytes, length, query->tsig_result, query->now_sec);
        if (query->request.tsig.present &&
                (query->tsig_result == TSIG_BADKEY || query->tsig_result == TSIG_BADSIG))
                return tsig_append_unsigned(
                        &query->request, query->tsig_result, query->now_sec, bytes, length);
        return 0;
}

size_t answer_write(struct query *query, struct render *render, uint8_t *bytes, size_t limit)
{
        size_t rooms = tsig_room(query) + opt_room(query);
        size_t question = query->request.question_end;
        if (limit > MESSAGE_MAX_SIZE)
                limit = MESSAGE_MAX_SIZE;
        if (rooms + question > limit)
                limit = rooms + question; /* a few octets beyond, for names of the greatest length */
        bool is_good = query->verdict != QUERY_ERROR;
        begin(query, render, bytes, limit - rooms, is_good ? FLAG_AA : 0);
        int r = render_content(query, render);
        if (r < 0) {
                query_refuse(query, r == -ENOMEM ? REFUSAL_MEMORY : REFUSAL_STORE);
                return answer_write(query, render, bytes, limit);
        }
        if (r == RENDER_FULL)
                begin(query, render, bytes, limit - rooms, FLAG_AA | FLAG_TC);
        if (query->request.has_edns) {
                render->limit += opt_room(query);
                render_opt(render, SERVER_UDP_SIZE, query->request.dnssec_ok, (uint16_t)query->rcode,
                        query->ede, query->ede_text);
        }
        size_t length = render_end(render);
        return sign(query, bytes, &length) < 0 ? 0 : length;
}
