/* The order of runs. Any thread; the arrays are their caller's.
 *
 * The first 8 octets of each key, as a number, go through a radix sort; runs that agree in them go on with
 * the next 8. Shorter keys are padded with zeros, which cannot make two different keys equal: a key ends with
 * a label's 0x00, and what follows a 0x00 inside a longer key is the first octet of a label, never 0 (it
 * would be escaped).
 *
 * Many runs are dealt out to shares first, by keys that were picked from all over the list: each share lies
 * before the next one and is sorted by itself, by whichever thread is free. */
#include "dns/run_sort.h"

#include "base/buffer.h"
#include "base/crew.h"

#define RADIX_MIN 600 /* below it a merge by comparing is faster than eight histograms */
#define RADIX_PASSES 8
#define RUNS_AHEAD 16
#define KEYS_AHEAD 8
#define SHARES_A_PART 4 /* a share fits the processor's cache the better */
#define SHARES_MAX (CREW_SIZE_MAX * SHARES_A_PART)
#define PICKS_A_SHARE 16
#define COUNT_IN_SHARES 16384

struct sorting {
        const struct run *runs;
        struct entry *entries, *scratch;
        size_t count;
        unsigned part_count, share_count;
        struct entry splitters[SHARES_MAX]; /* where each share begins; not of the first */
        size_t begins[SHARES_MAX + 1];
        size_t next[CREW_SIZE_MAX][SHARES_MAX]; /* how many entries of a part go to a share; then, where */
};

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
        const struct run *runs, struct entry *entries, struct entry *scratch, size_t count, size_t depth)
{
        for (size_t i = 0; i < count; i++) {
                if (i + RUNS_AHEAD < count)
                        __builtin_prefetch(&runs[entries[i + RUNS_AHEAD].run]);
                if (i + KEYS_AHEAD < count)
                        __builtin_prefetch(runs[entries[i + KEYS_AHEAD].run].key + depth);
                entries[i].prefix = key_prefix(&runs[entries[i].run], depth);
        }
        if (count < RADIX_MIN)
                merge_sort(entries, scratch, count);
        else
                radix_sort(entries, scratch, count);
        for (size_t begin = 0, end; begin < count; begin = end) {
                for (end = begin + 1; end < count && entries[end].prefix == entries[begin].prefix;)
                        end++;
                if (end - begin == 1)
                        continue;
                if (runs[entries[begin].run].key_length >= depth + 8) {
                        sort_entries(runs, entries + begin, scratch + begin, end - begin, depth + 8);
                        continue;
                }
                /* A key that was padded makes all of the group equal to it: see the head of this file. */
                for (size_t i = begin + 1; i < end; i++)
                        entries[i].is_same = true;
        }
}

/* ---- shares ---- */

static int entry_compare(const struct run *runs, const struct entry *left, const struct entry *right)
{
        if (left->prefix != right->prefix)
                return left->prefix < right->prefix ? -1 : 1;
        return run_compare(&runs[left->run], &runs[right->run]);
}

/* Entries from all over the list, in order, and every so many of them begins a share. */
static void pick_splitters(struct sorting *sorting)
{
        struct entry picks[SHARES_MAX * PICKS_A_SHARE];
        size_t count = sorting->share_count * PICKS_A_SHARE;

        for (size_t i = 0; i < count; i++) {
                struct entry pick = sorting->entries[sorting->count / count * i];
                size_t j = i;

                pick.prefix = key_prefix(&sorting->runs[pick.run], 0);
                for (; j > 0 && entry_compare(sorting->runs, &picks[j - 1], &pick) > 0; j--)
                        picks[j] = picks[j - 1];
                picks[j] = pick;
        }
        for (unsigned i = 1; i < sorting->share_count; i++)
                sorting->splitters[i] = picks[i * PICKS_A_SHARE];
}

static uint8_t share_of(const struct sorting *sorting, const struct entry *entry)
{
        unsigned low = 0, high = sorting->share_count; /* it is in low or behind it, and before high */

        while (high - low > 1) {
                unsigned middle = (low + high) / 2;

                if (entry_compare(sorting->runs, entry, &sorting->splitters[middle]) < 0)
                        high = middle;
                else
                        low = middle;
        }
        return (uint8_t)low;
}

static size_t part_begin(const struct sorting *sorting, unsigned index)
{
        return sorting->count * index / sorting->part_count;
}

static void count_shares(void *context, unsigned index)
{
        struct sorting *sorting = context;
        size_t end = part_begin(sorting, index + 1);

        for (size_t i = part_begin(sorting, index); i < end; i++) {
                struct entry *entry = &sorting->entries[i];

                entry->prefix = key_prefix(&sorting->runs[entry->run], 0);
                entry->share = share_of(sorting, entry);
                sorting->next[index][entry->share]++;
        }
}

/* In the order of the list, so that equal keys stay as they stood. */
static void place_shares(struct sorting *sorting)
{
        size_t sum = 0;

        for (unsigned share = 0; share < sorting->share_count; share++) {
                sorting->begins[share] = sum;
                for (unsigned i = 0; i < sorting->part_count; i++) {
                        size_t count = sorting->next[i][share];

                        sorting->next[i][share] = sum;
                        sum += count;
                }
        }
        sorting->begins[sorting->share_count] = sum;
}

static void deal_out(void *context, unsigned index)
{
        struct sorting *sorting = context;
        size_t end = part_begin(sorting, index + 1);

        for (size_t i = part_begin(sorting, index); i < end; i++) {
                const struct entry *entry = &sorting->entries[i];

                sorting->scratch[sorting->next[index][entry->share]++] = *entry;
        }
}

/* Back where it belongs, and into order. */
static void sort_share(void *context, unsigned index)
{
        const struct sorting *sorting = context;
        size_t begin = sorting->begins[index], count = sorting->begins[index + 1] - begin;

        memcpy(sorting->entries + begin, sorting->scratch + begin, count * sizeof(*sorting->entries));
        sort_entries(sorting->runs, sorting->entries + begin, sorting->scratch + begin, count, 0);
}

void run_entries_sort(
        const struct run *runs, struct entry *entries, struct entry *scratch, size_t count, struct crew *crew)
{
        struct sorting sorting = {.runs = runs, .entries = entries, .scratch = scratch, .count = count};

        if (crew_size(crew) < 2 || count < COUNT_IN_SHARES) {
                sort_entries(runs, entries, scratch, count, 0);
                return;
        }
        sorting.part_count = crew_size(crew);
        sorting.share_count = sorting.part_count * SHARES_A_PART;
        pick_splitters(&sorting);
        crew_run(crew, count_shares, &sorting, sorting.part_count);
        place_shares(&sorting);
        crew_run(crew, deal_out, &sorting, sorting.part_count);
        crew_run(crew, sort_share, &sorting, sorting.share_count);
}
