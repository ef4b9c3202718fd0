/* Life of a commit that jobs share. Any thread. */
#include "publish/commit.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct publish_commit *publish_commit_new(
        struct git *git, const struct git_commit *commit, const char *repository, const char *folder)
{
        struct publish_commit *made = calloc(1, sizeof(*made));

        if (!made)
                return NULL;
        atomic_init(&made->references, 1);
        made->git = git_ref(git);
        made->commit = *commit;
        made->folder = strdup(folder);
        if (!made->folder || asprintf(&made->prefix, "git:%s:", repository) < 0) {
                made->prefix = NULL;
                return publish_commit_unref(made);
        }
        return made;
}

struct publish_commit *publish_commit_ref(struct publish_commit *commit)
{
        if (commit)
                atomic_fetch_add(&commit->references, 1);
        return commit;
}

struct publish_commit *publish_commit_unref(struct publish_commit *commit)
{
        if (!commit || atomic_fetch_sub(&commit->references, 1) > 1)
                return NULL;
        git_unref(commit->git);
        free(commit->folder);
        free(commit->prefix);
        free(commit);
        return NULL;
}
