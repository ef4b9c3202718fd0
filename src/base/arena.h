/* An arena: many small allocations, freed at once. Used by one thread at a time.
 * Memory is 8-byte aligned, not cleared. Blocks grow from 64 KiB to 4 MiB; large ones ask for huge pages. */
#pragma once

#include <stddef.h>

struct arena_block;

struct arena {
        struct arena_block *newest;
        char *next;        /* first free byte of the newest block */
        char *end;         /* end of the newest block */
        size_t size_bytes; /* of all blocks, for limits */
};

/* A zeroed struct arena is an empty, valid one. */

/* NULL when memory is out. */
void *arena_alloc(struct arena *arena, size_t size);
void *arena_copy(struct arena *arena, const void *bytes, size_t size);
/* Copies `size` bytes of text and ends them with a NUL. */
char *arena_text(struct arena *arena, const char *text, size_t size);
char *arena_printf(struct arena *arena, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* malloc'ed, free() it. From 2 MiB on aligned so that the kernel may back it with huge pages: page faults are a
 * third of the load of a large zone. */
void *large_alloc(size_t size);

/* What lies in `from` belongs to `arena` from now on, where it lies; `from` is empty. */
void arena_adopt(struct arena *arena, struct arena *from);

/* Frees every block; the arena is empty and usable again. NULL is fine. */
void arena_free(struct arena *arena);
