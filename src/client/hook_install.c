/* zonecrier hook install: two lines of shell for each hook, and the settings in the repository's own
 * configuration. A hook that somebody else wrote is left alone. */
#include "client/hook.h"

#include "base/buffer.h"
#include "base/cleanup.h"
#include "client/client.h"
#include "client/git_zones.h"
#include "client/print.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MARK "# written by: zonecrier hook install"

DEFINE_CLEANUP(struct git *, git_unref);

static int tell(const char *what, const char *why)
{
        fputs("zonecrier: ", stderr);
        print_text(stderr, what);
        fprintf(stderr, ": %s\n", why);
        return CLIENT_FAILED;
}

/* This program, quoted for the shell. */
static void append_program(struct buffer *out)
{
        char path[PATH_MAX];
        ssize_t length = readlink("/proc/self/exe", path, sizeof(path) - 1);

        if (length < 0) {
                buffer_append_text(out, "zonecrier");
                return;
        }
        buffer_append_u8(out, '\'');
        for (ssize_t i = 0; i < length; i++)
                if (path[i] == '\'')
                        buffer_append_text(out, "'\\''");
                else
                        buffer_append_u8(out, (uint8_t)path[i]);
        buffer_append_u8(out, '\'');
}

/* Somebody else's hook? One that calls us already counts as ours to leave as it is: *ret_calls_us. */
static int look_at_hook(const char *path, bool *ret_is_there, bool *ret_is_ours, bool *ret_calls_us)
{
        char text[4096];
        CLEANUP_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);

        *ret_is_there = *ret_is_ours = *ret_calls_us = false;
        if (fd < 0)
                return errno == ENOENT ? 0 : -errno;
        ssize_t length = read(fd, text, sizeof(text) - 1);
        if (length < 0)
                return -errno;
        text[length] = '\0';
        *ret_is_there = true;
        *ret_is_ours = strstr(text, MARK) != NULL;
        *ret_calls_us = strstr(text, "zonecrier hook") != NULL || strstr(text, "zonecrier' hook") != NULL;
        return 0;
}

/* By rename: git never starts half a hook. */
static int write_hook(const char *path, const struct buffer *text)
{
        CLEANUP_FREE char *temporary = NULL;

        if (asprintf(&temporary, "%s.zonecrier.XXXXXX", path) < 0)
                return -ENOMEM;
        CLEANUP_CLOSE int fd = mkostemp(temporary, O_CLOEXEC);
        if (fd < 0)
                return -errno;
        ssize_t n = write(fd, text->data, text->length);
        if (n != (ssize_t)text->length || fchmod(fd, 0755) < 0 || rename(temporary, path) < 0) {
                int r = n >= 0 && n != (ssize_t)text->length ? -ENOSPC : -errno;
                unlink(temporary);
                return r;
        }
        return 0;
}

static int install(const char *folder, const char *name)
{
        CLEANUP(buffer_free) struct buffer text = {0};
        CLEANUP_FREE char *path = NULL;
        bool is_there, is_ours, calls_us;

        if (asprintf(&path, "%s/%s", folder, name) < 0)
                return CLIENT_FAILED;
        int r = look_at_hook(path, &is_there, &is_ours, &calls_us);
        if (r < 0)
                return tell(path, strerror(-r));
        buffer_append_text(&text, "#!/bin/sh\n" MARK "\nexec ");
        append_program(&text);
        buffer_printf(&text, " hook %s\n", name);
        if (buffer_status(&text) < 0)
                return tell(path, "out of memory");
        if (is_there && !is_ours && calls_us) {
                print_text(stdout, path);
                puts(": calls zonecrier already");
                return CLIENT_OK;
        }
        if (is_there && !is_ours)
                return tell(path, strcmp(name, "pre-receive") == 0
                                          ? "is somebody else's hook; let it give its standard input to: "
                                            "zonecrier hook pre-receive || exit 1"
                                          : "is somebody else's hook; add this line to it: zonecrier hook "
                                            "pre-commit || exit 1");
        r = write_hook(path, &text);
        if (r < 0)
                return tell(path, strerror(-r));
        print_text(stdout, path);
        puts(": installed");
        return CLIENT_OK;
}

static int set(struct git *git, const char *name, const char *value)
{
        const char *const command[] = {"config", name, value, NULL};
        CLEANUP(buffer_free) struct buffer out = {0};

        if (!value)
                return CLIENT_OK;
        return git_run(git, command, NULL, 0, 0, &out, NULL) == 0 ? CLIENT_OK
                                                                  : tell(name, "git could not set it");
}

static int set_all(struct git *git, const struct client *client)
{
        CLEANUP_FREE char *config = client->config ? realpath(client->config, NULL) : NULL;

        if (client->config && !config)
                return tell(client->config, strerror(errno));
        int exit_status = set(git, "zonecrier.branch", client->branch);
        if (exit_status == CLIENT_OK)
                exit_status = set(git, "zonecrier.path", client->path);
        if (exit_status == CLIENT_OK)
                exit_status = set(git, "zonecrier.config", config);
        /* So that a push may name what it approves. */
        return exit_status == CLIENT_OK ? set(git, "receive.advertisePushOptions", "true") : exit_status;
}

/* A misspelt branch would let every push pass. A repository without any has its first push before it. */
static void warn_of_branch(struct git *git, const char *branch)
{
        CLEANUP_FREE char *ref = NULL;
        CLEANUP(buffer_free) struct buffer any = {0}, found = {0};

        if (!branch || asprintf(&ref, "refs/heads/%s", branch) < 0)
                return;
        const char *const list[] = {"for-each-ref", "--count=1", "refs/heads", NULL};
        const char *const look[] = {"rev-parse", "--verify", "--quiet", ref, NULL};
        if (git_run(git, list, NULL, 0, 0, &any, NULL) != 0 || any.length == 0 ||
                git_run(git, look, NULL, 0, 0, &found, NULL) == 0)
                return;
        fputs("zonecrier: warning: ", stderr);
        print_text(stderr, git_path(git));
        fputs(" has no branch ", stderr);
        print_text(stderr, branch);
        fputs(": pushes to other branches are not looked at\n", stderr);
}

int hook_install(const struct client *client, const char *repository)
{
        CLEANUP(git_unref_later) struct git *git = NULL;
        char folder[PATH_MAX];

        if (git_zones_open(repository, false, &git) < 0)
                return CLIENT_FAILED;
        CLEANUP_FREE char *bare = hook_setting(git, "core.bare");
        CLEANUP_FREE char *local = NULL;
        const char *const command[] = {"config", "--local", "--get", "core.hooksPath", NULL};
        CLEANUP(buffer_free) struct buffer out = {0};
        if (git_run(git, command, NULL, 0, 0, &out, NULL) == 0 && buffer_text(&out))
                local = strndup(buffer_text(&out), strcspn(buffer_text(&out), "\n"));
        if (local && *local == '/')
                snprintf(folder, sizeof(folder), "%s", local);
        else
                snprintf(folder, sizeof(folder), "%s/%s", local ? git_path(git) : git_common_folder(git),
                        local ? local : "hooks");
        if (mkdir(folder, 0777) < 0 && errno != EEXIST)
                return tell(folder, strerror(errno));
        int exit_status = set_all(git, client);
        warn_of_branch(git, client->branch);
        if (exit_status == CLIENT_OK)
                exit_status = install(folder, "pre-receive");
        if (exit_status == CLIENT_OK && !(bare && strcmp(bare, "true") == 0))
                exit_status = install(folder, "pre-commit");
        return exit_status;
}
