/* What a delta of any number of edits comes to for the guard: RRsets gone and changed, net. Pure. */
#pragma once

#include "zone/delta.h"

/* How many records an owner has of a type in the version that the delta leads to. */
struct guard_after {
        void *context;
        int (*count)(void *context, const uint8_t *owner, uint16_t type, size_t *ret_count);
        uint64_t rrset_count;  /* of that version, those that count */
        uint64_t record_count; /* with the SOA */
};

struct guard_net {
        uint64_t records_before, rrsets_before; /* of the version that the delta begins with */
        uint64_t rrsets_gone, rrsets_changed;
};

int guard_net_count(const struct record_list *removed, const struct record_list *added,
        const struct guard_after *after, struct guard_net *ret_net);
