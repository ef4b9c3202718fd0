/* A growing byte buffer with a sticky error: append freely, check once with buffer_status(). Big-endian
 * integers. */
#pragma once

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buffer {
        uint8_t *data;
        size_t length;
        size_t capacity;
        bool failed; /* memory was out at some append */
};

/* A zeroed struct buffer is an empty, valid one. */

/* Room for `size` more bytes behind length; returns where they begin, or NULL (and failed is set). */
uint8_t *buffer_reserve(struct buffer *buffer, size_t size);
void buffer_append(struct buffer *buffer, const void *bytes, size_t size);
void buffer_append_u8(struct buffer *buffer, uint8_t value);
void buffer_append_u16(struct buffer *buffer, uint16_t value);
void buffer_append_u32(struct buffer *buffer, uint32_t value);
void buffer_append_u64(struct buffer *buffer, uint64_t value);
void buffer_append_text(struct buffer *buffer, const char *text);
void buffer_printf(struct buffer *buffer, const char *format, ...) __attribute__((format(printf, 2, 3)));
void buffer_vprintf(struct buffer *buffer, const char *format, va_list arguments);

/* Always NUL-terminated behind length (the NUL is not counted); "" when empty; NULL when failed. */
const char *buffer_text(struct buffer *buffer);

/* 0 or -ENOMEM. */
int buffer_status(const struct buffer *buffer);
void buffer_clear(struct buffer *buffer); /* length 0, memory kept, failed reset */
void buffer_free(struct buffer *buffer);  /* NULL is fine; usable again */

/* Big-endian access, as the wire has it. */
static inline uint16_t read_u16(const uint8_t *bytes)
{
        return (uint16_t)(bytes[0] << 8 | bytes[1]);
}
static inline uint32_t read_u32(const uint8_t *bytes)
{
        return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}
static inline uint64_t read_u64(const uint8_t *bytes)
{
        return (uint64_t)read_u32(bytes) << 32 | read_u32(bytes + 4);
}
static inline void write_u16(uint8_t *bytes, uint16_t value)
{
        bytes[0] = (uint8_t)(value >> 8);
        bytes[1] = (uint8_t)value;
}
static inline void write_u32(uint8_t *bytes, uint32_t value)
{
        write_u16(bytes, (uint16_t)(value >> 16));
        write_u16(bytes + 2, (uint16_t)value);
}
static inline void write_u64(uint8_t *bytes, uint64_t value)
{
        write_u32(bytes, (uint32_t)(value >> 32));
        write_u32(bytes + 4, (uint32_t)value);
}
