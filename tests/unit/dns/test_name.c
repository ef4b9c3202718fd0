#include "wire.h"

#include "base/cleanup.h"
#include "vectors.h"

#include <stdio.h>

static const struct {
        const char *text;
        const char *hex; /* NULL = refused with error */
        enum name_error error;
        size_t at;
} texts[] = {
        {".", "00", NAME_OK, 0},
        {"example.", "076578616d706c6500", NAME_OK, 0},
        {"Www.Example.", "03577777074578616d706c6500", NAME_OK, 0},
        {"a\\.b.", "03612e6200", NAME_OK, 0},
        {"a\\046b.", "03612e6200", NAME_OK, 0},
        {"\\000\\255.", "0200ff00", NAME_OK, 0},
        {"\\\\\\\".", "025c2200", NAME_OK, 0},
        {"\\@.", "014000", NAME_OK, 0},
        {"", NULL, NAME_EMPTY_LABEL, 0},
        {"..", NULL, NAME_EMPTY_LABEL, 0},
        {".a.", NULL, NAME_EMPTY_LABEL, 0},
        {"abc..d.", NULL, NAME_EMPTY_LABEL, 4},
        {"a.b\\", NULL, NAME_BAD_ESCAPE, 3},
        {"a.b\\25", NULL, NAME_BAD_ESCAPE, 3},
        {"a.b\\256.", NULL, NAME_BAD_ESCAPE, 3},
        {"a.b\\2x5.", NULL, NAME_BAD_ESCAPE, 3},
        {"relative", NULL, NAME_RELATIVE, 8},
        {"relative\\.", NULL, NAME_RELATIVE, 10},
};

static void text_to_wire(void **state)
{
        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
                uint8_t name[NAME_MAX_LENGTH];
                size_t length = 99, at = 99, want_length;
                int r = name_from_text(texts[i].text, strlen(texts[i].text), NULL, name, &length, &at);

                assert_int_equal(r, texts[i].error);
                if (r != NAME_OK) {
                        assert_int_equal(at, texts[i].at);
                        assert_int_equal(length, 99);
                        assert_non_null(name_error_text((enum name_error)r));
                        continue;
                }
                CLEANUP_FREE uint8_t *want = wire_from_hex(texts[i].hex, &want_length);
                assert_int_equal(length, want_length);
                assert_memory_equal(name, want, length);
                assert_int_equal(name_length(want), want_length);
                assert_int_equal(name_check(want, want_length), want_length);
        }
}

static void origin_completes_relative_names(void **state)
{
        CLEANUP_FREE uint8_t *origin = wire_name("Example.COM.");
        uint8_t name[NAME_MAX_LENGTH];
        char text[NAME_TEXT_MAX];
        size_t length;

        (void)state;
        assert_int_equal(name_from_text("www", 3, origin, name, &length, NULL), NAME_OK);
        assert_string_equal(name_to_text(name, text), "www.Example.COM.");
        assert_int_equal(length, 17);
        assert_string_equal(name_to_zone_text(name, text), "www.Example.COM");
        assert_int_equal(name_from_text("www.", 4, origin, name, &length, NULL), NAME_OK);
        assert_string_equal(name_to_text(name, text), "www.");
        assert_string_equal(name_to_zone_text((const uint8_t *)"", text), ".");
}

static void lengths_are_bounded(void **state)
{
        char text[600];
        uint8_t name[NAME_MAX_LENGTH];
        CLEANUP_FREE uint8_t *origin = wire_name("ab.");
        size_t length, at;

        (void)state;
        memset(text, 'x', sizeof(text));
        assert_int_equal(name_from_text(text, 63, origin, name, &length, NULL), NAME_OK);
        assert_int_equal(name_from_text(text, 64, origin, name, &length, &at), NAME_LABEL_TOO_LONG);
        for (size_t i = 63; i < sizeof(text); i += 64)
                text[i] = '.';
        /* Three labels of 63, one of 61: 3 * 64 + 62 + 1 = 255. */
        text[3 * 64 + 61] = '.';
        assert_int_equal(name_from_text(text, 3 * 64 + 62, NULL, name, &length, NULL), NAME_OK);
        assert_int_equal(length, 255);
        assert_int_equal(name_check(name, 255), 255);
        assert_int_equal(name_check(name, 254), 0);
        text[3 * 64 + 61] = 'x';
        text[3 * 64 + 62] = '.';
        assert_int_equal(name_from_text(text, 3 * 64 + 63, NULL, name, &length, NULL), NAME_TOO_LONG);
        /* Room for the labels, none for the origin. */
        assert_int_equal(name_from_text(text, 3 * 64 + 59, origin, name, &length, NULL), NAME_TOO_LONG);
        assert_int_equal(name_from_text(text, 3 * 64 + 58, origin, name, &length, NULL), NAME_OK);
        for (size_t i = 0; i < sizeof(text); i++)
                text[i] = i % 2 ? '.' : 'a';
        assert_int_equal(name_from_text(text, 254, NULL, name, &length, NULL), NAME_OK);
        assert_int_equal(name_label_count(name), 127);
        assert_int_equal(name_from_text(text, 256, NULL, name, &length, NULL), NAME_TOO_LONG);
        assert_int_equal(name_from_text(text, 255, NULL, name, &length, NULL), NAME_TOO_LONG);
}

static void foreign_names_are_checked(void **state)
{
        (void)state;
        assert_int_equal(name_check((const uint8_t *)"", 0), 0);
        assert_int_equal(name_check((const uint8_t *)"\1", 1), 0);
        assert_int_equal(name_check((const uint8_t *)"\1a", 2), 0);
        assert_int_equal(name_check((const uint8_t *)"\1a\0junk", 7), 3);
        assert_int_equal(name_check((const uint8_t *)"\xC0\x0C", 2), 0);
        assert_int_equal(name_check((const uint8_t *)"\x40", 1), 0);
}

static void equality_folds_and_identity_does_not(void **state)
{
        CLEANUP_FREE uint8_t *lower = wire_name("www.example."), *upper = wire_name("WWW.eXample.");
        CLEANUP_FREE uint8_t *bracket = wire_name("[.example."), *brace = wire_name("{.example.");
        uint8_t folded[NAME_MAX_LENGTH];

        (void)state;
        assert_true(name_equal(lower, upper));
        assert_false(name_identical(lower, upper));
        assert_true(name_identical(lower, lower));
        assert_int_equal(name_compare(lower, upper), 0);
        assert_false(
                name_equal(bracket, brace)); /* 0x5B and 0x7B differ by the case bit, and are no letters */
        assert_false(name_equal(lower, name_parent(lower)));
        name_fold(upper, folded);
        assert_true(name_identical(folded, lower));
}

static void below(void **state)
{
        CLEANUP_FREE uint8_t *apex = wire_name("Example.com."), *name = wire_name("a.b.eXAMPLE.com.");
        CLEANUP_FREE uint8_t *other = wire_name("notexample.com."), *wild = wire_name("*.example.com.");
        /* Octets that look like the suffix, but begin inside a label. */
        CLEANUP_FREE uint8_t *inside = wire_name("x\\007example.com.");

        (void)state;
        assert_true(name_is_below(name, apex));
        assert_true(name_is_below(apex, apex));
        assert_false(name_is_below(apex, name));
        assert_false(name_is_below(other, apex));
        assert_false(name_is_below(inside, apex));
        assert_true(name_is_below(name, (const uint8_t *)""));
        assert_true(name_is_wildcard(wild));
        assert_false(name_is_wildcard(apex));
        assert_true(name_identical(name_parent((const uint8_t *)""), (const uint8_t *)""));
        assert_int_equal(name_label_count(name), 4);
}

static int key_compare(const uint8_t *left, size_t left_length, const uint8_t *right, size_t right_length)
{
        int order = memcmp(left, right, left_length < right_length ? left_length : right_length);

        return order ? order : (int)left_length - (int)right_length;
}

static int sign(int value)
{
        return (value > 0) - (value < 0);
}

static void order_is_canonical(void **state)
{
        CLEANUP_FREE uint8_t *apex = wire_name("EXAMPLE.");

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(names_in_order); i++)
                for (size_t j = 0; j < ARRAY_SIZE(names_in_order); j++) {
                        CLEANUP_FREE uint8_t *left = wire_name(names_in_order[i]);
                        CLEANUP_FREE uint8_t *right = wire_name(names_in_order[j]);
                        uint8_t left_key[NAME_KEY_MAX], right_key[NAME_KEY_MAX];
                        size_t left_length = name_order_key(left, apex, left_key);
                        size_t right_length = name_order_key(right, apex, right_key);
                        int want = i < j ? -1 : i > j;

                        assert_int_equal(sign(name_compare(left, right)), want);
                        assert_int_equal(
                                sign(key_compare(left_key, left_length, right_key, right_length)), want);
                }
}

static void keys_have_room(void **state)
{
        uint8_t name[NAME_MAX_LENGTH] = {0}, key[NAME_KEY_MAX];

        (void)state;
        name[0] = name[64] = name[128] = 63;
        name[192] = 61;
        assert_int_equal(name_length(name), 255);
        assert_int_equal(name_order_key(name, (const uint8_t *)"", key), 2 * 250 + 4);
        assert_int_equal(name_order_key(name, name, key), 0);
}

static void decompression(void **state)
{
        /* Header of 12, then: 12 "example", root; 21 "www" -> 12; 27 -> 21; 29 -> 29 (itself); 31 "a" -> 31;
         * 35 -> 40; 37 -> 0. */
        static const char hex[] = "000000000000000000000000"
                                  "076578616d706c6500"
                                  "03777777c00c"
                                  "c015"
                                  "c01d"
                                  "0161c01f"
                                  "c028"
                                  "c000"
                                  "80"
                                  "c0";
        static const struct {
                size_t offset;
                size_t taken;
                const char *name;
        } cases[] = {{12, 9, "example."}, {21, 6, "www.example."}, {27, 2, "www.example."}, {29, 0, NULL},
                {31, 0, NULL}, {35, 0, NULL}, {37, 0, NULL}, {39, 0, NULL}, {40, 0, NULL}, {41, 0, NULL},
                {1000, 0, NULL}};
        size_t size;
        CLEANUP_FREE uint8_t *message = wire_from_hex(hex, &size);

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                uint8_t name[NAME_MAX_LENGTH];
                char text[NAME_TEXT_MAX];
                size_t length = 0;

                assert_int_equal(
                        name_decompress(message, size, cases[i].offset, name, &length), cases[i].taken);
                if (!cases[i].name)
                        continue;
                assert_string_equal(name_to_text(name, text), cases[i].name);
                assert_int_equal(length, name_length(name));
        }
}

static void long_chains_of_pointers_end(void **state)
{
        /* Each name is one label and a pointer to the one before: too long after 127 labels. */
        uint8_t message[12 + 4 * 200] = {0}, name[NAME_MAX_LENGTH];
        size_t length = 0, at = 12 + 1;

        (void)state;
        for (unsigned i = 0; i < 130; i++, at += 4) {
                uint16_t target = (uint16_t)(i == 0 ? 12 : at - 4);

                memcpy(message + at, "\1a", 2);
                message[at + 2] = (uint8_t)(0xC0 | target >> 8);
                message[at + 3] = (uint8_t)target;
                assert_int_equal(
                        name_decompress(message, sizeof(message), at, name, &length), i < 127 ? 4 : 0);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(text_to_wire),
                cmocka_unit_test(origin_completes_relative_names),
                cmocka_unit_test(lengths_are_bounded),
                cmocka_unit_test(foreign_names_are_checked),
                cmocka_unit_test(equality_folds_and_identity_does_not),
                cmocka_unit_test(below),
                cmocka_unit_test(order_is_canonical),
                cmocka_unit_test(keys_have_room),
                cmocka_unit_test(decompression),
                cmocka_unit_test(long_chains_of_pointers_end),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
