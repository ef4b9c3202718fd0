/* A watched file that is a symlink: what it leads to is watched too, link by link. Main loop only.
 *
 * Each asked-for entry has at most one target, another entry, which knows its followers; a report of the
 * target is a report of each of them. The link that would close a circle is not followed, so there is never
 * one. */
#include "source/watch_state.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int entry_path(const struct entry *entry, char ret_path[static PATH_MAX])
{
        int n = snprintf(ret_path, PATH_MAX, "%s/%s", entry->folder->path, entry->name);
        return n < 0 || n >= PATH_MAX ? -ENAMETOOLONG : 0;
}

struct file_mark entry_look(const struct entry *entry)
{
        struct file_mark mark = {.is_present = false};
        char path[PATH_MAX];
        struct stat st;

        if (entry_path(entry, path) < 0 || stat(path, &st) < 0)
                return mark;
        mark.is_present = true;
        mark.identity = (struct source_identity){
                .device = st.st_dev,
                .inode = st.st_ino,
                .size_bytes = (uint64_t)st.st_size,
                .mtime_nsec = (int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec,
                .ctime_nsec = (int64_t)st.st_ctim.tv_sec * 1000000000 + st.st_ctim.tv_nsec,
        };
        return mark;
}

bool mark_equal(const struct file_mark *left, const struct file_mark *right)
{
        return left->is_present == right->is_present &&
               source_identity_equal(&left->identity, &right->identity);
}

/* Where the symlink leads, one link further. False: it is none, or it leads in a circle or nowhere that has a
 * name. */
static bool link_target(const struct entry *entry, char ret_path[static PATH_MAX], size_t *ret_folder_length)
{
        char path[PATH_MAX], target[PATH_MAX];

        if (entry_path(entry, path) < 0)
                return false;
        ssize_t n = readlink(path, target, sizeof(target) - 1);
        if (n <= 0)
                return false;
        target[n] = '\0';
        int length = target[0] == '/' ? snprintf(ret_path, PATH_MAX, "%s", target)
                                      : snprintf(ret_path, PATH_MAX, "%s/%s", entry->folder->path, target);
        return length > 0 && length < PATH_MAX && path_split(ret_path, ret_folder_length) == 0;
}

static bool leads_to(const struct entry *from, const struct entry *entry)
{
        while (from && from != entry)
                from = from->target;
        return from != NULL;
}

static struct entry *want_target(struct entry *entry, const char *path, size_t folder_length)
{
        char folder_path[PATH_MAX];
        const char *name = strrchr(path, '/') + 1;

        snprintf(folder_path, sizeof(folder_path), "%.*s", (int)folder_length, path);
        struct folder *folder =
                folder_get(entry->folder->watch, folder_length ? folder_path : "/", entry->settle_usec);
        if (!folder)
                return NULL;
        struct entry *target = entry_get(folder, name, strlen(name));
        if (!target || leads_to(target, entry)) { /* then it is wanted, and its folder stays */
                folder_release(folder);
                return NULL;
        }
        if (!entry_is_wanted(target)) {
                folder->wanted_entries++;
                target->settle_usec = entry->settle_usec;
        }
        if (folder->is_blind || folder->is_unsure)
                watch_poll_soon(folder->watch);
        return target;
}

void entry_unfollow(struct entry *entry)
{
        struct entry *target = entry->target;
        if (!target)
                return;
        struct entry **link = &target->followers;
        while (*link != entry)
                link = &(*link)->next_follower;
        *link = entry->next_follower;
        entry->target = NULL;
        entry->next_follower = NULL;

        struct folder *folder = target->folder;
        folder->pin_count++; /* links may lead back here */
        target->follow_count--;
        if (!entry_is_wanted(target)) {
                folder->wanted_entries--;
                entry_unfollow(target);
                entry_release(target);
        }
        folder->pin_count--;
        if (folder != entry->folder) /* its own folder is its caller's to release */
                folder_release(folder);
}

void entry_follow(struct entry *entry)
{
        char path[PATH_MAX];
        size_t folder_length;
        struct entry *target = NULL;

        if (link_target(entry, path, &folder_length)) {
                const char *name = strrchr(path, '/') + 1;
                struct entry *now = entry->target;
                if (now && strlen(now->folder->path) == folder_length &&
                        strncmp(now->folder->path, path, folder_length) == 0 && strcmp(now->name, name) == 0)
                        return;
                target = want_target(entry, path, folder_length);
        }
        if (target) /* before the old one goes: they may share a folder */
                target->follow_count++;
        entry_unfollow(entry);
        if (!target)
                return;
        entry->target = target;
        entry->next_follower = target->followers;
        target->followers = entry;
        if (target->follow_count == 1 && target->asked_count == 0) {
                target->told = target->seen = entry_look(target);
                entry_follow(target); /* as deep as the kernel follows: 40 links */
        }
}
