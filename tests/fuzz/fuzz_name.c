/* Any text to a name; what is taken comes back as the same octets from its own text, and every function on
 * names holds on it. Any octets as a compressed name in a message. */
#include "dns/name.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition)
{
        if (!condition)
                abort();
}

static void round_trip(const uint8_t *data, size_t size)
{
        static const uint8_t origin[] = "\6oRigin";
        uint8_t name[NAME_MAX_LENGTH], again[NAME_MAX_LENGTH], folded[NAME_MAX_LENGTH], key[NAME_KEY_MAX];
        char text[NAME_TEXT_MAX];
        size_t length, again_length, at = 0;

        if (name_from_text((const char *)data, size, origin, name, &length, &at) != NAME_OK) {
                require(at <= size);
                return;
        }
        require(name_check(name, length) == length && name_length(name) == length);
        name_to_text(name, text);
        require(name_from_text(text, strlen(text), NULL, again, &again_length, NULL) == NAME_OK);
        require(again_length == length && memcmp(name, again, length) == 0);
        name_fold(name, folded);
        require(name_equal(name, folded) && name_compare(name, folded) == 0);
        require(name_identical(name, again) && name_is_below(name, name_parent(name)));
        require(name_order_key(name, (const uint8_t *)"", key) <= NAME_KEY_MAX);
        require(name_to_zone_text(name, text) == text);
}

static void decompress(const uint8_t *data, size_t size)
{
        uint8_t name[NAME_MAX_LENGTH];
        size_t length;

        for (size_t offset = 0; offset <= size && offset < 64; offset++) {
                size_t taken = name_decompress(data, size, offset, name, &length);

                if (taken > 0)
                        require(offset + taken <= size && name_check(name, length) == length);
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        round_trip(data, size);
        decompress(data, size);
        require(name_check(data, size) <= size);
        return 0;
}
