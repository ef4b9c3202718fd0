/* The text of a git note of ours: a line for each publish of a zone out of that commit. Pure.
 *
 *     example.com: serial 7, 3 added, 1 removed, published 2026-11-22T07:00:00Z, everywhere
 * 2026-11-22T07:00:01Z
 */
#pragma once

#include "base/buffer.h"
#include "dns/name.h"

struct git_note {
        const char *zone; /* text without final dot */
        uint32_t serial;
        uint64_t added, removed;
        uint64_t published_usec;
        uint64_t everywhere_usec; /* 0 = not yet, as far as is known */
};

/* The note that was there ("" = none) with these lines: one of the same zone and serial is replaced. */
void git_note_merge(const char *before, const struct git_note *notes, size_t count, struct buffer *out);
/* What a line says of a zone's serial; false: it is no line of ours. */
bool git_note_read(
        const char *line, size_t length, uint8_t ret_zone[static NAME_MAX_LENGTH], uint32_t *ret_serial);
