/* Content digest of a version: the sum modulo 2^256 of SHA-256 over each record (owner, type, TTL, RDATA,
 * octets as they are; the SOA's serial as zero). A delta moves it at the cost of the edit. It compares honest
 * copies; it is no defence against somebody who may choose records. */
#pragma once

#include "dns/record.h"

#define DIGEST_SIZE 32

struct digest {
        uint8_t bytes[DIGEST_SIZE]; /* a zeroed one is the digest of nothing */
};

int digest_add(struct digest *digest, const struct record *record); /* -ENOMEM, -EIO from OpenSSL */
int digest_remove(struct digest *digest, const struct record *record);
/* All records of a list; a crew (NULL: none) helps with a large one. */
int digest_add_list(struct digest *digest, const struct record_list *list, struct crew *crew);
int digest_remove_list(struct digest *digest, const struct record_list *list, struct crew *crew);
