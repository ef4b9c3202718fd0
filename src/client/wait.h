/* Private to wait. */
#pragma once

#include <jansson.h>
#include <stdbool.h>

/* status: zonecrierd's answer for a zone, with its repositories. */
bool wait_commit_is_in(const json_t *status, const char *revision);
