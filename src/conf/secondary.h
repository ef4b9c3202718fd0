/* secondary "NAME" { ... }: a provider, or servers of one's own, that serve zones from us. One block is used
 * by many zones, through `secondaries { "NAME"; };` in zone, options and template. Immutable once loaded.
 *
 * What the block does not say comes from its provider (provider.h), else from the defaults of a server that
 * does what the RFCs say. */
#pragma once

#include "base/address.h"
#include "conf/provider.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct conf_policy;
struct tsig_key;

#define CONF_SECONDARY_NAME_MAX 63

/* Where NOTIFY goes. */
struct conf_notify_host {
        struct conf_host host;
        const struct tsig_key *key; /* signs it; NULL = unsigned */
};

enum conf_drift { CONF_DRIFT_REPAIR, CONF_DRIFT_REPORT };

struct conf_secondary {
        const char *name;
        const struct provider *provider; /* NULL = none: the block's own statements alone */

        bool notify; /* "notify no": no NOTIFY at all */
        const struct conf_notify_host *also_notify;
        size_t also_notify_count;
        unsigned notify_rate;         /* a second and target; 0 = options' notify-rate */
        struct address notify_source; /* family 0 = the zone's */
        struct address notify_source_v6;

        const struct acl *transfer_from;    /* who may ask: address, and key where there are keys */
        const struct tsig_key *const *keys; /* any of them; several while one is rolled */
        size_t key_count;
        const struct tsig_key *notify_key; /* the block's own, NULL = unsigned; targets have theirs */
        bool ixfr;                         /* "ixfr no": an IXFR is answered with the whole zone */
        bool strip_dnssec;
        unsigned transfers_out; /* at once; 0 = options' alone bounds it */

        const struct conf_host *nameservers; /* public servers, to be probed */
        size_t nameserver_count;
        enum conf_refresh refresh_by;
        uint32_t refresh_sec; /* CONF_REFRESH_INTERVAL */
        bool serial_is_own;   /* "serial own": its servers show another serial than ours */
        bool expire_is_honoured;
        bool probe;

        /* Pushed by an API (provider->kind is not PROVIDER_TRANSFER), but api_token. Paths are absolute. */
        const char *credentials; /* NULL = none */
        const char *zone_id;     /* NULL = found by the zone's name */
        const char *endpoint;    /* NULL = the provider's */
        const char *ca_file;     /* NULL = the system's */
        const char *api_token;   /* file with a token, beside transfers; NULL = none */
        enum conf_drift drift;
        uint64_t drift_interval_usec; /* 0 = never */
        bool push_soa_serial;
        bool push_apex_ns;
        bool unsupported_fails;
        unsigned batch_limit; /* operations of one request; 0 = the provider's */

        const char *conf_file; /* where the block stands */
        uint32_t conf_line;
};

/* Pushed by an API: takes no transfer and no NOTIFY. */
static inline bool conf_secondary_is_pushed(const struct conf_secondary *secondary)
{
        return secondary->provider && secondary->provider->kind != PROVIDER_TRANSFER;
}

/* How a request stands to a block. */
enum conf_secondary_match {
        CONF_SECONDARY_NONE,    /* neither address nor key */
        CONF_SECONDARY_ADDRESS, /* its address; the key is missing, or is another */
        CONF_SECONDARY_KEY,     /* its key, from an address that transfer-from does not have */
        CONF_SECONDARY_BOTH,    /* it is this one */
};
/* key: verified, or NULL. *ret_element (may be NULL): the element of transfer-from that decided, or NULL. */
enum conf_secondary_match conf_secondary_match(const struct conf_secondary *secondary,
        const struct address *peer, const struct tsig_key *key, const struct acl_element **ret_element);

/* The policy's secondary that this request comes from, or NULL. *ret_near (may be NULL): where it is NULL,
 * one that has the key but not the address, else one that has the address but not the key. */
const struct conf_secondary *conf_secondary_of(const struct conf_policy *policy, const struct address *peer,
        const struct tsig_key *key, const struct acl_element **ret_element,
        const struct conf_secondary **ret_near);

bool conf_secondary_has_key(const struct conf_secondary *secondary, const struct tsig_key *key);
/* The policy's secondary of that name (any case), or NULL. */
const struct conf_secondary *conf_policy_secondary(const struct conf_policy *policy, const char *name);
