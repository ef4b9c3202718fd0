/* Order and cut of a push: see batch.h. Any thread. */
#include "push/batch.h"

#include "base/cleanup.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* A run of changes of one owner. */
struct unit {
        size_t begin, count;
        int rank; /* 0 creates something, 1 only deletes, 2 is the SOA */
};

static int rank_of(const struct push_change *change)
{
        if (change->is_upsert)
                return 2;
        return change->new ? 0 : 1;
}

static int compare_owners(const void *left_pointer, const void *right_pointer)
{
        const struct push_change *left = left_pointer, *right = right_pointer;
        if (left->is_upsert != right->is_upsert)
                return left->is_upsert - right->is_upsert;
        const struct push_set *a = push_change_set(left), *b = push_change_set(right);
        int order = name_compare(push_set_owner(a), push_set_owner(b));
        return order ? order : (a->type > b->type) - (a->type < b->type);
}

static int compare_units(const void *left_pointer, const void *right_pointer)
{
        const struct unit *left = left_pointer, *right = right_pointer;
        if (left->rank != right->rank)
                return left->rank - right->rank;
        return (left->begin > right->begin) - (left->begin < right->begin);
}

static size_t find_units(const struct push_change *changes, size_t count, struct unit *units)
{
        size_t unit_count = 0;
        for (size_t i = 0; i < count; i++) {
                struct unit *last = unit_count ? &units[unit_count - 1] : NULL;
                bool is_same = last && !changes[i].is_upsert && !changes[last->begin].is_upsert &&
                               name_equal(push_set_owner(push_change_set(&changes[last->begin])),
                                       push_set_owner(push_change_set(&changes[i])));
                int rank = rank_of(&changes[i]);
                if (!is_same) {
                        units[unit_count++] = (struct unit){.begin = i, .count = 1, .rank = rank};
                        continue;
                }
                last->count++;
                if (rank < last->rank)
                        last->rank = rank;
        }
        return unit_count;
}

static int sort_changes(struct push_change *changes, size_t count, struct unit *units, size_t *ret_unit_count)
{
        CLEANUP_FREE struct push_change *copy = malloc(count * sizeof(*copy));
        if (!copy)
                return -ENOMEM;
        qsort(changes, count, sizeof(*changes), compare_owners);
        size_t unit_count = find_units(changes, count, units);
        qsort(units, unit_count, sizeof(*units), compare_units);
        size_t at = 0;
        for (size_t i = 0; i < unit_count; i++) {
                memcpy(copy + at, changes + units[i].begin, units[i].count * sizeof(*copy));
                units[i].begin = at;
                at += units[i].count;
        }
        memcpy(changes, copy, count * sizeof(*copy));
        *ret_unit_count = unit_count;
        return 0;
}

static int end_batch(struct push_batches *batches, size_t end)
{
        if (batches->count == batches->capacity) {
                size_t capacity = batches->capacity ? 2 * batches->capacity : 8;
                size_t *grown = reallocarray(batches->ends, capacity, sizeof(*grown));
                if (!grown)
                        return -ENOMEM;
                batches->ends = grown;
                batches->capacity = capacity;
        }
        batches->ends[batches->count++] = end;
        return 0;
}

struct filling {
        size_t begin; /* of the batch that is being filled */
        size_t elements, characters, owners;
        size_t elements_max, characters_max, owners_max;
};

/* Takes [begin, end) into the batch at hand, or begins a new one with it. 1 = it is larger than a batch. */
static int take(const struct push_provider *provider, const struct push_change *changes, size_t begin,
        size_t end, struct filling *filling, struct push_batches *batches)
{
        size_t elements = 0, characters = 0;
        for (size_t i = begin; i < end; i++) {
                size_t more_elements, more_characters;
                int r = provider->cost(&changes[i], &more_elements, &more_characters);
                if (r < 0)
                        return r;
                elements += more_elements;
                characters += more_characters;
        }
        if (elements > filling->elements_max || characters > filling->characters_max)
                return 1;
        if (filling->elements + elements > filling->elements_max || filling->owners == filling->owners_max ||
                filling->characters + characters > filling->characters_max) {
                int r = end_batch(batches, begin);
                if (r < 0)
                        return r;
                filling->begin = begin;
                filling->elements = filling->characters = filling->owners = 0;
        }
        filling->owners++;
        filling->elements += elements;
        filling->characters += characters;
        return 0;
}

size_t push_batch_owners(const struct push_change *changes, size_t count)
{
        size_t owners = 0;
        for (size_t i = 0; i < count; i++)
                owners += i == 0 || changes[i].is_upsert ||
                          !name_equal(push_set_owner(push_change_set(&changes[i - 1])),
                                  push_set_owner(push_change_set(&changes[i])));
        return owners;
}

int push_batches_cut(const struct push_provider *provider, size_t limit, size_t owners,
        struct push_change *changes, size_t count, struct push_batches *ret_batches, size_t *ret_large)
{
        struct filling filling = {.elements_max = provider->limits.elements,
                .characters_max = provider->limits.characters,
                .owners_max = owners ? owners : SIZE_MAX};
        CLEANUP_FREE struct unit *units = calloc(count ? count : 1, sizeof(*units));
        size_t unit_count = 0;

        *ret_batches = (struct push_batches){0};
        if (!units)
                return -ENOMEM;
        if (limit > 0)
                filling.elements_max = limit;
        int r = count ? sort_changes(changes, count, units, &unit_count) : 0;
        for (size_t i = 0; i < unit_count && r == 0; i++) {
                size_t begin = units[i].begin, end = begin + units[i].count;
                r = take(provider, changes, begin, end, &filling, ret_batches);
                if (r != 1)
                        continue;
                r = 0; /* an owner larger than a batch: change by change */
                for (size_t at = begin; at < end && r == 0; at++) {
                        r = take(provider, changes, at, at + 1, &filling, ret_batches);
                        if (r == 1) {
                                *ret_large = at;
                                r = -E2BIG;
                        }
                }
        }
        if (r == 0 && count > 0)
                r = end_batch(ret_batches, count);
        if (r < 0)
                push_batches_free(ret_batches);
        return r;
}

void push_batches_free(struct push_batches *batches)
{
        free(batches->ends);
        *batches = (struct push_batches){0};
}
