/* The checks of touched owners: a clean delta passes; whatever the whole parse has something to say about
 * goes to it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "dns/type.h"
#include "zonefile/check.h"
#include "zonetext.h"

#include <errno.h>

#define HEAD "$TTL 60\n@ SOA a.x. b.x. 1 2 3 4 5\n@ NS ns1\nns1 A 192.0.2.1\nd DNAME x.\nwww A 192.0.2.2\n"

static const uint8_t apex[] = "\7example\3com";

/* The records of a text without its SOA, without any check: normal form is what is tested. */
static struct record_list records_of(const char *text, struct zonefile_result *result)
{
        struct zonefile_request request = {.origin = apex};
        struct zone_text zone = text_from(text, strlen(text));
        struct diag_list diags = {0};

        assert_int_equal(zonefile_parse(&request, &zone, &diags, result), 0);
        zone_text_free(&zone);
        diag_free(&diags);
        return result->records;
}

/* Backwards, so that nothing rests on the order. */
static int owner_in_list(
        void *context, const uint8_t *owner, const struct record **ret_records, size_t *ret_count)
{
        struct record_list *list = context;
        size_t begin = 0, end;

        while (begin < list->count && !name_equal(list->items[begin].owner, owner))
                begin++;
        for (end = begin; end < list->count && name_equal(list->items[end].owner, owner);)
                end++;
        for (size_t i = begin, n = end; i + 1 < n; i++, n--) {
                struct record record = list->items[i];

                list->items[i] = list->items[n - 1];
                list->items[n - 1] = record;
        }
        *ret_records = list->items + begin;
        *ret_count = end - begin;
        return 0;
}

/* Adds the records of one text, which is a zone of its own, to those of HEAD. */
static int check_adding(const char *added_text)
{
        char text[500];
        struct zonefile_result base, more;
        struct record_list list = {0}, all = records_of(HEAD, &base), with, none = {0}, added = {0};
        struct zone_view view = {&list, owner_in_list};
        int r;

        snprintf(text, sizeof(text), "$TTL 60\n@ SOA a.x. b.x. 1 2 3 4 5\n@ NS keep.x.\n%s", added_text);
        with = records_of(text, &more);
        for (size_t i = 0; i < all.count; i++)
                assert_int_equal(record_list_add(&list, &all.items[i]), 0);
        for (size_t i = 0; i < with.count; i++) {
                if (with.items[i].type == TYPE_NS && name_equal(with.items[i].owner, apex))
                        continue;
                assert_int_equal(record_list_add(&list, &with.items[i]), 0);
                assert_int_equal(record_list_add(&added, &with.items[i]), 0);
        }
        assert_int_equal(record_list_sort(&list, apex, NULL), 0);
        r = zone_check_touched(apex, &view, &none, &added);
        record_list_free(&list);
        record_list_free(&added);
        zonefile_result_free(&base);
        zonefile_result_free(&more);
        return r;
}

static void test_added(void **state)
{
        static const struct {
                const char *text;
                int outcome;
        } cases[] = {
                {"new A 192.0.2.3\n", 0},
                {"new CNAME www\n", 0},
                {"www A 192.0.2.3\n", 0},
                {"www TXT x\n", 0},
                {"@ MX 10 www\n", 0},
                {"@ MX 10 mail.example.net.\n", 0},
                {"www CNAME x.\n", 1},        /* other data */
                {"www A 192.0.2.2\n", 1},     /* a duplicate */
                {"www 300 A 192.0.2.3\n", 1}, /* another TTL */
                {"x.d A 192.0.2.3\n", 1},     /* below a DNAME */
                {"e DNAME x.\n", 1},          /* what is below has to be looked at */
                {"@ MX 10 nowhere\n", 1},     /* a warning */
                {"d DNAME y.\n", 1},
                {"@ ZONEMD 1 1 240 0102030405060708090a0b0c\n", 1},
                {"www RRSIG A 13 3 60 20380101000000 20200101000000 1 example.com. AQID\n", 0},
                {"@ RRSIG SOA 13 2 60 20380101000000 20200101000000 1 example.com. AQID\n", 1},
        };

        (void)state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
                if (check_adding(cases[i].text) != cases[i].outcome)
                        fail_msg("%s", cases[i].text);
}

/* The last NS at the apex goes. */
static void test_removed(void **state)
{
        struct zonefile_result base;
        struct record_list all = records_of(HEAD, &base), left = {0}, removed = {0}, none = {0};
        struct zone_view view = {&left, owner_in_list};

        (void)state;
        for (size_t i = 0; i < all.count; i++)
                assert_int_equal(
                        record_list_add(all.items[i].type == TYPE_NS ? &removed : &left, &all.items[i]), 0);
        assert_int_equal(removed.count, 1);
        assert_int_equal(zone_check_touched(apex, &view, &removed, &none), 1);
        record_list_free(&left);
        record_list_free(&removed);
        zonefile_result_free(&base);
}

int main(void)
{
        const struct CMUnitTest tests[] = {cmocka_unit_test(test_added), cmocka_unit_test(test_removed)};

        return cmocka_run_group_tests(tests, NULL, NULL);
}
