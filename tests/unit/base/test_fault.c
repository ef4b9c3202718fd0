/* Fault points: which passing acts, what it does, and that a slip in the text is not passed over. */
#include "base/fault.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static void test_none(void **state)
{
        (void)state;
        fault_set(NULL);
        assert_int_equal(fault_point("store-commit"), 0);
        fault_set("");
        assert_int_equal(fault_point("store-commit"), 0);
}

static void test_fail_at_the_nth_passing_only(void **state)
{
        (void)state;
        fault_set("store-commit:3:fail=ENOSPC");
        for (int i = 1; i <= 5; i++) {
                assert_int_equal(fault_point("store-commit"), i == 3 ? -ENOSPC : 0);
                assert_int_equal(fault_point("store-commit-2"), 0);
        }
        fault_set(NULL);
}

static void test_fail_from_the_nth_passing_on(void **state)
{
        (void)state;
        fault_set("send:2:fail-on=EAGAIN");
        for (int i = 1; i <= 5; i++)
                assert_int_equal(fault_point("send"), i >= 2 ? -EAGAIN : 0);
        fault_set(NULL);
}

static void test_several(void **state)
{
        (void)state;
        fault_set("a:1:fail=EIO,b:2:fail=ENOMEM,a:2:fail=EACCES");
        assert_int_equal(fault_point("a"), -EIO);
        assert_int_equal(fault_point("b"), 0);
        assert_int_equal(fault_point("a"), -EACCES);
        assert_int_equal(fault_point("b"), -ENOMEM);
        assert_int_equal(fault_point("a"), 0);
        fault_set("a:1:fail=EIO"); /* counted from 1 again */
        assert_int_equal(fault_point("a"), -EIO);
        fault_set(NULL);
}

static void test_sleep(void **state)
{
        (void)state;
        fault_set("slow:1:sleep=30");
        uint64_t before = clock_monotonic_usec();
        assert_int_equal(fault_point("slow"), 0);
        assert_true(clock_monotonic_usec() - before >= 30 * USEC_PER_MSEC);
        fault_set(NULL);
}

/* How a child ends that sets this text and passes the point twice. */
static int child_status(const char *text)
{
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
                close(STDERR_FILENO);
                fault_set(text);
                (void)fault_point("step");
                (void)fault_point("step");
                _exit(42);
        }
        int status;
        assert_int_equal(waitpid(child, &status, 0), child);
        return status;
}

static void test_kill(void **state)
{
        (void)state;
        int status = child_status("step:2:kill");
        assert_true(WIFSIGNALED(status));
        assert_int_equal(WTERMSIG(status), SIGKILL);
        status = child_status("step:3:kill");
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), 42);
}

static void test_a_slip_ends_the_process(void **state)
{
        (void)state;
        static const char *const wrong[] = {"step", "step:1", "step::kill", ":1:kill", "step:0:kill",
                "step:-1:kill", "step:x:kill", "step:1x:kill", "step:1:kil", "step:1:kill ", "step:1:fail",
                "step:1:fail=", "step:1:fail=EWRONG", "step:1:sleep=", "step:1:sleep=5s", "step:1:kill,,",
                "step:1:sleep=1,step"};
        for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
                int status = child_status(wrong[i]);
                assert_true(WIFEXITED(status));
                assert_int_equal(WEXITSTATUS(status), EXIT_FAILURE);
        }
}

static _Atomic int failures;

static void *pass_often(void *argument)
{
        for (int i = 0; i < 1000; i++)
                failures += fault_point("environment") == -EPIPE;
        return argument;
}

/* First of all tests: the environment is read once, at the first point, whichever thread passes it. */
static void test_environment_read_once(void **state)
{
        (void)state;
        pthread_t threads[4];
        assert_int_equal(setenv("ZONECRIER_FAULT", "environment:2000:fail=EPIPE", 1), 0);
        for (int i = 0; i < 4; i++)
                assert_int_equal(pthread_create(&threads[i], NULL, pass_often, NULL), 0);
        for (int i = 0; i < 4; i++)
                pthread_join(threads[i], NULL);
        assert_int_equal(failures, 1);
        assert_int_equal(setenv("ZONECRIER_FAULT", "environment:1:fail-on=EPIPE", 1), 0);
        assert_int_equal(fault_point("environment"), 0);
        unsetenv("ZONECRIER_FAULT");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_environment_read_once),
                cmocka_unit_test(test_none),
                cmocka_unit_test(test_fail_at_the_nth_passing_only),
                cmocka_unit_test(test_fail_from_the_nth_passing_on),
                cmocka_unit_test(test_several),
                cmocka_unit_test(test_sleep),
                cmocka_unit_test(test_kill),
                cmocka_unit_test(test_a_slip_ends_the_process),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
