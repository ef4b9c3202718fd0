/* Stored rows of the survey: what is taken for a secondary's row is written back octet for octet, and what a
 * use of an address list says has an element that ends. */
#include "base/buffer.h"
#include "fleet/survey_state.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void look_at_use(const uint8_t *data, size_t size)
{
        uint8_t key[ACL_USE_KEY_MAX + 1] = {0};
        const char *element;
        uint64_t usec;
        if (size < 9 || size - 9 > ACL_USE_KEY_MAX)
                return;
        memcpy(key, data, size - 9);
        if (acl_use_decode(key, size - 9, data + size - 9, 9, &element, &usec) < 0)
                return;
        if (strlen((const char *)key + 1) + 2 + strlen(element) != size - 9 || strlen(element) == 0)
                abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct sight_row row;
        struct buffer out = {0};
        look_at_use(data, size);
        if (sight_row_decode(data, size, &row) < 0)
                return 0;
        sight_row_encode(&row, &out);
        if (out.length != size || memcmp(out.data, data, size) != 0)
                abort();
        buffer_free(&out);
        return 0;
}
