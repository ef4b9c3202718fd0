/* A commit as a source of text: the same paths, links and includes as a checkout would have, out of the
 * repository's objects. Nothing outside the commit can be named: ".." is resolved by its text, links by git.
 * Used on one thread; git's child may be shared. */
#include "source/snapshot_state.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "source/git.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The path without ".", ".." and double slashes. */
static int git_name(const char *path, char ret_path[static PATH_MAX])
{
        size_t length = 0;

        if (*path == '/')
                return -EXDEV;
        while (*path) {
                size_t size = strcspn(path, "/");
                bool is_up = size == 2 && path[0] == '.' && path[1] == '.';
                if (is_up && length == 0)
                        return -EXDEV;
                if (is_up) {
                        const char *slash = memrchr(ret_path, '/', length);
                        length = slash ? (size_t)(slash - ret_path) : 0;
                } else if (size > 1 || (size == 1 && path[0] != '.')) {
                        if (length + 1 + size >= PATH_MAX)
                                return -ENAMETOOLONG;
                        if (length > 0)
                                ret_path[length++] = '/';
                        memcpy(ret_path + length, path, size);
                        length += size;
                }
                path += size;
                path += strspn(path, "/");
        }
        ret_path[length] = '\0';
        return length > 0 ? 0 : -EINVAL;
}

/* 16 octets of the id stand for all of it. */
static void identity_of_blob(const char *id, uint64_t size_bytes, struct source_identity *ret_identity)
{
        char half[17];
        uint64_t halves[2];
        for (size_t i = 0; i < 2; i++) {
                memcpy(half, id + 16 * i, 16);
                half[16] = '\0';
                halves[i] = strtoull(half, NULL, 16);
        }
        *ret_identity = (struct source_identity){
                .device = SNAPSHOT_DEVICE_GIT,
                .inode = halves[0],
                .mtime_nsec = (int64_t)halves[1],
                .size_bytes = size_bytes,
                .read_at_nsec = (int64_t)(clock_realtime_usec() * 1000),
        };
}

static int git_open_path(struct source_snapshot *snapshot, const char *path, bool is_trusted, int *ret_fd,
        struct source_identity *ret_identity)
{
        char revision[GIT_ID_MAX + PATH_MAX + 2], id[GIT_ID_MAX + 1];
        uint64_t size_bytes;

        (void)is_trusted;
        snprintf(revision, sizeof(revision), "%s:%s", snapshot->commit, path);
        int r = git_blob(snapshot->git, revision, ret_fd, id, &size_bytes);
        if (r == 0)
                identity_of_blob(id, size_bytes, ret_identity);
        return r == -EISDIR ? -EINVAL : r;
}

static void git_free(struct source_snapshot *snapshot)
{
        git_unref(snapshot->git);
        free(snapshot->commit);
}

static const struct snapshot_kind git_kind = {.open = git_open_path, .name = git_name, .free = git_free};

DEFINE_CLEANUP(struct source_snapshot *, source_snapshot_free);

int source_snapshot_git(
        struct git *git, const char *commit, const char *folder, struct source_snapshot **ret_snapshot)
{
        CLEANUP(source_snapshot_free_later) struct source_snapshot *snapshot = NULL;

        if (strlen(commit) > GIT_ID_MAX || strchr(commit, ':'))
                return -EINVAL;
        snapshot = calloc(1, sizeof(*snapshot));
        if (!snapshot)
                return -ENOMEM;
        snapshot->kind = &git_kind;
        snapshot->git = git_ref(git);
        snapshot->commit = strdup(commit);
        snapshot->root = snapshot_copy_folder(folder);
        snapshot->root_told = "";
        if (!snapshot->commit || !snapshot->root)
                return -ENOMEM;
        *ret_snapshot = TAKE(snapshot);
        return 0;
}
