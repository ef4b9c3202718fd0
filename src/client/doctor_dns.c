/* What the DNS says of a zone: the parent's delegation, what the secondaries' servers answer, and where the
 * names of its name servers lead.
 *
 * The delegation is asked of a server of the parent itself: a resolver answers with the zone's own NS set.
 * Who does not answer once is not asked again. */
#include "base/buffer.h"
#include "client/ask.h"
#include "client/doctor.h"
#include "dns/message.h"
#include "dns/type.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WAIT_MSEC 1500
#define DNS_PORT 53
#define ADDRESSES_MAX 16
#define PARENT_SERVERS_MAX 4
#define RESOLV_CONF "/etc/resolv.conf"

static bool name_of(const char *text, uint8_t ret_name[static NAME_MAX_LENGTH])
{
        static const uint8_t root[] = {0};
        size_t length, fault;
        return name_from_text(text, strlen(text), root, ret_name, &length, &fault) == NAME_OK;
}

/* "192.0.2.1", "192.0.2.1#5353". */
static bool server_of(const char *text, struct address *ret_address)
{
        char alone[ADDRESS_TEXT_MAX];
        const char *hash = strchr(text, '#');
        size_t length = hash ? (size_t)(hash - text) : strlen(text);

        if (length >= sizeof alone)
                return false;
        memcpy(alone, text, length);
        alone[length] = '\0';
        if (address_parse(alone, ret_address) < 0)
                return false;
        unsigned long port = hash ? strtoul(hash + 1, NULL, 10) : DNS_PORT;
        ret_address->port = (uint16_t)port;
        return port > 0 && port <= 65535;
}

int dns_find_resolvers(struct gatherer *gatherer, const char *option)
{
        char line[512], word[ADDRESS_TEXT_MAX];

        if (option) {
                gatherer->resolver_count = 1;
                return server_of(option, &gatherer->resolvers[0]) ? 0 : -EINVAL;
        }
        FILE *file = fopen(RESOLV_CONF, "re");
        while (file && gatherer->resolver_count < DOCTOR_RESOLVERS_MAX && fgets(line, sizeof line, file))
                if (sscanf(line, "nameserver %79s", word) == 1 &&
                        server_of(word, &gatherer->resolvers[gatherer->resolver_count]))
                        gatherer->resolver_count++;
        if (file)
                fclose(file);
        return 0;
}

/* ---- questions ---- */

static bool is_silent(const struct gatherer *gatherer, const struct address *server)
{
        char text[ADDRESS_TEXT_MAX];
        address_format(server, text);
        return table_get(&gatherer->silent, text, strlen(text));
}

/* true: an answer of whatever rcode. To be freed by ask_answer_free in any case. */
static bool asked(struct gatherer *gatherer, const struct address *server, const uint8_t *name, uint16_t type,
        bool is_recursive, struct ask_answer *ret_answer)
{
        const struct ask_question question = {.server = *server,
                .name = name,
                .type = type,
                .is_recursive = is_recursive,
                .wait_msec = WAIT_MSEC};
        char text[ADDRESS_TEXT_MAX];

        *ret_answer = (struct ask_answer){.result = ASK_SILENT};
        if (is_silent(gatherer, server))
                return false;
        if (ask(&question, &gatherer->arena, ret_answer) < 0)
                return false;
        if (ret_answer->result == ASK_ANSWERED)
                return true;
        const char *key = facts_text(gatherer, address_format(server, text));
        table_put(&gatherer->silent, key, strlen(key), gatherer, NULL);
        return false;
}

static bool asked_resolver(
        struct gatherer *gatherer, const uint8_t *name, uint16_t type, struct ask_answer *ret_answer)
{
        for (size_t i = 0; i < gatherer->resolver_count; i++) {
                if (asked(gatherer, &gatherer->resolvers[i], name, type, true, ret_answer) &&
                        (ret_answer->rcode == RCODE_NOERROR || ret_answer->rcode == RCODE_NXDOMAIN))
                        return true;
                ask_answer_free(ret_answer);
        }
        return false;
}

static bool is_of(const struct record *record, const uint8_t *owner, uint16_t type)
{
        return record->type == type && name_equal(record->owner, owner);
}

static bool address_of(const struct record *record, struct address *ret_address)
{
        size_t size = record->type == TYPE_A ? 4 : record->type == TYPE_AAAA ? 16 : 0;

        if (size == 0 || record->rdata_length != size)
                return false;
        *ret_address = (struct address){.family = size == 4 ? AF_INET : AF_INET6, .port = DNS_PORT};
        memcpy(ret_address->bytes, record->rdata, size);
        return true;
}

/* Of the name itself, or of what its CNAME leads to; not what was added besides. */
static bool is_answer(
        const struct ask_answer *answer, const struct record *record, const uint8_t *name, uint16_t type)
{
        const uint8_t *owner = name;

        for (size_t i = 0; i < answer->records.count; i++)
                if (is_of(&answer->records.items[i], owner, TYPE_CNAME))
                        owner = answer->records.items[i].rdata;
        return is_of(record, owner, type);
}

/* Addresses of a name by the resolver. */
static size_t addresses_by_resolver(
        struct gatherer *gatherer, const uint8_t *name, struct address ret_addresses[static ADDRESSES_MAX])
{
        static const uint16_t types[] = {TYPE_A, TYPE_AAAA};
        size_t count = 0;

        for (size_t t = 0; t < 2; t++) {
                struct ask_answer answer;
                asked_resolver(gatherer, name, types[t], &answer);
                for (size_t i = 0; i < answer.records.count && count < ADDRESSES_MAX; i++)
                        if (is_answer(&answer, &answer.records.items[i], name, types[t]) &&
                                address_of(&answer.records.items[i], &ret_addresses[count]))
                                count++;
                ask_answer_free(&answer);
        }
        return count;
}

static void names_from(struct gatherer *gatherer, const struct ask_answer *answer, const uint8_t *zone,
        struct doctor_names *names)
{
        uint8_t name[NAME_MAX_LENGTH];
        char text[NAME_TEXT_MAX];

        for (size_t i = 0; i < answer->records.count; i++)
                if (is_of(&answer->records.items[i], zone, TYPE_NS)) {
                        name_fold(answer->records.items[i].rdata, name);
                        names_add(gatherer, names, name_to_zone_text(name, text));
                }
}

/* ---- the parent ---- */

/* The zone above, and its name servers. */
static bool find_parent(struct gatherer *gatherer, const uint8_t *zone, const uint8_t **ret_parent,
        struct doctor_names *ret_servers)
{
        for (const uint8_t *above = zone; *above != 0;) {
                struct ask_answer answer;
                above += *above + 1;
                if (!asked_resolver(gatherer, above, TYPE_NS, &answer)) {
                        ask_answer_free(&answer);
                        return false;
                }
                names_from(gatherer, &answer, above, ret_servers);
                ask_answer_free(&answer);
                if (ret_servers->count > 0) {
                        *ret_parent = above;
                        return true;
                }
        }
        return false;
}

static void take_glue(struct gatherer *gatherer, const struct ask_answer *answer, struct doctor_zone *facts)
{
        struct doctor_glue *glue = facts_alloc(gatherer, answer->records.count * sizeof *glue);
        uint8_t name[NAME_MAX_LENGTH];
        char text[NAME_TEXT_MAX], address_text[ADDRESS_TEXT_MAX];
        struct address address;

        for (size_t i = 0; i < answer->records.count; i++) {
                const struct record *record = &answer->records.items[i];
                if (!address_of(record, &address))
                        continue;
                name_fold(record->owner, name);
                if (!doctor_names_have(&facts->parent_ns, name_to_zone_text(name, text)))
                        continue;
                address.port = 0;
                glue[facts->parent_glue_count++] = (struct doctor_glue){facts_text(gatherer, text),
                        facts_text(gatherer, address_format(&address, address_text))};
        }
        facts->parent_glue = glue;
}

/* A DS begins with its key's tag and algorithm. */
static bool is_own_ds(const struct record *ds, const struct doctor_zone *facts)
{
        for (size_t i = 0; ds->rdata_length >= 3 && i < facts->dnskey_count; i++)
                if (read_u16(ds->rdata) == facts->dnskeys[i].tag &&
                        ds->rdata[2] == facts->dnskeys[i].algorithm)
                        return true;
        return false;
}

static void take_ds(const struct ask_answer *answer, const uint8_t *zone, struct doctor_zone *facts)
{
        for (size_t i = 0; i < answer->records.count; i++) {
                if (!is_of(&answer->records.items[i], zone, TYPE_DS))
                        continue;
                facts->parent_ds_count++;
                facts->parent_ds_other_count += !is_own_ds(&answer->records.items[i], facts);
        }
}

static bool take_delegation(struct gatherer *gatherer, const struct address *server, const uint8_t *zone,
        struct doctor_zone *facts)
{
        struct ask_answer answer;

        if (!asked(gatherer, server, zone, TYPE_NS, false, &answer) ||
                (answer.rcode != RCODE_NOERROR && answer.rcode != RCODE_NXDOMAIN)) {
                ask_answer_free(&answer);
                return false;
        }
        facts->parent = DOCTOR_ANSWERED;
        names_from(gatherer, &answer, zone, &facts->parent_ns);
        facts->is_delegated = facts->parent_ns.count > 0;
        take_glue(gatherer, &answer, facts);
        ask_answer_free(&answer);
        if (asked(gatherer, server, zone, TYPE_DS, false, &answer))
                take_ds(&answer, zone, facts);
        ask_answer_free(&answer);
        return true;
}

void dns_ask_parent(struct gatherer *gatherer, struct doctor_zone *facts)
{
        uint8_t zone[NAME_MAX_LENGTH], server_name[NAME_MAX_LENGTH];
        struct address addresses[ADDRESSES_MAX];
        struct doctor_names servers = {0};
        char parent_text[NAME_TEXT_MAX], why[NAME_TEXT_MAX + 64];
        const uint8_t *parent = NULL;

        if (gatherer->resolver_count == 0) {
                facts->parent_why = "there is no resolver to ask for the parent's servers";
                return;
        }
        if (!name_of(facts->name, zone) || *zone == 0) {
                facts->parent_why = "the root has no parent";
                return;
        }
        facts->parent = DOCTOR_SILENT;
        if (!find_parent(gatherer, zone, &parent, &servers)) {
                facts->parent_why = "no resolver answers";
                return;
        }
        for (size_t i = 0; i < servers.count && i < PARENT_SERVERS_MAX; i++) {
                if (!name_of(servers.items[i], server_name))
                        continue;
                size_t count = addresses_by_resolver(gatherer, server_name, addresses);
                for (size_t j = 0; j < count; j++)
                        if (take_delegation(gatherer, &addresses[j], zone, facts))
                                return;
        }
        snprintf(why, sizeof why, "no server of the parent (%s) answers",
                *parent == 0 ? "the root" : name_to_zone_text(parent, parent_text));
        facts->parent_why = facts_text(gatherer, why);
}

/* ---- the secondaries' servers ---- */

static void ask_server(struct gatherer *gatherer, const uint8_t *zone, const struct address *address,
        struct doctor_server *server)
{
        struct ask_answer answer;

        server->asked = DOCTOR_SILENT;
        if (asked(gatherer, address, zone, TYPE_NS, false, &answer) && answer.rcode == RCODE_NOERROR &&
                answer.is_authoritative) {
                server->asked = DOCTOR_ANSWERED;
                names_from(gatherer, &answer, zone, &server->ns);
        }
        ask_answer_free(&answer);
}

/* Known by name alone: the first of its addresses that answers. */
static void ask_named_server(struct gatherer *gatherer, const uint8_t *zone, struct doctor_server *server)
{
        struct address addresses[ADDRESSES_MAX];
        char text[ADDRESS_TEXT_MAX];
        uint8_t name[NAME_MAX_LENGTH];

        size_t count = name_of(server->name, name) ? addresses_by_resolver(gatherer, name, addresses) : 0;
        for (size_t i = 0; i < count && server->asked != DOCTOR_ANSWERED; i++) {
                server->address = facts_text(gatherer, address_format(&addresses[i], text));
                ask_server(gatherer, zone, &addresses[i], server);
        }
}

void dns_ask_servers(struct gatherer *gatherer, struct doctor_zone *facts)
{
        uint8_t zone[NAME_MAX_LENGTH];
        struct address address;

        if (!name_of(facts->name, zone))
                return;
        for (size_t i = 0; i < facts->secondary_count; i++)
                for (size_t j = 0; j < facts->secondaries[i].server_count; j++) {
                        struct doctor_server *server =
                                (struct doctor_server *)&facts->secondaries[i].servers[j];
                        if (!server->address)
                                ask_named_server(gatherer, zone, server);
                        else if (server_of(server->address, &address))
                                ask_server(gatherer, zone, &address, server);
                }
}

/* ---- ours ---- */

static bool is_own(const struct gatherer *gatherer, const struct address *address)
{
        for (size_t i = 0; i < gatherer->own_count; i++)
                if (address_equal(&gatherer->own[i], address))
                        return true;
        return false;
}

static void note_visible(struct gatherer *gatherer, struct doctor_zone *facts, const char *name,
        const struct address *address, const char *where)
{
        char text[NAME_TEXT_MAX + ADDRESS_TEXT_MAX + 64], address_text[ADDRESS_TEXT_MAX];
        struct address alone = *address;

        alone.port = 0;
        snprintf(text, sizeof text, "%s (%s, %s)", name, address_format(&alone, address_text), where);
        names_add(gatherer, &facts->visible, text);
}

static void look_at_glue(struct gatherer *gatherer, struct doctor_zone *facts, const struct doctor_glue *glue,
        size_t count, const char *where)
{
        struct address address;

        for (size_t i = 0; i < count; i++)
                if (address_parse(glue[i].address, &address) == 0 && is_own(gatherer, &address))
                        note_visible(gatherer, facts, glue[i].name, &address, where);
}

static void look_at_names(struct gatherer *gatherer, struct doctor_zone *facts,
        const struct doctor_names *names, const char *where)
{
        struct address addresses[ADDRESSES_MAX];
        uint8_t name[NAME_MAX_LENGTH];

        for (size_t i = 0; i < names->count; i++) {
                if (gatherer->public_name && strcmp(gatherer->public_name, names->items[i]) == 0)
                        names_add(gatherer, &facts->visible, names->items[i]);
                size_t count =
                        name_of(names->items[i], name) ? addresses_by_resolver(gatherer, name, addresses) : 0;
                for (size_t j = 0; j < count; j++)
                        if (is_own(gatherer, &addresses[j]))
                                note_visible(gatherer, facts, names->items[i], &addresses[j], where);
        }
}

void dns_find_visible(struct gatherer *gatherer, struct doctor_zone *facts)
{
        look_at_glue(gatherer, facts, facts->glue, facts->glue_count, "in the zone");
        look_at_glue(gatherer, facts, facts->parent_glue, facts->parent_glue_count, "at the parent");
        look_at_names(gatherer, facts, &facts->ns, "in the zone's NS records");
        look_at_names(gatherer, facts, &facts->parent_ns, "in the parent's NS records");
}
