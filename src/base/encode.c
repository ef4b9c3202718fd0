/* Base64, base32hex and hexadecimal (RFC 4648). Pure; any thread.
 *
 * The decoders are strict: one text for one value. A second spelling (left-over bits that are not zero,
 * padding that is missing or too much) is refused, because the text of a zone is compared and shown as what
 * it means. */
#include "base/encode.h"

#include <errno.h>

/* 0 to 63 as itself, 255 for what is no digit. */
static uint8_t base64_digit(char character)
{
        if (character >= 'A' && character <= 'Z')
                return (uint8_t)(character - 'A');
        if (character >= 'a' && character <= 'z')
                return (uint8_t)(character - 'a' + 26);
        if (character >= '0' && character <= '9')
                return (uint8_t)(character - '0' + 52);
        return character == '+' ? 62 : character == '/' ? 63 : 255;
}

static uint8_t base32hex_digit(char character)
{
        if (character >= '0' && character <= '9')
                return (uint8_t)(character - '0');
        if (character >= 'A' && character <= 'V')
                return (uint8_t)(character - 'A' + 10);
        if (character >= 'a' && character <= 'v')
                return (uint8_t)(character - 'a' + 10);
        return 255;
}

static uint8_t hex_digit(char character)
{
        uint8_t digit = base32hex_digit(character);
        return digit < 16 ? digit : 255;
}

/* Digits of `digit_bits` each, most significant first. Bits that do not fill a byte must be fewer than a
 * digit has, and zero. */
static ssize_t digits_decode(
        const char *text, size_t length, unsigned digit_bits, uint8_t (*digit_of)(char), uint8_t *ret_bytes)
{
        size_t count = 0;
        uint32_t held = 0;
        unsigned held_bits = 0;
        for (size_t i = 0; i < length; i++) {
                uint8_t digit = digit_of(text[i]);
                if (digit == 255)
                        return -EINVAL;
                held = held << digit_bits | digit;
                held_bits += digit_bits;
                if (held_bits >= 8) {
                        held_bits -= 8;
                        ret_bytes[count++] = (uint8_t)(held >> held_bits);
                        held &= (1u << held_bits) - 1;
                }
        }
        if (held_bits >= digit_bits || held != 0)
                return -EINVAL;
        return (ssize_t)count;
}

ssize_t base64_decode(const char *text, size_t length, uint8_t *ret_bytes)
{
        if (length % 4 != 0)
                return -EINVAL;
        size_t padding = 0;
        while (padding < 2 && padding < length && text[length - 1 - padding] == '=')
                padding++;
        return digits_decode(text, length - padding, 6, base64_digit, ret_bytes);
}

ssize_t base32hex_decode(const char *text, size_t length, uint8_t *ret_bytes)
{
        return digits_decode(text, length, 5, base32hex_digit, ret_bytes);
}

ssize_t hex_decode(const char *text, size_t length, uint8_t *ret_bytes)
{
        return digits_decode(text, length, 4, hex_digit, ret_bytes);
}

/* The last digit is filled up with zero bits. */
static size_t digits_encode(
        const uint8_t *bytes, size_t length, unsigned digit_bits, const char *digits, char *ret_text)
{
        size_t count = 0;
        uint32_t held = 0;
        unsigned held_bits = 0;
        const uint32_t mask = (1u << digit_bits) - 1;
        for (size_t i = 0; i < length; i++) {
                held = held << 8 | bytes[i];
                held_bits += 8;
                while (held_bits >= digit_bits) {
                        held_bits -= digit_bits;
                        ret_text[count++] = digits[held >> held_bits & mask];
                }
        }
        if (held_bits > 0)
                ret_text[count++] = digits[held << (digit_bits - held_bits) & mask];
        ret_text[count] = '\0';
        return count;
}

size_t base64_encode(const uint8_t *bytes, size_t length, char *ret_text)
{
        static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        size_t count = digits_encode(bytes, length, 6, digits, ret_text);
        while (count % 4 != 0)
                ret_text[count++] = '=';
        ret_text[count] = '\0';
        return count;
}

size_t base32hex_encode(const uint8_t *bytes, size_t length, char *ret_text)
{
        return digits_encode(bytes, length, 5, "0123456789ABCDEFGHIJKLMNOPQRSTUV", ret_text);
}

size_t hex_encode(const uint8_t *bytes, size_t length, char *ret_text)
{
        return digits_encode(bytes, length, 4, "0123456789abcdef", ret_text);
}
