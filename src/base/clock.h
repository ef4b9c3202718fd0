/* Time, asked in one place so that tests can move it. Microseconds. Callable on any thread. */
#pragma once

#include <stdint.h>

#define USEC_PER_SEC 1000000ull
#define USEC_PER_MSEC 1000ull

uint64_t clock_realtime_usec(void);  /* since 1970, UTC: serials, TSIG, logs */
uint64_t clock_monotonic_usec(void); /* CLOCK_MONOTONIC: timers, durations */

/* Tests: added to what both clocks say from now on. */
void clock_shift(int64_t usec);
