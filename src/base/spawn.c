/* Another program, started by posix_spawn(3) and watched by its pidfd: SIGCHLD is nobody's business here, and
 * a pid is never used after it was reaped. */
#include "base/spawn.h"

#include "base/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>

extern char **environ;

/* What systemd told this process alone, and our own test hooks. */
static const char *const private_variables[] = {"NOTIFY_SOCKET", "WATCHDOG_PID", "WATCHDOG_USEC",
        "LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES", "JOURNAL_STREAM", "INVOCATION_ID", "ZONECRIER_FAULT",
        NULL};

static size_t name_length(const char *entry)
{
        return strcspn(entry, "=");
}

/* Is a variable of this entry's name in the list? */
static bool is_listed(const char *entry, const char *const *list)
{
        size_t length = name_length(entry);
        for (; list && *list; list++)
                if (name_length(*list) == length && strncmp(*list, entry, length) == 0)
                        return true;
        return false;
}

/* malloc'ed; the strings are not. */
static const char **environment_of(const struct spawn *spawn)
{
        size_t count = 1;
        for (char **entry = environ; entry && *entry; entry++)
                count++;
        for (const char *const *entry = spawn->environment; entry && *entry; entry++)
                count++;
        const char **result = malloc(count * sizeof *result);
        if (!result)
                return NULL;
        size_t used = 0;
        for (char **entry = environ; entry && *entry; entry++)
                if (!is_listed(*entry, private_variables) && !is_listed(*entry, spawn->environment))
                        result[used++] = *entry;
        for (const char *const *entry = spawn->environment; entry && *entry; entry++)
                if (strchr(*entry, '='))
                        result[used++] = *entry;
        result[used] = NULL;
        return result;
}

static int set_attributes(posix_spawnattr_t *attributes)
{
        sigset_t none, all;

        sigemptyset(&none);
        sigfillset(&all);
        int r = posix_spawnattr_setflags(
                attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
        if (r == 0)
                r = posix_spawnattr_setpgroup(attributes, 0);
        if (r == 0)
                r = posix_spawnattr_setsigmask(attributes, &none);
        if (r == 0)
                r = posix_spawnattr_setsigdefault(attributes, &all);
        return -r;
}

static int set_files(posix_spawn_file_actions_t *actions, const struct spawn *spawn)
{
        int r = 0;
        for (int i = 0; i < 3 && r == 0; i++)
                r = spawn->files[i] < 0 ? posix_spawn_file_actions_addopen(
                                                  actions, i, "/dev/null", i == 0 ? O_RDONLY : O_WRONLY, 0)
                                        : posix_spawn_file_actions_adddup2(actions, spawn->files[i], i);
        if (r == 0 && spawn->directory)
                r = posix_spawn_file_actions_addchdir_np(actions, spawn->directory);
        if (r == 0)
                r = posix_spawn_file_actions_addclosefrom_np(actions, 3);
        return -r;
}

static int start(const struct spawn *spawn, const char *const *environment,
        const posix_spawn_file_actions_t *actions, const posix_spawnattr_t *attributes, pid_t *ret_pid)
{
        char *const *argv = (char *const *)spawn->argv, *const *envp = (char *const *)environment;
        return -(strchr(spawn->program, '/')
                         ? posix_spawn(ret_pid, spawn->program, actions, attributes, argv, envp)
                         : posix_spawnp(ret_pid, spawn->program, actions, attributes, argv, envp));
}

int spawn_start(const struct spawn *spawn, struct child *ret_child)
{
        posix_spawn_file_actions_t actions;
        posix_spawnattr_t attributes;
        CLEANUP_FREE const char **environment = environment_of(spawn);
        struct child child = {.pidfd = -1};

        if (!environment || posix_spawn_file_actions_init(&actions) != 0)
                return -ENOMEM;
        int r = -posix_spawnattr_init(&attributes);
        if (r < 0) {
                posix_spawn_file_actions_destroy(&actions);
                return r;
        }
        r = set_attributes(&attributes);
        if (r == 0)
                r = set_files(&actions, spawn);
        if (r == 0)
                r = start(spawn, environment, &actions, &attributes, &child.pid);
        posix_spawnattr_destroy(&attributes);
        posix_spawn_file_actions_destroy(&actions);
        if (r < 0)
                return r;
        child.pidfd = pidfd_open(child.pid, 0); /* closes on exec */
        if (child.pidfd < 0) {
                r = -errno;
                child_end(&child);
                return r;
        }
        *ret_child = child;
        return 0;
}

void child_kill(const struct child *child, int signal)
{
        if (child->pid > 0)
                kill(-child->pid, signal);
}

static void forget(struct child *child)
{
        if (child->pidfd >= 0)
                close(child->pidfd);
        *child = (struct child){.pidfd = -1};
}

int child_reap(struct child *child, int *ret_status)
{
        siginfo_t info = {0};
        int status = 0;

        /* Still a zombie, so that the group's number is nobody else's while the rest of it is killed. */
        if (waitid(P_PID, (id_t)child->pid, &info, WEXITED | WNOHANG | WNOWAIT) < 0 || info.si_pid == 0)
                return 0;
        child_kill(child, SIGKILL);
        while (waitpid(child->pid, &status, 0) < 0 && errno == EINTR)
                ;
        forget(child);
        *ret_status = status;
        return 1;
}

void child_end(struct child *child)
{
        if (child->pid > 0) {
                child_kill(child, SIGKILL);
                while (waitpid(child->pid, NULL, 0) < 0 && errno == EINTR)
                        ;
        }
        forget(child);
}

int spawn_pipe(bool ours_reads, int *ret_ours, int *ret_theirs)
{
        int ends[2];

        if (pipe2(ends, O_CLOEXEC) < 0)
                return -errno;
        int ours = ends[ours_reads ? 0 : 1];
        if (fcntl(ours, F_SETFL, O_NONBLOCK) < 0) {
                int r = -errno;
                close(ends[0]);
                close(ends[1]);
                return r;
        }
        *ret_ours = ours;
        *ret_theirs = ends[ours_reads ? 1 : 0];
        return 0;
}
