/* Buckets and the table of peers. The table is one thread's; what several threads share is atomic. Its size
 * is fixed, so a flood of forged sources costs other peers their history and nothing else. */
#include "server/limits.h"

#include "base/clock.h"
#include "base/random.h"
#include "base/siphash.h"

bool bucket_take(struct bucket *bucket, uint64_t now_usec, uint64_t interval_usec, unsigned burst)
{
        uint64_t full_at = bucket->full_at_usec > now_usec ? bucket->full_at_usec : now_usec;
        if (full_at - now_usec > interval_usec * (burst - 1))
                return false;
        bucket->full_at_usec = full_at + interval_usec;
        return true;
}

bool shared_bucket_take(struct shared_bucket *bucket, uint64_t now_usec, unsigned per_second)
{
        if (per_second == 0)
                return false;
        uint64_t seen = atomic_load_explicit(&bucket->full_at_usec, memory_order_relaxed);
        for (;;) {
                struct bucket copy = {seen};
                if (!bucket_take(&copy, now_usec, USEC_PER_SEC / per_second, per_second))
                        return false;
                if (atomic_compare_exchange_weak_explicit(&bucket->full_at_usec, &seen, copy.full_at_usec,
                            memory_order_relaxed, memory_order_relaxed))
                        return true;
        }
}

static uint64_t peer_key(const uint64_t seed[2], const struct address *address)
{
        return siphash13(seed, address->bytes, address->family == AF_INET6 ? 7 : 4, false);
}

void peers_begin(struct peers *peers)
{
        random_bytes(peers->seed, sizeof(peers->seed));
}

struct peer *peers_get(struct peers *peers, const struct address *address, uint64_t now_usec)
{
        uint64_t key = peer_key(peers->seed, address);
        struct peer *set = peers->sets[key % PEER_SETS], *oldest = set;
        for (unsigned i = 0; i < PEER_WAYS; i++) {
                if (set[i].key == key && set[i].seen_usec != 0) {
                        set[i].seen_usec = now_usec;
                        return &set[i];
                }
                if (set[i].seen_usec < oldest->seen_usec)
                        oldest = &set[i];
        }
        *oldest = (struct peer){.key = key, .seen_usec = now_usec};
        return oldest;
}

void connection_counts_begin(struct connection_counts *counts)
{
        random_bytes(counts->seed, sizeof(counts->seed));
}

_Atomic uint32_t *connection_counts_slot(struct connection_counts *counts, const struct address *address)
{
        return &counts->slots[peer_key(counts->seed, address) % PEER_SLOTS];
}
