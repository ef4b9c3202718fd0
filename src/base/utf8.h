/* UTF-8, as far as text is judged that others wrote and a terminal may show. Pure; any thread. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Octets of the character at text (size > 0), or 0 where it is none (RFC 3629: no overlong forms, no
 * surrogates). */
size_t utf8_read(const uint8_t *text, size_t size, uint32_t *ret_character);
/* No control (C0, DEL, C1), and no mark that reorders or breaks a line (U+2028 to U+202E, U+2066 to U+2069).
 */
bool utf8_is_printable(uint32_t character);
