/* Which folder a path leads to, and how to hear when that changes. Main loop only.
 *
 * A path is walked as the kernel does it, component by component, symlinks expanded. Each component is a name
 * looked up in a folder; that folder is watched before the lookup, so that nothing can change unheard:
 *
 *     /srv/dns/current/zones      hops: "srv" in /, "dns" in /srv, "current" in /srv/dns (a symlink to r7),
 *                                       "r7" in /srv/dns, "zones" in /srv/dns/r7, and the content of
 *                                       /srv/dns/r7/zones
 *
 * Whatever happens to one of these names (created, renamed, removed), the path is walked again. A name that
 * is not there ends the walk, and is waited for. A mount over a folder makes no event: a look by stat from
 * time to time (watch_poll.c) finds it. */
#include "source/watch_state.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>

/* IN_EXCL_UNLINK: a writer that still has an unlinked file open does not count for the file that took its
 * name. */
#define NAME_EVENTS (IN_CREATE | IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE)
#define CONTENT_EVENTS (NAME_EVENTS | IN_MODIFY | IN_CLOSE_WRITE | IN_ATTRIB)
#define WATCH_FLAGS (IN_ONLYDIR | IN_MASK_ADD | IN_EXCL_UNLINK)

static void hop_free(struct watch *watch, struct hop *hop)
{
        struct inode *inode = hop->inode;
        if (inode) {
                if (hop->previous)
                        hop->previous->next = hop->next;
                else
                        inode->hops = hop->next;
                if (hop->next)
                        hop->next->previous = hop->previous;
                if (!inode->hops) {
                        inotify_rm_watch(watch->inotify_fd, inode->wd);
                        table_remove(&watch->inodes, &inode->wd, sizeof(inode->wd));
                        free(inode);
                }
        }
        free(hop);
}

static void hops_free(struct watch *watch, struct hop *hop)
{
        while (hop) {
                struct hop *next = hop->next_of_folder;
                hop_free(watch, hop);
                hop = next;
        }
}

static struct inode *inode_get(struct watch *watch, int wd)
{
        struct inode *inode = table_get(&watch->inodes, &wd, sizeof(wd));
        if (inode)
                return inode;
        inode = calloc(1, sizeof(*inode));
        if (!inode)
                return NULL;
        inode->wd = wd;
        if (table_put(&watch->inodes, &inode->wd, sizeof(inode->wd), inode, NULL) < 0) {
                free(inode);
                return NULL;
        }
        return inode;
}

void inode_drop(struct watch *watch, struct inode *inode)
{
        while (inode->hops) {
                struct hop *hop = inode->hops;
                inode->hops = hop->next;
                hop->inode = NULL;
                hop->previous = hop->next = NULL;
                folder_mark_stale(hop->folder);
        }
        table_remove(&watch->inodes, &inode->wd, sizeof(inode->wd));
        free(inode);
}

static void tell_shortage(struct watch *watch, const char *path)
{
        if (watch->is_short_of_watches)
                return;
        watch->is_short_of_watches = true;
        log_write(LOG_WARNING, &(struct log_fields){.file = path},
                "no more inotify watches for %s (sysctl fs.inotify.max_user_watches): what cannot be watched "
                "is "
                "looked at every two seconds",
                path);
}

/* Watches the folder `path` for a name in it, or (name "") for its content. 1 = it cannot be watched. */
static int hop_add(
        struct folder *folder, const char *path, const char *name, bool is_content, struct hop **hops)
{
        struct watch *watch = folder->watch;

        if (watch->inotify_fd < 0)
                return 1;
        int wd = inotify_add_watch(watch->inotify_fd, path[0] ? path : "/",
                WATCH_FLAGS | (uint32_t)(is_content ? CONTENT_EVENTS : NAME_EVENTS));
        if (wd < 0) {
                if (errno == ENOSPC)
                        tell_shortage(watch, path);
                return errno == ENOMEM ? -ENOMEM : 1;
        }
        struct inode *inode = inode_get(watch, wd);
        struct hop *hop = calloc(1, sizeof(*hop) + strlen(name) + 1);
        if (!inode || !hop) {
                free(hop);
                return -ENOMEM;
        }
        hop->folder = folder;
        hop->is_content = is_content;
        memcpy(hop->name, name, strlen(name) + 1);
        hop->inode = inode;
        hop->next = inode->hops;
        if (inode->hops)
                inode->hops->previous = hop;
        inode->hops = hop;
        hop->next_of_folder = *hops;
        *hops = hop;
        return 0;
}

struct walk {
        char done[PATH_MAX]; /* no symlink in it; "" is the root */
        char rest[PATH_MAX];
        unsigned links;
        struct hop *hops;
        bool is_unsure;
};

/* Cuts the first component off walk->rest. */
static bool walk_next_name(struct walk *walk, char name[static NAME_MAX + 1])
{
        const char *from = walk->rest + strspn(walk->rest, "/");
        size_t length = strcspn(from, "/");
        if (length == 0 || length > NAME_MAX)
                return false;
        memcpy(name, from, length);
        name[length] = '\0';
        memmove(walk->rest, from + length, strlen(from + length) + 1);
        return true;
}

static int walk_into_link(struct walk *walk, const char *path)
{
        char target[PATH_MAX], rest[PATH_MAX];

        ssize_t n = readlink(path, target, sizeof(target) - 1);
        if (n <= 0)
                return n < 0 ? -errno : -ENOENT;
        target[n] = '\0';
        if (++walk->links > LINKS_MAX)
                return -ELOOP;
        int length = snprintf(rest, sizeof(rest), "%s/%s", target, walk->rest);
        if (length < 0 || length >= PATH_MAX)
                return -ENAMETOOLONG;
        memcpy(walk->rest, rest, (size_t)length + 1);
        if (target[0] == '/')
                walk->done[0] = '\0';
        return 0;
}

/* 0 = one step on; a negative errno = the path leads nowhere. */
static int walk_step(struct folder *folder, struct walk *walk, const char *name)
{
        char path[PATH_MAX];
        struct stat st;

        if (strcmp(name, ".") == 0)
                return 0;
        if (strcmp(name, "..") == 0) {
                char *slash = strrchr(walk->done, '/');
                if (slash)
                        *slash = '\0';
                return 0;
        }
        int r = hop_add(folder, walk->done, name, false, &walk->hops);
        if (r < 0)
                return r;
        if (r > 0)
                walk->is_unsure = true;
        int length = snprintf(path, sizeof(path), "%s/%s", walk->done, name);
        if (length < 0 || length >= PATH_MAX)
                return -ENAMETOOLONG;
        if (lstat(path, &st) < 0)
                return -errno;
        if (S_ISLNK(st.st_mode))
                return walk_into_link(walk, path);
        if (!S_ISDIR(st.st_mode))
                return -ENOTDIR;
        memcpy(walk->done, path, (size_t)length + 1);
        return 0;
}

static void folder_set_blind(struct folder *folder, bool is_blind)
{
        if (is_blind && !folder->is_blind)
                log_write(LOG_INFO, &(struct log_fields){.file = folder->given},
                        "%s is looked at every two seconds: no events are to be had of its file system",
                        folder->given);
        if (is_blind != folder->is_blind) {
                folder_poll_end(folder);
                folder->has_baseline = false;
        }
        folder->is_blind = is_blind;
}

/* At the end of the path. */
static int walk_arrive(struct folder *folder, struct walk *walk, struct stat *ret_stat)
{
        const char *path = walk->done[0] ? walk->done : "/";

        int r = hop_add(folder, walk->done, "", true, &walk->hops);
        if (r < 0)
                return r;
        if (stat(path, ret_stat) < 0)
                return -errno;
        folder_set_blind(folder, r > 0 || folder->watch->polls_everything || file_system_is_blind(path));
        return 0;
}

int folder_walk(struct folder *folder)
{
        struct walk walk = {.done = ""};
        char name[NAME_MAX + 1];
        struct stat st;
        int r = 0;

        memcpy(walk.rest, folder->path, strlen(folder->path) + 1);
        while (r == 0 && walk_next_name(&walk, name))
                r = walk_step(folder, &walk, name);
        if (r == 0 && walk.rest[strspn(walk.rest, "/")] != '\0')
                r = -ENAMETOOLONG;
        if (r == 0)
                r = walk_arrive(folder, &walk, &st);
        char *real_path = r == 0 ? strdup(walk.done) : NULL;
        if (r == -ENOMEM || (r == 0 && !real_path)) {
                hops_free(folder->watch, walk.hops);
                return -ENOMEM;
        }

        /* The old hops go after the new ones are there: what both use keeps its watch and its queued events.
         */
        hops_free(folder->watch, folder->hops);
        folder->hops = walk.hops;
        folder->is_unsure = walk.is_unsure;
        bool was_there = folder->real_path != NULL;
        bool is_other = was_there != (r == 0) ||
                        (r == 0 && (folder->device != st.st_dev || folder->inode != st.st_ino));
        free(folder->real_path);
        folder->real_path = real_path;
        folder->device = r == 0 ? st.st_dev : 0;
        folder->inode = r == 0 ? st.st_ino : 0;
        return is_other;
}

void folder_unwatch(struct folder *folder)
{
        hops_free(folder->watch, folder->hops);
        folder->hops = NULL;
        if (!folder->is_stale)
                return;
        struct folder **link = &folder->watch->stale;
        while (*link != folder)
                link = &(*link)->next_stale;
        *link = folder->next_stale;
}

bool folder_has_moved(const struct folder *folder)
{
        struct stat st;
        bool is_there = stat(folder->path[0] ? folder->path : "/", &st) == 0 && S_ISDIR(st.st_mode);

        if (is_there != (folder->real_path != NULL))
                return true;
        return is_there && (folder->device != st.st_dev || folder->inode != st.st_ino);
}

void folder_mark_stale(struct folder *folder)
{
        if (folder->is_stale)
                return;
        folder->is_stale = true;
        folder->next_stale = folder->watch->stale;
        folder->watch->stale = folder;
}

void watch_walk_stale(struct watch *watch, uint64_t now_usec)
{
        while (watch->stale) {
                struct folder *folder = watch->stale;
                watch->stale = folder->next_stale;
                folder->is_stale = false;

                int r = folder_walk(folder);
                if (folder->is_blind || folder->is_unsure || r < 0)
                        watch_poll_soon(watch);
                if (r < 0)
                        folder->is_unsure = true; /* no memory: looked at again */
                if (r == 0)
                        continue;
                folder_forget_events(folder, now_usec);
                folder_poll_end(folder);
                folder->has_baseline = false;
                uint64_t delay_usec = folder->settle_usec;
                if (!folder->real_path && delay_usec < SETTLE_VANISH_USEC)
                        delay_usec = SETTLE_VANISH_USEC;
                folder_rescan_later(folder, delay_usec, now_usec);
        }
}
