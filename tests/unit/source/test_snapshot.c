/* A folder as a source: what may be opened, and under which name it is shown. */
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

static const char *in_base(const char *below)
{
        static char paths[8][256];
        static unsigned next;
        char *path = paths[next++ % 8];
        snprintf(path, sizeof(paths[0]), "%s/%s", base, below);
        return path;
}

static void write_file(const char *below, const char *text)
{
        FILE *file = fopen(in_base(below), "w");
        assert_non_null(file);
        fputs(text, file);
        fclose(file);
}

/* base/zones/{a.zone, common.inc, sub/b.zone, sub/b.inc, out -> ../secret, loop}, base/secret, base/zonesx/no
 */
static int set_up(void **state)
{
        (void)state;
        snprintf(base, sizeof(base), "/tmp/test-snapshot-XXXXXX");
        if (!mkdtemp(base))
                return -1;
        mkdir(in_base("zones"), 0755);
        mkdir(in_base("zones/sub"), 0755);
        mkdir(in_base("zonesx"), 0755);
        write_file("zones/a.zone", "a");
        write_file("zones/common.inc", "common");
        write_file("zones/sub/b.zone", "b");
        write_file("zones/sub/b.inc", "beside");
        write_file("secret", "secret");
        write_file("zonesx/no", "no");
        if (symlink("../secret", in_base("zones/out")) < 0 || symlink("sub/b.inc", in_base("zones/in")) < 0 ||
                symlink(in_base("secret"), in_base("zones/absolute")) < 0 ||
                symlink("zones", in_base("link")) < 0 || mkfifo(in_base("zones/fifo"), 0644) < 0)
                return -1;
        return 0;
}

static int tear_down(void **state)
{
        (void)state;
        char command[128];
        snprintf(command, sizeof(command), "rm -rf %s", base);
        return system(command);
}

static void assert_include(struct source_snapshot *snapshot, const char *from, const char *path,
        const char *expected_path, const char *expected_text)
{
        char text[32] = "";
        const char *shown;
        int fd;

        assert_int_equal(source_open_include(snapshot, from, path, &fd, &shown), 0);
        assert_string_equal(shown, expected_path);
        assert_true(read(fd, text, sizeof(text) - 1) >= 0);
        assert_string_equal(text, expected_text);
        close(fd);
}

static void assert_no_include(struct source_snapshot *snapshot, const char *from, const char *path, int error)
{
        const char *shown = "untouched";
        int fd = -7;

        assert_int_equal(source_open_include(snapshot, from, path, &fd, &shown), error);
        assert_int_equal(fd, -7);
        assert_string_equal(shown, "untouched");
}

static void files_open_as_named(void **state)
{
        struct source_snapshot *snapshot;
        struct source_identity identity;
        int fd;

        (void)state;
        assert_int_equal(source_snapshot_folder(in_base("zones/"), NULL, &snapshot), 0);
        assert_int_equal(source_open(snapshot, "a.zone", &fd, &identity), 0);
        assert_int_equal(identity.size_bytes, 1);
        assert_true(identity.read_at_nsec > 0);
        assert_true(source_is_unchanged(fd, &identity));
        write_file("zones/a.zone", "aa");
        assert_false(source_is_unchanged(fd, &identity));
        write_file("zones/a.zone", "a");
        close(fd);
        assert_int_equal(source_open(snapshot, in_base("zones/sub/b.zone"), &fd, NULL), 0);
        close(fd);
        assert_int_equal(source_open(snapshot, "a.zone", &fd, NULL), 0); /* remembered once */
        close(fd);

        size_t count;
        const struct source_file *files = source_snapshot_files(snapshot, &count);
        assert_int_equal(count, 2);
        assert_string_equal(files[0].path, "a.zone");
        assert_true(source_identity_equal(&files[0].identity, &identity));
        assert_string_equal(files[1].path, in_base("zones/sub/b.zone"));
        source_snapshot_free(snapshot);
}

static void what_is_no_file_is_refused(void **state)
{
        struct source_snapshot *snapshot;
        int fd = -7;

        (void)state;
        assert_int_equal(source_snapshot_folder("zones", NULL, &snapshot), -EINVAL);
        assert_int_equal(source_snapshot_folder(in_base("nowhere"), NULL, &snapshot), -ENOENT);
        assert_int_equal(source_snapshot_folder(in_base("zones"), NULL, &snapshot), 0);
        assert_int_equal(source_open(snapshot, "nothing.zone", &fd, NULL), -ENOENT);
        assert_int_equal(source_open(snapshot, "fifo", &fd, NULL), -EINVAL);
        assert_int_equal(source_open(snapshot, "sub", &fd, NULL), -EINVAL);
        assert_int_equal(source_open(snapshot, "out", &fd, NULL), -EXDEV);
        assert_int_equal(source_open(snapshot, "absolute", &fd, NULL), -EXDEV);
        assert_int_equal(source_open(snapshot, "../secret", &fd, NULL), -EXDEV);
        assert_int_equal(fd, -7);
        assert_int_equal(
                source_open(snapshot, in_base("zones/out"), &fd, NULL), 0); /* the configuration's word */
        close(fd);
        source_snapshot_free(snapshot);
        assert_null(source_snapshot_free(NULL));
}

static void includes_stay_beneath_the_root(void **state)
{
        struct source_snapshot *snapshot;

        (void)state;
        assert_int_equal(source_snapshot_folder(in_base("zones"), NULL, &snapshot), 0);
        assert_include(snapshot, "sub/b.zone", "b.inc", "sub/b.inc", "beside");
        assert_include(snapshot, "sub/b.zone", "common.inc", "common.inc", "common");
        assert_include(snapshot, "sub/b.zone", "../common.inc", "sub/../common.inc", "common");
        assert_include(snapshot, "a.zone", "in", "in", "beside");
        assert_include(snapshot, in_base("zones/sub/b.zone"), "b.inc", in_base("zones/sub/b.inc"), "beside");
        assert_include(
                snapshot, in_base("zones/sub/b.zone"), "common.inc", in_base("zones/common.inc"), "common");
        assert_include(
                snapshot, "a.zone", in_base("zones/common.inc"), in_base("zones/common.inc"), "common");

        assert_no_include(snapshot, "a.zone", "../secret", -EXDEV);
        assert_no_include(snapshot, "sub/b.zone", "../../secret", -EXDEV);
        assert_no_include(snapshot, "a.zone", "out", -EXDEV);
        assert_no_include(snapshot, "a.zone", "absolute", -EXDEV);
        assert_no_include(snapshot, "a.zone", in_base("secret"), -EXDEV);
        assert_no_include(snapshot, "a.zone", in_base("zonesx/no"), -EXDEV);
        assert_no_include(snapshot, "a.zone", in_base("zones/../secret"), -EXDEV);
        assert_no_include(snapshot, "a.zone", "/etc/passwd", -EXDEV);
        assert_no_include(snapshot, "a.zone", "nothing", -ENOENT);
        assert_no_include(snapshot, "a.zone", "", -ENOENT);
        assert_no_include(snapshot, "a.zone", "fifo", -EINVAL);
        assert_no_include(snapshot, "a.zone", "sub", -EINVAL);
        /* A zone file elsewhere: beside it is outside, but the root is looked in. */
        assert_include(
                snapshot, in_base("zonesx/x.zone"), "common.inc", in_base("zones/common.inc"), "common");
        assert_no_include(snapshot, in_base("zonesx/x.zone"), "no", -EXDEV);
        source_snapshot_free(snapshot);
}

static void include_root_widens(void **state)
{
        struct source_snapshot *snapshot;

        (void)state;
        assert_int_equal(source_snapshot_folder(in_base("zones"), base, &snapshot), 0);
        assert_include(snapshot, "a.zone", "../secret", "../secret", "secret");
        assert_include(snapshot, "a.zone", "out", "out", "secret");
        assert_include(snapshot, "a.zone", in_base("zonesx/no"), in_base("zonesx/no"), "no");
        assert_no_include(snapshot, "a.zone", "../../../etc/passwd", -EXDEV);
        source_snapshot_free(snapshot);

        /* The root by a symlink, the include by its real name, and the other way. */
        assert_int_equal(source_snapshot_folder(in_base("link"), NULL, &snapshot), 0);
        assert_include(
                snapshot, "a.zone", in_base("zones/common.inc"), in_base("zones/common.inc"), "common");
        assert_include(snapshot, "a.zone", in_base("link/common.inc"), in_base("link/common.inc"), "common");
        source_snapshot_free(snapshot);

        /* An include root beside the root: nothing relative to the root can be reached. */
        assert_int_equal(source_snapshot_folder(in_base("zones"), in_base("zonesx"), &snapshot), 0);
        assert_no_include(snapshot, in_base("zones/a.zone"), "common.inc", -EXDEV);
        assert_include(snapshot, in_base("zonesx/a.zone"), "no", in_base("zonesx/no"), "no");
        source_snapshot_free(snapshot);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(files_open_as_named),
                cmocka_unit_test(what_is_no_file_is_refused),
                cmocka_unit_test(includes_stay_beneath_the_root),
                cmocka_unit_test(include_root_widens),
        };
        return cmocka_run_group_tests_name("source/snapshot", tests, set_up, tear_down);
}
