/* The simple values of named.conf as text: numbers, durations, sizes, percentages, booleans. Pure. All return
 * 0 or -EINVAL, -ERANGE. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* yes, true, 1; no, false, 0. */
int value_parse_boolean(const char *text, bool *ret_value);
int value_parse_number(const char *text, uint64_t least, uint64_t most, uint64_t *ret_value);
/* Octal, as permissions are written. */
int value_parse_mode(const char *text, unsigned *ret_mode);
/* A number of `unit_usec`, or with its own unit: "90s", "1h30m", "50ms", "1w", ISO 8601 "PT1H30M". */
int value_parse_duration(const char *text, uint64_t unit_usec, uint64_t *ret_usec);
/* Octets, with k, m, g or t (powers of 1024), any case. */
int value_parse_size(const char *text, uint64_t *ret_bytes);
/* "100%". */
int value_parse_percent(const char *text, unsigned *ret_percent);
/* "2026-12-01". */
int value_parse_date(const char *text);
