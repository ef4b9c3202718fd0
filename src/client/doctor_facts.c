/* What zonecrierd says, as facts. Members that are not there count as nothing. */
#include "client/client.h"
#include "client/doctor.h"
#include "client/target.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *must(void *memory)
{
        if (memory)
                return memory;
        fputs("zonecrier: out of memory\n", stderr);
        exit(CLIENT_FAILED);
}

void *facts_alloc(struct gatherer *gatherer, size_t size)
{
        return memset(must(arena_alloc(&gatherer->arena, size ? size : 1)), 0, size);
}

const char *facts_text(struct gatherer *gatherer, const char *text)
{
        return text ? must(arena_text(&gatherer->arena, text, strlen(text))) : NULL;
}

/* Lists grow by copies; they are short. */
void names_add(struct gatherer *gatherer, struct doctor_names *names, const char *name)
{
        if (doctor_names_have(names, name))
                return;
        const char **items = facts_alloc(gatherer, (names->count + 1) * sizeof *items);
        if (names->count > 0)
                memcpy(items, names->items, names->count * sizeof *items);
        items[names->count++] = facts_text(gatherer, name);
        names->items = items;
}

static void read_names(
        struct gatherer *gatherer, const json_t *from, const char *key, struct doctor_names *ret_names)
{
        const json_t *list = json_object_get(from, key);
        for (size_t i = 0; i < json_array_size(list); i++)
                if (json_string_value(json_array_get(list, i)))
                        names_add(gatherer, ret_names, json_string_value(json_array_get(list, i)));
}

static bool read_bool(const json_t *from, const char *key)
{
        return json_is_true(json_object_get(from, key));
}

static uint32_t read_seconds(const json_t *from, const char *key)
{
        return (uint32_t)member_number(from, key);
}

static const struct doctor_key *read_keys(struct gatherer *gatherer, const json_t *list, size_t *ret_count)
{
        struct doctor_key *keys = facts_alloc(gatherer, json_array_size(list) * sizeof *keys);

        *ret_count = 0;
        for (size_t i = 0; i < json_array_size(list); i++) {
                const json_t *from = json_array_get(list, i);
                const char *name = member_text(from, "name"), *algorithm = member_text(from, "algorithm");
                keys[(*ret_count)++] = (struct doctor_key){
                        .name = facts_text(gatherer, name ? name : "?"),
                        .algorithm = facts_text(gatherer, algorithm ? algorithm : "?"),
                        .bits = (unsigned)member_number(from, "bits"),
                        .is_taken = read_bool(from, "taken"),
                };
        }
        return keys;
}

static const struct doctor_glue *read_glue(struct gatherer *gatherer, const json_t *list, size_t *ret_count)
{
        struct doctor_glue *glue = facts_alloc(gatherer, json_array_size(list) * sizeof *glue);

        *ret_count = 0;
        for (size_t i = 0; i < json_array_size(list); i++) {
                const char *name = member_text(json_array_get(list, i), "name");
                const char *address = member_text(json_array_get(list, i), "address");
                if (name && address)
                        glue[(*ret_count)++] = (struct doctor_glue){
                                facts_text(gatherer, name), facts_text(gatherer, address)};
        }
        return glue;
}

static const struct doctor_dnskey *read_dnskeys(
        struct gatherer *gatherer, const json_t *list, size_t *ret_count)
{
        struct doctor_dnskey *keys = facts_alloc(gatherer, json_array_size(list) * sizeof *keys);

        for (*ret_count = 0; *ret_count < json_array_size(list); ++*ret_count)
                keys[*ret_count] = (struct doctor_dnskey){
                        .tag = (uint16_t)member_number(json_array_get(list, *ret_count), "tag"),
                        .algorithm = (uint8_t)member_number(json_array_get(list, *ret_count), "algorithm")};
        return keys;
}

static const struct doctor_server *read_servers(
        struct gatherer *gatherer, const json_t *list, size_t *ret_count)
{
        struct doctor_server *servers = facts_alloc(gatherer, json_array_size(list) * sizeof *servers);

        *ret_count = 0;
        for (size_t i = 0; i < json_array_size(list); i++) {
                const char *name = member_text(json_array_get(list, i), "name");
                const char *address = member_text(json_array_get(list, i), "address");
                if (name || address)
                        servers[(*ret_count)++] = (struct doctor_server){
                                .name = facts_text(gatherer, name), .address = facts_text(gatherer, address)};
        }
        return servers;
}

static const char *read_retired(struct gatherer *gatherer, const json_t *from)
{
        const char *element = member_text(from, "element"), *until = member_text(from, "until");
        char text[256];

        if (!element || !until)
                return NULL;
        snprintf(text, sizeof text, "transfers came from %.100s, which its provider gives up on %.20s",
                element, until);
        return facts_text(gatherer, text);
}

static void read_secondary(
        struct gatherer *gatherer, const json_t *from, struct doctor_secondary *ret_secondary)
{
        const char *name = member_text(from, "name"), *date = member_text(from, "provider_date");
        const char *stage = member_text(from, "stage"), *note = member_text(from, "note");

        *ret_secondary = (struct doctor_secondary){
                .name = facts_text(gatherer, name ? name : "?"),
                .provider = facts_text(gatherer, member_text(from, "provider")),
                .provider_date = facts_text(gatherer, date ? date : ""),
                .is_block = read_bool(from, "block"),
                .is_pushed = read_bool(from, "pushed"),
                .has_own_ns = read_bool(from, "own_ns"),
                .can_push_ns = read_bool(from, "can_push_ns"),
                .drops_dnssec = read_bool(from, "drops_dnssec"),
                .is_stripped = read_bool(from, "stripped"),
                .is_by_address = read_bool(from, "by_address"),
                .is_new = read_bool(from, "new"),
                .is_late = read_bool(from, "late"),
                .refuses_notify = read_bool(from, "refuses_notify"),
                .stage = facts_text(gatherer, stage ? stage : ""),
                .note = facts_text(gatherer, note ? note : ""),
                .contact_usec = member_number(from, "contact_usec"),
                .retired = read_retired(gatherer, json_object_get(from, "retired")),
        };
        ret_secondary->keys = read_keys(gatherer, json_object_get(from, "keys"), &ret_secondary->key_count);
        ret_secondary->servers =
                read_servers(gatherer, json_object_get(from, "servers"), &ret_secondary->server_count);
        read_names(gatherer, from, "nameservers", &ret_secondary->nameservers);
        read_names(gatherer, from, "required", &ret_secondary->required);
}

void facts_read_zone(struct gatherer *gatherer, const json_t *from, struct doctor_zone *ret_facts)
{
        const char *name = member_text(from, "zone"), *state = member_text(from, "state");
        const json_t *list = json_object_get(from, "secondaries");

        *ret_facts = (struct doctor_zone){
                .name = facts_text(gatherer, name ? name : "?"),
                .state = facts_text(gatherer, state ? state : "?"),
                .reason = facts_text(gatherer, member_text(from, "reason")),
                .is_published = read_bool(from, "published"),
                .is_signed = read_bool(from, "signed"),
                .refresh_sec = read_seconds(from, "refresh"),
                .retry_sec = read_seconds(from, "retry"),
                .expire_sec = read_seconds(from, "expire"),
                .minimum_sec = read_seconds(from, "minimum"),
                .mname = facts_text(gatherer, member_text(from, "mname")),
                .parent_why = "not asked",
        };
        read_names(gatherer, from, "ns", &ret_facts->ns);
        read_names(gatherer, from, "open_rules", &ret_facts->open_rules);
        ret_facts->glue = read_glue(gatherer, json_object_get(from, "glue"), &ret_facts->glue_count);
        ret_facts->dnskeys =
                read_dnskeys(gatherer, json_object_get(from, "dnskeys"), &ret_facts->dnskey_count);
        struct doctor_secondary *secondaries =
                facts_alloc(gatherer, json_array_size(list) * sizeof *secondaries);
        for (size_t i = 0; i < json_array_size(list); i++)
                read_secondary(gatherer, json_array_get(list, i), &secondaries[ret_facts->secondary_count++]);
        ret_facts->secondaries = secondaries;
}

void facts_read_daemon(struct gatherer *gatherer, const json_t *from, struct doctor_daemon *ret_facts)
{
        *ret_facts = (struct doctor_daemon){0};
        ret_facts->keys = read_keys(gatherer, json_object_get(from, "keys"), &ret_facts->key_count);
        ret_facts->has_keys_in_use = ret_facts->key_count > 0;
        gatherer->public_name = facts_text(gatherer, member_text(from, "public_name"));
        host_read_clock(ret_facts);
        host_judge_listeners(gatherer, from, ret_facts);
}
