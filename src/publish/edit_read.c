/* Steps one and two of an edit: open the file, decide whether there is anything to read, and read it: only
 * what changed where that is possible, the whole otherwise. Publisher's thread. The user's file is opened
 * read-only (I7). */
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
#define RACY_NSEC 2000000000ll /* a ctime this close to our reading proves nothing */

static bool looks_as(const struct store_file *stored, const struct source_identity *now)
{
        return stored->device == now->device && stored->inode == now->inode &&
               stored->size_bytes == now->size_bytes && stored->mtime_nsec == now->mtime_nsec &&
               stored->ctime_nsec == now->ctime_nsec;
}

static bool is_proof(const struct store_file *stored)
{
        return stored->read_at_nsec - stored->ctime_nsec > RACY_NSEC;
}

static bool is_identity_of(const struct store_file *stored, const struct source_identity *now)
{
        return looks_as(stored, now) && is_proof(stored);
}

/* Does stat alone prove that every file of the published version is as it was read? has_text_of_before: does
 * it at least say nothing else? */
static int is_untouched(struct edit *edit, bool *ret_untouched)
{
        bool proves = true;
        *ret_untouched = false;
        int r = store_zone_files(edit->read, &edit->row, &edit->arena);
        if (r < 0 || edit->row.file_count == 0 || strcmp(edit->row.files[0].path, edit->job->path) != 0)
                return r;
        if (!looks_as(&edit->row.files[0], &edit->identity))
                return 0;
        proves = is_proof(&edit->row.files[0]);
        for (size_t i = 1; i < edit->row.file_count; i++) {
                CLEANUP_CLOSE int fd = -1;
                const char *shown;
                struct source_identity identity;
                r = source_open_include(
                        edit->snapshot, edit->job->path, edit->row.files[i].path, &fd, &shown);
                if (r < 0 || source_identity_of(fd, &identity) < 0 ||
                        !looks_as(&edit->row.files[i], &identity))
                        return 0;
                proves &= is_proof(&edit->row.files[i]);
        }
        edit->has_text_of_before = true;
        *ret_untouched = proves;
        return 0;
}

bool edit_is_remembered(const struct edit *edit)
{
        size_t count;
        const struct source_file *read = source_snapshot_files(edit->snapshot, &count);

        if (count != edit->row.file_count || edit->file_serial != edit->row.file_serial ||
                strcmp(edit->row.files[0].path, edit->job->path) != 0)
                return false;
        for (size_t i = 0; i < count; i++)
                if (!is_identity_of(&edit->row.files[i], &read[i].identity) ||
                        (i > 0 && strcmp(edit->row.files[i].path, read[i].path) != 0))
                        return false;
        return true;
}

static int answer_open_failed(struct edit *edit, int r)
{
        struct verdict *verdict = &edit->job->verdict;
        switch (r) {
        case -ENOENT:
                return edit_removal(edit, edit->job->path);
        case -EACCES:
        case -EPERM:
                verdict_set(verdict, VERDICT_BROKEN,
                        "%s: permission denied: let the daemon's user read it (chmod, chgrp)",
                        edit->job->path);
                return EDIT_ANSWERED;
        case -EINVAL:
                verdict_set(verdict, VERDICT_BROKEN,
                        "%s is not a regular file; a zone is read from one: take it away, or put the zone's "
                        "file in its place",
                        edit->job->path);
                return EDIT_ANSWERED;
        case -EXDEV:
                verdict_set(verdict, VERDICT_BROKEN,
                        "%s leads out of its folder by a symlink: widen include-root, or name the file in a "
                        "zone block",
                        edit->job->path);
                return EDIT_ANSWERED;
        case -ENOMEM:
                return r;
        default:
                verdict_set(verdict, VERDICT_BROKEN, "%s: %s", edit->job->path, strerror(-r));
                edit->job->retry = RETRY_SOON;
                return EDIT_ANSWERED;
        }
}

/* A text that came with the job. Without a snapshot it can include nothing. */
static int open_given(struct edit *edit)
{
        edit->fd = fcntl(edit->job->text_fd, F_DUPFD_CLOEXEC, 0);
        if (edit->fd < 0)
                return -errno;
        int r = source_identity_of(edit->fd, &edit->identity);
        return r < 0 ? r : EDIT_GOES_ON;
}

int edit_open(struct edit *edit)
{
        struct serial_entry last;
        bool untouched = false;

        if (serial_file_get(edit->batch->serial_file, edit->job->name, &last) == 0)
                edit->floor = last.serial;
        if (edit->job->has_text)
                return open_given(edit);
        int r = source_snapshot_folder(edit->job->root, edit->job->include_root, &edit->snapshot);
        if (r == 0)
                r = (edit->job->is_found ? source_open_found : source_open)(
                        edit->snapshot, edit->job->path, &edit->fd, &edit->identity);
        if (r < 0)
                return answer_open_failed(edit, r);

        bool is_floor_ahead =
                edit->has_row && edit->floor != 0 && serial_is_ahead(edit->floor, edit->row.serial);
        bool trusts_stat = !edit->job->is_forced && !edit->job->is_damaged && !is_floor_ahead &&
                           edit->job->kind == JOB_LOOK;
        if (edit->has_row && (trusts_stat || edit->row.flags & STORE_ZONE_HAS_ALIAS))
                r = is_untouched(edit, &untouched);
        else if (edit->has_row)
                r = store_zone_files(edit->read, &edit->row, &edit->arena);
        untouched &= trusts_stat;
        if (r < 0)
                return r;
        if (untouched) {
                verdict_set(&edit->job->verdict, VERDICT_UNCHANGED, "unchanged, serial %u", edit->row.serial);
                edit->is_signed_elsewhere = (edit->row.flags & STORE_ZONE_SIGNED_ELSEWHERE) != 0;
                edit_ask_write_back(edit, edit->row.file_serial, edit->row.serial);
                r = edit_tell_files(edit);
                if (r == 0)
                        r = edit_alias_untouched(edit);
                return r < 0 ? r : EDIT_ANSWERED;
        }
        return EDIT_GOES_ON;
}

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
