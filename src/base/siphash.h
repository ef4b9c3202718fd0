/* SipHash-1-3 (Aumasson and Bernstein), the keyed hash of base/table. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* fold: the bytes are hashed as if each A to Z were a to z. */
uint64_t siphash13(const uint64_t seed[2], const void *bytes, size_t size, bool fold);

/* Eight bytes at once: A to Z become a to z, whatever else a byte holds stays. */
static inline uint64_t fold_word(uint64_t word)
{
        const uint64_t ones = 0x0101010101010101;
        uint64_t low_bits = word & ones * 0x7f;
        uint64_t from_a = low_bits + ones * (0x80 - 'A');   /* bit 7 set where the byte is at least 'A' */
        uint64_t beyond_z = low_bits + ones * (0x7f - 'Z'); /* bit 7 set where it is above 'Z' */
        uint64_t is_upper = from_a & ~beyond_z & ~word & ones * 0x80;
        return word | is_upper >> 2;
}
