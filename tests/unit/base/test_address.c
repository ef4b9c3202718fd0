/* Addresses and prefixes: what is read, what is refused, and the text that comes back. */
#include "base/address.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>

static struct address address_of(const char *text)
{
        struct address address;
        assert_int_equal(address_parse(text, &address), 0);
        return address;
}

static struct prefix prefix_of(const char *text)
{
        struct prefix prefix;
        assert_int_equal(prefix_parse(text, &prefix), 0);
        return prefix;
}

static void test_parse_and_format(void **state)
{
        (void)state;
        static const char *const same[] = {"192.0.2.1", "0.0.0.0", "255.255.255.255", "2001:db8::1",
                "::", "::1", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "::ffff:192.0.2.1"};
        char text[ADDRESS_TEXT_MAX];
        for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++) {
                struct address address = address_of(same[i]);
                assert_int_equal(address.port, 0);
                assert_string_equal(address_format(&address, text), same[i]);
        }
        struct address address = address_of("2001:0DB8:0::0:1");
        assert_string_equal(address_format(&address, text), "2001:db8::1");
        address.port = 53;
        assert_string_equal(address_format(&address, text), "2001:db8::1#53");
        address = address_of("192.0.2.1");
        address.port = 65535;
        assert_string_equal(address_format(&address, text), "192.0.2.1#65535");
        address = (struct address){0};
        assert_string_equal(address_format(&address, text), "none");
}

static void test_parse_refuses(void **state)
{
        (void)state;
        static const char *const wrong[] = {"", " ", "192.0.2", "192.0.2.256", "192.0.2.1 ", "192.0.2.01",
                "1.2.3.4.5", "192.0.2.1#53", "192.0.2.1%lo", "2001:db8::1%lo", "fe80::1%", "fe80::1%0",
                "fe80::1%no-such-interface", "fe80::1%4294967296", ":::", "1::2::3", "12345::", "example.com",
                "2001:db8::1/64", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"};
        struct address address = {.port = 77};
        for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
                assert_int_equal(address_parse(wrong[i], &address), -EINVAL);
                assert_int_equal(address.port, 77); /* not clobbered */
        }
}

static void test_scope(void **state)
{
        (void)state;
        char text[ADDRESS_TEXT_MAX], expected[ADDRESS_TEXT_MAX];
        struct address address = address_of("fe80::1%4294967295");
        assert_int_equal(address.scope, 4294967295u);
        assert_string_equal(address_format(&address, text), "fe80::1%4294967295");
        char name[IF_NAMESIZE];
        if (if_indextoname(1, name)) {
                snprintf(expected, sizeof(expected), "fe80::1%%%s", name);
                address = address_of(expected);
                assert_int_equal(address.scope, 1);
                assert_string_equal(address_format(&address, text), expected);
        }
        struct address other = address_of("fe80::1%4294967294");
        struct address unscoped = address_of("fe80::1");
        address = address_of("fe80::1%4294967295");
        assert_false(address_equal(&address, &other));
        assert_false(address_equal(&address, &unscoped));
        /* A prefix without a scope takes any; one with a scope only that. */
        struct prefix any = prefix_of("fe80::/10"), scoped = prefix_of("fe80::1%4294967295");
        assert_true(prefix_contains(&any, &address));
        assert_true(prefix_contains(&scoped, &address));
        assert_false(prefix_contains(&scoped, &other));
}

static void test_prefix_parse(void **state)
{
        (void)state;
        static const struct {
                const char *text, *shown;
        } right[] = {
                {"192.0.2.0/24", "192.0.2.0/24"},
                {"10/8", "10.0.0.0/8"},
                {"10.1/16", "10.1.0.0/16"},
                {"10.1.2/24", "10.1.2.0/24"},
                {"198.51.100/24", "198.51.100.0/24"},
                {"255.255.255/24", "255.255.255.0/24"},
                {"0/0", "0.0.0.0/0"},
                {"0.0.0.0/0", "0.0.0.0/0"},
                {"192.0.2.1", "192.0.2.1/32"},
                {"192.0.2.1/32", "192.0.2.1/32"},
                {"192.0.2.254/31", "192.0.2.254/31"},
                {"128/1", "128.0.0.0/1"},
                {"::/0", "::/0"},
                {"8000::/1", "8000::/1"},
                {"2001:db8::/32", "2001:db8::/32"},
                {"2001:db8:0:8000::/49", "2001:db8:0:8000::/49"},
                {"::1", "::1/128"},
                {"::1/128", "::1/128"},
                {"::2/127", "::2/127"},
        };
        char text[ADDRESS_TEXT_MAX];
        for (size_t i = 0; i < sizeof(right) / sizeof(right[0]); i++) {
                struct prefix prefix = prefix_of(right[i].text);
                assert_string_equal(prefix_format(&prefix, text), right[i].shown);
        }
}

static void test_prefix_refuses(void **state)
{
        (void)state;
        static const char *const wrong[] = {"", "/", "/8", "10", "10.", "10./8", ".10/8", "10..1/8",
                "10.1.2.3.4/8", "10/", "10/33", "10/-1", "10/+8", "10/ 8", "10/8 ", "10/8/8", "10/0x8",
                "10/4294967304", "10/18446744073709551624", "256/8", "255.255.2555/24", "010/8", "::/129",
                "::/", "2001:db8/32", "fe80::%1/10", "any",
                "1234567890123456789012345678901234567890123456789/8"};
        static const char *const behind[] = {
                "10.0.0.1/8", "192.0.2.1/31", "128/0", "::1/127", "2001:db8::1/64", "10.1/8"};
        struct prefix prefix = {.bits = 77};
        for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
                assert_int_equal(prefix_parse(wrong[i], &prefix), -EINVAL);
        for (size_t i = 0; i < sizeof(behind) / sizeof(behind[0]); i++)
                assert_int_equal(prefix_parse(behind[i], &prefix), -ERANGE);
        assert_int_equal(prefix.bits, 77);
}

static void test_prefix_contains(void **state)
{
        (void)state;
        static const struct {
                const char *prefix, *address;
                bool is_inside;
        } cases[] = {
                {"192.0.2.0/24", "192.0.2.0", true},
                {"192.0.2.0/24", "192.0.2.255", true},
                {"192.0.2.0/24", "192.0.3.0", false},
                {"192.0.2.128/25", "192.0.2.127", false},
                {"192.0.2.128/25", "192.0.2.128", true},
                {"192.0.2.4/30", "192.0.2.7", true},
                {"192.0.2.4/30", "192.0.2.8", false},
                {"192.0.2.1", "192.0.2.1", true},
                {"192.0.2.1", "192.0.2.2", false},
                {"0/0", "255.255.255.255", true},
                {"0/0", "::", false},
                {"::/0", "0.0.0.0", false},
                {"::/0", "ffff::", true},
                {"2001:db8::/33", "2001:db8:7fff::", true},
                {"2001:db8::/33", "2001:db8:8000::", false},
                {"::1", "::1", true},
                {"::1", "::2", false},
                {"2001:db8::2/127", "2001:db8::3", true},
                {"2001:db8::2/127", "2001:db8::1", false},
        };
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                struct prefix prefix = prefix_of(cases[i].prefix);
                struct address address = address_of(cases[i].address);
                address.port = 53;
                assert_int_equal(prefix_contains(&prefix, &address), cases[i].is_inside);
        }
        struct prefix all = prefix_of("0/0");
        assert_false(prefix_contains(&all, &(struct address){0}));
}

static void test_equal(void **state)
{
        (void)state;
        struct address left = address_of("192.0.2.1"), right = left;
        right.port = 53;
        assert_true(address_equal(&left, &right));
        assert_false(address_and_port_equal(&left, &right));
        left.port = 53;
        assert_true(address_and_port_equal(&left, &right));
        right = address_of("192.0.2.2");
        assert_false(address_equal(&left, &right));
        /* The same bytes in the other family. */
        left = address_of("0.0.0.0");
        right = address_of("::");
        assert_false(address_equal(&left, &right));
}

static void test_loopback(void **state)
{
        (void)state;
        static const char *const inside[] = {"127.0.0.1", "127.255.255.255", "::1"};
        static const char *const outside[] = {"128.0.0.1", "126.255.255.255", "::", "::2", "7f00::1"};
        for (size_t i = 0; i < sizeof(inside) / sizeof(inside[0]); i++) {
                struct address address = address_of(inside[i]);
                assert_true(address_is_loopback(&address));
        }
        for (size_t i = 0; i < sizeof(outside) / sizeof(outside[0]); i++) {
                struct address address = address_of(outside[i]);
                assert_false(address_is_loopback(&address));
        }
}

static void test_sockaddr(void **state)
{
        (void)state;
        static const char *const texts[] = {"192.0.2.1", "2001:db8::1", "fe80::1%3"};
        struct sockaddr_storage storage;
        for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
                struct address address = address_of(texts[i]), back;
                address.port = 5353;
                socklen_t length = address_to_sockaddr(&address, &storage);
                assert_int_equal(length,
                        address.family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6));
                assert_int_equal(address_from_sockaddr((struct sockaddr *)&storage, &back), 0);
                assert_true(address_and_port_equal(&address, &back));
        }
        assert_int_equal(address_to_sockaddr(&(struct address){0}, &storage), 0);
}

static void test_sockaddr_mapped_is_ipv4(void **state)
{
        (void)state;
        struct address mapped = address_of("::ffff:192.0.2.1"), plain = address_of("192.0.2.1"), back;
        mapped.port = plain.port = 53;
        struct sockaddr_storage storage;
        address_to_sockaddr(&mapped, &storage);
        assert_int_equal(storage.ss_family, AF_INET6);
        assert_int_equal(address_from_sockaddr((struct sockaddr *)&storage, &back), 0);
        assert_true(address_and_port_equal(&plain, &back));
}

static void test_sockaddr_of_another_family(void **state)
{
        (void)state;
        struct address address = {.port = 77};
        struct sockaddr sockaddr = {.sa_family = AF_UNIX};
        assert_int_equal(address_from_sockaddr(&sockaddr, &address), -EAFNOSUPPORT);
        sockaddr.sa_family = AF_UNSPEC;
        assert_int_equal(address_from_sockaddr(&sockaddr, &address), -EAFNOSUPPORT);
        assert_int_equal(address.port, 77);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_parse_and_format),
                cmocka_unit_test(test_parse_refuses),
                cmocka_unit_test(test_scope),
                cmocka_unit_test(test_prefix_parse),
                cmocka_unit_test(test_prefix_refuses),
                cmocka_unit_test(test_prefix_contains),
                cmocka_unit_test(test_equal),
                cmocka_unit_test(test_loopback),
                cmocka_unit_test(test_sockaddr),
                cmocka_unit_test(test_sockaddr_mapped_is_ipv4),
                cmocka_unit_test(test_sockaddr_of_another_family),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
