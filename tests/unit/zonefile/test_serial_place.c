/* Where the digits of the serial stand, however the SOA is written. */
#include "zonefile/serial_place.h"

#include "zonetext.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static const uint8_t zone[] = "\7example\3com";

/* The place is marked with < and >; without them there is none. */
static void assert_place(const char *marked)
{
        char plain[1000];
        size_t length = 0, begin = 0, end = 0;
        struct serial_place place;

        for (const char *at = marked; *at; at++)
                if (*at == '<')
                        begin = length;
                else if (*at == '>')
                        end = length;
                else
                        plain[length++] = *at;
        struct zone_text text = text_from(plain, length);
        int r = zonefile_serial_place(zone, &text, &place);
        if (end == 0)
                assert_int_equal(r, -ENOENT);
        else {
                if (r < 0)
                        fail_msg("not found: %s", marked);
                assert_int_equal(place.offset, begin);
                assert_int_equal(place.length, end - begin);
                assert_int_equal(place.serial, strtoul(plain + begin, NULL, 10));
        }
        zone_text_free(&text);
}

static void test_places(void **state)
{
        (void)state;
        assert_place("@ 3600 IN SOA ns.a. host.a. <2026112101> 3600 600 86400 300\n");
        assert_place("$TTL 1h\n@ IN SOA ns.a. host.a. ( <1> 1h 10m 1d 300 )\n@ NS ns.a.\n");
        assert_place("$TTL 1h\n@ IN SOA ns.a. host.a. (\n  <0004294967295> ; 17 serial\n 1h 10m 1d 300 )\n");
        assert_place("@ ( 3600\n IN\n SOA\n ns.a. ; 5\n host.a. <7> 1h\n 10m 1d 300 )\n");
        assert_place("@ ( 3600 IN SOA ns.a. ) host.a. (\n <7> ) 1h 10m 1d 300\n");
        assert_place("$ORIGIN com.\nexample SOA ns.a. host.a. <5> 1 2 3 4\n");
        assert_place("; 12\n$INCLUDE other.inc\n$TTL 5\nwww A 192.0.2.1\n@ SOA ns.a. 8.a. <8> 1 2 3 4\r\n");
        assert_place("@ SOA ns.a. host\\.x.a. <5> 1 2 3 4"); /* no newline */
        assert_place("\xef\xbb\xbf@ SOA ns.a. host.a. <5> 1 2 3 4\n");
        assert_place("broken A 1.2.3\n@ SOA ns.a. host.a. <5> 1 2 3 4\n");
}

static void test_none(void **state)
{
        (void)state;
        assert_place("");
        assert_place("$INCLUDE soa.inc\n@ NS ns.a.\n");
        assert_place("www SOA ns.a. host.a. 5 1 2 3 4\n");
        assert_place("@ SOA ns.a. host.a. x5 1 2 3 4\n");
        assert_place("@ SOA ns.a. host.a. 4294967296 1 2 3 4\n");
        assert_place("@ SOA ns.a. host.a. ( 5 1 2 3 4\n");
        assert_place("@ SOA ns.a. host.a.");
}

int main(void)
{
        const struct CMUnitTest tests[] = {cmocka_unit_test(test_places), cmocka_unit_test(test_none)};
        return cmocka_run_group_tests(tests, NULL, NULL);
}
