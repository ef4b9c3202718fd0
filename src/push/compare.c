/* A whole comparison: the listing goes into a table, the published version is read past it in its order. */
#include "push/compare.h"

#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/encode.h"
#include "base/table.h"
#include "dns/rdata.h"
#include "dns/type.h"
#include "store/store.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

DEFINE_CLEANUP(struct store_records *, store_records_close);

/* Made by a signer: the provider signs itself or not at all. */
static bool is_dnssec(uint16_t type)
{
        switch (type) {
        case TYPE_SIG:
        case TYPE_KEY:
        case TYPE_NXT:
        case TYPE_RRSIG:
        case TYPE_NSEC:
        case TYPE_DNSKEY:
        case TYPE_NSEC3:
        case TYPE_NSEC3PARAM:
        case TYPE_CDS:
        case TYPE_CDNSKEY:
        case TYPE_CSYNC:
        case TYPE_ZONEMD:
        case TYPE_DLV:
                return true;
        default:
                return false;
        }
}

/* SOA, and the apex NS set unless it is ours. */
static bool is_providers(const struct push_rules *rules, const uint8_t *owner, uint16_t type)
{
        if (type != TYPE_SOA && (type != TYPE_NS || rules->apex_ns))
                return false;
        return name_equal(owner, rules->apex);
}

bool push_wants(const struct push_rules *rules, const struct record *record, struct push_changes *changes)
{
        char name[NAME_TEXT_MAX], type[TYPE_TEXT_MAX];
        if (is_dnssec(record->type) || is_providers(rules, record->owner, record->type))
                return false;
        if (rules->provider->takes(record))
                return true;
        if (changes && changes->skipped++ == 0)
                snprintf(changes->skipped_example, sizeof(changes->skipped_example), "%s at %.90s",
                        type_to_text(record->type, type), name_to_zone_text(record->owner, name));
        return false;
}

int push_changes_add(struct push_changes *changes, const struct push_set *old, const struct push_set *new)
{
        if (changes->count == changes->capacity) {
                size_t capacity = changes->capacity ? 2 * changes->capacity : 64;
                struct push_change *grown = reallocarray(changes->items, capacity, sizeof(*grown));
                if (!grown)
                        return -ENOMEM;
                changes->items = grown;
                changes->capacity = capacity;
        }
        changes->items[changes->count++] = (struct push_change){.old = old, .new = new};
        changes->created += !old;
        changes->replaced += old && new;
        changes->deleted += !new;
        return 0;
}

void push_changes_free(struct push_changes *changes)
{
        arena_free(&changes->arena);
        free(changes->items);
        *changes = (struct push_changes){0};
}

/* ---- the listing ---- */

static int join(struct push_listing *listing, struct push_set *whole, const struct push_set *part)
{
        for (size_t i = 0; i < part->count; i++) {
                const struct push_value *value = &part->values[i];
                int r = push_set_add(
                        &listing->arena, whole, value->rdata, value->length, value->text, value->id);
                if (r < 0)
                        return r;
        }
        if (whole->ttl != part->ttl)
                whole->ttl = PUSH_TTL_UNEVEN;
        whole->is_foreign |= part->is_foreign;
        return 0;
}

/* Records of one set need not stand together in a list. */
int push_listing_index(struct push_listing *listing, struct table *ret_table)
{
        for (size_t i = 0; i < listing->count; i++) {
                struct push_set *set = listing->sets[i];
                struct push_set *known = table_get(ret_table, set->key, set->key_size);
                int r = known ? join(listing, known, set)
                              : table_put(ret_table, set->key, set->key_size, set, NULL);
                if (r < 0)
                        return r;
        }
        size_t position = 0;
        for (struct push_set *set; (set = table_next(ret_table, &position));)
                push_set_sort(set);
        return 0;
}

static void count_listing(
        const struct push_rules *rules, const struct table *there, struct push_changes *changes)
{
        size_t position = 0;
        struct push_set *set;
        while ((set = table_next(there, &position))) {
                if (is_providers(rules, push_set_owner(set), set->type))
                        set->is_seen = true;
                else if (set->is_foreign)
                        changes->foreign++;
                else
                        changes->there++;
        }
}

/* One RRset of ours beside theirs. */
static int compare_set(struct push_changes *changes, const struct table *there, struct push_set *ours)
{
        struct push_set *theirs = table_get(there, ours->key, ours->key_size);
        if (theirs)
                theirs->is_seen = true;
        if (theirs && (theirs->is_foreign || push_set_equal(theirs, ours)))
                return 0;
        return push_changes_add(changes, theirs, ours);
}

/* The first record of a set begins it. *set is the one at hand, NULL = none. */
static int take_record(const struct push_rules *rules, struct push_changes *changes,
        const struct table *there, const struct record *record, struct push_set **set)
{
        int r = 0;
        if (*set && ((*set)->type != record->type || !name_equal(push_set_owner(*set), record->owner))) {
                r = compare_set(changes, there, *set);
                *set = NULL;
        }
        if (r < 0 || !push_wants(rules, record, changes))
                return r;
        if (!*set) {
                uint32_t ttl = rules->provider->ttl ? rules->provider->ttl(record->ttl) : record->ttl;
                *set = push_set_new(&changes->arena, record->owner, record->type, ttl);
        }
        return *set ? push_set_add(&changes->arena, *set, record->rdata, record->rdata_length, NULL, NULL)
                    : -ENOMEM;
}

static int compare_ours(const struct push_rules *rules, struct store_read *read,
        const struct store_zone *zone, const struct table *there, struct push_changes *changes)
{
        CLEANUP(store_records_close_later) struct store_records *records = NULL;
        struct push_set *set = NULL;
        struct record record;
        int r = store_records_open(read, zone->id, &records);
        while (r == 0 && (r = store_records_next(records, &record)) == 0)
                r = take_record(rules, changes, there, &record, &set);
        if (r == 1)
                r = set ? compare_set(changes, there, set) : 0;
        return r;
}

int push_compare(const struct push_rules *rules, struct store_read *read, const struct store_zone *zone,
        struct push_listing *listing, struct push_changes *changes)
{
        CLEANUP(table_free) struct table there = {0};
        int r = push_listing_index(listing, &there);
        if (r == 0) {
                count_listing(rules, &there, changes);
                r = compare_ours(rules, read, zone, &there, changes);
        }
        changes->is_counted = true;
        for (size_t i = 0; i < listing->count && r == 0; i++) {
                struct push_set *set = listing->sets[i];
                struct push_set *known = table_get(&there, set->key, set->key_size);
                if (known != set || set->is_seen || set->is_foreign)
                        continue;
                set->is_seen = true;
                r = push_changes_add(changes, set, NULL);
        }
        return r;
}

/* ---- for a person ---- */

static int compare_changes(const void *left_pointer, const void *right_pointer)
{
        const struct push_set *left = push_change_set(left_pointer), *right = push_change_set(right_pointer);
        int order = name_compare(push_set_owner(left), push_set_owner(right));
        return order ? order : (left->type > right->type) - (left->type < right->type);
}

static void append_set(char sign, const struct push_set *set, struct buffer *out)
{
        char name[NAME_TEXT_MAX], type[TYPE_TEXT_MAX];
        for (size_t i = 0; set && i < set->count; i++) {
                const struct push_value *value = &set->values[i];
                buffer_printf(out, "%c %s %u IN %s ", sign, name_to_text(push_set_owner(set), name),
                        set->ttl == PUSH_TTL_UNEVEN ? 0 : set->ttl, type_to_text(set->type, type));
                if (value->rdata)
                        rdata_to_text(set->type, value->rdata, value->length, out);
                else
                        buffer_append_text(out, value->text ? value->text : "(not readable)");
                buffer_append_u8(out, '\n');
        }
}

void push_changes_sort(struct push_changes *changes)
{
        if (changes->count > 1)
                qsort(changes->items, changes->count, sizeof(*changes->items), compare_changes);
}

int push_changes_hash(struct push_changes *changes, uint8_t ret_hash[static 32])
{
        CLEANUP(buffer_free) struct buffer text = {0};
        EVP_MD_CTX *context = EVP_MD_CTX_new();
        bool is_good = context && EVP_DigestInit_ex(context, EVP_sha256(), NULL) == 1;
        push_changes_sort(changes);
        for (size_t i = 0; i < changes->count && is_good; i++) {
                buffer_clear(&text);
                append_set('-', changes->items[i].old, &text);
                append_set('+', changes->items[i].new, &text);
                is_good = buffer_status(&text) == 0 && EVP_DigestUpdate(context, text.data, text.length) == 1;
        }
        is_good = is_good && EVP_DigestFinal_ex(context, ret_hash, NULL) == 1;
        EVP_MD_CTX_free(context);
        return is_good ? 0 : -ENOMEM;
}

void push_changes_text(const struct push_changes *changes, size_t limit, struct buffer *out)
{
        size_t i = 0;
        for (; i < changes->count && out->length < limit; i++) {
                append_set('-', changes->items[i].old, out);
                append_set('+', changes->items[i].new, out);
        }
        if (i < changes->count)
                buffer_printf(out, "... and %zu RRsets more\n", changes->count - i);
        buffer_printf(out, "%zu RRsets created, %zu replaced, %zu deleted; %zu are not ours and stay\n",
                changes->created, changes->replaced, changes->deleted, changes->foreign);
}
