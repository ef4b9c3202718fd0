/* Binding the control socket. Main thread.
 *
 * Nobody can connect before listen(2), and mode and owner are set before that: there is no moment in which
 * the socket is open to more than it should be. A name that is there is tried first: a live daemon is never
 * pushed aside. */
#include "control/socket.h"

#include "base/cleanup.h"
#include "conf/conf.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#define BACKLOG 64

static const char *why(const char *format, ...) __attribute__((format(printf, 1, 2)));
static const char *why(const char *format, ...)
{
        static char text[512];
        va_list arguments;

        va_start(arguments, format);
        vsnprintf(text, sizeof(text), format, arguments);
        va_end(arguments);
        return text;
}

static int socket_address(const char *path, struct sockaddr_un *ret_address, const char **ret_why)
{
        if (strlen(path) >= sizeof(ret_address->sun_path)) {
                *ret_why = why("%s: the path of a unix socket has at most %zu octets", path,
                        sizeof(ret_address->sun_path) - 1);
                return -ENAMETOOLONG;
        }
        *ret_address = (struct sockaddr_un){.sun_family = AF_UNIX};
        strcpy(ret_address->sun_path, path);
        return 0;
}

/* Does somebody listen there? 1 yes, 0 no: a socket left behind. Negative: neither. */
static int socket_is_live(const struct sockaddr_un *address, const char **ret_why)
{
        struct stat status;
        if (lstat(address->sun_path, &status) < 0)
                return -errno;
        if (!S_ISSOCK(status.st_mode)) {
                *ret_why = why("%s is there and is no socket", address->sun_path);
                return -EEXIST;
        }
        CLEANUP_CLOSE int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (fd < 0)
                return -errno;
        if (connect(fd, (const struct sockaddr *)address, sizeof(*address)) == 0 || errno == EAGAIN)
                return 1; /* EAGAIN: it listens, its backlog is full */
        return errno == ECONNREFUSED ? 0 : -errno;
}

static int bind_over_stale(int fd, const struct sockaddr_un *address, const char **ret_why)
{
        if (bind(fd, (const struct sockaddr *)address, sizeof(*address)) == 0)
                return 0;
        if (errno != EADDRINUSE)
                return -errno;
        int live = socket_is_live(address, ret_why);
        if (live < 0)
                return live;
        if (live > 0) {
                *ret_why = why("another daemon listens on %s", address->sun_path);
                return -EADDRINUSE;
        }
        if (unlink(address->sun_path) < 0 || bind(fd, (const struct sockaddr *)address, sizeof(*address)) < 0)
                return -errno;
        return 0;
}

/* /run/zonecrier is systemd's to make; without systemd it is ours. */
static void make_folder(const char *path)
{
        const char *slash = strrchr(path, '/');
        CLEANUP_FREE char *folder = slash && slash > path ? strndup(path, (size_t)(slash - path)) : NULL;
        if (folder)
                mkdir(folder, 0755);
}

int control_socket_protect(
        const struct control_socket *control_socket, const struct conf_options *options, const char **ret_why)
{
        if (!control_socket->path)
                return 0;
        uid_t uid = options->control_uid < 0 ? (uid_t)-1 : (uid_t)options->control_uid;
        gid_t gid = options->control_gid < 0 ? (gid_t)-1 : (gid_t)options->control_gid;
        if ((uid != (uid_t)-1 || gid != (gid_t)-1) && lchown(control_socket->path, uid, gid) < 0) {
                int r = -errno;
                *ret_why = why("%s: its owner cannot be set: %s", control_socket->path, strerror(-r));
                return r;
        }
        if (chmod(control_socket->path, (mode_t)options->control_mode) < 0) {
                int r = -errno;
                *ret_why = why("%s: its mode cannot be set: %s", control_socket->path, strerror(-r));
                return r;
        }
        return 0;
}

static int socket_bind(
        struct control_socket *control_socket, const struct conf_options *options, const char **ret_why)
{
        struct sockaddr_un address;
        struct stat status;

        int r = socket_address(options->control_socket, &address, ret_why);
        if (r < 0)
                return r;
        if (fchmod(control_socket->fd, 0600) < 0) /* the bound name's mode begins with this one */
                return -errno;
        make_folder(address.sun_path);
        r = bind_over_stale(control_socket->fd, &address, ret_why);
        if (r < 0)
                return r;
        control_socket->path = strdup(address.sun_path);
        if (!control_socket->path) {
                unlink(address.sun_path);
                return -ENOMEM;
        }
        if (lstat(address.sun_path, &status) < 0)
                return -errno;
        control_socket->device = status.st_dev;
        control_socket->inode = status.st_ino;
        r = control_socket_protect(control_socket, options, ret_why);
        if (r < 0)
                return r;
        return listen(control_socket->fd, BACKLOG) < 0 ? -errno : 0;
}

int control_socket_open(
        const struct conf_options *options, struct control_socket *ret_socket, const char **ret_why)
{
        struct control_socket control_socket = {
                .fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};

        *ret_why = NULL;
        int r = control_socket.fd < 0 ? -errno : socket_bind(&control_socket, options, ret_why);
        if (r < 0) {
                if (!*ret_why)
                        *ret_why = why("%s: %s", options->control_socket, strerror(-r));
                control_socket_close(&control_socket);
                return r;
        }
        *ret_socket = control_socket;
        return 0;
}

int control_socket_inherit(int fd, struct control_socket *ret_socket, const char **ret_why)
{
        int own = fcntl(fd, F_DUPFD_CLOEXEC, 3);
        if (own < 0 || fcntl(own, F_SETFL, fcntl(own, F_GETFL) | O_NONBLOCK) < 0) {
                int r = -errno;
                *ret_why = why("the control socket that was handed to us: %s", strerror(-r));
                if (own >= 0)
                        close(own);
                return r;
        }
        *ret_socket = (struct control_socket){.fd = own};
        return 0;
}

bool control_socket_is_there(const struct control_socket *control_socket)
{
        struct stat status;
        if (!control_socket->path)
                return true;
        return lstat(control_socket->path, &status) == 0 && status.st_dev == control_socket->device &&
               status.st_ino == control_socket->inode;
}

void control_socket_close(struct control_socket *control_socket)
{
        if (control_socket->path && control_socket_is_there(control_socket))
                unlink(control_socket->path);
        if (control_socket->fd >= 0)
                close(control_socket->fd);
        free(control_socket->path);
        *control_socket = (struct control_socket){.fd = -1};
}
