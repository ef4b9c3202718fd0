/* The watcher on real inotify: writers, renames, git, symlinks, and folders that come and go. */
#include "watch_fixture.h"

static void a_rename_is_told_at_once(void **state)
{
        (void)state;
        write_file("a.zone", "old");
        want_folder("");
        write_file(".a.zone.tmp", "new");
        run_for(SETTLE_MSEC * 3);
        assert_told("changed .a.zone.tmp; "); /* the owner knows names */
        uint64_t before_usec = clock_monotonic_usec();
        move(".a.zone.tmp", "a.zone");
        assert_true(run_until_told(1000));
        assert_true(told_at_usec - before_usec < SETTLE_MSEC * USEC_PER_MSEC);
        assert_told("changed a.zone; ");
        run_for(700);
        assert_told("vanished .a.zone.tmp; ");
}

static void a_writer_in_place_is_waited_for(void **state)
{
        (void)state;
        write_file("a.zone", "old");
        want_folder("");
        int fd = open_writer("a.zone", O_TRUNC);
        run_for(SETTLE_MSEC * 2);
        for (int i = 0; i < 5; i++) {
                write_text(fd, "part");
                run_for(SETTLE_MSEC * 2);
        }
        assert_true(watch_is_being_written(watch, in_base("a.zone")));
        assert_told("");
        uint64_t before_usec = clock_monotonic_usec();
        close(fd);
        assert_true(run_until_told(1000));
        assert_true(told_at_usec - before_usec >= SETTLE_MSEC * USEC_PER_MSEC);
        assert_told("changed a.zone; ");
        assert_false(watch_is_being_written(watch, in_base("a.zone")));
        run_for(SETTLE_MSEC * 2);
        assert_told("");
}

static void a_new_file_waits_for_its_close(void **state)
{
        (void)state;
        want_folder("");
        int fd = open_writer("a.zone", O_CREAT | O_EXCL);
        run_for(SETTLE_MSEC * 4); /* nothing written yet */
        assert_told("");
        assert_true(watch_is_being_written(watch, in_base("a.zone")));
        write_text(fd, "text");
        run_for(SETTLE_MSEC * 4);
        assert_told("");
        close(fd);
        assert_true(run_until_told(1000));
        assert_told("changed a.zone; ");
}

static void a_rename_of_an_open_file_waits_too(void **state)
{
        (void)state;
        want_folder("");
        int fd = open_writer("a.tmp", O_CREAT | O_EXCL);
        write_text(fd, "half");
        move("a.tmp", "a.zone");
        run_for(SETTLE_MSEC * 4);
        assert_told("");
        write_text(fd, "whole");
        close(fd);
        assert_true(run_until_told(1000));
        assert_told("changed a.zone; ");
}

static void links_are_told_without_a_close(void **state)
{
        (void)state;
        make_folder("zones");
        write_file("text", "text");
        want_folder("zones");
        assert_int_equal(link(in_base("text"), in_base("zones/hard.zone")), 0);
        assert_true(run_until_told(1000));
        assert_told("changed zones/hard.zone; ");
        assert_int_equal(symlink("../text", in_base("zones/soft.zone")), 0);
        assert_true(run_until_told(1000));
        assert_told("changed zones/soft.zone; ");

        int fd = open(in_base("zones"), O_TMPFILE | O_WRONLY, 0644);
        assert_true(fd >= 0);
        write_text(fd, "text");
        assert_int_equal(linkat(fd, "", AT_FDCWD, in_base("zones/tmp.zone"), AT_EMPTY_PATH), 0);
        assert_true(run_until_told(1000));
        assert_told("changed zones/tmp.zone; ");
        close(fd);
        run_for(SETTLE_MSEC * 2);
}

static void constant_writes_are_told_within_two_seconds(void **state)
{
        (void)state;
        write_file("a.zone", "old");
        want_file("a.zone");
        uint64_t before_usec = clock_monotonic_usec();
        while (told_count == 0 && clock_monotonic_usec() - before_usec < 4 * USEC_PER_SEC) {
                write_file("a.zone", "text");
                run_for(10);
        }
        assert_in_range((told_at_usec - before_usec) / USEC_PER_MSEC, 1900, 2300);
        assert_int_equal(told_count, 1);
}

static void unlink_and_write_is_one_change(void **state)
{
        (void)state;
        write_file("a.zone", "old");
        want_folder("");
        unlink(in_base("a.zone"));
        run_for(200);
        assert_told("");
        write_file("a.zone", "new");
        run_for(900);
        assert_told("changed a.zone; ");
        unlink(in_base("a.zone"));
        run_for(400);
        assert_told("");
        run_for(400);
        assert_told("vanished a.zone; ");
}

/* A writer of the unlinked file is no writer of the new one. */
static void an_old_writer_does_not_count(void **state)
{
        (void)state;
        write_file("a.zone", "old");
        want_folder("");
        int fd = open_writer("a.zone", 0);
        write_text(fd, "x");
        run_for(SETTLE_MSEC);
        write_file("b.tmp", "new");
        move("b.tmp", "a.zone");
        assert_true(run_until_told(1000));
        assert_told("changed a.zone; ");
        write_text(fd, "x");
        run_for(SETTLE_MSEC * 2);
        close(fd);
        run_for(SETTLE_MSEC * 3);
        assert_told("");
}

static void chmod_counts(void **state)
{
        (void)state;
        write_file("a.zone", "text");
        want_file("a.zone");
        assert_int_equal(chmod(in_base("a.zone"), 0600), 0);
        assert_true(run_until_told(1000));
        assert_told("changed a.zone; ");
}

static void one_file_alone_is_told(void **state)
{
        (void)state;
        write_file("a.zone", "text");
        want_file("a.zone");
        want_file("later.zone");
        write_file("b.zone", "text");
        write_file("a.zone", "new");
        run_for(SETTLE_MSEC * 3);
        assert_told("changed a.zone; ");
        write_file("later.zone", "new");
        run_for(SETTLE_MSEC * 3);
        assert_told("changed later.zone; ");
        make_folder("folder");
        run_for(SETTLE_MSEC * 3);
        assert_told("");
}

static void what_is_forgotten_is_not_told(void **state)
{
        (void)state;
        want_folder("");
        want_folder("");
        want_file("a.zone");
        watch_forget(watch, base);
        write_file("a.zone", "text");
        write_file("b.zone", "text");
        run_for(SETTLE_MSEC * 3);
        assert_int_equal(told_count, 2);
        told[0] = '\0';
        told_count = 0;
        watch_forget(watch, base);
        write_file("a.zone", "text2");
        write_file("b.zone", "text2");
        run_for(SETTLE_MSEC * 3);
        assert_told("changed a.zone; ");
        watch_forget(watch, in_base("a.zone"));
        write_file("a.zone", "text3");
        run_for(SETTLE_MSEC * 3);
        assert_told("");
        assert_int_equal(watch->folders.count, 0);
        assert_int_equal(watch->inodes.count, 0);
        watch_forget(watch, in_base("a.zone"));
}

static void wrong_paths_are_refused(void **state)
{
        (void)state;
        assert_int_equal(watch_folder(watch, "zones", 0), -EINVAL);
        assert_int_equal(watch_file(watch, "a.zone", 0), -EINVAL);
        assert_int_equal(watch_file(watch, "/tmp/", 0), -EINVAL);
        assert_int_equal(watch_file(watch, "", 0), -EINVAL);
        assert_false(watch_is_polled(watch, "/nowhere"));
}

static void a_folder_is_waited_for(void **state)
{
        (void)state;
        want_folder("x/zones");
        want_file("x/zones/named.zone");
        run_for(SETTLE_MSEC);
        make_folder("x");
        run_for(SETTLE_MSEC);
        assert_told("");
        make_folder("x/zones");
        write_file("x/zones/a.zone", "text");
        write_file("x/zones/named.zone", "text");
        run_for(SETTLE_MSEC * 8);
        assert_non_null(strstr(told, "rescan x/zones; "));
        assert_non_null(strstr(told, "changed x/zones/named.zone; "));
        told[0] = '\0';
        write_file("x/zones/a.zone", "more");
        run_for(SETTLE_MSEC * 3);
        assert_told("changed x/zones/a.zone; ");
}

static void a_folder_deleted_and_made_again(void **state)
{
        (void)state;
        make_folder("zones");
        write_file("zones/a.zone", "text");
        want_folder("zones");
        int held = open(in_base("zones"), O_PATH); /* a shell stands in it */
        unlink(in_base("zones/a.zone"));
        rmdir(in_base("zones"));
        run_for(100);
        make_folder("zones");
        write_file("zones/a.zone", "text");
        run_for(SETTLE_MSEC * 8);
        assert_non_null(strstr(told, "rescan zones; "));
        assert_null(strstr(told, "vanished"));
        told[0] = '\0';
        write_file("zones/b.zone", "text");
        run_for(SETTLE_MSEC * 3);
        assert_told("changed zones/b.zone; ");
        close(held);

        move("zones", "away");
        run_for(300);
        assert_told("");
        run_for(500);
        assert_told("rescan zones; ");
        write_file("away/a.zone", "text");
        run_for(SETTLE_MSEC * 3);
        assert_told("");
        move("away", "zones");
        run_for(SETTLE_MSEC * 3);
        assert_told("rescan zones; ");
}

static void point(const char *link, const char *target)
{
        unlink(in_base("link.tmp"));
        assert_int_equal(symlink(target, in_base("link.tmp")), 0);
        move("link.tmp", link);
}

static void a_swapped_symlink_is_a_rescan(void **state)
{
        (void)state;
        make_folder("r1");
        make_folder("r1/zones");
        make_folder("r2");
        make_folder("r2/zones");
        write_file("r1/zones/a.zone", "one");
        write_file("r2/zones/a.zone", "two!");
        point("current", "r1");
        want_folder("current/zones");
        want_file("current/zones/a.zone");
        write_file("r1/zones/a.zone", "ONE");
        run_for(SETTLE_MSEC * 3);
        assert_told("changed current/zones/a.zone; ");
        point("current", "r2");
        run_for(SETTLE_MSEC * 3);
        assert_told("rescan current/zones; changed current/zones/a.zone; ");
        write_file("r1/zones/a.zone", "old");
        run_for(SETTLE_MSEC * 3);
        assert_told("");
        write_file("r2/zones/a.zone", "new");
        run_for(SETTLE_MSEC * 3);
        assert_told("changed current/zones/a.zone; ");
}

/* As Kubernetes shows a ConfigMap: a.zone -> ..data/a.zone, ..data -> ..2024_1. */
static void files_behind_links_are_followed(void **state)
{
        (void)state;
        make_folder("map");
        make_folder("map/..1");
        make_folder("map/..2");
        write_file("map/..1/a.zone", "one");
        write_file("map/..2/a.zone", "two!");
        point("map/..data", "..1");
        point("map/a.zone", "..data/a.zone");
        want_file("map/a.zone");
        write_file("map/..1/a.zone", "ONE");
        run_for(SETTLE_MSEC * 3);
        assert_told("changed map/a.zone; ");
        point("map/..data", "..2");
        run_for(SETTLE_MSEC * 3);
        assert_told("changed map/a.zone; ");
        write_file("map/..2/a.zone", "more");
        run_for(SETTLE_MSEC * 3);
        assert_told("changed map/a.zone; ");

        /* The link itself points elsewhere; its old target is not told any more. */
        write_file("other", "other");
        point("map/a.zone", "../other");
        run_for(SETTLE_MSEC * 3);
        assert_told("changed map/a.zone; ");
        write_file("map/..2/a.zone", "again");
        run_for(SETTLE_MSEC * 3);
        assert_told("");
        int fd = open_writer("other", O_TRUNC);
        run_for(SETTLE_MSEC * 3);
        assert_true(watch_is_being_written(watch, in_base("map/a.zone")));
        close(fd);
        run_for(SETTLE_MSEC * 3);
        assert_told("changed map/a.zone; ");
        unlink(in_base("other"));
        run_for(800);
        assert_told("vanished map/a.zone; ");
        write_file("other", "back");
        run_for(SETTLE_MSEC * 3);
        assert_told("changed map/a.zone; ");

        watch_forget(watch, in_base("map/a.zone"));
        assert_int_equal(watch->folders.count, 0);
        assert_int_equal(watch->inodes.count, 0);
}

static void a_folder_of_links_is_rescanned(void **state)
{
        (void)state;
        make_folder("map");
        make_folder("map/..1");
        make_folder("map/..2");
        point("map/..data", "..1");
        want_folder("map");
        point("map/..data", "..2");
        run_for(SETTLE_MSEC * 3);
        assert_told("rescan map; ");
}

static void links_in_a_circle_end(void **state)
{
        (void)state;
        write_file("text", "text");
        point("a.zone", "b.zone");
        point("b.zone", "text");
        want_file("a.zone");
        want_file("b.zone");
        point("b.zone", "a.zone");
        run_for(800);
        told[0] = '\0';
        point("b.zone", "text");
        run_for(SETTLE_MSEC * 3);
        assert_non_null(strstr(told, "changed a.zone; "));
        assert_non_null(strstr(told, "changed b.zone; "));
        watch_forget(watch, in_base("b.zone"));
        watch_forget(watch, in_base("a.zone"));
        assert_int_equal(watch->folders.count, 0);
}

static void git_is_waited_for(void **state)
{
        (void)state;
        make_folder("tree");
        make_folder("tree/.git");
        make_folder("tree/zones");
        write_file("tree/zones/a.zone", "old");
        want_folder("tree/zones");
        write_file("tree/.git/index.lock", "");
        unlink(in_base("tree/zones/a.zone"));
        write_file("tree/zones/new", "new");
        move("tree/zones/new", "tree/zones/b.zone"); /* at once, but for git */
        run_for(800);
        assert_told("");
        write_file("tree/zones/a.zone", "new");
        unlink(in_base("tree/.git/index.lock"));
        run_for(SETTLE_MSEC * 4);
        assert_non_null(strstr(told, "changed tree/zones/a.zone; "));
        assert_non_null(strstr(told, "changed tree/zones/b.zone; "));
        assert_null(strstr(told, "vanished tree/zones/a.zone"));

        /* The lock that nobody removes. */
        told[0] = '\0';
        told_count = 0;
        write_file("tree/.git/index.lock", "");
        write_file("tree/zones/a.zone", "more");
        run_for(SETTLE_MSEC * 4);
        assert_told("");
        clock_shift(11 * 1000000);
        run_for(SETTLE_MSEC * 4);
        assert_told("changed tree/zones/a.zone; ");
        write_file("tree/zones/a.zone", "most");
        run_for(SETTLE_MSEC * 4);
        assert_told("changed tree/zones/a.zone; "); /* not waited for again */
        clock_shift(-11 * 1000000);
}

/* A ".git" file, as worktrees and submodules have. */
static void a_git_worktree_is_waited_for(void **state)
{
        (void)state;
        make_folder("main");
        make_folder("tree");
        write_file("tree/.git", "gitdir: ../main\n");
        write_file("main/index.lock", "");
        want_folder("tree");
        write_file("tree/a.zone", "text");
        run_for(SETTLE_MSEC * 4);
        assert_told("");
        unlink(in_base("main/index.lock"));
        run_for(SETTLE_MSEC * 4);
        assert_told("changed tree/a.zone; ");
}

static void a_real_checkout_is_told_once_for_each_file(void **state)
{
        char command[512];

        (void)state;
        if (access("/usr/bin/git", X_OK) < 0)
                skip();
        snprintf(command, sizeof(command),
                "exec >/dev/null 2>&1; cd %s && git init -q -b one && git config user.email a@example && "
                "git config user.name a && mkdir zones && for i in 1 2 3; do echo $i >zones/$i.zone; done && "
                "git add . && git commit -q -m 1 && git checkout -q -b two && "
                "for i in 1 2 3; do echo two $i >zones/$i.zone; done && git commit -q -a -m 2",
                base);
        assert_int_equal(system(command), 0);
        want_folder("zones");
        snprintf(command, sizeof(command), "cd %s && git checkout -q one", base);
        assert_int_equal(system(command), 0);
        run_for(700);
        assert_int_equal(told_count, 3);
        assert_null(strstr(told, "vanished"));
}

static void overflow_is_a_rescan(void **state)
{
        (void)state;
        make_folder("zones");
        write_file("zones/named.zone", "text");
        want_folder("zones");
        want_file("zones/named.zone");
        int fd = open_writer("zones/open.zone", O_CREAT);
        write_text(fd, "half");
        run_for(10);
        for (int i = 0; i < 9000; i++) { /* three events each; the queue has 16,384 */
                char name[32];
                snprintf(name, sizeof(name), "zones/%d.zone", i);
                write_file(name, "x");
        }
        write_file("zones/named.zone", "changed!");
        run_until_told(3000);
        run_for(300);
        assert_non_null(strstr(told, "rescan zones; "));
        assert_non_null(strstr(told, "changed zones/named.zone; "));
        assert_null(strstr(told, "open.zone"));
        assert_true(watch_is_being_written(watch, in_base("zones/open.zone")));
        told[0] = '\0';
        told_count = 0;
        close(fd);
        run_for(SETTLE_MSEC * 4);
        assert_told("changed zones/open.zone; ");
}

/* The callback may watch and forget at will. */
static void forget_both(void *context, enum watch_event what, const char *path)
{
        (void)path;
        if (what == WATCH_CHANGED)
                (*(int *)context)++;
        watch_forget(watch, in_base("b.zone"));
        watch_forget(watch, in_base("a.zone"));
        watch_file(watch, in_base("c.zone"), 0);
}

static void the_callback_may_forget(void **state)
{
        int count = 0;

        (void)state;
        watch = watch_free(watch);
        assert_int_equal(watch_new(event, forget_both, &count, &watch), 0);
        want_file("a.zone");
        want_file("b.zone");
        write_file("a.zone", "text");
        write_file("b.zone", "text");
        run_for(SETTLE_MSEC * 4);
        assert_int_equal(count, 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        const struct CMUnitTest tests[] = {
                TEST(a_rename_is_told_at_once),
                TEST(a_writer_in_place_is_waited_for),
                TEST(a_new_file_waits_for_its_close),
                TEST(a_rename_of_an_open_file_waits_too),
                TEST(links_are_told_without_a_close),
                TEST(constant_writes_are_told_within_two_seconds),
                TEST(unlink_and_write_is_one_change),
                TEST(an_old_writer_does_not_count),
                TEST(chmod_counts),
                TEST(one_file_alone_is_told),
                TEST(what_is_forgotten_is_not_told),
                TEST(wrong_paths_are_refused),
                TEST(a_folder_is_waited_for),
                TEST(a_folder_deleted_and_made_again),
                TEST(a_swapped_symlink_is_a_rescan),
                TEST(files_behind_links_are_followed),
                TEST(a_folder_of_links_is_rescanned),
                TEST(links_in_a_circle_end),
                TEST(git_is_waited_for),
                TEST(a_git_worktree_is_waited_for),
                TEST(a_real_checkout_is_told_once_for_each_file),
                TEST(overflow_is_a_rescan),
                TEST(the_callback_may_forget),
        };
        return cmocka_run_group_tests_name("source/watch", tests, NULL, NULL);
}
