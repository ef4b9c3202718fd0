/* Domain names in wire form: lengths, comparing, the canonical order, decompression. Pure; any thread.
 *
 * A length octet is at most 63 and so never a letter: folding may run over the whole wire form, length octets
 * and all. */
#include "dns/name.h"

#include <assert.h>
#include <string.h>

#define POINTER_MASK 0xC0u
#define MESSAGE_HEADER 12u

static inline uint8_t fold(uint8_t octet)
{
        return (uint8_t)(octet - 'A') < 26 ? octet | 0x20 : octet;
}

size_t name_length(const uint8_t *name)
{
        const uint8_t *at = name;

        while (*at)
                at += 1 + *at;
        return (size_t)(at - name) + 1;
}

size_t name_check(const uint8_t *bytes, size_t size)
{
        size_t at = 0;

        if (size > NAME_MAX_LENGTH)
                size = NAME_MAX_LENGTH;
        while (at < size) {
                if (bytes[at] == 0)
                        return at + 1;
                if (bytes[at] > NAME_MAX_LABEL)
                        return 0;
                at += 1u + bytes[at];
        }
        return 0;
}

unsigned name_label_count(const uint8_t *name)
{
        unsigned n = 0;

        for (; *name; name += 1 + *name)
                n++;
        return n;
}

static bool octets_equal_folded(const uint8_t *left, const uint8_t *right, size_t length)
{
        for (size_t i = 0; i < length; i++)
                if (left[i] != right[i] && fold(left[i]) != fold(right[i]))
                        return false;
        return true;
}

bool name_equal(const uint8_t *left, const uint8_t *right)
{
        /* Label by label: neither length need be known, and a differing first label ends it at once. */
        while (*left == *right) {
                size_t length = *left;

                if (length == 0)
                        return true;
                if (!octets_equal_folded(left + 1, right + 1, length))
                        return false;
                left += 1 + length;
                right += 1 + length;
        }
        return false;
}

bool name_identical(const uint8_t *left, const uint8_t *right)
{
        while (*left == *right) {
                size_t length = *left;

                if (length == 0)
                        return true;
                if (memcmp(left + 1, right + 1, length) != 0)
                        return false;
                left += 1 + length;
                right += 1 + length;
        }
        return false;
}

bool name_is_below(const uint8_t *name, const uint8_t *ancestor)
{
        size_t name_size = name_length(name), ancestor_size = name_length(ancestor);
        const uint8_t *suffix;

        if (ancestor_size > name_size)
                return false;
        suffix = name + (name_size - ancestor_size);
        while (name < suffix)
                name += 1 + *name;
        return name == suffix && octets_equal_folded(suffix, ancestor, ancestor_size);
}

bool name_is_wildcard(const uint8_t *name)
{
        return name[0] == 1 && name[1] == '*';
}

const uint8_t *name_parent(const uint8_t *name)
{
        return *name ? name + 1 + *name : name;
}

void name_fold(const uint8_t *name, uint8_t *ret_folded)
{
        size_t length = name_length(name);

        for (size_t i = 0; i < length; i++)
                ret_folded[i] = fold(name[i]);
}

/* Where each label begins, the first label first. Returns how many there are; the root label is not one. */
static unsigned name_labels(const uint8_t *name, uint8_t ret_offsets[static NAME_MAX_LENGTH / 2 + 1])
{
        unsigned n = 0;

        for (size_t at = 0; name[at]; at += 1u + name[at])
                ret_offsets[n++] = (uint8_t)at;
        return n;
}

static int label_compare(const uint8_t *left, const uint8_t *right)
{
        size_t shorter = left[0] < right[0] ? left[0] : right[0];

        if (left[0] == right[0] && memcmp(left, right, 1 + shorter) == 0)
                return 0;
        for (size_t i = 1; i <= shorter; i++) {
                int difference = (int)fold(left[i]) - (int)fold(right[i]);

                if (difference != 0)
                        return difference;
        }
        return (int)left[0] - (int)right[0];
}

int name_compare(const uint8_t *left, const uint8_t *right)
{
        uint8_t left_labels[NAME_MAX_LENGTH / 2 + 1], right_labels[NAME_MAX_LENGTH / 2 + 1];
        unsigned left_count, right_count;

        if (left == right || name_identical(left, right))
                return 0;
        left_count = name_labels(left, left_labels);
        right_count = name_labels(right, right_labels);
        while (left_count > 0 && right_count > 0) {
                int order =
                        label_compare(left + left_labels[--left_count], right + right_labels[--right_count]);

                if (order != 0)
                        return order;
        }
        return (int)left_count - (int)right_count;
}

size_t name_order_key(const uint8_t *name, const uint8_t *apex, uint8_t *ret_key)
{
        uint8_t labels[NAME_MAX_LENGTH / 2 + 1];
        unsigned count = name_labels(name, labels);
        unsigned apex_count = name_label_count(apex);
        uint8_t *out = ret_key;

        assert(count >= apex_count);
        for (unsigned n = count - apex_count; n-- > 0;) {
                const uint8_t *label = name + labels[n];

                for (size_t i = 1; i <= label[0]; i++) {
                        uint8_t octet = fold(label[i]);

                        if (octet <= 1) {
                                *out++ = 1;
                                octet++;
                        }
                        *out++ = octet;
                }
                *out++ = 0;
        }
        return (size_t)(out - ret_key);
}

size_t name_decompress(
        const uint8_t *message, size_t size, size_t offset, uint8_t *ret_name, size_t *ret_length)
{
        size_t at = offset, segment = offset, length = 0, taken = 0;

        for (;;) {
                uint8_t octet;

                if (at >= size)
                        return 0;
                octet = message[at];
                if (octet <= NAME_MAX_LABEL) {
                        if (size - at < 1u + octet || length + 1 + octet > NAME_MAX_LENGTH)
                                return 0;
                        memcpy(ret_name + length, message + at, 1u + octet);
                        length += 1u + octet;
                        at += 1u + octet;
                        if (octet == 0)
                                break;
                        continue;
                }
                if ((octet & POINTER_MASK) != POINTER_MASK || size - at < 2)
                        return 0;
                if (taken == 0)
                        taken = at + 2 - offset;
                at = (octet & ~POINTER_MASK) << 8 | message[at + 1];
                /* A target before all that was read so far: so it ends, after at most 127 labels. */
                if (at >= segment || at < MESSAGE_HEADER)
                        return 0;
                segment = at;
        }
        *ret_length = length;
        return taken ? taken : at - offset;
}
