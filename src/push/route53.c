/* Amazon Route 53's API: REST with XML, signed with SigV4, 2013-04-01. A worker's thread.
 *
 * A changed set goes as DELETE of the exact old one and CREATE of the new one: a batch that is sent twice
 * changes nothing the second time, and somebody else's edit in between is refused instead of lost. Only the
 * zone's own SOA and NS, which cannot be deleted, are UPSERTed. */
#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "dns/record.h"
#include "dns/type.h"
#include "push/credentials.h"
#include "push/provider.h"
#include "push/route53_text.h"
#include "push/sigv4.h"
#include "push/xml.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define API "/2013-04-01"
#define NAMESPACE "https://route53.amazonaws.com/doc/2013-04-01/"
#define PAGE_MAX "300"

static bool takes(const struct record *record)
{
        static const uint16_t types[] = {TYPE_A, TYPE_AAAA, TYPE_CAA, TYPE_CNAME, TYPE_DS, TYPE_HTTPS,
                TYPE_MX, TYPE_NAPTR, TYPE_NS, TYPE_PTR, TYPE_SPF, TYPE_SRV, TYPE_SSHFP, TYPE_SVCB, TYPE_TLSA,
                TYPE_TXT};
        for (size_t i = 0; i < ARRAY_SIZE(types); i++)
                if (types[i] == record->type)
                        return true;
        return false;
}

/* The partition's region that signs: China and GovCloud have endpoints of their own. */
static const char *signing_region(const struct http_endpoint *endpoint)
{
        static const char china[] = ".amazonaws.com.cn", gov[] = ".us-gov.amazonaws.com";
        char host[256];
        snprintf(host, sizeof(host), "%.*s", (int)endpoint->host_length, endpoint->host);
        host[strcspn(host, ":")] = '\0';
        size_t length = strlen(host);
        if (length > strlen(china) && strcasecmp(host + length - strlen(china), china) == 0)
                return "cn-northwest-1";
        if (length > strlen(gov) && strcasecmp(host + length - strlen(gov), gov) == 0)
                return "us-gov-west-1";
        return "us-east-1";
}

/* ---- one request ---- */

struct call {
        const char *method;
        struct buffer path;  /* behind the endpoint's own, encoded */
        struct buffer query; /* encoded */
        struct buffer body;
};

static void call_free(struct call *call)
{
        buffer_free(&call->path);
        buffer_free(&call->query);
        buffer_free(&call->body);
}

static void add_field(struct call *call, const char *name, const char *value)
{
        buffer_printf(&call->query, "%s%s=", call->query.length ? "&" : "", name);
        http_append_encoded(&call->query, value);
}

static int send_signed(struct push_session *session, const struct http_endpoint *endpoint, struct call *call)
{
        const struct credentials *credentials = session->credentials;
        const struct sigv4_credentials signer = {
                credentials->key_id, credentials->secret, credentials->session_token};
        CLEANUP(buffer_free) struct buffer url = {0};
        CLEANUP(buffer_free) struct buffer path = {0};
        CLEANUP(buffer_free) struct buffer authorization = {0};
        CLEANUP(buffer_free) struct buffer token = {0};
        char host[256], date[SIGV4_DATE_MAX], date_header[48];

        snprintf(host, sizeof(host), "%.*s", (int)endpoint->host_length, endpoint->host);
        buffer_append(&path, endpoint->path, endpoint->path_length);
        buffer_append(&path, call->path.data, call->path.length);
        buffer_printf(&url, "%s://%s%s", endpoint->is_plain ? "http" : "https", host, buffer_text(&path));
        if (call->query.length > 0)
                buffer_printf(&url, "?%s", buffer_text(&call->query));
        buffer_append_text(&authorization, "Authorization: ");
        if (buffer_status(&path) < 0 || buffer_status(&url) < 0 || buffer_status(&call->query) < 0 ||
                buffer_status(&call->body) < 0)
                return -ENOMEM;
        const struct sigv4_request request = {
                .method = call->method,
                .host = host,
                .path = buffer_text(&path),
                .query = buffer_text(&call->query),
                .body = call->body.data,
                .body_length = call->body.length,
                .at_usec = clock_realtime_usec(),
        };
        int r = sigv4_sign(&request, &signer, signing_region(endpoint), "route53", &authorization, date);
        if (r < 0)
                return r;
        snprintf(date_header, sizeof(date_header), "X-Amz-Date: %s", date);
        if (signer.token)
                buffer_printf(&token, "X-Amz-Security-Token: %s", signer.token);
        const char *headers[] = {buffer_text(&authorization), date_header,
                call->body.length ? "Content-Type: application/xml" : "Accept: */*",
                signer.token ? buffer_text(&token) : NULL, NULL};
        session->requests++;
        return http_request(session->http, call->method, buffer_text(&url), headers,
                call->body.length ? call->body.data : NULL, call->body.length, &session->answer);
}

static int outcome_of_code(struct push_session *session, const char *code)
{
        static const struct {
                const char *code;
                int outcome;
        } codes[] = {
                {"Throttling", PUSH_AGAIN},
                {"ThrottlingException", PUSH_AGAIN},
                {"RequestLimitExceeded", PUSH_AGAIN},
                {"ServiceUnavailable", PUSH_AGAIN},
                {"InternalFailure", PUSH_AGAIN},
                {"PriorRequestNotComplete", PUSH_BUSY},
                {"NoSuchHostedZone", PUSH_NO_ZONE},
                {"AccessDenied", PUSH_DENIED},
                {"AccessDeniedException", PUSH_DENIED},
                {"InvalidClientTokenId", PUSH_DENIED},
                {"UnrecognizedClientException", PUSH_DENIED},
                {"SignatureDoesNotMatch", PUSH_DENIED},
                {"MissingAuthenticationToken", PUSH_DENIED},
                {"IncompleteSignature", PUSH_DENIED},
                {"RequestExpired", PUSH_DENIED},
                {"ExpiredToken", PUSH_DENIED},
        };
        long status = session->answer.status;
        for (size_t i = 0; i < ARRAY_SIZE(codes); i++)
                if (strcmp(code, codes[i].code) == 0)
                        return codes[i].outcome;
        if (status == 429 || status >= 500)
                return PUSH_AGAIN;
        return status == 401 || status == 403 ? PUSH_DENIED : PUSH_REFUSED;
}

/* An answer that is no 200: <ErrorResponse><Error><Code/><Message/>, or
 * <InvalidChangeBatch><Messages><Message/>. */
static int failed_answer(struct push_session *session)
{
        CLEANUP(arena_free) struct arena arena = {0};
        struct xml_node *root = NULL;
        const char *code = "", *message = "";
        const struct buffer *body = &session->answer.body;

        if (body->length > 0 && xml_parse(body->data, body->length, &arena, &root) == 0) {
                const struct xml_node *error = xml_child(root, "Error");
                code = strcmp(root->name, "InvalidChangeBatch") == 0 ? root->name : "";
                message = xml_child_text(xml_child(root, "Messages"), "Message");
                if (error)
                        message = xml_child_text(error, "Message");
                if (xml_child_text(error, "Code"))
                        code = xml_child_text(error, "Code");
                if (!message)
                        message = "";
        }
        int outcome = outcome_of_code(session, code);
        if (outcome == PUSH_AGAIN) {
                session->wait_sec = session->answer.retry_after_sec;
                session->throttled += session->answer.status < 500;
        }
        return push_say(session, outcome, "Route 53 answers %ld %s%s%s", session->answer.status, code,
                *message ? ": " : "", message);
}

/* Sends; PUSH_OK: the answer is a 200. */
static int send_call(struct push_session *session, struct call *call)
{
        struct http_endpoint endpoint;
        if (!http_endpoint_parse(session->endpoint, &endpoint))
                return push_say(session, PUSH_DENIED, "endpoint is not https://HOST[/PATH]");
        session->wait_sec = 0;
        int r = send_signed(session, &endpoint, call);
        if (r < 0)
                return push_no_answer(session, r);
        return session->answer.status == 200 ? PUSH_OK : failed_answer(session);
}

static int cut_answer(struct push_session *session)
{
        return push_say(session, PUSH_AGAIN, "the answer is cut or is no XML");
}

/* The same, the answer read into the arena. */
static int ask(
        struct push_session *session, struct call *call, struct arena *arena, struct xml_node **ret_root)
{
        int r = send_call(session, call);
        if (r != PUSH_OK)
                return r;
        r = xml_parse(session->answer.body.data, session->answer.body.length, arena, ret_root);
        return r == -EBADMSG ? cut_answer(session) : r;
}

static void id_from_text(const char *text, char ret_id[static PUSH_ID_MAX])
{
        const char *slash = strrchr(text, '/');
        snprintf(ret_id, PUSH_ID_MAX, "%s", slash ? slash + 1 : text);
}

static bool zone_is(const struct xml_node *zone, const uint8_t *apex)
{
        uint8_t name[NAME_MAX_LENGTH];
        const char *text = xml_child_text(zone, "Name");
        return text && route53_name_parse(text, name) == 0 && name_equal(name, apex);
}

static int find(struct push_session *session, const uint8_t *apex, struct push_place *place)
{
        CLEANUP(call_free) struct call call = {.method = "GET"};
        CLEANUP(buffer_free) struct buffer name = {0};
        CLEANUP(arena_free) struct arena arena = {0};
        struct xml_node *root;
        unsigned count = 0;

        route53_name(apex, &name);
        if (buffer_status(&name) < 0)
                return -ENOMEM;
        buffer_append_text(&call.path, API "/hostedzonesbyname");
        add_field(&call, "dnsname", buffer_text(&name));
        add_field(&call, "maxitems", "100");
        int r = ask(session, &call, &arena, &root);
        if (r != PUSH_OK)
                return r;
        const struct xml_node *zone = xml_child(xml_child(root, "HostedZones"), "HostedZone");
        for (; zone; zone = xml_next(zone)) {
                const char *private = xml_child_text(xml_child(zone, "Config"), "PrivateZone");
                const char *id = xml_child_text(zone, "Id");
                if (!id || !zone_is(zone, apex) || (private && strcasecmp(private, "true") == 0))
                        continue;
                if (count++ == 0)
                        id_from_text(id, place->id);
        }
        if (count == 1)
                return PUSH_OK;
        place->id[0] = '\0';
        if (count == 0)
                return push_say(session, PUSH_NO_ZONE, "this account has no public hosted zone of that name");
        return push_say(session, PUSH_AMBIGUOUS,
                "this account has %u public hosted zones of that name: give the zone-id", count);
}

static int name_servers(struct push_session *session, const uint8_t *apex, struct push_place *place)
{
        CLEANUP(call_free) struct call call = {.method = "GET"};
        CLEANUP(arena_free) struct arena arena = {0};
        struct xml_node *root;

        buffer_printf(&call.path, API "/hostedzone/%s", place->id);
        int r = ask(session, &call, &arena, &root);
        if (r != PUSH_OK)
                return r;
        if (!zone_is(xml_child(root, "HostedZone"), apex))
                return push_say(session, PUSH_NO_ZONE, "the hosted zone %s is of another name", place->id);
        push_names_free(&place->name_servers);
        const struct xml_node *name =
                xml_child(xml_child(xml_child(root, "DelegationSet"), "NameServers"), "NameServer");
        for (; name && r == 0; name = xml_next(name))
                r = push_names_add(&place->name_servers, name->text);
        return r;
}

/* ---- the list ---- */

static int add_values(struct push_listing *listing, struct push_set *set, const struct xml_node *node)
{
        static _Thread_local uint8_t rdata[65536];
        const struct xml_node *record = xml_child(xml_child(node, "ResourceRecords"), "ResourceRecord");
        int r = 0;
        for (; record && r == 0; record = xml_next(record)) {
                const char *text = xml_child_text(record, "Value");
                size_t length = 0;
                if (!text)
                        continue;
                bool is_read = route53_value_parse(set->type, text, rdata, &length) == 0;
                r = push_set_add(&listing->arena, set, is_read ? rdata : NULL, length, text, NULL);
                listing->value_count++;
        }
        return r;
}

/* Alias, weighted, latency, geo and traffic policy sets are somebody's: left alone. */
static bool is_foreign(const struct xml_node *node)
{
        return xml_child(node, "AliasTarget") || xml_child(node, "SetIdentifier") ||
               xml_child(node, "TrafficPolicyInstanceId") || xml_child(node, "HealthCheckId");
}

static int add_set(struct push_listing *listing, const struct xml_node *node)
{
        const char *name_text = xml_child_text(node, "Name"), *type_text = xml_child_text(node, "Type");
        const char *ttl = xml_child_text(node, "TTL");
        uint8_t name[NAME_MAX_LENGTH];
        uint16_t type;

        if (!name_text || !type_text || route53_name_parse(name_text, name) < 0 ||
                type_from_text(type_text, strlen(type_text), &type) < 0)
                return 0; /* nothing that we could have made */
        if (listing->owner && (!name_equal(name, listing->owner) || (listing->type && type != listing->type)))
                return 0;
        struct push_set *set = push_listing_set(listing, name, type);
        if (!set)
                return -ENOMEM;
        set->is_foreign |= is_foreign(node);
        set->ttl = ttl ? (uint32_t)strtoul(ttl, NULL, 10) : 0;
        int r = add_values(listing, set, node);
        push_set_sort(set);
        return r;
}

static char *keep(struct push_listing *listing, const char *text)
{
        return text ? arena_text(&listing->arena, text, strlen(text)) : NULL;
}

int route53_list_read(struct push_listing *listing, const void *bytes, size_t length)
{
        CLEANUP(arena_free) struct arena arena = {0};
        struct xml_node *root;
        int r = xml_parse(bytes, length, &arena, &root);
        if (r < 0)
                return r;
        const struct xml_node *sets = xml_child(root, "ResourceRecordSets");
        if (strcmp(root->name, "ListResourceRecordSetsResponse") != 0 || !sets)
                return -EBADMSG; /* a proxy's page is no empty zone */
        const char *more = xml_child_text(root, "IsTruncated");
        const char *name = xml_child_text(root, "NextRecordName"),
                   *type = xml_child_text(root, "NextRecordType");
        bool is_last = listing->owner || !more || strcasecmp(more, "true") != 0;
        if (!is_last && (!name || !type))
                return -EBADMSG; /* where does the next page begin? */
        const struct xml_node *set = xml_child(sets, "ResourceRecordSet");
        for (; set && r == 0; set = xml_next(set))
                r = add_set(listing, set);
        if (r < 0)
                return r;
        listing->page++;
        listing->is_whole = is_last;
        listing->next_name = keep(listing, name);
        listing->next_type = keep(listing, type);
        listing->next_id = keep(listing, xml_child_text(root, "NextRecordIdentifier"));
        return is_last || (listing->next_name && listing->next_type) ? 0 : -ENOMEM;
}

static void begin_listing(struct call *call, const struct push_listing *listing)
{
        CLEANUP(buffer_free) struct buffer name = {0};
        char type[TYPE_TEXT_MAX];
        if (!listing->owner) {
                add_field(call, "maxitems", PAGE_MAX);
                return;
        }
        route53_name(listing->owner, &name);
        const char *text = buffer_text(&name);
        add_field(call, "maxitems", listing->type ? "1" : PAGE_MAX);
        if (text)
                add_field(call, "name", text);
        if (listing->type)
                add_field(call, "type", type_to_text(listing->type, type));
}

static int list(struct push_session *session, const char *zone_id, struct push_listing *listing)
{
        CLEANUP(call_free) struct call call = {.method = "GET"};

        buffer_printf(&call.path, API "/hostedzone/%s/rrset", zone_id);
        if (listing->page == 0) {
                begin_listing(&call, listing);
        } else {
                add_field(&call, "maxitems", PAGE_MAX);
                add_field(&call, "name", listing->next_name);
                add_field(&call, "type", listing->next_type);
                if (listing->next_id)
                        add_field(&call, "identifier", listing->next_id);
        }
        int r = send_call(session, &call);
        if (r != PUSH_OK)
                return r;
        r = route53_list_read(listing, session->answer.body.data, session->answer.body.length);
        return r == -EBADMSG ? cut_answer(session) : r;
}

/* ---- changes ---- */

static int append_value(const struct push_set *set, size_t index, struct buffer *out)
{
        const struct push_value *value = &set->values[index];
        if (value->text)
                buffer_append_text(out, value->text);
        else
                route53_value(set->type, value->rdata, value->length, out);
        return buffer_status(out);
}

/* Code points, as Java counts them is more: what is not ASCII is escaped by both sides. */
static int add_cost(const struct push_set *set, unsigned times, size_t *elements, size_t *characters)
{
        CLEANUP(buffer_free) struct buffer text = {0};
        for (size_t i = 0; set && i < set->count; i++) {
                buffer_clear(&text);
                if (append_value(set, i, &text) < 0)
                        return -ENOMEM;
                *characters += times * text.length;
        }
        *elements += set ? times * set->count : 0;
        return 0;
}

static int cost(const struct push_change *change, size_t *ret_elements, size_t *ret_characters)
{
        *ret_elements = *ret_characters = 0;
        if (change->is_upsert)
                return add_cost(change->new, 2, ret_elements, ret_characters);
        int r = add_cost(change->old, 1, ret_elements, ret_characters);
        return r < 0 ? r : add_cost(change->new, 1, ret_elements, ret_characters);
}

static int append_change(const char *action, const struct push_set *set, struct buffer *out)
{
        CLEANUP(buffer_free) struct buffer text = {0};
        char type[TYPE_TEXT_MAX];

        buffer_printf(out, "<Change><Action>%s</Action><ResourceRecordSet><Name>", action);
        route53_name(push_set_owner(set), out);
        buffer_printf(out, "</Name><Type>%s</Type><TTL>%u</TTL><ResourceRecords>",
                type_to_text(set->type, type), set->ttl);
        for (size_t i = 0; i < set->count; i++) {
                buffer_clear(&text);
                if (append_value(set, i, &text) < 0)
                        return -ENOMEM;
                buffer_append_text(out, "<ResourceRecord><Value>");
                route53_escape(buffer_text(&text), out);
                buffer_append_text(out, "</Value></ResourceRecord>");
        }
        buffer_append_text(out, "</ResourceRecords></ResourceRecordSet></Change>");
        return buffer_status(out);
}

static int append_changes(const struct push_change *changes, size_t count, struct buffer *out)
{
        int r = 0;
        /* All that goes, then all that comes: a CNAME that replaces an A is one batch. */
        for (size_t i = 0; i < count && r == 0; i++)
                if (changes[i].old && !changes[i].is_upsert)
                        r = append_change("DELETE", changes[i].old, out);
        for (size_t i = 0; i < count && r == 0; i++)
                if (changes[i].new)
                        r = append_change(changes[i].is_upsert ? "UPSERT" : "CREATE", changes[i].new, out);
        return r;
}

static int apply(struct push_session *session, const char *zone_id, const struct push_change *changes,
        size_t count, const char *comment, char ret_change_id[static PUSH_ID_MAX])
{
        CLEANUP(call_free) struct call call = {.method = "POST"};
        CLEANUP(arena_free) struct arena arena = {0};
        struct xml_node *root;

        buffer_printf(&call.path, API "/hostedzone/%s/rrset/", zone_id);
        buffer_append_text(&call.body,
                "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<ChangeResourceRecordSetsRequest "
                "xmlns=\"" NAMESPACE "\"><ChangeBatch><Comment>");
        route53_escape(comment, &call.body);
        buffer_append_text(&call.body, "</Comment><Changes>");
        int r = append_changes(changes, count, &call.body);
        if (r < 0)
                return r;
        buffer_append_text(&call.body, "</Changes></ChangeBatch></ChangeResourceRecordSetsRequest>");
        r = ask(session, &call, &arena, &root);
        if (r != PUSH_OK)
                return r;
        const char *id = xml_child_text(xml_child(root, "ChangeInfo"), "Id");
        if (!id)
                return push_say(session, PUSH_AGAIN, "the answer to a change names none");
        id_from_text(id, ret_change_id);
        return PUSH_PENDING;
}

static int is_in_sync(struct push_session *session, const char *change_id)
{
        CLEANUP(call_free) struct call call = {.method = "GET"};
        CLEANUP(arena_free) struct arena arena = {0};
        struct xml_node *root;

        buffer_printf(&call.path, API "/change/%s", change_id);
        int r = ask(session, &call, &arena, &root);
        if (r != PUSH_OK)
                return r;
        const char *status = xml_child_text(xml_child(root, "ChangeInfo"), "Status");
        return status && strcmp(status, "INSYNC") == 0 ? PUSH_OK : PUSH_PENDING;
}

const struct push_provider push_route53 = {
        .name = "route53",
        .default_endpoint = "https://route53.amazonaws.com",
        .flags = PUSH_PROVIDER_SERIAL | PUSH_PROVIDER_APEX_NS,
        .limits = {.elements = 1000, .characters = 32000, .requests = 5, .window_sec = 1},
        .takes = takes,
        .find = find,
        .name_servers = name_servers,
        .list = list,
        .cost = cost,
        .apply = apply,
        .is_in_sync = is_in_sync,
};
