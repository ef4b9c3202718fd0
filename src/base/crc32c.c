/* CRC32C: the checksum at the end of every stored value. Pure; any thread.
 *
 * SSE4.2 has an instruction for it: eight bytes in three cycles, but one can begin in each. So three lanes of
 * a value go side by side: 20 GB/s out of the cache, and what the memory gives else. Elsewhere eight tables
 * take eight bytes at a step ("slicing by 8"). Both work on the inverted register. */
#include "base/crc32c.h"

#include <pthread.h>
#include <string.h>

#define POLYNOMIAL 0x82f63b78u /* Castagnoli, bits reversed */

static uint32_t tables[8][256];
static pthread_once_t tables_once = PTHREAD_ONCE_INIT;

static void tables_build(void)
{
        for (uint32_t i = 0; i < 256; i++) {
                uint32_t crc = i;
                for (int bit = 0; bit < 8; bit++)
                        crc = crc >> 1 ^ (crc & 1 ? POLYNOMIAL : 0);
                tables[0][i] = crc;
        }
        for (uint32_t i = 0; i < 256; i++) {
                for (int n = 1; n < 8; n++)
                        tables[n][i] = tables[n - 1][i] >> 8 ^ tables[0][tables[n - 1][i] & 0xff];
        }
}

static inline uint32_t read_u32_little(const uint8_t *bytes)
{
        return bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
}

uint32_t crc32c_by_table(uint32_t crc, const void *bytes, size_t size)
{
        pthread_once(&tables_once, tables_build);
        const uint8_t *next = bytes;
        crc = ~crc;
        for (; size >= 8; size -= 8, next += 8) {
                uint32_t low = read_u32_little(next) ^ crc;
                uint32_t high = read_u32_little(next + 4);
                crc = tables[7][low & 0xff] ^ tables[6][low >> 8 & 0xff] ^ tables[5][low >> 16 & 0xff] ^
                      tables[4][low >> 24] ^ tables[3][high & 0xff] ^ tables[2][high >> 8 & 0xff] ^
                      tables[1][high >> 16 & 0xff] ^ tables[0][high >> 24];
        }
        for (; size > 0; size--)
                crc = crc >> 8 ^ tables[0][(crc ^ *next++) & 0xff];
        return ~crc;
}

#ifdef __x86_64__
#include <immintrin.h>

#define LANE 512
#define LINE 64    /* of the cache */
#define AHEAD 4096 /* the processor sees one stream coming, but not three: so it is told */
#define WITH_CRC __attribute__((target("sse4.2,pclmul")))

/* x^(8n - 33) modulo the polynomial, bits reversed, for n = LANE and 2 LANE octets. A product of two reversed
 * registers is one bit short, and the instruction multiplies by x^32: 33 in all. */
#define PAST_LANE 0xdd7e3b0cu
#define PAST_TWO_LANES 0x170076fau

static inline uint64_t read_word(const uint8_t *bytes)
{
        uint64_t word;
        memcpy(&word, bytes, sizeof(word));
        return word;
}

/* The register behind as many zero octets as `past` stands for. */
WITH_CRC static inline uint64_t advance(uint64_t state, uint32_t past)
{
        __m128i product =
                _mm_clmulepi64_si128(_mm_cvtsi64_si128((int64_t)state), _mm_cvtsi32_si128((int)past), 0);
        return _mm_crc32_u64(0, (uint64_t)_mm_cvtsi128_si64(product));
}

static inline void lines_fetch(const uint8_t *at)
{
        __builtin_prefetch(at);
        __builtin_prefetch(at + LINE);
        __builtin_prefetch(at + 2 * LINE);
}

WITH_CRC static uint32_t crc32c_by_sse(uint32_t crc, const uint8_t *next, size_t size)
{
        uint64_t state = (uint32_t)~crc;
        for (; size >= 3 * LANE; size -= 3 * LANE, next += 3 * LANE) {
                uint64_t second = 0, third = 0;
                for (size_t at = 0; at < LANE; at += 8) {
                        if (at % LINE == 0)
                                lines_fetch(next + AHEAD + 3 * at);
                        state = _mm_crc32_u64(state, read_word(next + at));
                        second = _mm_crc32_u64(second, read_word(next + LANE + at));
                        third = _mm_crc32_u64(third, read_word(next + 2 * LANE + at));
                }
                state = advance(state, PAST_TWO_LANES) ^ advance(second, PAST_LANE) ^ third;
        }
        for (; size >= 8; size -= 8, next += 8)
                state = _mm_crc32_u64(state, read_word(next));
        crc = (uint32_t)state;
        for (; size > 0; size--)
                crc = _mm_crc32_u8(crc, *next++);
        return ~crc;
}
#endif

uint32_t crc32c(uint32_t crc, const void *bytes, size_t size)
{
#ifdef __x86_64__
        if (__builtin_cpu_supports("sse4.2") && __builtin_cpu_supports("pclmul"))
                return crc32c_by_sse(crc, bytes, size);
#endif
        return crc32c_by_table(crc, bytes, size);
}
