/* Answers for ALIAS targets: a small sorted table, and its stored form. */
#include "zonefile/alias.h"

#include "base/buffer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define FORMAT 1

struct answer {
        uint8_t target[NAME_MAX_LENGTH]; /* folded */
        uint8_t v4_count, v6_count;
        uint8_t (*v4)[4];
        uint8_t (*v6)[16];
};

struct alias_answers {
        unsigned references;
        size_t count, capacity;
        struct answer *items; /* sorted by target, as octets */
};

struct alias_answers *alias_answers_new(void)
{
        struct alias_answers *answers = calloc(1, sizeof(*answers));
        if (answers)
                answers->references = 1;
        return answers;
}

struct alias_answers *alias_answers_ref(struct alias_answers *answers)
{
        if (answers)
                __atomic_add_fetch(&answers->references, 1, __ATOMIC_RELAXED);
        return answers;
}

static void answer_free(struct answer *answer)
{
        free(answer->v4);
        free(answer->v6);
}

struct alias_answers *alias_answers_unref(struct alias_answers *answers)
{
        if (!answers || __atomic_sub_fetch(&answers->references, 1, __ATOMIC_ACQ_REL) > 0)
                return NULL;
        for (size_t i = 0; i < answers->count; i++)
                answer_free(&answers->items[i]);
        free(answers->items);
        free(answers);
        return NULL;
}

/* Length octets are part of it, so that no name is the beginning of another. */
static int compare_names(const uint8_t *left, const uint8_t *right)
{
        size_t left_length = name_length(left), right_length = name_length(right);
        int order = memcmp(left, right, left_length < right_length ? left_length : right_length);
        return order ? order : (left_length > right_length) - (left_length < right_length);
}

/* Where the folded target is, or belongs. */
static size_t place_of(const struct alias_answers *answers, const uint8_t *folded, bool *ret_is_there)
{
        size_t low = 0, high = answers->count;
        while (low < high) {
                size_t middle = low + (high - low) / 2;
                if (compare_names(answers->items[middle].target, folded) < 0)
                        low = middle + 1;
                else
                        high = middle;
        }
        *ret_is_there = low < answers->count && compare_names(answers->items[low].target, folded) == 0;
        return low;
}

static int make_room(struct alias_answers *answers)
{
        if (answers->count < answers->capacity)
                return 0;
        if (answers->count >= ALIAS_TARGETS_MAX)
                return -E2BIG;
        size_t capacity = answers->capacity ? 2 * answers->capacity : 4;
        struct answer *items = reallocarray(answers->items, capacity, sizeof(*items));
        if (!items)
                return -ENOMEM;
        answers->items = items;
        answers->capacity = capacity;
        return 0;
}

static void *copy_of(const void *addresses, size_t size)
{
        void *copy = malloc(size ? size : 1);
        if (copy && size > 0)
                memcpy(copy, addresses, size);
        return copy;
}

int alias_answers_add(
        struct alias_answers *answers, const uint8_t *target, const struct alias_addresses *addresses)
{
        struct answer answer = {
                .v4_count = (uint8_t)addresses->v4_count, .v6_count = (uint8_t)addresses->v6_count};
        bool is_there;

        if (addresses->v4_count + addresses->v6_count == 0)
                return 0;
        if (addresses->v4_count > ALIAS_ADDRESSES_MAX || addresses->v6_count > ALIAS_ADDRESSES_MAX)
                return -E2BIG;
        name_fold(target, answer.target);
        size_t at = place_of(answers, answer.target, &is_there);
        int r = is_there ? 0 : make_room(answers);
        if (r < 0)
                return r;
        answer.v4 = copy_of(addresses->v4, addresses->v4_count * sizeof(*answer.v4));
        answer.v6 = copy_of(addresses->v6, addresses->v6_count * sizeof(*answer.v6));
        if (!answer.v4 || !answer.v6) {
                answer_free(&answer);
                return -ENOMEM;
        }
        if (is_there) {
                answer_free(&answers->items[at]);
        } else {
                memmove(&answers->items[at + 1], &answers->items[at],
                        (answers->count - at) * sizeof(*answers->items));
                answers->count++;
        }
        answers->items[at] = answer;
        return 0;
}

size_t alias_answers_count(const struct alias_answers *answers)
{
        return answers ? answers->count : 0;
}

const uint8_t *alias_answers_at(
        const struct alias_answers *answers, size_t index, struct alias_addresses *ret_addresses)
{
        const struct answer *answer = &answers->items[index];
        *ret_addresses = (struct alias_addresses){.v4 = (const uint8_t(*)[4])answer->v4,
                .v4_count = answer->v4_count,
                .v6 = (const uint8_t(*)[16])answer->v6,
                .v6_count = answer->v6_count};
        return answer->target;
}

bool alias_answers_find(
        const struct alias_answers *answers, const uint8_t *target, struct alias_addresses *ret_addresses)
{
        uint8_t folded[NAME_MAX_LENGTH];
        bool is_there = false;

        if (!answers)
                return false;
        name_fold(target, folded);
        size_t at = place_of(answers, folded, &is_there);
        if (is_there)
                alias_answers_at(answers, at, ret_addresses);
        return is_there;
}

bool alias_addresses_equal(const struct alias_addresses *left, const struct alias_addresses *right)
{
        return left->v4_count == right->v4_count && left->v6_count == right->v6_count &&
               (left->v4_count == 0 || memcmp(left->v4, right->v4, left->v4_count * 4) == 0) &&
               (left->v6_count == 0 || memcmp(left->v6, right->v6, left->v6_count * 16) == 0);
}

void alias_answers_encode(const struct alias_answers *answers, struct buffer *out)
{
        buffer_append_u8(out, FORMAT);
        for (size_t i = 0; i < answers->count; i++) {
                const struct answer *answer = &answers->items[i];
                buffer_append(out, answer->target, name_length(answer->target));
                buffer_append_u8(out, answer->v4_count);
                buffer_append_u8(out, answer->v6_count);
                buffer_append(out, answer->v4, answer->v4_count * sizeof(*answer->v4));
                buffer_append(out, answer->v6, answer->v6_count * sizeof(*answer->v6));
        }
}

/* One answer at *at, which moves behind it. */
static int decode_one(const uint8_t **at, const uint8_t *end, struct alias_answers *answers)
{
        const uint8_t *target = *at;
        size_t length = name_check(target, (size_t)(end - target));

        if (length == 0 || (size_t)(end - target) < length + 2)
                return -EINVAL;
        size_t v4_count = target[length], v6_count = target[length + 1];
        const uint8_t *addresses = target + length + 2;
        if ((size_t)(end - addresses) < 4 * v4_count + 16 * v6_count || v4_count + v6_count == 0)
                return -EINVAL;
        struct alias_addresses given = {.v4 = (const uint8_t(*)[4])(const void *)addresses,
                .v4_count = v4_count,
                .v6 = (const uint8_t(*)[16])(const void *)(addresses + 4 * v4_count),
                .v6_count = v6_count};
        *at = addresses + 4 * v4_count + 16 * v6_count;
        int r = alias_answers_add(answers, target, &given);
        return r == -E2BIG ? -EINVAL : r;
}

int alias_answers_decode(const uint8_t *row, size_t size, struct alias_answers **ret_answers)
{
        if (size < 1 || row[0] != FORMAT)
                return -EINVAL;
        struct alias_answers *answers = alias_answers_new();
        if (!answers)
                return -ENOMEM;
        const uint8_t *at = row + 1, *end = row + size;
        int r = 0;
        while (r == 0 && at < end)
                r = decode_one(&at, end, answers);
        if (r < 0) {
                alias_answers_unref(answers);
                return r;
        }
        *ret_answers = answers;
        return 0;
}
