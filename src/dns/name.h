/* Domain names in uncompressed wire form (RFC 1035 s.3.1): length octets and labels, ended by the root's 0.
 * Letter case is kept; every comparison here folds ASCII letters (RFC 4343). Pure: no I/O, no allocation. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NAME_MAX_LENGTH 255 /* octets with the root label */
#define NAME_MAX_LABEL 63
#define NAME_TEXT_MAX 1025 /* every octet as \DDD, dots, a NUL */
#define NAME_KEY_MAX 512   /* see name_order_key */

enum name_error { /* positive outcomes of name_from_text */
        NAME_OK = 0,
        NAME_EMPTY_LABEL,
        NAME_LABEL_TOO_LONG,
        NAME_TOO_LONG,
        NAME_BAD_ESCAPE,
        NAME_RELATIVE, /* no final dot, and origin is NULL */
};

/* Octets of a name that is known to be well-formed, the root label counted. */
size_t name_length(const uint8_t *name);
/* Checks foreign bytes: its length, or 0 where it is compressed, too long or runs past `size`. */
size_t name_check(const uint8_t *bytes, size_t size);
unsigned name_label_count(const uint8_t *name); /* without the root */

/* Text (master file escapes, RFC 1035 s.5.1; "@" is not special here) to wire. A text without final dot gets
 * origin; "." is the root. ret_name has room for NAME_MAX_LENGTH. Returns enum name_error; *ret_at (may be
 * NULL) is the offset of the fault in text. */
int name_from_text(const char *text, size_t length, const uint8_t *origin, uint8_t *ret_name,
        size_t *ret_length, size_t *ret_at);
const char *name_error_text(enum name_error error);

/* Text with escapes and final dot; returns text. */
const char *name_to_text(const uint8_t *name, char text[static NAME_TEXT_MAX]);
/* The same without the final dot ("." stays): how zones are named in logs, status and file names. */
const char *name_to_zone_text(const uint8_t *name, char text[static NAME_TEXT_MAX]);

bool name_equal(const uint8_t *left, const uint8_t *right);
bool name_identical(const uint8_t *left, const uint8_t *right); /* case counts */
/* True for the same name too. */
bool name_is_below(const uint8_t *name, const uint8_t *ancestor);
bool name_is_wildcard(const uint8_t *name);
/* Canonical order (RFC 4034 s.6.1). <0, 0, >0. */
int name_compare(const uint8_t *left, const uint8_t *right);
/* The name without its first label; the root's parent is the root. */
const uint8_t *name_parent(const uint8_t *name);
void name_fold(const uint8_t *name, uint8_t *ret_folded); /* room for NAME_MAX_LENGTH */

/* A byte string whose memcmp order (shorter first on a common prefix) is the canonical order: labels from the
 * highest down to the first, folded, each ended by 0x00; inside a label 0x00 is written 01 01 and 0x01 is 01
 * 02. The labels of `apex` (an ancestor of name, or the root) are left out, so a zone's apex has the empty
 * key. Returns the length, at most NAME_KEY_MAX. */
size_t name_order_key(const uint8_t *name, const uint8_t *apex, uint8_t *ret_key);

/* Reads a possibly compressed name at `offset` of a message: pointers only backwards, RFC 1035 s.4.1.4.
 * ret_name has room for NAME_MAX_LENGTH; *ret_length its length. Returns the octets it took in the message at
 * offset, or 0 where it is malformed. */
size_t name_decompress(
        const uint8_t *message, size_t size, size_t offset, uint8_t *ret_name, size_t *ret_length);
