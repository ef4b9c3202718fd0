/* RRsets of a push and what providers share of a session. Pure but for memory; a worker's thread. */
#include "push/provider.h"

#include "base/buffer.h"
#include "dns/record.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int push_say(struct push_session *session, int outcome, const char *format, ...)
{
        va_list arguments;
        va_start(arguments, format);
        vsnprintf(session->why, sizeof(session->why), format, arguments);
        va_end(arguments);
        for (char *at = session->why; *at; at++) /* part of it is the provider's */
                if ((unsigned char)*at < ' ' || *at == 0x7f)
                        *at = ' ';
        return outcome;
}

int push_no_answer(struct push_session *session, int r)
{
        if (r == -EIO)
                return push_say(session, PUSH_AGAIN, "no answer: %s", session->answer.why);
        return r;
}

void push_names_free(struct push_names *names)
{
        for (size_t i = 0; i < names->count; i++)
                free(names->names[i]);
        free(names->names);
        *names = (struct push_names){0};
}

#define NAMES_MAX 16

int push_names_add(struct push_names *names, const char *text)
{
        uint8_t wire[NAME_MAX_LENGTH];
        char plain[NAME_TEXT_MAX];
        size_t length;
        static const uint8_t root[] = {0};

        if (names->count == NAMES_MAX ||
                name_from_text(text, strlen(text), root, wire, &length, NULL) != NAME_OK || length == 1)
                return 0; /* not a name that can be asked */
        char **grown = reallocarray(names->names, names->count + 1, sizeof(*grown));
        if (!grown)
                return -ENOMEM;
        names->names = grown;
        char *copy = strdup(name_to_zone_text(wire, plain));
        if (!copy)
                return -ENOMEM;
        names->names[names->count++] = copy;
        return 0;
}

struct push_set *push_set_new(struct arena *arena, const uint8_t *owner, uint16_t type, uint32_t ttl)
{
        size_t length = name_length(owner);
        struct push_set *set = arena_alloc(arena, sizeof(*set));
        uint8_t *key = set ? arena_alloc(arena, length + 2) : NULL;
        if (!key)
                return NULL;
        name_fold(owner, key);
        write_u16(key + length, type);
        *set = (struct push_set){.key = key, .key_size = length + 2, .type = type, .ttl = ttl};
        return set;
}

int push_set_add(struct arena *arena, struct push_set *set, const uint8_t *rdata, size_t length,
        const char *text, const char *id)
{
        if (set->count == set->capacity) {
                size_t capacity = set->capacity ? 2 * set->capacity : 1;
                struct push_value *grown = arena_alloc(arena, capacity * sizeof(*grown));
                if (!grown)
                        return -ENOMEM;
                if (set->count > 0)
                        memcpy(grown, set->values, set->count * sizeof(*grown));
                set->values = grown;
                set->capacity = capacity;
        }
        struct push_value value = {.length = (uint16_t)length};
        if (rdata && !(value.rdata = arena_copy(arena, rdata, length ? length : 1)))
                return -ENOMEM;
        if (text && !(value.text = arena_text(arena, text, strlen(text))))
                return -ENOMEM;
        if (id && !(value.id = arena_text(arena, id, strlen(id))))
                return -ENOMEM;
        set->values[set->count++] = value;
        return 0;
}

struct record push_set_record(const struct push_set *set, size_t index)
{
        return (struct record){.owner = set->key,
                .type = set->type,
                .ttl = set->ttl,
                .rdata = set->values[index].rdata,
                .rdata_length = set->values[index].length};
}

/* RDATA alone: the set's owner and type are the same for all. What could not be read comes first. */
static int compare_values(const void *left_pointer, const void *right_pointer, void *context)
{
        const struct push_value *left = left_pointer, *right = right_pointer;
        const struct push_set *set = context;
        if (!left->rdata || !right->rdata)
                return (left->rdata != NULL) - (right->rdata != NULL);
        struct record a = {
                .owner = set->key, .type = set->type, .rdata = left->rdata, .rdata_length = left->length};
        struct record b = {
                .owner = set->key, .type = set->type, .rdata = right->rdata, .rdata_length = right->length};
        return record_compare(&a, &b);
}

void push_set_sort(struct push_set *set)
{
        if (set->count > 1)
                qsort_r(set->values, set->count, sizeof(*set->values), compare_values, set);
}

bool push_set_equal(const struct push_set *left, const struct push_set *right)
{
        if (left->count != right->count || left->ttl != right->ttl)
                return false;
        for (size_t i = 0; i < left->count; i++) {
                if (!left->values[i].rdata || !right->values[i].rdata)
                        return false;
                struct record a = push_set_record(left, i), b = push_set_record(right, i);
                if (!record_is_same(&a, &b))
                        return false;
        }
        return true;
}

struct push_set *push_listing_set(struct push_listing *listing, const uint8_t *owner, uint16_t type)
{
        struct push_set *last = listing->last;
        if (last && last->type == type && name_equal(push_set_owner(last), owner))
                return last;
        struct push_set *set = push_set_new(&listing->arena, owner, type, 0);
        if (!set)
                return NULL;
        if (listing->count == listing->capacity) {
                size_t capacity = listing->capacity ? 2 * listing->capacity : 64;
                struct push_set **grown = reallocarray(listing->sets, capacity, sizeof(*grown));
                if (!grown)
                        return NULL;
                listing->sets = grown;
                listing->capacity = capacity;
        }
        listing->sets[listing->count++] = set;
        listing->last = set;
        return set;
}

void push_listing_free(struct push_listing *listing)
{
        free(listing->sets);
        arena_free(&listing->arena);
        *listing = (struct push_listing){0};
}
