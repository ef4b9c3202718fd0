/* What only the daemon knows, for `zonecrier doctor`: configuration, what is published, what was seen. The
 * client asks the DNS, and judges (doctor/). Main loop. */
#include "control/doctor.h"

#include "base/arena.h"
#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/json.h"
#include "conf/secondary.h"
#include "dns/rdata.h"
#include "dns/type.h"
#include "fleet/survey.h"
#include "push/push.h"
#include "server/server.h"

#include <errno.h>
#include <string.h>

#define ZONES_MAX 20 /* where none is named */
#define ADDRESSES_MAX 64
#define RETIRED_USE_USEC (30 * 86400 * USEC_PER_SEC)

DEFINE_CLEANUP(struct store_read *, store_read_end);
DEFINE_CLEANUP(struct store_records *, store_records_close);

/* ---- the daemon ---- */

static void append_key(struct json *json, const struct tsig_key *key, bool is_taken)
{
        char text[NAME_TEXT_MAX];

        json_open(json, NULL, '{');
        json_text(json, "name", name_to_zone_text(key->name, text));
        json_text(json, "algorithm", tsig_algorithm_name(key->algorithm));
        json_number(json, "bits", 8u * key->secret_length);
        json_bool(json, "taken", is_taken);
        json_close(json, '}');
}

static void append_addresses(
        struct json *json, const char *key, const struct address *addresses, size_t count)
{
        char text[ADDRESS_TEXT_MAX];

        json_open(json, key, '[');
        for (size_t i = 0; i < count; i++)
                json_text(json, NULL, address_format(&addresses[i], text));
        json_close(json, ']');
}

void doctor_append_daemon(struct json *json, const struct status_sources *sources, const struct conf *conf)
{
        struct address addresses[ADDRESSES_MAX];
        size_t count = 0, position = 0;
        const struct zone_entry *zone;

        if (sources->options->server)
                count = server_addresses(sources->options->server, addresses, ADDRESSES_MAX);
        append_addresses(json, "listeners", addresses, count < ADDRESSES_MAX ? count : ADDRESSES_MAX);
        append_addresses(
                json, "public_addresses", conf->options.public_addresses, conf->options.public_address_count);
        json_text(json, "public_name", conf->options.public_name);
        json_open(json, "keys", '[');
        for (size_t i = 0; i < conf->key_count; i++)
                append_key(json, conf->keys[i], true);
        json_close(json, ']');
        json_number(json, "zone_count", registry_count(sources->options->registry));
        json_open(json, "zones", '[');
        for (size_t i = 0; i < ZONES_MAX && (zone = registry_next(sources->options->registry, &position));
                i++)
                json_text(json, NULL, zone->name_text);
        json_close(json, ']');
}

/* ---- a zone's records ---- */

static void append_glue(struct json *json, struct store_records *records, struct arena *arena,
        const uint8_t *name, const uint8_t *apex)
{
        struct record_list list = {0};
        char text[NAME_TEXT_MAX], address_text[ADDRESS_TEXT_MAX];

        if (!name_is_below(name, apex) || store_records_of_owner(records, name, arena, &list) < 0) {
                record_list_free(&list);
                return;
        }
        for (size_t i = 0; i < list.count; i++) {
                const struct record *record = &list.items[i];
                struct address address = {.family = record->type == TYPE_A ? AF_INET : AF_INET6};
                size_t size = record->type == TYPE_A ? 4 : 16;
                if ((record->type != TYPE_A && record->type != TYPE_AAAA) || record->rdata_length != size)
                        continue;
                memcpy(address.bytes, record->rdata, size);
                json_open(json, NULL, '{');
                json_text(json, "name", name_to_zone_text(name, text));
                json_text(json, "address", address_format(&address, address_text));
                json_close(json, '}');
        }
        record_list_free(&list);
}

/* Both lists of the apex NS set: its names, and the addresses of those in the zone. */
static int append_name_servers(struct json *json, struct store_read *read, const struct store_zone *row)
{
        CLEANUP(store_records_close_later) struct store_records *records = NULL;
        CLEANUP(arena_free) struct arena arena = {0};
        struct record_list list = {0};
        uint8_t name[NAME_MAX_LENGTH];
        char text[NAME_TEXT_MAX];

        int r = store_records_open(read, row->id, &records);
        if (r == 0)
                r = store_records_of_owner(records, row->soa.owner, &arena, &list);
        if (r < 0) {
                record_list_free(&list);
                return r;
        }
        for (unsigned pass = 0; pass < 2; pass++) {
                json_open(json, pass == 0 ? "ns" : "glue", '[');
                for (size_t i = 0; i < list.count; i++) {
                        if (list.items[i].type != TYPE_NS)
                                continue;
                        name_fold(list.items[i].rdata, name);
                        if (pass == 0)
                                json_text(json, NULL, name_to_zone_text(name, text));
                        else
                                append_glue(json, records, &arena, name, row->soa.owner);
                }
                json_close(json, ']');
        }
        record_list_free(&list);
        return 0;
}

static int append_dnskeys(struct json *json, struct store_read *read, const struct store_zone *row)
{
        CLEANUP(store_records_close_later) struct store_records *records = NULL;
        CLEANUP(arena_free) struct arena arena = {0};
        CLEANUP(record_list_free) struct record_list list = {0};

        int r = store_records_open(read, row->id, &records);
        if (r == 0)
                r = store_records_of_owner(records, row->soa.owner, &arena, &list);
        if (r < 0)
                return r;
        json_open(json, "dnskeys", '[');
        for (size_t i = 0; i < list.count; i++) {
                const struct record *record = &list.items[i];
                if (record->type != TYPE_DNSKEY || record->rdata_length < 4)
                        continue;
                json_open(json, NULL, '{');
                json_number(json, "tag", rdata_key_tag(record->rdata, record->rdata_length));
                json_number(json, "algorithm", record->rdata[3]);
                json_close(json, '}');
        }
        json_close(json, ']');
        return 0;
}

static int append_published(struct json *json, struct store_read *read, const struct store_zone *row)
{
        struct soa soa;
        uint8_t name[NAME_MAX_LENGTH];
        char text[NAME_TEXT_MAX];

        int r = soa_parse(row->soa.rdata, row->soa.rdata_length, &soa);
        if (r < 0)
                return r;
        name_fold(soa.mname, name);
        json_serial(json, "serial", row->serial);
        json_bool(json, "signed", row->flags & STORE_ZONE_SIGNED_ELSEWHERE);
        json_text(json, "mname", name_to_zone_text(name, text));
        json_number(json, "refresh", soa.refresh);
        json_number(json, "retry", soa.retry);
        json_number(json, "expire", soa.expire);
        json_number(json, "minimum", soa.minimum);
        r = append_name_servers(json, read, row);
        return r < 0 ? r : append_dnskeys(json, read, row);
}

/* ---- its secondaries ---- */

/* An element of transfer-from with an end date that was used lately. */
static const struct acl_element *retired_element(const struct acl *acl, const char *text)
{
        for (size_t i = 0; acl && i < acl->count; i++) {
                const struct acl_element *element = &acl->elements[i];
                if (element->kind == ACL_NESTED) {
                        const struct acl_element *found = retired_element(element->nested, text);
                        if (found)
                                return found;
                } else if (element->until && element->text && strcmp(element->text, text) == 0)
                        return element;
        }
        return NULL;
}

static void append_retired(
        struct json *json, const struct survey *survey, const struct conf_secondary *secondary)
{
        const char *owner, *text;
        uint64_t used_usec, now = clock_realtime_usec();

        for (size_t position = 0;
                survey && survey_acl_use_next(survey, &position, &owner, &text, &used_usec);) {
                const struct acl_element *element = strcmp(owner, secondary->name) == 0
                                                            ? retired_element(secondary->transfer_from, text)
                                                            : NULL;
                if (!element || used_usec + RETIRED_USE_USEC < now)
                        continue;
                json_open(json, "retired", '{');
                json_text(json, "element", text);
                json_text(json, "until", element->until);
                json_time(json, "used_at", used_usec);
                json_close(json, '}');
                return;
        }
        json_nothing(json, "retired");
}

static void append_hosts(
        struct json *json, const char *key, const struct conf_host *hosts, size_t count, bool required_alone)
{
        json_open(json, key, '[');
        for (size_t i = 0; i < count; i++)
                if (hosts[i].name && (hosts[i].is_required || !required_alone))
                        json_text(json, NULL, hosts[i].name);
        json_close(json, ']');
}

static void append_block(
        struct json *json, const struct survey *survey, const struct conf_secondary *secondary)
{
        const struct provider *provider = secondary->provider;

        json_text(json, "provider", provider ? provider->name : NULL);
        json_text(json, "provider_date", provider ? provider_date(provider) : NULL);
        json_bool(json, "pushed", conf_secondary_is_pushed(secondary));
        json_bool(json, "drops_dnssec", provider && provider->dnssec == PROVIDER_NO);
        json_bool(json, "stripped", secondary->strip_dnssec);
        json_bool(json, "by_address", secondary->key_count == 0);
        json_open(json, "keys", '[');
        for (size_t i = 0; i < secondary->key_count; i++)
                append_key(json, secondary->keys[i],
                        !provider || provider_takes_algorithm(provider, secondary->keys[i]->algorithm));
        json_close(json, ']');
        append_hosts(json, "required", secondary->nameservers, secondary->nameserver_count, true);
        append_retired(json, survey, secondary);
}

static bool refuses_notify(
        const struct status_sources *sources, const uint8_t *zone, const struct survey_sight *sight)
{
        const struct fleet_zone *fleet_zone = fleet_zone_get(sources->options->fleet, zone, NULL);
        struct fleet_target *target;

        if (!fleet_zone || !sight->secondary)
                return false;
        for (size_t position = 0;
                (target = fleet_block_target_next(fleet_zone, sight->secondary->name, &position));)
                if (target->row.last_rcode > 0)
                        return true;
        return false;
}

static void append_servers(struct json *json, struct survey *survey, const uint8_t *zone, size_t index)
{
        struct survey_server server;
        char text[ADDRESS_TEXT_MAX];

        json_open(json, "servers", '[');
        for (size_t i = 0; survey_server_get(survey, zone, index, i, &server) == 0; i++) {
                json_open(json, NULL, '{');
                json_text(json, "name", server.name);
                json_text(json, "address", address_format(&server.address, text));
                json_close(json, '}');
        }
        json_close(json, ']');
}

/* Those of its block, else those that the provider gave the zone, whose addresses are the client's to find.
 */
static void append_pushed_servers(struct json *json, const struct push *push, const uint8_t *zone,
        const struct conf_secondary *secondary)
{
        char text[ADDRESS_TEXT_MAX];
        const char *const *names;
        size_t count = push_name_servers(push, zone, secondary->name, &names);

        json_open(json, "nameservers", '[');
        for (size_t i = 0; i < secondary->nameserver_count; i++)
                if (secondary->nameservers[i].name)
                        json_text(json, NULL, secondary->nameservers[i].name);
        for (size_t i = 0; secondary->nameserver_count == 0 && i < count; i++)
                json_text(json, NULL, names[i]);
        json_close(json, ']');
        json_open(json, "servers", '[');
        for (size_t i = 0; i < secondary->nameserver_count || (secondary->nameserver_count == 0 && i < count);
                i++) {
                const struct conf_host *host =
                        secondary->nameserver_count ? &secondary->nameservers[i] : NULL;
                json_open(json, NULL, '{');
                json_text(json, "name", host ? host->name : names[i]);
                json_text(json, "address", host && !host->name ? address_format(&host->address, text) : NULL);
                json_close(json, '}');
        }
        json_close(json, ']');
}

/* Providers that take no transfer, as other secondaries. */
static void append_pushed(struct json *json, const struct status_sources *sources, const uint8_t *zone)
{
        const struct push *push = sources->options->push;
        const struct conf_secondary *secondary;
        const struct push_status *status;

        for (size_t position = 0; push && (status = push_status_next(push, zone, &position, &secondary));) {
                json_open(json, NULL, '{');
                json_text(json, "name", secondary->name);
                json_bool(json, "late", status->phase == PUSH_HELD || status->phase == PUSH_FAILED);
                json_text(json, "stage", push_phase_name(status->phase));
                json_text(json, "note", status->why);
                json_number(json, "contact_usec", status->in_sync_usec);
                json_bool(json, "block", true);
                json_bool(json, "own_ns", !(secondary->push_apex_ns && push_can_give_apex_ns(secondary)));
                json_bool(json, "can_push_ns", push_can_give_apex_ns(secondary));
                append_block(json, sources->options->survey, secondary);
                append_pushed_servers(json, push, zone, secondary);
                json_close(json, '}');
        }
}

static void append_secondaries(struct json *json, const struct status_sources *sources, const uint8_t *zone)
{
        struct survey *survey = sources->options->survey;
        struct survey_sight sight;

        json_open(json, "secondaries", '[');
        for (size_t i = 0; survey && survey_sight_get(survey, zone, i, &sight) == 0; i++) {
                json_open(json, NULL, '{');
                json_text(json, "name", sight.name);
                json_bool(json, "new", sight.view.is_new);
                json_bool(json, "late", sight.view.is_late);
                json_bool(json, "refuses_notify", refuses_notify(sources, zone, &sight));
                json_text(json, "stage", stage_words(sight.view.reached));
                json_text(json, "note", sight.note);
                json_number(json, "contact_usec", sight.view.contact_usec);
                json_bool(json, "block", sight.secondary != NULL);
                if (sight.secondary) {
                        append_block(json, survey, sight.secondary);
                        append_hosts(json, "nameservers", sight.secondary->nameservers,
                                sight.secondary->nameserver_count, false);
                }
                append_servers(json, survey, zone, i);
                json_close(json, '}');
        }
        append_pushed(json, sources, zone);
        json_close(json, ']');
}

/* Elements of allow-transfer that let in by address alone. */
static void append_open_rules(struct json *json, const struct acl *acl)
{
        for (size_t i = 0; acl && i < acl->count; i++) {
                const struct acl_element *element = &acl->elements[i];
                if (element->negated || element->kind == ACL_KEY || element->kind == ACL_LOCALHOST)
                        continue;
                if (element->kind == ACL_NESTED)
                        append_open_rules(json, element->nested);
                else if (element->text)
                        json_text(json, NULL, element->text);
        }
}

int doctor_append_zone(struct json *json, const struct status_sources *sources, const struct conf *conf,
        const struct zone_entry *zone)
{
        CLEANUP(store_read_end_later) struct store_read *read = NULL;
        struct store_zone row;

        int r = store_read_begin(sources->options->store, &read);
        if (r < 0)
                return r;
        int found = store_zone_find(read, zone->name, &row);
        json_text(json, "zone", zone->name_text);
        json_text(json, "state", zone_state_name(zone->state));
        json_text(json, "reason", zone->state == ZONE_PUBLISHED ? NULL : zone->verdict.summary);
        json_bool(json, "published", found == 0);
        json_open(json, "open_rules", '[');
        append_open_rules(json, conf_policy_for(conf, zone->name)->allow_transfer);
        json_close(json, ']');
        if (found < 0)
                return found == -ENOENT ? 0 : found;
        append_secondaries(json, sources, zone->name);
        return append_published(json, read, &row);
}
