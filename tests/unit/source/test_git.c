/* A repository as a source: real git, repositories made on the spot. */
#include "source/git.h"

#include "base/clock.h"
#include "source/git_parse.h"
#include "source/source.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char base[64];
static char first[GIT_ID_MAX + 1];

#define SCRIPT                                                                                               \
        "set -e; cd %s; export GIT_AUTHOR_NAME='Anna A' GIT_AUTHOR_EMAIL=a@example.net "                     \
        "GIT_COMMITTER_NAME=c GIT_COMMITTER_EMAIL=c@example.net "                                            \
        "GIT_COMMITTER_DATE='1700000000 +0200' GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_NOSYSTEM=1; "          \
        "git init -q -b main --object-format=%s r; cd r; mkdir -p zones/sub inc; "                           \
        "printf a >zones/a.zone; printf common >zones/common.inc; printf top >inc/top.inc; "                 \
        "printf b >zones/sub/b.zone; printf beside >zones/sub/b.inc; ln -s a.zone zones/link.zone; "         \
        "ln -s /etc/passwd zones/out.zone; ln -s ../../../up zones/up.zone; ln -s loop zones/loop; "         \
        "git add .; git commit -q -m \"$(printf 'first\\nline\\n\\nbody')\"; git rev-parse HEAD >../first; " \
        "git rm -q zones/sub/b.zone; printf new >zones/n.zone; printf aa >zones/a.zone; git add .; "         \
        "git commit -q -m second"

static int make_repository(const char *format)
{
        char command[4096];
        snprintf(base, sizeof(base), "/tmp/test-git-XXXXXX");
        if (!mkdtemp(base))
                return -1;
        snprintf(command, sizeof(command), SCRIPT, base, format);
        if (system(command) != 0)
                return -1;
        snprintf(command, sizeof(command), "%s/first", base);
        FILE *file = fopen(command, "r");
        if (!file || fscanf(file, "%64s", first) != 1)
                return -1;
        fclose(file);
        return 0;
}

static int set_up(void **state)
{
        (void)state;
        return make_repository("sha1");
}

static int set_up_sha256(void **state)
{
        (void)state;
        return make_repository("sha256");
}

static int tear_down(void **state)
{
        char command[128];
        (void)state;
        snprintf(command, sizeof(command), "rm -rf %s", base);
        return system(command);
}

static struct git *open_it(const struct git_options *options)
{
        struct git *git;
        char path[128], *why = NULL;
        snprintf(path, sizeof(path), "%s/r", base);
        int r = git_open(path, options, &git, &why);
        if (r < 0)
                fail_msg("git_open: %d %s", r, why ? why : "");
        return git;
}

static void test_commit(void **state)
{
        struct git *git = open_it(NULL);
        struct git_commit commit;
        (void)state;

        assert_int_equal(git_commit_find(git, first, &commit), 0);
        assert_string_equal(commit.id, first);
        assert_string_equal(commit.author, "Anna A <a@example.net>");
        assert_string_equal(commit.subject, "first line");
        assert_int_equal(commit.time_sec, 1700000000);
        assert_int_equal(git_commit_find(git, "refs/heads/main", &commit), 0);
        assert_string_equal(commit.subject, "second");
        assert_int_equal(git_commit_find(git, "main~1", &commit), 0);
        assert_string_equal(commit.id, first);
        assert_int_equal(git_commit_find(git, "nothing", &commit), -ENOENT);
        assert_int_equal(git_commit_find(git, "--all", &commit), -EINVAL);
        assert_int_equal(git_commit_find(git, "main\nx", &commit), -EINVAL);
        git_unref(git);
}

static const struct git_file *file_of(const struct git_files *files, const char *path)
{
        for (size_t i = 0; i < files->count; i++)
                if (strcmp(files->items[i].path, path) == 0)
                        return &files->items[i];
        return NULL;
}

static void test_list_and_difference(void **state)
{
        struct git *git = open_it(NULL);
        struct git_files files;
        (void)state;

        assert_int_equal(git_list(git, first, "zones", &files), 0);
        assert_int_equal(files.count, 8);
        assert_int_equal(file_of(&files, "zones/link.zone")->mode, GIT_MODE_LINK);
        assert_int_equal(strlen(file_of(&files, "zones/sub/b.zone")->id), strlen(first));
        assert_null(file_of(&files, "inc/top.inc"));
        git_files_free(&files);
        assert_int_equal(git_list(git, "main", "", &files), 0);
        assert_non_null(file_of(&files, "inc/top.inc"));
        git_files_free(&files);

        assert_int_equal(git_difference(git, first, "main", &files), 0);
        assert_int_equal(files.count, 3);
        assert_int_equal(file_of(&files, "zones/sub/b.zone")->mode, 0);
        assert_string_equal(file_of(&files, "zones/sub/b.zone")->id, "");
        assert_int_equal(file_of(&files, "zones/n.zone")->mode & GIT_MODE_TYPE, GIT_MODE_FILE);
        git_files_free(&files);
        assert_int_equal(git_difference(git, "main", "nothing", &files), -ENOENT);
        git_unref(git);
}

static const char *text_of(struct source_snapshot *snapshot, const char *path)
{
        static char text[64];
        int fd;
        int r = source_open(snapshot, path, &fd, NULL);
        if (r < 0) {
                snprintf(text, sizeof(text), "%d", r);
                return text;
        }
        ssize_t n = read(fd, text, sizeof(text) - 1);
        text[n > 0 ? n : 0] = '\0';
        close(fd);
        return text;
}

static void test_snapshot(void **state)
{
        struct git *git = open_it(NULL);
        struct source_snapshot *snapshot;
        struct source_identity identity, again;
        const char *shown;
        int fd;
        (void)state;

        assert_int_equal(source_snapshot_git(git, first, "zones", &snapshot), 0);
        git_unref(git); /* the snapshot has its own */
        assert_string_equal(text_of(snapshot, "zones/a.zone"), "a");
        assert_string_equal(text_of(snapshot, "zones/link.zone"), "a");
        assert_int_equal(atoi(text_of(snapshot, "zones/out.zone")), -EXDEV);
        assert_int_equal(atoi(text_of(snapshot, "zones/up.zone")), -EXDEV);
        assert_int_equal(atoi(text_of(snapshot, "zones/loop")), -ELOOP);
        assert_int_equal(atoi(text_of(snapshot, "zones/none")), -ENOENT);
        assert_int_equal(atoi(text_of(snapshot, "zones/sub")), -EINVAL);
        assert_int_equal(atoi(text_of(snapshot, "zones/a\nb")), -EINVAL);
        assert_int_equal(source_open_include(snapshot, "zones/sub/b.zone", "b.inc", &fd, &shown), 0);
        assert_string_equal(shown, "zones/sub/b.inc");
        close(fd);
        assert_int_equal(source_open_include(snapshot, "zones/sub/b.zone", "common.inc", &fd, &shown), 0);
        assert_string_equal(shown, "zones/common.inc");
        close(fd);
        assert_int_equal(source_open_include(snapshot, "zones/a.zone", "../inc/top.inc", &fd, &shown), 0);
        assert_string_equal(shown, "inc/top.inc");
        close(fd);
        assert_int_equal(
                source_open_include(snapshot, "zones/a.zone", "../../etc/passwd", &fd, &shown), -EXDEV);
        assert_int_equal(source_open_include(snapshot, "zones/a.zone", "/etc/passwd", &fd, &shown), -EXDEV);

        assert_int_equal(source_identify(snapshot, "zones/a.zone", &identity), 0);
        assert_int_equal(source_open(snapshot, "zones/a.zone", &fd, &again), 0);
        assert_true(source_identity_equal(&identity, &again));
        assert_true(source_is_unchanged(fd, &identity));
        close(fd);
        assert_int_equal(source_identify(snapshot, "zones/sub/b.zone", &again), 0);
        assert_false(source_identity_equal(&identity, &again));
        source_snapshot_free(snapshot);
}

static void test_no_repository(void **state)
{
        struct git *git;
        char path[128], *why;
        (void)state;

        snprintf(path, sizeof(path), "%s/r/zones", base); /* within a work tree, and none itself */
        assert_int_equal(git_open(path, NULL, &git, &why), -ENOENT);
        assert_non_null(strstr(why, "not a git repository"));
        free(why);
        assert_int_equal(git_open("/nowhere/at/all", NULL, &git, &why), -ENOENT);
        free(why);
}

/* A git that does not answer costs its time limit once. */
static void test_stuck(void **state)
{
        struct git *git = open_it(&(struct git_options){.timeout_usec = 300 * USEC_PER_MSEC});
        static const char *const sleeps[] = {"-c", "alias.s=!sleep 100", "s", NULL};
        struct buffer out = {0};
        (void)state;

        assert_int_equal(git_run(git, sleeps, NULL, 0, 0, &out, NULL), -ETIMEDOUT);
        git_cancel(git);
        assert_int_equal(git_run(git, sleeps, NULL, 0, 60 * USEC_PER_SEC, &out, NULL), -ECANCELED);
        buffer_free(&out);
        git_unref(git);
}

static void test_parse_commit(void **state)
{
        static const char text[] =
                "tree 4b825dc642cb6eb9a060e54bf8d69288fbee4904\nauthor \x1b[1mE\xffv\xc3\xa4 "
                "<e@x> -5 +0000\ncommitter c <c> 12 +0000\n\n\nsub\x07ject\n two\n\nno";
        struct git_commit commit = {.id = "x"};
        (void)state;

        assert_int_equal(git_parse_commit(text, sizeof(text) - 1, &commit), 0);
        assert_string_equal(commit.author, "?[1mE?v\xc3\xa4 <e@x>");
        assert_string_equal(commit.subject, "sub?ject  two");
        assert_int_equal(commit.time_sec, 12);
        assert_int_equal(git_parse_commit("tree x\n", 7, &commit), -EBADMSG);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_commit),
                cmocka_unit_test(test_list_and_difference),
                cmocka_unit_test(test_snapshot),
                cmocka_unit_test(test_no_repository),
                cmocka_unit_test(test_stuck),
                cmocka_unit_test(test_parse_commit),
        };
        const struct CMUnitTest with_sha256[] = {
                cmocka_unit_test(test_commit),
                cmocka_unit_test(test_list_and_difference),
                cmocka_unit_test(test_snapshot),
        };
        int failed = cmocka_run_group_tests(tests, set_up, tear_down);
        return failed + cmocka_run_group_tests(with_sha256, set_up_sha256, tear_down);
}
