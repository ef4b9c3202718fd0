/* Names of master files: token to wire form, and what to tell of a wrong one. Pure; any thread. */
#include "zonefile/scan.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#define TEXT_LENGTH_MAX 254 /* without escapes: one octet less than the wire form */

static int fail_name(struct scan *scan, const char *at, enum name_error error)
{
        switch (error) {
        case NAME_EMPTY_LABEL:
                return scan_fail(scan, at, "empty-label", "two dots in a row, or a dot at the start",
                        "an empty label in a name");
        case NAME_LABEL_TOO_LONG:
                return scan_fail(scan, at, "label-too-long", NULL, "a label is longer than 63 octets");
        case NAME_TOO_LONG:
                return scan_fail(scan, at, "name-too-long",
                        "the origin is counted, where there is no final dot",
                        "the name is longer than 255 octets");
        case NAME_BAD_ESCAPE:
                return scan_fail(scan, at, "bad-escape",
                        "an escape is a backslash and one character, or three digits from 000 to 255",
                        "a broken escape in a name");
        case NAME_RELATIVE:
                return scan_fail(scan, at, "relative-name", "end it with a dot",
                        "a relative name, and there is no origin");
        case NAME_OK:
                break;
        }
        return -EINVAL;
}

/* The whole name with each label that is not ASCII in its xn-- form, or "" where one has none. */
static void hint_non_ascii(const struct token *token, char *ret_hint, size_t size)
{
        const char *at = token->begin;
        size_t used = (size_t)snprintf(ret_hint, size, "write it as ");

        while (at < token->end) {
                char label[NAME_MAX_LABEL + 1];
                const char *dot = memchr(at, '.', (size_t)(token->end - at));
                size_t length = (size_t)((dot ? dot : token->end) - at);

                if (!punycode_label(at, length, label) || used + length + strlen(label) + 2 > size) {
                        snprintf(ret_hint, size, "only ASCII letters, digits and hyphens, or escapes \\DDD");
                        return;
                }
                used += (size_t)snprintf(ret_hint + used, size - used, "%s%s", label, dot ? "." : "");
                at += length + (dot != NULL);
        }
}

static int fail_non_ascii(struct scan *scan, const struct token *token)
{
        const char *at = token->begin;
        char hint[280];

        while (at < token->end && !(*at & 0x80))
                at++;
        hint_non_ascii(token, hint, sizeof(hint));
        return scan_fail(scan, at, "non-ascii-name", hint, "a letter that is not ASCII in a name");
}

static inline uint8_t fold(uint8_t octet)
{
        return (uint8_t)(octet - 'A') < 26 ? octet | 0x20 : octet;
}

/* `used` octets of labels before the origin: do they end in the zone's own name? (The missing final dot.) */
static bool is_doubled(const struct scan *scan, const uint8_t *name, size_t used)
{
        size_t length = scan->apex_length - 1;

        /* A zone of one label (a TLD) may well have that word as a label. */
        if (!scan->apex || used < length || scan->apex[0] + 2u >= scan->apex_length)
                return false;
        for (size_t i = 0; i < length; i++)
                if (fold(name[used - length + i]) != fold(scan->apex[i]))
                        return false;
        return true;
}

static int name_with_escapes(struct scan *scan, const struct token *token, uint8_t *name, size_t *ret_length)
{
        size_t at = 0;
        int r = name_from_text(token->begin, token_length(token), scan->origin, name, ret_length, &at);

        if (r != NAME_OK)
                return fail_name(scan, token->begin + at, (enum name_error)r);
        return 0;
}

/* Index of the next dot at or behind `from`; the token's length, or more, where there is none. */
static inline size_t next_dot(const struct token *token, size_t from)
{
        size_t length = token_length(token);
#ifdef __SSE2__
        const __m128i dot = _mm_set1_epi8('.');

        for (; from < length; from += 16) { /* there is room behind every text */
                __m128i octets = _mm_loadu_si128((const __m128i *)(const void *)(token->begin + from));
                unsigned mask = (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(octets, dot));

                if (mask != 0)
                        return from + (unsigned)__builtin_ctz(mask);
        }
#else
        while (from < length && token->begin[from] != '.')
                from++;
#endif
        return from;
}

/* Copies the text behind the first length octet and turns the dots into length octets. Returns where the last
 * label's length octet is, or -1 with the fault told. */
static int labels_from_text(struct scan *scan, const struct token *token, uint8_t *name)
{
        size_t length = token_length(token), label = 0;

        memcpy(name + 1, token->begin, length);
        for (size_t i = next_dot(token, 0); i < length; i = next_dot(token, i + 1)) {
                size_t size = i - label;

                if (size == 0) {
                        fail_name(scan, token->begin + i, NAME_EMPTY_LABEL);
                        return -1;
                }
                if (size > NAME_MAX_LABEL) {
                        fail_name(scan, token->begin + label, NAME_LABEL_TOO_LONG);
                        return -1;
                }
                name[label] = (uint8_t)size;
                label = i + 1;
        }
        if (length - label > NAME_MAX_LABEL) {
                fail_name(scan, token->begin + label, NAME_LABEL_TOO_LONG);
                return -1;
        }
        name[label] = (uint8_t)(length - label);
        return (int)label;
}

int scan_name(struct scan *scan, const struct token *token, uint8_t *name, size_t *ret_length)
{
        size_t length = token_length(token);
        int label;

        if (length == 1 && (*token->begin == '.' || *token->begin == '@')) {
                if (*token->begin == '.') {
                        name[0] = 0;
                        *ret_length = 1;
                        return 0;
                }
                if (!scan->origin)
                        return fail_name(scan, token->begin, NAME_RELATIVE);
                memcpy(name, scan->origin, scan->origin_length);
                *ret_length = scan->origin_length;
                return 0;
        }
        if (token->has_high)
                return fail_non_ascii(scan, token);
        if (token->has_escape)
                return name_with_escapes(scan, token, name, ret_length);
        if (length > TEXT_LENGTH_MAX)
                return fail_name(scan, token->begin, NAME_TOO_LONG);
        label = labels_from_text(scan, token, name);
        if (label < 0)
                return -EINVAL;
        if ((size_t)label == length) { /* the final dot: the root's octet is there already */
                *ret_length = length + 1;
                return 0;
        }
        if (!scan->origin)
                return fail_name(scan, token->begin, NAME_RELATIVE);
        if (length + 1 + scan->origin_length > NAME_MAX_LENGTH)
                return fail_name(scan, token->begin, NAME_TOO_LONG);
        if (is_doubled(scan, name, length + 1))
                scan->doubled = token->begin;
        memcpy(name + length + 1, scan->origin, scan->origin_length);
        *ret_length = length + 1 + scan->origin_length;
        return 0;
}
