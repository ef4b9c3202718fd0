/* Replaces a few octets of a file (rewrite.h).
 *
 *   1. the copy beside it, synced
 *   2. a read lease on the file: nobody has it open for writing, and who opens it so from now on waits
 *   3. the file is as it was: the copy is true
 *   4. copy and file exchange their names. Where the name led to another file (an editor renamed one over it
 *      since 3), that one goes back
 *   5. after the grace: where somebody waits for the lease he has the old file in hand, which gets its name
 *      back; else it is removed
 *
 * A crash leaves one file whose name ends in .tmp, which no zone folder takes for a zone. */
#include "source/rewrite.h"

#include "base/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#define ACCESS_LIST "system.posix_acl_access"

struct rewrite {
        int fd; /* of the old file, with the lease */
        int folder_fd;
        char name[NAME_MAX + 1];
        char copy_name[NAME_MAX + 1]; /* the copy's, then the old file's */
        int copy_fd;                  /* keeps its inode's number from being another file's */
        ino_t copy_inode;
};

static void rewrite_free(struct rewrite *rewrite)
{
        if (rewrite->fd >= 0)
                close(rewrite->fd); /* and the lease with it */
        if (rewrite->folder_fd >= 0)
                close(rewrite->folder_fd);
        if (rewrite->copy_fd >= 0)
                close(rewrite->copy_fd);
        free(rewrite);
}

static void cleanup_rewrite(struct rewrite **rewrite)
{
        if (*rewrite)
                rewrite_free(*rewrite);
}

static int rewrite_new(int fd, const char *path, struct rewrite **ret_rewrite)
{
        const char *name = strrchr(path, '/') + 1;
        CLEANUP_FREE char *folder = strndup(path, (size_t)(name - path));
        struct rewrite *rewrite = calloc(1, sizeof(*rewrite));

        if (!rewrite || !folder) {
                free(rewrite);
                return -ENOMEM;
        }
        rewrite->copy_fd = -1;
        rewrite->folder_fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        rewrite->fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
        int r = rewrite->folder_fd < 0 || rewrite->fd < 0 ? -errno : 0;
        if (snprintf(rewrite->name, sizeof(rewrite->name), "%s", name) >= (int)sizeof(rewrite->name) ||
                snprintf(rewrite->copy_name, sizeof(rewrite->copy_name), ".%.200s.zonecrier.tmp", name) < 0)
                r = -ENAMETOOLONG;
        if (r < 0) {
                rewrite_free(rewrite);
                return r;
        }
        *ret_rewrite = rewrite;
        return 0;
}

/* ---- the copy ---- */

static int copy_octets(int from, int to, off_t begin, off_t end)
{
        while (begin < end) {
                ssize_t moved = sendfile(to, from, &begin, (size_t)(end - begin));
                if (moved < 0 && errno != EINTR)
                        return -errno;
                if (moved == 0)
                        return -ESTALE; /* it is shorter than it was */
        }
        return 0;
}

static int write_octets(int fd, const char *octets, size_t count)
{
        while (count > 0) {
                ssize_t written = write(fd, octets, count);
                if (written < 0 && errno != EINTR)
                        return -errno;
                octets += written > 0 ? written : 0;
                count -= written > 0 ? (size_t)written : 0;
        }
        return 0;
}

/* Who may read and write it stays as it is: a group's editors, and the daemon itself. */
static int copy_access(int from, int to, const struct stat *st)
{
        char list[4096];

        if (fchown(to, st->st_uid, st->st_gid) < 0)
                return errno == EPERM ? -EPERM : -errno;
        if (fchmod(to, st->st_mode & 07777) < 0)
                return -errno;
        ssize_t size = fgetxattr(from, ACCESS_LIST, list, sizeof(list));
        if (size < 0)
                return errno == ENODATA || errno == EOPNOTSUPP ? 0 : -errno;
        return fsetxattr(to, ACCESS_LIST, list, (size_t)size, 0) < 0 ? -errno : 0;
}

static int copy_write(
        struct rewrite *rewrite, int to, const struct stat *st, const struct rewrite_change *change)
{
        int r = copy_access(rewrite->fd, to, st);
        if (r == 0)
                r = copy_octets(rewrite->fd, to, 0, change->offset);
        if (r == 0)
                r = write_octets(to, change->octets, change->octet_count);
        if (r == 0)
                r = copy_octets(rewrite->fd, to, change->offset + (off_t)change->length, st->st_size);
        return r == 0 && fsync(to) < 0 ? -errno : r;
}

static int copy_make(struct rewrite *rewrite, const struct stat *st, const struct rewrite_change *change)
{
        const int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
        struct stat made;
        int fd = openat(rewrite->folder_fd, rewrite->copy_name, flags, 0600);

        if (fd < 0 && errno == EEXIST) { /* of a life that ended in the middle */
                unlinkat(rewrite->folder_fd, rewrite->copy_name, 0);
                fd = openat(rewrite->folder_fd, rewrite->copy_name, flags, 0600);
        }
        if (fd < 0)
                return -errno;
        int r = copy_write(rewrite, fd, st, change);
        if (r == 0 && fstat(fd, &made) < 0)
                r = -errno;
        close(fd);
        if (r == 0) {
                rewrite->copy_fd =
                        openat(rewrite->folder_fd, rewrite->copy_name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
                r = rewrite->copy_fd < 0 ? -errno : 0;
        }
        if (r < 0)
                unlinkat(rewrite->folder_fd, rewrite->copy_name, 0);
        else
                rewrite->copy_inode = made.st_ino;
        return r;
}

/* ---- the exchange ---- */

static int exchange(const struct rewrite *rewrite, ino_t *ret_taken)
{
        struct stat st;

        if (renameat2(rewrite->folder_fd, rewrite->copy_name, rewrite->folder_fd, rewrite->name,
                    RENAME_EXCHANGE) < 0)
                return errno == EINVAL || errno == ENOSYS ? -EOPNOTSUPP : -errno;
        if (fstatat(rewrite->folder_fd, rewrite->copy_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
                return -errno;
        *ret_taken = st.st_ino;
        return 0;
}

/* Puts the file `put`, which stands under copy_name, in place of `expected`. Where another one stood there,
 * somebody put it there since: that one is newer and goes back, and so on if need be, until what is taken
 * away is what we put there ourselves. REWRITE_CHANGED: `put` is under copy_name again. */
static int put_in_place(const struct rewrite *rewrite, ino_t put, ino_t expected)
{
        const ino_t ours = put;

        for (;;) {
                ino_t taken = 0;
                int r = exchange(rewrite, &taken);
                if (r == -ENOENT) /* removed by its owner: it stays removed */
                        return REWRITE_CHANGED;
                if (r < 0)
                        return r;
                if (taken == expected)
                        return put == ours ? REWRITE_DONE : REWRITE_CHANGED;
                expected = put;
                put = taken;
        }
}

/* Who breaks the lease sends a signal; its own name for "something urgent" is ignored by default, where the
 * kernel's choice would end the process. */
static int take_lease(int fd)
{
        if (fcntl(fd, F_SETSIG, SIGURG) < 0 || fcntl(fd, F_SETLEASE, F_RDLCK) < 0)
                switch (errno) {
                case EAGAIN:
                        return REWRITE_BUSY;
                case EACCES:
                case EPERM:
                        return -EPERM;
                case EINVAL:
                        return -EOPNOTSUPP;
                default:
                        return -errno;
                }
        return 0;
}

int rewrite_begin(int fd, const char *path, const struct source_identity *identity,
        const struct rewrite_change *change, struct rewrite **ret_rewrite)
{
        CLEANUP(cleanup_rewrite) struct rewrite *rewrite = NULL;
        struct stat st;
        int r = rewrite_new(fd, path, &rewrite);

        if (r == 0 && fstat(rewrite->fd, &st) < 0)
                r = -errno;
        if (r < 0)
                return r;
        if (st.st_nlink > 1)
                return -EMLINK;
        if (st.st_nlink == 0 || !source_is_unchanged(rewrite->fd, identity))
                return REWRITE_CHANGED;
        r = copy_make(rewrite, &st, change);
        if (r < 0)
                return r == -ESTALE ? REWRITE_CHANGED : r;
        r = take_lease(rewrite->fd);
        if (r == 0 && !source_is_unchanged(rewrite->fd, identity))
                r = REWRITE_CHANGED;
        if (r == 0)
                r = put_in_place(rewrite, rewrite->copy_inode, (ino_t)identity->inode);
        if (r != REWRITE_DONE) {
                unlinkat(rewrite->folder_fd, rewrite->copy_name, 0);
                return r;
        }
        *ret_rewrite = TAKE(rewrite);
        return REWRITE_DONE;
}

int rewrite_end(struct rewrite *rewrite)
{
        struct stat st;
        int r = REWRITE_DONE;

        /* While the lease is being broken the kernel names the kind that is wanted. */
        if (fcntl(rewrite->fd, F_GETLEASE) != F_RDLCK && fstat(rewrite->fd, &st) == 0) {
                put_in_place(rewrite, st.st_ino, rewrite->copy_inode);
                r = REWRITE_CHANGED;
        }
        unlinkat(rewrite->folder_fd, rewrite->copy_name, 0);
        if (r == REWRITE_DONE)
                fsync(rewrite->folder_fd);
        rewrite_free(rewrite);
        return r;
}
