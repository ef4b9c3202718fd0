/* zonecrier check and keygen: what they print, and their exit statuses. */
#include "captured.h"

#include "base/cleanup.h"
#include "client/client.h"
#include "conf/keyfile.h"

#include <jansson.h>
#include <sys/stat.h>

#define SOA "$TTL 3600\n@ IN SOA ns1 hostmaster 5 7200 900 1209600 300\n@ NS ns1\nns1 A 192.0.2.1\n"

static char folder[64];

static void write_file(const char *name, const char *text)
{
        FILE *file = fopen(name, "w");
        assert_non_null(file);
        fputs(text, file);
        assert_int_equal(fclose(file), 0);
}

static int setup(void **state)
{
        (void)state;
        strcpy(folder, "/tmp/zonecrier-check-XXXXXX");
        assert_non_null(mkdtemp(folder));
        assert_int_equal(chdir(folder), 0);
        assert_int_equal(mkdir("good", 0755), 0);
        assert_int_equal(mkdir("bad", 0755), 0);
        assert_int_equal(mkdir("bad/parts", 0755), 0);
        assert_int_equal(mkdir("empty", 0755), 0);
        write_file("good/example.com.zone", SOA);
        write_file("good/0%2F25.2.0.192.in-addr.arpa.zone", /* a name below the slash is no host's */
                "$TTL 3600\n@ SOA ns1.example.com. h.example.com. 5 7200 900 1209600 300\n"
                "@ NS ns1.example.com.\n");
        write_file("good/README", "not a zone\n");
        write_file("good/.example.com.zone.swp", "not a zone\n");
        write_file("bad/one.example.zone", SOA "www A 300.1.1.1\nwww2 A x\n");
        write_file("bad/two.example.zone", SOA "$INCLUDE parts/hosts\n");
        write_file("bad/parts/hosts", "a A 1.2.3\n");
        write_file("bad/Three.Example.zone", SOA);
        write_file("bad/three.example.zone", SOA);
        write_file("bad/a..b.zone", SOA);
        write_file("db.example", SOA);
        write_file("cut.example.zone", SOA "www A 192.0.2.2");
        return 0;
}

static int teardown(void **state)
{
        char command[128];
        (void)state;
        snprintf(command, sizeof(command), "rm -r %s", folder);
        return chdir("/") == 0 ? system(command) : 1;
}

static int check(struct captured *captured, struct client client, const char *path)
{
        char *arguments[] = {(char *)(uintptr_t)path, NULL};
        capture_begin(captured);
        int exit_status = client_check(&client, arguments, 1);
        capture_end(captured);
        return exit_status;
}

static void clean_files_are_0(void **state)
{
        struct captured captured;
        (void)state;

        assert_int_equal(check(&captured, (struct client){0}, "good"), CLIENT_OK);
        assert_string_equal(captured.text[0], "2 files: 0 errors, 0 warnings\n");
        assert_int_equal(check(&captured, (struct client){0}, "good/example.com.zone"), CLIENT_OK);
        assert_string_equal(
                captured.text[0], "good/example.com.zone: example.com, serial 5, 3 records: clean\n");
        assert_int_equal(
                check(&captured, (struct client){0}, "good/0%2F25.2.0.192.in-addr.arpa.zone"), CLIENT_OK);
        assert_non_null(strstr(captured.text[0], "0/25.2.0.192.in-addr.arpa, serial 5"));
        assert_int_equal(
                check(&captured, (struct client){.origin = "Example.NET."}, "db.example"), CLIENT_OK);
        assert_non_null(strstr(captured.text[0], "example.net, serial 5"));
}

static void errors_are_1_and_all_told(void **state)
{
        struct captured captured;
        (void)state;

        assert_int_equal(check(&captured, (struct client){0}, "bad"), CLIENT_WRONG);
        assert_non_null(strstr(captured.text[0], "bad/one.example.zone:5:7: error: "));
        assert_non_null(strstr(captured.text[0], "bad/one.example.zone:6:8: error: "));
        assert_non_null(strstr(captured.text[0], "bad/parts/hosts:1:5: error: "));
        assert_non_null(strstr(captured.text[0], "included from bad/two.example.zone:5"));
        assert_non_null(strstr(captured.text[0],
                "bad/three.example.zone: error: bad/Three.Example.zone is a file for the same zone"));
        assert_non_null(
                strstr(captured.text[0], "bad/a..b.zone: error: the file's name is not the name of a zone"));
        assert_non_null(strstr(
                captured.text[0], "5 files: 5 errors, 0 warnings; 4 of them would not be published\n"));
        assert_null(strstr(captured.text[0], folder));
}

static void a_cut_file_is_warned_of(void **state)
{
        struct captured captured;
        (void)state;

        assert_int_equal(check(&captured, (struct client){0}, "cut.example.zone"), CLIENT_OK);
        assert_non_null(
                strstr(captured.text[0], "cut.example.zone: warning: the file does not end in a newline"));
        assert_non_null(
                strstr(captured.text[0], "cut.example.zone: cut.example, serial 5, 4 records: 1 warning\n"));
}

static void what_cannot_be_read_is_2(void **state)
{
        struct captured captured;
        struct client origin = {.origin = "a..b"};
        (void)state;

        assert_int_equal(check(&captured, (struct client){0}, "nowhere"), CLIENT_FAILED);
        assert_string_equal(captured.text[1], "zonecrier: nowhere: No such file or directory\n");
        assert_int_equal(check(&captured, (struct client){0}, "empty"), CLIENT_FAILED);
        assert_int_equal(check(&captured, (struct client){0}, "db.example"), CLIENT_FAILED);
        assert_non_null(strstr(captured.text[1], "--origin"));
        assert_int_equal(check(&captured, origin, "db.example"), CLIENT_FAILED);
        origin.origin = "example.net";
        assert_int_equal(check(&captured, origin, "good"), CLIENT_FAILED);
        char *two[] = {(char *)(uintptr_t) "good/example.com.zone", (char *)(uintptr_t) "db.example", NULL};
        capture_begin(&captured);
        int exit_status = client_check(&origin, two, 2);
        capture_end(&captured);
        assert_int_equal(exit_status, CLIENT_FAILED);
}

static void json_has_positions(void **state)
{
        struct captured captured;
        (void)state;

        assert_int_equal(check(&captured, (struct client){.is_json = true}, "bad"), CLIENT_WRONG);
        json_t *json = json_loads(captured.text[0], 0, NULL);
        assert_int_equal(json_integer_value(json_object_get(json, "errors")), 5);
        const json_t *file, *first = NULL;
        size_t i;
        json_array_foreach(json_object_get(json, "files"), i, file)
        {
                if (strcmp(json_string_value(json_object_get(file, "file")), "bad/one.example.zone") == 0)
                        first = file;
        }
        assert_non_null(first);
        assert_string_equal(json_string_value(json_object_get(first, "zone")), "one.example");
        assert_true(json_is_null(json_object_get(first, "serial")));
        const json_t *diagnostic = json_array_get(json_object_get(first, "diagnostics"), 0);
        assert_string_equal(json_string_value(json_object_get(diagnostic, "severity")), "error");
        assert_int_equal(json_integer_value(json_object_get(diagnostic, "line")), 5);
        assert_int_equal(json_integer_value(json_object_get(diagnostic, "column")), 7);
        assert_string_equal(json_string_value(json_object_get(diagnostic, "source_line")), "www A 300.1.1.1");
        json_decref(json);

        write_file("latin.example.zone", SOA "www TXT \"gr\xfc\xdf\"\nb\xfc A x\n");
        assert_int_equal(
                check(&captured, (struct client){.is_json = true}, "latin.example.zone"), CLIENT_WRONG);
        json = json_loads(captured.text[0], 0, NULL);
        assert_non_null(json);
        json_decref(json);
}

/* Workflow commands of GitHub Actions, one line each. */
static void github_annotations(void **state)
{
        struct captured captured;
        (void)state;

        assert_int_equal(check(&captured, (struct client){.format = "github"}, "bad"), CLIENT_WRONG);
        assert_ptr_equal(strstr(captured.text[0], "::error file="), captured.text[0]);
        assert_non_null(strstr(captured.text[0],
                "\n::error file=bad/one.example.zone,line=5,col=7,title=bad-ipv4-address::'300.1.1.1' is not "
                "an "
                "IPv4 address%0Afour numbers"));
        assert_non_null(strstr(captured.text[0], "%0Aincluded from bad/two.example.zone:5\n"));
        write_file("odd.example.zone", SOA "a A 100%,\n");
        assert_int_equal(
                check(&captured, (struct client){.format = "github"}, "odd.example.zone"), CLIENT_WRONG);
        assert_non_null(strstr(captured.text[0], "::'100%25,' is not"));
        assert_int_equal(check(&captured, (struct client){.format = "xml"}, "bad"), CLIENT_FAILED);
        assert_int_equal(check(&captured, (struct client){.format = "github"}, "good"), CLIENT_OK);
        assert_string_equal(captured.text[0], "");
}

/* The configuration says how loudly, and which zones there are. */
static void severities_of_a_configuration(void **state)
{
        struct captured captured;
        struct client client = {.config = "zc.conf"};
        char conf[512];
        (void)state;

        assert_int_equal(mkdir("served", 0755), 0);
        write_file("served/a.example.zone", SOA "a_b A 192.0.2.1\n");
        write_file("served/b.example.zone", SOA "a_b A 192.0.2.1\n");
        snprintf(conf, sizeof(conf),
                "options { check-names primary warn; notify no; allow-transfer { none; }; };\n"
                "zone-files { directory \"served\"; };\n"
                "zone b.example { check-names fail; };\nzone c.example { file \"db.example\"; };\n");
        write_file("zc.conf", conf);
        capture_begin(&captured);
        int exit_status = client_check(&client, NULL, 0);
        capture_end(&captured);
        assert_string_equal(captured.text[1], "");
        assert_int_equal(exit_status, CLIENT_WRONG);
        assert_non_null(strstr(captured.text[0], "served/a.example.zone:5:1: warning: a_b.a.example."));
        assert_non_null(strstr(captured.text[0], "served/b.example.zone:5:1: error: a_b.b.example."));
        assert_non_null(strstr(captured.text[0], "3 files: 1 error, 1 warning; 1 of them"));
        assert_int_equal(check(&captured, client, "served/a.example.zone"), CLIENT_OK);
        assert_int_equal(check(&captured, (struct client){0}, "served/a.example.zone"), CLIENT_WRONG);
        write_file("zc.conf", "options { check-names primary maybe; };\n");
        assert_int_equal(check(&captured, client, "served/a.example.zone"), CLIENT_FAILED);
        assert_non_null(strstr(captured.text[1], "zc.conf:1:31: error:"));
        capture_begin(&captured);
        exit_status = client_check(&(struct client){0}, NULL, 0);
        capture_end(&captured);
        assert_int_equal(exit_status, CLIENT_FAILED);
}

/* A zone file that leads out of its folder is refused, and nothing of what it leads to is shown (I8). */
static void a_symlink_out_of_the_folder(void **state)
{
        struct captured captured;
        (void)state;

        assert_int_equal(mkdir("linked", 0755), 0);
        write_file("secret", "the secret text\n");
        assert_int_equal(symlink("../secret", "linked/a.example.zone"), 0);
        assert_int_equal(check(&captured, (struct client){0}, "linked"), CLIENT_FAILED);
        assert_non_null(strstr(captured.text[1], "leads out of its folder"));
        assert_null(strstr(captured.text[0], "secret text"));
        write_file("linked/b.example.zone", SOA "$INCLUDE ../secret\n$INCLUDE sub\n$INCLUDE /etc/hostname\n");
        assert_int_equal(symlink("../secret", "linked/sub"), 0);
        assert_int_equal(check(&captured, (struct client){0}, "linked/b.example.zone"), CLIENT_WRONG);
        assert_non_null(strstr(captured.text[0], "linked/b.example.zone:5:10: error: "));
        assert_non_null(strstr(captured.text[0], "linked/b.example.zone:6:10: error: "));
        assert_non_null(strstr(captured.text[0], "linked/b.example.zone:7:10: error: "));
        assert_null(strstr(captured.text[0], "secret text"));
}

static int keygen(struct captured *captured, const char *name, const char *algorithm)
{
        struct client client = {.algorithm = algorithm};
        char *arguments[] = {(char *)(uintptr_t)name, NULL};
        capture_begin(captured);
        int exit_status = client_keygen(&client, arguments, 1);
        capture_end(captured);
        return exit_status;
}

static void keygen_prints_a_key_block(void **state)
{
        struct captured captured, again;
        (void)state;

        assert_int_equal(keygen(&captured, "he-key", NULL), CLIENT_OK);
        assert_ptr_equal(strstr(captured.text[0], "key \"he-key\" {\n\talgorithm hmac-sha256;\n\tsecret \""),
                captured.text[0]);
        assert_int_equal(keygen(&again, "he-key", NULL), CLIENT_OK);
        assert_string_not_equal(captured.text[0], again.text[0]);
        assert_int_equal(keygen(&captured, "k", "hmac-sha512"), CLIENT_OK);
        assert_non_null(strstr(captured.text[0], "algorithm hmac-sha512;"));
        assert_int_equal(keygen(&captured, "k", "hmac-sha3"), CLIENT_FAILED);
        assert_string_equal(captured.text[0], "");
        assert_non_null(strstr(captured.text[1], "is no algorithm for TSIG"));
        assert_int_equal(keygen(&captured, "a..b", NULL), CLIENT_FAILED);
        assert_non_null(strstr(captured.text[1], "is not a name for a key"));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(clean_files_are_0),
                cmocka_unit_test(errors_are_1_and_all_told),
                cmocka_unit_test(a_cut_file_is_warned_of),
                cmocka_unit_test(what_cannot_be_read_is_2),
                cmocka_unit_test(json_has_positions),
                cmocka_unit_test(github_annotations),
                cmocka_unit_test(severities_of_a_configuration),
                cmocka_unit_test(a_symlink_out_of_the_folder),
                cmocka_unit_test(keygen_prints_a_key_block),
        };
        return cmocka_run_group_tests(tests, setup, teardown);
}
