/* Fault points. Any thread.
 *
 * ZONECRIER_FAULT is read at the first passing of any point; after that a process without it pays one load
 * and a branch. Several faults are separated by commas. A text that cannot be read ends the process: a test
 * that means to kill a step must not pass because of a slip of the pen. */
#include "base/fault.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define FAULTS_MAX 16
#define ERRNO_MAX 133 /* EHWPOISON, Linux's highest */

enum fault_action {
        FAULT_KILL,
        FAULT_FAIL,
        FAULT_FAIL_ON,
        FAULT_SLEEP,
};

struct fault {
        char name[64];
        uint64_t at; /* the passing at which it acts, from 1 */
        enum fault_action action;
        int error;
        unsigned sleep_msec;
        _Atomic uint64_t passed;
};

/* -1 until the environment was read. Written last, so that who sees a count sees the faults too. */
static _Atomic int fault_count = -1;
static struct fault faults[FAULTS_MAX];
static pthread_once_t environment_once = PTHREAD_ONCE_INIT;

static int error_by_name(const char *name)
{
        for (int error = 1; error <= ERRNO_MAX; error++) {
                const char *known = strerrorname_np(error);
                if (known && strcmp(known, name) == 0)
                        return error;
        }
        return 0;
}

static bool action_parse(const char *text, struct fault *fault)
{
        if (strcmp(text, "kill") == 0) {
                fault->action = FAULT_KILL;
                return true;
        }
        if (strncmp(text, "fail=", 5) == 0 || strncmp(text, "fail-on=", 8) == 0) {
                fault->action = text[4] == '=' ? FAULT_FAIL : FAULT_FAIL_ON;
                fault->error = error_by_name(strchr(text, '=') + 1);
                return fault->error != 0;
        }
        int used = 0;
        fault->action = FAULT_SLEEP;
        return sscanf(text, "sleep=%9u%n", &fault->sleep_msec, &used) == 1 && text[used] == '\0';
}

/* "NAME:COUNT:ACTION", which is cut up. */
static bool fault_parse(char *text, struct fault *fault)
{
        char *rest = text;
        const char *name = strsep(&rest, ":");
        const char *at = strsep(&rest, ":");
        if (!rest || !*name || strlen(name) >= sizeof(fault->name))
                return false;
        strcpy(fault->name, name);
        char *end;
        fault->at = strtoull(at, &end, 10);
        if (*at < '0' || *at > '9' || *end != '\0' || fault->at == 0)
                return false;
        atomic_store(&fault->passed, 0);
        return action_parse(rest, fault);
}

void fault_set(const char *text)
{
        char copy[1024];
        int count = 0;
        if (text && strlen(text) >= sizeof(copy)) {
                dprintf(STDERR_FILENO, "ZONECRIER_FAULT is too long\n");
                _exit(EXIT_FAILURE);
        }
        snprintf(copy, sizeof(copy), "%s", text ? text : "");
        char *rest = copy;
        while (rest && *rest) {
                char *item = strsep(&rest, ",");
                if (count == FAULTS_MAX || !fault_parse(item, &faults[count])) {
                        dprintf(STDERR_FILENO, "ZONECRIER_FAULT cannot be read: %s\n", text);
                        _exit(EXIT_FAILURE);
                }
                count++;
        }
        atomic_store(&fault_count, count);
}

static void environment_read(void)
{
        if (atomic_load(&fault_count) < 0)
                fault_set(getenv("ZONECRIER_FAULT"));
}

static int fault_act(struct fault *fault)
{
        uint64_t passed = atomic_fetch_add(&fault->passed, 1) + 1;
        if (passed < fault->at || (passed > fault->at && fault->action != FAULT_FAIL_ON))
                return 0;
        switch (fault->action) {
        case FAULT_KILL:
                kill(getpid(), SIGKILL);
                pause(); /* the signal may reach another thread first */
                return 0;
        case FAULT_FAIL:
        case FAULT_FAIL_ON:
                return -fault->error;
        case FAULT_SLEEP: {
                struct timespec left = {
                        .tv_sec = fault->sleep_msec / 1000,
                        .tv_nsec = fault->sleep_msec % 1000 * 1000000L,
                };
                while (nanosleep(&left, &left) < 0 && errno == EINTR)
                        ;
                return 0;
        }
        }
        return 0;
}

int fault_point(const char *name)
{
        if (__builtin_expect(atomic_load_explicit(&fault_count, memory_order_acquire) == 0, 1))
                return 0;
        pthread_once(&environment_once, environment_read);
        int count = atomic_load(&fault_count);
        int result = 0;
        for (int i = 0; i < count; i++) {
                if (strcmp(faults[i].name, name) != 0)
                        continue;
                int r = fault_act(&faults[i]);
                if (result == 0)
                        result = r;
        }
        return result;
}
