/* What is logged of a request at --debug, in all the ways curl writes a header. */
#include "../cmocka_first.h"

#include "base/cleanup.h"
#include "push/trace.h"

#include <stdio.h>
#include <string.h>

static const char *const aws[] = {
        "Authorization: AWS4-HMAC-SHA256 Credential=AKID/20261122/us-east-1/route53/aws4_request, "
        "SignedHeaders=host;x-amz-date, "
        "Signature=0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
        "X-Amz-Date: 20261122T100000Z", "X-Amz-Security-Token: a/session+token==", "Content-Type: text/xml",
        NULL};
static const char *const bearer[] = {"Authorization: Bearer tok", "Content-Type: application/json", NULL};

static void is_told(const char *line, const char *const *headers, const char *wanted)
{
        CLEANUP(buffer_free) struct buffer out = {0};
        trace_append_line(&out, line, strlen(line), headers);
        const char *text = buffer_text(&out);
        assert_non_null(text);
        assert_string_equal(text, wanted);
}

static void as_they_are_sent(void **state)
{
        (void)state;
        is_told("GET /2013-04-01/hostedzone/Z1/rrset?maxitems=300 HTTP/1.1\r\n", aws,
                "GET /2013-04-01/hostedzone/Z1/rrset?maxitems=300 HTTP/1.1");
        is_told("X-Amz-Date: 20261122T100000Z\r\n", aws, "X-Amz-Date: 20261122T100000Z");
        for (size_t i = 0; i < 3; i += 2) {
                char wanted[64];
                snprintf(wanted, sizeof(wanted), "%.*s (hidden)", (int)strcspn(aws[i], ":") + 1, aws[i]);
                is_told(aws[i], aws, wanted);
                is_told(aws[i], NULL, wanted); /* by its name alone */
        }
        is_told("authorization: Bearer tok", bearer, "authorization: (hidden)");
        is_told("Proxy-Authorization: Basic dTpw", bearer, "Proxy-Authorization: (hidden)");
        is_told("Set-Cookie: __cf_bm=abc; path=/", bearer, "Set-Cookie: (hidden)");
        is_told("", bearer, "");
}

static void as_curl_shows_them(void **state)
{
        (void)state;
        is_told("h2h3 [authorization: Bearer tok]", bearer, "h2h3 [authorization: (hidden)");
        is_told("[HTTP/2] [1] [x-amz-security-token: a/session+token==]", aws,
                "[HTTP/2] [1] [x-amz-security-token: (hidden)");
        is_told("SSL certificate verify ok.", aws, "SSL certificate verify ok.");
}

/* Where a server, or a sentence, repeats it. */
static void by_their_values(void **state)
{
        (void)state;
        is_told("X-Echo: a/session+token==; and tok", aws, "X-Echo: (hidden); and tok");
        is_told("token a/session+token is no good", aws, "token (hidden) is no good");
        is_told("0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef!", aws, "(hidden)!");
        is_told("got Bearer tok, or tok", bearer, "got (hidden), or (hidden)");
        is_told("a\x1b[2Jb\xff", bearer, "a.[2Jb.");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(as_they_are_sent),
                cmocka_unit_test(as_curl_shows_them),
                cmocka_unit_test(by_their_values),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
