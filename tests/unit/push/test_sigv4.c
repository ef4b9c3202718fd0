/* Signature Version 4 against the vectors that AWS publishes (aws-sig-v4-test-suite), and its example of
 * IAM's key. */
#include "push/sigv4.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buffer.h"
#include "base/cleanup.h"

#include <string.h>

#define AT_USEC 1440938160000000ull /* 20150830T123600Z */

static const struct vector {
        const char *name, *method, *path, *query, *signature;
} vectors[] = {
        {"get-vanilla", "GET", "/", "", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
        {"get-vanilla-query-order-key-case", "GET", "/", "Param2=value2&Param1=value1",
                "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"},
        {"get-vanilla-query-unreserved", "GET", "/",
                "-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz="
                "-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
                "9c3e54bfcdf0b19771a7f523ee5669cdf59bc7cc0884027167c21bb143a40197"},
        {"get-unreserved", "GET", "/-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz", "",
                "07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f"},
        {"post-vanilla", "POST", "/", "", "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"},
        {"post-vanilla-query", "POST", "/", "Param1=value1",
                "28038455d6de14eafc1f9222cf5aa6f1a96197d7deb8263271d420d138af7f11"},
};

static const struct sigv4_credentials example = {
        "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", NULL};

static void published_vectors(void **state)
{
        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
                CLEANUP(buffer_free) struct buffer got = {0};
                CLEANUP(buffer_free) struct buffer want = {0};
                char date[SIGV4_DATE_MAX];
                struct sigv4_request request = {.method = vectors[i].method,
                        .host = "example.amazonaws.com",
                        .path = vectors[i].path,
                        .query = vectors[i].query,
                        .at_usec = AT_USEC};
                assert_int_equal(sigv4_sign(&request, &example, "us-east-1", "service", &got, date), 0);
                buffer_printf(&want,
                        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, "
                        "SignedHeaders=host;x-amz-date, Signature=%s",
                        vectors[i].signature);
                assert_string_equal(buffer_text(&got), buffer_text(&want));
                assert_string_equal(date, "20150830T123600Z");
        }
}

/* A session token is signed too, and changes the signature; so do path and body. */
static void token_path_and_body_count(void **state)
{
        const struct sigv4_credentials with_token = {example.key_id, example.secret, "a/token=="};
        static const struct {
                const char *path, *body;
                bool has_token;
        } cases[] = {{"/", "", false}, {"/", "", true}, {"/proxy/", "", false}, {"/", "x", false}};
        char seen[ARRAY_SIZE(cases)][65];
        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                CLEANUP(buffer_free) struct buffer got = {0};
                char date[SIGV4_DATE_MAX];
                struct sigv4_request request = {.method = "POST",
                        .host = "h",
                        .path = cases[i].path,
                        .query = "",
                        .body = cases[i].body,
                        .body_length = strlen(cases[i].body),
                        .at_usec = AT_USEC};
                assert_int_equal(sigv4_sign(&request, cases[i].has_token ? &with_token : &example, "r", "s",
                                         &got, date),
                        0);
                const char *signature = strstr(buffer_text(&got), "Signature=");
                assert_non_null(signature);
                strcpy(seen[i], signature + 10);
                assert_int_equal(
                        strstr(buffer_text(&got), "x-amz-security-token") != NULL, cases[i].has_token);
                for (size_t n = 0; n < i; n++)
                        assert_string_not_equal(seen[i], seen[n]);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(published_vectors),
                cmocka_unit_test(token_path_and_body_count),
        };
        return cmocka_run_group_tests_name("sigv4", tests, NULL, NULL);
}
