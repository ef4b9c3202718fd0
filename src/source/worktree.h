/* A folder that lies in a git work tree: where its git folder is, and which commit is checked out there. Read
 * from git's files (gitrepository-layout(5)), as it is asked at every publish: a child each time would cost
 * more than the publish. Any thread. */
#pragma once

#include "source/git.h"

#include <limits.h>
#include <stdbool.h>

/* The git folder (".git", or what a ".git" file leads to) of the innermost work tree that holds real_path, an
 * absolute path without symlinks. */
bool worktree_git_folder(const char *real_path, char ret_folder[static PATH_MAX]);
/* The commit that HEAD of the folder's work tree leads to. False where there is none, or it is kept in a way
 * that is not known here (reftable). What is checked out need not be what the files hold: they may be edited.
 */
bool worktree_commit(const char *folder, char ret_id[static GIT_ID_MAX + 1]);
/* The id of a ref ("refs/heads/main") in the text of a packed-refs file. */
bool worktree_packed_ref(const char *text, const char *ref, char ret_id[static GIT_ID_MAX + 1]);
