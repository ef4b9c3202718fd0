/* Private to dns/: what stands before the RDATA of a record in a message. */
#pragma once

#include "dns/name.h"

#include <stddef.h>
#include <stdint.h>

#define RR_FIXED_SIZE 10u /* type, class, TTL, RDLENGTH */

struct rr_header {
        uint8_t owner[NAME_MAX_LENGTH];
        size_t owner_length;
        size_t rdata_offset;
        uint32_t ttl;
        uint16_t type;
        uint16_t class;
        uint16_t rdata_length;
};

/* Reads the record at offset; its RDATA lies inside the message. Returns the offset behind it, or 0 where it
 * is malformed. */
size_t rr_header_read(const uint8_t *bytes, size_t length, size_t offset, struct rr_header *ret_header);
