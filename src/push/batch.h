/* The changes of a push in the order in which they go, cut into requests that keep the provider's limits.
 * Pure but for memory. */
#pragma once

#include "push/provider.h"

struct push_batches {
        size_t *ends; /* of each batch, in changes */
        size_t count, capacity;
};

/* Sorts the changes: what creates or replaces first, then what only deletes, so that a push of several
 * batches never takes away what is still in use; all of one owner together (a CNAME in place of an A is one
 * batch). An is_upsert change stays last. limit: elements of one batch, 0 = the provider's; owners: so many
 * owners in one, 0 = any. 0, -ENOMEM, or -E2BIG: ret_large is a change that fits no batch. */
int push_batches_cut(const struct push_provider *provider, size_t limit, size_t owners,
        struct push_change *changes, size_t count, struct push_batches *ret_batches, size_t *ret_large);
/* How many owners there are in a run of changes as it was cut; an upsert counts as one more. */
size_t push_batch_owners(const struct push_change *changes, size_t count);
void push_batches_free(struct push_batches *batches);
