/* Two texts, parted by an octet 0xff: the incremental path from the first to the second against the whole
 * parse of the second. The first octet is the size of chunks in units of 16. */
#include "zonefile/changes.h"
#include "zonefile/check.h"
#include "zonefile/chunk.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const uint8_t apex[] = "\7example\3com";

static struct zone_text text_from(const uint8_t *bytes, size_t length)
{
        struct zone_text text = {.bytes = malloc(length + ZONEFILE_PADDING), .length = length};

        if (!text.bytes)
                abort();
        if (length > 0)
                memcpy(text.bytes, bytes, length);
        memset(text.bytes + length, '\n', ZONEFILE_PADDING);
        return text;
}

static int next_chunk(void *context, uint64_t key, struct text_chunk *ret_chunk)
{
        const struct zonefile_result *old = context;

        for (size_t i = 0; i < old->chunk_count; i++)
                if (old->chunks[i].key >= key) {
                        *ret_chunk = old->chunks[i];
                        return 0;
                }
        return 1;
}

static int owner_in_list(
        void *context, const uint8_t *owner, const struct record **ret_records, size_t *ret_count)
{
        const struct record_list *list = context;
        size_t begin = 0, end;

        while (begin < list->count && !name_equal(list->items[begin].owner, owner))
                begin++;
        for (end = begin; end < list->count && name_equal(list->items[end].owner, owner);)
                end++;
        *ret_records = list->items + begin;
        *ret_count = end - begin;
        return 0;
}

static struct record_list apply(const struct record_list *old, const struct zonefile_changes *changes)
{
        struct record_list made = {0};
        size_t removed = 0;

        for (size_t i = 0; i < old->count; i++) {
                if (removed < changes->removed.count &&
                        record_is_identical(&old->items[i], &changes->removed.items[removed])) {
                        removed++;
                        continue;
                }
                if (record_list_add(&made, &old->items[i]) < 0)
                        abort();
        }
        if (removed != changes->removed.count)
                abort();
        for (size_t i = 0; i < changes->added.count; i++)
                if (record_list_add(&made, &changes->added.items[i]) < 0)
                        abort();
        if (record_list_sort(&made, apex, NULL) < 0)
                abort();
        return made;
}

/* The text that the chunks give once they are replaced. */
static void check_text(const struct zonefile_result *old, const struct zonefile_changes *changes,
        const struct zone_text *text)
{
        size_t at = 0, n = 0;

        for (size_t i = 0; i <= old->chunk_count; i++) {
                const struct text_replacement *replacement = &changes->replacements[n];

                if (n < changes->replacement_count && i < old->chunk_count &&
                        old->chunks[i].key == replacement->first_key) {
                        for (size_t k = 0; k < replacement->count; k++) {
                                const struct text_chunk *chunk = &replacement->chunks[k];

                                if (chunk->length > text->length - at ||
                                        memcmp(text->bytes + at, chunk->bytes, chunk->length) != 0)
                                        abort();
                                at += chunk->length;
                        }
                        while (i + 1 < old->chunk_count && old->chunks[i + 1].key <= replacement->last_key)
                                i++;
                        n++;
                } else if (i < old->chunk_count) {
                        if (old->chunks[i].length > text->length - at ||
                                memcmp(text->bytes + at, old->chunks[i].bytes, old->chunks[i].length) != 0)
                                abort();
                        at += old->chunks[i].length;
                }
        }
        if (at != text->length || n != changes->replacement_count)
                abort();
}

static void check_found(const struct zonefile_result *old, const struct zonefile_changes *changes,
        const struct zone_text *text)
{
        struct zonefile_request request = {.origin = apex};
        struct record_list made = apply(&old->records, changes);
        struct zone_view view = {&made, owner_in_list};
        struct zonefile_result whole = {0};
        struct diag_list diags = {.limit = 5};

        if (zone_check_touched(apex, &view, &changes->removed, &changes->added) == 0) {
                if (zonefile_parse(&request, text, &diags, &whole) < 0)
                        abort();
                if (made.count != whole.records.count)
                        abort();
                for (size_t i = 0; i < made.count; i++)
                        if (!record_is_identical(&made.items[i], &whole.records.items[i]))
                                abort();
                if (!record_is_identical(changes->soa.owner ? &changes->soa : &old->soa, &whole.soa))
                        abort();
                check_text(old, changes, text);
                zonefile_result_free(&whole);
        }
        diag_free(&diags);
        record_list_free(&made);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct zonefile_request request = {.origin = apex, .wants_chunks = true};
        const uint8_t *part = size > 1 ? memchr(data + 1, 0xff, size - 1) : NULL;
        struct zonefile_result old = {0};
        struct zonefile_changes changes;
        struct diag_list diags = {.limit = 5};
        struct zone_text old_text, new_text;
        int fd;

        if (!part)
                return 0;
        chunk_bytes = (size_t)data[0] * 16 + 16;
        old_text = text_from(data + 1, (size_t)(part - data) - 1);
        new_text = text_from(part + 1, size - 1 - (size_t)(part - data));
        fd = memfd_create("zone", MFD_CLOEXEC);
        if (fd < 0 || write(fd, new_text.bytes, new_text.length) != (ssize_t)new_text.length)
                abort();
        if (zonefile_parse(&request, &old_text, &diags, &old) == 0) {
                struct text_chunks chunks = {&old, next_chunk, NULL};
                int r = zonefile_changes_find(&request, fd, &chunks, &changes);

                if (r < 0)
                        abort();
                if (r == CHANGES_NONE &&
                        (old_text.length != new_text.length ||
                                memcmp(old_text.bytes, new_text.bytes, new_text.length) != 0))
                        abort();
                if (r == CHANGES_FOUND) {
                        check_found(&old, &changes, &new_text);
                        zonefile_changes_free(&changes);
                }
                zonefile_result_free(&old);
        }
        close(fd);
        diag_free(&diags);
        zone_text_free(&old_text);
        zone_text_free(&new_text);
        return 0;
}
