/* A zone's text, read as zonecrierd would. With includes it is written again as one record a line, so that
 * one text is planned, and its records are the same. */
#include "base/buffer.h"
#include "base/cleanup.h"
#include "client/client.h"
#include "client/plan.h"
#include "conf/conf.h"
#include "dns/rdata.h"
#include "dns/type.h"
#include "source/source.h"
#include "zonefile/zonefile.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define FILE_BYTES_MAX (4ull << 30)
#define PIECE_BYTES 65536

static int write_all(int fd, const void *bytes, size_t length)
{
        for (size_t at = 0; at < length;) {
                ssize_t n = write(fd, (const char *)bytes + at, length - at);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return -errno;
                at += (size_t)n;
        }
        return 0;
}

static int write_buffer(int fd, struct buffer *text)
{
        int r = buffer_status(text);

        if (r == 0)
                r = write_all(fd, text->data, text->length);
        buffer_clear(text);
        return r;
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
                        r = write_buffer(fd, &text);
        }
        if (!result->ends_without_newline) /* the guard looks at that */
                buffer_append_u8(&text, '\n');
        return r == 0 ? write_buffer(fd, &text) : r;
}

/* An address that nobody has: that a URL entry came out of an included file is seen by it. */
static const uint8_t redirector_v4[][4] = {{0, 0, 0, 1}};

static bool has_entries(const struct zonefile_result *result)
{
        for (size_t i = 0; i < result->records.count; i++) {
                const struct record *record = &result->records.items[i];

                if (record->type == TYPE_A && memcmp(record->rdata, redirector_v4[0], 4) == 0)
                        return true;
        }
        return result->aliases != NULL;
}

/* A text of one file goes as it is; with those that it includes, as records. */
static int keep_text(struct source_snapshot *snapshot, const struct zone_text *text,
        const struct zonefile_result *result, int fd)
{
        size_t files;

        source_snapshot_files(snapshot, &files);
        if (files > 1)
                return has_entries(result) ? -EOPNOTSUPP : write_records(result, fd);
        return write_all(fd, text->bytes, text->length);
}

int plan_read_text(const struct plan *plan, struct source_snapshot *snapshot, const char *path,
        const uint8_t *zone, bool strict, struct diag_list *diags, int *ret_fd)
{
        static const struct conf_checks lenient = {0};
        static const struct alias_addresses redirector = {.v4 = redirector_v4, .v4_count = 1};
        CLEANUP_CLOSE int in = -1;
        CLEANUP_CLOSE int out = -1;
        struct source_identity identity;
        struct zone_text text = {0};
        struct zonefile_result result = {0};
        const struct zonefile_request request = {.origin = zone,
                .file = path,
                .snapshot = snapshot,
                .redirector = &redirector,
                .checks = strict ? &conf_policy_for(plan->conf, zone)->checks : &lenient};

        int r = source_open_found(snapshot, path, &in, &identity);
        if (r == 0)
                r = zone_text_read(in, identity.size_bytes, FILE_BYTES_MAX, NULL, &text);
        if (r == 0)
                r = zonefile_parse(&request, &text, diags, &result);
        if (r == 0) {
                out = memfd_create("zone", MFD_CLOEXEC);
                r = out < 0 ? -errno : keep_text(snapshot, &text, &result, out);
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
