/* The guard's row:
 *
 *   | format 1 | held 1 | window version 8 | [hash 32 | since 8] | bucket count 1 | for each: version 8 |
 * begin 8 | end 8 | records before 8 | RRsets before 8 | gone 8 | changed 8 |
 *
 * All big-endian; the checksum is the store's. A row of another form is none. Pure; any thread. */
#include "zone/guard_memory.h"

#include "base/buffer.h"

#include <errno.h>
#include <string.h>

#define ROW_FORMAT 1
#define HELD_SIZE (32 + 8)
#define BUCKET_SIZE (7 * 8)

static const uint8_t *bucket_decode(const uint8_t *at, struct guard_bucket *bucket)
{
        bucket->version = read_u64(at);
        bucket->begin_usec = read_u64(at + 8);
        bucket->end_usec = read_u64(at + 16);
        bucket->records_before = read_u64(at + 24);
        bucket->rrsets_before = read_u64(at + 32);
        bucket->rrsets_gone = read_u64(at + 40);
        bucket->rrsets_changed = read_u64(at + 48);
        return at + BUCKET_SIZE;
}

int guard_memory_decode(const void *value, size_t size, struct guard_memory *ret_memory)
{
        const uint8_t *at = value;
        struct guard_memory memory = {0};

        if (size < 11 || at[0] != ROW_FORMAT || at[1] > 1)
                return -EBADMSG;
        memory.is_held = at[1];
        memory.window_version = read_u64(at + 2);
        at += 10;
        size -= 10;
        if (memory.is_held) {
                if (size < HELD_SIZE + 1)
                        return -EBADMSG;
                memcpy(memory.held_hash, at, 32);
                memory.held_usec = read_u64(at + 32);
                at += HELD_SIZE;
                size -= HELD_SIZE;
        }
        memory.bucket_count = *at++;
        if (memory.bucket_count > GUARD_BUCKETS_MAX || size != 1 + memory.bucket_count * BUCKET_SIZE)
                return -EBADMSG;
        for (size_t i = 0; i < memory.bucket_count; i++)
                at = bucket_decode(at, &memory.buckets[i]);
        *ret_memory = memory;
        return 0;
}

void guard_memory_encode(const struct guard_memory *memory, struct buffer *out)
{
        buffer_append_u8(out, ROW_FORMAT);
        buffer_append_u8(out, memory->is_held);
        buffer_append_u64(out, memory->window_version);
        if (memory->is_held) {
                buffer_append(out, memory->held_hash, sizeof(memory->held_hash));
                buffer_append_u64(out, memory->held_usec);
        }
        buffer_append_u8(out, (uint8_t)memory->bucket_count);
        for (size_t i = 0; i < memory->bucket_count; i++) {
                const struct guard_bucket *bucket = &memory->buckets[i];
                buffer_append_u64(out, bucket->version);
                buffer_append_u64(out, bucket->begin_usec);
                buffer_append_u64(out, bucket->end_usec);
                buffer_append_u64(out, bucket->records_before);
                buffer_append_u64(out, bucket->rrsets_before);
                buffer_append_u64(out, bucket->rrsets_gone);
                buffer_append_u64(out, bucket->rrsets_changed);
        }
}

/* A clock that was set back does not empty the window, one that was wrong for a while does not fill it for
 * ever. */
static bool is_within(const struct guard_bucket *bucket, uint64_t now_usec, uint64_t window_usec)
{
        uint64_t age =
                now_usec > bucket->end_usec ? now_usec - bucket->end_usec : bucket->end_usec - now_usec;
        return age < window_usec;
}

static uint64_t add(uint64_t left, uint64_t right)
{
        uint64_t sum;
        return __builtin_add_overflow(left, right, &sum) ? UINT64_MAX : sum;
}

static void drop_first(struct guard_memory *memory, size_t count)
{
        memory->bucket_count -= count;
        memmove(memory->buckets, memory->buckets + count, memory->bucket_count * sizeof(*memory->buckets));
}

/* Out of room (the window was made longer): the two oldest become one. */
static void merge_oldest(struct guard_memory *memory)
{
        struct guard_bucket first = memory->buckets[0];
        drop_first(memory, 1);
        struct guard_bucket *merged = &memory->buckets[0];
        first.end_usec = merged->end_usec;
        first.rrsets_gone = add(first.rrsets_gone, merged->rrsets_gone);
        first.rrsets_changed = add(first.rrsets_changed, merged->rrsets_changed);
        *merged = first;
}

void guard_memory_add(struct guard_memory *memory, const struct guard_publish *publish, uint64_t window_usec)
{
        uint64_t now = publish->usec;
        size_t old = 0;
        while (old < memory->bucket_count && !is_within(&memory->buckets[old], now, window_usec))
                old++;
        drop_first(memory, old);
        struct guard_bucket *last =
                memory->bucket_count > 0 ? &memory->buckets[memory->bucket_count - 1] : NULL;
        /* Half of the places, so that a window that slides over them has room. */
        if (!last || now < last->begin_usec ||
                now - last->begin_usec >= window_usec / (GUARD_BUCKETS_MAX / 2)) {
                if (memory->bucket_count == GUARD_BUCKETS_MAX)
                        merge_oldest(memory);
                last = &memory->buckets[memory->bucket_count++];
                *last = (struct guard_bucket){.version = publish->version,
                        .begin_usec = now,
                        .records_before = publish->records_before,
                        .rrsets_before = publish->rrsets_before};
        }
        last->end_usec = now;
        last->rrsets_gone = add(last->rrsets_gone, publish->rrsets_gone);
        last->rrsets_changed = add(last->rrsets_changed, publish->rrsets_changed);
}

void guard_memory_restart(struct guard_memory *memory, uint64_t version)
{
        *memory = (struct guard_memory){.window_version = version};
}

bool guard_memory_sum(const struct guard_memory *memory, uint64_t now_usec, uint64_t window_usec,
        struct guard_publish *ret_sum)
{
        size_t first = 0;
        while (first < memory->bucket_count && !is_within(&memory->buckets[first], now_usec, window_usec))
                first++;
        if (first == memory->bucket_count)
                return false;
        const struct guard_bucket *oldest = &memory->buckets[first];
        struct guard_publish sum = {.version = oldest->version,
                .usec = oldest->begin_usec,
                .records_before = oldest->records_before,
                .rrsets_before = oldest->rrsets_before};
        for (size_t i = first; i < memory->bucket_count; i++) {
                sum.rrsets_gone = add(sum.rrsets_gone, memory->buckets[i].rrsets_gone);
                sum.rrsets_changed = add(sum.rrsets_changed, memory->buckets[i].rrsets_changed);
        }
        *ret_sum = sum;
        return true;
}
