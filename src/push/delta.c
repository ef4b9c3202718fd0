/* What changed since the version that was pushed last, out of the journal: the RRsets that its steps touch,
 * as they are now, and as they were (the steps undone, newest first). */
#include "push/compare.h"

#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/table.h"
#include "dns/message.h"
#include "dns/record.h"
#include "store/store.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define RECORDS_MAX 5000 /* changed ones: above, a listing costs no more */

DEFINE_CLEANUP(struct store_records *, store_records_close);

/* An RRset that some step touches. */
struct touched {
        struct push_set *now; /* count 0 = none */
        struct record_list before;
};

struct gather {
        const struct push_rules *rules;
        struct store_read *read;
        const struct store_zone *zone;
        struct push_changes *changes;
        struct arena arena;
        struct table sets; /* key -> struct touched */
        struct touched **order;
        size_t count, capacity;
        size_t records;
};

static uint32_t ttl_there(const struct push_rules *rules, uint32_t ttl)
{
        return rules->provider->ttl ? rules->provider->ttl(ttl) : ttl;
}

static int touch(struct gather *gather, const struct record *record, struct touched **ret_touched)
{
        uint8_t key[NAME_MAX_LENGTH + 2];
        size_t length = name_length(record->owner);
        name_fold(record->owner, key);
        write_u16(key + length, record->type);
        *ret_touched = table_get(&gather->sets, key, length + 2);
        if (*ret_touched)
                return 0;
        if (gather->count == gather->capacity) {
                size_t capacity = gather->capacity ? 2 * gather->capacity : 16;
                struct touched **grown = reallocarray(gather->order, capacity, sizeof(struct touched *));
                if (!grown)
                        return -ENOMEM;
                gather->order = grown;
                gather->capacity = capacity;
        }
        struct touched *touched = arena_alloc(&gather->arena, sizeof(*touched));
        if (!touched)
                return -ENOMEM;
        *touched = (struct touched){
                .now = push_set_new(&gather->changes->arena, record->owner, record->type, 0)};
        if (!touched->now)
                return -ENOMEM;
        int r = table_put(&gather->sets, touched->now->key, touched->now->key_size, touched, NULL);
        if (r == 0)
                gather->order[gather->count++] = touched;
        *ret_touched = touched;
        return r;
}

/* The set as it is published now: also the first state of `before`. */
static int load_now(struct gather *gather, struct store_records *records, struct touched *touched)
{
        CLEANUP(record_list_free) struct record_list list = {0};
        const uint8_t *owner = push_set_owner(touched->now);
        int r = store_records_of_owner(records, owner, &gather->arena, &list);
        for (size_t i = 0; i < list.count && r == 0; i++) {
                const struct record *record = &list.items[i];
                if (record->type != touched->now->type)
                        continue;
                r = record_list_add(&touched->before, record);
                if (r < 0 || !push_wants(gather->rules, record, NULL))
                        continue;
                touched->now->ttl = ttl_there(gather->rules, record->ttl);
                r = push_set_add(&gather->changes->arena, touched->now, record->rdata, record->rdata_length,
                        NULL, NULL);
        }
        push_set_sort(touched->now);
        return r;
}

/* 1: the record is not there, as it should be. */
static int undo_added(struct touched *touched, const struct record *record)
{
        for (size_t i = 0; i < touched->before.count; i++) {
                if (!record_is_identical(&touched->before.items[i], record))
                        continue;
                touched->before.items[i] = touched->before.items[--touched->before.count];
                return 0;
        }
        return 1;
}

/* Walks one piece; is_look: only notes which sets it touches, else undoes it. */
static int walk_piece(struct gather *gather, const struct store_leaf *body, bool is_added, bool is_look)
{
        struct message_walk walk;
        struct record record;
        int r = message_walk_begin(&walk, body->message, body->length);
        while (r == 0 && (r = message_walk_next(&walk, &gather->arena, &record)) == 0) {
                struct touched *touched;
                if (!push_wants(gather->rules, &record, NULL))
                        continue;
                r = touch(gather, &record, &touched);
                if (r < 0 || is_look)
                        continue;
                if (is_added)
                        r = undo_added(touched, &record) ? -ESTALE : 0;
                else
                        r = record_list_add(&touched->before, &record);
        }
        return r == 1 ? 0 : r;
}

static int walk_step(struct gather *gather, uint64_t version, bool is_look)
{
        struct store_step step;
        struct store_leaf body;
        int r = store_step_get(gather->read, gather->zone->id, version, &step);
        if (r == 0 && is_look) {
                gather->records += step.removed_count + step.added_count;
                if (gather->records > RECORDS_MAX)
                        return -E2BIG;
        }
        unsigned pieces = r == 0 ? step.removed_pieces + step.added_pieces : 0;
        for (unsigned piece = pieces; piece >= 1 && r == 0; piece--) { /* what was added is undone first */
                r = store_step_piece(gather->read, gather->zone->id, version, piece, &body);
                if (r == 0)
                        r = walk_piece(gather, &body, piece > step.removed_pieces, is_look);
        }
        return r;
}

static int set_before(struct gather *gather, const struct touched *touched, struct push_set **ret_set)
{
        struct push_set *set =
                push_set_new(&gather->changes->arena, push_set_owner(touched->now), touched->now->type, 0);
        int r = set ? 0 : -ENOMEM;
        for (size_t i = 0; i < touched->before.count && r == 0; i++) {
                const struct record *record = &touched->before.items[i];
                set->ttl = ttl_there(gather->rules, record->ttl);
                r = push_set_add(
                        &gather->changes->arena, set, record->rdata, record->rdata_length, NULL, NULL);
        }
        if (r == 0)
                push_set_sort(set);
        *ret_set = set;
        return r;
}

static int make_changes(struct gather *gather)
{
        int r = 0;
        for (size_t i = 0; i < gather->count && r == 0; i++) {
                struct push_set *now = gather->order[i]->now, *before = NULL;
                r = set_before(gather, gather->order[i], &before);
                if (r < 0 || push_set_equal(before, now))
                        continue;
                if (before->count || now->count)
                        r = push_changes_add(
                                gather->changes, before->count ? before : NULL, now->count ? now : NULL);
        }
        return r;
}

static int run(struct gather *gather, uint64_t from)
{
        CLEANUP(store_records_close_later) struct store_records *records = NULL;
        int r = 0;
        for (uint64_t version = gather->zone->version; version > from && r == 0; version--)
                r = walk_step(gather, version, true);
        if (r == 0)
                r = store_records_open(gather->read, gather->zone->id, &records);
        for (size_t i = 0; i < gather->count && r == 0; i++)
                r = load_now(gather, records, gather->order[i]);
        for (uint64_t version = gather->zone->version; version > from && r == 0; version--)
                r = walk_step(gather, version, false);
        return r == 0 ? make_changes(gather) : r;
}

int push_delta(const struct push_rules *rules, struct store_read *read, const struct store_zone *zone,
        uint64_t from, struct push_changes *changes)
{
        struct gather gather = {.rules = rules, .read = read, .zone = zone, .changes = changes};
        if (from > zone->version || from < zone->oldest_version)
                return 1;
        int r = run(&gather, from);
        for (size_t i = 0; i < gather.count; i++)
                record_list_free(&gather.order[i]->before);
        table_free(&gather.sets);
        free(gather.order);
        arena_free(&gather.arena);
        return r == -ENOMEM || r == 0 ? r : 1;
}

int push_delta_against(struct push_listing *listing, struct push_changes *changes)
{
        CLEANUP(table_free) struct table there = {0};
        int r = push_listing_index(listing, &there);
        size_t kept = 0;
        changes->created = changes->replaced = changes->deleted = 0;
        for (size_t i = 0; i < changes->count && r == 0; i++) {
                struct push_change change = changes->items[i];
                const struct push_set *set = push_change_set(&change);
                change.old = table_get(&there, set->key, set->key_size);
                if ((change.old && change.old->is_foreign) || (!change.old && !change.new) ||
                        (change.old && change.new &&push_set_equal(change.old, change.new)))
                        continue;
                changes->created += !change.old;
                changes->replaced += change.old && change.new;
                changes->deleted += !change.new;
                changes->items[kept++] = change;
        }
        if (r == 0)
                changes->count = kept;
        return r;
}
