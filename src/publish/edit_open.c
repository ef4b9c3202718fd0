/* Step one of an edit: open the file, and decide whether there is anything to read. Publisher's thread. The
 * user's file is opened read-only (I7). */
#include "publish/edit.h"

#include "dns/serial.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

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

/* Is `file`, as the row names it, `path` as this look names it? */
static bool is_file(const struct edit *edit, const struct store_file *file, const char *path)
{
        const char *prefix = edit->job->commit ? edit->job->commit->prefix : "";
        size_t length = strlen(prefix);
        return strncmp(file->path, prefix, length) == 0 && strcmp(file->path + length, path) == 0;
}

/* An include of the published version, by the name it has in the row. */
static int identify_include(const struct edit *edit, const char *path, struct source_identity *ret_identity)
{
        if (!edit->job->commit)
                return source_identify_include(edit->snapshot, edit->job->path, path, ret_identity);
        const char *prefix = edit->job->commit->prefix;
        size_t length = strlen(prefix);
        return strncmp(path, prefix, length) == 0
                       ? source_identify(edit->snapshot, path + length, ret_identity)
                       : -ENOENT;
}

/* Does stat, or a blob's id, prove that every file of the published version is as it was read?
 * has_text_of_before: does it at least say nothing else? */
static int is_untouched(struct edit *edit, bool *ret_untouched)
{
        *ret_untouched = false;
        int r = store_zone_files(edit->read, &edit->row, &edit->arena);
        if (r < 0 || edit->row.file_count == 0 || !is_file(edit, &edit->row.files[0], edit->job->path))
                return r;
        if (!looks_as(&edit->row.files[0], &edit->identity))
                return 0;
        bool proves = is_proof(&edit->row.files[0]);
        for (size_t i = 1; i < edit->row.file_count; i++) {
                struct source_identity identity;
                if (identify_include(edit, edit->row.files[i].path, &identity) < 0 ||
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
                !is_file(edit, &edit->row.files[0], edit->job->path))
                return false;
        for (size_t i = 0; i < count; i++)
                if (!is_identity_of(&edit->row.files[i], &read[i].identity) ||
                        (i > 0 && !is_file(edit, &edit->row.files[i], read[i].path)))
                        return false;
        return true;
}

/* The file is gone, and not the whole folder with it (a disk that is not mounted is no wish). */
static bool is_alone_gone(const struct edit *edit)
{
        return edit->has_row && edit->snapshot;
}

/* The commit itself cannot be read: its repository is away, which says nothing of the file. */
static bool is_commit_away(const struct edit *edit)
{
        struct publish_commit *commit = edit->job->commit;
        struct git_commit found;
        return commit && git_commit_find(commit->git, commit->commit.id, &found) < 0;
}

static int answer_missing(struct edit *edit)
{
        if (is_commit_away(edit)) {
                edit->job->retry = RETRY_SOON;
                verdict_set(&edit->job->verdict, VERDICT_FAILED,
                        "its repository could not be read: see `zonecrier status`; what was served stays, it "
                        "is tried again");
                return EDIT_ANSWERED;
        }
        if (is_alone_gone(edit))
                return edit_removal(edit, edit->job->path);
        verdict_set(&edit->job->verdict, VERDICT_MISSING, "%s is not there%s", edit->job->path,
                !edit->has_row ? ": put it there, or correct the path in the zone block"
                               : ", nor is its folder; the zone is served on as it was: put them back");
        return EDIT_ANSWERED;
}

static int answer_open_failed(struct edit *edit, int r)
{
        struct verdict *verdict = &edit->job->verdict;
        const char *path = edit->job->path;
        switch (r) {
        case -ENOENT:
                return answer_missing(edit);
        case -EACCES:
        case -EPERM:
                verdict_set(verdict, VERDICT_BROKEN,
                        "%s: permission denied: let the daemon's user read it (chmod, chgrp)", path);
                return EDIT_ANSWERED;
        case -EINVAL:
                verdict_set(verdict, VERDICT_BROKEN,
                        "%s is not a regular file; a zone is read from one: take it away, or put the zone's "
                        "file in its place",
                        path);
                return EDIT_ANSWERED;
        case -EXDEV:
                if (edit->job->commit)
                        verdict_set(verdict, VERDICT_BROKEN,
                                "%s leads out of the commit by a symlink: put the text itself there", path);
                else
                        verdict_set(verdict, VERDICT_BROKEN,
                                "%s leads out of its folder by a symlink: widen include-root, or name the "
                                "file "
                                "in a zone block",
                                path);
                return EDIT_ANSWERED;
        case -ENOMEM:
                return r;
        default:
                edit->job->retry = RETRY_SOON;
                if (edit->job->commit) /* the text has nothing to do with it */
                        verdict_set(verdict, VERDICT_FAILED,
                                "%s: git does not answer%s%s; what was served stays, it is tried again", path,
                                r == -ETIMEDOUT ? "" : ": ", r == -ETIMEDOUT ? "" : strerror(-r));
                else
                        verdict_set(verdict, VERDICT_BROKEN, "%s: %s", path, strerror(-r));
                return EDIT_ANSWERED;
        }
}

static int open_snapshot(struct edit *edit)
{
        const struct publish_job *job = edit->job;
        if (job->commit)
                return source_snapshot_git(
                        job->commit->git, job->commit->commit.id, job->commit->folder, &edit->snapshot);
        return source_snapshot_folder(job->root, job->include_root, &edit->snapshot);
}

static int open_file(struct edit *edit)
{
        const struct publish_job *job = edit->job;
        if (job->commit)
                return source_open(edit->snapshot, job->path, &edit->fd, &edit->identity);
        return (job->is_found ? source_open_found : source_open)(
                edit->snapshot, job->path, &edit->fd, &edit->identity);
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

static bool trusts_identity(const struct edit *edit)
{
        const struct publish_job *job = edit->job;
        bool is_floor_ahead =
                edit->has_row && edit->floor != 0 && serial_is_ahead(edit->floor, edit->row.serial);
        return !job->is_forced && !job->is_damaged && !is_floor_ahead && job->kind == JOB_LOOK;
}

static int answer_untouched(struct edit *edit)
{
        verdict_set(&edit->job->verdict, VERDICT_UNCHANGED, "serial stays %u", edit->row.serial);
        edit->is_signed_elsewhere = (edit->row.flags & STORE_ZONE_SIGNED_ELSEWHERE) != 0;
        edit_ask_write_back(edit, edit->row.file_serial, edit->row.serial);
        int r = edit_tell_files(edit);
        if (r == 0)
                r = edit_alias_untouched(edit);
        return r < 0 ? r : EDIT_ANSWERED;
}

/* The commit does not have the file that the zone was published from. */
static int answer_gone(struct edit *edit)
{
        const struct publish_job *job = edit->job;
        char what[PATH_MAX];
        snprintf(what, sizeof(what), "%s%s%.12s", job->path, job->commit ? " in commit " : "",
                job->commit ? job->commit->commit.id : "");
        return edit_removal(edit, what);
}

static int answer_unread(struct edit *edit)
{
        if (*edit->job->path)
                verdict_set(&edit->job->verdict, VERDICT_FAILED,
                        "its repository could not be read yet: see `zonecrier status`");
        else
                verdict_set(&edit->job->verdict, VERDICT_MISSING,
                        "no repository has a file for it%s: put one there, or name one in the zone block",
                        edit->has_row ? "; it is served on as it was" : "");
        return EDIT_ANSWERED;
}

int edit_open(struct edit *edit)
{
        struct serial_entry last;
        bool untouched = false, trusts = false;

        if (serial_file_get(edit->batch->serial_file, edit->job->name, &last) == 0)
                edit->floor = last.serial;
        else if (!edit->has_row && edit->job->floor != 0) {
                edit->floor = edit->job->floor;
                edit->floor_needs_gap = true; /* the last publishes may not have got their notes */
        }
        if (edit->job->has_text)
                return open_given(edit);
        if (edit->job->is_gone)
                return answer_gone(edit);
        if (edit->job->is_unread)
                return answer_unread(edit);
        int r = open_snapshot(edit);
        if (r == 0) /* a blob is not read before it is clear that it has to be */
                r = edit->job->commit ? source_identify(edit->snapshot, edit->job->path, &edit->identity)
                                      : open_file(edit);
        if (r < 0)
                return answer_open_failed(edit, r);
        trusts = trusts_identity(edit);
        if (edit->has_row && (trusts || edit->row.flags & STORE_ZONE_HAS_ALIAS))
                r = is_untouched(edit, &untouched);
        else if (edit->has_row)
                r = store_zone_files(edit->read, &edit->row, &edit->arena);
        if (r < 0)
                return r;
        if (untouched && trusts)
                return answer_untouched(edit);
        r = edit->job->commit ? open_file(edit) : 0;
        return r < 0 ? answer_open_failed(edit, r) : EDIT_GOES_ON;
}
