/* Refusals: which are answered, which are logged, and in what words. A serving thread's own buckets bound
 * both, so that neither a misled secondary nor forged sources fill the log or make us a reflector. */
#include "base/clock.h"
#include "base/log.h"
#include "base/log_ids.h"
#include "dns/type.h"
#include "server/state.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* To one peer over UDP. */
#define ANSWER_INTERVAL_USEC (100 * USEC_PER_MSEC)
#define ANSWER_BURST 100
/* Lines about one peer, and about all. */
#define LINE_INTERVAL_USEC (2 * USEC_PER_SEC)
#define LINE_BURST 100
#define LINES_INTERVAL_USEC (50 * USEC_PER_MSEC)
#define LINES_BURST 1000

#define REASON_MAX 512

bool refuse_may_answer(struct thread *thread, const struct query *query)
{
        if (query->over_tcp)
                return true;
        uint64_t now = clock_monotonic_usec();
        struct peer *peer = peers_get(thread->peers, &query->peer, now);
        return bucket_take(&peer->refusals, now, ANSWER_INTERVAL_USEC, ANSWER_BURST);
}

const char *peer_format(const struct address *peer, const uint8_t *key_name, char text[static PEER_TEXT_MAX])
{
        char address[ADDRESS_TEXT_MAX], key[NAME_TEXT_MAX];
        address_format(peer, address);
        if (key_name)
                snprintf(text, PEER_TEXT_MAX, "%s (key \"%s\")", address, name_to_zone_text(key_name, key));
        else
                snprintf(text, PEER_TEXT_MAX, "%s (no key)", address);
        return text;
}

static void tsig_reason(const struct query *query, char text[static REASON_MAX])
{
        const struct tsig_view *tsig = &query->request.tsig;
        const char *name = tsig_result_name(query->tsig_result);
        char algorithm[NAME_TEXT_MAX];
        switch (query->tsig_result) {
        case TSIG_BADKEY:
                if (!query->known_key)
                        snprintf(text, REASON_MAX, "%s: no key of this name is configured", name);
                else
                        snprintf(text, REASON_MAX, "%s: the key is %s here and %.80s there", name,
                                tsig_algorithm_name(query->known_key->algorithm),
                                name_to_zone_text(tsig->algorithm, algorithm));
                return;
        case TSIG_BADSIG:
                snprintf(text, REASON_MAX, "%s: the secret here and there differ", name);
                return;
        case TSIG_BADTIME: {
                bool ahead = tsig->time_signed > query->now_sec;
                uint64_t offset =
                        ahead ? tsig->time_signed - query->now_sec : query->now_sec - tsig->time_signed;
                snprintf(text, REASON_MAX, "%s: the peer's clock is %" PRIu64 " s %s ours", name, offset,
                        ahead ? "ahead of" : "behind");
                return;
        }
        case TSIG_BADTRUNC:
                snprintf(text, REASON_MAX, "%s: a MAC of %u octets is shorter than this key's", name,
                        tsig->mac_length);
                return;
        case TSIG_FORMERR:
                snprintf(text, REASON_MAX, "%s: no MAC of this algorithm has %u octets", name,
                        tsig->mac_length);
                return;
        case TSIG_OK:
                break;
        }
        snprintf(text, REASON_MAX, "%s", name);
}

static bool is_transfer(const struct query *query)
{
        return query->request.qtype == TYPE_AXFR || query->request.qtype == TYPE_IXFR;
}

/* One half of what its secondary block asks for is there: which side is wrong, and the line to add. */
static void near_reason(const struct query *query, char text[static REASON_MAX])
{
        const struct conf_secondary *near = query->near;
        char address[ADDRESS_TEXT_MAX], key[NAME_TEXT_MAX];
        struct address peer = query->peer;
        peer.port = 0;
        if (near->key_count > 0 && conf_secondary_has_key(near, query->key))
                snprintf(text, REASON_MAX,
                        "it has the key of secondary \"%s\", but not its address; if it is that one, add to "
                        "the block: transfer-from { ...; %s; };",
                        near->name, address_format(&peer, address));
        else if (near->key_count == 0)
                snprintf(text, REASON_MAX,
                        "secondary \"%s\" has no key here, and the request is signed: take the key out "
                        "there, "
                        "or add to the block: key \"%s\";",
                        near->name, name_to_zone_text(query->key->name, key));
        else if (query->key)
                snprintf(text, REASON_MAX,
                        "it is signed with another key than secondary \"%s\" has here (\"%s\")", near->name,
                        name_to_zone_text(near->keys[0]->name, key));
        else
                snprintf(text, REASON_MAX,
                        "secondary \"%s\" has a key here, and the request is not signed: set the key \"%s\" "
                        "there too",
                        near->name, name_to_zone_text(near->keys[0]->name, key));
}

static void rule_reason(const struct query *query, char text[static REASON_MAX])
{
        const char *list = is_transfer(query) ? "allow-transfer" : "allow-query";
        const struct conf_policy *policy = query->policy;
        if (is_transfer(query) && query->near)
                near_reason(query, text);
        else if (query->refusal == REFUSAL_DENIED)
                snprintf(text, REASON_MAX, "%s: \"%s\" denies it", list, query->rule);
        else if (is_transfer(query) && policy->secondary_count > 0)
                snprintf(text, REASON_MAX, "no secondary of the zone has this address%s",
                        query->key ? " or this key" : "");
        else if (is_transfer(query) && !policy->allow_transfer)
                snprintf(text, REASON_MAX, "the zone has no allow-transfer");
        else if (!is_transfer(query) && !policy->allow_query)
                snprintf(text, REASON_MAX, "it is no transfer or NOTIFY address of the zone");
        else
                snprintf(text, REASON_MAX, "no element of %s matches", list);
}

/* What the operator reads; the peer is told less. */
static void reason(const struct query *query, char text[static REASON_MAX])
{
        static const char *const fixed[] = {
                [REFUSAL_MALFORMED] = "the message is malformed",
                [REFUSAL_OPCODE] = "this opcode is not for a hidden primary",
                [REFUSAL_EDNS] = "an EDNS version that is not known",
                [REFUSAL_QUESTION] = "not one question",
                [REFUSAL_CLASS] = "class IN alone is served",
                [REFUSAL_UDP_AXFR] = "AXFR over UDP",
                [REFUSAL_IXFR_SOA] = "IXFR without the client's SOA",
                [REFUSAL_TYPE] = "SOA, NS, AXFR and IXFR alone are answered",
                [REFUSAL_NO_ZONE] = "there is no such zone here",
                [REFUSAL_NOT_READY] = "nothing is published for this zone yet",
                [REFUSAL_RATE] = "more queries than key-only-query-rate lets through",
                [REFUSAL_PLACES] = "transfers-out of its secondary block is reached",
                [REFUSAL_QUOTA] = "transfers-out is reached",
                [REFUSAL_SIGNATURES] = "too many of this peer's signatures failed",
                [REFUSAL_STORE] = "a stored value is damaged or cannot be read",
                [REFUSAL_MEMORY] = "out of memory",
        };
        if (query->refusal == REFUSAL_TSIG)
                tsig_reason(query, text);
        else if (query->refusal == REFUSAL_NO_MATCH || query->refusal == REFUSAL_DENIED)
                rule_reason(query, text);
        else
                snprintf(text, REASON_MAX, "%s", fixed[query->refusal]);
}

/* "AXFR", or what else was asked. */
static void asked_format(const struct query *query, char text[static 40])
{
        char type[TYPE_TEXT_MAX];
        if (query->request.opcode == OPCODE_QUERY)
                snprintf(text, 40, "%s", type_to_text(query->request.qtype, type));
        else if (query->request.opcode == OPCODE_NOTIFY)
                snprintf(text, 40, "NOTIFY");
        else if (query->request.opcode == OPCODE_UPDATE)
                snprintf(text, 40, "UPDATE");
        else
                snprintf(text, 40, "opcode %u", query->request.opcode);
}

static const char *rule_name(const struct query *query)
{
        switch (query->refusal) {
        case REFUSAL_DENIED:
                return query->rule;
        case REFUSAL_NO_MATCH:
                return is_transfer(query) ? "allow-transfer" : "allow-query";
        case REFUSAL_TSIG:
                return tsig_result_name(query->tsig_result);
        case REFUSAL_RATE:
                return "key-only-query-rate";
        case REFUSAL_QUOTA:
        case REFUSAL_PLACES:
                return "transfers-out";
        case REFUSAL_NONE:
        case REFUSAL_MALFORMED:
        case REFUSAL_OPCODE:
        case REFUSAL_EDNS:
        case REFUSAL_QUESTION:
        case REFUSAL_CLASS:
        case REFUSAL_UDP_AXFR:
        case REFUSAL_IXFR_SOA:
        case REFUSAL_TYPE:
        case REFUSAL_NO_ZONE:
        case REFUSAL_NOT_READY:
        case REFUSAL_SIGNATURES:
        case REFUSAL_STORE:
        case REFUSAL_MEMORY:
                break;
        }
        return NULL;
}

/* Somebody who means us: what he asks is for a zone's SOA or a transfer, or he has signed it. The rest is the
 * noise of the net. */
static int priority(const struct query *query)
{
        if (query->refusal == REFUSAL_STORE || query->refusal == REFUSAL_MEMORY)
                return LOG_ERR;
        if (query->request.tsig.present || (query->request.qdcount == 1 && is_transfer(query)))
                return LOG_NOTICE;
        return query->policy ? LOG_INFO : LOG_DEBUG;
}

/* May another line be written about this peer? *ret_unlogged: how many were not, before. */
static bool may_log(struct thread *thread, const struct query *query, uint64_t *ret_unlogged)
{
        uint64_t now = clock_monotonic_usec();
        struct peer *peer = peers_get(thread->peers, &query->peer, now);
        *ret_unlogged = 0;
        if (!bucket_take(&peer->lines, now, LINE_INTERVAL_USEC, LINE_BURST) ||
                !bucket_take(&thread->lines, now, LINES_INTERVAL_USEC, LINES_BURST)) {
                peer->unlogged++;
                return false;
        }
        *ret_unlogged = peer->unlogged;
        peer->unlogged = 0;
        return true;
}

void refuse_tell(struct thread *thread, const struct query *query)
{
        int level = priority(query);
        uint64_t unlogged;
        if (!log_is_on(level) || !may_log(thread, query, &unlogged))
                return;
        char asked[40], zone[NAME_TEXT_MAX] = "", peer[PEER_TEXT_MAX], address[ADDRESS_TEXT_MAX],
                        key[NAME_TEXT_MAX], why[REASON_MAX], more[64] = "";
        const uint8_t *key_name = query->request.tsig.present ? query->request.tsig.key_name : NULL;
        asked_format(query, asked);
        reason(query, why);
        if (query->request.qname_length > 0)
                name_to_zone_text(query->request.qname, zone);
        if (unlogged > 0)
                snprintf(more, sizeof(more), " (%" PRIu64 " more were not logged)", unlogged);
        const struct log_fields fields = {
                .zone = *zone ? zone : NULL,
                .secondary = address_format(&query->peer, address),
                .key = key_name ? name_to_zone_text(key_name, key) : NULL,
                .rule = rule_name(query),
                .message_id =
                        query->refusal == REFUSAL_STORE ? MESSAGE_STORE_DAMAGED : MESSAGE_TRANSFER_REFUSED,
        };
        peer_format(&query->peer, key_name, peer);
        log_write(level, &fields, "refused %s of %s to %s: %s%s", asked, *zone ? zone : "no zone", peer, why,
                more);
}
