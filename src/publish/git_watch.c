/* What a source watches: where its branch is written. Main loop.
 *
 * A ref changes by a rename: of a loose one, of packed-refs, of reftable's list; HEAD of a worktree, of a
 * symbolic one. Each is watched, and behind that a poll looks every 30 s. */
#include "publish/git_state.h"

#include "base/cleanup.h"
#include "base/log.h"
#include "source/watch.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

void git_unwatch(struct git_source *source)
{
        for (size_t i = 0; i < ARRAY_SIZE(source->watched); i++) {
                if (source->watched[i])
                        watch_forget(source->all->watch, source->watched[i]);
                free(source->watched[i]);
                source->watched[i] = NULL;
        }
}

static void watch_ref(struct git_source *source, size_t index, const char *folder, const char *name)
{
        if (asprintf(&source->watched[index], "%s/%s", folder, name) < 0) {
                source->watched[index] = NULL;
                return;
        }
        int r = watch_file(source->all->watch, source->watched[index], 0);
        if (r < 0) {
                log_write(LOG_WARNING, &(struct log_fields){.file = source->watched[index]},
                        "%s cannot be watched: %s; the branch is looked at every 30 s",
                        source->watched[index], strerror(-r));
                free(source->watched[index]);
                source->watched[index] = NULL;
        }
}

/* The branch that HEAD is, "refs/heads/main"; NULL: none. */
static char *head_of(const struct git *git)
{
        CLEANUP_FREE char *path = NULL;
        char text[512];

        if (asprintf(&path, "%s/HEAD", git_folder(git)) < 0) {
                path = NULL;
                return NULL;
        }
        CLEANUP_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
        ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
        if (n <= 0)
                return NULL;
        text[n] = '\0';
        text[strcspn(text, "\n")] = '\0';
        return strncmp(text, "ref: refs/", 10) == 0 && !strstr(text, "..") ? strdup(text + 5) : NULL;
}

static bool is_reftable(const struct git *git)
{
        CLEANUP_FREE char *path = NULL;
        if (asprintf(&path, "%s/reftable", git_common_folder(git)) < 0) {
                path = NULL;
                return false;
        }
        return access(path, F_OK) == 0;
}

/* Of a branch: its loose ref. Of HEAD: HEAD itself, and the branch that it is. */
void git_watch_refs(struct git_source *source)
{
        const char *common = git_common_folder(source->git);
        const char *branch = source->conf->branch;
        CLEANUP_FREE char *loose = NULL;

        git_unwatch(source);
        if (source->conf->fetch) {
                if (asprintf(&loose, "refs/remotes/%s/%s", source->conf->fetch, branch) < 0)
                        return;
        } else if (branch && asprintf(&loose, "%s%s", strncmp(branch, "refs/", 5) == 0 ? "" : "refs/heads/",
                                     branch) < 0)
                return;
        else if (!branch)
                loose = head_of(source->git);
        if (loose)
                watch_ref(source, 0, common, loose);
        watch_ref(source, 1, common, is_reftable(source->git) ? "reftable/tables.list" : "packed-refs");
        if (!branch)
                watch_ref(source, 2, git_folder(source->git), "HEAD");
}

void git_on_watch(void *context, enum watch_event event, const char *path)
{
        struct git_sources *sources = context;
        (void)event;
        for (struct git_source *source = sources->first; source; source = source->next)
                for (size_t i = 0; i < ARRAY_SIZE(source->watched); i++)
                        if (source->watched[i] && strcmp(source->watched[i], path) == 0) {
                                if (i == 2) /* HEAD may lead to another branch now */
                                        git_watch_refs(source);
                                git_source_look(source, false);
                                break;
                        }
}
