/* A folder as a source of text: opens zone files and what they include, read-only (I7).
 *
 * Names that come out of a file or a folder are not trusted: a relative path and every $INCLUDE is resolved
 * by the kernel beneath the include root (openat2, RESOLVE_BENEATH), so that neither "..", nor an absolute
 * path, nor a symlink leads out of it (I8). An absolute path given to source_open is the configuration's word
 * and is followed wherever it leads; source_open_found is for the others. Used on one thread. */
#include "source/source.h"

#include "base/arena.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/table.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#define OPEN_RETRIES 16 /* openat2 gives EAGAIN where a ".." raced a rename */

struct source_snapshot {
        char *root;         /* as given: absolute, without final slashes */
        char *include_root; /* the same */
        char *include_real; /* the include root without symlinks, once asked for; an absolute $INCLUDE may
                               name it so */
        int include_fd;
        char *root_below;     /* root relative to the include root ("" = the same); NULL = it lies outside */
        struct arena arena;   /* paths */
        struct table by_path; /* path -> index in files, plus one */
        struct source_file *files;
        size_t file_count;
        size_t file_capacity;
};

static int64_t timespec_nsec(struct timespec time)
{
        return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

static void identity_from_stat(const struct stat *st, struct source_identity *ret_identity)
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

int source_identity_of(int fd, struct source_identity *ret_identity)
{
        int64_t read_at_nsec = (int64_t)(clock_realtime_usec() * 1000);
        struct stat st;

        if (fstat(fd, &st) < 0)
                return -errno;
        identity_from_stat(&st, ret_identity);
        ret_identity->read_at_nsec = read_at_nsec;
        return 0;
}

bool source_is_unchanged(int fd, const struct source_identity *identity)
{
        struct source_identity now;

        return source_identity_of(fd, &now) == 0 && source_identity_equal(&now, identity);
}

/* A copy without the slashes at its end; "/" becomes "". */
static char *copy_folder_path(const char *path)
{
        size_t length = strlen(path);
        while (length > 0 && path[length - 1] == '/')
                length--;
        return strndup(path, length);
}

/* What follows `folder` in path, without slashes before it; NULL where path does not lie in it, by its text.
 */
static const char *path_below(const char *path, const char *folder)
{
        size_t length = strlen(folder);
        if (strncmp(path, folder, length) != 0 || (path[length] != '/' && path[length] != '\0'))
                return NULL;
        path += length;
        return path + strspn(path, "/");
}

/* -EINVAL for what is not a regular file. Waits for nothing: a FIFO without a writer, a lease, a terminal. */
static int open_regular(
        int folder_fd, const char *path, bool beneath, int *ret_fd, struct source_identity *ret_identity)
{
        struct open_how how = {
                .flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY,
                .resolve = RESOLVE_NO_MAGICLINKS | (beneath ? RESOLVE_BENEATH : 0u),
        };
        CLEANUP_CLOSE int fd = -1;
        struct stat st;

        for (int i = 0; i < OPEN_RETRIES; i++) {
                fd = (int)syscall(SYS_openat2, folder_fd, path, &how, sizeof(how));
                if (fd >= 0 || (errno != EAGAIN && errno != EINTR))
                        break;
        }
        if (fd < 0)
                return errno == ENXIO ? -EINVAL : -errno; /* ENXIO: a socket */
        if (fstat(fd, &st) < 0)
                return -errno;
        if (!S_ISREG(st.st_mode))
                return -EINVAL;
        int r = source_identity_of(fd, ret_identity);
        if (r < 0)
                return r;
        *ret_fd = TAKE_FD(fd);
        return 0;
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

/* Asked for rarely, and a system call for each folder on the way. NULL: no memory. */
static const char *include_real(struct source_snapshot *snapshot)
{
        if (!snapshot->include_real) {
                const char *folder = snapshot->include_root;
                CLEANUP_FREE char *real = realpath(folder[0] ? folder : "/", NULL);
                snapshot->include_real = copy_folder_path(real ? real : folder);
        }
        return snapshot->include_real;
}

static int open_include_root(struct source_snapshot *snapshot)
{
        char *folder = snapshot->include_root;
        int fd = open(folder[0] ? folder : "/", O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0)
                return -errno;
        snapshot->include_fd = fd;

        const char *below = path_below(snapshot->root, folder);
        if (!below) { /* told apart by text; the same by what they are? */
                CLEANUP_FREE char *root_real = realpath(snapshot->root[0] ? snapshot->root : "/", NULL);
                const char *real = root_real ? include_real(snapshot) : NULL;
                below = real ? path_below(root_real, real) : NULL;
                snapshot->root_below = below ? strdup(below) : NULL;
                return below && !snapshot->root_below ? -ENOMEM : 0;
        }
        snapshot->root_below = strdup(below);
        return snapshot->root_below ? 0 : -ENOMEM;
}

DEFINE_CLEANUP(struct source_snapshot *, source_snapshot_free);

int source_snapshot_folder(const char *root, const char *include_root, struct source_snapshot **ret_snapshot)
{
        CLEANUP(source_snapshot_free_later) struct source_snapshot *snapshot = NULL;

        if (root[0] != '/' || (include_root && include_root[0] != '/'))
                return -EINVAL;
        snapshot = calloc(1, sizeof(*snapshot));
        if (!snapshot)
                return -ENOMEM;
        snapshot->include_fd = -1;
        snapshot->root = copy_folder_path(root);
        snapshot->include_root = copy_folder_path(include_root ? include_root : root);
        if (!snapshot->root || !snapshot->include_root)
                return -ENOMEM;
        int r = open_include_root(snapshot);
        if (r < 0)
                return r;
        *ret_snapshot = TAKE(snapshot);
        return 0;
}

const char *source_snapshot_root(const struct source_snapshot *snapshot)
{
        return snapshot->root;
}

struct source_snapshot *source_snapshot_free(struct source_snapshot *snapshot)
{
        if (!snapshot)
                return NULL;
        if (snapshot->include_fd >= 0)
                close(snapshot->include_fd);
        table_free(&snapshot->by_path);
        arena_free(&snapshot->arena);
        free(snapshot->files);
        free(snapshot->root);
        free(snapshot->include_root);
        free(snapshot->include_real);
        free(snapshot->root_below);
        free(snapshot);
        return NULL;
}

const struct source_file *source_snapshot_files(const struct source_snapshot *snapshot, size_t *ret_count)
{
        *ret_count = snapshot->file_count;
        return snapshot->files;
}

/* Joins with a slash between, unless the left is empty; -ENAMETOOLONG. */
static int path_join(char ret_path[static PATH_MAX], const char *left, size_t left_length, const char *right)
{
        int n = snprintf(
                ret_path, PATH_MAX, "%.*s%s%s", (int)left_length, left, left_length ? "/" : "", right);
        return n < 0 || n >= PATH_MAX ? -ENAMETOOLONG : 0;
}

/* Opens `path` beneath the include root: relative to root, or absolute with the include root at its front. */
static int open_beneath(
        struct source_snapshot *snapshot, const char *path, int *ret_fd, struct source_identity *ret_identity)
{
        char joined[PATH_MAX];
        const char *below = NULL;

        if (path[0] == '/') {
                below = path_below(path, snapshot->include_root);
                const char *real = below ? NULL : include_real(snapshot);
                if (real)
                        below = path_below(path, real);
        } else if (snapshot->root_below) {
                int r = path_join(joined, snapshot->root_below, strlen(snapshot->root_below), path);
                if (r < 0)
                        return r;
                below = joined;
        }
        if (!below)
                return -EXDEV;
        return open_regular(snapshot->include_fd, below[0] ? below : ".", true, ret_fd, ret_identity);
}

static int open_and_remember(struct source_snapshot *snapshot, const char *path, bool beneath, int *ret_fd,
        struct source_identity *ret_identity, const char **ret_path)
{
        CLEANUP_CLOSE int fd = -1;
        struct source_identity identity;

        int r = beneath ? open_beneath(snapshot, path, &fd, &identity)
                        : open_regular(AT_FDCWD, path, false, &fd, &identity);
        if (r == 0)
                r = remember(snapshot, path, &identity, ret_path);
        if (r < 0)
                return r;
        if (ret_identity)
                *ret_identity = identity;
        *ret_fd = TAKE_FD(fd);
        return 0;
}

int source_open(
        struct source_snapshot *snapshot, const char *path, int *ret_fd, struct source_identity *ret_identity)
{
        const char *shown;
        return open_and_remember(snapshot, path, path[0] != '/', ret_fd, ret_identity, &shown);
}

int source_open_found(
        struct source_snapshot *snapshot, const char *path, int *ret_fd, struct source_identity *ret_identity)
{
        const char *shown;
        return open_and_remember(snapshot, path, true, ret_fd, ret_identity, &shown);
}

/* One way to read `$INCLUDE path`: in `folder` (as shown; "" = the root itself), unless path is absolute. */
static int try_include(struct source_snapshot *snapshot, const char *folder, size_t folder_length,
        const char *path, int *ret_fd, const char **ret_path)
{
        char shown[PATH_MAX];

        int r = path_join(shown, folder, path[0] == '/' ? 0 : folder_length, path);
        return r < 0 ? r : open_and_remember(snapshot, shown, true, ret_fd, NULL, ret_path);
}

/* A missing file is one of the snapshot's too: who watches them hears when it comes. */
static int remember_missing(
        struct source_snapshot *snapshot, const char *folder, size_t folder_length, const char *path)
{
        const struct source_identity none = {0};
        const char *known;
        char shown[PATH_MAX];

        int r = path_join(shown, folder, path[0] == '/' ? 0 : folder_length, path);
        if (r == 0)
                r = remember(snapshot, shown, &none, &known);
        return r < 0 ? r : -ENOENT;
}

int source_open_include(struct source_snapshot *snapshot, const char *from_file, const char *path,
        int *ret_fd, const char **ret_path)
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
        r = try_include(snapshot, from_file, folder_length, path, ret_fd, ret_path);
        if (path[0] == '/' && r == -ENOENT)
                return remember_missing(snapshot, from_file, folder_length, path);
        if (path[0] == '/' || (r != -ENOENT && r != -ENOTDIR && r != -EXDEV))
                return r;

        /* Not beside the including file: then in root, shown as the including file is. */
        const char *root = from_file[0] != '/' ? "" : snapshot->root[0] ? snapshot->root : "/.";
        int in_root = try_include(snapshot, root, strlen(root), path, ret_fd, ret_path);
        if (r == -ENOENT && in_root == -ENOENT)
                return remember_missing(snapshot, from_file, folder_length, path);
        return r == -EXDEV && in_root == -ENOENT ? -EXDEV : in_root;
}
