/* One request from its octets to a final verdict, with what is counted, logged and posted on the way. UDP and
 * TCP both come through here; a serving thread's own. */
#include "base/clock.h"
#include "dns/type.h"
#include "server/state.h"

/* Failed signatures of one peer over TCP, each of which may cost an HMAC over 64 KiB. */
#define SIGNATURE_INTERVAL_USEC (200 * USEC_PER_MSEC)
#define SIGNATURE_BURST 200

static bool has_failed_signature(const struct query *query)
{
        return query->refusal == REFUSAL_TSIG && query->tsig_result != TSIG_BADKEY;
}

/* A bucket is looked at without taking from it: only failures take. */
static bool is_out_of_signatures(struct thread *thread, const struct query *query, uint64_t now)
{
        struct bucket bucket = peers_get(thread->peers, &query->peer, now)->signatures;
        return !bucket_take(&bucket, now, SIGNATURE_INTERVAL_USEC, SIGNATURE_BURST);
}

void serve_refuse(struct thread *thread, struct query *query, enum refusal refusal)
{
        if (query->refusal == REFUSAL_NONE)
                query_refuse(query, refusal);
        counter_add(&thread->counters.refusals, 1);
        refuse_tell(thread, query);
        bool is_transfer = query->request.qtype == TYPE_AXFR || query->request.qtype == TYPE_IXFR;
        bool is_rule = query->refusal == REFUSAL_TSIG || query->refusal == REFUSAL_NO_MATCH ||
                       query->refusal == REFUSAL_DENIED;
        if (is_transfer && is_rule && query->request.qname_length > 0) {
                name_fold(query->request.qname, query->name);
                observe_query(thread, OBSERVED_REFUSED, query, 0);
        }
        if (query->refusal == REFUSAL_STORE && query->request.qname_length > 0) {
                name_fold(query->request.qname, query->name);
                observe_query(thread, OBSERVED_DAMAGED, query, 0);
        }
        if (!refuse_may_answer(thread, query)) {
                query->verdict = QUERY_DROP;
                counter_add(&thread->counters.dropped, 1);
        }
}

static void observe_good(struct thread *thread, const struct query *query)
{
        /* Over UDP (over TCP it is a transfer) the source may be forged: unsigned it moves no serial. */
        if (query->verdict == QUERY_SOA && query->is_ahead && query->key)
                observe_query(thread, OBSERVED_CLIENT_AHEAD, query, query->request.authority_serial);
        else if (query->verdict == QUERY_SOA && query->is_secondary)
                observe_query(thread, OBSERVED_SOA_QUERY, query, query->zone.serial);
}

void serve_decide(struct thread *thread, struct query *query, const uint8_t *bytes, size_t length)
{
        uint64_t now = 0;
        if (query->over_tcp) {
                now = clock_monotonic_usec();
                query->trust_no_signature = is_out_of_signatures(thread, query, now);
        }
        query_decide(query, bytes, length);
        if (query->verdict == QUERY_DROP) {
                counter_add(&thread->counters.dropped, 1);
                return;
        }
        if (query->over_tcp && has_failed_signature(query)) {
                struct peer *peer = peers_get(thread->peers, &query->peer, now);
                bucket_take(&peer->signatures, now, SIGNATURE_INTERVAL_USEC, SIGNATURE_BURST);
        }
        if (query->is_rate_limited && query->verdict != QUERY_ERROR &&
                !shared_bucket_take(&thread->server->key_only_queries, clock_monotonic_usec(),
                        query->conf->options.query_rate_limit))
                query_refuse(query, REFUSAL_RATE);
        if (query->verdict == QUERY_ERROR)
                serve_refuse(thread, query, query->refusal);
        else
                observe_good(thread, query);
}
