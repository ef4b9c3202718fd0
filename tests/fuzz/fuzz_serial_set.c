/* A stored way to another serial: what is taken for one is written back octet for octet, and every step of it
 * is one that a secondary follows. */
#include "base/buffer.h"
#include "dns/serial.h"
#include "zone/serial_steps.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct serial_set set;
        struct buffer out = {0};
        uint32_t at;

        if (serial_set_decode(data, size, &set) < 0)
                return 0;
        at = set.from;
        for (size_t i = 0; i < set.step_count; at = set.steps[i++])
                if (!serial_is_ahead(set.steps[i], at))
                        abort();
        serial_set_assumes(&set, "office");
        serial_set_encode(&set, &out);
        if (out.length != size || memcmp(out.data, data, size) != 0)
                abort();
        buffer_free(&out);
        return 0;
}
