/* A zone's serials, and what changed between two of them, streamed out of one view of the store. Main loop.
 * Private to control/. */
#pragma once

#include "store/store.h"

struct fleet;
struct stream;

/* JSON, newest first. -ENOENT: not published. */
int log_stream_new(struct store *store, struct fleet *fleet, const uint8_t *zone, struct stream **ret_stream);
/* "-RECORD" and "+RECORD" lines in canonical order, the SOA first; empty lines say nothing. -ESTALE: the
 * journal does not reach one of the serials. */
int diff_stream_new(
        struct store *store, const uint8_t *zone, uint32_t from, uint32_t to, struct stream **ret_stream);
