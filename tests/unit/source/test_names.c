/* Zone names and file names, both ways. */
#include "source/source.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void assert_zone(const char *file_name, const char *pattern, const char *expected)
{
        uint8_t name[NAME_MAX_LENGTH];
        char text[NAME_TEXT_MAX];

        assert_int_equal(source_zone_name(file_name, pattern, name), 0);
        assert_string_equal(name_to_text(name, text), expected);
}

static void a_file_name_gives_the_zone(void **state)
{
        (void)state;
        assert_zone("example.com.zone", "%s.zone", "example.com.");
        assert_zone("Example.COM.zone", "%s.zone", "Example.COM.");
        assert_zone("com.zone", "%s.zone", "com.");
        assert_zone("zone.zone", "%s.zone", "zone.");
        assert_zone("0%2F25.2.0.192.in-addr.arpa.zone", "%s.zone", "0/25.2.0.192.in-addr.arpa.");
        assert_zone("0%2f25.2.0.192.in-addr.arpa.zone", "%s.zone", "0/25.2.0.192.in-addr.arpa.");
        assert_zone("%2E.zone", "%s.zone", ".");
        assert_zone("example.com..zone", "%s.zone", "example.com.");
        assert_zone("a%5C.b.example.zone", "%s.zone", "a\\.b.example.");
        assert_zone("db.example.com", "db.%s", "example.com.");
        assert_zone("pri.example.txt", "pri.%s.txt", "example.");
}

static void other_files_are_none(void **state)
{
        static const char *const names[] = {"README", "example.com", ".example.com.zone", ".zone",
                ".#example.com.zone", "#example.com.zone#", "example.com.zone~", "example.com.zone.swp",
                ".example.com.zone.swp", "4913", "example.com.zone.bak", "zone", "example.com.ZONE", "."};
        static const char *const leftovers[] = {"db.example.com~", "db.example.com.bak", "db.example.com.jnl",
                "db.example.com.dpkg-new", "xdb.example.com", "db"};
        uint8_t name[NAME_MAX_LENGTH];

        (void)state;
        for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
                assert_int_equal(source_zone_name(names[i], "%s.zone", name), 1);
        for (size_t i = 0; i < sizeof(leftovers) / sizeof(leftovers[0]); i++)
                assert_int_equal(source_zone_name(leftovers[i], "db.%s", name), 1);
        assert_int_equal(source_zone_name("x.zone", "no hole", name), 1);
}

static void wrong_names_are_told(void **state)
{
        static const char *const names[] = {"a..b.zone", "%.zone", "%2.zone", "%zz.zone",
                "m\xc3\xbcnchen.de.zone", "a b.zone", "a%00b.zone", "a%20b.zone", "%FF.zone", "a\\.zone",
                "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.zone"};
        uint8_t name[NAME_MAX_LENGTH];

        (void)state;
        for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
                assert_int_equal(source_zone_name(names[i], "%s.zone", name), -EINVAL);
        assert_int_equal(source_zone_name("db.", "db.%s", name), -EINVAL);
        memset(name, 0x55, sizeof(name));
        assert_int_equal(source_zone_name("a..b.zone", "%s.zone", name), -EINVAL);
        assert_int_equal(name[0], 0x55); /* not clobbered */
}

static void every_octet_comes_back(void **state)
{
        (void)state;
        for (unsigned octet = 0; octet < 256; octet++) {
                uint8_t name[] = {2, 'a', (uint8_t)octet, 3, 'c', 'o', 'm', 0}, again[NAME_MAX_LENGTH];
                char text[256];

                assert_int_equal(source_file_name(name, "%s.zone", text, sizeof(text)), 0);
                assert_null(strchr(text, '/'));
                assert_null(strchr(text, ' '));
                assert_int_equal(source_zone_name(text, "%s.zone", again), 0);
                assert_memory_equal(name, again, sizeof(name));
        }
}

static void the_way_back(void **state)
{
        static const uint8_t root[] = {0}, bak[] = {1, 'a', 3, 'b', 'a', 'k', 0};
        uint8_t name[NAME_MAX_LENGTH];
        char text[256];

        (void)state;
        assert_int_equal(source_file_name(root, "%s.zone", text, sizeof(text)), 0);
        assert_string_equal(text, "%2E.zone");
        assert_int_equal(source_zone_name("0%2F25.2.0.192.in-addr.arpa.zone", "%s.zone", name), 0);
        assert_int_equal(source_file_name(name, "%s.zone", text, sizeof(text)), 0);
        assert_string_equal(text, "0%2F25.2.0.192.in-addr.arpa.zone");
        assert_int_equal(source_file_name(name, "%s.zone", text, 33), 0);
        assert_int_equal(source_file_name(name, "%s.zone", text, 32), -ENAMETOOLONG);
        assert_int_equal(source_file_name(bak, "db.%s", text, sizeof(text)), 0);
        assert_string_equal(text, "db.a.ba%6B"); /* "db.a.bak" would be a leftover of db.a */
        assert_int_equal(source_zone_name(text, "db.%s", name), 0);
        assert_memory_equal(name, bak, sizeof(bak));

        /* 255 octets that all need an escape: no file system has such a name. */
        memset(name, 0xff, sizeof(name));
        for (size_t i = 0; i < 192; i += 64)
                name[i] = 63;
        name[192] = 61;
        name[254] = 0;
        assert_int_equal(source_file_name(name, "%s.zone", text, sizeof(text)), -ENAMETOOLONG);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_file_name_gives_the_zone),
                cmocka_unit_test(other_files_are_none),
                cmocka_unit_test(wrong_names_are_told),
                cmocka_unit_test(every_octet_comes_back),
                cmocka_unit_test(the_way_back),
        };
        return cmocka_run_group_tests_name("source/names", tests, NULL, NULL);
}
