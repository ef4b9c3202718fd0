/* Private to zonefile/: a large text, parsed in parts at the same time. */
#pragma once

#include "zonefile/chunk.h"
#include "zonefile/parse.h"

/* A part has at least so many octets: 1 MiB, which tests make smaller. */
extern size_t parse_part_bytes;

/* From scan.at to the end of the text, with the request's crew. 1 = done, as parse_entries would have done
 * it; 0 = not begun (no crew, a small text, $INCLUDE, anything to tell ...): parse is as it was; -ENOMEM.
 * cuts may be NULL. */
int parse_in_parts(struct parse *parse, struct chunk_cuts *cuts);
