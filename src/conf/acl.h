/* Address match lists (named.conf): first match wins, "!" negates, lists nest, keys match by name. Immutable
 * once the configuration is loaded; matched on any thread without locks. */
#pragma once

#include "base/address.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct acl;
struct tsig_key;

enum acl_kind {
        ACL_PREFIX,
        ACL_RANGE, /* 192.0.2.10-192.0.2.20: from prefix.address to last */
        ACL_KEY,
        ACL_ANY,
        ACL_LOCALHOST, /* addresses of this machine's interfaces, as they were at load */
        ACL_LOCALNETS, /* their networks */
        ACL_NESTED,
};

struct acl_element {
        enum acl_kind kind;
        bool negated;
        struct prefix prefix;
        struct address last; /* of ACL_RANGE */
        const char *until;   /* "2026-12-01": from then on nobody asks from there; NULL = no end is known */
        const struct tsig_key *key;
        const struct acl *nested;
        const char *text; /* as written, for logs: "!192.0.2.0/24", "key k" */
};

struct acl {
        const char *name; /* NULL = written in place */
        struct acl_element *elements;
        size_t count;
};

enum acl_verdict {
        ACL_NO_MATCH = 0, /* = refused */
        ACL_ALLOWED,
        ACL_DENIED, /* a negated element matched */
};

/* key: the one whose TSIG was verified on this request, or NULL. NULL or empty acl = ACL_NO_MATCH. *ret_rule
 * (may be NULL) is the deciding element's text. Returns enum acl_verdict. */
int acl_match(
        const struct acl *acl, const struct address *peer, const struct tsig_key *key, const char **ret_rule);

/* The element that decides, the innermost of nested lists; NULL where none matches. */
const struct acl_element *acl_find(
        const struct acl *acl, const struct address *peer, const struct tsig_key *key);

/* True where some peer could pass by key alone, whatever its address. */
bool acl_has_key_only(const struct acl *acl);
/* True where the address alone is enough (an element that allows without a key). */
bool acl_allows_address(const struct acl *acl, const struct address *peer);
/* Whether anyone at all passes, without a key. */
bool acl_is_open(const struct acl *acl);
