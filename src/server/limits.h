/* What one peer may cost: token buckets, a bounded table of peers, connections by peer.
 *
 * A bucket is one number, the time at which it would be full again (GCRA): "burst at once, then one an
 * interval". A peer is an IPv4 address or an IPv6 /56. */
#pragma once

#include "base/address.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct bucket {
        uint64_t full_at_usec;
};
bool bucket_take(struct bucket *bucket, uint64_t now_usec, uint64_t interval_usec, unsigned burst);

/* One of several threads' own; no locks: a compare-and-swap. per_second 0 = nothing passes. */
struct shared_bucket {
        _Atomic uint64_t full_at_usec;
};
bool shared_bucket_take(struct shared_bucket *bucket, uint64_t now_usec, unsigned per_second);

struct peer {
        uint64_t key;
        uint64_t seen_usec;
        struct bucket refusals;   /* answered over UDP */
        struct bucket lines;      /* logged */
        struct bucket signatures; /* that failed, over TCP (a UDP source can be forged) */
        uint64_t unlogged;
};

#define PEER_SETS 1024
#define PEER_WAYS 4

/* One thread's. */
struct peers {
        uint64_t seed[2];
        struct peer sets[PEER_SETS][PEER_WAYS];
};
void peers_begin(struct peers *peers);
/* Never NULL: the one seen longest ago makes room. */
struct peer *peers_get(struct peers *peers, const struct address *address, uint64_t now_usec);

/* Connections by peer, of all threads: hashed counters (two peers share one about never: some hundred
 * connections, and nobody outside knows the seed). */
#define PEER_SLOTS 16384
struct connection_counts {
        uint64_t seed[2];
        _Atomic uint32_t slots[PEER_SLOTS];
};
void connection_counts_begin(struct connection_counts *counts);
_Atomic uint32_t *connection_counts_slot(struct connection_counts *counts, const struct address *address);
