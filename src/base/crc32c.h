/* CRC32C (Castagnoli, RFC 3720 appendix B.4); SSE4.2 where the CPU has it. Check value of "123456789":
 * 0xE3069283. */
#pragma once

#include <stddef.h>
#include <stdint.h>

uint32_t crc32c(uint32_t crc, const void *bytes, size_t size); /* begin with crc = 0 */
/* The same, on a CPU without the instruction; tests hold the two equal. */
uint32_t crc32c_by_table(uint32_t crc, const void *bytes, size_t size);
