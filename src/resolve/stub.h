/* Addresses of names, asked of recursive resolvers with c-ares on the main loop: A and AAAA of one name at a
 * time, CNAMEs followed by the resolver. For ALIAS records (zonefile/alias.h). Nothing is kept here: who asks
 * keeps the answer for its TTL. */
#pragma once

#include "base/address.h"

#include <stddef.h>
#include <stdint.h>

struct stub_resolver;
struct stub_question;
struct sd_event;

/* Of one family. More are left out, the least in order first: what does not fit one message is no use. */
#define STUB_ADDRESSES_MAX 64

enum stub_result {
        STUB_FOUND,   /* both families were answered, one of them at least with an address */
        STUB_NOTHING, /* the name is there and has neither A nor AAAA */
        STUB_NO_NAME, /* NXDOMAIN */
        STUB_FAILED,  /* silence, SERVFAIL, REFUSED ... for one of the two families: nothing is known */
};

/* Valid during the call alone. Addresses are sorted, each once. */
struct stub_answer {
        enum stub_result result;
        const char *why; /* of all but FOUND, for the operator: "the resolver answered SERVFAIL" */
        uint32_t ttl;    /* FOUND: the lowest of all records on the way */
        const uint8_t (*v4)[4];
        size_t v4_count;
        const uint8_t (*v6)[16];
        size_t v6_count;
};
typedef void (*stub_told)(void *context, const struct stub_answer *answer);

/* Asks those servers (with their ports); with a count of 0 those that resolv.conf names, which is read now. A
 * negative errno. */
int stub_new(struct sd_event *event, const struct address *servers, size_t count,
        struct stub_resolver **ret_resolver);
/* Never calls told before it returns. At most some dozens run at a time, the others wait. -ENOMEM. */
int stub_ask(struct stub_resolver *resolver, const uint8_t *name, stub_told told, void *context,
        struct stub_question **ret_question);
/* It will not be told; NULL is fine. Returns NULL. Not to be called for a question that was told. */
struct stub_question *stub_cancel(struct stub_question *question);
struct stub_resolver *stub_free(struct stub_resolver *resolver); /* what runs is cancelled */
