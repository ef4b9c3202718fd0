/* Private to dns/: the fields of RDATA one by one, as the table of type.h lays them out. */
#pragma once

#include "dns/type.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct buffer;

static inline bool field_is_name(uint8_t field)
{
        return field == FIELD_NAME_COMPRESSED || field == FIELD_NAME_FOLDED || field == FIELD_NAME;
}

/* Octets that a field takes of what is left of the RDATA, or -EBADMSG where it is malformed. */
ssize_t field_size(uint8_t field, const uint8_t *bytes, size_t left);
/* The same for a field whose length is fixed: 0 for any other. */
size_t field_fixed_size(uint8_t field);

/* Fields that take the rest of the RDATA, with a structure inside (rdata_odd.c). */
bool odd_field_is_wellformed(uint8_t field, const uint8_t *bytes, size_t length);
/* Appends its text; the field is known to be well-formed. */
void odd_field_to_text(uint8_t field, const uint8_t *bytes, size_t length, struct buffer *out);

bool svc_params_are_wellformed(const uint8_t *bytes, size_t length);
void svc_params_to_text(const uint8_t *bytes, size_t length, struct buffer *out);

/* Where the name of an IPSECKEY, AMTRELAY or the first of HIP begins in well-formed RDATA; 0 = there is none.
 */
size_t odd_field_name_offset(uint8_t field, const uint8_t *bytes, size_t length);

/* Text of pieces that several types use. */
void text_name(const uint8_t *name, struct buffer *out);
void text_quoted(const uint8_t *bytes, size_t length, struct buffer *out);
void text_hex(const uint8_t *bytes, size_t length, struct buffer *out);
void text_base64(const uint8_t *bytes, size_t length, struct buffer *out);
void text_ipv4(const uint8_t *bytes, struct buffer *out);
void text_ipv6(const uint8_t *bytes, struct buffer *out);
