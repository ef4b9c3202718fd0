/* For the tests of dns/: octets from hex, names and records from text. */
#pragma once

#include "base/encode.h"
#include "dns/name.h"
#include "dns/record.h"

#include <assert.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* A heap copy of exactly that size, so that ASan sees a read behind it. */
static inline uint8_t *wire_from_hex(const char *hex, size_t *ret_length)
{
        size_t length = strlen(hex) / 2;
        uint8_t *room = malloc(length * 2 + 1), *bytes = malloc(length ? length : 1);

        assert_non_null(room);
        assert_non_null(bytes);
        assert_int_equal(hex_decode(hex, length * 2, room), (ssize_t)length);
        memcpy(bytes, room, length);
        free(room);
        *ret_length = length;
        return bytes;
}

static inline uint8_t *wire_name(const char *text)
{
        uint8_t name[NAME_MAX_LENGTH], *copy;
        size_t length;

        assert_int_equal(name_from_text(text, strlen(text), NULL, name, &length, NULL), NAME_OK);
        copy = malloc(length);
        assert_non_null(copy);
        memcpy(copy, name, length);
        return copy;
}

/* Free with wire_record_free. */
static inline struct record wire_record(const char *owner, uint16_t type, uint32_t ttl, const char *rdata_hex)
{
        size_t length;
        struct record record = {.owner = wire_name(owner), .ttl = ttl, .type = type};

        record.rdata = wire_from_hex(rdata_hex, &length);
        record.rdata_length = (uint16_t)length;
        return record;
}

static inline void wire_record_free(struct record *record)
{
        free((uint8_t *)record->owner);
        free((uint8_t *)record->rdata);
}
