/* zone-files { git ...; }: what is read, what is refused. */

#include "load.h"

#define QUIET "options { notify no; allow-transfer { none; }; };\n"

static void test_defaults(void **state)
{
        (void)state;
        LOADED loaded = load_text(QUIET "zone-files { git \"/srv/dns.git\"; };");
        assert_string_equal(told(&loaded), "");
        assert_int_equal(loaded.r, 0);
        assert_int_equal(loaded.conf->zone_files_count, 0);
        assert_int_equal(loaded.conf->git_count, 1);
        const struct conf_git *git = &loaded.conf->git[0];
        assert_string_equal(git->repository, "/srv/dns.git");
        assert_null(git->branch);
        assert_string_equal(git->path, "");
        assert_string_equal(git->file_name, "%s.zone");
        assert_false(git->all_or_nothing);
        assert_int_equal(git->atomic_count, 0);
        assert_null(git->fetch);
        assert_false(git->notes);
}

static void test_all_of_it(void **state)
{
        (void)state;
        LOADED loaded = load_text(
                QUIET "zone-files { git \"/srv/dns.git\"; branch \"release/1\"; path \"./zones/\"; file-name "
                      "\"db.%s\";\n commit-policy all-or-nothing; atomic { \"zones/a\"; \"zones/b/c/\"; };\n"
                      " fetch \"origin\" every 5m; notes yes; };\n"
                      "zone-files { git \"/srv/dns.git\"; atomic \"x\"; fetch \"up\"; branch main; };\n"
                      "template \"t\" { match \"*.t.example\"; atomic yes; };\n"
                      "zone a.t.example { }; zone b.example { };");
        assert_string_equal(told(&loaded), "");
        assert_int_equal(loaded.r, 0);
        assert_int_equal(loaded.conf->git_count, 2);
        const struct conf_git *git = &loaded.conf->git[0];
        assert_string_equal(git->branch, "release/1");
        assert_string_equal(git->path, "zones");
        assert_string_equal(git->file_name, "db.%s");
        assert_true(git->all_or_nothing);
        assert_int_equal(git->atomic_count, 2);
        assert_string_equal(git->atomic[0], "zones/a");
        assert_string_equal(git->atomic[1], "zones/b/c");
        assert_string_equal(git->fetch, "origin");
        assert_int_equal(git->fetch_usec, 300000000);
        assert_true(git->notes);
        git = &loaded.conf->git[1];
        assert_string_equal(git->atomic[0], "x");
        assert_int_equal(git->fetch_usec, 60000000);
        assert_string_equal(loaded.conf->zones[0].policy.atomic, "t");
        assert_null(loaded.conf->zones[1].policy.atomic);
        assert_null(loaded.conf->zones[0].file);
}

static void test_what_is_refused(void **state)
{
        (void)state;
        LOADED loaded = load_text(
                QUIET "zone-files { git \"/a\"; branch \"-x\"; path \"a/../b\"; commit-policy some;\n"
                      "fetch \"o..p\" every 60; notes perhaps; };\n"
                      "zone-files { git \"/b\"; fetch \"origin\"; directory \"z\"; };\n"
                      "zone-files { directory \"y\"; branch \"main\"; };\n"
                      "zone-files { git \"/c\"; branch m; fetch o every; atomic { \"a\" \"b\"; }; };\n"
                      "zone-files { git \"/c\"; branch m; fetch o every never; };\n"
                      "zone-files { notes yes; };\n");
        assert_int_equal(loaded.r, -EINVAL);
        assert_string_equal(told(&loaded),
                "2:31: error: \"-x\" is no name that git has for a branch or remote\n"
                "2:42: error: \"a/../b\" is no folder of a commit\n"
                "2:66: error: \"some\" is neither per-zone nor all-or-nothing\n"
                "3:7: error: \"o..p\" is no name that git has for a branch or remote\n"
                "3:30: error: \"perhaps\" is neither yes nor no\n"
                "4:24: error: what is fetched needs a branch\n"
                "4:40: error: \"directory\" is for a folder of zone files: these are in git\n"
                "5:29: error: \"branch\" is for zone files in git: this is a folder of them\n"
                "6:42: error: \"every\" needs a time\n"
                "6:62: error: unexpected \"b\"\n"
                "7:1: error: the zone files of this branch and path of /c are named twice\n"
                "7:48: error: \"never\" is no time from a second to a day\n"
                "8:1: error: zone-files does not say which directory, or which git repository\n"
                "8:14: error: \"notes\" is for zone files in git: this is a folder of them\n");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_defaults),
                cmocka_unit_test(test_all_of_it),
                cmocka_unit_test(test_what_is_refused),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
