/* The configuration: named.conf's grammar, read into one immutable, reference-counted tree.
 *
 * conf_load() reads the file and what it includes, tells every error with file:line:column, and returns a
 * tree only when there is no error: a wrong configuration changes nothing. Threads hold a reference for as
 * long as they work with it; connections under way keep the one they began with. All strings and structs
 * belong to the tree. */
#pragma once

#include "base/address.h"
#include "base/diag.h"
#include "conf/acl.h"
#include "conf/checks.h"
#include "conf/secondary.h"
#include "dns/name.h"
#include "dns/tsig.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum conf_notify {                /* named.conf's notify */
        CONF_NOTIFY_EXPLICIT,     /* the also-notify list alone: the default here */
        CONF_NOTIFY_YES,          /* the NS set less MNAME, and also-notify */
        CONF_NOTIFY_PRIMARY_ONLY, /* as yes, for a primary */
        CONF_NOTIFY_NO,
};

enum conf_serial_method {
        CONF_SERIAL_INCREMENT,
        CONF_SERIAL_UNIXTIME,
        CONF_SERIAL_DATE,
};

enum conf_lost_state { CONF_LOST_STATE_HOLD, CONF_LOST_STATE_FILE };

/* Somebody to send NOTIFY to. */
struct conf_target {
        struct address address;     /* with its port; 53 by default */
        const struct tsig_key *key; /* NULL = unsigned */
        const struct conf_secondary
                *secondary; /* whose block it is of; NULL = also-notify's, or an NS name's */
};

#define CONF_UNLIMITED UINT64_MAX
#define CONF_BY_ZONE_SIZE (UINT64_MAX - 1)

/* guard { ... }: what looks like a slip is held (zone/guard.h judges by it). */
struct conf_guard {
        uint64_t max_delete_percent; /* of the RRsets at the window's beginning; default 30; CONF_UNLIMITED */
        uint64_t max_change_percent; /* changed or gone; default 50; CONF_UNLIMITED */
        uint64_t window_usec;        /* default 3600 s */
        uint64_t min_records;        /* default 10: smaller zones are not judged by share */
        bool protect_apex;           /* default yes */
        uint32_t max_serial_step;    /* of the file's serial; default 31622400, a leap year's seconds */
};

/* What holds for one zone: its own statements over those of options. */
struct conf_policy {
        enum conf_notify notify;
        bool notify_to_soa;
        const struct conf_target *also_notify;
        size_t also_notify_count;
        const struct conf_secondary *const *secondaries; /* besides also_notify and allow_transfer */
        size_t secondary_count;
        const struct acl *allow_transfer; /* NULL = nobody */
        bool transfers_public; /* "transfers-public yes": allow-transfer { any; } without a key is meant */
        const struct acl *allow_query; /* NULL = the default: localhost, transfer and NOTIFY addresses,
                                          key-only rules at a limited rate */
        enum conf_serial_method serial_method;
        enum conf_lost_state lost_state;
        bool write_back; /* "serial-write-back": the published serial goes into the zone's file */
        struct address notify_source; /* family 0 = any; port 0 = random */
        struct address notify_source_v6;
        uint64_t notify_delay_usec;      /* 0 by default */
        uint64_t alert_after_usec;       /* a secondary that is late by so much is stale; default 5 min */
        uint64_t max_journal_bytes;      /* default CONF_BY_ZONE_SIZE; CONF_UNLIMITED */
        unsigned max_ixfr_ratio_percent; /* of the AXFR's size; default 100; 0 = unlimited */
        uint64_t settle_usec;            /* "settle-time", default 50 ms */
        struct conf_checks checks;       /* of the zone's text */
        struct conf_guard guard;
        const char *atomic; /* the template whose zones in one commit go as a whole; NULL = each by itself */
};

struct conf_zone {
        uint8_t name[NAME_MAX_LENGTH]; /* folded */
        const char *name_text;         /* without final dot */
        const char *file; /* absolute, or under options.directory, made absolute; without a file statement the
                             one in the zone-files folder; NULL = one in git */
        struct conf_policy policy;
        const char *template_name; /* NULL = options' policy was the beginning */
        const char *conf_file;     /* where the block stands */
        uint32_t conf_line;
};

/* template "NAME" { match "*.example"; ... }: a policy for many zones. */
struct conf_template {
        const char *name;
        const char *const *matches; /* folded; "*" stands for any characters */
        size_t match_count;
        struct conf_policy policy;
};

/* zone-files { directory "zones"; [file-name "%s.zone";] [include-root "..";] }; */
struct conf_zone_files {
        const char *directory;    /* absolute */
        const char *file_name;    /* pattern with one %s; default "%s.zone" */
        const char *include_root; /* NULL = the directory */
};

/* zone-files { git "/srv/dns.git"; [branch "main";] [path "zones";] ... }; */
struct conf_git {
        const char *repository;    /* absolute */
        const char *branch;        /* NULL = HEAD */
        const char *path;          /* folder of the commit; "" = all of it */
        const char *file_name;     /* pattern, as above */
        bool all_or_nothing;       /* "commit-policy all-or-nothing" */
        const char *const *atomic; /* folders beneath path whose zones go as a whole */
        size_t atomic_count;
        const char *fetch; /* remote; NULL = nothing is fetched */
        uint64_t fetch_usec;
        bool notes; /* each publish is told in refs/notes/zonecrier */
};

struct conf_listen {
        struct address address; /* with port; all zero bytes = every address of the family */
};

/* statistics-channels { inet ADDRESS [port N] [allow { ... }]; }; */
struct conf_channel {
        struct address address;  /* with its port; all zero bytes = every address of the family */
        const struct acl *allow; /* addresses alone */
};

struct conf_options {
        const char *directory;       /* absolute; default: the folder of the configuration file */
        const char *state_directory; /* default $STATE_DIRECTORY, else /var/lib/zonecrier */
        const char *serial_file;     /* default STATE/serials */
        struct conf_listen *listen;  /* default: port 53 of every address; systemd's sockets replace it */
        size_t listen_count;
        unsigned tcp_clients;          /* default 500, TCP connections in all */
        unsigned tcp_clients_per_peer; /* default 50: "tcp-clients-per-peer" */
        unsigned transfers_out;        /* default 100, at once */
        uint64_t tcp_idle_usec;        /* "tcp-idle-timeout", named.conf unit 100 ms; default 30 s */
        uint64_t transfer_time_usec;   /* "max-transfer-time-out", minutes; default 120 min */
        uint64_t transfer_idle_usec;   /* "max-transfer-idle-out", minutes; default 60 min; ours:
                                          "min-transfer-rate" below */
        uint64_t min_transfer_rate;    /* bytes a second, over 30 s; default 1024 */
        uint64_t store_limit_bytes;    /* "store-size-limit"; default 64 GiB of address space */
        unsigned notify_rate;          /* a second and target; default 20 */
        unsigned probe_rate; /* packets and connections a second, over all name servers; default 50 */
        uint64_t probe_interval_usec; /* each zone's name servers are asked so often in quiet; default 1 h */
        struct address probe_source;  /* family 0 = any; port 0 = random */
        struct address probe_source_v6;
        const char *control_socket;          /* controls { unix "PATH" [perm 0660 owner N group N]; }; default
                                                $RUNTIME_DIRECTORY/control.sock, else /run/zonecrier/control.sock */
        unsigned control_mode;               /* default 0660 */
        int64_t control_uid, control_gid;    /* -1 = as created */
        const struct conf_channel *channels; /* statistics-channels; none by default */
        size_t channel_count;
        const char *const *channel_hosts; /* names that a request's Host may have, besides addresses */
        size_t channel_host_count;
        bool zone_metrics;              /* a label for each zone in /metrics */
        const char *on_event;           /* the user's program for events, absolute; NULL = none */
        uint64_t on_event_timeout_usec; /* default 60 s */
        unsigned query_rate_limit; /* "key-only-query-rate": unknown peers' SOA and NS queries a second, in
                                      all; default 100 */
        const struct address *public_addresses; /* "public-address": what providers are told, behind NAT */
        size_t public_address_count;
        const char *public_name; /* a host name that stays: "public-address" may have one; NULL */
        const struct address *alias_resolvers; /* "alias-resolver", with their ports; none: resolv.conf's */
        size_t alias_resolver_count;
        uint64_t alias_min_interval_usec;      /* "alias-min-interval", seconds; default 60 */
        const struct address *url_redirectors; /* "url-redirector" */
        size_t url_redirector_count;
        const char
                *include_root; /* for $INCLUDE of zone "..." { file } zones; NULL = the file's own folder */
};

struct conf {
        struct conf_options options;
        struct conf_policy policy; /* options' own: for zones found by zone-files */
        struct conf_zone *zones;   /* sorted as written */
        size_t zone_count;
        const struct conf_template *templates; /* in the order in which they were written */
        size_t template_count;
        const struct conf_secondary *const *secondaries; /* every block, as written */
        size_t secondary_count;
        const struct provider *const *providers; /* by name: what is used or defined */
        size_t provider_count;
        struct conf_zone_files *zone_files;
        size_t zone_files_count;
        struct conf_git *git;
        size_t git_count;
        const struct tsig_key *const *keys;
        size_t key_count;
        const char *const *files; /* every file read, for the reload's watcher and for messages */
        size_t file_count;
        /* private parts of conf/ follow this struct */
};

struct conf_load_options {
        bool without_secrets_check; /* tests */
        bool all_providers;         /* those that are compiled in too, not what is used alone */
        bool without_files;         /* fuzzing: include, key files and globs are errors */
        const char *text;           /* with without_files: the configuration itself; path is its name */
        size_t text_length;
};

/* *ret_conf has one reference. Diagnostics (errors, warnings, notes) go to diags in any case. Returns 0,
 * -EINVAL when there were errors, -ENOMEM. options may be NULL. */
int conf_load(const char *path, const struct conf_load_options *options, struct diag_list *diags,
        struct conf **ret_conf);
/* Warns of folders and zone files that are not there. */
void conf_check_paths(const struct conf *conf, struct diag_list *diags);
struct conf *conf_ref(struct conf *conf);   /* any thread */
struct conf *conf_unref(struct conf *conf); /* wipes the keys with the last one */

/* The zone's own block, or NULL. */
const struct conf_zone *conf_zone_find(const struct conf *conf, const uint8_t *name);
/* The zone's policy: of its block; without one that of the first template whose match fits, else options'.
 * Never NULL. */
const struct conf_policy *conf_policy_for(const struct conf *conf, const uint8_t *name);
/* Whether the zone looks like a subdomain of what a registry delegates. */
bool conf_is_subdomain(const char *zone);
/* The block of that name (any case), or NULL. */
const struct conf_secondary *conf_secondary_find(const struct conf *conf, const char *name);
/* The provider of that name (any case) among conf->providers, or NULL. */
const struct provider *conf_provider_find(const struct conf *conf, const char *name);
/* The template that fits the zone by its match, or NULL. */
const struct conf_template *conf_template_for(const struct conf *conf, const uint8_t *name);
/* The key of that name (any case), or NULL. */
const struct tsig_key *conf_key_find(const struct conf *conf, const uint8_t *name);
