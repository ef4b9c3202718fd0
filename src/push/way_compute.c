/* From the store and a listing (or the journal) to batches; and what holds them. A worker's thread. */
#include "push/way.h"

#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "dns/record.h"
#include "dns/type.h"
#include "store/store.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PLAN_OCTETS 262144
#define RECORDS_OF_A_PAGE 100

DEFINE_CLEANUP(struct store_read *, store_read_end);

static struct push_rules rules_of(const struct way *way, const struct way_context *context)
{
        const struct push_provider *provider = context->session->provider;
        return (struct push_rules){.provider = provider,
                .apex = way->zone,
                .apex_ns = way->block->push_apex_ns && provider->flags & PUSH_PROVIDER_APEX_NS};
}

/* Whose SOA takes our serial. */
static bool shows_serial(const struct way *way, const struct way_context *context)
{
        return context->session->provider->flags & PUSH_PROVIDER_SERIAL && way->block->push_soa_serial &&
               !way->row.is_serial_refused;
}

static int read_names(struct way *way, struct store_read *read, uint64_t zone_id)
{
        CLEANUP(buffer_free) struct buffer position = {0};
        const void *value;
        size_t size;
        uint8_t key[PUSH_KEY_MAX];

        size_t length = push_row_key(way->block->name, key);
        key[0] = 'Q';
        buffer_append(&position, key, length);
        buffer_append_u8(&position, 0);
        push_names_free(&way->names);
        while (store_state_next(read, zone_id, &position, &value, &size) == 0) {
                char text[NAME_TEXT_MAX];
                size_t name_size;
                const char *name =
                        push_name_of_key(way->block->name, position.data, position.length, &name_size);
                if (!name || name_size >= sizeof(text))
                        break;
                memcpy(text, name, name_size);
                text[name_size] = '\0';
                int r = push_names_add(&way->names, text);
                if (r < 0)
                        return r;
        }
        way->names_are_new = true;
        return 0;
}

static int read_row(struct way *way, struct store_read *read, uint64_t zone_id)
{
        uint8_t key[PUSH_KEY_MAX];
        const void *value;
        size_t size;
        struct push_row row = {0};

        int r = store_state_get(read, zone_id, key, push_row_key(way->block->name, key), &value, &size);
        if (r == 0 && push_row_decode(value, size, &row) < 0)
                row = (struct push_row){.is_begun = true}; /* damaged: what is there is compared */
        if (way->block->zone_id && strcmp(row.zone_id, way->block->zone_id) != 0) {
                row = (struct push_row){0}; /* another zone there */
                snprintf(row.zone_id, sizeof(row.zone_id), "%s", way->block->zone_id);
        }
        way->row = row;
        way->store_id = zone_id;
        way->has_row = true;
        return read_names(way, read, zone_id);
}

int way_load(struct way *way, const struct way_context *context, uint64_t *ret_version, uint32_t *ret_serial)
{
        CLEANUP(store_read_end_later) struct store_read *read = NULL;
        struct store_zone zone;
        int r = store_read_begin(context->store, &read);
        if (r == 0)
                r = store_zone_find(read, way->zone, &zone);
        if (r < 0)
                return r;
        if (!way->has_row || way->store_id != zone.id)
                r = read_row(way, read, zone.id);
        *ret_version = zone.version;
        *ret_serial = zone.serial;
        return r;
}

int way_is_marked(struct way *way, const struct way_context *context)
{
        CLEANUP(store_read_end_later) struct store_read *read = NULL;
        uint8_t key[PUSH_KEY_MAX];
        struct push_row row;
        const void *value;
        size_t size;
        int r = store_read_begin(context->store, &read);
        if (r == 0)
                r = store_state_get(
                        read, way->store_id, key, push_row_key(way->block->name, key), &value, &size);
        if (r == -ENOENT)
                return 0;
        return r == 0 && push_row_decode(value, size, &row) == 0 && row.is_begun ? 1 : r;
}

void way_clear(struct way *way)
{
        push_listing_free(&way->listing);
        push_changes_free(&way->changes);
        push_batches_free(&way->batches);
        free(way->plan);
        way->plan = NULL;
        way->batch = way->look = 0;
}

int way_keep_soa(struct way *way, const struct push_set *soa)
{
        arena_free(&way->soa_arena);
        way->soa = NULL;
        if (soa->count != 1 || !soa->values[0].rdata)
                return 0;
        struct push_set *copy = push_set_new(&way->soa_arena, push_set_owner(soa), TYPE_SOA, soa->ttl);
        int r = copy ? push_set_add(
                               &way->soa_arena, copy, soa->values[0].rdata, soa->values[0].length, NULL, NULL)
                     : -ENOMEM;
        if (r == 0)
                way->soa = copy;
        return r;
}

/* Their SOA with our serial in it, its other fields untouched: the last of the changes. */
static int add_soa(struct way *way)
{
        struct soa fields;
        const struct push_value *value = &way->soa->values[0];
        if (soa_parse(value->rdata, value->length, &fields) < 0 || fields.serial == way->serial)
                return 0;
        struct push_set *new = push_set_new(&way->changes.arena, way->zone, TYPE_SOA, way->soa->ttl);
        int r = new ? push_set_add(&way->changes.arena, new, value->rdata, value->length, NULL, NULL)
                    : -ENOMEM;
        if (r < 0)
                return r;
        write_u32((uint8_t *)new->values[0].rdata + SOA_SERIAL_OFFSET(value->length), way->serial);
        r = push_changes_add(&way->changes, way->soa, new);
        if (r == 0)
                way->changes.items[way->changes.count - 1].is_upsert = true;
        return r;
}

static void mark_apex_ns(struct way *way)
{
        for (size_t i = 0; i < way->changes.count; i++) {
                struct push_change *change = &way->changes.items[i];
                const struct push_set *set = push_change_set(change);
                if (set->type == TYPE_NS && change->new &&name_equal(push_set_owner(set), way->zone))
                        change->is_upsert = true;
        }
}

static void set_version(struct way *way, const struct store_zone *zone)
{
        way->version = zone->version;
        way->era = zone->era;
        way->serial = zone->serial;
        way->digest = zone->digest;
        way->status.wanted = zone->serial;
        bool is_signed = zone->flags & STORE_ZONE_SIGNED_ELSEWHERE;
        if (way->is_dry || is_signed == way->row.is_signed)
                return;
        way->row.is_signed = is_signed;
        way->is_row_new = true;
        way->is_signed_now = is_signed;
}

/* Cuts, once it is known that the changes go. */
static int cut(struct way *way, const struct way_context *context)
{
        char name[NAME_TEXT_MAX], type[TYPE_TEXT_MAX];
        size_t large = 0;
        if (shows_serial(way, context) && way->soa) {
                int r = add_soa(way);
                if (r < 0)
                        return r;
        }
        mark_apex_ns(way);
        push_batches_free(&way->batches);
        int r = push_batches_cut(context->session->provider, way->block->batch_limit, way->owners_limit,
                way->changes.items, way->changes.count, &way->batches, &large);
        way->status.changes = way->changes.count;
        way->status.batches = way->batches.count;
        way->status.batches_done = way->batch = 0;
        if (r != -E2BIG)
                return r;
        const struct push_set *set = push_change_set(&way->changes.items[large]);
        push_say(context->session, PUSH_REFUSED, "%s %s does not fit one request of the provider",
                name_to_zone_text(push_set_owner(set), name), type_to_text(set->type, type));
        return WAY_PLAN_LARGE;
}

static int write_plan(struct way *way)
{
        CLEANUP(buffer_free) struct buffer text = {0};
        push_changes_text(&way->changes, PLAN_OCTETS, &text);
        const char *all = buffer_text(&text);
        free(way->plan);
        way->plan = all ? strdup(all) : NULL;
        return way->plan ? 0 : -ENOMEM;
}

/* Why a comparison's changes wait for a person; false = they do not. */
static bool is_held(struct way *way, struct push_session *session)
{
        const struct push_changes *changes = &way->changes;
        if (way->row.is_begun)
                return false; /* was let go, and did not end */
        if (way->row.version == 0 && changes->deleted + changes->replaced > 0) {
                push_say(session, PUSH_OK,
                        "the zone there holds other records: %zu RRsets would be deleted and %zu replaced by "
                        "the first push",
                        changes->deleted, changes->replaced);
                return true;
        }
        const struct conf_guard *guard = &conf_policy_for(way->conf, way->zone)->guard;
        if (way->row.version == 0 || changes->there < guard->min_records ||
                guard->max_delete_percent == CONF_UNLIMITED ||
                changes->deleted * 100 <= changes->there * guard->max_delete_percent)
                return false;
        push_say(session, PUSH_OK, "%zu of %zu RRsets there would be deleted (limit %llu %%)",
                changes->deleted, changes->there, (unsigned long long)guard->max_delete_percent);
        return true;
}

static int hold(struct way *way)
{
        way->status.has_hash = true;
        int r = push_changes_hash(&way->changes, way->status.hash);
        return r < 0 ? r : write_plan(way);
}

/* The changes of a comparison are there: do they go? */
static int judge(struct way *way, const struct way_context *context)
{
        struct push_session *session = context->session;
        const struct push_changes *changes = &way->changes;
        way->row.skipped = (uint32_t)changes->skipped;
        if (way->is_drift)
                way->status.drift = changes->count;
        if (way->is_dry) {
                int r = hold(way);
                way->status.has_hash = false;
                return r < 0 ? r : WAY_PLAN_DRY;
        }
        if (changes->skipped > 0 && way->block->unsupported_fails) {
                push_say(session, PUSH_REFUSED, "%s cannot hold %zu records (%s, for one): unsupported fail",
                        session->provider->name, changes->skipped, changes->skipped_example);
                return WAY_PLAN_UNSUPPORTED;
        }
        if (way->is_drift && way->block->drift == CONF_DRIFT_REPORT) {
                int r = write_plan(way);
                return r < 0 ? r : WAY_PLAN_DRY;
        }
        way->status.has_hash = false;
        if (is_held(way, session)) {
                int r = hold(way);
                bool is_approved = way->has_approval && memcmp(way->approved, way->status.hash, 32) == 0;
                if (r < 0 || !is_approved)
                        return r < 0 ? r : WAY_PLAN_HELD;
                way->status.has_hash = false;
        }
        way->has_approval = false;
        return cut(way, context);
}

static const struct push_set *find_soa(const struct way *way)
{
        for (size_t i = 0; i < way->listing.count; i++)
                if (way->listing.sets[i]->type == TYPE_SOA &&
                        name_equal(push_set_owner(way->listing.sets[i]), way->zone))
                        return way->listing.sets[i];
        return NULL;
}

int way_compare(struct way *way, const struct way_context *context)
{
        CLEANUP(store_read_end_later) struct store_read *read = NULL;
        struct push_rules rules = rules_of(way, context);
        struct store_zone zone;
        int r = store_read_begin(context->store, &read);
        if (r == 0)
                r = store_zone_find(read, way->zone, &zone);
        if (r < 0)
                return r == -ENOENT ? WAY_PLAN_GONE : r;
        if (way->is_drift && zone.version != way->row.version)
                way->is_drift = false; /* published meanwhile */
        set_version(way, &zone);
        push_changes_free(&way->changes);
        r = push_compare(&rules, read, &zone, &way->listing, &way->changes);
        read = store_read_end(read);
        const struct push_set *soa = find_soa(way);
        if (r == 0 && soa)
                r = way_keep_soa(way, soa);
        way->row.compared_usec = clock_realtime_usec();
        return r < 0 ? r : judge(way, context);
}

int way_delta(struct way *way, const struct way_context *context)
{
        CLEANUP(store_read_end_later) struct store_read *read = NULL;
        struct push_rules rules = rules_of(way, context);
        struct store_zone zone;
        int r = store_read_begin(context->store, &read);
        if (r == 0)
                r = store_zone_find(read, way->zone, &zone);
        if (r < 0)
                return r == -ENOENT ? WAY_PLAN_GONE : r;
        if (zone.era != way->row.era)
                return WAY_PLAN_COMPARE;
        set_version(way, &zone);
        push_changes_free(&way->changes);
        r = push_delta(&rules, read, &zone, way->row.version, &way->changes);
        if (r != 0)
                return r < 0 ? r : WAY_PLAN_COMPARE;
        if (way->block->unsupported_fails && way->changes.skipped > 0)
                return WAY_PLAN_COMPARE; /* it tells the whole */
        if (context->session->provider->flags & PUSH_PROVIDER_LOOKS && way->changes.count > 0) {
                push_changes_sort(&way->changes);
                way->looks_at_all = push_batch_owners(way->changes.items, way->changes.count) >
                                    zone.record_count / RECORDS_OF_A_PAGE + 1;
                return WAY_PLAN_LOOK;
        }
        return cut(way, context);
}

int way_looked(struct way *way, const struct way_context *context)
{
        int r = push_delta_against(&way->listing, &way->changes);
        return r < 0 ? r : cut(way, context);
}
