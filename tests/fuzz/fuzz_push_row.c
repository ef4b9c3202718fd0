/* A stored row of a push: what is taken for one is written back octet for octet. */
#include "base/buffer.h"
#include "push/row.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct push_row row;
        struct buffer out = {0};
        if (push_row_decode(data, size, &row) < 0)
                return 0;
        push_row_encode(&row, &out);
        if (out.length != size || memcmp(out.data, data, size) != 0)
                abort();
        buffer_free(&out);
        return 0;
}
