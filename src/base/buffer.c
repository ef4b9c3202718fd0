/* Growing byte buffers. Owned by their holder, on one thread at a time.
 *
 * Once an append found no memory, `failed` stays set and every later append does nothing, so that a writer of
 * many small pieces asks once, at the end. */
#include "base/buffer.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CAPACITY_MIN_BYTES 256

static bool grow(struct buffer *buffer, size_t needed)
{
        size_t capacity = buffer->capacity < CAPACITY_MIN_BYTES ? CAPACITY_MIN_BYTES : buffer->capacity;
        while (capacity < needed)
                capacity = capacity > SIZE_MAX / 2 ? needed : capacity * 2;
        uint8_t *data = realloc(buffer->data, capacity);
        if (!data)
                return false;
        buffer->data = data;
        buffer->capacity = capacity;
        return true;
}

uint8_t *buffer_reserve(struct buffer *buffer, size_t size)
{
        if (buffer->failed)
                return NULL;
        bool is_possible = size <= SIZE_MAX / 2 - buffer->length;
        /* A zero-sized reserve of an empty buffer still returns a place, not NULL. */
        if (is_possible && buffer->data && size <= buffer->capacity - buffer->length)
                return buffer->data + buffer->length;
        if (!is_possible || !grow(buffer, buffer->length + size)) {
                buffer->failed = true;
                return NULL;
        }
        return buffer->data + buffer->length;
}

void buffer_append(struct buffer *buffer, const void *bytes, size_t size)
{
        if (size == 0)
                return;
        uint8_t *place = buffer_reserve(buffer, size);
        if (!place)
                return;
        memcpy(place, bytes, size);
        buffer->length += size;
}

void buffer_append_u8(struct buffer *buffer, uint8_t value)
{
        buffer_append(buffer, &value, sizeof(value));
}

void buffer_append_u16(struct buffer *buffer, uint16_t value)
{
        uint8_t bytes[sizeof(value)];
        write_u16(bytes, value);
        buffer_append(buffer, bytes, sizeof(bytes));
}

void buffer_append_u32(struct buffer *buffer, uint32_t value)
{
        uint8_t bytes[sizeof(value)];
        write_u32(bytes, value);
        buffer_append(buffer, bytes, sizeof(bytes));
}

void buffer_append_u64(struct buffer *buffer, uint64_t value)
{
        uint8_t bytes[sizeof(value)];
        write_u64(bytes, value);
        buffer_append(buffer, bytes, sizeof(bytes));
}

void buffer_append_text(struct buffer *buffer, const char *text)
{
        buffer_append(buffer, text, strlen(text));
}

void buffer_printf(struct buffer *buffer, const char *format, ...)
{
        va_list arguments;
        va_start(arguments, format);
        buffer_vprintf(buffer, format, arguments);
        va_end(arguments);
}

void buffer_vprintf(struct buffer *buffer, const char *format, va_list arguments)
{
        va_list again;
        va_copy(again, arguments);
        size_t room = buffer->failed ? 0 : buffer->capacity - buffer->length;
        int length = vsnprintf(room ? (char *)buffer->data + buffer->length : NULL, room, format, arguments);
        if (length < 0) {
                buffer->failed = true;
        } else if ((size_t)length >= room) {
                char *place = (char *)buffer_reserve(buffer, (size_t)length + 1);
                if (place)
                        vsnprintf(place, (size_t)length + 1, format, again);
        }
        va_end(again);
        if (!buffer->failed)
                buffer->length += (size_t)length;
}

const char *buffer_text(struct buffer *buffer)
{
        if (buffer->failed)
                return NULL;
        if (buffer->length == 0)
                return "";
        uint8_t *place = buffer_reserve(buffer, 1);
        if (!place)
                return NULL;
        *place = '\0';
        return (const char *)buffer->data;
}

int buffer_status(const struct buffer *buffer)
{
        return buffer->failed ? -ENOMEM : 0;
}

void buffer_clear(struct buffer *buffer)
{
        buffer->length = 0;
        buffer->failed = false;
}

void buffer_free(struct buffer *buffer)
{
        if (!buffer)
                return;
        free(buffer->data);
        *buffer = (struct buffer){0};
}
