/* What each secondary holds, as far as a primary can see: one row for each (zone, NOTIFY target), on the main
 * loop.
 *
 * Rows are loaded from the store when a zone is first looked at, changed here, and written back by whoever
 * owns the store's writer: at most once a second, by fleet_take_dirty(). A lost row costs one repeated
 * NOTIFY, nothing else: what is pending follows from the zone's serial. */
#pragma once

#include "base/address.h"
#include "conf/conf.h"
#include "dns/name.h"
#include "store/store.h"

#include <stdbool.h>
#include <stdint.h>

struct buffer;
struct fleet;

enum fleet_transfer_kind {
        FLEET_TRANSFER_NONE,
        FLEET_TRANSFER_AXFR,
        FLEET_TRANSFER_IXFR,
        FLEET_TRANSFER_IXFR_WHOLE, /* an IXFR answered with the whole zone */
};

/* Serials: 0 = never. Times: realtime microseconds, 0 = never. */
struct fleet_row {
        uint64_t notified_usec;
        uint64_t acknowledged_usec;
        uint64_t soa_usec;
        uint64_t transfer_usec;
        uint64_t transfer_bytes;
        uint64_t transfer_duration_usec;
        uint64_t transfer_count;
        uint32_t notified_serial; /* of the last NOTIFY sent */
        uint32_t acknowledged_serial;
        uint32_t failures;           /* NOTIFYs in a row without an answer */
        uint32_t soa_serial;         /* what we answered to its last SOA query */
        uint32_t transferred_serial; /* to-serial of its last whole transfer */
        uint32_t transfer_from_serial;
        enum fleet_transfer_kind transfer_kind;
        int16_t last_rcode;         /* of the last answer to a NOTIFY; -1 = none yet */
        bool acknowledged_unsigned; /* the target has a key and its answer had no TSIG */
        bool is_down;               /* after 5 failures */
};

struct fleet_target {
        struct fleet_zone *zone;
        struct conf_target target; /* its key pointer belongs to the configuration that fleet holds */
        const char
                *ns_name; /* resolved: the server's name as text, without the final dot; NULL = by address */
        struct fleet_row row;
        void *notify; /* notify/'s own state for this target while something is to be done; NULL else */
        uint32_t dirty_index; /* fleet/'s own */
        bool is_dirty;
        bool from_ns_set; /* notify yes: resolved from the NS set */
};

struct fleet_zone {
        uint64_t published_usec;     /* of that serial, realtime */
        uint64_t id;                 /* in the store */
        uint32_t serial;             /* published */
        uint32_t refresh_sec;        /* SOA REFRESH, for the canary's longest interval */
        uint32_t targets_generation; /* grows when targets come or go */
        struct fleet_target **targets;
        size_t target_count;
        const uint8_t *name; /* folded */
};

int fleet_new(struct store *store, struct conf *conf, struct fleet **ret_fleet);
/* Targets of all known zones are made anew from the configuration; rows of targets that stay (same address,
 * port and key name) are kept, others are forgotten. -ENOMEM: a zone may have lost its targets until the next
 * call. */
int fleet_reconfigure(struct fleet *fleet, struct conf *conf);
struct conf *fleet_conf(const struct fleet *fleet);

/* The zone with its targets and rows, loaded on first use (from the row given; NULL: looked up in the store).
 * NULL: not published, or memory is out. A row that is given also says the serial, id and REFRESH of now. */
struct fleet_zone *fleet_zone_get(struct fleet *fleet, const uint8_t *name, const struct store_zone *row);
/* All zones looked at so far, in no order: position begins at 0; NULL at the end. */
struct fleet_zone *fleet_zone_next(const struct fleet *fleet, size_t *position);
/* What names were resolved to: those of blocks' also-notify (target.secondary is set), and of the NS set
 * (notify yes). They become targets beside those that are listed by address; those that left are forgotten.
 */
int fleet_zone_set_resolved(struct fleet *fleet, struct fleet_zone *zone, const struct conf_target *targets,
        const char *const *names, size_t count);
void fleet_zone_forget(struct fleet *fleet, const uint8_t *name);
/* Called before a target whose `notify` is set goes away. */
void fleet_on_target_gone(
        struct fleet *fleet, void (*gone)(void *context, struct fleet_target *target), void *context);

/* The target a peer is: by address and, where several have the address, by the key it used; where none has
 * the address, by the key alone (many providers ask from elsewhere than they take NOTIFY). key_name: of a key
 * that was verified, NULL or the root = none. NULL where it is none of them or cannot be told. */
struct fleet_target *fleet_target_find(
        struct fleet_zone *zone, const struct address *peer, const uint8_t *key_name);
/* The zone's targets of that block, one after the other: *position begins at 0; NULL at the end. For what was
 * seen of a block from an address that is no NOTIFY target of it. */
struct fleet_target *fleet_block_target_next(
        const struct fleet_zone *zone, const char *secondary, size_t *position);
/* It acknowledged, or took, the zone's serial of now. */
bool fleet_target_is_current(const struct fleet_target *target);
void fleet_target_changed(struct fleet *fleet, struct fleet_target *target); /* the row is dirty now */

/* What the server saw. Returns the target, or NULL. */
struct fleet_target *fleet_saw_soa_query(struct fleet *fleet, const uint8_t *zone, const struct address *peer,
        const uint8_t *key_name, uint32_t serial, uint64_t at_usec);
struct fleet_target *fleet_saw_transfer(struct fleet *fleet, const uint8_t *zone, const struct address *peer,
        const uint8_t *key_name, enum fleet_transfer_kind kind, uint32_t from_serial, uint32_t to_serial,
        uint64_t bytes, uint64_t duration_usec, uint64_t at_usec);

/* The same for a target that is known already. */
void fleet_target_saw_soa_query(
        struct fleet *fleet, struct fleet_target *target, uint32_t serial, uint64_t at_usec);
void fleet_target_saw_transfer(struct fleet *fleet, struct fleet_target *target,
        enum fleet_transfer_kind kind, uint32_t from_serial, uint32_t to_serial, uint64_t bytes,
        uint64_t duration_usec, uint64_t at_usec);

/* A state row of somebody else's, to be written with the others. */
void fleet_put_state(struct fleet *fleet, const struct fleet_zone *zone, const void *key, size_t key_size,
        const void *value, size_t size);

/* Rows to write since the last call: malloc'ed array for the publisher's thread (values are encoded), NULL
 * and 0 where there is none. In order; size 0 = the row is to be deleted. */
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
