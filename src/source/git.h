/* A git repository as a source, through the user's own git: it knows every format of a repository (SHA-256,
 * reftable, the quarantine of a push). Nothing of the work tree or the index is read or written.
 *
 * What is asked often goes to one long-lived `git cat-file --batch-command`: commits, blobs, whatever a
 * branch points to now. Listings and differences are children of their own. Every call waits for git, at
 * most the time that git_open was given: never on the main loop. A struct git may be used by several
 * threads. */
#pragma once

#include "base/buffer.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct git;

#define GIT_ID_MAX 64 /* hexadecimal digits of a SHA-256 */
#define GIT_TEXT_MAX 256
#define GIT_MODE_LINK 0120000u
#define GIT_MODE_FILE 0100000u /* with any permissions */
#define GIT_MODE_TYPE 0170000u

struct git_options {
        /* 0 = 30 s without an answer: then git is killed, and what was asked is -ETIMEDOUT. */
        uint64_t timeout_usec;
        /* In a hook: the environment says where the objects of a push lie, and which index is meant. Else
         * nothing of the environment that is git's counts. */
        bool is_hook;
};

/* path: a bare repository, a .git, or a work tree, absolute. -ENOENT: no git program, or no repository
 * there; -ETIMEDOUT ... *ret_why (malloc'ed, may be NULL): a sentence for the operator. options may be
 * NULL. */
int git_open(const char *path, const struct git_options *options, struct git **ret_git, char **ret_why);
struct git *git_ref(struct git *git);
struct git *git_unref(struct git *git); /* NULL is fine */
/* Every call, those that wait now too, returns -ECANCELED from now on. Any thread. */
void git_cancel(struct git *git);
/* The next question is asked of a new child. */
void git_renew(struct git *git);
/* Is the folder that was opened still the one at that path? */
bool git_is_there(const struct git *git);
const char *git_path(const struct git *git);   /* as given to git_open */
const char *git_folder(const struct git *git); /* the repository's own folder: HEAD of a worktree lies here */
const char *git_common_folder(const struct git *git); /* refs, objects: the same but for a worktree */

/* A commit, as `log` shows it. Texts are UTF-8 without control characters, cut to size. */
struct git_commit {
        char id[GIT_ID_MAX + 1];
        char tree[GIT_ID_MAX + 1];
        char author[GIT_TEXT_MAX]; /* NAME <MAIL> */
        char subject[GIT_TEXT_MAX];
        uint64_t time_sec; /* of the committer */
};

/* revision: "main", "HEAD~3", "refs/heads/main", an id. -ENOENT: there is no such commit; -EINVAL: it cannot
 * be a revision, or what it names is no commit. */
int git_commit_find(struct git *git, const char *revision, struct git_commit *ret_commit);

struct git_file {
        const char *path; /* in the commit, no slash in front */
        const char *id;   /* of the blob; "" = it is gone */
        unsigned mode;    /* GIT_MODE_LINK, or a file's; 0 = it is gone */
};
struct git_files {
        struct git_file *items;
        size_t count;
        struct buffer text; /* paths and ids lie in it */
};
void git_files_free(struct git_files *files);

/* Every file and link of a commit or tree beneath `folder` ("" = all), in git's order. */
int git_list(struct git *git, const char *tree, const char *folder, struct git_files *ret_files);
/* What changed between two commits or trees: a file that is gone has mode 0. Renames are a removal and an
 * addition. Costs in the order of what changed. -ENOENT: one of them is not there (any more). */
int git_difference(struct git *git, const char *from, const char *to, struct git_files *ret_files);

/* Any other command of git: its output (at most 64 MiB) is appended to out. Returns its exit status, or a
 * negative errno. errors may be NULL. timeout_usec 0 = as git_open was told. */
int git_run(struct git *git, const char *const *arguments, const void *input, size_t input_size,
        uint64_t timeout_usec, struct buffer *out, struct buffer *errors);

/* A blob, at most limit_bytes of it (-EFBIG), appended to out. Errors as of git_blob. */
int git_text(struct git *git, const char *revision_path, uint64_t limit_bytes, struct buffer *out);
/* A blob into a memory file, to be read from its start. revision_path: "COMMIT:zones/a.zone" (links within
 * the commit are followed), or an id. -ENOENT; -EXDEV: a link that leads out of the
 * commit; -ELOOP; -EISDIR, -EINVAL: no file. ret_fd NULL: only what it is. */
int git_blob(struct git *git, const char *revision_path, int *ret_fd, char ret_id[static GIT_ID_MAX + 1],
        uint64_t *ret_size_bytes);
