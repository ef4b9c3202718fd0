/* A git checkout at work: its index.lock is there while it unlinks and writes the files of the work tree, one
 * after another. Nothing of a folder in that tree is told before the lock is gone; a stale lock (git was
 * killed) is told once, after ten seconds. Main loop only. */
#include "source/watch_state.h"

#include "base/clock.h"
#include "base/log.h"
#include "source/worktree.h"

#include <limits.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define FOUND_HOLDS_USEC (2 * USEC_PER_SEC) /* a work tree may be made, or moved away */

/* The index.lock of the innermost work tree that the folder lies in. */
static bool find_lock(const char *real_path, char ret_lock[static PATH_MAX])
{
        char folder[PATH_MAX];

        if (!worktree_git_folder(real_path, folder))
                return false;
        int length = snprintf(ret_lock, PATH_MAX, "%s/index.lock", folder);
        return length > 0 && length < PATH_MAX;
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
