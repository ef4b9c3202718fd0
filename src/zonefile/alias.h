/* ALIAS and URL: entries of a zone file that are no records. `@ ALIAS host.example.net.` stands for the
 * addresses of that host, as a resolver said them last; `www URL "https://example.org/"` for those of the
 * configured redirector. Both are published as A and AAAA with the entry's TTL, never as types of their own.
 *
 * The parser only looks answers up: who asks, when and again is publish/alias_book.h. */
#pragma once

#include "dns/name.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buffer;

#define ALIAS_ADDRESSES_MAX 64 /* of one family and one target */
#define ALIAS_TARGETS_MAX 4096 /* of one zone */

/* Sorted, each once. */
struct alias_addresses {
        const uint8_t (*v4)[4];
        size_t v4_count;
        const uint8_t (*v6)[16];
        size_t v6_count;
};

/* What is known of the targets of one zone. Immutable once it is shared, and counted. */
struct alias_answers;
struct alias_answers *alias_answers_new(void);
/* Copies. An answer without addresses is none. A second one for the same target replaces the first. -ENOMEM,
 * -E2BIG. Before it is shared. */
int alias_answers_add(
        struct alias_answers *answers, const uint8_t *target, const struct alias_addresses *addresses);
struct alias_answers *alias_answers_ref(struct alias_answers *answers); /* any thread; NULL is fine */
struct alias_answers *alias_answers_unref(struct alias_answers *answers);
/* False where nothing is known; any case of the target. answers may be NULL. */
bool alias_answers_find(
        const struct alias_answers *answers, const uint8_t *target, struct alias_addresses *ret_addresses);
size_t alias_answers_count(const struct alias_answers *answers);
/* The target at index, folded; its addresses. */
const uint8_t *alias_answers_at(
        const struct alias_answers *answers, size_t index, struct alias_addresses *ret_addresses);
bool alias_addresses_equal(const struct alias_addresses *left, const struct alias_addresses *right);

/* A stored row: format octet 1; for each target its name, a count and addresses of each family. */
void alias_answers_encode(const struct alias_answers *answers, struct buffer *out);
/* -EINVAL where it is none, -ENOMEM. */
int alias_answers_decode(const uint8_t *row, size_t size, struct alias_answers **ret_answers);
