/* zonetext ORIGIN FILE: a zone's records in canonical order as text; or what is wrong with it, a line each
 * (exit 1). With -d also warnings and notes. With -t only how long the parse took. For tests that compare
 * with other readers of zone files. */
#include "base/buffer.h"
#include "base/clock.h"
#include "conf/checks.h"
#include "dns/rdata.h"
#include "source/source.h"
#include "zonefile/zonefile.h"

#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void print_diags(const struct diag_list *diags)
{
        struct buffer out = {0};

        for (size_t i = 0; i < diags->count; i++) {
                diag_format(&diags->items[i], &out);
        }
        fwrite(out.data, 1, out.length, stderr);
        buffer_free(&out);
}

static void print_records(const struct zonefile_result *result)
{
        struct buffer out = {0};

        record_to_text(&result->soa, &out);
        buffer_append_u8(&out, '\n');
        for (size_t i = 0; i < result->records.count; i++) {
                record_to_text(&result->records.items[i], &out);
                buffer_append_u8(&out, '\n');
        }
        fwrite(out.data, 1, out.length, stdout);
        buffer_free(&out);
}

static void print_hex(const uint8_t *bytes, size_t length)
{
        for (size_t i = 0; i < length; i++)
                printf("%02x", bytes[i]);
}

static void print_octets(const struct record *record)
{
        print_hex(record->owner, name_length(record->owner));
        printf(" %u %u ", record->ttl, record->type);
        print_hex(record->rdata, record->rdata_length);
        printf("\n");
}

int main(int argc, char **argv)
{
        bool wants_time = argc > 1 && strcmp(argv[1], "-t") == 0;
        bool wants_diags = argc > 1 && strcmp(argv[1], "-d") == 0;
        uint8_t origin[NAME_MAX_LENGTH];
        struct zonefile_result result;
        struct diag_list diags = {0};
        struct zone_text text;
        static const uint8_t root[] = {0};
        char folder[PATH_MAX], path[PATH_MAX];
        size_t length;
        int fd, r;

        bool wants_octets = argc > 1 && strcmp(argv[1], "-x") == 0;

        argv += wants_time || wants_diags || wants_octets;
        argc -= wants_time || wants_diags || wants_octets;
        if (argc < 3 || name_from_text(argv[1], strlen(argv[1]), root, origin, &length, NULL) != NAME_OK)
                return 2;
        if (!realpath(argv[2], path))
                return 2;
        strcpy(folder, path);
        struct zonefile_request request = {.origin = origin,
                .file = path,
                .wants_chunks = wants_time,
                .checks = &(const struct conf_checks){
                        .integrity = true}}; /* names as named-compilezone -k ignore */
        if (source_snapshot_folder(dirname(folder), NULL, &request.snapshot) < 0)
                return 2;
        uint64_t begin = clock_monotonic_usec(), read, parsed;
        fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0 || zone_text_read(fd, 0, UINT32_MAX, NULL, &text) < 0)
                return 2;
        close(fd);
        read = clock_monotonic_usec();
        r = zonefile_parse(&request, &text, &diags, &result);
        parsed = clock_monotonic_usec();
        if (wants_diags || r < 0)
                print_diags(&diags);
        if (wants_time)
                printf("%zu records, %zu octets, %zu chunks: read %.1f ms, parse %.1f ms\n",
                        r < 0 ? 0 : result.records.count, text.length, r < 0 ? 0 : result.chunk_count,
                        (double)(read - begin) / 1000, (double)(parsed - read) / 1000);
        else if (r == 0 && wants_octets) {
                print_octets(&result.soa);
                for (size_t i = 0; i < result.records.count; i++)
                        print_octets(&result.records.items[i]);
        } else if (r == 0)
                print_records(&result);
        if (r == 0)
                zonefile_result_free(&result);
        zone_text_free(&text);
        diag_free(&diags);
        source_snapshot_free(request.snapshot);
        return r < 0;
}
