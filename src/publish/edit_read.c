/* Step two of an edit: read the file, only what changed where that is possible, the whole otherwise.
 * Publisher's thread. The user's file is opened read-only (I7). */
#include "publish/edit.h"

#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "dns/serial.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define TEXT_LIMIT_BYTES (8ull << 30)
#define READ_ATTEMPTS 3

static void keep_diagnostics(struct edit *edit)
{
        struct buffer text = {0};
        diag_sort(&edit->diags);
        for (size_t i = 0; i < edit->diags.count; i++)
                if (edit->diags.items[i].severity != DIAG_NOTE) /* notes are for `zonecrier check` */
                        diag_format(&edit->diags.items[i], &text);
        const char *details = buffer_text(&text);
        free(edit->job->verdict.details);
        edit->job->verdict.details = details ? strdup(details) : NULL;
        edit->job->verdict.warned = edit->diags.warning_count > 0;
        buffer_free(&text);
}

static int answer_broken(struct edit *edit)
{
        struct buffer text = {0};

        keep_diagnostics(edit); /* sorts */
        const struct diag *first = diag_first_error(&edit->diags);
        if (first)
                diag_format_short(first, &text);
        if (edit->diags.error_count > 1)
                buffer_printf(&text, " (and %zu more)", edit->diags.error_count - 1);
        const char *summary = buffer_text(&text);
        verdict_set(&edit->job->verdict, VERDICT_BROKEN, "%s",
                summary && *summary ? summary : "the text has errors");
        buffer_free(&text);
        return EDIT_ANSWERED;
}

static struct zonefile_request parse_request(const struct edit *edit)
{
        return (struct zonefile_request){.origin = edit->job->name,
                .file = edit->job->path,
                .snapshot = edit->snapshot,
                .wants_chunks = true,
                .checks = &edit->policy->checks,
                .crew = edit->crew};
}

/* Reads the file until it holds still: a writer that does not rename can be in the middle. */
static int read_text(struct edit *edit)
{
        for (int i = 0; i < READ_ATTEMPTS; i++) {
                zone_text_free(&edit->text);
                if (lseek(edit->fd, 0, SEEK_SET) < 0)
                        return -errno;
                int r = zone_text_read(
                        edit->fd, edit->identity.size_bytes, TEXT_LIMIT_BYTES, edit->crew, &edit->text);
                if (r < 0)
                        return r;
                if (source_is_unchanged(edit->fd, &edit->identity))
                        return 0;
                r = source_identity_of(edit->fd, &edit->identity);
                if (r < 0)
                        return r;
        }
        return -EAGAIN;
}

static int answer_unreadable(struct edit *edit, int r)
{
        if (r == -ENOMEM)
                return r;
        edit->job->retry = RETRY_SOON;
        if (r == -EAGAIN)
                verdict_set(&edit->job->verdict, VERDICT_FAILED,
                        "%s changes while it is read; it is read again in a moment", edit->job->path);
        else
                verdict_set(&edit->job->verdict, VERDICT_BROKEN, "%s cannot be read: %s", edit->job->path,
                        strerror(-r));
        return EDIT_ANSWERED;
}

int edit_read_whole(struct edit *edit)
{
        struct zonefile_request request = parse_request(edit);
        int r = read_text(edit);
        if (r < 0)
                return answer_unreadable(edit, r);
        r = edit_alias_request(edit, &request);
        if (r == 0)
                r = zonefile_parse(&request, &edit->text, &edit->diags, &edit->parsed);
        if (r == -EINVAL)
                return answer_broken(edit);
        if (r < 0)
                return r;
        keep_diagnostics(edit);
        edit->is_whole = true;
        edit->soa = edit->parsed.soa;
        edit->file_serial = edit->parsed.soa_serial;
        edit->is_signed_elsewhere = edit->parsed.is_signed;
        edit->ends_without_newline = edit->parsed.ends_without_newline;
        return edit_alias_told(edit);
}

struct chunk_reader {
        struct store_read *read;
        uint64_t zone_id;
};

static int next_chunk(void *context, uint64_t key, struct text_chunk *ret_chunk)
{
        const struct chunk_reader *reader = context;
        struct store_chunk stored;
        int r = store_chunk_next(reader->read, reader->zone_id, key, &stored);
        if (r != 0)
                return r;
        *ret_chunk = (struct text_chunk){.key = stored.key, .bytes = stored.bytes, .length = stored.length};
        return zonefile_state_read(stored.state, stored.state_length, &ret_chunk->state) < 0 ? -EUCLEAN : 0;
}

static int check_chunk(void *context, const struct text_chunk *chunk)
{
        const struct chunk_reader *reader = context;
        return store_chunk_check(reader->read, reader->zone_id, chunk->key);
}

/* *ret_done = false: nothing was changed in edit but for changes, the whole text must be read. */
int edit_read_changes(struct edit *edit, bool *ret_done)
{
        struct zonefile_request request = parse_request(edit);
        struct chunk_reader reader = {.read = edit->read, .zone_id = edit->row.id};
        const struct text_chunks chunks = {.context = &reader, .next = next_chunk, .check = check_chunk};

        *ret_done = false;
        int r = zonefile_changes_find(&request, edit->fd, &chunks, &edit->changes);
        if (r == -ENOMEM)
                return r;
        if (r < 0 || r == CHANGES_FALL_BACK || !source_is_unchanged(edit->fd, &edit->identity))
                return EDIT_GOES_ON;
        *ret_done = true;
        edit->is_signed_elsewhere = (edit->row.flags & STORE_ZONE_SIGNED_ELSEWHERE) != 0;
        edit->soa = edit->row.soa;
        edit->file_serial = edit->row.file_serial;
        if (r == CHANGES_FOUND && edit->changes.soa.owner) {
                struct soa soa;
                edit->soa = edit->changes.soa;
                if (soa_parse(edit->soa.rdata, edit->soa.rdata_length, &soa) < 0)
                        return -EBADMSG;
                edit->file_serial = soa.serial;
        }
        edit->ends_without_newline = edit->changes.ends_without_newline;
        return EDIT_GOES_ON;
}

int edit_read(struct edit *edit)
{
        bool done = false;
        /* Signatures and digests need the whole picture; so does a zone that is not published yet. */
        bool can_compare = edit->has_row && !edit->job->is_damaged && !edit->job->reads_whole &&
                           edit->row.flags & STORE_ZONE_HAS_TEXT &&
                           !(edit->row.flags & STORE_ZONE_SIGNED_ELSEWHERE);
        int r = 0;
        if (can_compare)
                r = edit_read_changes(edit, &done);
        if (r == EDIT_GOES_ON && !done)
                r = edit_read_whole(edit);
        int told = r < 0 ? 0 : edit_tell_files(edit);
        return told < 0 ? told : r;
}
