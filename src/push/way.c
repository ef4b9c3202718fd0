/* One step of a push at a time, and what an answer means for the next. A worker's thread. */
#include "push/way.h"

#include "base/clock.h"
#include "dns/type.h"
#include "push/pace.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NEVER UINT64_MAX
#define BACKOFF_MAX_USEC (300 * USEC_PER_SEC)
#define MARK_USEC (5 * USEC_PER_MSEC)
#define MARK_ANEW_USEC (5 * USEC_PER_SEC)

struct way *way_new(const struct push_order *order)
{
        struct way *way = calloc(1, sizeof(*way));
        if (!way)
                return NULL;
        way->target = order->target;
        way->conf = conf_ref(order->conf);
        way->block = order->block;
        memcpy(way->zone, order->zone, sizeof(way->zone));
        way->is_wanted = true;
        return way;
}

struct way *way_free(struct way *way)
{
        if (!way)
                return NULL;
        way_clear(way);
        push_names_free(&way->names);
        push_names_free(&way->gone_names);
        arena_free(&way->soa_arena);
        conf_unref(way->conf);
        free(way);
        return NULL;
}

bool way_asks(const struct way *way)
{
        switch (way->step) {
        case WAY_FIND:
        case WAY_NAMES:
        case WAY_SOA:
        case WAY_LIST:
        case WAY_LOOK:
        case WAY_APPLY:
        case WAY_SYNC:
                return true;
        case WAY_REST:
        case WAY_COMPARE:
        case WAY_DELTA:
        case WAY_MARK:
                return false;
        }
        return false;
}

/* ---- waiting ---- */

void way_go(struct way *way, enum way_step step)
{
        way->step = step;
        way->due = clock_monotonic_usec();
}

void way_wait_for(struct way *way, uint64_t usec)
{
        way->due = clock_monotonic_usec() + usec;
        way->status.retry_usec = clock_realtime_usec() + usec;
}

void way_retry(struct way *way, const struct push_session *session, uint64_t max)
{
        uint64_t usec = pace_backoff(way->status.failures, max);
        if (session->wait_sec > 0 && session->wait_sec * USEC_PER_SEC > usec)
                usec = session->wait_sec * USEC_PER_SEC;
        way->status.failures++;
        way->status.phase = PUSH_RETRYING;
        snprintf(way->status.why, sizeof(way->status.why), "%s", session->why);
        way_wait_for(way, usec);
}

static bool is_held(const struct way *way)
{
        return way->status.phase == PUSH_HELD;
}

/* When it compares by itself; realtime drift of the clock is no matter. */
static uint64_t drift_due(const struct way *way)
{
        uint64_t interval = way->block->drift_interval_usec, now = clock_realtime_usec();
        if (interval == 0 || way->row.version == 0 || is_held(way))
                return NEVER;
        uint64_t age = now > way->row.compared_usec ? now - way->row.compared_usec : 0;
        return clock_monotonic_usec() + (age < interval ? interval - age : 0);
}

/* Nothing is under way. */
void way_rest(struct way *way)
{
        way_clear(way);
        way->step = WAY_REST;
        way->is_drift = way->is_dry = false;
        way->recomputed = 0;
        way->owners_limit = 0;
        way->due = way->is_wanted || way->wants_plan ? clock_monotonic_usec() : drift_due(way);
}

/* ---- the beginning ---- */

static bool needs_names(const struct way *way, const struct push_session *session)
{
        return !way->row.has_names && session->provider->name_servers;
}

/* Behind the place is known: how the changes are found. */
void way_choose(struct way *way, const struct push_session *session)
{
        const struct push_provider *provider = session->provider;
        bool lists =
                way->compares || way->is_dry || way->is_drift || way->row.version == 0 || way->row.is_begun;
        bool wants_soa = provider->flags & PUSH_PROVIDER_SERIAL && way->block->push_soa_serial &&
                         !way->row.is_serial_refused && !way->soa;
        push_listing_free(&way->listing);
        way->listing.apex = way->zone;
        if (lists) {
                if (!way->is_drift && !way->is_dry)
                        way->status.phase = PUSH_LISTING;
                way_go(way, WAY_LIST);
        } else if (wants_soa) {
                way->listing.owner = way->zone;
                way->listing.type = TYPE_SOA;
                way_go(way, WAY_SOA);
        } else {
                way_go(way, WAY_DELTA);
        }
}

void way_place(struct way *way, const struct push_session *session)
{
        if (!way->row.zone_id[0])
                way_go(way, WAY_FIND);
        else if (needs_names(way, session))
                way_go(way, WAY_NAMES);
        else
                way_choose(way, session);
}

static void fill_status(struct way *way)
{
        way->status.serial = way->row.version ? way->row.serial : 0;
        way->status.in_sync_usec = way->row.in_sync_usec;
        way->status.compared_usec = way->row.compared_usec;
        way->status.skipped = way->row.skipped;
        way->status.shows_serial = way->block->push_soa_serial && !way->row.is_serial_refused;
        snprintf(way->status.zone_id, sizeof(way->status.zone_id), "%s", way->row.zone_id);
}

static void begin(struct way *way, const struct way_context *context)
{
        uint64_t version = 0;
        uint32_t serial = 0;
        int r = way_load(way, context, &version, &serial);
        if (r == -ENOENT) { /* not published (any more) */
                way->is_wanted = way->wants_plan = false;
                way->due = NEVER;
                return;
        }
        if (r < 0) {
                snprintf(way->status.why, sizeof(way->status.why), "the store cannot be read: %s",
                        strerror(-r));
                way->due = clock_monotonic_usec() + pace_backoff(2, BACKOFF_MAX_USEC);
                return;
        }
        bool is_behind = way->row.version != version || way->row.serial != serial || way->row.is_begun;
        bool was_wanted = way->is_wanted;
        way->is_wanted = false;
        way->status.retry_usec = 0;
        fill_status(way);
        way->status.wanted = serial;
        if (way->wants_plan) {
                way->is_dry = true;
                way->is_wanted = was_wanted; /* behind the plan */
                way_place(way, context->session);
        } else if (way->compares || (is_behind && was_wanted)) {
                way->status.phase = way->status.phase == PUSH_HELD ? PUSH_HELD : PUSH_WAITING;
                way_place(way, context->session);
        } else if (!is_behind && drift_due(way) <= clock_monotonic_usec()) {
                way->is_drift = true;
                way_place(way, context->session);
        } else {
                if (!is_behind && way->status.phase == PUSH_WAITING) {
                        way->status.phase = PUSH_IN_SYNC;
                        way->is_in_sync_now = true; /* as it was before the start */
                }
                way->due = drift_due(way);
        }
}

/* ---- the ends ---- */

void way_done(struct way *way)
{
        struct push_row *row = &way->row;
        row->version = way->version;
        row->era = way->era;
        row->serial = way->serial;
        row->digest = way->digest;
        row->is_begun = false;
        if (way->status.phase != PUSH_IN_SYNC || !way->is_drift || way->batches.count > 0)
                row->in_sync_usec = clock_realtime_usec();
        way->is_row_new = true;
        way->compares = false;
        way->status.phase = PUSH_IN_SYNC;
        way->status.failures = 0;
        way->status.retry_usec = 0;
        way->status.why[0] = '\0';
        way->is_in_sync_now = true;
        fill_status(way);
}

void way_fail(struct way *way, const struct push_session *session)
{
        way->status.phase = PUSH_FAILED;
        way->status.failures++;
        way->status.retry_usec = 0;
        snprintf(way->status.why, sizeof(way->status.why), "%s", session->why);
        way->compares = true;
        way_rest(way);
        if (!way->is_wanted && !way->wants_plan) /* somebody may mend it there */
                way->due = way->block->drift_interval_usec
                                   ? clock_monotonic_usec() + way->block->drift_interval_usec
                                   : NEVER;
}

static void hold(struct way *way, const struct push_session *session)
{
        way->status.phase = PUSH_HELD;
        way->status.failures = 0;
        way->status.retry_usec = 0;
        snprintf(way->status.why, sizeof(way->status.why), "%s", session->why);
        way->compares = true;
        way->step = WAY_REST;
        way->due = NEVER;
        /* the plan is told with the status, then cleared by the next push */
}

/* What way_compare, way_delta and way_looked say. */
void way_planned(struct way *way, const struct way_context *context, int plan)
{
        if (plan < 0) {
                push_say(context->session, PUSH_AGAIN, "the store or memory: %s", strerror(-plan));
                context->session->wait_sec = 0;
                way_retry(way, context->session, BACKOFF_MAX_USEC);
                return;
        }
        switch ((enum way_plan)plan) {
        case WAY_PLAN_GO:
                if (way->batches.count == 0) {
                        way_done(way);
                } else {
                        way->mark_since = 0;
                        way_go(way, WAY_MARK);
                }
                return;
        case WAY_PLAN_HELD:
                hold(way, context->session);
                return;
        case WAY_PLAN_DRY:
                if (way->is_dry) {
                        way_tell_plan(way, context, way->plan);
                        way->wants_plan = false;
                        if (is_held(way)) /* it stays held under the same hash */
                                way->is_wanted = true;
                } else {
                        way->is_row_new = true;
                        way->status.phase = PUSH_IN_SYNC; /* as far as we have pushed */
                        way->status.compared_usec = way->row.compared_usec;
                        way_tell(way, context); /* with the plan */
                }
                way_rest(way);
                return;
        case WAY_PLAN_COMPARE:
                way->compares = true;
                way_choose(way, context->session);
                return;
        case WAY_PLAN_LOOK:
                push_listing_free(&way->listing);
                way->look = 0;
                way_go(way, WAY_LOOK);
                return;
        case WAY_PLAN_GONE:
                way_rest(way);
                way->due = NEVER;
                return;
        case WAY_PLAN_UNSUPPORTED:
        case WAY_PLAN_LARGE:
                way_fail(way, context->session);
                return;
        }
}

/* ---- a step ---- */

static void mark(struct way *way, const struct way_context *context)
{
        uint64_t now = clock_monotonic_usec();
        if (way->mark_since == 0 || now - way->mark_since > MARK_ANEW_USEC) {
                bool was_begun = way->row.is_begun && way->mark_since == 0;
                way->row.is_begun = true;
                way->is_row_new |= !was_begun;
                way->mark_since = now;
        } else {
                uint64_t version;
                uint32_t serial;
                uint64_t id = way->store_id;
                if (way_load(way, context, &version, &serial) == 0 && way->store_id != id) {
                        way->is_wanted = true; /* removed, and published again */
                        way_rest(way);
                        return;
                }
        }
        if (way_is_marked(way, context) == 1) {
                way->status.phase = PUSH_CHANGING;
                way_go(way, WAY_APPLY);
                return;
        }
        way->due = now + MARK_USEC;
}

static void act(struct way *way, const struct way_context *context)
{
        struct push_session *session = context->session;
        switch (way->step) {
        case WAY_REST:
                way_clear(way);
                begin(way, context);
                return;
        case WAY_COMPARE:
                way_planned(way, context, way_compare(way, context));
                return;
        case WAY_DELTA:
                way_planned(way, context, way_delta(way, context));
                return;
        case WAY_MARK:
                mark(way, context);
                return;
        case WAY_FIND:
        case WAY_NAMES:
        case WAY_SOA:
        case WAY_LIST:
        case WAY_LOOK:
        case WAY_APPLY:
        case WAY_SYNC:
                break;
        }
        uint64_t requests = session->requests, throttled = session->throttled;
        int outcome = way_ask(way, session);
        way->status.requests += session->requests - requests;
        way->status.throttled += session->throttled - throttled;
        if (outcome == PUSH_OK || outcome == PUSH_PENDING)
                way_answered(way, context, outcome);
        else if (outcome != -ECANCELED)
                way_failed(way, context, outcome);
}

void way_deny(struct way *way, const struct way_context *context)
{
        way_failed(way, context, PUSH_DENIED);
        way_tell(way, context);
}

void way_step(struct way *way, const struct way_context *context)
{
        act(way, context);
        bool is_over = way->is_in_sync_now && way->step != WAY_REST;
        way_tell(way, context);
        if (is_over) {
                way_rest(way);
                way_tell(way, context);
        }
}

static void wake(struct way *way)
{
        way->is_wanted = true;
        if (way->step == WAY_REST)
                way->due = clock_monotonic_usec();
}

static void take_conf(struct way *way, const struct push_order *order)
{
        conf_unref(way->conf);
        way->conf = conf_ref(order->conf);
        way->block = order->block;
}

void way_order(struct way *way, const struct push_order *order)
{
        switch (order->kind) {
        case ORDER_CONF:
                take_conf(way, order);
                break;
        case ORDER_BLOCK:
                take_conf(way, order);
                way->has_row = false; /* zone-id */
                way->row.is_serial_refused = false;
                way->compares = true;
                if ((way->step != WAY_APPLY && way->step != WAY_SYNC) || way->status.failures > 0)
                        way_rest(way); /* begun anew; a change that was sent is waited for */
                wake(way);
                break;
        case ORDER_LOOK:
                wake(way);
                break;
        case ORDER_FORCE:
                way->compares = true;
                way->row.is_serial_refused = false;
                way->status.failures = 0;
                wake(way);
                way->due = clock_monotonic_usec();
                break;
        case ORDER_APPROVE:
                memcpy(way->approved, order->hash, sizeof(way->approved));
                way->has_approval = true;
                way->compares = true;
                wake(way);
                break;
        case ORDER_PLAN:
                way->wants_plan = true;
                if (way->status.failures > 0) { /* it may do so for long: what was asked says why */
                        way->is_wanted = true;
                        way_rest(way);
                } else if (way->step == WAY_REST)
                        way->due = clock_monotonic_usec();
                break;
        case ORDER_BEGIN:
        case ORDER_ERRAND:
        case ORDER_FORGET:
                break;
        }
}
