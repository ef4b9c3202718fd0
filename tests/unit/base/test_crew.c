/* A crew: every part once, whatever the number of threads; tasks one after the other. */
#include "base/crew.h"

#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define PARTS 1000

static _Atomic unsigned runs[PARTS];

static void count_part(void *context, unsigned index)
{
        unsigned *squares = context;
        atomic_fetch_add(&runs[index], 1);
        squares[index] = index * index;
}

static void run_tasks(struct crew *crew)
{
        static unsigned squares[PARTS];

        for (unsigned i = 0; i < PARTS; i++)
                runs[i] = squares[i] = 0;
        for (unsigned task = 1; task <= 200; task++) {
                unsigned count = task * 5;
                crew_run(crew, count_part, squares, count);
                for (unsigned i = 0; i < count; i++)
                        assert_int_equal(squares[i], i * i);
        }
        for (unsigned i = 0; i < PARTS; i++)
                assert_int_equal(runs[i], 200 - i / 5);
}

static void every_part_runs_once(void **state)
{
        (void)state;
        for (unsigned threads = 1; threads <= 3; threads++) {
                struct crew *crew;
                assert_int_equal(crew_new(threads, &crew), 0);
                assert_int_equal(crew_size(crew), threads + 1);
                run_tasks(crew);
                assert_null(crew_free(crew));
        }
}

static void the_caller_does_something_else(void **state)
{
        static unsigned squares[PARTS];
        struct crew *crew;
        (void)state;
        assert_int_equal(crew_new(2, &crew), 0);
        for (unsigned i = 0; i < PARTS; i++)
                runs[i] = squares[i] = 0;
        for (unsigned task = 0; task < 200; task++) {
                crew_begin(crew, count_part, squares, task);
                for (unsigned i = task % 3; i > 0; i--)
                        sched_yield();
                crew_end(crew);
                for (unsigned i = 0; i < PARTS; i++)
                        assert_int_equal(runs[i], i < task ? task - i : 0);
        }
        crew_free(crew);
}

static void without_a_crew_the_caller_does_it(void **state)
{
        (void)state;
        assert_int_equal(crew_size(NULL), 1);
        run_tasks(NULL);
}

static void one_that_never_worked_ends(void **state)
{
        struct crew *crew;
        (void)state;
        assert_int_equal(crew_new(0, &crew), 0);
        assert_true(crew_size(crew) >= 1);
        assert_null(crew_free(crew));
        assert_null(crew_free(NULL));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(every_part_runs_once),
                cmocka_unit_test(the_caller_does_something_else),
                cmocka_unit_test(without_a_crew_the_caller_does_it),
                cmocka_unit_test(one_that_never_worked_ends),
        };
        return cmocka_run_group_tests_name("base/crew", tests, NULL, NULL);
}
