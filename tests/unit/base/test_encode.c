/* Base64, base32hex and hex: the vectors of RFC 4648 s.10, both ways, and what the strict decoders refuse. */
#include "base/encode.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/random.h"

#include <errno.h>
#include <string.h>

typedef ssize_t decoder(const char *text, size_t length, uint8_t *ret_bytes);
typedef size_t encoder(const uint8_t *bytes, size_t length, char *ret_text);

struct vector {
        const char *bytes;
        const char *text;
};

static void check_vectors(const struct vector *vectors, size_t count, encoder *encode, decoder *decode)
{
        for (size_t i = 0; i < count; i++) {
                char text[64];
                uint8_t bytes[64];
                size_t length = strlen(vectors[i].bytes);
                assert_int_equal(
                        encode((const uint8_t *)vectors[i].bytes, length, text), strlen(vectors[i].text));
                assert_string_equal(text, vectors[i].text);
                assert_int_equal(decode(text, strlen(text), bytes), length);
                assert_memory_equal(bytes, vectors[i].bytes, length);
        }
}

/* Decoded out of a place that ends with the text, and into one as long as the header allows, so that a
 * sanitizer sees a byte too many. */
static void check_refused(decoder *decode, const char *const *texts, size_t count)
{
        for (size_t i = 0; i < count; i++) {
                size_t length = strlen(texts[i]);
                char *text = test_malloc(length + 1);
                uint8_t *bytes = test_malloc(length + 1);
                memcpy(text, texts[i], length);
                assert_int_equal(decode(text, length, bytes), -EINVAL);
                test_free(text);
                test_free(bytes);
        }
}

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void test_base64(void **state)
{
        (void)state;
        static const struct vector vectors[] = {{"", ""}, {"f", "Zg=="}, {"fo", "Zm8="}, {"foo", "Zm9v"},
                {"foob", "Zm9vYg=="}, {"fooba", "Zm9vYmE="}, {"foobar", "Zm9vYmFy"},
                {"\xfb\xef\xbe\xff", "++++/w=="}};
        check_vectors(vectors, COUNT(vectors), base64_encode, base64_decode);
        static const char *const refused[] = {"Z", "Zg", "Zg=", "Zg===", "Zm8", "=",
                "==", "===", "====", "Z===", "Zg=v", "Z=g=", "Zh==", "Zm9=", "Zm9vYg", "Zm9vYg==Zm9v", "Zm 9",
                "Zm9\n", "Zm-_", "Zm9v====", "Zm9\xff"};
        check_refused(base64_decode, refused, COUNT(refused));
}

static void test_base32hex(void **state)
{
        (void)state;
        static const struct vector vectors[] = {{"", ""}, {"f", "CO"}, {"fo", "CPNG"}, {"foo", "CPNMU"},
                {"foob", "CPNMUOG"}, {"fooba", "CPNMUOJ1"}, {"foobar", "CPNMUOJ1E8"}};
        check_vectors(vectors, COUNT(vectors), base32hex_encode, base32hex_decode);
        uint8_t bytes[16];
        assert_int_equal(base32hex_decode("cpnmuoj1e8", 10, bytes), 6);
        assert_memory_equal(bytes, "foobar", 6);
        /* Padding, a length no bytes have (1, 3, 6), left-over bits, digits beyond V. */
        static const char *const refused[] = {
                "CO======", "C", "CPN", "CPNMUO", "CP", "CPNH", "CPNMV0I", "WW", "w0", "C0 ", "0/", "0:"};
        check_refused(base32hex_decode, refused, COUNT(refused));
}

static void test_hex(void **state)
{
        (void)state;
        static const struct vector vectors[] = {
                {"", ""}, {"f", "66"}, {"fo", "666f"}, {"foo", "666f6f"}, {"\xff\x01\xa0", "ff01a0"}};
        check_vectors(vectors, COUNT(vectors), hex_encode, hex_decode);
        uint8_t bytes[8];
        assert_int_equal(hex_decode("DEADbeef", 8, bytes), 4);
        assert_memory_equal(bytes, "\xde\xad\xbe\xef", 4);
        static const char *const refused[] = {"0", "000", "0g", "G0", "0x00", " 0", "-1", "0\n"};
        check_refused(hex_decode, refused, COUNT(refused));
}

static void test_all_lengths_come_back(void **state)
{
        (void)state;
        static encoder *const encoders[] = {base64_encode, base32hex_encode, hex_encode};
        static decoder *const decoders[] = {base64_decode, base32hex_decode, hex_decode};
        random_fix(3);
        for (size_t length = 0; length < 100; length++) {
                const size_t rooms[] = {
                        4 * ((length + 2) / 3) + 1, 8 * ((length + 4) / 5) + 1, 2 * length + 1};
                uint8_t bytes[100], back[256];
                random_bytes(bytes, length);
                for (size_t i = 0; i < 3; i++) {
                        char *text = test_malloc(rooms[i]);
                        size_t text_length = encoders[i](bytes, length, text);
                        assert_true(text_length < rooms[i]);
                        assert_int_equal(strlen(text), text_length);
                        assert_int_equal(decoders[i](text, text_length, back), length);
                        assert_memory_equal(bytes, back, length);
                        test_free(text);
                }
        }
        random_fix(0);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_base64),
                cmocka_unit_test(test_base32hex),
                cmocka_unit_test(test_hex),
                cmocka_unit_test(test_all_lengths_come_back),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
