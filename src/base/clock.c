/* The two clocks. Any thread; the shift is one atomic, so a test moves time for all threads at once. */
#include "base/clock.h"

#include <stdatomic.h>
#include <time.h>

static _Atomic int64_t shift_usec;

static uint64_t clock_read(clockid_t clock)
{
        struct timespec now;
        clock_gettime(clock, &now);
        uint64_t usec = (uint64_t)now.tv_sec * USEC_PER_SEC + (uint64_t)now.tv_nsec / 1000;
        return usec + (uint64_t)atomic_load_explicit(&shift_usec, memory_order_relaxed);
}

uint64_t clock_realtime_usec(void)
{
        return clock_read(CLOCK_REALTIME);
}

uint64_t clock_monotonic_usec(void)
{
        return clock_read(CLOCK_MONOTONIC);
}

void clock_shift(int64_t usec)
{
        atomic_fetch_add_explicit(&shift_usec, usec, memory_order_relaxed);
}
