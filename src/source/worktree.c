/* HEAD of a git work tree, from its files. */
#include "source/worktree.h"

#include "base/buffer.h"
#include "base/cleanup.h"
#include "source/git_parse.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define PACKED_MAX (16u << 20)
#define HOPS_MAX 5 /* symbolic refs; git follows as many */

static bool join(char path[static PATH_MAX], const char *folder, const char *name)
{
        int length = snprintf(path, PATH_MAX, "%s/%s", folder, name);
        return length > 0 && length < PATH_MAX;
}

/* The first line of a small file. */
static bool read_line(const char *path, char ret_line[static PATH_MAX])
{
        CLEANUP_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
        ssize_t n = fd < 0 ? -1 : read(fd, ret_line, PATH_MAX - 1);
        if (n <= 0)
                return false;
        ret_line[n] = '\0';
        ret_line[strcspn(ret_line, "\n")] = '\0';
        return true;
}

/* A ".git" that is a file (worktrees, submodules) says where the folder is: "gitdir: PATH\n". */
static bool follow_file(const char *path, const char *tree, char ret_folder[static PATH_MAX])
{
        static const char key[] = "gitdir: ";
        char line[PATH_MAX];

        if (!read_line(path, line) || strncmp(line, key, sizeof(key) - 1) != 0)
                return false;
        const char *folder = line + sizeof(key) - 1;
        return folder[0] == '/' ? snprintf(ret_folder, PATH_MAX, "%s", folder) < PATH_MAX
                                : join(ret_folder, tree, folder);
}

bool worktree_git_folder(const char *real_path, char ret_folder[static PATH_MAX])
{
        char tree[PATH_MAX], path[PATH_MAX];
        struct stat st;

        if (strlen(real_path) >= sizeof(tree))
                return false;
        memcpy(tree, real_path, strlen(real_path) + 1);
        for (;;) {
                if (join(path, tree, ".git") && lstat(path, &st) == 0) {
                        if (S_ISREG(st.st_mode))
                                return follow_file(path, tree, ret_folder);
                        memcpy(ret_folder, path, strlen(path) + 1);
                        return true;
                }
                char *slash = strrchr(tree, '/');
                if (!slash)
                        return false;
                *slash = '\0';
        }
}

bool worktree_packed_ref(const char *text, const char *ref, char ret_id[static GIT_ID_MAX + 1])
{
        size_t ref_length = strlen(ref);
        for (const char *line = text; *line;) {
                size_t length = strcspn(line, "\n");
                const char *space = memchr(line, ' ', length);
                size_t id_length = space ? (size_t)(space - line) : 0;
                if (space && length - id_length - 1 == ref_length &&
                        memcmp(space + 1, ref, ref_length) == 0 && git_is_id(line, id_length) &&
                        id_length <= GIT_ID_MAX) {
                        memcpy(ret_id, line, id_length);
                        ret_id[id_length] = '\0';
                        return true;
                }
                line += length + (line[length] == '\n');
        }
        return false;
}

static bool find_packed(const char *common, const char *ref, char ret_id[static GIT_ID_MAX + 1])
{
        char path[PATH_MAX];
        struct stat st;
        CLEANUP_CLOSE int fd =
                join(path, common, "packed-refs") ? open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK) : -1;

        if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size > PACKED_MAX)
                return false;
        CLEANUP_FREE char *text = malloc((size_t)st.st_size + 1);
        ssize_t n = text ? read(fd, text, (size_t)st.st_size) : -1;
        if (n < 0)
                return false;
        text[n] = '\0';
        return worktree_packed_ref(text, ref, ret_id);
}

/* A ref's name may not lead out of the git folder. */
static bool is_ref(const char *name)
{
        return strncmp(name, "refs/", 5) == 0 && !strstr(name, "..");
}

bool worktree_commit(const char *folder, char ret_id[static GIT_ID_MAX + 1])
{
        static const char symbolic[] = "ref: ";
        char real[PATH_MAX], git[PATH_MAX], common[PATH_MAX], path[PATH_MAX], line[PATH_MAX];

        if (!realpath(folder, real) || !worktree_git_folder(real, git))
                return false;
        /* A linked worktree has a HEAD of its own, and shares the refs of the main one. */
        memcpy(common, git, strlen(git) + 1);
        if (join(path, git, "commondir") && read_line(path, line) &&
                !(line[0] == '/' ? snprintf(common, sizeof(common), "%s", line) < PATH_MAX
                                 : join(common, git, line)))
                return false;
        if (!join(path, git, "HEAD") || !read_line(path, line))
                return false;
        for (int hop = 0; hop < HOPS_MAX && strncmp(line, symbolic, sizeof(symbolic) - 1) == 0; hop++) {
                char ref[PATH_MAX];
                memmove(ref, line + sizeof(symbolic) - 1, strlen(line) - sizeof(symbolic) + 2);
                if (!is_ref(ref) || !join(path, common, ref))
                        return false;
                if (!read_line(path, line))
                        return find_packed(common, ref, ret_id);
        }
        size_t length = strlen(line);
        if (length > GIT_ID_MAX || !git_is_id(line, length))
                return false;
        memcpy(ret_id, line, length + 1);
        return true;
}
