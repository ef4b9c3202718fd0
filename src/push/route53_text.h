/* Names and values as Route 53 writes them: zone file text whose escapes are octal. Pure. */
#pragma once

#include "dns/name.h"

#include <stddef.h>
#include <stdint.h>

struct buffer;

/* "\052.example.com." */
void route53_name(const uint8_t *name, struct buffer *out);
/* Their name, with or without its final dot, to wire form: 0 or -EINVAL. */
int route53_name_parse(const char *text, uint8_t ret_name[static NAME_MAX_LENGTH]);
/* RDATA as their Value: strings quoted, octal escapes. */
void route53_value(uint16_t type, const uint8_t *rdata, size_t length, struct buffer *out);
/* Their Value to RDATA (room for 65535): 0 or -EINVAL. */
int route53_value_parse(uint16_t type, const char *text, uint8_t *ret_rdata, size_t *ret_length);
/* Text in an XML element. */
void route53_escape(const char *text, struct buffer *out);
