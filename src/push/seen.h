/* Whether what was pushed is seen at the provider's name servers: the zone's serial where its SOA has it,
 * else an RRset that the push changed. Main loop. Private to push/.
 *
 * Asked are the block's `nameservers`, or those that the provider gave the zone. In 1, 2, 4 ... 60 s again
 * until each shows it; seen is "from here", as anycast goes. */
#pragma once

#include "push/state.h"

struct seen;

int seen_new(struct push *push, struct seen **ret_seen);
/* The zone has become in sync there: its servers are asked. */
void seen_begin(
        struct seen *seen, struct push_target *target, const uint8_t *changed_owner, uint16_t changed_type);
/* Nothing is asked for it any more. */
void seen_end(struct push_target *target);
struct seen *seen_free(struct seen *seen); /* after the targets' seen_end */
