/* See precedence.h. The slice is what makes a thread that wakes go before one at work (Linux 6.12 and later;
 * before, the weight does so sooner or later). */
#include "base/precedence.h"

#include <linux/sched.h>
#include <linux/sched/types.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#define SERVING_SLICE_NSEC 200000
/* Not so far that they hardly run: they hold locks that serving threads may wait for. */
#define STEP_BACK_NICE 5

void thread_go_first(void)
{
        struct sched_attr attributes = {.size = sizeof(attributes)};

        if (syscall(SYS_sched_getattr, 0, &attributes, sizeof(attributes), 0) < 0 ||
                attributes.sched_policy != SCHED_NORMAL)
                return; /* who set another policy knows better */
        attributes.sched_runtime = SERVING_SLICE_NSEC;
        (void)syscall(SYS_sched_setattr, 0, &attributes, 0);
}

void thread_step_back(void)
{
        id_t thread = (id_t)gettid(); /* of this thread alone, on Linux */

        (void)setpriority(PRIO_PROCESS, thread, getpriority(PRIO_PROCESS, thread) + STEP_BACK_NICE);
}
