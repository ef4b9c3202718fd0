/* Addresses of names, asked of recursive resolvers with c-ares on the main loop: A and AAAA of one name at a
 * time, CNAMEs followed by the resolver. For ALIAS records (zonefile/alias.h). Nothing is kept here: who asks
 * keeps the answer for its TTL. */
#pragma once

#include "base/address.h"

#include <stddef.h>
#include <stdint.h>

struct resolver;
struct resolver_question;
struct sd_event;

/* Of one family. More are left out, the least in order first: what does not fit one message is no use. */
#define RESOLVER_ADDRESSES_MAX 64

enum resolver_result {
        RESOLVER_FOUND,   /* both families were answered, one of them at least with an address */
        RESOLVER_NOTHING, /* the name is there and has neither A nor AAAA */
        RESOLVER_NO_NAME, /* NXDOMAIN */
        RESOLVER_FAILED,  /* silence, SERVFAIL, REFUSED ... for one of the two families: nothing is known */
};

/* Valid during the call alone. Addresses are sorted, each once. */
struct resolver_answer {
        enum resolver_result result;
        const char *why; /* of all but FOUND, for the operator: "the resolver answered SERVFAIL" */
        uint32_t ttl;    /* FOUND: the lowest of all records on the way */
        const uint8_t (*v4)[4];
        size_t v4_count;
        const uint8_t (*v6)[16];
        size_t v6_count;
};
typedef void (*resolver_told)(void *context, const struct resolver_answer *answer);

/* Asks those servers (with their ports); with a count of 0 those that resolv.conf names, which is read now. A
 * negative errno. */
int resolver_new(
        struct sd_event *event, const struct address *servers, size_t count, struct resolver **ret_resolver);
/* Never calls told before it returns. At most some dozens run at a time, the others wait. -ENOMEM. */
int resolver_ask(struct resolver *resolver, const uint8_t *name, resolver_told told, void *context,
        struct resolver_question **ret_question);
/* It will not be told; NULL is fine. Returns NULL. Not to be called for a question that was told. */
struct resolver_question *resolver_cancel(struct resolver_question *question);
struct resolver *resolver_free(struct resolver *resolver); /* what runs is cancelled */
