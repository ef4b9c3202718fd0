/* A stored row: what is taken for one is written back octet for octet. */
#include "base/buffer.h"
#include "fleet/fleet.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct fleet_row row;
        struct buffer out = {0};
        if (fleet_row_decode(data, size, &row) < 0)
                return 0;
        fleet_row_encode(&row, &out);
        if (out.length != size || memcmp(out.data, data, size) != 0)
                abort();
        buffer_free(&out);
        return 0;
}
