/* What of a (zone, secondary) outlives a restart. The store keeps it among the zone's small state. */
#pragma once

#include "fleet/fleet.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buffer;

#define SIGHT_ROW_SIZE (4 + 5 * 4 + 10 * 8)
#define SIGHT_KEY_MAX (1 + SIGHT_NAME_MAX)
#define SIGHT_NAME_MAX 300

/* Serials: 0 = never. Times: realtime microseconds, 0 = never. */
struct sight_row {
        enum fleet_transfer_kind transfer_kind;
        uint32_t soa_serial;         /* what we answered to its last SOA query */
        uint32_t held_serial;        /* what its last IXFR query said it holds */
        uint32_t transferred_serial; /* to-serial of its last whole transfer */
        uint32_t served_serial;      /* the last that all its name servers were seen with */
        uint32_t sample_serial;      /* the last whose changed RRsets were seen as they are here */
        uint64_t soa_usec;
        uint64_t asked_transfer_usec;
        uint64_t transfer_usec;
        uint64_t first_transfer_usec;
        uint64_t transfer_bytes;
        uint64_t transfer_count;
        uint64_t served_usec;
        uint64_t behind_usec;  /* since when it has not had what was published; 0 = it has */
        uint64_t stale_usec;   /* since when it is told to be stale; 0 = it is not */
        uint64_t contact_usec; /* any question of it */
};

/* "S" and the secondary's name, folded. Returns the length. */
size_t sight_row_key(const char *name, uint8_t ret_key[static SIGHT_KEY_MAX]);
void sight_row_encode(const struct sight_row *row, struct buffer *out);
/* Foreign bytes (the store's): -EBADMSG. */
int sight_row_decode(const void *value, size_t size, struct sight_row *ret_row);
