/* Where the digits of a zone's serial stand in its text. Pure. */
#pragma once

#include "zonefile/zonefile.h"

struct serial_place {
        size_t offset, length;
        uint32_t serial;
};

/* Reads as far as the SOA, not further. 0; -ENOENT: there is no SOA in the text itself (an included file may
 * have it), or it is wrong; -ENOMEM. */
int zonefile_serial_place(
        const uint8_t *origin, const struct zone_text *text, struct serial_place *ret_place);
