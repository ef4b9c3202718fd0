/* The zones of a commit, and those that a step from one commit to another may change. */
#pragma once

#include "base/arena.h"
#include "dns/name.h"
#include "source/git.h"

struct git_zone {
        uint8_t name[NAME_MAX_LENGTH]; /* folded; not set where is_misnamed */
        const char *path;              /* in the commit */
        bool is_doubled;               /* another file is for the same zone */
        bool is_misnamed;              /* it looks like a zone file and its name is no zone's */
};

struct git_zones {
        struct arena arena;
        struct git_zone *items; /* by path */
        size_t count, capacity;
};
void git_zones_free(struct git_zones *zones);

/* A repository by its path; NULL: the one that the current folder lies in. Tells why not. */
int git_zones_open(const char *path, bool is_hook, struct git **ret_git);
/* Whether the current folder lies in one. */
bool git_zones_is_here(void);
/* The commit of a revision, after telling why there is none. */
int git_zones_commit(struct git *git, const char *revision, struct git_commit *ret_commit);
/* Zone files (NAME.zone) beneath a folder of the commit or tree, "" = all of it. */
int git_zones_list(struct git *git, const char *tree, const char *folder, struct git_zones *ret_zones);
/* `git grep -lz`: paths behind a prefix of so many octets, each ended by a NUL, as keys of the table.
 * -ENOMEM. */
struct table;
int git_zones_parse_grep(const char *text, size_t length, size_t prefix, struct table *paths);
/* Of the zones of `to` those whose text may be another than in `from`: their file changed, or any file did
 * and they include some. And the zones of `from` that have no file any more. from NULL: all, none. */
int git_zones_changed(struct git *git, const char *from, const char *to, const char *folder,
        struct git_zones *ret_changed, struct git_zones *ret_gone);
