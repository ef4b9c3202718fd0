/* What is known of a provider that acts as a secondary: dated facts, compiled in (provider_data.c) and
 * replaced or added to by `provider` blocks of the configuration. Immutable once loaded.
 *
 * What no source says is PROVIDER_UNKNOWN or empty, and nothing is concluded from it. */
#pragma once

#include "base/address.h"
#include "conf/acl.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum provider_kind {
        PROVIDER_TRANSFER,           /* takes zones by AXFR or IXFR */
        PROVIDER_ROUTE53,            /* takes none: records are pushed by its API */
        PROVIDER_CLOUDFLARE_RECORDS, /* the same */
};

enum provider_answer { PROVIDER_UNKNOWN, PROVIDER_NO, PROVIDER_YES };

enum conf_refresh {
        CONF_REFRESH_NOTIFY,   /* NOTIFY, and REFRESH of the SOA */
        CONF_REFRESH_SOA,      /* REFRESH of the SOA alone */
        CONF_REFRESH_INTERVAL, /* an interval of its own */
};

/* An address, or a name that is looked up before each use. */
struct conf_host {
        const char *name;       /* without final dot; NULL = an address */
        struct address address; /* port set in any case; family 0 where it is a name */
        bool is_required;       /* nameservers of a provider: it has to stand in the apex NS set */
};

/* A line of the form that the provider's page shows: its own words, and what to type. */
struct provider_field {
        const char *label;
        const char *value; /* a word that stands for a value of ours (client/provider_form.c), or text */
        bool is_literal;
};

struct provider_reference {
        const char *address; /* a document */
        const char *date;    /* when it was read: "2026-11-21" */
};

struct provider {
        const char *name;  /* "wedos" */
        const char *title; /* "WEDOS DNS Secondary Servers" */
        enum provider_kind kind;
        bool is_builtin; /* false: of the configuration alone */
        bool is_changed; /* built in, with statements of the configuration over it */

        const struct acl *transfer_from; /* NULL = not published */
        const char *addresses_at;        /* where the operator finds what is not published; NULL */
        const struct conf_host *also_notify;
        size_t also_notify_count;
        const struct conf_host *nameservers;
        size_t nameserver_count;

        unsigned algorithms;       /* a bit 1 << enum tsig_algorithm for each; 0 = not said */
        enum provider_answer tsig; /* takes a key */
        enum provider_answer ixfr;
        enum provider_answer dnssec;     /* carries a signed zone as it is */
        enum provider_answer ipv4, ipv6; /* reaches a primary over it */
        bool notify;                     /* takes NOTIFY */
        bool api_token;                  /* has an API that an api-token is for, beside transfers */
        enum conf_refresh refresh_by;
        uint32_t refresh_sec;     /* CONF_REFRESH_INTERVAL */
        uint32_t refresh_min_sec; /* it asks no more often, whatever REFRESH says; 0 = not said */
        bool serial_is_own;       /* its servers show a serial of their own */
        bool expire_is_honoured;
        bool probe;            /* its name servers may be asked */
        uint16_t primary_port; /* it asks this port alone; 0 = any */
        bool refuses_subdomains;
        uint32_t minimum_ttl;        /* 0 = none */
        uint32_t first_transfer_sec; /* the first transfer may take so long; 0 = not said */
        const char *apex_txt;        /* a TXT record it wants to see first, "ownercheck"; NULL */

        const struct provider_field *fields;
        size_t field_count;
        const char *const *notes; /* sentences for the operator */
        size_t note_count;
        const struct provider_reference *references;
        size_t reference_count;
};

const char *provider_kind_name(enum provider_kind kind);       /* "transfer", "route53", ... */
const char *provider_answer_name(enum provider_answer answer); /* "unknown", "no", "yes" */
bool provider_takes_algorithm(const struct provider *provider, unsigned algorithm); /* or it is not said */
/* The newest date of its references, "" where there is none. */
const char *provider_date(const struct provider *provider);
