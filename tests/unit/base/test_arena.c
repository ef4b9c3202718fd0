/* Arenas: alignment, growth, and that nothing is lost or shared between allocations. */
#include "base/arena.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

static void test_empty_is_valid(void **state)
{
        (void)state;
        struct arena arena = {0};
        arena_free(&arena);
        arena_free(NULL);
        assert_int_equal(arena.size_bytes, 0);
}

static void test_allocations_are_aligned_and_apart(void **state)
{
        (void)state;
        struct arena arena = {0};
        enum { COUNT = 3000 };
        static unsigned char *places[COUNT];
        for (size_t i = 0; i < COUNT; i++) {
                places[i] = arena_alloc(&arena, i % 97);
                assert_non_null(places[i]);
                assert_int_equal((uintptr_t)places[i] % 8, 0);
                memset(places[i], (int)(i & 0xff), i % 97);
        }
        for (size_t i = 0; i < COUNT; i++) {
                for (size_t n = 0; n < i % 97; n++)
                        assert_int_equal(places[i][n], i & 0xff);
        }
        assert_true(arena.size_bytes >= 64 * 1024);
        arena_free(&arena);
        assert_int_equal(arena.size_bytes, 0);
        assert_null(arena.newest);
}

static void test_blocks_double(void **state)
{
        (void)state;
        struct arena arena = {0};
        assert_non_null(arena_alloc(&arena, 1));
        assert_int_equal(arena.size_bytes, 4 * 1024);
        for (int i = 0; i < 70; i++)
                assert_non_null(arena_alloc(&arena, 1000));
        assert_int_equal(arena.size_bytes, (4 + 8 + 16 + 32 + 64) * 1024);
        arena_free(&arena);
}

static void test_a_large_one_leaves_the_rest_of_the_block_usable(void **state)
{
        (void)state;
        struct arena arena = {0};
        char *first = arena_alloc(&arena, 8);
        char *large = arena_alloc(&arena, 10 * 1024 * 1024);
        assert_non_null(large);
        memset(large, 'x', 10 * 1024 * 1024);
        char *second = arena_alloc(&arena, 8);
        assert_true(second > first && second < first + 64);
        assert_true(arena.size_bytes >= 10 * 1024 * 1024);
        arena_free(&arena);
}

static void test_a_large_one_first(void **state)
{
        (void)state;
        struct arena arena = {0};
        char *large = arena_alloc(&arena, 5 * 1024 * 1024);
        assert_non_null(large);
        memset(large, 'x', 5 * 1024 * 1024);
        assert_non_null(arena_alloc(&arena, 100));
        arena_free(&arena);
}

/* The allocator answers a size beyond all memory with NULL under the sanitizers too. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
        return "allocator_may_return_null=1";
}
const char *__tsan_default_options(void);
const char *__tsan_default_options(void)
{
        return "allocator_may_return_null=1";
}

static void test_impossible_sizes(void **state)
{
        (void)state;
        struct arena arena = {0};
        assert_null(arena_alloc(&arena, SIZE_MAX));
        assert_null(arena_alloc(&arena, SIZE_MAX / 2 + 1));
        assert_null(arena_alloc(&arena, SIZE_MAX / 4));
        assert_null(arena_text(&arena, "x", SIZE_MAX));
        assert_non_null(arena_alloc(&arena, 0));
        assert_null(arena_alloc(&arena, SIZE_MAX / 4));
        arena_free(&arena);
}

static void test_text(void **state)
{
        (void)state;
        struct arena arena = {0};
        assert_string_equal(arena_text(&arena, "example.com", 7), "example");
        assert_string_equal(arena_text(&arena, NULL, 0), "");
        assert_non_null(arena_copy(&arena, NULL, 0));
        assert_memory_equal(arena_copy(&arena, "\0ab", 3), "\0ab", 3);
        assert_string_equal(arena_printf(&arena, "%s:%d", "a.zone", 14), "a.zone:14");
        char *wide = arena_printf(&arena, "%*s", 100000, "x");
        assert_int_equal(strlen(wide), 100000);
        arena_free(&arena);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_empty_is_valid),
                cmocka_unit_test(test_allocations_are_aligned_and_apart),
                cmocka_unit_test(test_blocks_double),
                cmocka_unit_test(test_a_large_one_leaves_the_rest_of_the_block_usable),
                cmocka_unit_test(test_a_large_one_first),
                cmocka_unit_test(test_impossible_sizes),
                cmocka_unit_test(test_text),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
