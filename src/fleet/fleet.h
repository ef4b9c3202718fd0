/* What each secondary holds, as far as a primary can see: one row for each (zone, NOTIFY target), on the main loop.
 *
 * Rows are loaded from the store when a zone is first looked at, changed here, and written back by whoever owns the store's writer: at most once a second, by
 * fleet_take_dirty(). A lost row costs one repeated NOTIFY, nothing else: what is pending follows from the zone's serial. */
#pragma once

#include "base/address.h"
#include "conf/conf.h"
#include "dns/name.h"
#include "store/store.h"

#include <stdbool.h>
#include <stdint.h>

struct buffer;
struct fleet;

enum fleet_transfer_kind { FLEET_TRANSFER_NONE, FLEET_TRANSFER_AXFR, FLEET_TRANSFER_IXFR, FLEET_TRANSFER_IXFR_WHOLE };

/* Serials: 0 = never. Times: realtime microseconds, 0 = never. */
struct fleet_row {
        uint32_t notified_serial;       /* of the last NOTIFY sent */
        uint64_t notified_usec;
        uint32_t acknowledged_serial;
        uint64_t acknowledged_usec;
        int16_t last_rcode;             /* of the last answer to a NOTIFY; -1 = none yet */
        bool acknowledged_unsigned;     /* the target has a key and its answer had no TSIG */
        uint32_t failures;              /* NOTIFYs in a row without an answer */
        bool is_down;                   /* after 5 of them */
        uint32_t soa_serial;            /* what we answered to its last SOA query */
        uint64_t soa_usec;
        uint32_t transferred_serial;    /* to-serial of its last whole transfer */
        uint32_t transfer_from_serial;
        enum fleet_transfer_kind transfer_kind;
        uint64_t transfer_bytes;
        uint64_t transfer_duration_usec;
        uint64_t transfer_usec;
        uint64_t transfer_count;
};

struct fleet_target {
        struct fleet_zone *zone;
        struct conf_target target;      /* its key pointer belongs to the configuration that fleet holds */
        bool from_ns_set;               /* notify yes: resolved from the NS set */
        const char *ns_name;            /* then its name's text */
        struct fleet_row row;
        bool is_dirty;
        void *notify;                   /* notify/'s own state for this target while something is to be done; NULL else */
};

struct fleet_zone {
        uint8_t name[NAME_MAX_LENGTH];  /* folded */
        uint64_t id;                    /* in the store */
        uint32_t serial;                /* published */
        uint32_t refresh_sec;           /* SOA REFRESH, for the canary's longest interval */
        struct fleet_target **targets;
        size_t target_count;
};

int fleet_new(struct store *store, struct conf *conf, struct fleet **ret_fleet);
/* Targets of all known zones are made anew from the configuration; rows of targets that stay are kept, others are forgotten. */
int fleet_reconfigure(struct fleet *fleet, struct conf *conf);
struct conf *fleet_conf(const struct fleet *fleet);

/* The zone with its targets and rows, loaded on first use (from the row given; NULL: looked up in the store). NULL: not published, or memory is out. */
struct fleet_zone *fleet_zone_get(struct fleet *fleet, const uint8_t *name, const struct store_zone *row);
/* Addresses of the NS set came in (notify yes): becomes targets beside the also-notify list; those that left are forgotten. */
int fleet_zone_set_ns_targets(struct fleet *fleet, struct fleet_zone *zone, const struct conf_target *targets, const char *const *ns_names, size_t count);
void fleet_zone_forget(struct fleet *fleet, const uint8_t *name);

/* The target a peer is: by address and, where several have the address, by the key it used; NULL where it is none of them or cannot be told. */
struct fleet_target *fleet_target_find(struct fleet_zone *zone, const struct address *peer, const uint8_t *key_name);
void fleet_target_changed(struct fleet *fleet, struct fleet_target *target); /* the row is dirty now */

/* What the server saw. Returns the target, or NULL. */
struct fleet_target *fleet_saw_soa_query(struct fleet *fleet, const uint8_t *zone, const struct address *peer, const uint8_t *key_name, uint32_t serial, uint64_t at_usec);
struct fleet_target *fleet_saw_transfer(struct fleet *fleet, const uint8_t *zone, const struct address *peer, const uint8_t *key_name, enum fleet_transfer_kind kind, uint32_t from_serial, uint32_t to_serial,
        uint64_t bytes, uint64_t duration_usec, uint64_t at_usec);

/* Rows to write since the last call: malloc'ed array for the publisher's thread (values are encoded). */
struct fleet_write {
        uint64_t zone_id;
        uint8_t key[320];
        size_t key_size;
        uint8_t value[160];
        size_t size;
};
int fleet_take_dirty(struct fleet *fleet, struct fleet_write **ret_writes, size_t *ret_count);
/* Foreign bytes (the store's): -EBADMSG. */
int fleet_row_decode(const void *value, size_t size, struct fleet_row *ret_row);
void fleet_row_encode(const struct fleet_row *row, struct buffer *out);
struct fleet *fleet_free(struct fleet *fleet);
