/* A user's file with a few octets replaced: mode kept, nothing else touched, and no edit lost that comes at
 * the same moment. The folder is on the disk, as leases differ between file systems. */
#include "source/rewrite.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

static char folder[64];
static char path[128], other[128];

static int set_up(void **state)
{
        (void)state;
        snprintf(folder, sizeof(folder), "/tmp/test-rewrite-XXXXXX");
        if (!mkdtemp(folder))
                return -1;
        snprintf(path, sizeof(path), "%s/a.zone", folder);
        snprintf(other, sizeof(other), "%s/.other", folder);
        return 0;
}

static int tear_down(void **state)
{
        (void)state;
        unlink(path);
        unlink(other);
        return rmdir(folder); /* nothing else was left there */
}

static void sleep_usec(long usec)
{
        nanosleep(&(struct timespec){.tv_sec = usec / 1000000, .tv_nsec = usec % 1000000 * 1000}, NULL);
}

static void write_file(const char *file, const char *text)
{
        int fd = open(file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
        assert_true(fd >= 0);
        assert_int_equal(write(fd, text, strlen(text)), strlen(text));
        close(fd);
}

static const char *read_file(void)
{
        static char text[256];
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        assert_true(fd >= 0);
        ssize_t length = read(fd, text, sizeof(text) - 1);
        assert_true(length >= 0);
        text[length] = '\0';
        close(fd);
        return text;
}

/* "serial 17 end": 17 becomes 1234567890. */
static const struct rewrite_change change = {
        .offset = 7, .length = 2, .octets = "1234567890", .octet_count = 10};
#define TEXT "serial 17 end\nof it"
#define REWRITTEN "serial 1234567890 end\nof it"

static int begin(struct rewrite **ret_rewrite)
{
        struct source_identity identity;
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        assert_true(fd >= 0);
        assert_int_equal(source_identity_of(fd, &identity), 0);
        int r = rewrite_begin(fd, path, &identity, &change, ret_rewrite);
        close(fd);
        return r;
}

static void test_replaces(void **state)
{
        (void)state;
        struct rewrite *rewrite = NULL;
        struct stat st;

        write_file(path, TEXT);
        assert_int_equal(chmod(path, 0640), 0);
        if (geteuid() == 0)
                assert_int_equal(chown(path, 0, 12), 0);
        assert_int_equal(begin(&rewrite), REWRITE_DONE);
        assert_string_equal(read_file(), REWRITTEN);
        assert_int_equal(rewrite_end(rewrite), REWRITE_DONE);
        assert_string_equal(read_file(), REWRITTEN);
        assert_int_equal(stat(path, &st), 0);
        assert_int_equal(st.st_mode & 07777, 0640);
        if (geteuid() == 0)
                assert_int_equal(st.st_gid, 12);
}

static void test_is_busy(void **state)
{
        (void)state;
        struct rewrite *rewrite = NULL;

        write_file(path, TEXT);
        int writer = open(path, O_WRONLY | O_CLOEXEC);
        assert_int_equal(begin(&rewrite), REWRITE_BUSY);
        close(writer);
        assert_string_equal(read_file(), TEXT);
}

static void test_is_another_file(void **state)
{
        (void)state;
        struct rewrite *rewrite = NULL;
        struct source_identity identity;

        write_file(path, TEXT);
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        assert_int_equal(source_identity_of(fd, &identity), 0);
        sleep_usec(REWRITE_SETTLED_USEC);
        write_file(path, "an edit");
        assert_int_equal(rewrite_begin(fd, path, &identity, &change, &rewrite), REWRITE_CHANGED);
        close(fd);
        write_file(path, TEXT);
        fd = open(path, O_RDONLY | O_CLOEXEC);
        assert_int_equal(source_identity_of(fd, &identity), 0);
        write_file(other, "renamed over it");
        assert_int_equal(rename(other, path), 0);
        assert_int_equal(rewrite_begin(fd, path, &identity, &change, &rewrite), REWRITE_CHANGED);
        close(fd);
        assert_string_equal(read_file(), "renamed over it");
}

static void test_has_two_names(void **state)
{
        (void)state;
        struct rewrite *rewrite = NULL;

        write_file(path, TEXT);
        assert_int_equal(link(path, other), 0);
        assert_int_equal(begin(&rewrite), -EMLINK);
        assert_int_equal(unlink(other), 0);
}

/* Another user's file: it could not be given back its owner. */
static void test_is_not_ours(void **state)
{
        (void)state;
        if (geteuid() != 0)
                skip();
        write_file(path, TEXT);
        assert_int_equal(chmod(folder, 0777), 0);
        pid_t child = fork();
        if (child == 0) {
                struct rewrite *rewrite = NULL;
                if (setgid(12345) < 0 || setuid(12345) < 0)
                        _exit(2);
                _exit(begin(&rewrite) == -EPERM ? 0 : 1);
        }
        int status = -1;
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_int_equal(status, 0);
        assert_string_equal(read_file(), TEXT);
}

/* ---- edits at the same moment ---- */

enum way { IN_PLACE, APPENDED, RENAMED, RENAMED_TWICE, WAYS };

struct editor {
        enum way way;
        long delay_usec;
        char text[64];
};

static void rename_over(const char *text)
{
        write_file(other, text);
        assert_int_equal(rename(other, path), 0);
}

static void *edit(void *argument)
{
        const struct editor *editor = argument;

        sleep_usec(editor->delay_usec);
        switch (editor->way) {
        case IN_PLACE:
                write_file(path, editor->text);
                break;
        case APPENDED: {
                int fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
                assert_true(fd >= 0);
                assert_int_equal(write(fd, editor->text, strlen(editor->text)), strlen(editor->text));
                close(fd);
                break;
        }
        case RENAMED_TWICE:
                rename_over("the first of two");
                /* fall through */
        case RENAMED:
                rename_over(editor->text);
                break;
        case WAYS:
                break;
        }
        return NULL;
}

static void assert_edit_is_there(const struct editor *editor)
{
        const char *text = read_file();
        char wanted[256];

        if (editor->way != APPENDED) {
                assert_string_equal(text, editor->text);
                return;
        }
        snprintf(wanted, sizeof(wanted), "%s%s", TEXT, editor->text);
        if (strcmp(text, wanted) == 0)
                return;
        snprintf(wanted, sizeof(wanted), "%s%s", REWRITTEN, editor->text);
        assert_string_equal(text, wanted);
}

static void test_racing_edits(void **state)
{
        (void)state;
        unsigned rounds = getenv("ZONECRIER_LONG") ? 1200 : 160, done = 0;

        srand(7);
        for (unsigned i = 0; i < rounds; i++) {
                struct rewrite *rewrite = NULL;
                struct editor editor = {.way = (enum way)(i % WAYS), .delay_usec = rand() % 8000};
                pthread_t thread;

                snprintf(editor.text, sizeof(editor.text), "edit %u", i);
                write_file(path, TEXT);
                sleep_usec(REWRITE_SETTLED_USEC);
                assert_int_equal(pthread_create(&thread, NULL, edit, &editor), 0);
                int r = begin(&rewrite);
                if (r == REWRITE_DONE) {
                        sleep_usec(REWRITE_GRACE_USEC);
                        r = rewrite_end(rewrite);
                        done += r == REWRITE_DONE;
                }
                pthread_join(thread, NULL);
                assert_true(r >= 0);
                if (strcmp(read_file(), REWRITTEN) == 0)
                        fail_msg("round %u: the edit %s is lost (rewrite_end: %d)", i, editor.text, r);
                /* What the rewrite had read may have been the edited text already. */
                if (r != REWRITE_DONE || editor.way == APPENDED)
                        assert_edit_is_there(&editor);
        }
        print_message("%u of %u were rewritten before or behind the edit\n", done, rounds);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_replaces, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_is_busy, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_is_another_file, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_has_two_names, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_is_not_ours, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_racing_edits, set_up, tear_down),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
