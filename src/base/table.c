/* Hash tables with linear probing. Owned by their holder, on one thread at a time (reading alone may be
 * shared).
 *
 * Invariants:
 *   - an entry is free (key_hash and value 0), removed (only key_hash set to REMOVED), or live (value set);
 *   - from the slot that a live entry's hash names to the entry itself there is no free slot;
 *   - at least a quarter of the slots is free, so every search ends.
 * A removal leaves a mark and moves nothing: that is what makes removing while stepping through safe. */
#include "base/table.h"

#include "base/random.h"
#include "base/siphash.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define CAPACITY_MIN 16
#define REMOVED 1

struct table_entry {
        uint64_t key_hash;
        const void *key;
        size_t key_size;
        void *value;
};

static bool bytes_equal_folded(const uint8_t *left, const uint8_t *right, size_t size)
{
        uint64_t left_word, right_word;
        for (; size >= sizeof(left_word); size -= 8, left += 8, right += 8) {
                memcpy(&left_word, left, sizeof(left_word));
                memcpy(&right_word, right, sizeof(right_word));
                if (left_word != right_word && fold_word(left_word) != fold_word(right_word))
                        return false;
        }
        left_word = right_word = 0;
        if (size > 0) {
                memcpy(&left_word, left, size);
                memcpy(&right_word, right, size);
        }
        return fold_word(left_word) == fold_word(right_word);
}

static bool key_equal(
        const struct table *table, const struct table_entry *entry, const void *key, size_t key_size)
{
        if (entry->key_size != key_size)
                return false;
        if (table->fold)
                return bytes_equal_folded(entry->key, key, key_size);
        return key_size == 0 || memcmp(entry->key, key, key_size) == 0;
}

static struct table_entry *entry_find(
        const struct table *table, const void *key, size_t key_size, uint64_t hash)
{
        size_t mask = table->capacity - 1;
        for (size_t i = hash & mask;; i = (i + 1) & mask) {
                struct table_entry *entry = &table->entries[i];
                if (entry->value) {
                        if (entry->key_hash == hash && key_equal(table, entry, key, key_size))
                                return entry;
                } else if (entry->key_hash != REMOVED) {
                        return NULL;
                }
        }
}

/* Where a key that is not in the table goes. */
static struct table_entry *entry_vacant(struct table_entry *entries, size_t capacity, uint64_t hash)
{
        size_t i = hash & (capacity - 1);
        while (entries[i].value)
                i = (i + 1) & (capacity - 1);
        return &entries[i];
}

/* Room for one more entry; marks of removed ones are swept out on the way. */
static int make_room(struct table *table)
{
        if (table->capacity > 0 && (table->count + table->removed + 1) <= table->capacity / 4 * 3)
                return 0;
        size_t capacity = CAPACITY_MIN;
        while (capacity / 2 < table->count + 1)
                capacity *= 2;
        struct table_entry *entries = calloc(capacity, sizeof(*entries));
        if (!entries)
                return -ENOMEM;
        for (size_t i = 0; i < table->capacity; i++) {
                if (table->entries[i].value)
                        *entry_vacant(entries, capacity, table->entries[i].key_hash) = table->entries[i];
        }
        free(table->entries);
        if (table->capacity == 0)
                random_bytes(table->seed, sizeof(table->seed));
        table->entries = entries;
        table->capacity = capacity;
        table->removed = 0;
        return 0;
}

void *table_get(const struct table *table, const void *key, size_t key_size)
{
        if (table->count == 0)
                return NULL;
        struct table_entry *entry =
                entry_find(table, key, key_size, siphash13(table->seed, key, key_size, table->fold));
        return entry ? entry->value : NULL;
}

int table_put(struct table *table, const void *key, size_t key_size, void *value, void **ret_old)
{
        assert(value);
        int r = make_room(table);
        if (r < 0)
                return r;
        uint64_t hash = siphash13(table->seed, key, key_size, table->fold);
        struct table_entry *entry = entry_find(table, key, key_size, hash);
        void *old = NULL;
        if (entry) {
                old = entry->value;
        } else {
                entry = entry_vacant(table->entries, table->capacity, hash);
                table->removed -= entry->key_hash == REMOVED;
                table->count++;
        }
        /* The key too: the old one may go with the old value. */
        *entry = (struct table_entry){.key_hash = hash, .key = key, .key_size = key_size, .value = value};
        if (ret_old)
                *ret_old = old;
        return 0;
}

void *table_remove(struct table *table, const void *key, size_t key_size)
{
        if (table->count == 0)
                return NULL;
        struct table_entry *entry =
                entry_find(table, key, key_size, siphash13(table->seed, key, key_size, table->fold));
        if (!entry)
                return NULL;
        void *value = entry->value;
        *entry = (struct table_entry){.key_hash = REMOVED};
        table->count--;
        table->removed++;
        return value;
}

void *table_next(const struct table *table, size_t *position)
{
        while (*position < table->capacity) {
                void *value = table->entries[(*position)++].value;
                if (value)
                        return value;
        }
        return NULL;
}

void table_free(struct table *table)
{
        if (!table)
                return;
        bool fold = table->fold;
        free(table->entries);
        *table = (struct table){.fold = fold};
}
