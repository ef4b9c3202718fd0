/* The decision about one request, in the order in which checks become dearer: shape, signature (one look-up,
 * one HMAC), what is asked, the zone and its rules. Pure but for reading the store; any serving thread.
 *
 * A zone that is not here and one that the asker may not have get the same answer, so the order at the end
 * matters: the rule is asked first, for zones that do not exist as well. */
#include "server/query.h"

#include "dns/serial.h"
#include "dns/type.h"

#include <errno.h>
#include <string.h>

struct refusal_answer {
        unsigned rcode;
        int ede;
        const char *text;
};

static const struct refusal_answer answers[] = {
        [REFUSAL_NONE] = {RCODE_NOERROR, EDE_NONE, NULL},
        [REFUSAL_MALFORMED] = {RCODE_FORMERR, EDE_NONE, NULL},
        [REFUSAL_TSIG] = {RCODE_NOTAUTH, EDE_NONE, NULL},
        [REFUSAL_OPCODE] = {RCODE_NOTIMP, EDE_NOT_SUPPORTED, "opcode QUERY alone"},
        [REFUSAL_EDNS] = {RCODE_BADVERS, EDE_NONE, NULL},
        [REFUSAL_QUESTION] = {RCODE_FORMERR, EDE_NOT_SUPPORTED, "one question a message"},
        [REFUSAL_CLASS] = {RCODE_REFUSED, EDE_NOT_AUTHORITATIVE, "class IN alone"},
        [REFUSAL_UDP_AXFR] = {RCODE_FORMERR, EDE_NOT_SUPPORTED, "AXFR goes over TCP"},
        [REFUSAL_IXFR_SOA] = {RCODE_FORMERR, EDE_NONE, NULL},
        [REFUSAL_TYPE] = {RCODE_REFUSED, EDE_NOT_SUPPORTED, "SOA, NS, AXFR and IXFR alone"},
        [REFUSAL_NO_MATCH] = {RCODE_REFUSED, EDE_PROHIBITED, "not for this address and key"},
        [REFUSAL_DENIED] = {RCODE_REFUSED, EDE_PROHIBITED, "not for this address and key"},
        [REFUSAL_NO_ZONE] = {RCODE_REFUSED, EDE_PROHIBITED, "not for this address and key"},
        [REFUSAL_NOT_READY] = {RCODE_SERVFAIL, EDE_NOT_READY, "nothing is published yet"},
        [REFUSAL_RATE] = {RCODE_REFUSED, EDE_PROHIBITED, "not for this address and key"},
        [REFUSAL_PLACES] = {RCODE_REFUSED, EDE_OTHER, "too many transfers at once"},
        [REFUSAL_QUOTA] = {RCODE_REFUSED, EDE_OTHER, "too many transfers at once"},
        [REFUSAL_SIGNATURES] = {RCODE_REFUSED, EDE_PROHIBITED, "too many signatures failed"},
        [REFUSAL_STORE] = {RCODE_SERVFAIL, EDE_OTHER, "stored data cannot be read"},
        [REFUSAL_MEMORY] = {RCODE_SERVFAIL, EDE_OTHER, "out of memory"},
};

void query_refuse(struct query *query, enum refusal refusal)
{
        query->verdict = QUERY_ERROR;
        query->refusal = refusal;
        query->rcode = answers[refusal].rcode;
        query->ede = answers[refusal].ede;
        query->ede_text = answers[refusal].text;
}

/* False where it settles the matter. RFC 8945 s.5.2: NOTAUTH, or FORMERR for a MAC of a length that cannot
 * be. */
static bool check_signature(struct query *query)
{
        if (!query->request.tsig.present)
                return true;
        if (query->trust_no_signature) {
                query_refuse(query, REFUSAL_SIGNATURES);
                return false;
        }
        query->known_key = conf_key_find(query->conf, query->request.tsig.key_name);
        int r = tsig_verify_request(query->known_key, &query->request, query->now_sec, &query->tsig);
        if (r < 0) {
                query_refuse(query, REFUSAL_MEMORY);
                return false;
        }
        query->tsig_result = (enum tsig_result)r;
        switch (query->tsig_result) {
        case TSIG_OK:
                query->key = query->known_key;
                return true;
        case TSIG_FORMERR:
                query_refuse(query, REFUSAL_TSIG);
                query->rcode = RCODE_FORMERR;
                return false;
        case TSIG_BADSIG:
        case TSIG_BADKEY:
        case TSIG_BADTIME:
        case TSIG_BADTRUNC:
                query_refuse(query, REFUSAL_TSIG);
                return false;
        }
        return false;
}

/* What can be said without looking at any zone. */
static enum refusal check_question(const struct query *query)
{
        const struct request *request = &query->request;
        if (request->has_edns && request->edns_version > 0)
                return REFUSAL_EDNS;
        if (request->opcode != OPCODE_QUERY)
                return REFUSAL_OPCODE;
        if (request->qdcount != 1)
                return REFUSAL_QUESTION;
        if (request->qclass != CLASS_IN)
                return REFUSAL_CLASS;
        switch (request->qtype) {
        case TYPE_AXFR:
                return query->over_tcp ? REFUSAL_NONE : REFUSAL_UDP_AXFR;
        case TYPE_IXFR:
                return request->has_authority_soa ? REFUSAL_NONE : REFUSAL_IXFR_SOA;
        case TYPE_SOA:
        case TYPE_NS:
                return REFUSAL_NONE;
        default:
                return REFUSAL_TYPE;
        }
}

static bool has_target(const struct conf_secondary *secondary, const struct address *peer)
{
        for (size_t i = 0; secondary->notify && i < secondary->also_notify_count; i++) {
                const struct conf_host *host = &secondary->also_notify[i].host;
                if (!host->name && address_equal(&host->address, peer))
                        return true;
        }
        return false;
}

static bool is_notify_target(const struct query *query)
{
        const struct conf_policy *policy = query->policy;
        for (size_t i = 0; i < policy->also_notify_count; i++)
                if (address_equal(&policy->also_notify[i].address, &query->peer))
                        return true;
        for (size_t i = 0; i < policy->secondary_count; i++)
                if (has_target(policy->secondaries[i], &query->peer))
                        return true;
        return false;
}

/* Of some block the request has the address, or the key: enough to ask for the SOA. An address that is
 * anybody's is none. */
static bool is_near_a_secondary(const struct query *query)
{
        return query->near &&
               (conf_secondary_has_key(query->near, query->key) || !acl_is_open(query->near->transfer_from));
}

/* A key that may come from anywhere, of some block. */
static bool has_block_by_key_only(const struct conf_policy *policy)
{
        for (size_t i = 0; i < policy->secondary_count; i++)
                if (policy->secondaries[i]->key_count > 0 &&
                        acl_is_open(policy->secondaries[i]->transfer_from))
                        return true;
        return false;
}

static enum refusal check_list(struct query *query, const struct acl *acl)
{
        switch ((enum acl_verdict)acl_match(acl, &query->peer, query->key, &query->rule)) {
        case ACL_ALLOWED:
                return REFUSAL_NONE;
        case ACL_DENIED:
                return REFUSAL_DENIED;
        case ACL_NO_MATCH:
                break;
        }
        return REFUSAL_NO_MATCH;
}

/* allow-query as written; by default this machine, who passes a transfer rule (by address, or by the key
 * used) and NOTIFY targets; and, where a transfer rule is a key alone, anybody a few times a second, since
 * those who hold the key ask for the SOA unsigned from anywhere. */
static enum refusal check_query_rule(struct query *query)
{
        const struct conf_policy *policy = query->policy;
        if (policy->allow_query)
                return check_list(query, policy->allow_query);
        if (query->peer_is_local || query->is_secondary || is_near_a_secondary(query) ||
                acl_allows_address(policy->allow_transfer, &query->peer))
                return REFUSAL_NONE;
        if (!acl_has_key_only(policy->allow_transfer) && !has_block_by_key_only(policy))
                return REFUSAL_NO_MATCH;
        query->is_rate_limited = true;
        return REFUSAL_NONE;
}

static enum refusal check_zone(struct query *query)
{
        int r = store_zone_find(query->read, query->name, &query->zone);
        if (r == 0)
                return REFUSAL_NONE;
        if (r == -ENOENT)
                return conf_zone_find(query->conf, query->name) ? REFUSAL_NOT_READY : REFUSAL_NO_ZONE;
        return r == -ENOMEM ? REFUSAL_MEMORY : REFUSAL_STORE;
}

static enum query_verdict verdict_for(struct query *query)
{
        if (query->request.qtype == TYPE_NS)
                return QUERY_NS;
        if (query->request.qtype == TYPE_SOA)
                return QUERY_SOA;
        struct store_step step;
        uint32_t serial = query->request.authority_serial;
        query->is_ahead = query->request.qtype == TYPE_IXFR && serial_is_ahead(serial, query->zone.serial) &&
                          store_step_from(query->read, &query->zone, serial, &step) == -ENOENT;
        return query->over_tcp ? QUERY_TRANSFER : QUERY_SOA;
}

void query_decide(struct query *query, const uint8_t *bytes, size_t length)
{
        query->verdict = QUERY_DROP;
        query->ede = EDE_NONE;
        int r = request_parse(bytes, length, false, &query->request);
        if (r == MESSAGE_DROP)
                return;
        if (r == MESSAGE_FORMERR) {
                query_refuse(query, REFUSAL_MALFORMED);
                return;
        }
        if (!check_signature(query))
                return;
        enum refusal refusal = check_question(query);
        if (refusal != REFUSAL_NONE) {
                query_refuse(query, refusal);
                if (refusal == REFUSAL_OPCODE && query->request.opcode == OPCODE_NOTIFY)
                        query->rcode = RCODE_REFUSED;
                return;
        }

        name_fold(query->request.qname, query->name);
        query->policy = conf_policy_for(query->conf, query->name);
        query->secondary =
                conf_secondary_of(query->policy, &query->peer, query->key, &query->element, &query->near);
        const char *rule = NULL;
        bool may_transfer = query->secondary || acl_match(query->policy->allow_transfer, &query->peer,
                                                        query->key, &rule) == ACL_ALLOWED;
        query->is_secondary = may_transfer || is_notify_target(query) || is_near_a_secondary(query);
        bool is_transfer = query->request.qtype == TYPE_AXFR || query->request.qtype == TYPE_IXFR;
        if (is_transfer && !query->secondary)
                refusal = check_list(query, query->policy->allow_transfer);
        else if (!is_transfer)
                refusal = check_query_rule(query);
        if (refusal == REFUSAL_NONE)
                refusal = check_zone(query);
        if (refusal != REFUSAL_NONE) {
                query_refuse(query, refusal);
                return;
        }
        query->verdict = verdict_for(query);
}
