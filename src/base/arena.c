/* Arenas: bump allocation out of a chain of blocks.
 *
 * Owned by whoever holds the struct arena, on one thread at a time. newest is the block that next and end
 * point into; a request too large to be worth its rest gets a block of its own, linked behind newest, so that
 * the rest of the newest block is not lost.
 *
 * Under AddressSanitizer the unused part of each block is poisoned and eight bytes stay between allocations,
 * so that an overrun inside an arena is found as it would be on the heap. */
#include "base/arena.h"

#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#ifdef __SANITIZE_ADDRESS__
#define ARENA_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ARENA_ASAN 1
#endif
#endif

#ifdef ARENA_ASAN
#include <sanitizer/asan_interface.h>
#define GAP_BYTES 8
#else
#define ASAN_POISON_MEMORY_REGION(start, size) ((void)(start), (void)(size))
#define ASAN_UNPOISON_MEMORY_REGION(start, size) ((void)(start), (void)(size))
#define GAP_BYTES 0
#endif

#define ALIGNMENT 8
#define BLOCK_MIN_BYTES ((size_t)4 * 1024) /* a small zone needs no more, and there are many of them */
#define BLOCK_MAX_BYTES ((size_t)4 * 1024 * 1024)
#define HUGE_PAGE_BYTES ((size_t)2 * 1024 * 1024)

struct arena_block {
        struct arena_block *older;
        size_t size; /* with this header */
        char bytes[] __attribute__((aligned(ALIGNMENT)));
};

static size_t large_size(size_t size)
{
        return size < HUGE_PAGE_BYTES ? size : (size + HUGE_PAGE_BYTES - 1) & ~(HUGE_PAGE_BYTES - 1);
}

void *large_alloc(size_t size)
{
        if (size < HUGE_PAGE_BYTES)
                return malloc(size);
        void *bytes = aligned_alloc(HUGE_PAGE_BYTES, large_size(size));
        if (bytes)
                (void)madvise(bytes, large_size(size), MADV_HUGEPAGE); /* that it may refuse is no error */
        return bytes;
}

static struct arena_block *block_new(size_t size)
{
        size = large_size(size); /* all of it is of use */
        struct arena_block *block = large_alloc(size);
        if (!block)
                return NULL;
        block->older = NULL;
        block->size = size;
        ASAN_POISON_MEMORY_REGION(block->bytes, size - sizeof(*block));
        return block;
}

static size_t block_next_size(const struct arena *arena)
{
        if (!arena->newest)
                return BLOCK_MIN_BYTES;
        size_t doubled = arena->newest->size * 2;
        return doubled > BLOCK_MAX_BYTES ? BLOCK_MAX_BYTES : doubled;
}

/* A block that holds this one allocation only, behind the newest one. */
static void *alloc_apart(struct arena *arena, size_t size)
{
        struct arena_block *block = block_new(sizeof(*block) + size);
        if (!block)
                return NULL;
        arena->size_bytes += block->size;
        block->older = arena->newest->older;
        arena->newest->older = block;
        return block->bytes;
}

static int add_block(struct arena *arena, size_t size)
{
        size_t block_size = block_next_size(arena);
        if (block_size - sizeof(struct arena_block) < size)
                block_size = sizeof(struct arena_block) + size;
        struct arena_block *block = block_new(block_size);
        if (!block)
                return -ENOMEM;
        arena->size_bytes += block->size;
        block->older = arena->newest;
        arena->newest = block;
        arena->next = block->bytes;
        arena->end = (char *)block + block->size;
        return 0;
}

void *arena_alloc(struct arena *arena, size_t size)
{
        if (size > SIZE_MAX / 2)
                return NULL;
        size_t padded = (size + GAP_BYTES + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
        char *bytes;
        if (arena->newest && padded <= (size_t)(arena->end - arena->next)) {
                bytes = arena->next;
                arena->next += padded;
        } else if (arena->newest && padded > block_next_size(arena) / 4) {
                bytes = alloc_apart(arena, padded);
                if (!bytes)
                        return NULL;
        } else {
                if (add_block(arena, padded) < 0)
                        return NULL;
                bytes = arena->next;
                arena->next += padded;
        }
        ASAN_UNPOISON_MEMORY_REGION(bytes, size);
        return bytes;
}

void arena_adopt(struct arena *arena, struct arena *from)
{
        struct arena_block *oldest = from->newest;

        if (!oldest)
                return;
        if (!arena->newest) {
                *arena = *from;
        } else {
                while (oldest->older)
                        oldest = oldest->older;
                oldest->older = arena->newest->older;
                arena->newest->older = from->newest;
                arena->size_bytes += from->size_bytes;
        }
        *from = (struct arena){0};
}

void *arena_copy(struct arena *arena, const void *bytes, size_t size)
{
        void *copy = arena_alloc(arena, size);
        if (copy && size > 0)
                memcpy(copy, bytes, size);
        return copy;
}

char *arena_text(struct arena *arena, const char *text, size_t size)
{
        if (size > SIZE_MAX / 2)
                return NULL;
        char *copy = arena_alloc(arena, size + 1);
        if (!copy)
                return NULL;
        if (size > 0)
                memcpy(copy, text, size);
        copy[size] = '\0';
        return copy;
}

char *arena_printf(struct arena *arena, const char *format, ...)
{
        va_list arguments;
        va_start(arguments, format);
        int length = vsnprintf(NULL, 0, format, arguments);
        va_end(arguments);
        if (length < 0)
                return NULL;
        char *text = arena_alloc(arena, (size_t)length + 1);
        if (!text)
                return NULL;
        va_start(arguments, format);
        vsnprintf(text, (size_t)length + 1, format, arguments);
        va_end(arguments);
        return text;
}

void arena_free(struct arena *arena)
{
        if (!arena)
                return;
        struct arena_block *block = arena->newest;
        while (block) {
                struct arena_block *older = block->older;
                ASAN_UNPOISON_MEMORY_REGION(block->bytes, block->size - sizeof(*block));
                free(block);
                block = older;
        }
        *arena = (struct arena){0};
}
