/* Keys: files of dnssec-keygen, key blocks, and a new key. */

#include "load.h"

#include "conf/keys.h"

#define SECRET "YWxpYmFiYSdzIHNhbXBsZQ=="

static int parse_private(const char *text, struct tsig_key *key, const char **why)
{
        return keyfile_parse_private(text, strlen(text), key, why);
}

static void test_private_files(void **state)
{
        (void)state;
        static const struct {
                unsigned number;
                enum tsig_algorithm algorithm;
        } numbers[] = {{157, TSIG_HMAC_MD5}, {161, TSIG_HMAC_SHA1}, {162, TSIG_HMAC_SHA224},
                {163, TSIG_HMAC_SHA256}, {164, TSIG_HMAC_SHA384}, {165, TSIG_HMAC_SHA512}};
        for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
                char text[256];
                const char *why = "";
                struct tsig_key key = {.name = "\001k"};
                snprintf(text, sizeof(text),
                        "Private-key-format: v1.3\nAlgorithm: %u (HMAC)\nKey: " SECRET "\nBits: AAA=\n",
                        numbers[i].number);
                assert_int_equal(parse_private(text, &key, &why), 0);
                assert_int_equal(key.algorithm, numbers[i].algorithm);
                assert_int_equal(key.secret_length, 16);
                assert_memory_equal(key.secret, "alibaba's sample", 16);
                assert_int_equal(key.mac_bits, 0);
                assert_int_equal(key.name[0], 1); /* left alone */
        }
}

static void test_wrong_private_files(void **state)
{
        (void)state;
#define HEAD "Private-key-format: v1.3\n"
        static const struct {
                const char *text, *why;
        } cases[] = {
                {"", "does not begin with"},
                {"key x {};", "does not begin with"},
                {HEAD, "no Algorithm"},
                {HEAD "Algorithm: 163\n", "no Key line"},
                {HEAD "Key: " SECRET "\n", "no Algorithm"},
                {HEAD "Algorithm: 8 (RSASHA256)\nModulus: AAAA\n", "none of TSIG's"},
                {HEAD "Algorithm: x\nKey: " SECRET "\n", "none of TSIG's"},
                {HEAD "Algorithm: 99999999999999\nKey: " SECRET "\n", "none of TSIG's"},
                {HEAD "Algorithm: 163\nKey: !!!!\n", "not base64"},
                {HEAD "Algorithm: 163\nKey:\n", "empty"},
                {HEAD "Algorithm: 163\nKey: " SECRET "\nBits: AQ==\n", "Bits line is not understood"},
                {HEAD "Algorithm: 163\nKey: " SECRET "\nBits: AAg=\n", "too short or too long"},
        };
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                struct tsig_key key = {.mac_bits = 7};
                const char *why = "";
                assert_int_equal(parse_private(cases[i].text, &key, &why), -EINVAL);
                if (!strstr(why, cases[i].why))
                        fail_msg("%zu: %s", i, why);
                assert_int_equal(key.mac_bits, 7);
                assert_int_equal(key.secret_length, 0);
        }
        struct tsig_key key = {0};
        const char *why;
        assert_int_equal(
                parse_private(HEAD "Algorithm: 163\r\nKey: " SECRET "\r\nBits: AIA=\r\n", &key, &why), 0);
        assert_int_equal(key.mac_bits, 128);
}

static void test_key_records(void **state)
{
        (void)state;
        static const char *const good[] = {
                "test_key. IN KEY 512 3 163 " SECRET "\n",
                "; made by dnssec-keygen\n\ntest_key. 3600 IN KEY 512 3 163 YWxp YmFi YSdzIHNhbXBsZQ==",
                "Test_Key KEY 0 3 163 " SECRET,
        };
        for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
                struct tsig_key key = {0};
                const char *why = "";
                char text[NAME_TEXT_MAX];
                assert_int_equal(keyfile_parse_record(good[i], strlen(good[i]), &key, &why), 0);
                assert_string_equal(name_to_text(key.name, text), "test_key.");
                assert_int_equal(key.secret_length, 16);
        }
        static const char *const bad[] = {"", "; nothing\n", "x", "x. IN KEY", "x. IN KEY 512 3",
                "x. IN DNSKEY 256 3 8 AAAA", "x. IN KEY 512 3 163", "x. IN KEY 512 3 163 !!",
                "x. IN KEY 512 3 8 AAAA", "x..y. IN KEY 512 3 163 " SECRET};
        for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
                struct tsig_key key = {0};
                const char *why = NULL;
                assert_int_equal(keyfile_parse_record(bad[i], strlen(bad[i]), &key, &why), -EINVAL);
                assert_non_null(why);
        }
}

static void test_names_of_key_files(void **state)
{
        (void)state;
        char name[NAME_TEXT_MAX];
        assert_true(keyfile_name_from_path("/etc/keys/Ktest_key.+157+64252.private", name));
        assert_string_equal(name, "test_key.");
        assert_true(keyfile_name_from_path("Ka.example.+163+00001.key", name));
        assert_string_equal(name, "a.example.");
        assert_false(keyfile_name_from_path("Kernel.conf", name));
        assert_false(keyfile_name_from_path("K+1+2.key", name));
        assert_false(keyfile_name_from_path("Kx.+1+2.conf", name));
        assert_false(keyfile_name_from_path("dns.key", name));
        assert_false(keyfile_name_from_path("", name));
}

static void test_generated_keys_load(void **state)
{
        (void)state;
        static const char *const algorithms[] = {"hmac-md5", "hmac-sha1", "hmac-sha224", "hmac-sha256",
                "hmac-sha384", "hmac-sha512", "hmac-sha256-128"};
        for (size_t i = 0; i < ARRAY_SIZE(algorithms); i++) {
                CLEANUP(buffer_free) struct buffer text = {0};
                assert_int_equal(keyfile_generate("Transfer.example", algorithms[i], &text), 0);
                LOADED loaded = load_text(buffer_text(&text));
                assert_int_equal(loaded.r, 0);
                assert_string_equal(told(&loaded), "");
                assert_int_equal(loaded.conf->key_count, 1);
                const struct tsig_key *key = loaded.conf->keys[0];
                assert_int_equal(key->secret_length, tsig_mac_size(key->algorithm));
                assert_int_equal(key->mac_bits, i == 6 ? 128 : 0);
                assert_ptr_equal(conf_key_find(loaded.conf, (const uint8_t *)"\010TRANSFER\007example"), key);
        }
        CLEANUP(buffer_free) struct buffer out = {0};
        assert_int_equal(keyfile_generate("x", "hmac-sha3", &out), -EINVAL);
        assert_int_equal(keyfile_generate("", "hmac-sha256", &out), -EINVAL);
        assert_int_equal(keyfile_generate("a..b", "hmac-sha256", &out), -EINVAL);
        assert_int_equal(keyfile_generate("a\"b", "hmac-sha256", &out), -EINVAL);
}

static void test_key_blocks(void **state)
{
        (void)state;
        static const struct {
                const char *text, *told;
        } cases[] = {
                {"key a { algorithm hmac-md5; secret YWxpYmFiYSdzIHNhbXBsZQ==; };", ""},
                {"key \"a.b.\" { secret \"" SECRET "\"; algorithm \"HMAC-SHA256\"; };", ""},
                {"key a { algorithm hmac-sha512; secret \"YWxpYmFi\n   YSdzIHNh bXBsZQ==\"; };", ""},
                {"key a { algorithm hmac-sha512; secret \"YWxpYmFi\" \"YSdzIHNhbXBsZQ==\"; };", ""},
                {"key a { algorithm hmac-sha1; secret \"AAAA\"; };",
                        "1:1: warning: the secret of key \"a\" has 24 bits: fewer than 128 can be guessed\n"},
        };
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                LOADED loaded = load_text(cases[i].text);
                assert_string_equal(told(&loaded), cases[i].told);
                assert_int_equal(loaded.r, 0);
                assert_int_equal(loaded.conf->key_count, 1);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_private_files),
                cmocka_unit_test(test_wrong_private_files),
                cmocka_unit_test(test_key_records),
                cmocka_unit_test(test_names_of_key_files),
                cmocka_unit_test(test_generated_keys_load),
                cmocka_unit_test(test_key_blocks),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
