/* Rows of a zone's state, the guard's and a rollback's: what is taken for one is written back octet for
 * octet, and its sums hold. */
#include "base/buffer.h"
#include "publish/rollback.h"
#include "zone/guard_memory.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_octets(struct buffer *out, const uint8_t *data, size_t size)
{
        if (out->length != size || memcmp(out->data, data, size) != 0)
                abort();
        buffer_free(out);
}

static void check_guard(const uint8_t *data, size_t size)
{
        struct guard_memory memory;
        struct guard_publish sum, edit = {.version = 9, .usec = 3600000000, .rrsets_gone = 1};
        struct buffer out = {0};

        if (guard_memory_decode(data, size, &memory) < 0)
                return;
        guard_memory_encode(&memory, &out);
        check_octets(&out, data, size);
        guard_memory_sum(&memory, 1000000, 3600000000, &sum);
        guard_memory_add(&memory, &edit, 3600000000);
        if (!guard_memory_sum(&memory, edit.usec, 3600000000, &sum) || sum.rrsets_gone == 0 ||
                memory.bucket_count > GUARD_BUCKETS_MAX)
                abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct rollback rollback;
        struct buffer out = {0};

        check_guard(data, size);
        if (rollback_decode(data, size, &rollback) == 0) {
                rollback_encode(&rollback, &out);
                check_octets(&out, data, size);
        }
        return 0;
}
