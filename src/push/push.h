/* Pushes the published version to providers that take no transfer (Route 53, Cloudflare's records): for each
 * zone and each secondary block of that kind, what is there becomes what is published.
 *
 *     main loop                          a worker's thread for each account
 *     push.c   --- orders (queue) --->   worker.c: the way that is due next, one request after the other
 *              <-- reports (queue) ---   way.c: list or journal, compare, batches, in sync
 *
 * The main loop never waits: a worker reads the store, compares and asks the provider. */
#pragma once

#include "conf/conf.h"
#include "push/provider.h"
#include "store/store.h"

#include <stdbool.h>
#include <stdint.h>

struct sd_event;
struct push;
struct fleet_write;
struct prober;
struct survey;

enum push_phase {
        PUSH_WAITING, /* for its turn */
        PUSH_LISTING,
        PUSH_CHANGING,  /* batches are sent */
        PUSH_SPREADING, /* taken; the provider gives it to its servers */
        PUSH_IN_SYNC,
        PUSH_HELD,     /* a plan waits for approve */
        PUSH_RETRYING, /* throttled, no answer, no zone: it goes on by itself */
        PUSH_FAILED,   /* the provider refuses a record; the next version, or `zonecrier push`, tries again */
};
const char *push_phase_name(enum push_phase phase);

struct push_status {
        enum push_phase phase;
        uint32_t serial;                       /* in sync; 0 = never */
        uint32_t wanted;                       /* serial of the version that is on its way, or was last */
        uint64_t in_sync_usec, compared_usec;  /* realtime; 0 = never */
        uint64_t retry_usec;                   /* realtime; 0 = nothing is waited for */
        unsigned failures;                     /* in a row */
        uint32_t skipped;                      /* records it cannot hold */
        size_t changes, batches, batches_done; /* of the push at hand, or the last one */
        size_t drift;                          /* RRsets that the last comparison found changed there */
        uint64_t requests, throttled, changes_sent; /* since the start */
        bool shows_serial;                          /* its SOA has our serial */
        bool is_looked_for;                         /* name servers are asked for what was pushed */
        unsigned servers_asked, servers_seen;
        bool has_hash;
        uint8_t hash[32];
        char zone_id[PUSH_ID_MAX];
        char why[PUSH_WHY_MAX]; /* of HELD, RETRYING, FAILED; "" = nothing */
};

/* Of a zone at a secondary that transfers it, and whose provider has an API beside (api-token). Serials:
 * 0 = none. Times: realtime microseconds, 0 = never. */
struct push_api_status {
        uint32_t serial;        /* that it says it holds */
        uint64_t checked_usec;  /* it says that it looked then */
        uint64_t read_usec;     /* it said so then */
        uint32_t forced_serial; /* the last that it was asked to transfer */
        uint64_t forced_usec;
        unsigned failures;   /* in a row */
        uint64_t retry_usec; /* 0 = nothing is waited for */
        char why[PUSH_WHY_MAX];
};

struct push_options {
        struct sd_event *event;
        struct store *store;
        struct prober *prober; /* asks the providers' name servers */
        struct survey *survey; /* knows which secondary transferred what; longer-lived */
        /* Small state for the store: takes the malloc'ed array over. */
        int (*write)(void *context, struct fleet_write *writes, size_t count);
        /* A status has changed: for events and whoever waits. */
        void (*changed)(void *context, const uint8_t *zone, const struct conf_secondary *secondary,
                const struct push_status *before, const struct push_status *now);
        void *context;
};

int push_new(const struct push_options *options, struct conf *conf, struct push **ret_push);
int push_reconfigure(struct push *push, struct conf *conf);
/* A version is published (also once for each zone after the start). */
void push_zone_published(struct push *push, const struct store_zone *row);
void push_zone_forget(struct push *push, const uint8_t *zone);

/* The status of a zone at a secondary; NULL: it is not pushed there (or not yet known). */
const struct push_status *push_status(const struct push *push, const uint8_t *zone, const char *secondary);
/* In sync, and seen at every name server that is asked. */
bool push_is_current(const struct push_status *status);
/* The zone's pushes one by one: position begins at 0; NULL at the end. */
const struct push_status *push_status_next(const struct push *push, const uint8_t *zone, size_t *position,
        const struct conf_secondary **ret_block);
/* Name servers that the provider gave the zone: text without final dot. */
size_t push_name_servers(
        const struct push *push, const uint8_t *zone, const char *secondary, const char *const **ret_names);

/* Whether push-apex-ns means something there: else it keeps an NS set of its own. */
bool push_can_give_apex_ns(const struct conf_secondary *secondary);

/* Pushes now, whatever it waits for. secondary NULL: all. Returns how many; 0 = none is pushed. */
size_t push_force(struct push *push, const uint8_t *zone, const char *secondary);
/* Releases what is held if this is its hash: 0, -ENOENT (no such push), -EALREADY (nothing is held), -ESTALE
 * (another hash). */
int push_approve(
        struct push *push, const uint8_t *zone, const char *secondary, const uint8_t hash[static 32]);
/* What a push would do now: `done` is called once on the main loop with text (and the hash), or with text
 * NULL and why. -ENOENT. */
typedef void (*push_planned)(
        void *context, const char *text, const uint8_t *hash, bool is_held, const char *why);
int push_plan(
        struct push *push, const uint8_t *zone, const char *secondary, push_planned done, void *context);
/* The request is gone: its done is not called any more. */
void push_plan_forget(struct push *push, void *context);

/* What the provider's API says of a zone that it transfers; NULL: it is not asked. */
const struct push_api_status *push_api_status(
        const struct push *push, const uint8_t *zone, const char *secondary);

/* Sums of a secondary block over its zones, since the start; false: nothing is pushed to it. */
struct push_sums {
        uint64_t zones, in_sync, held, retrying, failed;
        uint64_t requests, throttled, changes_sent;
};
bool push_sums(const struct push *push, const char *secondary, struct push_sums *ret_sums);

struct push *push_free(struct push *push);
