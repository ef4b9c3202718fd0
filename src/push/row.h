/* What is kept of a push over restarts, among the zone's small state in the store. Pure; any thread.
 *
 *     'P' secondary's name             -> struct push_row
 *     'Q' secondary's name 00 name     -> a name server that the provider has given the zone: one octet */
#pragma once

#include "dns/digest.h"
#include "push/provider.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buffer;

struct push_row {
        uint64_t version; /* of the zone, that was pushed whole; 0 = never */
        uint32_t era;
        uint32_t serial;
        struct digest digest; /* of that version */
        bool is_begun;        /* a push was begun and is not known to have ended: what is there is compared */
        bool is_serial_refused; /* it does not take our serial into its SOA */
        bool has_names;         /* its name servers were asked for */
        bool is_signed;         /* the zone, whose signatures and keys are left out: it was told */
        uint64_t in_sync_usec;  /* realtime */
        uint64_t compared_usec; /* the last listing */
        uint32_t skipped;       /* records that it cannot hold */
        char zone_id[PUSH_ID_MAX];
        char change_id[PUSH_ID_MAX];
};

#define PUSH_ROW_MAX 160
#define PUSH_KEY_MAX 320

void push_row_encode(const struct push_row *row, struct buffer *out);
/* Foreign bytes: -EBADMSG. */
int push_row_decode(const void *value, size_t size, struct push_row *ret_row);
size_t push_row_key(const char *secondary, uint8_t ret_key[static PUSH_KEY_MAX]);
/* 0 where the names are too long for a key. */
size_t push_name_key(const char *secondary, const char *name, uint8_t ret_key[static PUSH_KEY_MAX]);
/* The name in such a key of this secondary, or NULL; not ended by a NUL. */
const char *push_name_of_key(const char *secondary, const void *key, size_t key_size, size_t *ret_length);
