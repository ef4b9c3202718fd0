/* Cloudflare's DNS records API, v4: JSON, one object a record, batches that are all or nothing. A worker's
 * thread. */
#include "base/buffer.h"
#include "base/cleanup.h"
#include "dns/record.h"
#include "dns/type.h"
#include "push/cloudflare_call.h"
#include "push/cloudflare_text.h"
#include "push/cloudflare_transfer.h"
#include "push/provider.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PER_PAGE 100
#define TTL_AUTO 1 /* what it calls automatic: 300 s */
#define TTL_MIN 60
#define TTL_MAX 86400

DEFINE_CLEANUP(json_t *, json_decref);

static bool takes(const struct record *record)
{
        if (!cloudflare_takes_type(record->type))
                return false;
        CLEANUP(json_decref_later) json_t *json = json_object();
        return json && cloudflare_record_fill(json, record->type, record->rdata, record->rdata_length) == 0;
}

static uint32_t ttl_there(uint32_t ttl)
{
        if (ttl < TTL_MIN)
                return TTL_MIN;
        return ttl > TTL_MAX ? TTL_MAX : ttl;
}

static int take_name_servers(const json_t *zone, struct push_place *place)
{
        const json_t *names = json_object_get(zone, "name_servers");
        int r = 0;
        push_names_free(&place->name_servers);
        for (size_t i = 0; i < json_array_size(names) && r == 0; i++) {
                const char *name = json_string_value(json_array_get(names, i));
                if (name)
                        r = push_names_add(&place->name_servers, name);
        }
        return r;
}

static bool name_is(const json_t *object, const uint8_t *wanted)
{
        static const uint8_t root[] = {0};
        const char *text = json_string_value(json_object_get(object, "name"));
        uint8_t name[NAME_MAX_LENGTH];
        size_t length;
        return text && name_from_text(text, strlen(text), root, name, &length, NULL) == NAME_OK &&
               name_equal(name, wanted);
}

static int find(struct push_session *session, const uint8_t *apex, struct push_place *place)
{
        CLEANUP(buffer_free) struct buffer path = {0};
        CLEANUP(json_decref_later) json_t *root = NULL;
        char text[NAME_TEXT_MAX];
        const json_t *zone, *found = NULL;
        unsigned count = 0;
        size_t i;

        buffer_append_text(&path, "/zones?per_page=50&name=");
        http_append_encoded(&path, name_to_zone_text(apex, text));
        int r = cloudflare_ask(session, "GET", &path, NULL, &root);
        if (r != PUSH_OK)
                return r;
        json_array_foreach(json_object_get(root, "result"), i, zone)
        {
                if (name_is(zone, apex) && count++ == 0)
                        found = zone;
        }
        if (count == 0)
                return push_say(session, PUSH_NO_ZONE, "this token sees no zone of that name");
        if (count > 1)
                return push_say(session, PUSH_AMBIGUOUS,
                        "this token sees %u zones of that name: give the zone-id", count);
        const char *id = json_string_value(json_object_get(found, "id"));
        snprintf(place->id, sizeof(place->id), "%s", id ? id : "");
        return take_name_servers(found, place);
}

static int name_servers(struct push_session *session, const uint8_t *apex, struct push_place *place)
{
        CLEANUP(buffer_free) struct buffer path = {0};
        CLEANUP(json_decref_later) json_t *root = NULL;
        buffer_printf(&path, "/zones/%s", place->id);
        int r = cloudflare_ask(session, "GET", &path, NULL, &root);
        if (r != PUSH_OK)
                return r;
        const json_t *zone = json_object_get(root, "result");
        if (!name_is(zone, apex))
                return push_say(session, PUSH_NO_ZONE, "the zone %s is of another name", place->id);
        return take_name_servers(zone, place);
}

/* ---- the list ---- */

/* Proxied records, and those that Cloudflare itself keeps (mail routing, applications). */
static bool is_foreign(const json_t *record)
{
        const json_t *meta = json_object_get(record, "meta");
        static const char *const marks[] = {
                "email_routing", "read_only", "managed_by_apps", "managed_by_argo_tunnel"};
        if (json_is_true(json_object_get(record, "proxied")))
                return true;
        for (size_t i = 0; i < ARRAY_SIZE(marks); i++)
                if (json_is_true(json_object_get(meta, marks[i])))
                        return true;
        return false;
}

static int add_record(struct push_listing *listing, const json_t *json)
{
        static _Thread_local uint8_t rdata[65536];
        static const uint8_t root[] = {0};
        const char *name_text = json_string_value(json_object_get(json, "name"));
        const char *type_text = json_string_value(json_object_get(json, "type"));
        const char *id = json_string_value(json_object_get(json, "id"));
        json_int_t ttl = json_integer_value(json_object_get(json, "ttl"));
        uint8_t name[NAME_MAX_LENGTH];
        uint16_t type;
        size_t length = 0;

        if (!name_text || !type_text || !id || ttl < 0 || ttl > INT32_MAX ||
                name_from_text(name_text, strlen(name_text), root, name, &length, NULL) != NAME_OK ||
                type_from_text(type_text, strlen(type_text), &type) < 0)
                return 0; /* nothing that we could have made */
        if (listing->owner && !name_equal(name, listing->owner))
                return 0;
        struct push_set *set = push_listing_set(listing, name, type);
        if (!set)
                return -ENOMEM;
        uint32_t seconds = ttl == TTL_AUTO ? 300 : (uint32_t)ttl;
        set->ttl = set->count == 0 || set->ttl == seconds ? seconds : PUSH_TTL_UNEVEN;
        set->is_foreign |= is_foreign(json);
        bool is_read = cloudflare_record_parse(json, type, rdata, &length) == 0;
        listing->value_count++;
        return push_set_add(&listing->arena, set, is_read ? rdata : NULL, is_read ? length : 0, NULL, id);
}

static int take_page(struct push_listing *listing, const json_t *root)
{
        const json_t *result = json_object_get(root, "result"), *record;
        size_t i;
        if (!json_is_true(json_object_get(root, "success")) || !json_is_array(result))
                return -EBADMSG; /* that is no empty zone */
        json_array_foreach(result, i, record)
        {
                int r = add_record(listing, record);
                if (r < 0)
                        return r;
        }
        listing->page++;
        listing->is_whole = json_array_size(result) < PER_PAGE;
        return PUSH_OK;
}

int cloudflare_list_read(struct push_listing *listing, const void *bytes, size_t length)
{
        json_error_t error;
        CLEANUP(json_decref_later) json_t *root = json_loadb(bytes, length, 0, &error);
        return root ? take_page(listing, root) : -EBADMSG;
}

static int list(struct push_session *session, const char *zone_id, struct push_listing *listing)
{
        CLEANUP(buffer_free) struct buffer path = {0};
        char text[NAME_TEXT_MAX];

        buffer_printf(
                &path, "/zones/%s/dns_records?page=%u&per_page=%d", zone_id, listing->page + 1, PER_PAGE);
        if (listing->owner) {
                buffer_append_text(&path, "&name=");
                http_append_encoded(&path, name_to_zone_text(listing->owner, text));
        }
        int r = cloudflare_send(session, "GET", &path, NULL);
        if (r != PUSH_OK)
                return r;
        r = cloudflare_list_read(listing, session->answer.body.data, session->answer.body.length);
        return r == -EBADMSG ? cloudflare_cut(session) : r;
}

/* ---- changes ---- */

/* Whether the set has this value; both sorted, but sets are small. */
static bool has_value(const struct push_set *set, const struct push_set *other, size_t index)
{
        if (!set || !other->values[index].rdata)
                return false;
        struct record wanted = push_set_record(other, index);
        size_t low = 0, high = set->count;
        while (low < high) {
                size_t middle = low + (high - low) / 2;
                struct record have = push_set_record(set, middle);
                int order = have.rdata ? record_compare(&have, &wanted) : -1;
                if (order == 0)
                        return true;
                if (order < 0)
                        low = middle + 1;
                else
                        high = middle;
        }
        return false;
}

/* A value that stays as it is needs no operation. */
static bool stays(const struct push_change *change, const struct push_set *of, size_t index)
{
        const struct push_set *other = of == change->old ? change->new : change->old;
        return change->old && change->new &&
               change->old->ttl == change->new->ttl &&has_value(other, of, index);
}

static int cost(const struct push_change *change, size_t *ret_elements, size_t *ret_characters)
{
        *ret_elements = *ret_characters = 0;
        for (size_t i = 0; change->old && i < change->old->count; i++)
                *ret_elements += !stays(change, change->old, i);
        for (size_t i = 0; change->new &&i < change->new->count; i++)
                *ret_elements += !stays(change, change->new, i);
        return 0;
}

static int add_deletes(json_t *deletes, const struct push_change *change)
{
        for (size_t i = 0; change->old && i < change->old->count; i++)
                if (!stays(change, change->old, i) && change->old->values[i].id &&
                        json_array_append_new(deletes, json_pack("{ss}", "id", change->old->values[i].id)) <
                                0)
                        return -ENOMEM;
        return 0;
}

static int add_posts(json_t *posts, const struct push_change *change)
{
        char name[NAME_TEXT_MAX], type[TYPE_TEXT_MAX];
        const struct push_set *set = change->new;
        for (size_t i = 0; set && i < set->count; i++) {
                if (stays(change, set, i))
                        continue;
                json_t *record = json_pack("{sssssi}", "name", name_to_zone_text(push_set_owner(set), name),
                        "type", type_to_text(set->type, type), "ttl", (int)set->ttl);
                if (!record || json_array_append_new(posts, record) < 0)
                        return -ENOMEM;
                bool may_be_proxied =
                        set->type == TYPE_A || set->type == TYPE_AAAA || set->type == TYPE_CNAME;
                if (may_be_proxied && json_object_set_new(record, "proxied", json_false()) < 0)
                        return -ENOMEM;
                int r = cloudflare_record_fill(
                        record, set->type, set->values[i].rdata, set->values[i].length);
                if (r < 0)
                        return r;
        }
        return 0;
}

static int apply(struct push_session *session, const char *zone_id, const struct push_change *changes,
        size_t count, const char *comment, char ret_change_id[static PUSH_ID_MAX])
{
        CLEANUP(buffer_free) struct buffer path = {0};
        CLEANUP(json_decref_later) json_t *root = NULL;
        CLEANUP(json_decref_later) json_t *batch = json_pack("{s[]s[]}", "deletes", "posts");
        json_t *deletes = json_object_get(batch, "deletes"), *posts = json_object_get(batch, "posts");
        int r = batch ? 0 : -ENOMEM;

        (void)comment;
        ret_change_id[0] = '\0';
        for (size_t i = 0; i < count && r == 0; i++) {
                r = add_deletes(deletes, &changes[i]);
                if (r == 0)
                        r = add_posts(posts, &changes[i]);
        }
        if (r < 0)
                return r;
        CLEANUP_FREE char *body = json_dumps(batch, JSON_COMPACT);
        if (!body)
                return -ENOMEM;
        buffer_printf(&path, "/zones/%s/dns_records/batch", zone_id);
        return cloudflare_ask(session, "POST", &path, body, &root);
}

static int is_in_sync(struct push_session *session, const char *change_id)
{
        (void)session, (void)change_id;
        return PUSH_OK;
}

const struct push_provider push_cloudflare = {
        .name = "cloudflare-records",
        .default_endpoint = "https://api.cloudflare.com/client/v4",
        .flags = PUSH_PROVIDER_LOOKS,
        .limits = {.elements = 200, .characters = SIZE_MAX, .requests = 1200, .window_sec = 300},
        .is_token = true,
        .takes = takes,
        .ttl = ttl_there,
        .find = find,
        .name_servers = name_servers,
        .list = list,
        .cost = cost,
        .apply = apply,
        .is_in_sync = is_in_sync,
        .incoming = cloudflare_incoming,
        .force_axfr = cloudflare_force_axfr,
};
