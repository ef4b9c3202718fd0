/* zonecrier doctor: facts from zonecrierd and from the DNS. Private to its files. */
#pragma once

#include "base/address.h"
#include "base/arena.h"
#include "base/table.h"
#include "doctor/doctor.h"

#include <jansson.h>

#define DOCTOR_RESOLVERS_MAX 3
#define DOCTOR_OWN_MAX 64

struct gatherer {
        struct arena arena; /* of all facts */
        struct address resolvers[DOCTOR_RESOLVERS_MAX];
        size_t resolver_count;
        struct table silent;                /* servers that did not answer: not asked again */
        struct address own[DOCTOR_OWN_MAX]; /* this server's addresses: listeners, and public-address */
        size_t own_count;
        const char *public_name; /* NULL = none */
};

/* doctor_facts.c: JSON to facts. */
void facts_read_daemon(struct gatherer *gatherer, const json_t *from, struct doctor_daemon *ret_facts);
void facts_read_zone(struct gatherer *gatherer, const json_t *from, struct doctor_zone *ret_facts);
void *facts_alloc(struct gatherer *gatherer, size_t size); /* zeroed. Without memory the program ends */
const char *facts_text(struct gatherer *gatherer, const char *text);
void names_add(struct gatherer *gatherer, struct doctor_names *names, const char *name);

/* doctor_dns.c: what the DNS says. */
/* option: "ADDRESS" or "ADDRESS#PORT", NULL = those of /etc/resolv.conf. -EINVAL. */
int dns_find_resolvers(struct gatherer *gatherer, const char *option);
void dns_ask_parent(struct gatherer *gatherer, struct doctor_zone *facts);
void dns_ask_servers(struct gatherer *gatherer, struct doctor_zone *facts);
void dns_find_visible(struct gatherer *gatherer, struct doctor_zone *facts);

/* doctor_host.c: this machine. */
void host_judge_listeners(struct gatherer *gatherer, const json_t *from, struct doctor_daemon *facts);
void host_read_clock(struct doctor_daemon *facts);
