/* Records as Cloudflare's JSON has them: content, or an object of the type's fields. Pure. */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

bool cloudflare_takes_type(uint16_t type);
/* Adds type's content, priority and data to the record: 0, -EINVAL where it cannot be written so, -ENOMEM. */
int cloudflare_record_fill(json_t *record, uint16_t type, const uint8_t *rdata, size_t length);
/* RDATA of a record that it lists (room for 65535): 0 or -EINVAL, -ENOMEM. */
int cloudflare_record_parse(const json_t *record, uint16_t type, uint8_t *ret_rdata, size_t *ret_length);
