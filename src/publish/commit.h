/* A commit whose zones are published: shared by the jobs that look at them. Any thread. Private to
 * publish/. */
#pragma once

#include "source/git.h"

struct publish_commit {
        _Atomic unsigned references;
        struct git *git;
        struct git_commit commit;
        char *folder; /* zone files lie beneath it, and $INCLUDE is looked for in it; "" = the top */
        char *prefix; /* "git:REPOSITORY:": in front of a path of a commit where files of all sources are
                         named */
};

/* repository: as the configuration names it. NULL: no memory. */
struct publish_commit *publish_commit_new(
        struct git *git, const struct git_commit *commit, const char *repository, const char *folder);
struct publish_commit *publish_commit_ref(struct publish_commit *commit);
struct publish_commit *publish_commit_unref(struct publish_commit *commit); /* NULL is fine */
