/* A published zone as zone file text, and its dump, streamed out of one view of the store. Main loop. Private
 * to control/. */
#pragma once

#include "store/store.h"

struct stream;

/* serial: of an earlier version, 0 = what is published. -ENOENT: not published; -ESTALE: the journal does not
 * reach that serial; -EUCLEAN. */
int show_stream_new(struct store *store, const uint8_t *zone, uint32_t serial, struct stream **ret_stream);
/* Versions and journal steps first, then the records. */
int dump_stream_new(struct store *store, const uint8_t *zone, struct stream **ret_stream);
