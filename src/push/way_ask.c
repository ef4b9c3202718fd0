/* Requests of a way, and what an answer means for its next step. A worker's thread. */
#include "push/way.h"

#include "base/clock.h"
#include "base/fault.h"
#include "base/random.h"
#include "dns/type.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define BACKOFF_MAX_USEC (300 * USEC_PER_SEC)
#define DENIED_MAX_USEC (60 * USEC_PER_SEC)
#define BUSY_USEC (1500 * USEC_PER_MSEC)
#define SYNC_FIRST_USEC (1000 * USEC_PER_MSEC) /* a change takes "generally within 60 seconds" */
#define SYNC_MAX_USEC (10 * USEC_PER_SEC)

static void name_refused(struct way *way, struct push_session *session)
{
        char name[NAME_TEXT_MAX], type[TYPE_TEXT_MAX], why[PUSH_WHY_MAX];
        size_t begin = way->batch ? way->batches.ends[way->batch - 1] : 0;
        const struct push_set *set = push_change_set(&way->changes.items[begin]);
        snprintf(why, sizeof(why), "%s", session->why);
        push_say(session, PUSH_REFUSED, "%.200s %s is refused: %.250s",
                name_to_zone_text(push_set_owner(set), name), type_to_text(set->type, type), why);
}

/* A batch was refused. What is there is listed and the changes computed once more: an answer that was lost,
 * or somebody's edit. Refused again with nothing won: smaller batches, until the one owner has a name. */
static void refused(struct way *way, struct push_session *session)
{
        size_t begin = way->batch ? way->batches.ends[way->batch - 1] : 0;
        size_t count = way->batches.ends[way->batch] - begin;
        size_t left = way->changes.count - begin;
        size_t owners = push_batch_owners(way->changes.items + begin, count);
        bool is_soa = way->changes.items[begin].is_upsert &&
                      push_change_set(&way->changes.items[begin])->type == TYPE_SOA;

        if (way->refused_count > left || way->recomputed == 0) {
                way->recomputed = 1;
                way->owners_limit = 0;
        } else if (owners > 1) {
                way->owners_limit = owners / 2;
        } else if (is_soa) {
                way->row.is_serial_refused = true;
                way->is_row_new = true;
                way->recomputed = 0;
        } else {
                name_refused(way, session);
                way_fail(way, session);
                return;
        }
        way->refused_count = left;
        way->compares = true;
        way->status.phase = PUSH_LISTING;
        snprintf(way->status.why, sizeof(way->status.why), "%s", session->why);
        way_choose(way, session);
}

static void answered_apply(struct way *way, struct push_session *session, int outcome)
{
        way->status.batches_done = ++way->batch;
        way->status.changes_sent++;
        way->status.failures = 0;
        way->status.why[0] = '\0';
        if (fault_point("push-batch") < 0)
                return;
        if (way->batch < way->batches.count) {
                way_go(way, WAY_APPLY);
                return;
        }
        const struct push_change *last = &way->changes.items[way->changes.count - 1];
        if (last->is_upsert && last->new->type == TYPE_SOA)
                way_keep_soa(way, last->new);
        (void)session;
        if (outcome == PUSH_OK) {
                way_done(way);
                return;
        }
        way->status.phase = PUSH_SPREADING;
        way->sync_wait_usec = SYNC_FIRST_USEC;
        way->step = WAY_SYNC;
        way->due = clock_monotonic_usec() + way->sync_wait_usec / 4;
}

static int learn_names(struct way *way, struct push_place *found)
{
        push_names_free(&way->gone_names);
        way->gone_names = way->names;
        way->names = found->name_servers;
        found->name_servers = (struct push_names){0};
        way->row.has_names = true;
        way->names_are_new = way->is_row_new = true;
        return PUSH_OK;
}

static int ask_place(struct way *way, struct push_session *session)
{
        struct push_place found = {0};
        int outcome;
        snprintf(found.id, sizeof(found.id), "%s", way->row.zone_id);
        if (way->step == WAY_FIND)
                outcome = session->provider->find(session, way->zone, &found);
        else
                outcome = session->provider->name_servers(session, way->zone, &found);
        if (outcome == PUSH_OK) {
                snprintf(way->row.zone_id, sizeof(way->row.zone_id), "%s", found.id);
                snprintf(way->status.zone_id, sizeof(way->status.zone_id), "%s", found.id);
                way->is_row_new = true;
                if (way->step == WAY_NAMES || found.name_servers.count > 0)
                        learn_names(way, &found);
        }
        push_names_free(&found.name_servers);
        return outcome;
}

static int ask_look(struct way *way, struct push_session *session)
{
        const uint8_t *owner =
                way->looks_at_all ? NULL : push_set_owner(push_change_set(&way->changes.items[way->look]));
        way->listing.apex = way->zone;
        way->listing.owner = owner;
        way->listing.type = 0;
        int outcome = session->provider->list(session, way->row.zone_id, &way->listing);
        if (outcome != PUSH_OK || !way->listing.is_whole)
                return outcome;
        way->listing.is_whole = false;
        way->listing.page = 0;
        way->listing.last = NULL;
        if (!owner)
                way->look = way->changes.count;
        while (way->look < way->changes.count &&
                name_equal(push_set_owner(push_change_set(&way->changes.items[way->look])), owner))
                way->look++;
        return outcome;
}

static int ask_apply(struct way *way, struct push_session *session)
{
        size_t begin = way->batch ? way->batches.ends[way->batch - 1] : 0;
        char comment[64];
        snprintf(comment, sizeof(comment), "serial %u", way->serial);
        return session->provider->apply(session, way->row.zone_id, way->changes.items + begin,
                way->batches.ends[way->batch] - begin, comment, way->row.change_id);
}

int way_ask(struct way *way, struct push_session *session)
{
        switch (way->step) {
        case WAY_FIND:
        case WAY_NAMES:
                return ask_place(way, session);
        case WAY_SOA:
        case WAY_LIST:
                return session->provider->list(session, way->row.zone_id, &way->listing);
        case WAY_LOOK:
                return ask_look(way, session);
        case WAY_APPLY:
                return ask_apply(way, session);
        case WAY_SYNC:
                return session->provider->is_in_sync(session, way->row.change_id);
        case WAY_REST:
        case WAY_COMPARE:
        case WAY_DELTA:
        case WAY_MARK:
                break;
        }
        return -EINVAL;
}

void way_answered(struct way *way, const struct way_context *context, int outcome)
{
        struct push_session *session = context->session;
        if (way->step != WAY_SYNC || outcome == PUSH_OK) {
                way->status.failures = 0;
                way->status.retry_usec = 0;
        }
        switch (way->step) {
        case WAY_FIND:
        case WAY_NAMES:
                way_place(way, session);
                break;
        case WAY_SOA:
                if (way->listing.count > 0)
                        way_keep_soa(way, way->listing.sets[0]);
                push_listing_free(&way->listing);
                if (!way->soa) { /* no SOA there is no serial there */
                        way->row.is_serial_refused = true;
                        way->is_row_new = true;
                }
                way_go(way, WAY_DELTA);
                break;
        case WAY_LIST:
                way_go(way, way->listing.is_whole ? WAY_COMPARE : WAY_LIST);
                break;
        case WAY_LOOK:
                if (way->look == way->changes.count)
                        way_planned(way, context, way_looked(way, context));
                else
                        way_go(way, WAY_LOOK);
                break;
        case WAY_APPLY:
                answered_apply(way, session, outcome);
                break;
        case WAY_SYNC:
                if (outcome == PUSH_PENDING) {
                        way->due = clock_monotonic_usec() + way->sync_wait_usec;
                        if (way->sync_wait_usec < SYNC_MAX_USEC)
                                way->sync_wait_usec += way->sync_wait_usec / 2;
                        break;
                }
                way_done(way);
                break;
        case WAY_REST:
        case WAY_COMPARE:
        case WAY_DELTA:
        case WAY_MARK:
                break;
        }
}

/* A request that a plan waits for: its failure is the answer. */
static void plan_failed(struct way *way, const struct way_context *context)
{
        snprintf(way->status.why, sizeof(way->status.why), "%s", context->session->why);
        way_tell_plan(way, context, NULL);
        way->wants_plan = false;
        way_rest(way);
}

void way_failed(struct way *way, const struct way_context *context, int outcome)
{
        struct push_session *session = context->session;
        if (outcome < 0) {
                push_say(session, PUSH_AGAIN, "%s", strerror(-outcome));
                outcome = PUSH_AGAIN;
        }
        way->is_denied = outcome == PUSH_DENIED;
        if (way->is_dry) {
                plan_failed(way, context);
                return;
        }
        switch ((enum push_outcome)outcome) {
        case PUSH_BUSY:
                snprintf(way->status.why, sizeof(way->status.why), "%s", session->why);
                way_wait_for(way, BUSY_USEC / 2 + random_below(BUSY_USEC));
                return;
        case PUSH_REFUSED:
                if (way->step == WAY_APPLY) {
                        refused(way, session);
                        return;
                }
                if (way->step == WAY_SYNC) { /* it does not know the change any more */
                        way->compares = true;
                        way_choose(way, session);
                        return;
                }
                break;
        case PUSH_NO_ZONE:
                if (!way->block->zone_id) {
                        way->row.zone_id[0] = '\0';
                        way->row.has_names = false;
                }
                way->step = WAY_REST;
                way->is_wanted = true;
                way->compares = true;
                break;
        case PUSH_DENIED:
                way_retry(way, session, DENIED_MAX_USEC);
                return;
        case PUSH_OK:
        case PUSH_PENDING:
        case PUSH_AGAIN:
        case PUSH_AMBIGUOUS:
        case PUSH_UNSUPPORTED:
                break;
        }
        way_retry(way, session, BACKOFF_MAX_USEC);
}
