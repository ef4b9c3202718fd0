/* The way of one push: a zone at a secondary, one step after the other. A worker's thread. Private to push/.
 *
 *     REST -> FIND -> NAMES -> LIST ----> COMPARE -> (held) -> MARK -> APPLY ... -> SYNC -> REST
 *                          \-> DELTA -> LOOK ... ---/          the row is durable: a push is begun
 *                               SOA ----/
 *
 * DELTA takes the changes out of the journal: no listing. It is for a zone that was pushed whole under a
 * version that the journal reaches, and whose last push is known to have ended; else LIST. */
#pragma once

#include "push/batch.h"
#include "push/compare.h"
#include "push/worker.h"

struct push_session;

enum way_step {
        WAY_REST,
        WAY_FIND,
        WAY_NAMES,
        WAY_SOA,
        WAY_LIST,
        WAY_COMPARE,
        WAY_DELTA,
        WAY_LOOK,
        WAY_MARK,
        WAY_APPLY,
        WAY_SYNC,
};

struct way {
        struct way *next; /* of the worker's */
        struct push_target *target;
        struct conf *conf; /* a reference */
        const struct conf_secondary *block;
        uint8_t zone[NAME_MAX_LENGTH];

        enum way_step step;
        uint64_t due;    /* monotonic; UINT64_MAX = when an order comes */
        bool is_wanted;  /* a version may be there that was not pushed */
        bool compares;   /* what is there is to be listed */
        bool is_drift;   /* this one is for drift alone */
        bool is_dry;     /* for a plan alone */
        bool wants_plan; /* somebody asked for one */
        bool has_approval;
        uint8_t approved[32];
        unsigned recomputed;  /* after a refusal */
        size_t refused_count; /* changes left then */
        size_t owners_limit;  /* of a batch, halved to find the owner that is refused; 0 = none */
        bool is_denied;

        bool has_row; /* row was read */
        uint64_t store_id;
        struct push_row row;
        struct push_names names, gone_names; /* gone: to be taken out of the store */
        bool names_are_new;
        struct arena soa_arena;
        struct push_set *soa; /* the provider's own, NULL = not known */

        /* The push at hand. */
        uint64_t version;
        uint32_t era, serial;
        struct digest digest;
        struct push_listing listing;
        struct push_changes changes;
        struct push_batches batches;
        size_t batch, look;
        bool looks_at_all; /* a listing costs less than to look each owner up */
        uint64_t mark_since;
        uint64_t sync_wait_usec;
        char *plan;

        struct push_status status, told;
        bool is_in_sync_now; /* to be told */
        bool is_signed_now;  /* likewise */
        bool is_row_new;
};

struct way_context {
        struct store *store;
        struct push_session *session;
        struct queue *reports;
};

struct way *way_new(const struct push_order *order);
struct way *way_free(struct way *way);
void way_order(struct way *way, const struct push_order *order);
/* Whether the next step asks the provider. */
bool way_asks(const struct way *way);
/* One step, at most one request; sets due. */
void way_step(struct way *way, const struct way_context *context);
/* It has no credentials: session->why says why. */
void way_deny(struct way *way, const struct way_context *context);

/* ---- way.c, for way_ask.c ---- */

void way_go(struct way *way, enum way_step step); /* at once */
void way_wait_for(struct way *way, uint64_t usec);
void way_retry(struct way *way, const struct push_session *session, uint64_t max_usec);
void way_rest(struct way *way);
void way_place(struct way *way, const struct push_session *session);  /* finds the zone there */
void way_choose(struct way *way, const struct push_session *session); /* a list, or the journal */
void way_done(struct way *way);
void way_fail(struct way *way, const struct push_session *session);
void way_planned(struct way *way, const struct way_context *context, int plan);

/* ---- way_ask.c ---- */

int way_ask(struct way *way, struct push_session *session); /* the step's request: enum push_outcome */
void way_answered(struct way *way, const struct way_context *context, int outcome);
void way_failed(struct way *way, const struct way_context *context, int outcome);

/* ---- way_compute.c: what is to be done, without a request ---- */

enum way_plan {
        WAY_PLAN_GO = 0, /* changes and batches are there, perhaps none */
        WAY_PLAN_HELD,
        WAY_PLAN_DRY,     /* the plan was asked for alone, or drift is only reported */
        WAY_PLAN_COMPARE, /* the journal does not say */
        WAY_PLAN_LOOK,    /* what is there of these owners is to be looked up */
        WAY_PLAN_GONE,    /* the zone is not published */
        WAY_PLAN_UNSUPPORTED,
        WAY_PLAN_LARGE,
};
/* Negative errno, or enum way_plan. */
int way_compare(struct way *way, const struct way_context *context);
int way_delta(struct way *way, const struct way_context *context);
int way_looked(struct way *way, const struct way_context *context);
/* Loads the row, and says what there is to do: the zone's row; 0, -ENOENT. */
int way_load(struct way *way, const struct way_context *context, uint64_t *ret_version, uint32_t *ret_serial);
/* True once the store says that a push is begun. */
int way_is_marked(struct way *way, const struct way_context *context);
int way_keep_soa(struct way *way, const struct push_set *soa);
void way_clear(struct way *way); /* the push at hand */

/* ---- way_tell.c ---- */

/* Tells what is new, and has what changed of the row written. */
void way_tell(struct way *way, const struct way_context *context);
void way_tell_plan(struct way *way, const struct way_context *context, const char *text);
