/* A git checkout at work: its index.lock is there while it unlinks and writes the files of the work tree, one
 * after another. Nothing of a folder in that tree is told before the lock is gone; a stale lock (git was
 * killed) is told once, after ten seconds. Main loop only. */
#include "source/watch_state.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define FOUND_HOLDS_USEC (2 * USEC_PER_SEC) /* a work tree may be made, or moved away */

/* A ".git" that is a file (worktrees, submodules) says where the folder is: "gitdir: PATH\n". */
static bool read_git_file(const char *path, const char *tree, char ret_lock[static PATH_MAX])
{
        static const char key[] = "gitdir: ";
        char text[PATH_MAX];
        CLEANUP_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

        ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
        if (n <= 0)
                return false;
        text[n] = '\0';
        text[strcspn(text, "\n")] = '\0';
        if (strncmp(text, key, sizeof(key) - 1) != 0)
                return false;
        const char *folder = text + sizeof(key) - 1;
        int length = folder[0] == '/' ? snprintf(ret_lock, PATH_MAX, "%s/index.lock", folder)
                                      : snprintf(ret_lock, PATH_MAX, "%s/%s/index.lock", tree, folder);
        return length > 0 && length < PATH_MAX;
}

/* The index.lock of the innermost work tree that the folder lies in. */
static bool find_lock(const char *real_path, char ret_lock[static PATH_MAX])
{
        char tree[PATH_MAX], path[PATH_MAX];
        struct stat st;

        memcpy(tree, real_path, strlen(real_path) + 1);
        for (;;) {
                int length = snprintf(path, sizeof(path), "%s/.git", tree);
                if (length > 0 && length < PATH_MAX && lstat(path, &st) == 0) {
                        if (S_ISREG(st.st_mode))
                                return read_git_file(path, tree, ret_lock);
                        length = snprintf(ret_lock, PATH_MAX, "%s/index.lock", path);
                        return length > 0 && length < PATH_MAX;
                }
                char *slash = strrchr(tree, '/');
                if (!slash)
                        return false;
                *slash = '\0';
        }
}

static void find_lock_again(struct folder *folder, uint64_t now_usec)
{
        char lock[PATH_MAX];

        if (!folder->real_path ||
                (folder->git_found_usec > 0 && now_usec - folder->git_found_usec < FOUND_HOLDS_USEC))
                return; /* a folder that git removed for now: where the lock was is where it is */
        folder->git_found_usec = now_usec;
        free(folder->git_lock);
        folder->git_lock = find_lock(folder->real_path, lock) ? strdup(lock) : NULL;
}

bool folder_waits_for_git(struct folder *folder, uint64_t now_usec)
{
        struct stat st;
        uint64_t lock = 0;

        find_lock_again(folder, now_usec);
        if (folder->git_lock && lstat(folder->git_lock, &st) == 0)
                lock = (st.st_ino ^ (uint64_t)st.st_ctim.tv_nsec << 32) | 1;
        switch (git_wait_next(&folder->git, lock, now_usec)) {
        case GIT_WAIT:
                return true;
        case GIT_TELL_AND_GO:
                log_write(LOG_WARNING, &(struct log_fields){.file = folder->git_lock},
                        "%s has been there for 10 s: not waiting for git any longer (if no git is at work, "
                        "remove it)",
                        folder->git_lock);
                return false;
        case GIT_GO:
                break;
        }
        return false;
}
