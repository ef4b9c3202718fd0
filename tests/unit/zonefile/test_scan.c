/* Tokens, names, addresses and types against plain oracles: inet_pton, name_from_text, the table of types. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "dns/type.h"
#include "zonefile/rdata_scan.h"
#include "zonetext.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>

static uint32_t below(uint32_t bound)
{
        static uint64_t state = 88172645463325252ull;

        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        return (uint32_t)((state >> 16) % bound);
}

static struct token token_of(const char *text)
{
        return (struct token){.begin = text, .end = text + strlen(text), .start = text, .kind = TOKEN_WORD};
}

static void test_addresses(void **state)
{
        (void)state;
        for (unsigned i = 0; i < 300000; i++) {
                char text[64] = {0};
                uint8_t ours[16], theirs[16];
                struct scan scan = {0};
                size_t length = 0;
                bool is_six = below(4) != 0;

                for (unsigned n = below(is_six ? 10 : 5) + 1; n > 0; n--) {
                        length += (size_t)snprintf(text + length, sizeof(text) - length, is_six ? "%x" : "%u",
                                below(is_six ? (below(20) ? 65536 : 70000) : 260));
                        if (n > 1 || below(8) == 0)
                                text[length++] = is_six ? ':' : '.';
                        if (is_six && below(8) == 0)
                                text[length++] = ':';
                        if (length > 40)
                                break;
                }
                if (is_six && below(10) == 0 && length < 40)
                        strcpy(text + length, "192.0.2.1");
                if (is_six && below(8) == 0) {
                        memmove(text + 2, text, sizeof(text) - 3);
                        text[0] = text[1] = ':';
                }
                struct token token = token_of(text);
                int r = is_six ? rdata_ipv6(&scan, &token, ours) : rdata_ipv4(&scan, &token, ours);
                int expected = inet_pton(is_six ? AF_INET6 : AF_INET, text, theirs);

                if ((r == 0) != (expected == 1) || (r == 0 && memcmp(ours, theirs, is_six ? 16 : 4) != 0))
                        fail_msg("%s", text);
        }
}

/* Words of every length at every offset, ended by every octet that ends a word. */
static void test_word_ends(void **state)
{
        static const char ends[] = " \t\n\"();";
        char text[256];

        (void)state;
        for (unsigned offset = 0; offset < 20; offset++)
                for (unsigned length = 1; length < 70; length++)
                        for (const char *end = ends; *end; end++) {
                                struct scan scan = {.at = text, .end = text + 150};
                                struct token token;

                                memset(text, '\n', sizeof(text));
                                memset(text, ' ', offset);
                                for (unsigned i = 0; i < length; i++)
                                        text[offset + i] = "abc019-_.@*#="[below(13)];
                                text[offset + length] = *end;
                                assert_int_equal(scan_token(&scan, &token), TOKEN_WORD);
                                assert_ptr_equal(token.begin, text + offset);
                                assert_int_equal(token_length(&token), length);
                                assert_false(token.has_escape || token.has_high);
                                text[offset + below(length)] = '\xe9';
                                scan.at = text;
                                assert_int_equal(scan_token(&scan, &token), TOKEN_WORD);
                                assert_true(token.has_high);
                                assert_int_equal(token_length(&token), length);
                        }
}

static void test_names(void **state)
{
        static const uint8_t origin[] = "\7example\3com";

        (void)state;
        for (unsigned i = 0; i < 200000; i++) {
                struct scan scan = {.origin = origin, .origin_length = sizeof(origin)};
                uint8_t ours[NAME_MAX_LENGTH + 16], theirs[NAME_MAX_LENGTH];
                size_t our_length = 0, their_length = 0;
                char text[300] = {0};
                unsigned length = 1 + below(below(10) ? 30 : 290), dots = 2 + below(80);

                for (unsigned n = 0; n < length; n++)
                        text[n] = below(dots) == 0 ? '.' : "abcXYZ012-*"[below(11)];
                struct token token = token_of(text);
                int r = scan_name(&scan, &token, ours, &our_length);
                int expected = name_from_text(text, length, origin, theirs, &their_length, NULL);

                if ((r == 0) != (expected == NAME_OK))
                        fail_msg("%s", text);
                if (r == 0) {
                        assert_int_equal(our_length, their_length);
                        assert_memory_equal(ours, theirs, our_length);
                }
        }
}

static void test_types(void **state)
{
        (void)state;
        for (unsigned number = 0; number < 65536; number++) {
                char text[32] = {0};
                uint16_t type;

                type_to_text((uint16_t)number, text);
                struct token token = token_of(text);

                assert_true(token_type(&token, &type));
                assert_int_equal(type, number);
                for (char *at = text; *at; at++)
                        *at = (char)tolower(*at);
                assert_true(token_type(&token, &type));
                assert_int_equal(type, number);
        }
        for (unsigned i = 0; i < 200000; i++) {
                char text[32] = {0};
                uint16_t ours = 0, theirs = 0;

                for (unsigned n = 1 + below(6); n > 0; n--)
                        text[n - 1] = "ANSMXTCEGPR3n`q"[below(15)];
                struct token token = token_of(text);
                bool is_type = type_from_text(text, strlen(text), &theirs) == 0;

                assert_int_equal(token_type(&token, &ours), is_type);
                assert_int_equal(ours, theirs);
        }
}

static void test_ttls(void **state)
{
        static const struct {
                const char *text;
                enum ttl_outcome outcome;
                uint32_t ttl;
        } cases[] = {{"0", TTL_OK, 0}, {"2147483647", TTL_OK, 2147483647}, {"2147483648", TTL_TOO_LARGE, 0},
                {"99999999999999999999", TTL_TOO_LARGE, 0}, {"1h30m", TTL_OK, 5400},
                {"1W2d3H4m5S", TTL_OK, 788645}, {"1h30", TTL_NONE, 0}, {"h", TTL_NONE, 0},
                {"1y", TTL_NONE, 0}, {"", TTL_NONE, 0}, {"1hm", TTL_NONE, 0}, {"4000w", TTL_TOO_LARGE, 0},
                {"99999999999w99999999999w", TTL_TOO_LARGE, 0}, {"-1", TTL_NONE, 0}};

        (void)state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                struct token token = token_of(cases[i].text);
                uint32_t ttl = 0;

                assert_int_equal(token_ttl(&token, INT32_MAX, &ttl), cases[i].outcome);
                assert_int_equal(ttl, cases[i].ttl);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_addresses),
                cmocka_unit_test(test_word_ends),
                cmocka_unit_test(test_names),
                cmocka_unit_test(test_types),
                cmocka_unit_test(test_ttls),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
