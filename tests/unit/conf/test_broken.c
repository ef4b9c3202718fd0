/* Wrong configurations: each file of broken/ with what must be told of it, position and text, in its .expect.
 */

#include "load.h"

#include "conf/reader.h"

#include <dirent.h>
#include <strings.h>

#define BROKEN "tests/unit/conf/broken/"

static void read_text(const char *path, char *text, size_t size)
{
        FILE *file = fopen(path, "re");
        if (!file)
                fail_msg("%s", path);
        text[fread(text, 1, size - 1, file)] = '\0';
        fclose(file);
}

/* What is wrong alone, without the warnings and notes beside it. */
static void keep_errors(const char *text, char *errors)
{
        *errors = '\0';
        for (const char *line = text, *end; *line; line = end + 1) {
                end = strchr(line, '\n');
                const char *colon = strstr(line, ": ");
                if (colon && strncmp(colon, ": error: ", 9) == 0)
                        strncat(errors, line, (size_t)(end - line) + 1);
        }
}

static void check_file(const char *name)
{
        static char text[65536], expected[65536], errors[65536];
        char path[512];
        snprintf(path, sizeof(path), BROKEN "%s", name);
        read_text(path, text, sizeof(text));
        strcpy(strstr(path, ".conf"), ".expect");
        read_text(path, expected, sizeof(expected));
        LOADED loaded = load_text(text);
        assert_int_equal(loaded.r, -EINVAL);
        assert_null(loaded.conf);
        keep_errors(told(&loaded), errors);
        if (strcmp(errors, expected) != 0)
                fail_msg("%s:\n--- told\n%s--- expected\n%s", name, errors, expected);
}

static void test_each_is_told_at_its_place(void **state)
{
        (void)state;
        DIR *folder = opendir(BROKEN);
        size_t count = 0;
        assert_non_null(folder);
        for (const struct dirent *entry; (entry = readdir(folder));)
                if (strstr(entry->d_name, ".conf")) {
                        check_file(entry->d_name);
                        count++;
                }
        closedir(folder);
        assert_true(count >= 20);
}

static void test_hints(void **state)
{
        (void)state;
        static const struct {
                const char *text, *hint;
        } cases[] = {
                {"optoins { };", "did you mean \"options\"?"},
                {"options { alow-transfer { none; }; };", "did you mean \"allow-transfer\"?"},
                {"zone a { fiel a; };", "did you mean \"file\"?"},
                {"zone a { file a; allow-transfer { key kk; }; };" KEY, "did you mean \"k\"?"},
                {"zone a { file a; allow-transfer { ofice; }; }; acl office { none; };",
                        "did you mean \"office\"?"},
                {"options { allow-transfer { any; }; };", "allow-transfer { key \"NAME\"; }; or addresses"},
                {"zone a { };", "file \"FILE\"; or a zone-files statement with a folder of zones"},
        };
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                LOADED loaded = load_text(cases[i].text);
                const struct diag *diag = diag_first_error(&loaded.diags);
                assert_non_null(diag);
                assert_string_equal(diag->hint, cases[i].hint);
        }
}

static void test_source_line(void **state)
{
        (void)state;
        LOADED loaded = load_text("options {\r\n\tdirectroy \"x\";\r\n};\r\n");
        const struct diag *diag = diag_first_error(&loaded.diags);
        assert_string_equal(diag->source_line, "\tdirectroy \"x\";");
        assert_string_equal(diag->file, "test.conf");
        assert_int_equal(diag->line, 2);
        assert_int_equal(diag->column, 2);
        assert_string_equal(diag->code, "unknown-statement");
}

/* I8: whatever single octet of a configuration is wrong, no part of its secret is shown. */
static void test_no_fault_shows_a_secret(void **state)
{
        (void)state;
        static const char text[] = "options { notify no; };\nkey k {\n algorithm hmac-sha256;\n secret "
                                   "\"SHOWNSHOWNSHOWNSHOWNSHOWN==\";\n};"
                                   " zone x { file x; };\nkey l { algorithm hmac-sha1; secret "
                                   "SHOWNSHOWNSHOWN; }; zone y { file y; };\n"
                                   "key m {\n algorithm hmac-sha256;\n secret \"SHOWNSHOWN\n  "
                                   "SHOWNSHOWN\nSHOWN=\";\n};\nzone z { file z; };\n";
        static const char octets[] = {'\0', '"', '{', '}', ';', '\n', ' ', '#', '/', '!', 'x', '\\'};
        char changed[sizeof(text) + 1];
        for (size_t at = 0; at < sizeof(text) - 1; at++)
                for (size_t i = 0; i < 2 * sizeof(octets); i++) {
                        /* replaced by the octet, or the octet put before it; '\0' = left out */
                        char octet = octets[i / 2];
                        bool is_insert = i % 2 == 1;
                        memcpy(changed, text, at);
                        size_t length = at;
                        if (octet != '\0')
                                changed[length++] = octet;
                        size_t from = is_insert ? at : at + 1;
                        memcpy(changed + length, text + from, sizeof(text) - 1 - from);
                        length += sizeof(text) - 1 - from;
                        LOADED loaded = load_octets(changed, length);
                        for (size_t n = 0; n < loaded.diags.count; n++) {
                                CLEANUP(buffer_free) struct buffer shown = {0};
                                diag_format(&loaded.diags.items[n], &shown);
                                if (strstr(buffer_text(&shown), "SHOWN"))
                                        fail_msg("%.*s\n%s", (int)length, changed, buffer_text(&shown));
                        }
                }
}

static void test_any_prefix_of_a_configuration_ends(void **state)
{
        (void)state;
        static char text[65536];
        read_text("tests/unit/conf/fixtures/named.conf", text, sizeof(text));
        size_t length = strlen(text);
        for (size_t i = 0; i < length; i += 3) {
                LOADED loaded = load_octets(text, i);
                assert_true(loaded.r == 0 || loaded.r == -EINVAL);
                assert_int_equal(loaded.r == 0, loaded.diags.error_count == 0);
        }
}

static void test_the_statement_table_is_sorted_and_clear(void **state)
{
        (void)state;
        assert_true(rule_count() <= RULE_COUNT_MAX);
        for (size_t i = 0; i < rule_count(); i++) {
                const struct rule *rule = rule_at(i), *elsewhere;
                if (i > 0 && rule != foreign_rules && rule != block_rules && strcmp(rule_at(i - 1)->name, rule->name) > 0)
                        fail_msg("%s stands behind %s", rule->name, rule_at(i - 1)->name);
                for (unsigned place = PLACE_TOP; place <= PLACE_TEMPLATE; place *= 2)
                        if (rule->places & place)
                                assert_ptr_equal(rule_find(rule->name, place, &elsewhere), rule);
                if (rule->verdict == NOTED || rule->verdict == REFUSED)
                        assert_non_null(rule->why);
        }
}

/* Every statement that the manual of BIND 9.18's and 9.20's named.conf lists has a row. */
static void test_the_statement_table_knows_named_conf(void **state)
{
        (void)state;
        static char text[65536];
        read_text("tests/unit/conf/fixtures/named.conf-statements", text, sizeof(text));
        enum place place = PLACE_TOP;
        size_t count = 0;
        for (char *save = NULL, *word = strtok_r(text, " \n", &save); word;
                word = strtok_r(NULL, " \n", &save)) {
                const struct rule *elsewhere;
                if (strcmp(word, "TOP:") == 0)
                        place = PLACE_TOP;
                else if (strcmp(word, "OPTIONS:") == 0)
                        place = PLACE_OPTIONS;
                else if (strcmp(word, "ZONE:") == 0)
                        place = PLACE_ZONE;
                else if (!rule_find(word, place, &elsewhere))
                        fail_msg("%s", word);
                else
                        count++;
        }
        assert_true(count > 300);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_each_is_told_at_its_place),
                cmocka_unit_test(test_hints),
                cmocka_unit_test(test_source_line),
                cmocka_unit_test(test_no_fault_shows_a_secret),
                cmocka_unit_test(test_any_prefix_of_a_configuration_ends),
                cmocka_unit_test(test_the_statement_table_is_sorted_and_clear),
                cmocka_unit_test(test_the_statement_table_knows_named_conf),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
