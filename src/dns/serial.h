/* SOA serial arithmetic (RFC 1982, SERIAL_BITS = 32). Pure. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum serial_order {
        SERIAL_EQUAL,
        SERIAL_AHEAD,     /* left is greater */
        SERIAL_BEHIND,    /* left is less */
        SERIAL_UNDEFINED, /* exactly 2^31 apart */
};

static inline enum serial_order serial_compare(uint32_t left, uint32_t right)
{
        uint32_t distance = left - right;
        if (distance == 0)
                return SERIAL_EQUAL;
        if (distance == 0x80000000u)
                return SERIAL_UNDEFINED;
        return distance < 0x80000000u ? SERIAL_AHEAD : SERIAL_BEHIND;
}
static inline bool serial_is_ahead(uint32_t left, uint32_t right)
{
        return serial_compare(left, right) == SERIAL_AHEAD;
}
/* serial + step (step <= 2^31 - 1), with 0 skipped (I2). */
static inline uint32_t serial_add(uint32_t serial, uint32_t step)
{
        uint32_t sum = serial + step;
        return sum == 0 ? 1 : sum;
}
