/* Batches: never over a limit, everything once, what is created before what only goes, an owner together. */
#include "push/batch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/random.h"
#include "dns/type.h"
#include "push/compare.h"

#include <errno.h>

#include <stdio.h>
#include <string.h>

static struct push_set *make_set(struct arena *arena, const char *name, uint16_t type, unsigned values)
{
        uint8_t owner[NAME_MAX_LENGTH], rdata[64] = {0};
        size_t length;
        static const uint8_t root[] = {0};
        assert_int_equal(name_from_text(name, strlen(name), root, owner, &length, NULL), NAME_OK);
        struct push_set *set = push_set_new(arena, owner, type, 300);
        for (unsigned i = 0; i < values; i++) {
                size_t size = type == TYPE_TXT ? 1 + random_below(60) : 4;
                for (size_t n = 0; n < size; n++)
                        rdata[n] = (uint8_t)('a' + random_below(26));
                if (type == TYPE_TXT)
                        rdata[0] = (uint8_t)(size - 1);
                assert_int_equal(push_set_add(arena, set, rdata, size, NULL, NULL), 0);
        }
        return set;
}

static void check(const struct push_provider *provider, const struct push_changes *changes,
        const struct push_batches *batches, size_t limit, size_t owners)
{
        size_t begin = 0;
        bool deletes_only = false;
        for (size_t b = 0; b < batches->count; b++) {
                size_t elements = 0, characters = 0;
                assert_true(batches->ends[b] > begin);
                for (size_t i = begin; i < batches->ends[b]; i++) {
                        size_t more, text;
                        assert_int_equal(provider->cost(&changes->items[i], &more, &text), 0);
                        elements += more;
                        characters += text;
                }
                assert_true(elements <= (limit ? limit : provider->limits.elements));
                assert_true(characters <= provider->limits.characters);
                if (owners)
                        assert_true(push_batch_owners(changes->items + begin, batches->ends[b] - begin) <=
                                    owners);
                begin = batches->ends[b];
        }
        assert_int_equal(begin, changes->count);
        for (size_t i = 0; i < changes->count; i++) {
                const struct push_change *change = &changes->items[i];
                bool shares_owner = i > 0 && name_equal(push_set_owner(push_change_set(change)),
                                                     push_set_owner(push_change_set(change - 1)));
                if (!change->new && !shares_owner)
                        deletes_only |= !(
                                i + 1 < changes->count && changes->items[i + 1].new &&name_equal(
                                                                  push_set_owner(push_change_set(change + 1)),
                                                                  push_set_owner(push_change_set(change))));
                else if (change->new && !change->is_upsert)
                        assert_false(deletes_only);
                if (change->is_upsert)
                        assert_int_equal(i, changes->count - 1);
        }
}

static void limits_hold_for_random_changes(void **state)
{
        static const uint16_t types[] = {TYPE_A, TYPE_TXT, TYPE_AAAA};
        (void)state;
        random_fix(20261122);
        for (unsigned round = 0; round < 300; round++) {
                CLEANUP(push_changes_free) struct push_changes changes = {0};
                const struct push_provider *provider = round % 2 ? &push_route53 : &push_cloudflare;
                size_t limit = round % 3 == 0 ? 40 : 0, owners = round % 5 == 0 ? 1 + random_below(9) : 0;
                unsigned count = random_below(400);
                for (unsigned i = 0; i < count; i++) {
                        char name[32];
                        uint16_t type = types[i % 3 == 2 ? 0 : i % 2];
                        snprintf(name, sizeof(name), "h%u.example.", i / 2);
                        struct push_set *old =
                                random_below(2) ? make_set(&changes.arena, name, type, 1 + random_below(9))
                                                : NULL;
                        struct push_set *new = !old || random_below(2) ? make_set(&changes.arena, name, type,
                                                                                 1 + random_below(9))
                                                                       : NULL;
                        assert_int_equal(push_changes_add(&changes, old, new), 0);
                }
                if (random_below(2)) {
                        struct push_set *soa = make_set(&changes.arena, "example.", TYPE_SOA, 1);
                        assert_int_equal(push_changes_add(&changes, soa, soa), 0);
                        changes.items[changes.count - 1].is_upsert = true;
                }
                struct push_batches batches;
                size_t large;
                assert_int_equal(push_batches_cut(provider, limit, owners, changes.items, changes.count,
                                         &batches, &large),
                        0);
                check(provider, &changes, &batches, limit, owners);
                push_batches_free(&batches);
        }
        random_fix(0);
}

static void a_set_larger_than_a_batch_is_told(void **state)
{
        CLEANUP(push_changes_free) struct push_changes changes = {0};
        struct push_batches batches;
        size_t large = 99;
        (void)state;
        assert_int_equal(
                push_changes_add(&changes, NULL, make_set(&changes.arena, "a.example.", TYPE_A, 1)), 0);
        assert_int_equal(
                push_changes_add(&changes, NULL, make_set(&changes.arena, "b.example.", TYPE_A, 1001)), 0);
        assert_int_equal(
                push_batches_cut(&push_route53, 0, 0, changes.items, changes.count, &batches, &large),
                -E2BIG);
        assert_int_equal(large, 1);
}

/* A CNAME in place of an A: both in one batch, whatever stands around. */
static void replaced_types_stay_together(void **state)
{
        CLEANUP(push_changes_free) struct push_changes changes = {0};
        struct push_batches batches;
        size_t large;
        (void)state;
        for (unsigned i = 0; i < 50; i++) {
                char name[32];
                snprintf(name, sizeof(name), "h%u.example.", i);
                assert_int_equal(
                        push_changes_add(&changes, make_set(&changes.arena, name, TYPE_A, 3), NULL), 0);
                assert_int_equal(
                        push_changes_add(&changes, NULL, make_set(&changes.arena, name, TYPE_TXT, 1)), 0);
        }
        assert_int_equal(
                push_batches_cut(&push_route53, 10, 0, changes.items, changes.count, &batches, &large), 0);
        for (size_t b = 0; b + 1 < batches.count; b++) {
                const struct push_change *last = &changes.items[batches.ends[b] - 1];
                assert_false(name_equal(
                        push_set_owner(push_change_set(last)), push_set_owner(push_change_set(last + 1))));
        }
        push_batches_free(&batches);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(limits_hold_for_random_changes),
                cmocka_unit_test(a_set_larger_than_a_batch_is_told),
                cmocka_unit_test(replaced_types_stay_together),
        };
        return cmocka_run_group_tests_name("batch", tests, NULL, NULL);
}
