/* Sorts a list of records into canonical order. Any thread; the list is its caller's.
 *
 * What is sorted are runs of records with one owner, not records. Each run has a key whose memcmp order is
 * the canonical order (name_order_key); run_sort.c sorts them. Then the records are gathered in that order,
 * and the few of each owner sorted by type and RDATA.
 *
 * Of a large list a crew makes the keys, gathers and sorts inside owners, each thread a part of the list. */
#include "dns/record.h"

#include "base/arena.h"
#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/crew.h"
#include "dns/name.h"
#include "dns/record_order.h"
#include "dns/run_sort.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define GATHER_AHEAD 16
#define OWNERS_AHEAD 16
#define RDATA_AHEAD 24
#define KEYS_CHUNK_BYTES ((size_t)1 << 20)
#define KEY_BYTES 32 /* of a run, usually */
#define PART_MIN_RECORDS 16384

/* What one thread does of the list. */
struct part {
        struct arena arena; /* its keys */
        uint8_t *keys;      /* the next one goes here */
        uint8_t *keys_end;
        size_t begin, end; /* records, then entries */
        size_t run_count;
        size_t first; /* entry, then record in sorted order */
        bool is_sorted;
        int result;
};

struct sorter {
        struct arena arena; /* what is below: it asks for huge pages, and page faults are a good part of the
                               time */
        struct record_list *list;
        const uint8_t *apex;
        struct record *items; /* the list in order; NULL = it was */
        struct run *runs;     /* those of a part begin at its first record's index */
        struct entry *entries;
        struct entry *scratch;
        size_t run_count;
        struct part parts[CREW_SIZE_MAX];
        unsigned part_count;
};

static void sorter_free(struct sorter *sorter)
{
        for (unsigned i = 0; i < sorter->part_count; i++)
                arena_free(&sorter->parts[i].arena);
        arena_free(&sorter->arena);
}

static bool owner_continues(const struct record *previous, const struct record *record)
{
        return previous->owner == record->owner || name_equal(previous->owner, record->owner);
}

static int add_run(struct sorter *sorter, struct part *part, size_t first)
{
        struct run *run = &sorter->runs[part->begin + part->run_count++];

        if (part->keys_end - part->keys < NAME_KEY_MAX) {
                size_t wanted = (part->end - first) * KEY_BYTES + NAME_KEY_MAX;
                size_t size = wanted < KEYS_CHUNK_BYTES ? wanted : KEYS_CHUNK_BYTES;

                part->keys = arena_alloc(&part->arena, size);
                if (!part->keys)
                        return -ENOMEM;
                part->keys_end = part->keys + size;
        }
        *run = (struct run){.key = part->keys, .first = (uint32_t)first, .count = 1};
        run->key_length =
                (uint16_t)name_order_key(sorter->list->items[first].owner, sorter->apex, part->keys);
        part->keys += run->key_length;
        return 0;
}

static void find_runs(void *context, unsigned index)
{
        struct sorter *sorter = context;
        struct part *part = &sorter->parts[index];
        const struct record *items = sorter->list->items;

        for (size_t i = part->begin; i < part->end; i++) {
                if (i + OWNERS_AHEAD < part->end)
                        __builtin_prefetch(items[i + OWNERS_AHEAD].owner);
                if (i > part->begin && owner_continues(&items[i - 1], &items[i])) {
                        sorter->runs[part->begin + part->run_count - 1].count++;
                        continue;
                }
                part->result = add_run(sorter, part, i);
                if (part->result < 0)
                        return;
        }
}

/* Parts of about the same size, each beginning with a new owner. */
static void cut_records(struct sorter *sorter, unsigned wanted)
{
        const struct record_list *list = sorter->list;
        size_t begin = 0;

        for (unsigned i = 1; i <= wanted; i++) {
                size_t end = i == wanted ? list->count : list->count / wanted * i;

                if (end <= begin)
                        continue;
                while (end < list->count && owner_continues(&list->items[end - 1], &list->items[end]))
                        end++;
                sorter->parts[sorter->part_count++] = (struct part){.begin = begin, .end = end};
                begin = end;
        }
}

/* One entry for each run; are the owners in order already, none of them in two runs? */
static void fill_entries(void *context, unsigned index)
{
        struct sorter *sorter = context;
        struct part *part = &sorter->parts[index];
        const struct part *before = index > 0 ? part - 1 : NULL;
        const struct run *previous = before ? &sorter->runs[before->begin + before->run_count - 1] : NULL;

        part->is_sorted = true;
        for (size_t i = 0; i < part->run_count; i++) {
                const struct run *run = &sorter->runs[part->begin + i];

                sorter->entries[part->first + i] = (struct entry){.run = (uint32_t)(part->begin + i)};
                if (part->is_sorted && previous && run_compare(previous, run) >= 0)
                        part->is_sorted = false;
                previous = run;
        }
}

static int make_entries(struct sorter *sorter, struct crew *crew, bool *ret_sorted)
{
        for (unsigned i = 0; i < sorter->part_count; i++) {
                if (sorter->parts[i].result < 0)
                        return sorter->parts[i].result;
                sorter->parts[i].first = sorter->run_count;
                sorter->run_count += sorter->parts[i].run_count;
        }
        sorter->entries = arena_alloc(&sorter->arena, sorter->run_count * sizeof(*sorter->entries));
        if (!sorter->entries)
                return -ENOMEM;
        crew_run(crew, fill_entries, sorter, sorter->part_count);
        *ret_sorted = true;
        for (unsigned i = 0; i < sorter->part_count; i++)
                *ret_sorted = *ret_sorted && sorter->parts[i].is_sorted;
        return 0;
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

/* Parts of about as many entries each, all runs of an owner in one. */
static void cut_entries(struct sorter *sorter)
{
        size_t begin = 0;

        for (unsigned i = 0; i < sorter->part_count; i++) {
                bool is_last = i + 1 == sorter->part_count;
                size_t end = is_last ? sorter->run_count : sorter->run_count / sorter->part_count * (i + 1);

                while (end < sorter->run_count && sorter->entries[end].is_same)
                        end++;
                sorter->parts[i].begin = begin;
                sorter->parts[i].end = begin = end > begin ? end : begin;
        }
}

static void count_records(void *context, unsigned index)
{
        struct sorter *sorter = context;
        struct part *part = &sorter->parts[index];

        part->first = 0;
        for (size_t i = part->begin; i < part->end; i++) {
                if (i + GATHER_AHEAD < part->end)
                        __builtin_prefetch(&sorter->runs[sorter->entries[i + GATHER_AHEAD].run]);
                sorter->entries[i].count = sorter->runs[sorter->entries[i].run].count;
                part->first += sorter->entries[i].count;
        }
}

/* Runs and records lie in memory as the file had them: nearly every one is a cache miss, so they are asked
 * for early. */
static inline void prefetch_ahead(const struct sorter *sorter, const struct part *part, size_t i)
{
        const struct record *items = sorter->list->items;

        if (i + 2 * GATHER_AHEAD < part->end)
                __builtin_prefetch(&sorter->runs[sorter->entries[i + 2 * GATHER_AHEAD].run]);
        if (i + GATHER_AHEAD < part->end)
                __builtin_prefetch(&items[sorter->runs[sorter->entries[i + GATHER_AHEAD].run].first]);
}

/* Copies the records in the order of the entries: runs of one owner that stood apart come together. */
static void gather(const struct sorter *sorter, const struct part *part)
{
        struct record *filled = sorter->items + part->first;

        for (size_t i = part->begin; i < part->end; i++) {
                const struct run *run = &sorter->runs[sorter->entries[i].run];

                prefetch_ahead(sorter, part, i);
                for (size_t n = 0; n < run->count; n++)
                        *filled++ = sorter->list->items[run->first + n];
        }
}

/* Sorts the records of each owner; RDATA of owners ahead is asked for early. */
static void sort_owners(const struct sorter *sorter, const struct part *part)
{
        struct record *items = (sorter->items ? sorter->items : sorter->list->items) + part->first;
        size_t begin = 0, end = 0, asked = 0, count = 0;

        for (size_t i = part->begin; i < part->end; i++)
                count += sorter->entries[i].count;
        for (size_t i = part->begin; i < part->end; i++) {
                end += sorter->entries[i].count;
                for (; asked < count && asked < end + RDATA_AHEAD; asked++)
                        __builtin_prefetch(items[asked].rdata);
                if (i + 1 < part->end && sorter->entries[i + 1].is_same)
                        continue;
                sort_owner(items + begin, end - begin);
                begin = end;
        }
}

static void order_records(void *context, unsigned index)
{
        const struct sorter *sorter = context;

        if (sorter->items)
                gather(sorter, &sorter->parts[index]);
        sort_owners(sorter, &sorter->parts[index]);
}

static void make_order(struct sorter *sorter, struct crew *crew)
{
        size_t first = 0;

        cut_entries(sorter);
        crew_run(crew, count_records, sorter, sorter->part_count);
        for (unsigned i = 0; i < sorter->part_count; i++) {
                size_t count = sorter->parts[i].first;
                sorter->parts[i].first = first;
                first += count;
        }
        crew_run(crew, order_records, sorter, sorter->part_count);
}

static int sort_runs(struct sorter *sorter, struct crew *crew)
{
        struct record_list *list = sorter->list;

        sorter->scratch = arena_alloc(&sorter->arena, sorter->run_count * sizeof(*sorter->scratch));
        sorter->items = large_alloc(list->count * sizeof(*sorter->items));
        if (!sorter->scratch || !sorter->items) {
                free(sorter->items);
                return -ENOMEM;
        }
        run_entries_sort(sorter->runs, sorter->entries, sorter->scratch, sorter->run_count, crew);
        return 0;
}

static unsigned parts_wanted(const struct record_list *list, const struct crew *crew)
{
        size_t wanted = list->count / PART_MIN_RECORDS;
        unsigned most = crew_size(crew);

        return wanted < 1 ? 1 : wanted < most ? (unsigned)wanted : most;
}

int record_list_sort(struct record_list *list, const uint8_t *apex, struct crew *crew)
{
        CLEANUP(sorter_free) struct sorter sorter = {.list = list, .apex = apex};
        bool is_sorted;
        int r;

        if (list->count < 2)
                return 0;
        if (list->count > UINT32_MAX)
                return -ENOMEM;
        /* Room for as many runs as records; what is not used of it is never touched. */
        sorter.runs = arena_alloc(&sorter.arena, list->count * sizeof(*sorter.runs));
        if (!sorter.runs)
                return -ENOMEM;
        cut_records(&sorter, parts_wanted(list, crew));
        crew_run(crew, find_runs, &sorter, sorter.part_count);
        r = make_entries(&sorter, crew, &is_sorted);
        if (r == 0 && !is_sorted)
                r = sort_runs(&sorter, crew);
        if (r < 0)
                return r;
        make_order(&sorter, crew);
        if (sorter.items) {
                free(list->items);
                list->items = sorter.items;
                list->capacity = list->count;
        }
        return 0;
}
