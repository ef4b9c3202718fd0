/* Snapshots of text: where zone files are opened, and nowhere else. Read-only (I7).
 *
 * A snapshot is one consistent way to open a zone's file and what it $INCLUDEs: for a folder, the folder as
 * it is; for git, a commit's tree. It holds its root so that includes stay beneath it (openat2,
 * RESOLVE_BENEATH), and it remembers what was opened, with the identity each file had. Used on one thread. */
#pragma once

#include "dns/name.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Which bytes a file had, as far as stat can tell. */
struct source_identity {
        uint64_t device, inode;
        uint64_t size_bytes;
        int64_t mtime_nsec, ctime_nsec;
        int64_t read_at_nsec; /* realtime when it was read: a ctime within two seconds of it proves nothing
                                 (DESIGN, Store) */
};
bool source_identity_equal(
        const struct source_identity *left, const struct source_identity *right); /* read_at does not count */

/* The identity of an open file now; read_at is now. Negative errno of fstat. */
int source_identity_of(int fd, struct source_identity *ret_identity);

struct source_file {
        const char *path; /* as shown to the user */
        struct source_identity identity;
};

struct source_snapshot;
struct git;

/* A snapshot of the folder that holds `path`. include_root: NULL = the folder `root`; includes are looked for
 * beside the including file, then in `root`. root is an absolute path. */
int source_snapshot_folder(const char *root, const char *include_root, struct source_snapshot **ret_snapshot);
/* A snapshot of a commit (an id of source/git.h), or of a tree: paths are those in it, without a slash in
 * front, and links are followed within it. Includes are looked for beside the including file, then in
 * `folder` ("" = the top), anywhere in the commit. Waits for git: never on the main loop. */
int source_snapshot_git(
        struct git *git, const char *commit, const char *folder, struct source_snapshot **ret_snapshot);
/* Opens a file: absolute (the configuration's word: symlinks are followed anywhere) or relative to root (not
 * trusted: see source_open_found). -ENOENT, -EACCES ... Waits for nothing; refuses what is not a regular file
 * (-EINVAL). ret_identity may be NULL. */
int source_open(struct source_snapshot *snapshot, const char *path, int *ret_fd,
        struct source_identity *ret_identity);
/* The same for a name that was found in the folder, not named by the configuration: -EXDEV where it leads out
 * of the include root, by a symlink too, so that nobody who may write there is shown lines of other files
 * (I8). */
int source_open_found(struct source_snapshot *snapshot, const char *path, int *ret_fd,
        struct source_identity *ret_identity);
/* What source_open, or source_open_include, would open: remembered all the same, its text is not read. */
int source_identify(struct source_snapshot *snapshot, const char *path, struct source_identity *ret_identity);
int source_identify_include(struct source_snapshot *snapshot, const char *from_file, const char *path,
        struct source_identity *ret_identity);
/* Opens what `$INCLUDE path` in from_file means. -EXDEV where it leaves the include root. *ret_path (owned by
 * the snapshot) is the name to show. */
int source_open_include(struct source_snapshot *snapshot, const char *from_file, const char *path,
        int *ret_fd, const char **ret_path);
/* Every file opened so far, the zone's own first; and every include that was not there, with an identity of
 * zeros. */
const struct source_file *source_snapshot_files(const struct source_snapshot *snapshot, size_t *ret_count);
/* The folder that was given as root; "" for a commit, which is one. */
const char *source_snapshot_root(const struct source_snapshot *snapshot);
struct source_snapshot *source_snapshot_free(struct source_snapshot *snapshot);
/* After reading: does fd still have the identity it was opened with? (fstat again: size, mtime, ctime; a blob
 * never changes) */
bool source_is_unchanged(int fd, const struct source_identity *identity);

/* A zone's name from its file's name, by pattern "%s.zone": percent-decoded
 * ("0%2F25.2.0.192.in-addr.arpa.zone"; "%2E.zone" is the root). 0 = a zone file; 1 = not one (another suffix,
 * hidden, an editor's backup); -EINVAL = it looks like one and its name is wrong. */
int source_zone_name(const char *file_name, const char *pattern, uint8_t *ret_name);
/* The way back, percent-encoded. -ENAMETOOLONG. */
int source_file_name(const uint8_t *zone, const char *pattern, char *ret_text, size_t size);
