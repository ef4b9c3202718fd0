/* What is a character of UTF-8, and which may be shown: every one of Unicode, and what is none. */
#include "../cmocka_first.h"

#include "base/utf8.h"

#include <string.h>

static size_t encode(uint32_t character, uint8_t text[static 4])
{
        if (character < 0x80) {
                text[0] = (uint8_t)character;
                return 1;
        }
        size_t length = character < 0x800 ? 2 : character < 0x10000 ? 3 : 4;
        for (size_t i = length; i-- > 1; character >>= 6)
                text[i] = (uint8_t)(0x80 | (character & 0x3f));
        text[0] = (uint8_t)((0xf0u << (4 - length)) | character);
        return length;
}

static void every_character(void **state)
{
        uint8_t text[4];
        uint32_t read;

        (void)state;
        for (uint32_t character = 0; character < 0x120000; character++) {
                size_t length = encode(character, text);
                bool is_one = character <= 0x10ffff && (character < 0xd800 || character > 0xdfff);
                assert_int_equal(utf8_read(text, length, &read), is_one ? length : 0);
                if (!is_one)
                        continue;
                assert_int_equal(read, character);
                for (size_t cut = 1; cut < length; cut++)
                        assert_int_equal(utf8_read(text, cut, &read), 0);
        }
}

static void what_is_none(void **state)
{
        static const char *const texts[] = {"\x80", "\xbf", "\xc0\x80", "\xc1\xbf", "\xe0\x9f\xbf",
                "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xff\xbf\xbf\xbf", "\xc3(",
                "\xe2\x28\xa1"};
        uint32_t read;

        (void)state;
        for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
                assert_int_equal(utf8_read((const uint8_t *)texts[i], strlen(texts[i]), &read), 0);
}

/* Whatever is taken for a character is that one's only form. */
static void one_form_each(void **state)
{
        uint8_t text[4] = {0, 0, 0x95, 0xa5}, again[4];
        uint32_t read;

        (void)state;
        for (unsigned octets = 0; octets < 0x10000; octets++) {
                text[0] = (uint8_t)(octets >> 8);
                text[1] = (uint8_t)octets;
                size_t length = utf8_read(text, sizeof(text), &read);
                if (length == 0)
                        continue;
                assert_int_equal(encode(read, again), length);
                assert_memory_equal(again, text, length);
        }
}

static void printable(void **state)
{
        static const uint32_t hidden[] = {
                0, '\n', 0x1b, 0x1f, 0x7f, 0x80, 0x9b, 0x9f, 0x2028, 0x202e, 0x2066, 0x2069};
        static const uint32_t shown[] = {' ', '~', 0xa0, 0x2027, 0x202f, 0x2065, 0x206a, 0xfffd, 0x1f600};

        (void)state;
        for (size_t i = 0; i < sizeof(hidden) / sizeof(hidden[0]); i++)
                assert_false(utf8_is_printable(hidden[i]));
        for (size_t i = 0; i < sizeof(shown) / sizeof(shown[0]); i++)
                assert_true(utf8_is_printable(shown[i]));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(every_character),
                cmocka_unit_test(what_is_none),
                cmocka_unit_test(one_form_each),
                cmocka_unit_test(printable),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
