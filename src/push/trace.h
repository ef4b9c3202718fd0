/* What curl tells of a request at --debug, without what it must not tell (I8). Pure. */
#pragma once

#include "base/buffer.h"

/* Appends the line without its end, controls as dots. Of what may be whose header it is nothing is left: the
 * values of `headers` ("Name: value", NULL ends them; NULL: none), wherever they stand, but for a few that
 * anybody may read; and whatever follows the name of a header of that kind, ours or the server's. */
void trace_append_line(struct buffer *out, const char *line, size_t length, const char *const *headers);
