/* Children: their files, environment, folder, signals, and their end with all that they started. */
#include "base/spawn.h"

#include "base/cleanup.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

static int wait_for(struct child *child)
{
        struct pollfd ended = {.fd = child->pidfd, .events = POLLIN};
        int status = -1;
        assert_int_equal(poll(&ended, 1, 60000), 1);
        assert_int_equal(child_reap(child, &status), 1);
        assert_int_equal(child->pid, 0);
        assert_int_equal(child->pidfd, -1);
        return status;
}

/* What `sh -c script` says, with the spawn's other members as given. */
static void run_shell(struct spawn spawn, const char *script, char *ret_text, size_t size)
{
        const char *argv[] = {"sh", "-c", script, "sh", NULL};
        struct child child;
        int ours = -1, theirs = -1;

        assert_int_equal(spawn_pipe(true, &ours, &theirs), 0);
        spawn.program = "/bin/sh";
        spawn.argv = argv;
        spawn.files[1] = theirs;
        assert_int_equal(spawn_start(&spawn, &child), 0);
        close(theirs);
        assert_int_equal(fcntl(ours, F_SETFL, 0), 0);
        size_t length = 0;
        ssize_t got;
        while ((got = read(ours, ret_text + length, size - 1 - length)) > 0)
                length += (size_t)got;
        ret_text[length] = '\0';
        close(ours);
        int status = wait_for(&child);
        assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void test_files_and_folder(void **state)
{
        (void)state;
        char text[512];
        int spare = open("/dev/null", O_RDONLY); /* without O_CLOEXEC: it must not get through */
        assert_true(spare >= 0);
        run_shell((struct spawn){.files = {-1, -1, -1}, .directory = "/"},
                "pwd; ls /proc/$$/fd | tr '\\n' ' '; cat; readlink /proc/$$/fd/0", text, sizeof text);
        close(spare);
        assert_true(strncmp(text, "/\n0 1 2 ", 8) == 0);
        assert_non_null(strstr(text, "/dev/null\n"));
}

static void test_environment(void **state)
{
        (void)state;
        char text[512];
        setenv("NOTIFY_SOCKET", "/nowhere", 1);
        setenv("WANTED", "before", 1);
        setenv("UNWANTED", "x", 1);
        setenv("KEPT", "kept", 1);
        const char *const environment[] = {"WANTED=now", "UNWANTED", "NEW=a=b", NULL};
        run_shell((struct spawn){.files = {-1, -1, -1}, .environment = environment},
                "echo \"$WANTED,${UNWANTED-none},$NEW,${NOTIFY_SOCKET-none},$KEPT\"", text, sizeof text);
        assert_string_equal(text, "now,none,a=b,none,kept\n");
        run_shell((struct spawn){.files = {-1, -1, -1}}, "echo \"$WANTED,${NOTIFY_SOCKET-none}\"", text,
                sizeof text);
        assert_string_equal(text, "before,none\n");
}

/* Blocked and ignored here, at work in the child. */
static void test_signals(void **state)
{
        (void)state;
        char text[512];
        sigset_t set, before;
        sigemptyset(&set);
        sigaddset(&set, SIGTERM);
        pthread_sigmask(SIG_BLOCK, &set, &before);
        signal(SIGPIPE, SIG_IGN);
        run_shell((struct spawn){.files = {-1, -1, -1}}, "grep -E 'Sig(Blk|Ign)' /proc/self/status", text,
                sizeof text);
        signal(SIGPIPE, SIG_DFL);
        pthread_sigmask(SIG_SETMASK, &before, NULL);
        unsigned long long blocked = ~0ull, ignored = ~0ull;
        assert_int_equal(sscanf(text, "SigBlk: %llx SigIgn: %llx", &blocked, &ignored), 2);
        assert_int_equal(blocked, 0);
        assert_int_equal(ignored & 1ull << (SIGPIPE - 1), 0);
}

static void test_not_there(void **state)
{
        (void)state;
        const char *argv[] = {"x", NULL};
        struct child child;
        struct spawn spawn = {.program = "/nowhere/at-all", .argv = argv, .files = {-1, -1, -1}};
        assert_int_equal(spawn_start(&spawn, &child), -ENOENT);
        spawn.program = "/etc/passwd";
        assert_int_equal(spawn_start(&spawn, &child), -EACCES);
        spawn.program = "no-program-of-this-name";
        assert_int_equal(spawn_start(&spawn, &child), -ENOENT);
}

/* A grandchild holds the pipe open: the read ends once it is gone too. */
static void start_family(const char *script, struct child *ret_child, int *ret_pipe)
{
        const char *argv[] = {"sh", "-c", script, NULL};
        struct spawn spawn = {.program = "sh", .argv = argv, .files = {-1, -1, -1}};
        int theirs = -1;

        assert_int_equal(spawn_pipe(true, ret_pipe, &theirs), 0);
        spawn.files[1] = theirs;
        assert_int_equal(spawn_start(&spawn, ret_child), 0);
        close(theirs);
        struct pollfd began = {.fd = *ret_pipe, .events = POLLIN};
        assert_int_equal(poll(&began, 1, 60000), 1);
        char word[16];
        assert_true(read(*ret_pipe, word, sizeof word) > 0);
}

static void assert_family_ends(int pipe_fd)
{
        struct pollfd ended = {.fd = pipe_fd, .events = POLLIN};
        char octet;
        assert_int_equal(poll(&ended, 1, 60000), 1);
        assert_int_equal(read(pipe_fd, &octet, 1), 0);
        close(pipe_fd);
}

static void test_the_family_ends_with_it(void **state)
{
        (void)state;
        struct child child;
        int pipe_fd = -1, status = -1;

        start_family("sleep 600 & echo began; wait", &child, &pipe_fd);
        assert_int_equal(child_reap(&child, &status), 0);
        child_kill(&child, SIGKILL);
        status = wait_for(&child);
        assert_true(WIFSIGNALED(status));
        assert_family_ends(pipe_fd);

        start_family("sleep 600 & echo began", &child, &pipe_fd); /* it ends itself, the other stays */
        status = wait_for(&child);
        assert_true(WIFEXITED(status));
        assert_family_ends(pipe_fd);

        start_family("sleep 600 & echo began; wait", &child, &pipe_fd);
        child_end(&child);
        assert_family_ends(pipe_fd);
        child_end(&child);
        child_kill(&child, SIGKILL);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_files_and_folder),
                cmocka_unit_test(test_environment),
                cmocka_unit_test(test_signals),
                cmocka_unit_test(test_not_there),
                cmocka_unit_test(test_the_family_ends_with_it),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
