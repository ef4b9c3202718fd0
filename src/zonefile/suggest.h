/* Private to zonefile/: what a word may have been meant to be. */
#pragma once

#include <stddef.h>

/* A hint for a word that stands where a record type is expected; "" where there is none. */
void suggest_type(const char *word, size_t length, char *ret_hint, size_t size);
