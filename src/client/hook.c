/* zonecrier hook: check, plan and guard as hooks of git. A push of a broken zone, or of a change that the
 * guard would hold, is refused as a whole; a commit of a broken zone is not made.
 *
 * What is looked at: the branch and the folder that `hook install` wrote to the repository's configuration
 * (zonecrier.branch, zonecrier.path, zonecrier.config), else the branch of HEAD and the whole tree. The
 * objects of a push lie in its quarantine, which git's environment names. */
#include "client/hook.h"
#include "base/buffer.h"
#include "base/cleanup.h"
#include "client/client.h"
#include "client/plan.h"
#include "client/print.h"
#include "client/target.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define LINE_MAX_BYTES 8192
#define APPROVED_MAX 64

DEFINE_CLEANUP(struct git *, git_unref);

struct hook {
        struct client client;
        struct git *git;
        char *branch, *path, *config; /* NULL = not set */
        struct plan plan;
        char approved[APPROVED_MAX][65]; /* hashes, in the commit's message or the push's options */
        size_t approved_count;
};

/* The first line of what git says; NULL where it says nothing. malloc'ed. */
static char *ask_git(struct git *git, const char *const *command)
{
        CLEANUP(buffer_free) struct buffer out = {0};
        const char *text;

        if (git_run(git, command, NULL, 0, 0, &out, NULL) != 0)
                return NULL;
        text = buffer_text(&out);
        return text && strcspn(text, "\n") > 0 ? strndup(text, strcspn(text, "\n")) : NULL;
}

char *hook_setting(struct git *git, const char *name)
{
        const char *const command[] = {"config", "--get", name, NULL};

        return ask_git(git, command);
}

static char *branch_of_head(struct git *git)
{
        const char *const command[] = {"symbolic-ref", "HEAD", NULL};

        return ask_git(git, command);
}

static void hook_end(struct hook *hook)
{
        plan_end(&hook->plan);
        free(hook->branch);
        free(hook->path);
        free(hook->config);
        git_unref(hook->git);
}

/* git's children start elsewhere. */
static int make_absolute(const char *variable)
{
        const char *path = getenv(variable);
        CLEANUP_FREE char *folder = NULL;
        CLEANUP_FREE char *absolute = NULL;

        if (!path || *path == '/')
                return 0;
        folder = realpath(".", NULL);
        if (!folder || asprintf(&absolute, "%s/%s", folder, path) < 0)
                return -ENOMEM;
        return setenv(variable, absolute, 1) < 0 ? -errno : 0;
}

static int hook_begin(struct hook *hook, const struct client *client)
{
        static const char *const paths[] = {"GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_QUARANTINE_PATH"};

        *hook = (struct hook){.client = *client};
        for (size_t i = 0; i < ARRAY_SIZE(paths); i++)
                if (make_absolute(paths[i]) < 0)
                        return CLIENT_WRONG;
        if (git_zones_open(NULL, true, &hook->git) < 0)
                return CLIENT_WRONG;
        hook->branch = hook_setting(hook->git, "zonecrier.branch");
        hook->path = hook_setting(hook->git, "zonecrier.path");
        hook->config = hook_setting(hook->git, "zonecrier.config");
        if (!hook->branch)
                hook->branch = branch_of_head(hook->git);
        hook->client.config = hook->config;
        return plan_begin(&hook->plan, &hook->client);
}

/* ---- approvals ---- */

static void add_approved(struct hook *hook, const char *hash)
{
        size_t length = strspn(hash, "0123456789abcdefABCDEF");

        if (length != 64 || hook->approved_count == APPROVED_MAX)
                return;
        for (size_t i = 0; i < 64; i++)
                hook->approved[hook->approved_count][i] = (char)tolower((unsigned char)hash[i]);
        hook->approved_count++;
}

/* Zonecrier-Approve: HASH, in the message of the commit that is pushed. */
static void read_trailers(struct hook *hook, const char *commit)
{
        static const char word[] = "Zonecrier-Approve:";
        const char *const command[] = {"log", "-1", "--format=%B", commit, NULL};
        CLEANUP(buffer_free) struct buffer out = {0};
        const char *at;

        if (git_run(hook->git, command, NULL, 0, 0, &out, NULL) != 0)
                return;
        for (at = buffer_text(&out); at && *at; at = strchr(at, '\n') ? strchr(at, '\n') + 1 : NULL)
                if (strncasecmp(at, word, strlen(word)) == 0) {
                        at += strlen(word);
                        add_approved(hook, at + strspn(at, " \t"));
                }
}

/* git push -o zonecrier-approve=HASH. */
static void read_push_options(struct hook *hook)
{
        static const char word[] = "zonecrier-approve=";
        const char *count = getenv("GIT_PUSH_OPTION_COUNT");
        char name[48];

        for (long i = 0; count && i < strtol(count, NULL, 10) && i < APPROVED_MAX; i++) {
                snprintf(name, sizeof(name), "GIT_PUSH_OPTION_%ld", i);
                const char *option = getenv(name);
                if (option && strncmp(option, word, strlen(word)) == 0)
                        add_approved(hook, option + strlen(word));
        }
}

static bool is_approved(const struct hook *hook, const char *hash)
{
        for (size_t i = 0; hash && i < hook->approved_count; i++)
                if (strcmp(hook->approved[i], hash) == 0)
                        return true;
        return false;
}

/* ---- verdicts ---- */

static void tell_broken(const json_t *zone)
{
        print_lines(stderr, member_text(zone, "details"));
}

static void tell_held(const struct hook *hook, const json_t *zone, bool may_approve)
{
        const char *hash = member_text(zone, "hash");
        const json_t *reason;
        size_t i;

        json_array_foreach(json_object_get(zone, "reasons"), i, reason)
        {
                fputs("zonecrier: ", stderr);
                print_text(stderr, member_text(zone, "zone"));
                fputs(": ", stderr);
                print_text(stderr, json_string_value(reason));
                putc('\n', stderr);
        }
        if (is_approved(hook, hash))
                fputs("zonecrier: approved; zonecrierd asks for its own approval\n", stderr);
        else if (may_approve && hash)
                fprintf(stderr,
                        "zonecrier: where this is meant, push it with  -o zonecrier-approve=%s\n"
                        "zonecrier: or with that line in the commit's message:  Zonecrier-Approve: %s\n",
                        hash, hash);
}

/* Whether all of it may go on. warns: what would be held does not stop it. */
static bool judge(const struct hook *hook, bool warns)
{
        const json_t *zone;
        bool may_pass = true;
        size_t i;

        json_array_foreach(hook->plan.zones, i, zone)
        {
                const char *verdict = member_text(zone, "verdict");

                if (verdict && strcmp(verdict, "broken") == 0) {
                        tell_broken(zone);
                        may_pass = false;
                } else if (verdict && strcmp(verdict, "hold") == 0) {
                        tell_held(hook, zone, !warns);
                        may_pass &= warns || is_approved(hook, member_text(zone, "hash"));
                }
        }
        return may_pass && !hook->plan.has_failed;
}

/* ---- pre-receive ---- */

static bool is_zero(const char *id)
{
        return id[strspn(id, "0")] == '\0';
}

/* One line of git's: the ids before and after, and the ref. 0, or a negative errno after telling why. */
static int look_at_ref(struct hook *hook, const char *before, const char *after, const char *ref)
{
        const char *branch = hook->branch;
        bool is_ours = branch && (strcmp(ref, branch) == 0 || (strncmp(ref, "refs/heads/", 11) == 0 &&
                                                                      strcmp(ref + 11, branch) == 0));

        if (!is_ours || is_zero(after))
                return 0;
        read_trailers(hook, after);
        return plan_git_step(
                &hook->plan, hook->git, is_zero(before) ? NULL : before, after, hook->path ? hook->path : "");
}

bool hook_split_line(char *line, const char **ret_before, const char **ret_after, const char **ret_ref)
{
        const char **ids[] = {ret_before, ret_after};

        for (size_t i = 0; i < ARRAY_SIZE(ids); i++) {
                size_t length = strspn(line, "0123456789abcdef");

                if ((length != 40 && length != GIT_ID_MAX) || line[length] != ' ')
                        return false;
                line[length] = '\0';
                *ids[i] = line;
                line += length + 1;
        }
        line[strcspn(line, "\n")] = '\0';
        *ret_ref = line;
        return *line != '\0';
}

static int pre_receive(struct hook *hook)
{
        const char *before, *after, *ref;
        char line[LINE_MAX_BYTES];

        read_push_options(hook);
        while (fgets(line, sizeof(line), stdin)) {
                if (!hook_split_line(line, &before, &after, &ref)) {
                        fputs("zonecrier: this is no line of git's pre-receive; nothing is let through\n",
                                stderr);
                        return CLIENT_WRONG;
                }
                if (look_at_ref(hook, before, after, ref) < 0)
                        return CLIENT_WRONG;
        }
        if (judge(hook, false))
                return CLIENT_OK;
        fputs("zonecrier: the push is refused; nothing of it was taken\n", stderr);
        return CLIENT_WRONG;
}

/* ---- pre-commit ---- */

static int pre_commit(struct hook *hook)
{
        const char *const write_tree[] = {"write-tree", NULL};
        CLEANUP_FREE char *tree = ask_git(hook->git, write_tree);
        struct git_commit head;

        if (!tree) {
                fputs("zonecrier: the index is not a tree yet; are there conflicts?\n", stderr);
                return CLIENT_WRONG;
        }
        bool has_head = git_commit_find(hook->git, "HEAD", &head) == 0;
        if (plan_git_step(&hook->plan, hook->git, has_head ? head.id : NULL, tree,
                    hook->path ? hook->path : "") < 0)
                return CLIENT_WRONG;
        if (judge(hook, true))
                return CLIENT_OK;
        fputs("zonecrier: there is no commit; git commit --no-verify makes it all the same\n", stderr);
        return CLIENT_WRONG;
}

int client_hook(struct client *client, char **arguments, size_t count)
{
        struct hook hook;
        bool is_install = strcmp(arguments[0], "install") == 0;
        int (*run)(struct hook * hook) = strcmp(arguments[0], "pre-receive") == 0  ? pre_receive
                                         : strcmp(arguments[0], "pre-commit") == 0 ? pre_commit
                                                                                   : NULL;

        if (is_install && count == 2)
                return hook_install(client, arguments[1]);
        if (!run || count != 1) {
                fputs("zonecrier: hook install REPOSITORY, hook pre-receive or hook pre-commit\n", stderr);
                return CLIENT_FAILED;
        }
        int exit_status = hook_begin(&hook, client);
        if (exit_status == CLIENT_OK)
                exit_status = run(&hook);
        hook_end(&hook);
        return exit_status;
}
