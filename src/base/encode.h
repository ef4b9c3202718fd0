/* Base64, base32hex (RFC 4648) and hexadecimal. */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Each decoder takes text without blanks, writes at most (length of text) bytes to ret_bytes and returns how
 * many, or -EINVAL. Base64 wants right padding and zero left-over bits; base32hex takes none (RFC 5155). */
ssize_t base64_decode(const char *text, size_t length, uint8_t *ret_bytes);
ssize_t base32hex_decode(const char *text, size_t length, uint8_t *ret_bytes);
ssize_t hex_decode(const char *text, size_t length, uint8_t *ret_bytes);

/* Each encoder writes text and a NUL (room: base64 4*((n+2)/3)+1, base32hex 8*((n+4)/5)+1, hex 2n+1); returns
 * its length. Base32hex in upper case, hex in lower. */
size_t base64_encode(const uint8_t *bytes, size_t length, char *ret_text);
size_t base32hex_encode(const uint8_t *bytes, size_t length, char *ret_text);
size_t hex_encode(const uint8_t *bytes, size_t length, char *ret_text);
