/* A stored row of a view: what is taken for one is written back octet for octet. */
#include "transfer/transfer.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct transfer_view view;
        uint8_t out[TRANSFER_VIEW_SIZE];
        if (transfer_view_decode(data, size, &view) < 0)
                return 0;
        transfer_view_encode(&view, out);
        if (size != sizeof(out) || memcmp(out, data, size) != 0)
                abort();
        return 0;
}
