/* Private to dns/: runs of records with one owner, and their order. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct crew;

struct run {
        const uint8_t *key; /* memcmp of keys is the canonical order of owners */
        uint32_t first;     /* its first record in the list */
        uint32_t count;
        uint16_t key_length;
};

struct entry {
        union {
                uint64_t prefix; /* while sorting: 8 octets of the key, big-endian */
                uint64_t count;  /* then: the run's records, so that runs need not be visited once more */
        };
        uint32_t run;
        bool is_same; /* the key of the entry before it, known once sorted */
        uint8_t share;
};

static inline int run_compare(const struct run *left, const struct run *right)
{
        size_t shorter = left->key_length < right->key_length ? left->key_length : right->key_length;
        int order = memcmp(left->key, right->key, shorter);

        return order ? order : (int)left->key_length - (int)right->key_length;
}

/* Sorts entries by the keys of their runs, equal ones as they stood, and sets is_same. scratch: room for as
 * many. */
void run_entries_sort(const struct run *runs, struct entry *entries, struct entry *scratch, size_t count,
        struct crew *crew);
