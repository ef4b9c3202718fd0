/* Delta of two versions by one merge of two sorted lists. Pure; any thread. */
#include "zone/delta.h"

#include "base/buffer.h"
#include "base/cleanup.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdlib.h>

void delta_free(struct delta *delta)
{
        if (!delta)
                return;
        arena_free(&delta->arena);
        record_list_free(&delta->removed);
        record_list_free(&delta->added);
}

bool delta_is_empty(const struct delta *delta)
{
        return delta->removed.count == 0 && delta->added.count == 0;
}

static int delta_add_removed(struct delta *delta, const struct record *record)
{
        struct record copy;
        int r = record_copy(&delta->arena, record, &copy);
        if (r < 0)
                return r;
        return record_list_add(&delta->removed, &copy);
}

static int delta_merge(
        const struct delta_source *old, const struct record_list *new_records, struct delta *delta)
{
        struct record before;
        size_t i = 0;
        int end = old ? old->next(old->context, &before) : 1;

        while (end == 0 || i < new_records->count) {
                int r = 0;
                if (end < 0)
                        return end;
                int order = end == 1                  ? 1
                            : i == new_records->count ? -1
                                                      : record_compare(&before, &new_records->items[i]);
                bool stays = order == 0 && record_is_identical(&before, &new_records->items[i]);
                if (order <= 0 && !stays)
                        r = delta_add_removed(delta, &before);
                if (r == 0 && order >= 0 && !stays)
                        r = record_list_add(&delta->added, &new_records->items[i]);
                if (r < 0)
                        return r;
                if (order >= 0)
                        i++;
                if (order <= 0)
                        end = old->next(old->context, &before);
        }
        return end < 0 ? end : 0;
}

int delta_make(const struct delta_source *old, const struct record_list *new_records, struct delta *ret_delta)
{
        struct delta delta = {0};
        int r = delta_merge(old, new_records, &delta);
        if (r < 0) {
                delta_free(&delta);
                return r;
        }
        *ret_delta = delta;
        return 0;
}

/* One side of the net: what both lists remove, less what both add; and the other way round. */
static int compose_side(const struct record_list *const plus[static 2],
        const struct record_list *const minus[static 2], struct record_list *net)
{
        int r = 0;
        for (int n = 0; n < 2; n++)
                for (size_t i = 0; r == 0 && i < plus[n]->count; i++) {
                        /* A removal meets the addition of the other delta only: its own is another record. */
                        const struct record_list *other = minus[!n];
                        size_t at = record_list_find(other, &plus[n]->items[i]);
                        if (at == other->count || !record_is_identical(&other->items[at], &plus[n]->items[i]))
                                r = record_list_add(net, &plus[n]->items[i]);
                }
        return r;
}

static int compare_records(const void *left, const void *right)
{
        return record_compare(left, right);
}

int delta_compose(const struct delta *first, const struct delta *second, struct delta *ret_delta)
{
        const struct record_list *const removed[2] = {&first->removed, &second->removed};
        const struct record_list *const added[2] = {&first->added, &second->added};
        struct delta delta = {0};
        int r = compose_side(removed, added, &delta.removed);
        if (r == 0)
                r = compose_side(added, removed, &delta.added);
        if (r < 0) {
                delta_free(&delta);
                return r;
        }
        if (delta.removed.count > 0)
                qsort(delta.removed.items, delta.removed.count, sizeof(struct record), compare_records);
        if (delta.added.count > 0)
                qsort(delta.added.items, delta.added.count, sizeof(struct record), compare_records);
        *ret_delta = delta;
        return 0;
}

static void cleanup_digest_context(EVP_MD_CTX **context)
{
        EVP_MD_CTX_free(*context);
}

static int hash_record(EVP_MD_CTX *context, uint8_t sign, const struct record *record)
{
        uint8_t fixed[9];
        fixed[0] = sign;
        write_u16(fixed + 1, record->type);
        write_u32(fixed + 3, record->ttl);
        write_u16(fixed + 7, record->rdata_length);
        if (EVP_DigestUpdate(context, fixed, sizeof(fixed)) != 1 ||
                EVP_DigestUpdate(context, record->owner, name_length(record->owner)) != 1 ||
                EVP_DigestUpdate(context, record->rdata, record->rdata_length) != 1)
                return -EIO;
        return 0;
}

static int hash_begin(EVP_MD_CTX *context, const struct digest *base)
{
        static const struct digest none;
        if (!context)
                return -ENOMEM;
        if (EVP_DigestInit_ex(context, EVP_sha256(), NULL) != 1 ||
                EVP_DigestUpdate(context, base ? base->bytes : none.bytes, DIGEST_SIZE) != 1)
                return -EIO;
        return 0;
}

int delta_hash(const struct delta *delta, const struct digest *base, const struct record *soa,
        uint8_t ret_hash[static DELTA_HASH_SIZE])
{
        CLEANUP(cleanup_digest_context) EVP_MD_CTX *context = EVP_MD_CTX_new();
        int r = hash_begin(context, base);

        if (r == 0 && soa)
                r = hash_record(context, '=', soa);
        for (size_t i = 0; r == 0 && i < delta->removed.count; i++)
                r = hash_record(context, '-', &delta->removed.items[i]);
        for (size_t i = 0; r == 0 && i < delta->added.count; i++)
                r = hash_record(context, '+', &delta->added.items[i]);
        if (r == 0 && EVP_DigestFinal_ex(context, ret_hash, NULL) != 1)
                r = -EIO;
        return r;
}

int delta_removal_hash(
        const uint8_t *zone, const struct digest *base, uint8_t ret_hash[static DELTA_HASH_SIZE])
{
        CLEANUP(cleanup_digest_context) EVP_MD_CTX *context = EVP_MD_CTX_new();
        int r = hash_begin(context, base);

        if (r == 0 && (EVP_DigestUpdate(context, "X", 1) != 1 ||
                              EVP_DigestUpdate(context, zone, name_length(zone)) != 1 ||
                              EVP_DigestFinal_ex(context, ret_hash, NULL) != 1))
                r = -EIO;
        return r;
}
