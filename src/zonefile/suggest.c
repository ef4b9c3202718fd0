/* Guesses at a word that is no record type: a slip of the pen, a missing type, a directive out of its column.
 * Pure. */
#include "zonefile/suggest.h"

#include "base/cleanup.h"
#include "dns/type.h"

#include <arpa/inet.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define WORD_MAX 16
#define DISTANCE_MAX 2u

static unsigned least(unsigned a, unsigned b)
{
        return a < b ? a : b;
}

static char upper(char letter)
{
        return letter >= 'a' && letter <= 'z' ? (char)(letter - 32) : letter;
}

/* Edits (insert, delete, change, swap neighbours) from one word to the other; both at most WORD_MAX long. */
static unsigned distance(const char *left, size_t left_length, const char *right, size_t right_length)
{
        unsigned rows[WORD_MAX + 1][WORD_MAX + 1];

        for (size_t i = 0; i <= left_length; i++)
                rows[i][0] = (unsigned)i;
        for (size_t n = 0; n <= right_length; n++)
                rows[0][n] = (unsigned)n;
        for (size_t i = 1; i <= left_length; i++)
                for (size_t n = 1; n <= right_length; n++) {
                        char a = upper(left[i - 1]), b = upper(right[n - 1]);

                        rows[i][n] = least(
                                least(rows[i - 1][n] + 1, rows[i][n - 1] + 1), rows[i - 1][n - 1] + (a != b));
                        if (i > 1 && n > 1 && a == upper(right[n - 2]) && upper(left[i - 2]) == b)
                                rows[i][n] = least(rows[i][n], rows[i - 2][n - 2] + 1);
                }
        return rows[left_length][right_length];
}

static const char *nearest_type(const char *word, size_t length)
{
        const char *nearest = NULL;
        unsigned best = length > 3 ? DISTANCE_MAX + 1 : 2;

        if (length > WORD_MAX)
                return NULL;
        for (uint16_t type = 1; type < 512; type++) {
                const struct type_info *info = type_info(type);
                unsigned edits;

                if (!info->mnemonic || info->is_meta || info->fields[0] == FIELD_UNKNOWN ||
                        strlen(info->mnemonic) > WORD_MAX)
                        continue;
                edits = distance(word, length, info->mnemonic, strlen(info->mnemonic));
                /* A one-letter word is one edit from a dozen of them. */
                if (edits < best && edits < length && edits < strlen(info->mnemonic)) {
                        best = edits;
                        nearest = info->mnemonic;
                }
        }
        return nearest;
}

void suggest_type(const char *word, size_t length, char *ret_hint, size_t size)
{
        char text[INET6_ADDRSTRLEN] = {0};
        uint8_t address[16];
        const char *nearest;

        *ret_hint = '\0';
        if (length < sizeof(text))
                memcpy(text, word, length);
        if (*word == '$') {
                snprintf(ret_hint, size, "a directive begins in the first column");
        } else if (inet_pton(AF_INET6, text, address) == 1) {
                snprintf(ret_hint, size, "does the type AAAA miss before the address?");
        } else if (memchr(word, '.', length)) {
                snprintf(ret_hint, size,
                        "a line that begins with a blank has the owner of the line before; then TTL, class, "
                        "type");
        } else {
                nearest = nearest_type(word, length);
                if (nearest)
                        snprintf(ret_hint, size, "did you mean %s?", nearest);
        }
}
