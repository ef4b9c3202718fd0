/* The guard's window against a model that keeps every version and compares them by brute force: deltas
 * composed, RRsets counted net, sums of buckets never less than the net. GUARD_SEED repeats a run. */
#include "base/arena.h"
#include "base/buffer.h"
#include "dns/type.h"
#include "zone/guard.h"
#include "zone/guard_memory.h"
#include "zone/guard_net.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define OWNERS 12
#define TYPES 4
#define VALUES 3
#define SECOND UINT64_C(1000000)

static const uint16_t types[TYPES] = {TYPE_A, TYPE_TXT, TYPE_RRSIG, TYPE_NS};

/* Which TTL each possible record has; 0 = it is not there. */
struct version {
        uint8_t ttl[OWNERS][TYPES][VALUES];
        uint64_t usec, published_version;
};

static uint64_t seed;

static unsigned random_below(unsigned bound)
{
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        return (unsigned)((seed >> 33) % bound);
}

static struct record make_record(
        struct arena *arena, unsigned owner, unsigned type, unsigned value, uint32_t ttl)
{
        uint8_t *name = arena_alloc(arena, 12), *rdata = arena_alloc(arena, 24);
        assert_non_null(name);
        assert_non_null(rdata);
        memcpy(name, "\1a\7example", 11);
        name[1] = (uint8_t)('a' + owner);
        memset(rdata, 0, 24);
        size_t length = 4;
        if (types[type] == TYPE_NS) {
                memcpy(rdata, "\1x\0", 3);
                length = 3;
                rdata[1] = (uint8_t)('a' + value);
        } else if (types[type] == TYPE_TXT) {
                rdata[0] = 3;
                rdata[3] = (uint8_t)value;
        } else if (types[type] == TYPE_RRSIG) {
                length = 20; /* all cover A; signer is the root */
                rdata[1] = 1;
                rdata[19] = 0;
                rdata[17] = (uint8_t)value;
        } else {
                rdata[3] = (uint8_t)value;
        }
        return (struct record){.owner = name,
                .rdata = rdata,
                .ttl = ttl,
                .type = types[type],
                .rdata_length = (uint16_t)length};
}

static void list_records(struct arena *arena, const struct version *version, struct record_list *list)
{
        static const uint8_t apex[] = "\7example";
        for (unsigned owner = 0; owner < OWNERS; owner++)
                for (unsigned type = 0; type < TYPES; type++)
                        for (unsigned value = 0; value < VALUES; value++) {
                                uint8_t ttl = version->ttl[owner][type][value];
                                if (ttl == 0)
                                        continue;
                                struct record record = make_record(arena, owner, type, value, ttl);
                                assert_int_equal(record_list_add(list, &record), 0);
                        }
        assert_int_equal(record_list_sort(list, apex, NULL), 0);
}

static void change(struct version *version, unsigned kind)
{
        unsigned owner = random_below(OWNERS), type = random_below(TYPES), value = random_below(VALUES);
        uint8_t *ttl = &version->ttl[owner][type][value];
        switch (kind) {
        case 0:
                *ttl = 0;
                break;
        case 1:
                *ttl = *ttl ? *ttl : 1;
                break;
        case 2:
                *ttl = *ttl ? (uint8_t)(1 + *ttl % 3) : 0;
                break;
        default:
                memset(version->ttl[owner][type], 0, VALUES);
        }
}

static bool has_rrset(const struct version *version, unsigned owner, unsigned type)
{
        return version->ttl[owner][type][0] || version->ttl[owner][type][1] || version->ttl[owner][type][2];
}

static struct guard_net brute(const struct version *before, const struct version *after)
{
        struct guard_net net = {.records_before = 1};
        for (unsigned owner = 0; owner < OWNERS; owner++)
                for (unsigned type = 0; type < TYPES; type++) {
                        bool had = has_rrset(before, owner, type), has = has_rrset(after, owner, type);
                        bool changed = false;
                        for (unsigned value = 0; value < VALUES; value++) {
                                net.records_before += before->ttl[owner][type][value] != 0;
                                changed |= before->ttl[owner][type][value] && !after->ttl[owner][type][value];
                        }
                        if (types[type] == TYPE_RRSIG)
                                continue;
                        net.rrsets_before += had;
                        net.rrsets_gone += had && !has;
                        net.rrsets_changed += changed;
                }
        return net;
}

static int count_after(void *context, const uint8_t *owner, uint16_t type, size_t *ret_count)
{
        const struct version *version = context;
        *ret_count = 0;
        for (unsigned n = 0; n < TYPES; n++)
                for (unsigned value = 0; types[n] == type && value < VALUES; value++)
                        *ret_count += version->ttl[owner[1] - 'a'][n][value] != 0;
        return 0;
}

static struct guard_net counted(
        struct version *after, const struct record_list *removed, const struct record_list *added)
{
        struct guard_net now = brute(after, after), net;
        struct guard_after view = {.context = after,
                .count = count_after,
                .rrset_count = now.rrsets_before,
                .record_count = now.records_before};
        assert_int_equal(guard_net_count(removed, added, &view, &net), 0);
        return net;
}

struct walk {
        const struct record_list *list;
        size_t at;
};

static int walk_next(void *context, struct record *ret_record)
{
        struct walk *walk = context;
        if (walk->at == walk->list->count)
                return 1;
        *ret_record = walk->list->items[walk->at++];
        return 0;
}

static struct delta delta_of(const struct record_list *before, const struct record_list *after)
{
        struct walk walk = {.list = before};
        struct delta delta;
        assert_int_equal(
                delta_make(&(struct delta_source){.context = &walk, .next = walk_next}, after, &delta), 0);
        return delta;
}

static void assert_same_list(const struct record_list *left, const struct record_list *right)
{
        assert_int_equal(left->count, right->count);
        for (size_t i = 0; i < left->count; i++)
                assert_true(record_is_identical(&left->items[i], &right->items[i]));
}

static void assert_net(const struct guard_net *is, const struct guard_net *should_be)
{
        assert_int_equal(is->records_before, should_be->records_before);
        assert_int_equal(is->rrsets_before, should_be->rrsets_before);
        assert_int_equal(is->rrsets_gone, should_be->rrsets_gone);
        assert_int_equal(is->rrsets_changed, should_be->rrsets_changed);
}

#define EDITS 24

/* One zone's day: random edits at random times; after each the window is judged both ways. */
static void run_window(uint64_t window_usec)
{
        static struct version versions[EDITS + 1];
        struct record_list lists[EDITS + 1] = {{0}};
        struct guard_memory memory = {0};
        struct arena arena = {0};
        unsigned restarted = 0; /* the version that the window may begin with */

        memset(versions, 0, sizeof(versions));
        for (unsigned n = 0; n < 60; n++)
                change(&versions[0], 1);
        versions[0].usec = 1000000 * SECOND;
        list_records(&arena, &versions[0], &lists[0]);
        for (unsigned n = 1; n <= EDITS; n++) {
                versions[n] = versions[n - 1];
                for (unsigned changes = random_below(8); changes > 0; changes--)
                        change(&versions[n], random_below(4));
                versions[n].usec += random_below(20) * window_usec / 40;
                list_records(&arena, &versions[n], &lists[n]);

                /* The buckets' window, and the versions that lie in it. */
                struct guard_publish sum = {0};
                struct guard_net own = brute(&versions[n - 1], &versions[n]);
                bool has = guard_memory_sum(&memory, versions[n].usec, window_usec, &sum);
                unsigned base = n - 1;
                while (base > restarted && versions[n].usec - versions[base].usec < window_usec)
                        base--;
                assert_int_equal(base < n - 1, has);
                if (has) {
                        assert_true(sum.version <= base + 1); /* a bucket may reach further back */
                        assert_true(sum.version > restarted);
                        base = (unsigned)sum.version - 1;
                        struct guard_net net = brute(&versions[base], &versions[n]);
                        assert_int_equal(sum.records_before, net.records_before);
                        assert_int_equal(sum.rrsets_before, net.rrsets_before);
                        assert_true(sum.rrsets_gone + own.rrsets_gone >= net.rrsets_gone);
                        assert_true(sum.rrsets_changed + own.rrsets_changed >= net.rrsets_changed);
                }

                /* The exact counts, by one delta made of all. */
                struct delta net = delta_of(&lists[base], &lists[base]);
                for (unsigned at = base + 1; at <= n; at++) {
                        struct delta one = delta_of(&lists[at - 1], &lists[at]), both;
                        assert_int_equal(delta_compose(&net, &one, &both), 0);
                        delta_free(&net);
                        /* What the walk copied lies in the arena of `one`. */
                        arena_adopt(&arena, &one.arena);
                        delta_free(&one);
                        net = both;
                }
                struct delta direct = delta_of(&lists[base], &lists[n]);
                assert_same_list(&net.removed, &direct.removed);
                assert_same_list(&net.added, &direct.added);
                struct guard_net is = counted(&versions[n], &net.removed, &net.added),
                                 should_be = brute(&versions[base], &versions[n]);
                assert_net(&is, &should_be);
                delta_free(&net);
                delta_free(&direct);

                struct guard_publish publish = {.version = n,
                        .usec = versions[n].usec,
                        .records_before = own.records_before,
                        .rrsets_before = own.rrsets_before,
                        .rrsets_gone = own.rrsets_gone,
                        .rrsets_changed = own.rrsets_changed};
                if (random_below(10) == 0) {
                        guard_memory_restart(&memory, n);
                        restarted = n;
                } else {
                        guard_memory_add(&memory, &publish, window_usec);
                }
        }
        for (unsigned n = 0; n <= EDITS; n++)
                record_list_free(&lists[n]);
        arena_free(&arena);
}

static void test_random_windows(void **state)
{
        (void)state;
        const char *given = getenv("GUARD_SEED");
        seed = given ? strtoull(given, NULL, 10) : 20261122;
        print_message("GUARD_SEED=%llu\n", (unsigned long long)seed);
        for (unsigned n = 0; n < 250; n++) /* 24 windows each */
                run_window(n % 3 == 0 ? 60 * SECOND : 3600 * SECOND);
}

/* Many edits in a row go into few buckets, whose sums lose nothing. */
static void test_a_busy_zone(void **state)
{
        (void)state;
        struct guard_memory memory = {0};
        struct guard_publish sum;
        uint64_t window = 3600 * SECOND, now = 1000000 * SECOND;
        for (unsigned n = 1; n <= 20000; n++, now += SECOND)
                guard_memory_add(&memory,
                        &(struct guard_publish){.version = n,
                                .usec = now,
                                .records_before = 100 + n,
                                .rrsets_before = 90 + n,
                                .rrsets_gone = 1,
                                .rrsets_changed = 2},
                        window);
        assert_true(memory.bucket_count <= GUARD_BUCKETS_MAX / 2 + 1);
        assert_true(guard_memory_sum(&memory, now, window, &sum));
        assert_in_range(sum.rrsets_gone, 3599, 3600 + 3600 / (GUARD_BUCKETS_MAX / 2));
        assert_int_equal(sum.rrsets_changed, 2 * sum.rrsets_gone);
        assert_int_equal(sum.version, 20000 - sum.rrsets_gone + 1);
        assert_int_equal(sum.records_before, 100 + sum.version);
        assert_false(guard_memory_sum(&memory, now + window, window, &sum));
        /* A window made longer has no room for a bucket each: the oldest become one. */
        for (unsigned n = 0; n < 100; n++)
                guard_memory_add(&memory,
                        &(struct guard_publish){
                                .version = 20001 + n, .usec = now + n * 3600 * SECOND, .rrsets_gone = 1},
                        n % 2 ? window : 1000 * window);
        assert_true(memory.bucket_count <= GUARD_BUCKETS_MAX);
}

static void test_a_clock_that_is_set(void **state)
{
        (void)state;
        struct guard_memory memory = {0};
        struct guard_publish sum, edit = {.version = 2, .usec = 5000 * SECOND, .rrsets_gone = 3};
        guard_memory_add(&memory, &edit, 3600 * SECOND);
        assert_true(guard_memory_sum(&memory, 4000 * SECOND, 3600 * SECOND, &sum));
        assert_int_equal(sum.rrsets_gone, 3);
        assert_false(guard_memory_sum(&memory, 100 * SECOND, 3600 * SECOND, &sum));
}

static void test_octets(void **state)
{
        (void)state;
        struct guard_memory memory = {.is_held = true, .window_version = 7, .held_usec = 5}, back;
        struct buffer row = {0};
        memset(memory.held_hash, 0xab, 32);
        for (unsigned n = 0; n < GUARD_BUCKETS_MAX; n++)
                memory.buckets[memory.bucket_count++] = (struct guard_bucket){.version = n,
                        .begin_usec = n + 1,
                        .end_usec = n + 2,
                        .records_before = n + 3,
                        .rrsets_before = n + 4,
                        .rrsets_gone = n + 5,
                        .rrsets_changed = UINT64_MAX};
        guard_memory_encode(&memory, &row);
        assert_int_equal(buffer_status(&row), 0);
        assert_int_equal(guard_memory_decode(row.data, row.length, &back), 0);
        assert_memory_equal(&memory, &back, sizeof(memory));
        for (size_t length = 0; length < row.length; length++)
                assert_true(guard_memory_decode(row.data, length, &back) < 0);
        row.data[0] = 2;
        assert_true(guard_memory_decode(row.data, row.length, &back) < 0);
        buffer_free(&row);
}

int main(void)
{
        const struct CMUnitTest tests[] = {cmocka_unit_test(test_random_windows),
                cmocka_unit_test(test_a_busy_zone), cmocka_unit_test(test_a_clock_that_is_set),
                cmocka_unit_test(test_octets)};
        return cmocka_run_group_tests(tests, NULL, NULL);
}
