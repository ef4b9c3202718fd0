/* UTF-8: what is a character, and which may be shown. */
#include "base/utf8.h"

size_t utf8_read(const uint8_t *text, size_t size, uint32_t *ret_character)
{
        static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
        if (text[0] < 0x80) {
                *ret_character = text[0];
                return 1;
        }
        size_t length = text[0] > 0xf4    ? 0
                        : text[0] >= 0xf0 ? 4
                        : text[0] >= 0xe0 ? 3
                        : text[0] >= 0xc2 ? 2
                                          : 0;
        if (length == 0 || length > size)
                return 0;
        uint32_t character = text[0] & (0x7fu >> length);
        for (size_t i = 1; i < length; i++) {
                if ((text[i] & 0xc0) != 0x80)
                        return 0;
                character = character << 6 | (text[i] & 0x3f);
        }
        if (character < least[length] || character > 0x10ffff || (character >= 0xd800 && character <= 0xdfff))
                return 0;
        *ret_character = character;
        return length;
}

bool utf8_is_printable(uint32_t character)
{
        return character >= 0x20 && (character < 0x7f || character >= 0xa0) &&
               (character < 0x2028 || character > 0x202e) && (character < 0x2066 || character > 0x2069);
}
