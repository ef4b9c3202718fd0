/* Tables: against a plain array as the model, with removals, folding and stepping. */
#include "base/table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/random.h"

#include <stdio.h>
#include <string.h>

#define KEYS 500

static void test_empty(void **state)
{
        (void)state;
        struct table table = {0};
        size_t position = 0;
        assert_null(table_get(&table, "a", 1));
        assert_null(table_remove(&table, "a", 1));
        assert_null(table_next(&table, &position));
        table_free(&table);
        table_free(NULL);
}

static void test_put_get_replace_remove(void **state)
{
        (void)state;
        struct table table = {0};
        int first, second;
        void *old = &second;
        char key_one[] = "key", key_two[] = "key";
        assert_int_equal(table_put(&table, key_one, 3, &first, &old), 0);
        assert_null(old);
        assert_int_equal(table_put(&table, key_two, 3, &second, &old), 0);
        assert_ptr_equal(old, &first);
        memset(key_one, 'x', 3); /* the key went with the value */
        assert_ptr_equal(table_get(&table, "key", 3), &second);
        assert_null(table_get(&table, "key", 2));
        assert_null(table_get(&table, "keys", 4));
        assert_int_equal(table.count, 1);
        assert_int_equal(table_put(&table, "", 0, &first, NULL), 0);
        assert_ptr_equal(table_get(&table, NULL, 0), &first);
        assert_ptr_equal(table_remove(&table, "key", 3), &second);
        assert_null(table_remove(&table, "key", 3));
        assert_null(table_get(&table, "key", 3));
        assert_int_equal(table.count, 1);
        table_free(&table);
        assert_int_equal(table.count, 0);
        assert_int_equal(table_put(&table, "key", 3, &first, NULL), 0);
        table_free(&table);
}

static void test_keys_with_zero_bytes(void **state)
{
        (void)state;
        struct table table = {0};
        int one, two;
        assert_int_equal(table_put(&table, "a\0b", 3, &one, NULL), 0);
        assert_int_equal(table_put(&table, "a\0c", 3, &two, NULL), 0);
        assert_ptr_equal(table_get(&table, "a\0b", 3), &one);
        assert_ptr_equal(table_get(&table, "a\0c", 3), &two);
        assert_null(table_get(&table, "a", 1));
        table_free(&table);
}

static void test_against_a_model(void **state)
{
        (void)state;
        static char keys[KEYS][32];
        static int values[KEYS];
        const void *model[KEYS] = {0};
        struct table table = {0};
        size_t count = 0;
        for (size_t i = 0; i < KEYS; i++)
                snprintf(keys[i], sizeof(keys[i]), "zone-%zu.example", i);
        random_fix(11);
        for (int step = 0; step < 100000; step++) {
                size_t i = random_below(KEYS);
                size_t size = strlen(keys[i]);
                void *old = NULL;
                /* Phases that mostly fill and mostly empty, so that marks pile up and are swept. */
                if (random_below(100) < (step / 10000 % 2 ? 30 : 70)) {
                        void *value = &values[random_below(KEYS)];
                        assert_int_equal(table_put(&table, keys[i], size, value, &old), 0);
                        assert_ptr_equal(old, model[i]);
                        count += model[i] == NULL;
                        model[i] = value;
                } else {
                        assert_ptr_equal(table_remove(&table, keys[i], size), model[i]);
                        count -= model[i] != NULL;
                        model[i] = NULL;
                }
                assert_int_equal(table.count, count);
                assert_true(table.count + table.removed < table.capacity);
                i = random_below(KEYS);
                assert_ptr_equal(table_get(&table, keys[i], strlen(keys[i])), model[i]);
        }
        assert_true(table.capacity <= 2048);
        random_fix(0);
        table_free(&table);
}

static void test_churn_does_not_grow(void **state)
{
        (void)state;
        struct table table = {0};
        int value;
        static char keys[10000][8];
        for (size_t i = 0; i < 10000; i++) {
                int length = snprintf(keys[i], sizeof(keys[i]), "%zu", i);
                assert_int_equal(table_put(&table, keys[i], (size_t)length, &value, NULL), 0);
                assert_ptr_equal(table_remove(&table, keys[i], (size_t)length), &value);
        }
        assert_int_equal(table.count, 0);
        assert_int_equal(table.capacity, 16);
        table_free(&table);
}

static void test_fold(void **state)
{
        (void)state;
        struct table names = {.fold = true}, bytes = {0};
        int one, two;
        const char *upper = "\7EXAMPLE\3ORG\0", *lower = "\7example\3org\0", *mixed = "\7eXaMpLe\3OrG\0";
        assert_int_equal(table_put(&names, upper, 13, &one, NULL), 0);
        assert_ptr_equal(table_get(&names, lower, 13), &one);
        assert_ptr_equal(table_get(&names, mixed, 13), &one);
        void *old;
        assert_int_equal(table_put(&names, lower, 13, &two, &old), 0);
        assert_ptr_equal(old, &one);
        assert_int_equal(names.count, 1);
        assert_ptr_equal(table_remove(&names, mixed, 13), &two);
        /* '@' and '[' stand beside A and Z, and 32 below '`' and '{': they are not letters. */
        assert_int_equal(table_put(&names, "\2@[", 3, &one, NULL), 0);
        assert_null(table_get(&names, "\2`{", 3));
        assert_int_equal(table_put(&names, "\1\xc1", 2, &one, NULL), 0);
        assert_null(table_get(&names, "\1\xe1", 2));

        assert_int_equal(table_put(&bytes, upper, 13, &one, NULL), 0);
        assert_null(table_get(&bytes, lower, 13));
        table_free(&names);
        assert_true(names.fold);
        table_free(&bytes);
}

static void test_stepping_sees_each_once_and_may_remove(void **state)
{
        (void)state;
        struct item {
                char key[8];
                size_t key_size;
                int seen;
        };
        static struct item items[300];
        struct table table = {0};
        for (size_t i = 0; i < 300; i++) {
                items[i].key_size = (size_t)snprintf(items[i].key, sizeof(items[i].key), "%zu", i);
                assert_int_equal(table_put(&table, items[i].key, items[i].key_size, &items[i], NULL), 0);
        }
        size_t position = 0;
        for (struct item *item; (item = table_next(&table, &position));) {
                item->seen++;
                if ((item - items) % 2 == 0)
                        assert_ptr_equal(table_remove(&table, item->key, item->key_size), item);
        }
        for (size_t i = 0; i < 300; i++) {
                assert_int_equal(items[i].seen, 1);
                assert_ptr_equal(
                        table_get(&table, items[i].key, items[i].key_size), i % 2 ? &items[i] : NULL);
        }
        assert_int_equal(table.count, 150);
        table_free(&table);
}

static void test_seeds_differ(void **state)
{
        (void)state;
        struct table first = {0}, second = {0};
        int value;
        assert_int_equal(table_put(&first, "a", 1, &value, NULL), 0);
        assert_int_equal(table_put(&second, "a", 1, &value, NULL), 0);
        assert_memory_not_equal(first.seed, second.seed, sizeof(first.seed));
        table_free(&first);
        table_free(&second);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_empty),
                cmocka_unit_test(test_put_get_replace_remove),
                cmocka_unit_test(test_keys_with_zero_bytes),
                cmocka_unit_test(test_against_a_model),
                cmocka_unit_test(test_churn_does_not_grow),
                cmocka_unit_test(test_fold),
                cmocka_unit_test(test_stepping_sees_each_once_and_may_remove),
                cmocka_unit_test(test_seeds_differ),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
