/* Random bytes from getrandom(2); never blocks once the system is up. Callable on any thread. */
#pragma once

#include <stddef.h>
#include <stdint.h>

void random_bytes(void *ret_bytes, size_t size);
uint32_t random_u32(void);
/* Even over [0, bound), without bias; bound > 0. */
uint32_t random_below(uint32_t bound);

/* Tests: from now on a fixed sequence that begins with this seed; 0 ends it. */
void random_fix(uint64_t seed);
