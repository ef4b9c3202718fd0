/* Private to wait. */
#pragma once

#include <jansson.h>
#include <stdbool.h>

/* status: zonecrierd's answer for a zone, with its repositories. */
bool wait_commit_is_in(const json_t *status, const char *revision);
/* False where it never can: no repository knows what it names, and it is no whole id, whose commit may yet
 * be pushed. */
bool wait_commit_may_come(const json_t *status, const char *revision);
