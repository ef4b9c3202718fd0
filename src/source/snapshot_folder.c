/* A folder as a source of text: opens zone files and what they include, read-only (I7).
 *
 * Names that come out of a file or a folder are not trusted: a relative path and every $INCLUDE is resolved
 * by the kernel beneath the include root (openat2, RESOLVE_BENEATH), so that neither "..", nor an absolute
 * path, nor a symlink leads out of it (I8). An absolute path given to source_open is the configuration's word
 * and is followed wherever it leads; source_open_found is for the others. Used on one thread. */
#include "source/snapshot_state.h"

#include "base/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

#define OPEN_RETRIES 16 /* openat2 gives EAGAIN where a ".." raced a rename */

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
        int r = identity_of(fd, &st, ret_identity);
        if (r < 0)
                return r;
        if (!S_ISREG(st.st_mode))
                return -EINVAL;
        *ret_fd = TAKE_FD(fd);
        return 0;
}

/* Asked for rarely, and a system call for each folder on the way. NULL: no memory. */
static const char *include_real(struct source_snapshot *snapshot)
{
        if (!snapshot->include_real) {
                const char *folder = snapshot->include_root;
                CLEANUP_FREE char *real = realpath(folder[0] ? folder : "/", NULL);
                snapshot->include_real = snapshot_copy_folder(real ? real : folder);
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
                int r = snapshot_path_join(joined, snapshot->root_below, strlen(snapshot->root_below), path);
                if (r < 0)
                        return r;
                below = joined;
        }
        if (!below)
                return -EXDEV;
        return open_regular(snapshot->include_fd, below[0] ? below : ".", true, ret_fd, ret_identity);
}

static int folder_open(struct source_snapshot *snapshot, const char *path, bool is_trusted, int *ret_fd,
        struct source_identity *ret_identity)
{
        CLEANUP_CLOSE int unread = -1;
        int *fd = ret_fd ? ret_fd : &unread;
        return is_trusted ? open_regular(AT_FDCWD, path, false, fd, ret_identity)
                          : open_beneath(snapshot, path, fd, ret_identity);
}

static int folder_name(const char *path, char ret_path[static PATH_MAX])
{
        size_t length = strlen(path);
        if (length >= PATH_MAX)
                return -ENAMETOOLONG;
        memcpy(ret_path, path, length + 1);
        return 0;
}

static void folder_free(struct source_snapshot *snapshot)
{
        if (snapshot->include_fd >= 0)
                close(snapshot->include_fd);
        free(snapshot->include_root);
        free(snapshot->include_real);
        free(snapshot->root_below);
}

static const struct snapshot_kind folder_kind = {
        .open = folder_open, .name = folder_name, .free = folder_free};

DEFINE_CLEANUP(struct source_snapshot *, source_snapshot_free);

int source_snapshot_folder(const char *root, const char *include_root, struct source_snapshot **ret_snapshot)
{
        CLEANUP(source_snapshot_free_later) struct source_snapshot *snapshot = NULL;

        if (root[0] != '/' || (include_root && include_root[0] != '/'))
                return -EINVAL;
        snapshot = calloc(1, sizeof(*snapshot));
        if (!snapshot)
                return -ENOMEM;
        snapshot->kind = &folder_kind;
        snapshot->include_fd = -1;
        snapshot->root = snapshot_copy_folder(root);
        snapshot->include_root = snapshot_copy_folder(include_root ? include_root : root);
        snapshot->root_told = snapshot->root;
        if (!snapshot->root || !snapshot->include_root)
                return -ENOMEM;
        int r = open_include_root(snapshot);
        if (r < 0)
                return r;
        *ret_snapshot = TAKE(snapshot);
        return 0;
}
