/* Sorts a list of records into canonical order. Any thread; the list is its caller's.
 *
 * What is sorted are runs of records with one owner, not records. Each run has a key whose memcmp order is
 * the canonical order (name_order_key). The first 8 octets of the key, as a number, go through a radix sort;
 * runs that agree in them go on with the next 8. Then the records are gathered in that order, and the few of
 * each owner sorted by type and RDATA.
 *
 * Shorter keys are padded with zeros, which cannot make two different keys equal: a key ends with a label's
 * 0x00, and what follows a 0x00 inside a longer key is the first octet of a label, never 0 (it would be
 * escaped). */
#include "dns/record.h"

#include "base/arena.h"
#include "base/buffer.h"
#include "base/cleanup.h"
#include "dns/name.h"
#include "dns/record_order.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define RADIX_MIN 600 /* below it a merge by comparing is faster than eight histograms */
#define RADIX_PASSES 8
#define GATHER_AHEAD 16
#define OWNERS_AHEAD 16
#define RDATA_AHEAD 24
#define KEYS_CHUNK_BYTES ((size_t)1 << 20)

struct run {
        const uint8_t *key;
        uint32_t first; /* its first record in the list */
        uint32_t count;
        uint16_t key_length;
};

struct entry {
        union {
                uint64_t prefix; /* while sorting: 8 octets of the key, big-endian */
                uint64_t count;  /* then: the run's records, so that runs need not be visited once more */
        };
        uint32_t run;
        bool is_same; /* the key of the entry before it, known once sorted */
};

struct sorter {
        struct arena arena; /* all that is below: it asks for huge pages, and page faults are a good part of
                               the time */
        uint8_t *keys;      /* the next key goes here */
        uint8_t *keys_end;
        struct run *runs;
        size_t run_count;
        struct entry *entries;
        struct entry *scratch;
};

static void sorter_free(struct sorter *sorter)
{
        arena_free(&sorter->arena);
}

static bool owner_continues(const struct record *previous, const struct record *record)
{
        return previous->owner == record->owner || name_equal(previous->owner, record->owner);
}

static int add_run(struct sorter *sorter, const uint8_t *owner, const uint8_t *apex, uint32_t first)
{
        struct run *run = &sorter->runs[sorter->run_count++];

        if (sorter->keys_end - sorter->keys < NAME_KEY_MAX) {
                sorter->keys = arena_alloc(&sorter->arena, KEYS_CHUNK_BYTES);
                if (!sorter->keys)
                        return -ENOMEM;
                sorter->keys_end = sorter->keys + KEYS_CHUNK_BYTES;
        }
        *run = (struct run){.key = sorter->keys, .first = first, .count = 1};
        run->key_length = (uint16_t)name_order_key(owner, apex, sorter->keys);
        sorter->keys += run->key_length;
        return 0;
}

static int find_runs(struct sorter *sorter, const struct record_list *list, const uint8_t *apex)
{
        /* Room for as many runs as records; what is not used of it is never touched. */
        sorter->runs = arena_alloc(&sorter->arena, list->count * sizeof(*sorter->runs));
        if (!sorter->runs)
                return -ENOMEM;
        for (size_t i = 0; i < list->count; i++) {
                if (i + OWNERS_AHEAD < list->count)
                        __builtin_prefetch(list->items[i + OWNERS_AHEAD].owner);
                if (i > 0 && owner_continues(&list->items[i - 1], &list->items[i])) {
                        sorter->runs[sorter->run_count - 1].count++;
                        continue;
                }
                if (add_run(sorter, list->items[i].owner, apex, (uint32_t)i) < 0)
                        return -ENOMEM;
        }
        return 0;
}

static int run_compare(const struct run *left, const struct run *right)
{
        size_t shorter = left->key_length < right->key_length ? left->key_length : right->key_length;
        int order = memcmp(left->key, right->key, shorter);

        return order ? order : (int)left->key_length - (int)right->key_length;
}

/* Owners already in order, none of them in two runs. */
static bool runs_are_sorted(const struct sorter *sorter)
{
        for (size_t i = 1; i < sorter->run_count; i++)
                if (run_compare(&sorter->runs[i - 1], &sorter->runs[i]) >= 0)
                        return false;
        return true;
}

static uint64_t key_prefix(const struct run *run, size_t depth)
{
        size_t left = run->key_length > depth ? run->key_length - depth : 0;
        uint8_t padded[8] = {0};

        if (left >= 8)
                return read_u64(run->key + depth);
        if (left > 0)
                memcpy(padded, run->key + depth, left);
        return read_u64(padded);
}

/* Stable: by prefix, then as they stood. For few entries. */
static void insertion_sort(struct entry *entries, size_t count)
{
        for (size_t i = 1; i < count; i++) {
                struct entry entry = entries[i];
                size_t j = i;

                for (; j > 0 && entries[j - 1].prefix > entry.prefix; j--)
                        entries[j] = entries[j - 1];
                entries[j] = entry;
        }
}

static void merge_sort(struct entry *entries, struct entry *scratch, size_t count)
{
        size_t half = count / 2, left = 0, right = half;

        if (count <= 16) {
                insertion_sort(entries, count);
                return;
        }
        merge_sort(entries, scratch, half);
        merge_sort(entries + half, scratch, count - half);
        memcpy(scratch, entries, count * sizeof(*entries));
        for (size_t i = 0; i < count; i++) {
                bool take_left =
                        right == count || (left < half && scratch[left].prefix <= scratch[right].prefix);

                entries[i] = scratch[take_left ? left++ : right++];
        }
}

/* Least significant octet first; octets that all entries share are skipped. */
static void radix_sort(struct entry *entries, struct entry *scratch, size_t count)
{
        static const unsigned buckets = 256;
        uint32_t counts[RADIX_PASSES][256];
        struct entry *from = entries, *to = scratch;

        memset(counts, 0, sizeof(counts));
        for (size_t i = 0; i < count; i++)
                for (unsigned pass = 0; pass < RADIX_PASSES; pass++)
                        counts[pass][entries[i].prefix >> (8 * pass) & 0xFF]++;
        for (unsigned pass = 0; pass < RADIX_PASSES; pass++) {
                uint32_t *starts = counts[pass], sum = 0;
                unsigned shift = 8 * pass;
                struct entry *swap;

                if (starts[from[0].prefix >> shift & 0xFF] == count)
                        continue;
                for (unsigned i = 0; i < buckets; i++) {
                        uint32_t size = starts[i];

                        starts[i] = sum;
                        sum += size;
                }
                for (size_t i = 0; i < count; i++)
                        to[starts[from[i].prefix >> shift & 0xFF]++] = from[i];
                swap = from;
                from = to;
                to = swap;
        }
        if (from != entries)
                memcpy(entries, from, count * sizeof(*entries));
}

/* Sorts entries whose keys agree before `depth`. As deep as keys are long: at most NAME_KEY_MAX / 8. */
static void sort_entries(
        struct sorter *sorter, struct entry *entries, struct entry *scratch, size_t count, size_t depth)
{
        for (size_t i = 0; i < count; i++)
                entries[i].prefix = key_prefix(&sorter->runs[entries[i].run], depth);
        if (count < RADIX_MIN)
                merge_sort(entries, scratch, count);
        else
                radix_sort(entries, scratch, count);
        for (size_t begin = 0, end; begin < count; begin = end) {
                for (end = begin + 1; end < count && entries[end].prefix == entries[begin].prefix;)
                        end++;
                if (end - begin == 1)
                        continue;
                if (sorter->runs[entries[begin].run].key_length >= depth + 8) {
                        sort_entries(sorter, entries + begin, scratch + begin, end - begin, depth + 8);
                        continue;
                }
                /* A key that was padded makes all of the group equal to it: see the head of this file. */
                for (size_t i = begin + 1; i < end; i++)
                        entries[i].is_same = true;
        }
}

static int compare_inside_owner(const void *left, const void *right)
{
        int order = record_compare_inside_owner(left, right);

        return order ? order : record_compare_octets(left, right);
}

/* The records of one owner. */
static void sort_owner(struct record *records, size_t count)
{
        if (count > 24) {
                qsort(records, count, sizeof(*records), compare_inside_owner);
                return;
        }
        for (size_t i = 1; i < count; i++) {
                struct record record = records[i];
                size_t j = i;

                for (; j > 0 && compare_inside_owner(&records[j - 1], &record) > 0; j--)
                        records[j] = records[j - 1];
                records[j] = record;
        }
}

/* Runs and records lie in memory as the file had them: nearly every one is a cache miss, so they are asked
 * for early. */
static inline void prefetch_ahead(const struct sorter *sorter, const struct record_list *list, size_t i)
{
        if (i + 2 * GATHER_AHEAD < sorter->run_count)
                __builtin_prefetch(&sorter->runs[sorter->entries[i + 2 * GATHER_AHEAD].run]);
        if (i + GATHER_AHEAD < sorter->run_count)
                __builtin_prefetch(&list->items[sorter->runs[sorter->entries[i + GATHER_AHEAD].run].first]);
}

/* Copies the records in the order of the entries: runs of one owner that stood apart come together. */
static int gather(struct sorter *sorter, struct record_list *list)
{
        struct record *items = arena_alloc(&sorter->arena, list->count * sizeof(*items));
        size_t filled = 0;

        if (!items)
                return -ENOMEM;
        for (size_t i = 0; i < sorter->run_count; i++) {
                const struct run *run = &sorter->runs[sorter->entries[i].run];

                sorter->entries[i].count = run->count;
                prefetch_ahead(sorter, list, i);
                for (size_t n = 0; n < run->count; n++)
                        items[filled++] = list->items[run->first + n];
        }
        memcpy(list->items, items, list->count * sizeof(*items));
        return 0;
}

/* Sorts the records of each owner; RDATA of owners ahead is asked for early. */
static void sort_owners(const struct sorter *sorter, struct record_list *list)
{
        size_t begin = 0, end = 0, asked = 0;

        for (size_t i = 0; i < sorter->run_count; i++) {
                end += sorter->entries[i].count;
                for (; asked < list->count && asked < end + RDATA_AHEAD; asked++)
                        __builtin_prefetch(list->items[asked].rdata);
                if (i + 1 < sorter->run_count && sorter->entries[i + 1].is_same)
                        continue;
                sort_owner(list->items + begin, end - begin);
                begin = end;
        }
}

int record_list_sort(struct record_list *list, const uint8_t *apex)
{
        CLEANUP(sorter_free) struct sorter sorter = {0};
        int r;

        if (list->count < 2)
                return 0;
        if (list->count > UINT32_MAX)
                return -ENOMEM;
        r = find_runs(&sorter, list, apex);
        if (r < 0)
                return r;
        sorter.entries = arena_alloc(&sorter.arena, sorter.run_count * sizeof(*sorter.entries));
        if (!sorter.entries)
                return -ENOMEM;
        for (size_t i = 0; i < sorter.run_count; i++)
                sorter.entries[i] = (struct entry){.count = sorter.runs[i].count, .run = (uint32_t)i};
        if (!runs_are_sorted(&sorter)) {
                sorter.scratch = arena_alloc(&sorter.arena, sorter.run_count * sizeof(*sorter.scratch));
                if (!sorter.scratch)
                        return -ENOMEM;
                sort_entries(&sorter, sorter.entries, sorter.scratch, sorter.run_count, 0);
                r = gather(&sorter, list);
                if (r < 0)
                        return r;
        }
        sort_owners(&sorter, list);
        return 0;
}
