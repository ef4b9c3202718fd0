/* A repository: where it is, its environment, and the children that are started for one question each. Any
 * thread. */
#include "source/git_state.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/piped.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>

#define TIMEOUT_USEC (30 * USEC_PER_SEC)
#define OUTPUT_LIMIT_BYTES ((size_t)64 << 20)
#define LIST_LIMIT_BYTES ((size_t)1 << 30)
#define LIST_TIMEOUTS 3 /* how many time limits a listing may take */
#define ARGUMENTS_MAX 48

extern char **environ;

/* ---- environment ---- */

static bool begins(const char *text, const char *with)
{
        return strncmp(text, with, strlen(with)) == 0;
}

/* What would make git look at another repository, or another part of this one. */
static bool is_for_another(const char *variable, bool is_hook)
{
        static const char *const kept_in_hook[] = {"GIT_OBJECT_DIRECTORY=",
                "GIT_ALTERNATE_OBJECT_DIRECTORIES=", "GIT_QUARANTINE_PATH=", "GIT_INDEX_FILE="};
        static const char *const kept[] = {"GIT_SSH=", "GIT_SSH_COMMAND=", "GIT_SSH_VARIANT=",
                "GIT_EXEC_PATH=", "GIT_CONFIG_GLOBAL=", "GIT_CONFIG_SYSTEM=", "GIT_CONFIG_NOSYSTEM=",
                "GIT_ASKPASS=", "GIT_SSL_", "GIT_HTTP_", "GIT_PROXY_"};
        if (!begins(variable, "GIT_"))
                return false;
        for (size_t i = 0; i < ARRAY_SIZE(kept); i++)
                if (begins(variable, kept[i]))
                        return false;
        for (size_t i = 0; is_hook && i < ARRAY_SIZE(kept_in_hook); i++)
                if (begins(variable, kept_in_hook[i]))
                        return false;
        return true;
}

/* Nobody is there to answer a prompt; output is read by a program. */
static int make_environment(struct git *git, const char *ceiling)
{
        static const char *const ours[] = {
                "LC_ALL=C", "GIT_TERMINAL_PROMPT=0", "GIT_OPTIONAL_LOCKS=0", "GIT_PAGER=cat", "GIT_FLUSH=1"};
        size_t count = 0, at = 0;
        while (environ && environ[count])
                count++;
        git->environment = calloc(count + ARRAY_SIZE(ours) + 2, sizeof(*git->environment));
        if (!git->environment)
                return -ENOMEM;
        for (size_t i = 0; i < count; i++)
                if (is_for_another(environ[i], git->options.is_hook)) {
                        git->environment[at] = arena_text(&git->arena, environ[i], strcspn(environ[i], "="));
                        if (!git->environment[at++])
                                return -ENOMEM;
                }
        for (size_t i = 0; i < ARRAY_SIZE(ours); i++)
                git->environment[at++] = ours[i];
        git->environment[at] = arena_printf(&git->arena, "GIT_CEILING_DIRECTORIES=%s", ceiling);
        return git->environment[at] ? 0 : -ENOMEM;
}

/* ---- children for one question ---- */

/* No hook of the repository is run by us, and a repository of another user is read: it was named by the
 * configuration, or by who asks. */
int git_arguments(const struct git *git, const char *const *command, const char **ret_arguments, size_t size)
{
        const char *const first[] = {"git", "-c", "safe.directory=*", "-c", "core.hooksPath=/dev/null", "-c",
                "core.fsmonitor=false", "-c", "gc.auto=0", "-c", "maintenance.auto=false", "--no-pager",
                "--literal-pathspecs"};
        size_t count = 0;
        for (size_t i = 0; i < ARRAY_SIZE(first); i++)
                ret_arguments[count++] = first[i];
        ret_arguments[count++] = git->folder ? "--git-dir" : "-C";
        ret_arguments[count++] = git->folder ? git->folder : git->path;
        for (; *command; command++) {
                if (count + 1 == size)
                        return -E2BIG;
                ret_arguments[count++] = *command;
        }
        ret_arguments[count] = NULL;
        return 0;
}

static int run_limited(struct git *git, const char *const *command, const void *input, size_t input_size,
        uint64_t timeout_usec, size_t limit_bytes, struct buffer *out, struct buffer *errors)
{
        const char *arguments[ARGUMENTS_MAX];
        CLEANUP(buffer_free) struct buffer unread = {0};
        int r = git_arguments(git, command, arguments, ARGUMENTS_MAX);
        if (r < 0)
                return r;
        const struct piped_run run = {
                .program = {.arguments = arguments,
                        .environment = git->environment,
                        .is_talked_to = input != NULL,
                        .tells_errors = errors != NULL},
                .input = input,
                .input_size = input_size,
                .timeout_usec = timeout_usec ? timeout_usec : git->options.timeout_usec,
                .cancel_fd = git->cancel_fd,
                .limit_bytes = limit_bytes,
                .out = out,
                .errors = errors ? errors : &unread,
        };
        r = piped_run(&run);
        return r >= 0 && (buffer_status(out) < 0 || buffer_status(run.errors) < 0) ? -ENOMEM : r;
}

int git_run(struct git *git, const char *const *arguments, const void *input, size_t input_size,
        uint64_t timeout_usec, struct buffer *out, struct buffer *errors)
{
        return run_limited(git, arguments, input, input_size, timeout_usec, OUTPUT_LIMIT_BYTES, out, errors);
}

/* A listing; where git says that something is not there, -ENOENT. */
static int list(struct git *git, const char *const *command,
        int (*parse)(struct buffer *text, struct git_files *ret_files), struct git_files *ret_files)
{
        CLEANUP(buffer_free) struct buffer out = {0};
        int r = run_limited(git, command, NULL, 0, LIST_TIMEOUTS * git->options.timeout_usec,
                LIST_LIMIT_BYTES, &out, NULL);
        if (r > 0)
                return -ENOENT;
        return r < 0 ? r : parse(&out, ret_files);
}

int git_list(struct git *git, const char *tree, const char *folder, struct git_files *ret_files)
{
        const char *const command[] = {"ls-tree", "-r", "-z", "--full-tree", tree, *folder ? "--" : NULL,
                *folder ? folder : NULL, NULL};
        if (*tree == '-')
                return -EINVAL;
        return list(git, command, git_parse_list, ret_files);
}

int git_difference(struct git *git, const char *from, const char *to, struct git_files *ret_files)
{
        const char *const command[] = {
                "diff-tree", "-r", "-z", "--raw", "--no-renames", "--no-abbrev", from, to, "--", NULL};
        if (*from == '-' || *to == '-')
                return -EINVAL;
        return list(git, command, git_parse_difference, ret_files);
}

/* ---- open ---- */

static char *line_of(struct buffer *text, size_t index)
{
        char *at = (char *)(uintptr_t)buffer_text(text);
        for (; at && index > 0; index--) {
                at = strchr(at, '\n');
                at = at ? at + 1 : NULL;
        }
        if (!at || !*at)
                return NULL;
        return strndup(at, strcspn(at, "\n"));
}

static void say(char **ret_why, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void say(char **ret_why, const char *format, ...)
{
        va_list arguments;
        if (!ret_why)
                return;
        va_start(arguments, format);
        if (vasprintf(ret_why, format, arguments) < 0)
                *ret_why = NULL;
        va_end(arguments);
}

/* The repository's own folder and the common one, asked of git. */
static int locate(struct git *git, char **ret_why)
{
        static const char *const command[] = {
                "rev-parse", "--path-format=absolute", "--git-dir", "--git-common-dir", NULL};
        CLEANUP(buffer_free) struct buffer out = {0};
        CLEANUP(buffer_free) struct buffer errors = {0};
        struct stat st;

        if (stat(git->path, &st) < 0 || !S_ISDIR(st.st_mode)) {
                int r = errno == EACCES ? -EACCES : -ENOENT;
                say(ret_why, "%s: %s", git->path,
                        r == -EACCES ? "permission denied: let the user that zonecrier runs as read it"
                                     : "is no folder of a git repository");
                return r;
        }
        int r = git_run(git, command, NULL, 0, 0, &out, &errors);
        if (r == -ENOENT) {
                say(ret_why, "there is no program git: install it (apt install git)");
                return r;
        }
        if (r < 0) {
                say(ret_why, "%s: git does not answer: %s", git->path, strerror(-r));
                return r;
        }
        if (r > 0) {
                const char *text = buffer_text(&errors);
                text = text && begins(text, "fatal: ") ? text + 7 : text ? text : "";
                say(ret_why, "%s: %.*s", git->path, (int)strcspn(text, "\n"), text);
                return -ENOENT;
        }
        git->folder = line_of(&out, 0);
        git->common_folder = line_of(&out, 1);
        if (!git->folder || !git->common_folder)
                return -ENOMEM;
        if (stat(git->folder, &st) < 0)
                return -errno;
        git->device = st.st_dev;
        git->inode = st.st_ino;
        return 0;
}

int git_open(const char *path, const struct git_options *options, struct git **ret_git, char **ret_why)
{
        struct git *git = calloc(1, sizeof(*git));
        char *ceiling;

        if (ret_why)
                *ret_why = NULL;
        if (!git)
                return -ENOMEM;
        atomic_init(&git->references, 1);
        git->options = options ? *options : (struct git_options){0};
        if (git->options.timeout_usec == 0)
                git->options.timeout_usec = TIMEOUT_USEC;
        pthread_mutex_init(&git->lock, NULL);
        git->reader.child = PIPED_NONE;
        git->cancel_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        git->path = strdup(path);
        int r = git->cancel_fd < 0 ? -errno : git->path ? 0 : -ENOMEM;
        if (r == 0) { /* not a repository that only contains this folder */
                size_t length = strlen(path);
                while (length > 1 && path[length - 1] == '/')
                        length--;
                while (length > 1 && path[length - 1] != '/')
                        length--;
                ceiling = strndup(path, length > 1 ? length - 1 : 1);
                r = ceiling ? make_environment(git, ceiling) : -ENOMEM;
                free(ceiling);
        }
        if (r == 0)
                r = locate(git, ret_why);
        if (r < 0) {
                git_unref(git);
                return r;
        }
        *ret_git = git;
        return 0;
}

struct git *git_ref(struct git *git)
{
        if (git)
                atomic_fetch_add(&git->references, 1);
        return git;
}

struct git *git_unref(struct git *git)
{
        if (!git || atomic_fetch_sub(&git->references, 1) > 1)
                return NULL;
        git_reader_stop(git);
        pthread_mutex_destroy(&git->lock);
        if (git->cancel_fd >= 0)
                close(git->cancel_fd);
        free(git->environment);
        arena_free(&git->arena);
        free(git->path);
        free(git->folder);
        free(git->common_folder);
        free(git);
        return NULL;
}

void git_cancel(struct git *git)
{
        eventfd_write(git->cancel_fd, 1);
}

bool git_is_there(const struct git *git)
{
        struct stat st;
        return stat(git->folder, &st) == 0 && st.st_dev == git->device && st.st_ino == git->inode;
}

const char *git_path(const struct git *git)
{
        return git->path;
}

const char *git_folder(const struct git *git)
{
        return git->folder;
}

const char *git_common_folder(const struct git *git)
{
        return git->common_folder;
}
