/* wait --commit: whether what is published has a commit in it. zonecrierd says which commit of a repository
 * it has answered with verdicts; whether the other is one of its ancestors says that repository's git. */
#include "base/cleanup.h"
#include "client/target.h"
#include "client/wait.h"
#include "source/git.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

DEFINE_CLEANUP(struct git *, git_unref);

static bool is_in(struct git *git, const char *revision, const char *answered)
{
        struct git_commit commit;
        struct buffer out = {0};
        if (git_commit_find(git, revision, &commit) < 0)
                return false;
        const char *const arguments[] = {"merge-base", "--is-ancestor", commit.id, answered, NULL};
        int r = git_run(git, arguments, NULL, 0, 0, &out, NULL);
        buffer_free(&out);
        return r == 0;
}

bool wait_commit_is_in(const json_t *status, const char *revision)
{
        const json_t *repository;
        size_t i;
        json_array_foreach(json_object_get(status, "git"), i, repository)
        {
                CLEANUP(git_unref_later) struct git *git = NULL;
                const char *path = member_text(repository, "repository"),
                           *answered = member_text(repository, "answered");
                if (!answered || !path)
                        continue;
                if (strcasecmp(answered, revision) == 0)
                        return true;
                if (git_open(path, NULL, &git, NULL) == 0 && is_in(git, revision, answered))
                        return true;
        }
        return false;
}

static bool is_whole_id(const char *revision)
{
        size_t length = strlen(revision);
        return (length == 40 || length == 64) && strspn(revision, "0123456789abcdefABCDEF") == length;
}

bool wait_commit_may_come(const json_t *status, const char *revision)
{
        const json_t *repository;
        size_t i;
        if (is_whole_id(revision))
                return true;
        json_array_foreach(json_object_get(status, "git"), i, repository)
        {
                CLEANUP(git_unref_later) struct git *git = NULL;
                const char *path = member_text(repository, "repository");
                struct git_commit commit;
                if (!path || git_open(path, NULL, &git, NULL) < 0)
                        return true; /* it may know */
                int r = git_commit_find(git, revision, &commit);
                if (r != -ENOENT && r != -EINVAL)
                        return true;
        }
        return false;
}
