/* Signature Version 4 against the vectors that AWS publishes: aws-sig-v4-test-suite, as awslabs/aws-c-auth
 * has it in tests/aws-signing-test-suite/v4. All of it that signs what our signer signs: host, date, token.
 * (Not here: other headers; paths that are not percent-encoded yet, which it does not take; normalized paths,
 * which an API without dots and double slashes in its paths has no use for.) */
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

#define STS_TOKEN                                                                                            \
        "AQoDYXdzEPT//////////"                                                                              \
        "wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwAeMicRXmxfpSPfIeoIYRq"                    \
        "TflfKD8YUuwthAx7mSEI/qkPpKPi/"                                                                      \
        "kMcGdQrmGdeehM4IC1NtBmUpp2wUE8phUZampKsburEDy0KPkyQDYwT7WZ0wq5VSXDvp75Y"                            \
        "U9HFvlRd8Tx6q6fE8YQcHNVXAkiY9q6d+xo0rKwT38xVqr7ZD0u0iPPkUL64lIZbqBAz+"                              \
        "scqKmlzm8FDrypNC9Yjc8fPOLn9FX9K"                                                                    \
        "SYvKTr4rvx3iSIlTJabIQwj2ICCR/oLxBA=="

static const struct vector {
        const char *name, *method, *path, *query, *signature, *token;
} vectors[] = {
        {"get-vanilla", "GET", "/", "", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
                NULL},
        {"get-vanilla-query-order-key-case", "GET", "/", "Param2=value2&Param1=value1",
                "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500", NULL},
        {"get-vanilla-query-unreserved", "GET", "/",
                "-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz="
                "-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
                "9c3e54bfcdf0b19771a7f523ee5669cdf59bc7cc0884027167c21bb143a40197", NULL},
        {"get-unreserved", "GET", "/-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz", "",
                "07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f", NULL},
        {"post-vanilla", "POST", "/", "", "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b",
                NULL},
        {"post-vanilla-query", "POST", "/", "Param1=value1",
                "28038455d6de14eafc1f9222cf5aa6f1a96197d7deb8263271d420d138af7f11", NULL},
        {"get-vanilla-empty-query-key", "GET", "/", "Param1=value1",
                "a67d582fa61cc504c4bae71f336f98b97f1ea3c7a6bfe1b6e45aec72011b9aeb", NULL},
        {"get-vanilla-query-order-encoded", "GET", "/", "Param-3=Value3&Param=Value2&%E1%88%B4=Value1",
                "371d3713e185cc334048618a97f809c9ffe339c62934c032af5a0e595648fcac", NULL},
        {"get-vanilla-utf8-query", "GET", "/", "%E1%88%B4=bar",
                "2cdec8eed098649ff3a119c94853b13c643bcf08f8b0a1d91e12c9027818dd04", NULL},
        {"get-slashes-unnormalized", "GET", "//example//", "",
                "87cca117541a147f6df867677d98a7d80dff226d2bfca9e4ffa899665623c7e5", NULL},
        {"get-slash-dot-slash-unnormalized", "GET", "/./", "",
                "68714168e6557f8f2de0ef956fc24dc2593a4bd2961f8df51898d8a134695145", NULL},
        {"get-slash-pointless-dot-unnormalized", "GET", "/./example", "",
                "beb03f223f7deae4146464f06e29eebbee9c8afbe15c290cf07aa8b119e14cff", NULL},
        {"get-relative-unnormalized", "GET", "/example/..", "",
                "eca7ead57bb5aa5c8e28007acd4ff04e1ff9a0ff3b237ec1554a184887ff9282", NULL},
        {"get-relative-relative-unnormalized", "GET", "/example1/example2/../..", "",
                "dc33e0856fd4baca4d7aa2146c38958283844764f38c74252a333df5e613003b", NULL},
        {"get-vanilla-with-session-token", "GET", "/", "",
                "07ec1639c89043aa0e3e2de82b96708f198cceab042d4a97044c66dd9f74e7f8",
                "6e86291e8372ff2a2260956d9b8aae1d763fbf315fa00fa31553b73ebf194267"},
        {"post-sts-header-before", "POST", "/", "",
                "85d96828115b5dc0cfc3bd16ad9e210dd772bbebba041836c64533a82be05ead", STS_TOKEN},
        {"post-sts-header-after", "POST", "/", "",
                "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b", NULL},
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
                const struct sigv4_credentials credentials = {
                        example.key_id, example.secret, vectors[i].token};
                assert_int_equal(sigv4_sign(&request, &credentials, "us-east-1", "service", &got, date), 0);
                buffer_printf(&want,
                        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, "
                        "SignedHeaders=host;x-amz-date%s, Signature=%s",
                        vectors[i].token ? ";x-amz-security-token" : "", vectors[i].signature);
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
