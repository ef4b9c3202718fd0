/* Randomness for message ids, jitter and hash seeds. Any thread.
 *
 * A test that fixes the sequence gets splitmix64 from its seed: each step is one atomic addition, so the
 * sequence is the same on one thread and free of races on many. */
#include "base/random.h"

#include <assert.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define SMALL_BYTES 16
#define POOL_BYTES 512

static _Atomic bool is_fixed;
static _Atomic uint64_t fixed_state;

static uint64_t fixed_next(void)
{
        const uint64_t step = 0x9e3779b97f4a7c15;
        uint64_t mixed = atomic_fetch_add(&fixed_state, step) + step;
        mixed = (mixed ^ mixed >> 30) * 0xbf58476d1ce4e5b9;
        mixed = (mixed ^ mixed >> 27) * 0x94d049bb133111eb;
        return mixed ^ mixed >> 31;
}

static void fixed_bytes(uint8_t *bytes, size_t size)
{
        while (size > 0) {
                uint64_t word = fixed_next();
                size_t part = size < sizeof(word) ? size : sizeof(word);
                memcpy(bytes, &word, part);
                bytes += part;
                size -= part;
        }
}

static void kernel_bytes(uint8_t *bytes, size_t size)
{
        while (size > 0) {
                ssize_t got = getrandom(bytes, size, 0);
                if (got < 0) {
                        /* Only EINTR can happen on a kernel we run on; going on without randomness would
                         * make ids guessable, so anything else ends the process. */
                        if (errno != EINTR)
                                abort();
                        continue;
                }
                bytes += got;
                size -= (size_t)got;
        }
}

/* Ids and seeds come one by one, each smaller than what a system call costs: the kernel is asked for many of
 * them, and what was given is no longer here. */
static void small_bytes(uint8_t *bytes, size_t size)
{
        static _Thread_local struct {
                uint8_t bytes[POOL_BYTES];
                size_t left;
        } pool;

        if (pool.left < size) {
                kernel_bytes(pool.bytes, sizeof(pool.bytes));
                pool.left = sizeof(pool.bytes);
        }
        pool.left -= size;
        memcpy(bytes, pool.bytes + pool.left, size);
        explicit_bzero(pool.bytes + pool.left, size);
}

void random_bytes(void *ret_bytes, size_t size)
{
        if (atomic_load_explicit(&is_fixed, memory_order_relaxed))
                fixed_bytes(ret_bytes, size);
        else if (size <= SMALL_BYTES)
                small_bytes(ret_bytes, size);
        else
                kernel_bytes(ret_bytes, size);
}

uint32_t random_u32(void)
{
        uint32_t value;
        random_bytes(&value, sizeof(value));
        return value;
}

uint32_t random_below(uint32_t bound)
{
        assert(bound > 0);
        /* Values below 2^32 mod bound are drawn again: what is left is a whole number of bounds. */
        uint32_t unfair = -bound % bound;
        uint32_t value;
        do
                value = random_u32();
        while (value < unfair);
        return value % bound;
}

void random_fix(uint64_t seed)
{
        atomic_store(&fixed_state, seed);
        atomic_store(&is_fixed, seed != 0);
}
