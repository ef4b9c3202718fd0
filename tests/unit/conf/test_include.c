/* Files: include and its globs, cycles, key files, and secrets that others may read. */

#include "load.h"

#define SECRET "YWxpYmFiYSdzIHNhbXBsZQ=="
#define PRIVATE "Private-key-format: v1.3\nAlgorithm: 163 (HMAC_SHA256)\nKey: " SECRET "\nBits: AAA=\n"
#define QUIET "zone-files { directory \"z\"; }; options { notify no; allow-transfer { none; }; };\n"

static void test_include_beside_and_under_directory(void **state)
{
        (void)state;
        FOLDER folder = folder_make();
        assert_int_equal(mkdir(folder_path(&folder, "under"), 0700), 0);
        assert_int_equal(mkdir(folder_path(&folder, "sub"), 0700), 0);
        folder_write(&folder, "main.conf", 0644,
                "options { directory \"under\"; notify no; allow-transfer { none; }; };\n"
                "include \"sub/one.conf\"; include \"two.conf\";\n");
        folder_write(&folder, "sub/one.conf", 0644, "include \"three.conf\";\nzone one { file f; };\n");
        folder_write(&folder, "sub/three.conf", 0644, "zone three { file f; };\n");
        folder_write(&folder, "under/two.conf", 0644, "zone two { file f; };\n");
        LOADED loaded = load_file(folder_path(&folder, "main.conf"), true);
        assert_string_equal(told(&loaded), "");
        assert_int_equal(loaded.r, 0);
        assert_int_equal(loaded.conf->zone_count, 3);
        assert_string_equal(loaded.conf->zones[0].name_text, "three");
        assert_string_equal(loaded.conf->zones[1].name_text, "one");
        assert_string_equal(loaded.conf->zones[2].name_text, "two");
        assert_string_equal(loaded.conf->zones[0].file, folder_path(&folder, "under/f"));
        assert_int_equal(loaded.conf->file_count, 4);
        assert_string_equal(loaded.conf->files[0], folder_path(&folder, "main.conf"));
        assert_string_equal(loaded.conf->files[3], folder_path(&folder, "under/two.conf"));
}

static void test_globs(void **state)
{
        (void)state;
        FOLDER folder = folder_make();
        assert_int_equal(mkdir(folder_path(&folder, "d"), 0700), 0);
        folder_write(&folder, "main.conf", 0644,
                "options { notify no; allow-transfer { none; }; };\ninclude \"d/*.conf\";\ninclude "
                "\"none/*.conf\";\n");
        folder_write(&folder, "d/b.conf", 0644, "zone b { file f; };");
        folder_write(&folder, "d/a.conf", 0644, "zone a { file f; };");
        folder_write(&folder, "d/c.conf~", 0644, "garbage");
        LOADED loaded = load_file(folder_path(&folder, "main.conf"), true);
        assert_int_equal(loaded.r, 0);
        assert_int_equal(loaded.conf->zone_count, 2);
        assert_string_equal(loaded.conf->zones[0].name_text, "a");
        assert_non_null(strstr(told(&loaded), "main.conf:3:9: note: no file matches"));
}

static void test_include_within_a_block(void **state)
{
        (void)state;
        FOLDER folder = folder_make();
        folder_write(&folder, "main.conf", 0644,
                "options { include \"inner\"; notify no; };\nzone a { file f; };\n");
        folder_write(&folder, "inner", 0644, "directory \"/srv\"; allow-transfer { 192.0.2.1; };\n");
        LOADED loaded = load_file(folder_path(&folder, "main.conf"), true);
        assert_int_equal(loaded.r, 0);
        assert_string_equal(loaded.conf->zones[0].file, "/srv/f");
        assert_int_equal(loaded.conf->zones[0].policy.allow_transfer->count, 1);
}

static void test_cycles_and_wrong_files(void **state)
{
        (void)state;
        FOLDER folder = folder_make();
        folder_write(&folder, "main.conf", 0644,
                "include \"a\";\ninclude \"missing\";\ninclude \".\";\ninclude \"/dev/null\";\ninclude "
                "\"binary\";\n");
        folder_write(&folder, "a", 0644, "\ninclude \"b\";\n");
        folder_write(&folder, "b", 0644, "\n\n  include \"a\";\n");
        int fd = open(folder_path(&folder, "binary"), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        assert_int_equal(write(fd, "a\0b", 3), 3);
        close(fd);
        LOADED loaded = load_file(folder_path(&folder, "main.conf"), true);
        assert_int_equal(loaded.r, -EINVAL);
        assert_non_null(strstr(told(&loaded), "b:3:11: error: "));
        assert_non_null(strstr(told(&loaded), "a includes itself\n"));
        assert_non_null(strstr(told(&loaded), "missing: No such file or directory\n"));
        assert_non_null(strstr(told(&loaded), "main.conf:3:9: error: "));
        assert_non_null(strstr(told(&loaded), "is a directory\n"));
        assert_non_null(strstr(told(&loaded), "/dev/null is not a regular file\n"));
        assert_non_null(strstr(told(&loaded), "binary is no text: it has NUL octets\n"));
        for (size_t i = 0; i < loaded.diags.count; i++)
                if (loaded.diags.items[i].line == 3 && loaded.diags.items[i].column == 11) {
                        assert_non_null(strstr(loaded.diags.items[i].included_from, "/main.conf:1"));
                        assert_non_null(strstr(loaded.diags.items[i].included_from, "/a:2"));
                        assert_string_equal(loaded.diags.items[i].source_line, "  include \"a\";");
                }
}

static void test_a_missing_main_file(void **state)
{
        (void)state;
        LOADED loaded = load_file("/nonexistent/zonecrier.conf", true);
        assert_int_equal(loaded.r, -EINVAL);
        assert_null(loaded.conf);
        assert_string_equal(told(&loaded),
                "0:0: error: cannot read /nonexistent/zonecrier.conf: No such file or directory\n");
}

static void test_key_files(void **state)
{
        (void)state;
        FOLDER folder = folder_make();
        folder_write(&folder, "Kone.+163+12345.private", 0600, PRIVATE);
        folder_write(&folder, "Ktwo.+163+12345.key", 0600, "two. IN KEY 512 3 163 " SECRET "\n");
        folder_write(
                &folder, "three", 0600, "key three { algorithm hmac-sha256; secret \"" SECRET "\"; };\n");
        folder_write(&folder, "main.conf", 0644,
                QUIET
                "include \"Kone.+163+12345.private\";\ninclude \"Ktwo.+163+12345.key\";\ninclude \"three\";\n"
                "key four { file \"Kone.+163+12345.private\"; };\n"
                "key five { algorithm hmac-sha256; file \"Ktwo.+163+12345.key\"; };\n");
        LOADED loaded = load_file(folder_path(&folder, "main.conf"), true);
        assert_string_equal(told(&loaded), "");
        assert_int_equal(loaded.r, 0);
        static const char *const names[] = {"one", "two", "three", "four", "five"};
        assert_int_equal(loaded.conf->key_count, ARRAY_SIZE(names));
        for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
                char text[NAME_TEXT_MAX];
                assert_string_equal(name_to_zone_text(loaded.conf->keys[i]->name, text), names[i]);
                assert_int_equal(loaded.conf->keys[i]->algorithm, TSIG_HMAC_SHA256);
                assert_int_equal(loaded.conf->keys[i]->secret_length, 16);
        }
}

static void test_wrong_key_files(void **state)
{
        (void)state;
        FOLDER folder = folder_make();
        folder_write(&folder, "Kone.+163+12345.private", 0600, PRIVATE);
        folder_write(&folder, "private", 0600, PRIVATE);
        folder_write(&folder, "Krsa.+008+12345.private", 0600,
                "Private-key-format: v1.3\nAlgorithm: 8 (RSASHA256)\n");
        folder_write(&folder, "main.conf", 0644,
                QUIET "key a { algorithm hmac-sha1; file \"Kone.+163+12345.private\"; };\n"
                      "include \"private\";\n"
                      "include \"Krsa.+008+12345.private\";\n"
                      "key b { file \"nothing\"; };\n"
                      "key c { file \"private\"; secret \"" SECRET "\"; };\n");
        chmod(folder_path(&folder, "main.conf"), 0600);
        LOADED loaded = load_file(folder_path(&folder, "main.conf"), true);
        assert_int_equal(loaded.r, -EINVAL);
        assert_non_null(strstr(
                told(&loaded), "main.conf:2:19: error: the block says hmac-sha1, its file hmac-sha256\n"));
        assert_non_null(strstr(told(&loaded), "the key's name is not in the file's name"));
        assert_non_null(strstr(told(&loaded), "main.conf:4:9: error: "));
        assert_non_null(strstr(told(&loaded), "main.conf:5:14: error: cannot read "));
        assert_non_null(strstr(told(&loaded), "main.conf:6:9: error: a key has either a secret or a file\n"));
}

/* What may stand in a file that cannot be read is not missed besides. */
static void test_one_fault_is_told_once(void **state)
{
        (void)state;
        FOLDER folder = folder_make();
        folder_write(&folder, "main.conf", 0600,
                "include \"nothing.key\";\n"
                "zone a { file a; allow-transfer { key k; office; }; also-notify { he; 192.0.2.1 key k; }; "
                "};\n");
        LOADED loaded = load_file(folder_path(&folder, "main.conf"), true);
        assert_int_equal(loaded.r, -EINVAL);
        assert_int_equal(loaded.diags.error_count, 1);
        assert_non_null(strstr(told(&loaded), "main.conf:1:9: error: cannot read "));

        LOADED broken =
                load_text("key k { algorithm hmac-sha256; secret \"...\"; };\n"
                          "zone a { file a; allow-transfer { key k; }; also-notify { 192.0.2.1 key k; }; };");
        assert_int_equal(broken.r, -EINVAL);
        assert_string_equal(told(&broken), "1:39: error: the secret is not base64\n");
        assert_non_null(strstr(broken.diags.items[0].hint, "zonecrier keygen"));
}

static void test_paths_that_are_not_there(void **state)
{
        (void)state;
        FOLDER folder = folder_make();
        folder_write(&folder, "here.zone", 0600, "");
        folder_write(&folder, "main.conf", 0600,
                "options { allow-transfer { 192.0.2.1; }; also-notify { 192.0.2.1; }; };\n"
                "zone-files { directory \".\"; };\nzone-files { directory \"nowhere\"; };\n"
                "zone a { file \"here.zone\"; };\nzone b { file \"gone.zone\"; };\n");
        LOADED loaded = load_file(folder_path(&folder, "main.conf"), true);
        assert_int_equal(loaded.r, 0);
        assert_int_equal(loaded.diags.count, 0);
        conf_check_paths(loaded.conf, &loaded.diags);
        loaded_tell(&loaded, true);
        char expected[512];
        snprintf(expected, sizeof(expected),
                "main.conf:0:0: warning: zone-files: %s/nowhere is not there\n"
                "main.conf:5:0: warning: file: %s/gone.zone is not there\n",
                folder.path, folder.path);
        assert_string_equal(told(&loaded), expected);

        folder_write(&folder, "other.conf", 0600,
                "options { directory \"nowhere\"; };\nzone b { file \"x\"; };\n");
        LOADED other = load_file(folder_path(&folder, "other.conf"), true);
        size_t before = other.diags.count;
        conf_check_paths(other.conf, &other.diags);
        assert_int_equal(other.diags.count, before + 1);
}

static void check_mode(
        const char *main_text, const char *secret_file, const char *secret_text, mode_t mode, bool is_good)
{
        FOLDER folder = folder_make();
        folder_write(&folder, "main.conf", 0644, main_text);
        folder_write(&folder, secret_file, mode, secret_text);
        LOADED loaded = load_file(folder_path(&folder, "main.conf"), true);
        if (is_good) {
                assert_int_equal(loaded.r, 0);
                return;
        }
        char expected[512];
        snprintf(expected, sizeof(expected),
                "%s:0:0: error: this file holds a secret, and everyone may read it (mode %04o): chmod %04o "
                "%s\n",
                secret_file, (unsigned)mode, (unsigned)mode & ~037u, folder_path(&folder, secret_file));
        assert_int_equal(loaded.r, -EINVAL);
        assert_string_equal(told(&loaded), expected);
        LOADED unchecked = load_file(folder_path(&folder, "main.conf"), false);
        assert_int_equal(unchecked.r, 0);
}

static void test_files_with_secrets_are_not_for_all(void **state)
{
        (void)state;
        static const struct {
                mode_t mode;
                bool is_good;
        } modes[] = {{0600, true}, {0640, true}, {0660, true}, {0400, true}, {0644, false}, {0604, false},
                {0602, false}};
        static const char block[] = QUIET "key k { algorithm hmac-sha256; secret \"" SECRET "\"; };\n";
        for (size_t i = 0; i < ARRAY_SIZE(modes); i++) {
                check_mode("", "main.conf", block, modes[i].mode, modes[i].is_good);
                check_mode(QUIET "include \"keys\";", "keys",
                        "key k { algorithm hmac-sha256; secret " SECRET "; };", modes[i].mode,
                        modes[i].is_good);
                check_mode(QUIET "include \"Kk.+163+1.private\";", "Kk.+163+1.private", PRIVATE,
                        modes[i].mode, modes[i].is_good);
                check_mode(QUIET "key k { file \"Kk.+163+1.private\"; };", "Kk.+163+1.private", PRIVATE,
                        modes[i].mode, modes[i].is_good);
                check_mode(QUIET "key k { include \"inner\"; };", "inner",
                        "algorithm hmac-sha256; secret " SECRET ";", modes[i].mode, modes[i].is_good);
        }
        check_mode("", "main.conf", QUIET, 0644, true); /* no secret in it */
}

/* I8: a file from outside the configuration's folder is not shown, whatever it holds. */
static void test_a_file_from_outside_is_not_quoted(void **state)
{
        (void)state;
        FOLDER folder = folder_make();
        FOLDER outside = folder_make();
        char text[256];
        folder_write(&outside, "shadow", 0600,
                "root:hunter2:19000:0:99999:7:::\noptions { hunter2 hunter2; };\n"
                "acl x { hunter2; !; };\nzone hunter2..x { type hunter2; file hunter2 x; };\n");
        snprintf(text, sizeof(text), "include \"%s\";\n", folder_path(&outside, "shadow"));
        folder_write(&folder, "main.conf", 0644, text);
        assert_int_equal(symlink(folder_path(&outside, "shadow"), folder_path(&folder, "link")), 0);
        folder_write(&folder, "second.conf", 0644, "include \"link\";\n");
        static const char *const names[] = {"main.conf", "second.conf"};
        for (size_t n = 0; n < ARRAY_SIZE(names); n++) {
                LOADED loaded = load_file(folder_path(&folder, names[n]), true);
                assert_int_equal(loaded.r, -EINVAL);
                assert_true(loaded.diags.count > 2);
                for (size_t i = 0; i < loaded.diags.count; i++) {
                        CLEANUP(buffer_free) struct buffer shown = {0};
                        diag_format(&loaded.diags.items[i], &shown);
                        if (strstr(buffer_text(&shown), "hunter2"))
                                fail_msg("%s", buffer_text(&shown));
                }
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_include_beside_and_under_directory),
                cmocka_unit_test(test_globs),
                cmocka_unit_test(test_include_within_a_block),
                cmocka_unit_test(test_cycles_and_wrong_files),
                cmocka_unit_test(test_a_missing_main_file),
                cmocka_unit_test(test_key_files),
                cmocka_unit_test(test_wrong_key_files),
                cmocka_unit_test(test_one_fault_is_told_once),
                cmocka_unit_test(test_paths_that_are_not_there),
                cmocka_unit_test(test_files_with_secrets_are_not_for_all),
                cmocka_unit_test(test_a_file_from_outside_is_not_quoted),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
