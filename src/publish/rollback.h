/* What rollback left behind of a zone: which content stays, and until which content of the file. */
#pragma once

#include "dns/digest.h"
#include "store/store.h"

struct buffer;
struct edit;

struct rollback {
        uint32_t to_serial; /* whose content it is */
        uint64_t at_usec;
        bool has_digest;      /* the file could be read then */
        struct digest digest; /* of what it said */
};

/* -ENOENT: the zone is not rolled back. Any thread. */
int rollback_read(struct store_read *read, const struct store_zone *row, struct rollback *ret_rollback);
/* Foreign octets (the store's): -EBADMSG. */
int rollback_decode(const void *value, size_t size, struct rollback *ret_rollback);
void rollback_encode(const struct rollback *rollback, struct buffer *out);
/* JOB_ROLLBACK; private to publish/. */
int publish_rollback(struct edit *edit);
