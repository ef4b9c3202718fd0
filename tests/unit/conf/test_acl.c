/* Address match lists: first match wins, negation, nesting, keys, named lists. */

#include "load.h"

/* Loads `list` as allow-transfer of a zone. */
static struct loaded load_list(const char *list)
{
        char text[2048];
        snprintf(text, sizeof(text),
                KEY "key other { algorithm hmac-sha1; secret \"MTIzNDU2Nzg5MDEyMzQ1Njc4OTA=\"; };\n"
                    "acl office { 192.0.2.0/24; !198.51.100.1; };\n"
                    "zone x { file x; notify no; transfers-public yes; allow-transfer { %s }; };",
                list);
        struct loaded loaded = load_text(text);
        if (loaded.r < 0)
                fail_msg("%s: %s", list, told(&loaded));
        return loaded;
}

static const struct tsig_key *key_of(const struct loaded *loaded, const char *name)
{
        for (size_t i = 0; name && i < loaded->conf->key_count; i++)
                if (loaded->conf->keys[i]->name[1] == name[0])
                        return loaded->conf->keys[i];
        return NULL;
}

static void test_matching(void **state)
{
        (void)state;
        static const struct {
                const char *list, *peer, *key;
                enum acl_verdict verdict;
                const char *rule;
        } cases[] = {
                {"", "192.0.2.1", "k", ACL_NO_MATCH, "-"},
                {"any;", "192.0.2.1", NULL, ACL_ALLOWED, "any"},
                {"any;", "2001:db8::1", NULL, ACL_ALLOWED, "any"},
                {"none;", "192.0.2.1", NULL, ACL_DENIED, "none"},
                {"!none;", "192.0.2.1", NULL, ACL_ALLOWED, "!none"},
                {"192.0.2.1;", "192.0.2.1", NULL, ACL_ALLOWED, "192.0.2.1"},
                {"192.0.2.1;", "192.0.2.2", NULL, ACL_NO_MATCH, "-"},
                {"10/8;", "10.9.8.7", NULL, ACL_ALLOWED, "10/8"},
                {"2001:db8::/32;", "2001:db8:1::1", NULL, ACL_ALLOWED, "2001:db8::/32"},
                {"!192.0.2.1; 192.0.2.0/24;", "192.0.2.1", NULL, ACL_DENIED, "!192.0.2.1"},
                {"! 192.0.2.1; 192.0.2.0/24;", "192.0.2.2", NULL, ACL_ALLOWED, "192.0.2.0/24"},
                {"192.0.2.0/24; !192.0.2.1;", "192.0.2.1", NULL, ACL_ALLOWED, "192.0.2.0/24"},
                {"key k;", "192.0.2.1", "k", ACL_ALLOWED, "key k"},
                {"key k;", "192.0.2.1", "o", ACL_NO_MATCH, "-"},
                {"key k;", "192.0.2.1", NULL, ACL_NO_MATCH, "-"},
                {"!key k; any;", "192.0.2.1", "k", ACL_DENIED, "!key k"},
                {"{ 192.0.2.1; key k; };", "192.0.2.1", NULL, ACL_ALLOWED, "{ ... }"},
                {"office;", "192.0.2.77", NULL, ACL_ALLOWED, "office"},
                {"office;", "198.51.100.1", NULL, ACL_NO_MATCH, "-"},
                {"!office; any;", "192.0.2.77", NULL, ACL_DENIED, "!office"},
                /* a denial inside is no match outside: BIND lets this peer in by "any" */
                {"!office; any;", "198.51.100.1", NULL, ACL_ALLOWED, "any"},
                /* the idiom for "address and key" */
                {"!{ !192.0.2.1; any; }; key k;", "192.0.2.1", "k", ACL_ALLOWED, "key k"},
                {"!{ !192.0.2.1; any; }; key k;", "192.0.2.1", NULL, ACL_NO_MATCH, "-"},
                {"!{ !192.0.2.1; any; }; key k;", "192.0.2.2", "k", ACL_DENIED, "!{ ... }"},
                {"localhost;", "127.0.0.1", NULL, ACL_ALLOWED, "localhost"},
                {"localnets;", "127.0.0.1", NULL, ACL_ALLOWED, "localnets"},
                {"!localhost; any;", "127.0.0.1", NULL, ACL_DENIED, "!localhost"},
                {"localhost;", "192.0.2.1", NULL, ACL_NO_MATCH, "-"},
        };
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                LOADED loaded = load_list(cases[i].list);
                struct address peer;
                const char *rule = "-";
                assert_int_equal(address_parse(cases[i].peer, &peer), 0);
                int verdict = acl_match(loaded.conf->zones[0].policy.allow_transfer, &peer,
                        key_of(&loaded, cases[i].key), &rule);
                if (verdict != (int)cases[i].verdict || strcmp(rule, cases[i].rule) != 0)
                        fail_msg("{ %s } with %s: %d by %s", cases[i].list, cases[i].peer, verdict, rule);
        }
}

static void test_who_passes_by_key_or_address_alone(void **state)
{
        (void)state;
        static const struct {
                const char *list;
                bool key_only, address;
        } cases[] = {
                {"", false, false},
                {"key k;", true, false},
                {"!key k;", false, false},
                {"192.0.2.1;", false, true},
                {"192.0.2.1; key k;", true, true},
                {"{ key k; };", true, false},
                {"!{ !192.0.2.1; any; }; key k;", false, false},
                {"!192.0.2.9; key k;", true, false},
                {"none; key k;", false, false},
                {"any; key k;", false, true},
                {"!192.0.2.1; any;", false, false},
        };
        struct address peer;
        assert_int_equal(address_parse("192.0.2.1", &peer), 0);
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                LOADED loaded = load_list(cases[i].list);
                const struct acl *acl = loaded.conf->zones[0].policy.allow_transfer;
                if (acl_has_key_only(acl) != cases[i].key_only ||
                        acl_allows_address(acl, &peer) != cases[i].address)
                        fail_msg("{ %s }", cases[i].list);
        }
        assert_int_equal(acl_match(NULL, &peer, NULL, NULL), ACL_NO_MATCH);
        assert_false(acl_has_key_only(NULL));
        assert_false(acl_allows_address(NULL, &peer));
}

/* A list of lists of lists would be matched in exponential time. */
static void test_matching_is_bounded(void **state)
{
        (void)state;
        CLEANUP(buffer_free) struct buffer text = {0};
        buffer_append_text(&text, "acl a0 { 192.0.2.1; };\n");
        for (int i = 1; i < 25; i++)
                buffer_printf(&text, "acl a%d { a%d; a%d; };\n", i, i - 1, i - 1);
        LOADED loaded = load_text(buffer_text(&text));
        assert_int_equal(loaded.r, -EINVAL);
        assert_non_null(strstr(told(&loaded), "more than 100000 elements"));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_matching),
                cmocka_unit_test(test_who_passes_by_key_or_address_alone),
                cmocka_unit_test(test_matching_is_bounded),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
