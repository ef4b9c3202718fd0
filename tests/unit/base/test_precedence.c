/* Who steps back does so alone, from where it stood; who goes first stays as nice as it was. */
#include "base/precedence.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <sys/resource.h>
#include <unistd.h>

struct seen {
        int before, first, back;
};

static int own_nice(void)
{
        return getpriority(PRIO_PROCESS, (id_t)gettid());
}

static void *change(void *argument)
{
        struct seen *seen = argument;
        seen->before = own_nice();
        thread_go_first();
        seen->first = own_nice();
        thread_step_back();
        seen->back = own_nice();
        return NULL;
}

static void test_a_thread_by_itself(void **state)
{
        (void)state;
        struct seen seen;
        pthread_t thread;
        int before = own_nice();
        assert_int_equal(pthread_create(&thread, NULL, change, &seen), 0);
        assert_int_equal(pthread_join(thread, NULL), 0);
        assert_int_equal(seen.before, before);
        assert_int_equal(seen.first, before);
        assert_int_equal(seen.back, before + 5 < 19 ? before + 5 : 19);
        assert_int_equal(own_nice(), before);
}

int main(void)
{
        const struct CMUnitTest tests[] = {cmocka_unit_test(test_a_thread_by_itself)};
        return cmocka_run_group_tests(tests, NULL, NULL);
}
