/* The delta of two versions against a slow, obvious oracle. */
#include "dns/name.h"
#include "dns/type.h"
#include "zone/delta.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const uint8_t apex[] = "\7example\3com";

struct world {
        struct arena arena;
        struct record_list list;
};

static void add(struct world *world, const char *owner_text, uint16_t type, uint32_t ttl, const void *rdata,
        size_t length)
{
        uint8_t owner[NAME_MAX_LENGTH];
        size_t owner_length;
        assert_int_equal(name_from_text(owner_text, strlen(owner_text), apex, owner, &owner_length, NULL), 0);
        struct record record = {.owner = owner,
                              .rdata = rdata,
                              .rdata_length = (uint16_t)length,
                              .ttl = ttl,
                              .type = type},
                      copy;
        assert_int_equal(record_copy(&world->arena, &record, &copy), 0);
        assert_int_equal(record_list_add(&world->list, &copy), 0);
}

static void drop(struct world *world)
{
        record_list_free(&world->list);
        arena_free(&world->arena);
}

struct walk {
        const struct record_list *list;
        size_t next;
};

static int walk_next(void *context, struct record *ret_record)
{
        struct walk *walk = context;
        if (walk->next == walk->list->count)
                return 1;
        *ret_record = walk->list->items[walk->next++];
        return 0;
}

static size_t count_in(const struct record_list *list, const struct record *record)
{
        size_t count = 0;
        for (size_t i = 0; i < list->count; i++)
                count += record_is_identical(&list->items[i], record);
        return count;
}

static void fill(struct world *world, unsigned seed)
{
        static const char *const owners[] = {"a", "A", "b", "c.b", "*", "example.com."};
        srand(seed);
        for (int i = 0; i < 12; i++) {
                uint8_t address[4] = {192, 0, 2, (uint8_t)(rand() % 3)};
                struct record_list before = world->list;
                add(world, owners[rand() % 6], TYPE_A, rand() % 2 ? 300 : 600, address, 4);
                /* Normal form: no duplicates, whatever their case and TTL. */
                for (size_t n = 0; n < before.count; n++)
                        if (record_is_same(
                                    &world->list.items[n], &world->list.items[world->list.count - 1])) {
                                world->list.count--;
                                break;
                        }
        }
        assert_int_equal(record_list_sort(&world->list, apex, NULL), 0);
}

static void test_against_oracle(void **state)
{
        (void)state;
        for (unsigned seed = 1; seed < 3000; seed++) {
                struct world before = {0}, after = {0};
                fill(&before, seed);
                fill(&after, seed * 7919);
                struct walk walk = {.list = &before.list};
                struct delta delta;
                assert_int_equal(delta_make(&(struct delta_source){.context = &walk, .next = walk_next},
                                         &after.list, &delta),
                        0);
                for (size_t i = 0; i < before.list.count; i++)
                        assert_int_equal(count_in(&delta.removed, &before.list.items[i]),
                                !count_in(&after.list, &before.list.items[i]));
                for (size_t i = 0; i < after.list.count; i++)
                        assert_int_equal(count_in(&delta.added, &after.list.items[i]),
                                !count_in(&before.list, &after.list.items[i]));
                assert_int_equal(
                        before.list.count - delta.removed.count + delta.added.count, after.list.count);
                delta_free(&delta);
                drop(&before);
                drop(&after);
        }
}

static void test_case_and_ttl_are_changes(void **state)
{
        (void)state;
        struct world before = {0}, after = {0};
        add(&before, "www", TYPE_A, 300, "\300\0\2\1", 4);
        add(&before, "x", TYPE_A, 300, "\300\0\2\1", 4);
        add(&before, "y", TYPE_A, 300, "\300\0\2\1", 4);
        add(&after, "WWW", TYPE_A, 300, "\300\0\2\1", 4);
        add(&after, "x", TYPE_A, 301, "\300\0\2\1", 4);
        add(&after, "y", TYPE_A, 300, "\300\0\2\1", 4);
        struct walk walk = {.list = &before.list};
        struct delta delta;
        assert_int_equal(
                delta_make(&(struct delta_source){.context = &walk, .next = walk_next}, &after.list, &delta),
                0);
        assert_int_equal(delta.removed.count, 2);
        assert_int_equal(delta.added.count, 2);
        assert_false(delta_is_empty(&delta));
        delta_free(&delta);
        drop(&before);
        drop(&after);
}

static void test_hash_tells_deltas_apart(void **state)
{
        (void)state;
        struct world one = {0};
        add(&one, "www", TYPE_A, 300, "\300\0\2\1", 4);
        struct delta adds = {.added = one.list}, removes = {.removed = one.list}, none = {0};
        const struct digest base = {.bytes = {1}}, other = {.bytes = {2}};
        const uint8_t zone[] = "\7example\3com";
        uint8_t hash[6][DELTA_HASH_SIZE];
        assert_int_equal(delta_hash(&adds, &base, NULL, hash[0]), 0);
        assert_int_equal(delta_hash(&removes, &base, NULL, hash[1]), 0);
        assert_int_equal(delta_hash(&adds, &other, NULL, hash[2]), 0);
        assert_int_equal(delta_hash(&none, &base, NULL, hash[3]), 0);
        assert_int_equal(delta_hash(&adds, NULL, NULL, hash[4]), 0);
        assert_int_equal(delta_removal_hash(zone, &base, hash[5]), 0);
        for (int i = 0; i < 6; i++)
                for (int n = i + 1; n < 6; n++)
                        assert_memory_not_equal(hash[i], hash[n], DELTA_HASH_SIZE);
        uint8_t again[DELTA_HASH_SIZE];
        assert_int_equal(delta_hash(&adds, &base, NULL, again), 0);
        assert_memory_equal(hash[0], again, DELTA_HASH_SIZE);
        assert_int_equal(delta_removal_hash(zone, &other, again), 0);
        assert_memory_not_equal(hash[5], again, DELTA_HASH_SIZE);
        drop(&one);
}

int main(void)
{
        const struct CMUnitTest tests[] = {cmocka_unit_test(test_against_oracle),
                cmocka_unit_test(test_case_and_ttl_are_changes),
                cmocka_unit_test(test_hash_tells_deltas_apart)};
        return cmocka_run_group_tests(tests, NULL, NULL);
}
