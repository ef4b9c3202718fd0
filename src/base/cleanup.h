/* Ownership: a variable that frees itself at the end of its scope, and TAKE to hand it on. */
#pragma once

#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

#define CLEANUP(function) __attribute__((cleanup(function)))

/* Moves a pointer out of a variable that would free it. */
#define TAKE(pointer)                                                                                        \
        ({                                                                                                   \
                __typeof__(pointer) *taken_from_ = &(pointer);                                               \
                __typeof__(pointer) taken_ = *taken_from_;                                                   \
                *taken_from_ = NULL;                                                                         \
                taken_;                                                                                      \
        })

#define TAKE_FD(fd)                                                                                          \
        ({                                                                                                   \
                int *taken_from_ = &(fd);                                                                    \
                int taken_ = *taken_from_;                                                                   \
                *taken_from_ = -1;                                                                           \
                taken_;                                                                                      \
        })

/* DEFINE_CLEANUP(struct arena *, arena_free) makes arena_free_later usable with CLEANUP(). */
#define DEFINE_CLEANUP(type, function)                                                                       \
        static inline void function##_later(type *pointer)                                                   \
        {                                                                                                    \
                if (*pointer)                                                                                \
                        function(*pointer);                                                                  \
        }                                                                                                    \
        struct function##_later_needs_semicolon

static inline void cleanup_free(void *pointer)
{
        free(*(void **)pointer);
}
#define CLEANUP_FREE CLEANUP(cleanup_free)

static inline void cleanup_close(int *fd)
{
        if (*fd >= 0)
                close(*fd);
}
#define CLEANUP_CLOSE CLEANUP(cleanup_close)

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))
