/* Snapshots: what was opened, and where an $INCLUDE leads. How a file is opened is the kind's:
 * snapshot_folder.c, snapshot_git.c. Used on one thread. */
#include "source/snapshot_state.h"

#include "base/cleanup.h"
#include "base/clock.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static int64_t timespec_nsec(struct timespec time)
{
        return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

void identity_from_stat(const struct stat *st, struct source_identity *ret_identity)
{
        *ret_identity = (struct source_identity){
                .device = st->st_dev,
                .inode = st->st_ino,
                .size_bytes = (uint64_t)st->st_size,
                .mtime_nsec = timespec_nsec(st->st_mtim),
                .ctime_nsec = timespec_nsec(st->st_ctim),
        };
}

bool source_identity_equal(const struct source_identity *left, const struct source_identity *right)
{
        return left->device == right->device && left->inode == right->inode &&
               left->size_bytes == right->size_bytes && left->mtime_nsec == right->mtime_nsec &&
               left->ctime_nsec == right->ctime_nsec;
}

int identity_of(int fd, struct stat *ret_st, struct source_identity *ret_identity)
{
        int64_t read_at_nsec = (int64_t)(clock_realtime_usec() * 1000);

        if (fstat(fd, ret_st) < 0)
                return -errno;
        identity_from_stat(ret_st, ret_identity);
        ret_identity->read_at_nsec = read_at_nsec;
        return 0;
}

int source_identity_of(int fd, struct source_identity *ret_identity)
{
        struct stat st;
        return identity_of(fd, &st, ret_identity);
}

bool source_is_unchanged(int fd, const struct source_identity *identity)
{
        struct source_identity now;

        if (identity->device == SNAPSHOT_DEVICE_GIT)
                return true;
        return source_identity_of(fd, &now) == 0 && source_identity_equal(&now, identity);
}

char *snapshot_copy_folder(const char *path)
{
        size_t length = strlen(path);
        while (length > 0 && path[length - 1] == '/')
                length--;
        return strndup(path, length);
}

int snapshot_path_join(
        char ret_path[static PATH_MAX], const char *left, size_t left_length, const char *right)
{
        int n = snprintf(
                ret_path, PATH_MAX, "%.*s%s%s", (int)left_length, left, left_length ? "/" : "", right);
        return n < 0 || n >= PATH_MAX ? -ENAMETOOLONG : 0;
}

/* A file that is opened twice keeps its first identity: if it changed between, the next look sees a change.
 */
static int remember(struct source_snapshot *snapshot, const char *path,
        const struct source_identity *identity, const char **ret_path)
{
        size_t length = strlen(path);
        size_t known = (size_t)(uintptr_t)table_get(&snapshot->by_path, path, length);
        if (known > 0) {
                *ret_path = snapshot->files[known - 1].path;
                return 0;
        }
        if (snapshot->file_count == snapshot->file_capacity) {
                size_t capacity = snapshot->file_capacity ? snapshot->file_capacity * 2 : 8;
                void *files = reallocarray(snapshot->files, capacity, sizeof(*snapshot->files));
                if (!files)
                        return -ENOMEM;
                snapshot->files = files;
                snapshot->file_capacity = capacity;
        }
        char *copy = arena_text(&snapshot->arena, path, length);
        if (!copy)
                return -ENOMEM;
        int r = table_put(
                &snapshot->by_path, copy, length, (void *)(uintptr_t)(snapshot->file_count + 1), NULL);
        if (r < 0)
                return r;
        snapshot->files[snapshot->file_count++] = (struct source_file){.path = copy, .identity = *identity};
        *ret_path = copy;
        return 0;
}

const char *source_snapshot_root(const struct source_snapshot *snapshot)
{
        return snapshot->root_told;
}

struct source_snapshot *source_snapshot_free(struct source_snapshot *snapshot)
{
        if (!snapshot)
                return NULL;
        snapshot->kind->free(snapshot);
        table_free(&snapshot->by_path);
        arena_free(&snapshot->arena);
        free(snapshot->files);
        free(snapshot->root);
        free(snapshot);
        return NULL;
}

const struct source_file *source_snapshot_files(const struct source_snapshot *snapshot, size_t *ret_count)
{
        *ret_count = snapshot->file_count;
        return snapshot->files;
}

/* ret_fd NULL: only what it is. */
static int open_and_remember(struct source_snapshot *snapshot, const char *path, bool is_trusted, int *ret_fd,
        struct source_identity *ret_identity, const char **ret_path)
{
        CLEANUP_CLOSE int fd = -1;
        struct source_identity identity;
        char name[PATH_MAX];

        int r = snapshot->kind->name(path, name);
        if (r == 0)
                r = snapshot->kind->open(snapshot, name, is_trusted, ret_fd ? &fd : NULL, &identity);
        if (r == 0)
                r = remember(snapshot, name, &identity, ret_path);
        if (r < 0)
                return r;
        if (ret_identity)
                *ret_identity = identity;
        if (ret_fd)
                *ret_fd = TAKE_FD(fd);
        return 0;
}

int source_open(
        struct source_snapshot *snapshot, const char *path, int *ret_fd, struct source_identity *ret_identity)
{
        const char *shown;
        return open_and_remember(snapshot, path, path[0] == '/', ret_fd, ret_identity, &shown);
}

int source_identify(struct source_snapshot *snapshot, const char *path, struct source_identity *ret_identity)
{
        const char *shown;
        return open_and_remember(snapshot, path, path[0] == '/', NULL, ret_identity, &shown);
}

int source_open_found(
        struct source_snapshot *snapshot, const char *path, int *ret_fd, struct source_identity *ret_identity)
{
        const char *shown;
        return open_and_remember(snapshot, path, false, ret_fd, ret_identity, &shown);
}

/* One way to read `$INCLUDE path`: in `folder` (as shown; "" = the root itself), unless path is absolute. */
static int try_include(struct source_snapshot *snapshot, const char *folder, size_t folder_length,
        const char *path, int *ret_fd, struct source_identity *ret_identity, const char **ret_path)
{
        char shown[PATH_MAX];

        int r = snapshot_path_join(shown, folder, path[0] == '/' ? 0 : folder_length, path);
        return r < 0 ? r : open_and_remember(snapshot, shown, false, ret_fd, ret_identity, ret_path);
}

/* A missing file is one of the snapshot's too: who watches them hears when it comes. */
static int remember_missing(
        struct source_snapshot *snapshot, const char *folder, size_t folder_length, const char *path)
{
        const struct source_identity none = {0};
        const char *known;
        char shown[PATH_MAX], name[PATH_MAX];

        int r = snapshot_path_join(shown, folder, path[0] == '/' ? 0 : folder_length, path);
        if (r == 0)
                r = snapshot->kind->name(shown, name);
        if (r == 0)
                r = remember(snapshot, name, &none, &known);
        return r < 0 ? r : -ENOENT;
}

static int open_include(struct source_snapshot *snapshot, const char *from_file, const char *path,
        int *ret_fd, struct source_identity *ret_identity, const char **ret_path)
{
        const char *slash = strrchr(from_file, '/');
        size_t folder_length = slash ? (size_t)(slash - from_file) : 0;
        int r;

        if (path[0] == '\0')
                return -ENOENT;
        if (strlen(path) >= PATH_MAX)
                return -ENAMETOOLONG;
        if (slash == from_file) { /* "/a.zone": its folder is "/" and joins to "//path", which is that */
                from_file = "/.";
                folder_length = 2;
        }
        r = try_include(snapshot, from_file, folder_length, path, ret_fd, ret_identity, ret_path);
        if (path[0] == '/' && r == -ENOENT)
                return remember_missing(snapshot, from_file, folder_length, path);
        if (path[0] == '/' || (r != -ENOENT && r != -ENOTDIR && r != -EXDEV))
                return r;

        /* Not beside the including file: then in root, shown as the including file is. */
        const char *root = snapshot->git            ? snapshot->root
                           : from_file[0] != '/'    ? ""
                           : snapshot->root[0] != 0 ? snapshot->root
                                                    : "/.";
        int in_root = try_include(snapshot, root, strlen(root), path, ret_fd, ret_identity, ret_path);
        if (r == -ENOENT && in_root == -ENOENT)
                return remember_missing(snapshot, from_file, folder_length, path);
        return r == -EXDEV && in_root == -ENOENT ? -EXDEV : in_root;
}

int source_open_include(struct source_snapshot *snapshot, const char *from_file, const char *path,
        int *ret_fd, const char **ret_path)
{
        return open_include(snapshot, from_file, path, ret_fd, NULL, ret_path);
}

int source_identify_include(struct source_snapshot *snapshot, const char *from_file, const char *path,
        struct source_identity *ret_identity)
{
        const char *shown;
        return open_include(snapshot, from_file, path, NULL, ret_identity, &shown);
}
