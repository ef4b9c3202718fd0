/* The xn-- form of a label, for the hint that comes with a letter outside ASCII (RFC 3492, RFC 5891 s.4).
 * Pure.
 *
 * Letters of the Latin, Greek and Cyrillic alphabets are lowered, as registration wants; nothing is
 * normalised. It is a hint: the user looks at it. */
#include "zonefile/scan.h"

#include <string.h>

enum { BASE = 36, T_MIN = 1, T_MAX = 26, SKEW = 38, DAMP = 700, INITIAL_BIAS = 72, INITIAL_N = 128 };

static uint32_t lower(uint32_t character)
{
        if (character >= 'A' && character <= 'Z')
                return character + 32;
        if (character >= 0xc0 && character <= 0xde && character != 0xd7)
                return character + 32;
        if (character >= 0x100 && character <= 0x137)
                return character | 1;
        if (character >= 0x391 && character <= 0x3a9)
                return character + 32;
        if (character >= 0x410 && character <= 0x42f)
                return character + 32;
        if (character >= 0x400 && character <= 0x40f)
                return character + 80;
        return character;
}

/* Characters of the label, lowered; 0 where it is not UTF-8 or has too many. */
static size_t decode_utf8(const char *text, size_t length, uint32_t ret_characters[static NAME_MAX_LABEL])
{
        size_t count = 0;

        for (size_t i = 0; i < length;) {
                unsigned char octet = (unsigned char)text[i];
                size_t size = octet < 0x80    ? 1
                              : octet >= 0xf0 ? 4
                              : octet >= 0xe0 ? 3
                              : octet >= 0xc2 ? 2
                                              : 0;
                uint32_t character;

                if (size == 0 || size > length - i || count == NAME_MAX_LABEL || octet > 0xf4)
                        return 0;
                character = size == 1 ? octet : octet & (0x7fu >> size);
                for (size_t n = 1; n < size; n++) {
                        if (((unsigned char)text[i + n] & 0xc0) != 0x80)
                                return 0;
                        character = character << 6 | ((unsigned char)text[i + n] & 0x3f);
                }
                ret_characters[count++] = lower(character);
                i += size;
        }
        return count;
}

static uint32_t adapt(uint32_t delta, uint32_t points, bool is_first)
{
        uint32_t k = 0;

        delta = is_first ? delta / DAMP : delta / 2;
        delta += delta / points;
        for (; delta > (BASE - T_MIN) * T_MAX / 2; k += BASE)
                delta /= BASE - T_MIN;
        return k + (BASE - T_MIN + 1) * delta / (delta + SKEW);
}

static char digit(uint32_t value)
{
        return (char)(value < 26 ? 'a' + value : '0' + (value - 26));
}

/* One delta as digits. False where the label is full. */
static bool put_delta(uint32_t delta, uint32_t bias, char *label, size_t *used)
{
        for (uint32_t k = BASE;; k += BASE) {
                uint32_t threshold = k <= bias ? T_MIN : k >= bias + T_MAX ? T_MAX : k - bias;

                if (*used == NAME_MAX_LABEL)
                        return false;
                if (delta < threshold) {
                        label[(*used)++] = digit(delta);
                        return true;
                }
                label[(*used)++] = digit(threshold + (delta - threshold) % (BASE - threshold));
                delta = (delta - threshold) / (BASE - threshold);
        }
}

/* The ASCII characters come first; returns how many. */
static uint32_t put_basic(const uint32_t *characters, size_t count, char *label, size_t *used)
{
        uint32_t basic = 0;

        for (size_t i = 0; i < count; i++)
                if (characters[i] < INITIAL_N && *used < NAME_MAX_LABEL) {
                        label[(*used)++] = (char)characters[i];
                        basic++;
                }
        return basic;
}

static uint32_t next_above(const uint32_t *characters, size_t count, uint32_t least)
{
        uint32_t next = UINT32_MAX;

        for (size_t i = 0; i < count; i++)
                if (characters[i] >= least && characters[i] < next)
                        next = characters[i];
        return next;
}

static bool encode(const uint32_t *characters, size_t count, char *label)
{
        uint32_t n = INITIAL_N, delta = 0, bias = INITIAL_BIAS, handled, basic;
        size_t used = 4;

        memcpy(label, "xn--", 4);
        handled = basic = put_basic(characters, count, label, &used);
        if (basic > 0) {
                if (used == NAME_MAX_LABEL)
                        return false;
                label[used++] = '-';
        }
        while (handled < count) {
                uint32_t next = next_above(characters, count, n);

                delta += (next - n) * (handled + 1); /* at most 0x10ffff * 64 */
                n = next;
                for (size_t i = 0; i < count; i++) {
                        if (characters[i] < n)
                                delta++;
                        if (characters[i] != n)
                                continue;
                        if (!put_delta(delta, bias, label, &used))
                                return false;
                        bias = adapt(delta, handled + 1, handled == basic);
                        delta = 0;
                        handled++;
                }
                delta++;
                n++;
        }
        label[used] = '\0';
        return true;
}

bool punycode_label(const char *text, size_t length, char ret_label[static NAME_MAX_LABEL + 1])
{
        uint32_t characters[NAME_MAX_LABEL];
        bool is_ascii = true;
        size_t count;

        for (size_t i = 0; i < length; i++)
                is_ascii &= !(text[i] & 0x80);
        if (is_ascii) {
                if (length > NAME_MAX_LABEL)
                        return false;
                memcpy(ret_label, text, length);
                ret_label[length] = '\0';
                return true;
        }
        count = decode_utf8(text, length, characters);
        return count > 0 && encode(characters, count, ret_label);
}
