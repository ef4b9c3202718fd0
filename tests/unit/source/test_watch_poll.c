/* The watcher where inotify is blind: every look is a stat. Rounds are 60 ms here. */
#include "watch_fixture.h"

#define ROUND_MSEC 60u

static int set_up_polling(void **state)
{
        if (set_up(state) < 0)
                return -1;
        watch->polls_everything = true;
        watch->poll_usec = ROUND_MSEC * USEC_PER_MSEC;
        /* Blind indeed: events are not read. */
        return sd_event_source_set_enabled(watch->inotify_source, SD_EVENT_OFF);
}

/* Events are read by the timer too; here they shall not be. */
static void want_blind_folder(const char *below)
{
        want_folder(below);
        close(watch->inotify_fd);
        watch->inotify_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
}

static void the_first_round_ends_in_a_rescan(void **state)
{
        (void)state;
        write_file("a.zone", "text");
        want_blind_folder("");
        assert_true(watch_is_polled(watch, base));
        assert_true(run_until_told(1000));
        assert_told("rescan .; ");
        run_for(ROUND_MSEC * 4);
        assert_told("");
}

static void changes_are_seen(void **state)
{
        (void)state;
        write_file("a.zone", "text");
        write_file("b.zone", "text");
        want_blind_folder("");
        run_for(ROUND_MSEC * 3);
        assert_told("rescan .; ");
        write_file("a.zone", "longer");
        run_for(ROUND_MSEC * 4);
        assert_told("changed a.zone; ");
        write_file("c.zone", "new");
        run_for(ROUND_MSEC * 4);
        assert_told("changed c.zone; ");
        unlink(in_base("b.zone"));
        run_for(ROUND_MSEC * 4);
        assert_told("vanished b.zone; ");
        run_for(ROUND_MSEC * 4);
        assert_told("");
}

static void a_file_that_moves_is_waited_for(void **state)
{
        (void)state;
        write_file("a.zone", "text");
        want_blind_folder("");
        run_for(ROUND_MSEC * 3);
        assert_told("rescan .; ");
        int fd = open_writer("a.zone", O_APPEND);
        for (int i = 0; i < 20; i++) {
                write_text(fd, "more");
                run_for(ROUND_MSEC / 2);
        }
        assert_told("");
        close(fd);
        run_for(ROUND_MSEC * 4);
        assert_told("changed a.zone; ");
}

static void a_named_file_is_seen(void **state)
{
        (void)state;
        make_folder("zones");
        write_file("zones/a.zone", "text");
        want_file("zones/a.zone");
        assert_true(watch_is_polled(watch, in_base("zones")));
        write_file("zones/b.zone", "text");
        write_file("zones/a.zone", "longer");
        run_for(ROUND_MSEC * 4);
        assert_told("changed zones/a.zone; ");
        watch_forget(watch, in_base("zones/a.zone"));
        assert_int_equal(watch->folders.count, 0);
}

static void a_folder_swap_is_seen(void **state)
{
        (void)state;
        make_folder("zones");
        write_file("zones/a.zone", "text");
        want_blind_folder("zones");
        run_for(ROUND_MSEC * 3);
        assert_told("rescan zones; ");
        move("zones", "old");
        make_folder("zones");
        run_for(ROUND_MSEC * 6);
        assert_non_null(strstr(told, "rescan zones; "));
}

static void a_large_folder_is_read_in_slices(void **state)
{
        (void)state;
        make_folder("zones");
        for (int i = 0; i < 5000; i++) {
                char name[32];
                snprintf(name, sizeof(name), "zones/%d.zone", i);
                write_file(name, "x");
        }
        want_blind_folder("zones");
        assert_true(run_until_told(10000));
        assert_told("rescan zones; ");
        assert_int_equal(folder_find(watch, in_base("zones"), strlen(in_base("zones")))->entries.count, 5000);
        write_file("zones/77.zone", "longer");
        assert_true(run_until_told(10000));
        assert_told("changed zones/77.zone; ");
        watch_forget(watch, in_base("zones"));
        assert_int_equal(watch->folders.count, 0);
}

static void this_file_system_is_known(void **state)
{
        (void)state;
        assert_false(file_system_is_blind("/proc"));
        assert_false(file_system_is_blind("/nowhere/at/all"));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up_polling, tear_down)
        const struct CMUnitTest tests[] = {
                TEST(the_first_round_ends_in_a_rescan),
                TEST(changes_are_seen),
                TEST(a_file_that_moves_is_waited_for),
                TEST(a_named_file_is_seen),
                TEST(a_folder_swap_is_seen),
                TEST(a_large_folder_is_read_in_slices),
                TEST(this_file_system_is_known),
        };
        return cmocka_run_group_tests_name("source/watch_poll", tests, NULL, NULL);
}
