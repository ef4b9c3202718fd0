/* RDATA of one record from presentation text: what the scanner uses for every type, and others for a single
 * record. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* Parses "10 mail" for type into wire form with relative names under origin. ret_rdata has room for 65535.
 * Returns 0 or -EINVAL with a static or per-thread text in *ret_why and the offset in *ret_at. */
int rdata_from_text(uint16_t type, const char *text, size_t length, const uint8_t *origin, uint8_t *ret_rdata,
        size_t *ret_length, const char **ret_why, size_t *ret_at);
