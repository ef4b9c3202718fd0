/* Renders records into message bodies, for leaves and for the pieces of journal steps. Any thread, each with
 * its own writer. */
#include "store/store_data.h"

#include <errno.h>
#include <string.h>

int leaf_render(struct leaf_writer *writer, const struct record *records, size_t count, size_t fill,
        size_t *ret_used, size_t *ret_length)
{
        struct render *render = &writer->render;
        size_t used = 0;

        render_begin(render, writer->bytes, fill, 0, FLAG_QR | FLAG_AA);
        for (; used < count; used++) {
                record_prefetch(records, count, used);
                if (render_record(render, RENDER_ANSWER, &records[used]) != RENDER_OK)
                        break;
        }
        if (used == 0 && count > 0) {
                render_begin(render, writer->bytes, MESSAGE_MAX_SIZE, 0, FLAG_QR | FLAG_AA);
                if (render_record(render, RENDER_ANSWER, &records[0]) != RENDER_OK)
                        return -EMSGSIZE;
                used = 1;
        }
        *ret_length = render_end(render);
        *ret_used = used;
        return 0;
}
