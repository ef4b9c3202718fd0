/* The net delta of two versions: the steps between them, merged. Any thread, on the caller's view.
 *
 * Each half of a step lies in canonical order, so a heap of cursors, one for each half, gives all their
 * records in order; those that are identical to the last octet come one after the other, and whether the
 * record comes or goes between the two versions is the sum of their signs: -1, 0 or 1. */
#include "store/history.h"

#include "base/cleanup.h"
#include "dns/message.h"
#include "store/store_data.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define SCRATCH_BYTES (256u * 1024)
#define GROUPS_MAX 1024 /* that come to nothing, in one call */

struct half { /* of a step: what it removed, or what it added */
        uint64_t version;
        unsigned piece, last_piece; /* the one at hand, the last */
        int sign;
        struct message_walk walk;
        struct record record;
        uint8_t *octets; /* of the record */
        size_t size;
};

struct store_difference {
        struct store_read *read;
        uint64_t zone_id;
        uint64_t low, high; /* versions; steps low + 1 to high */
        uint64_t opened;    /* the last step that was */
        bool is_backwards;  /* from high to low */
        struct half **heap;
        size_t count, capacity;
        struct half *group; /* holds the record that was returned last */
        struct arena scratch;
};

/* Records that are identical are equal here, no others. */
static int compare_exactly(const struct record *left, const struct record *right)
{
        int order = record_compare(left, right);
        if (order == 0)
                order = memcmp(left->owner, right->owner, name_length(left->owner));
        if (order == 0 && left->rdata_length > 0)
                order = memcmp(left->rdata, right->rdata, left->rdata_length);
        return order != 0 ? order : left->ttl < right->ttl ? -1 : left->ttl > right->ttl;
}

static struct half *half_free(struct half *half)
{
        if (half)
                free(half->octets);
        free(half);
        return NULL;
}
DEFINE_CLEANUP(struct half *, half_free);

/* What the walk decoded goes into octets of the cursor's own: many of them wait at once. */
static int half_keep(struct half *half, const struct record *record)
{
        size_t owner_length = name_length(record->owner), size = owner_length + record->rdata_length;
        if (size > half->size) {
                uint8_t *octets = realloc(half->octets, size);
                if (!octets)
                        return -ENOMEM;
                half->octets = octets;
                half->size = size;
        }
        memcpy(half->octets, record->owner, owner_length);
        if (record->rdata_length > 0)
                memcpy(half->octets + owner_length, record->rdata, record->rdata_length);
        half->record = *record;
        half->record.owner = half->octets;
        half->record.rdata = half->octets + owner_length;
        return 0;
}

static int piece_begin(struct store_difference *difference, struct half *half)
{
        struct store_leaf body;
        int r = store_step_piece(difference->read, difference->zone_id, half->version, half->piece, &body);
        if (r == 0)
                r = message_walk_begin(&half->walk, body.message, body.length);
        return r == -ENOENT || r == -EBADMSG ? -EUCLEAN : r;
}

/* 0, 1 = the half's end. */
static int half_next(struct store_difference *difference, struct half *half)
{
        struct record record;
        for (;;) {
                int r = message_walk_next(&half->walk, &difference->scratch, &record);
                if (r == 0)
                        r = half_keep(half, &record);
                if (difference->scratch.size_bytes > SCRATCH_BYTES)
                        arena_free(&difference->scratch);
                if (r != 1)
                        return r == -EBADMSG ? -EUCLEAN : r;
                if (half->piece == half->last_piece)
                        return 1;
                half->piece++;
                r = piece_begin(difference, half);
                if (r < 0)
                        return r;
        }
}

/* ---- the heap: the cursor with the first record is heap[0] ---- */

static bool is_before(const struct half *left, const struct half *right)
{
        return compare_exactly(&left->record, &right->record) < 0;
}

static void sift_down(struct store_difference *difference)
{
        struct half **heap = difference->heap;
        for (size_t at = 0, child; (child = 2 * at + 1) < difference->count; at = child) {
                if (child + 1 < difference->count && is_before(heap[child + 1], heap[child]))
                        child++;
                if (!is_before(heap[child], heap[at]))
                        return;
                struct half *half = heap[at];
                heap[at] = heap[child];
                heap[child] = half;
        }
}

static int heap_push(struct store_difference *difference, struct half *half)
{
        if (difference->count == difference->capacity) {
                size_t capacity = difference->capacity ? difference->capacity * 2 : 16;
                struct half **heap = reallocarray(difference->heap, capacity, sizeof(*heap));
                if (!heap)
                        return -ENOMEM;
                difference->heap = heap;
                difference->capacity = capacity;
        }
        size_t at = difference->count++;
        for (; at > 0 && is_before(half, difference->heap[(at - 1) / 2]); at = (at - 1) / 2)
                difference->heap[at] = difference->heap[(at - 1) / 2];
        difference->heap[at] = half;
        return 0;
}

/* The first cursor moves on; at its end it leaves. */
static int heap_advance(struct store_difference *difference)
{
        int r = half_next(difference, difference->heap[0]);
        if (r < 0)
                return r;
        if (r == 1) {
                half_free(difference->heap[0]);
                difference->heap[0] = difference->heap[--difference->count];
        }
        sift_down(difference);
        return 0;
}

static int half_open(
        struct store_difference *difference, uint64_t version, unsigned first, unsigned count, int sign)
{
        if (count == 0)
                return 0;
        CLEANUP(half_free_later) struct half *half = calloc(1, sizeof(*half));
        if (!half)
                return -ENOMEM;
        half->version = version;
        half->piece = first;
        half->last_piece = first + count - 1;
        half->sign = difference->is_backwards ? -sign : sign;
        int r = piece_begin(difference, half);
        if (r == 0)
                r = half_next(difference, half);
        if (r != 0)
                return r == 1 ? 0 : r;
        r = heap_push(difference, half);
        if (r == 0)
                half = NULL;
        return r;
}

int store_difference_open(struct store_read *read, const struct store_zone *zone, uint64_t from, uint64_t to,
        struct store_difference **ret_difference)
{
        uint64_t low = from < to ? from : to, high = from < to ? to : from;
        if (low < zone->oldest_version || high > zone->version)
                return -ENOENT;
        struct store_difference *difference = calloc(1, sizeof(*difference));
        if (!difference)
                return -ENOMEM;
        difference->group = calloc(1, sizeof(*difference->group));
        if (!difference->group) {
                free(difference);
                return -ENOMEM;
        }
        difference->read = read;
        difference->zone_id = zone->id;
        difference->low = difference->opened = low;
        difference->high = high;
        difference->is_backwards = to < from;
        *ret_difference = difference;
        return 0;
}

int store_difference_prepare(struct store_difference *difference, size_t steps)
{
        struct store_step step;
        for (; steps > 0 && difference->opened < difference->high; steps--) {
                uint64_t version = difference->opened + 1;
                int r = store_step_get(difference->read, difference->zone_id, version, &step);
                if (r == 0)
                        r = half_open(difference, version, 1, step.removed_pieces, -1);
                if (r == 0)
                        r = half_open(difference, version, 1 + step.removed_pieces, step.added_pieces, 1);
                if (r < 0)
                        return r == -ENOENT ? -EUCLEAN : r;
                difference->opened = version;
        }
        return difference->opened == difference->high;
}

int store_difference_next(struct store_difference *difference, struct record *ret_record, bool *ret_is_added)
{
        int r = store_difference_prepare(difference, SIZE_MAX);
        if (r < 0)
                return r;
        for (unsigned tries = 0; difference->count > 0; tries++) {
                if (tries == GROUPS_MAX)
                        return STORE_DIFFERENCE_MORE;
                struct half *group = difference->group;
                int sum = 0;
                r = half_keep(group, &difference->heap[0]->record);
                while (r == 0 && difference->count > 0 &&
                        compare_exactly(&difference->heap[0]->record, &group->record) == 0) {
                        sum += difference->heap[0]->sign;
                        r = heap_advance(difference);
                }
                if (r < 0)
                        return r;
                if (sum == 0)
                        continue;
                *ret_record = group->record;
                *ret_is_added = sum > 0;
                return 0;
        }
        return 1;
}

struct store_difference *store_difference_close(struct store_difference *difference)
{
        if (!difference)
                return NULL;
        for (size_t i = 0; i < difference->count; i++)
                half_free(difference->heap[i]);
        free(difference->heap);
        half_free(difference->group);
        arena_free(&difference->scratch);
        free(difference);
        return NULL;
}
