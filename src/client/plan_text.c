/* A zone's text, read as zonecrierd would and written again as one record a line: so a plan needs no
 * includes, and its records are the same. */
#include "base/buffer.h"
#include "base/cleanup.h"
#include "client/client.h"
#include "client/plan.h"
#include "conf/conf.h"
#include "dns/rdata.h"
#include "source/source.h"
#include "zonefile/zonefile.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define FILE_BYTES_MAX (4ull << 30)
#define PIECE_BYTES 65536

static int write_all(int fd, struct buffer *text)
{
        for (size_t at = 0; at < text->length;) {
                ssize_t n = write(fd, text->data + at, text->length - at);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return -errno;
                at += (size_t)n;
        }
        buffer_clear(text);
        return 0;
}

static int write_records(const struct zonefile_result *result, int fd)
{
        CLEANUP(buffer_free) struct buffer text = {0};
        int r = 0;

        record_to_text(&result->soa, &text);
        for (size_t i = 0; r == 0 && i < result->records.count; i++) {
                buffer_append_u8(&text, '\n');
                record_to_text(&result->records.items[i], &text);
                if (text.length > PIECE_BYTES)
                        r = buffer_status(&text) < 0 ? -ENOMEM : write_all(fd, &text);
        }
        if (!result->ends_without_newline) /* the guard looks at that */
                buffer_append_u8(&text, '\n');
        if (r == 0)
                r = buffer_status(&text);
        return r == 0 ? write_all(fd, &text) : r;
}

int plan_read_text(const struct plan *plan, struct source_snapshot *snapshot, const char *path,
        const uint8_t *zone, bool strict, struct diag_list *diags, int *ret_fd)
{
        static const struct conf_checks lenient = {0};
        CLEANUP_CLOSE int in = -1;
        CLEANUP_CLOSE int out = -1;
        struct source_identity identity;
        struct zone_text text = {0};
        struct zonefile_result result = {0};
        const struct zonefile_request request = {.origin = zone,
                .file = path,
                .snapshot = snapshot,
                .checks = strict ? &conf_policy_for(plan->conf, zone)->checks : &lenient};

        int r = source_open_found(snapshot, path, &in, &identity);
        if (r == 0)
                r = zone_text_read(in, identity.size_bytes, FILE_BYTES_MAX, NULL, &text);
        if (r == 0)
                r = zonefile_parse(&request, &text, diags, &result);
        if (r == 0) {
                out = memfd_create("zone", MFD_CLOEXEC);
                r = out < 0 ? -errno : write_records(&result, out);
        }
        zonefile_result_free(&result);
        zone_text_free(&text);
        if (r < 0)
                return r;
        *ret_fd = TAKE_FD(out);
        return 0;
}

void plan_add_errors(struct plan *plan, const uint8_t *zone, struct diag_list *diags)
{
        CLEANUP(buffer_free) struct buffer text = {0};

        diag_sort(diags);
        for (size_t i = 0; i < diags->count; i++)
                if (diags->items[i].severity == DIAG_ERROR)
                        diag_format(&diags->items[i], &text);
        const char *details = buffer_text(&text);
        plan_add_broken(plan, zone, NULL, details && *details ? details : "the text has errors\n");
}
