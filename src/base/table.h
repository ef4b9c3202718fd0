/* A hash table from byte strings to pointers, open addressing, keys not copied: they live as long as their
 * entry. Keyed hash (SipHash-1-3) with a random seed, so that no peer can choose collisions. Not locked. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct table_entry;

struct table {
        struct table_entry *entries;
        size_t count;
        size_t capacity; /* a power of two, or 0 */
        size_t removed;
        uint64_t seed[2];
        bool fold; /* keys are DNS names: A to Z count as a to z. Set before the first insert */
};

/* A zeroed struct table is an empty, valid one. */

/* NULL where it is not there. */
void *table_get(const struct table *table, const void *key, size_t key_size);
/* Puts, or replaces (then the old value goes to *ret_old; ret_old may be NULL). -ENOMEM. value: not NULL. */
int table_put(struct table *table, const void *key, size_t key_size, void *value, void **ret_old);
/* Returns what was there, or NULL. */
void *table_remove(struct table *table, const void *key, size_t key_size);
/* Steps through all: position begins at 0; NULL at the end. Removing the entry just returned is allowed. */
void *table_next(const struct table *table, size_t *position);
void table_free(struct table *table); /* not the values */
