/* What was gathered about a zone and about the daemon: values alone, nothing is asked here. Strings are the
 * gatherer's. Names are text, folded, without the final dot; addresses are text without port. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct doctor_names {
        const char **items;
        size_t count;
};
bool doctor_names_have(const struct doctor_names *names, const char *name);

struct doctor_key {
        const char *name, *algorithm;
        unsigned bits;
        bool is_taken; /* by the provider: false = its documents name other algorithms */
};

struct doctor_glue {
        const char *name, *address;
};

/* What a DS and the DNSKEY that it is of have in common. */
struct doctor_dnskey {
        uint16_t tag;
        uint8_t algorithm;
};

enum doctor_asked {
        DOCTOR_NOT_ASKED, /* no way to ask: `why` */
        DOCTOR_SILENT,
        DOCTOR_ANSWERED,
};

/* A server of a secondary, as the public sees it. */
struct doctor_server {
        const char *name;    /* NULL = known by address alone */
        const char *address; /* NULL = its name leads nowhere */
        enum doctor_asked asked;
        struct doctor_names ns; /* the apex NS set that it answered with */
};

struct doctor_secondary {
        const char *name;
        const char *provider;      /* NULL = none */
        const char *provider_date; /* of its facts: "2026-11-21"; "" = no date */
        bool is_block;             /* else a NOTIFY target of no block */
        bool is_pushed;            /* by an API: no transfers */
        bool has_own_ns;           /* pushed, and the apex NS set is not: it answers with its own */
        bool can_push_ns;          /* push-apex-ns would push it */
        bool drops_dnssec;         /* the provider does not carry it */
        bool is_stripped;          /* strip-dnssec */
        bool is_by_address;        /* no key: the address alone opens the zone */
        const struct doctor_key *keys;
        size_t key_count;
        struct doctor_names nameservers; /* its public servers' names */
        struct doctor_names required;    /* of them, those that have to be in the NS set */
        const struct doctor_server *servers;
        size_t server_count;
        bool is_new;  /* never transferred */
        bool is_late; /* of a push: it waits for a person */
        bool refuses_notify;
        const char *stage;     /* words for the last stage reached; of a push: its phase */
        const char *note;      /* why it lags; "" = nothing is known */
        uint64_t contact_usec; /* realtime, heard of last; of a push: in sync last; 0 = never */
        const char *retired;   /* a retired address that it used, with its end date: a sentence; NULL */
};

struct doctor_zone {
        const char *name;
        const char *state, *reason; /* reason NULL: simply published */
        bool is_published, is_signed;
        uint32_t refresh_sec, retry_sec, expire_sec, minimum_sec;
        const char *mname;
        struct doctor_names ns;         /* at our apex */
        const struct doctor_glue *glue; /* addresses in the zone of NS names in it */
        size_t glue_count;
        const struct doctor_dnskey *dnskeys; /* at our apex */
        size_t dnskey_count;
        struct doctor_names open_rules; /* elements of allow-transfer that need no key */
        const struct doctor_secondary *secondaries;
        size_t secondary_count;

        enum doctor_asked parent;
        const char *parent_why; /* NOT_ASKED, SILENT: a sentence */
        bool is_delegated;      /* the parent has an NS set for it */
        struct doctor_names parent_ns;
        const struct doctor_glue *parent_glue;
        size_t parent_glue_count;
        unsigned parent_ds_count;
        unsigned parent_ds_other_count; /* of those, of keys that are not at our apex */
        struct doctor_names visible;    /* names or addresses in NS set or glue that lead to us */
};

struct doctor_listener {
        const char *address; /* with its port */
        bool is_given;       /* to providers (public-address), else a listener */
        bool is_private;     /* an address that the Internet does not route */
        enum doctor_asked asked;
        const char *why; /* not answered */
};

enum doctor_clock { DOCTOR_CLOCK_UNKNOWN, DOCTOR_CLOCK_FREE, DOCTOR_CLOCK_KEPT };

struct doctor_daemon {
        const struct doctor_listener *listeners;
        size_t listener_count;
        enum doctor_clock clock;
        uint64_t clock_error_usec;     /* KEPT: at most */
        const struct doctor_key *keys; /* all that are configured */
        size_t key_count;
        bool has_keys_in_use;
};
