/* The main loop's half of requests about zones that a provider transfers: who is followed, what the answers
 * mean, and what an operator hears of it.
 *
 * Nothing of it is kept over a restart: the API is asked again then. */
#include "push/follow.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/log_ids.h"
#include "base/timers.h"
#include "fleet/survey.h"
#include "push/pace.h"
#include "push/state.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define BACKOFF_MAX_USEC (300 * USEC_PER_SEC)
#define DENIED_MAX_USEC (60 * USEC_PER_SEC) /* the token may be a new one by then */

/* A zone at a block with a token. */
struct follow {
        struct timer_node timer; /* first: a node is cast to what it is in */
        struct follow *next;     /* of the zone */
        uint64_t id;
        struct account *account;
        struct followed *zone;
        char secondary[CONF_SECONDARY_NAME_MAX + 1];
        char zone_id[PUSH_ID_MAX]; /* "" = not known yet */
        bool zone_id_is_given;
        bool is_wanted; /* follows_reconfigure_begin's mark */
        struct follow_facts facts;
        struct push_api_status status;
};

struct followed {
        uint8_t name[NAME_MAX_LENGTH]; /* folded */
        struct follow *follows;
};

struct follows {
        struct push *push;
        struct timers timers;
        struct table zones; /* folded name -> struct followed */
        struct table by_id;
        uint64_t last_id;
};

/* ---- one (zone, secondary) ---- */

static void follow_free(struct follows *follows, struct follow *follow)
{
        timers_release(&follows->timers, &follow->timer);
        table_remove(&follows->by_id, &follow->id, sizeof(follow->id));
        free(follow);
}

static struct follow *follow_new(struct follows *follows, struct followed *zone)
{
        struct follow *follow = calloc(1, sizeof(*follow));
        if (!follow)
                return NULL;
        follow->id = ++follows->last_id;
        follow->zone = zone;
        if (timers_reserve(&follows->timers) < 0) {
                free(follow);
                return NULL;
        }
        if (table_put(&follows->by_id, &follow->id, sizeof(follow->id), follow, NULL) < 0) {
                follow_free(follows, follow);
                return NULL;
        }
        return follow;
}

/* What fleet knows of it now. */
static void look_at_sight(const struct follows *follows, struct follow *follow)
{
        struct survey *survey = follows->push->options.survey;
        struct follow_facts *facts = &follow->facts;
        struct survey_sight sight;

        facts->has = facts->held_serial == facts->serial;
        facts->due_usec = facts->asked_usec = 0;
        for (size_t i = 0; survey && survey_sight_get(survey, follow->zone->name, i, &sight) == 0; i++) {
                if (strcasecmp(sight.name, follow->secondary) != 0)
                        continue;
                facts->has |= sight.view.reached >= STAGE_TRANSFERRED || sight.view.is_current;
                facts->due_usec = sight.view.due_usec;
                if (sight.view.reached == STAGE_ASKED_TRANSFER)
                        facts->asked_usec = sight.row->asked_transfer_usec;
                return;
        }
}

static void order_errand(struct follow *follow, bool is_force)
{
        struct push_order *order = calloc(1, sizeof(*order));
        if (!order) { /* later */
                follow->facts.not_before_usec = clock_realtime_usec() + DENIED_MAX_USEC;
                return;
        }
        order->kind = ORDER_ERRAND;
        memcpy(order->zone, follow->zone->name, name_length(follow->zone->name));
        order->errand.id = follow->id;
        order->errand.is_force = is_force;
        memcpy(order->errand.zone_id, follow->zone_id, sizeof(follow->zone_id));
        worker_post(follow->account->worker, order);
        *(is_force ? &follow->facts.is_forcing : &follow->facts.is_reading) = true;
}

static void go_on(struct follows *follows, struct follow *follow)
{
        uint64_t now = clock_realtime_usec(), next;
        look_at_sight(follows, follow);
        enum follow_action action = follow_next(&follow->facts, now, &next);
        if (action != FOLLOW_SLEEP) {
                order_errand(follow, action == FOLLOW_FORCE);
                (void)follow_next(&follow->facts, now, &next);
        }
        timers_set(&follows->timers, &follow->timer,
                next == UINT64_MAX ? TIMER_NEVER
                                   : clock_monotonic_usec() + (next > now ? next - now : USEC_PER_SEC));
}

static int timer_came(sd_event_source *source, uint64_t usec, void *context)
{
        struct follows *follows = context;
        struct timer_node *node;
        (void)source, (void)usec;
        while ((node = timers_take_due(&follows->timers, clock_monotonic_usec())))
                go_on(follows, (struct follow *)node);
        timers_arm(&follows->timers, clock_monotonic_usec());
        return 0;
}

/* ---- answers ---- */

static void tell(const struct follow *follow, int priority, const char *message_id, const char *what,
        const char *why, const char *then)
{
        char name[NAME_TEXT_MAX];
        struct log_fields fields = {.zone = name_to_zone_text(follow->zone->name, name),
                .serial = follow->facts.serial,
                .secondary = follow->secondary,
                .message_id = message_id};
        log_write(priority, &fields, "%s: %s %s%s%s%s", name, follow->secondary, what, why, *then ? "; " : "",
                then);
}

static void take_held(struct follows *follows, struct follow *follow, const struct push_incoming *incoming)
{
        follow->facts.held_serial = follow->status.serial = incoming->serial;
        follow->status.checked_usec = incoming->checked_usec;
        follow->status.read_usec = clock_realtime_usec();
        follow->facts.reads++;
        if (follows->push->options.survey)
                survey_told_serial(follows->push->options.survey, follow->zone->name, follow->secondary,
                        incoming->serial);
}

static void take_forced(struct follow *follow)
{
        follow->facts.forced_serial = follow->status.forced_serial = follow->facts.serial;
        follow->status.forced_usec = clock_realtime_usec();
        follow->facts.reads = 0;
        tell(follow, LOG_NOTICE, MESSAGE_TRANSFER_FORCED,
                "was asked through its API to transfer the zone now", "",
                "the NOTIFY was followed by no transfer in time");
}

static void take_failure(struct follow *follow, const struct push_errand *errand)
{
        struct push_api_status *status = &follow->status;
        struct follow_facts *facts = &follow->facts;
        bool is_over = errand->outcome == PUSH_REFUSED || errand->outcome == PUSH_AMBIGUOUS ||
                       errand->outcome == PUSH_UNSUPPORTED;
        bool is_denied = errand->outcome == PUSH_DENIED;
        uint64_t wait = pace_backoff(status->failures, is_denied ? DENIED_MAX_USEC : BACKOFF_MAX_USEC);
        bool is_new = strcmp(status->why, errand->why) != 0;

        if (errand->wait_sec * USEC_PER_SEC > wait)
                wait = errand->wait_sec * USEC_PER_SEC;
        status->failures++;
        snprintf(status->why, sizeof(status->why), "%s", errand->why);
        if (is_over) {
                facts->force_is_refused |= errand->is_force || errand->outcome != PUSH_REFUSED;
                facts->read_is_refused |= !errand->is_force || errand->outcome != PUSH_REFUSED;
                wait = 0;
        }
        facts->not_before_usec = wait ? clock_realtime_usec() + wait : 0;
        status->retry_usec = facts->not_before_usec;
        if (is_new)
                tell(follow, LOG_WARNING, MESSAGE_API_FAILED,
                        errand->is_force ? "cannot be asked through its API to transfer the zone: "
                                         : "does not say through its API which serial it holds: ",
                        errand->why,
                        is_over ? "the next version tries again" : "it is asked again by itself");
}

void follows_take(struct follows *follows, const struct push_errand *errand)
{
        struct follow *follow = table_get(&follows->by_id, &errand->id, sizeof(errand->id));
        if (!follow)
                return; /* it went in between */
        *(errand->is_force ? &follow->facts.is_forcing : &follow->facts.is_reading) = false;
        if (!follow->zone_id_is_given)
                memcpy(follow->zone_id, errand->zone_id, sizeof(follow->zone_id));
        if (errand->outcome == PUSH_OK) {
                follow->facts.base_usec = clock_realtime_usec();
                follow->facts.not_before_usec = follow->status.retry_usec = 0;
                follow->status.failures = 0;
                follow->status.why[0] = '\0';
                if (errand->is_force)
                        take_forced(follow);
                else
                        take_held(follows, follow, &errand->incoming);
        } else {
                take_failure(follow, errand);
        }
        go_on(follows, follow);
        timers_arm(&follows->timers, clock_monotonic_usec());
}

/* ---- which there are ---- */

static struct followed *zone_get(struct follows *follows, const uint8_t *name, bool make)
{
        struct followed *zone = table_get(&follows->zones, name, name_length(name));
        if (zone || !make)
                return zone;
        zone = calloc(1, sizeof(*zone));
        if (!zone)
                return NULL;
        name_fold(name, zone->name);
        if (table_put(&follows->zones, zone->name, name_length(zone->name), zone, NULL) < 0) {
                free(zone);
                return NULL;
        }
        return zone;
}

static struct follow *follow_find(const struct followed *zone, const char *secondary)
{
        struct follow *follow = zone ? zone->follows : NULL;
        while (follow && strcasecmp(follow->secondary, secondary) != 0)
                follow = follow->next;
        return follow;
}

/* What the block says of it. True: something of that is new. */
static bool configure(struct follows *follows, struct follow *follow, const struct conf_secondary *block)
{
        struct account *account = account_get(follows->push, block);
        const char *zone_id = block->zone_id ? block->zone_id : "";
        bool is_same = account == follow->account && follow->zone_id_is_given == (*zone_id != '\0') &&
                       (!*zone_id || strcmp(zone_id, follow->zone_id) == 0);
        follow->is_wanted = account != NULL;
        follow->account = account;
        if (is_same)
                return false;
        follow->zone_id_is_given = *zone_id != '\0';
        snprintf(follow->zone_id, sizeof(follow->zone_id), "%s", zone_id);
        return true;
}

static void publish(
        struct follows *follows, struct followed *zone, const struct conf_secondary *block, uint32_t serial)
{
        struct follow *follow = follow_find(zone, block->name);
        uint64_t now = clock_realtime_usec();
        if (!follow) {
                follow = follow_new(follows, zone);
                if (!follow) {
                        log_write(LOG_WARNING, NULL, "%s: its API is not asked: memory is out", block->name);
                        return;
                }
                snprintf(follow->secondary, sizeof(follow->secondary), "%s", block->name);
                follow->next = zone->follows;
                zone->follows = follow;
        }
        bool is_new = configure(follows, follow, block);
        if (!follow->account)
                return;
        if (is_new || follow->facts.serial != serial) {
                struct follow_facts *facts = &follow->facts;
                facts->serial = serial;
                facts->heard_usec = facts->base_usec = now;
                facts->reads = 0;
                facts->read_is_refused = facts->force_is_refused = false;
        }
        go_on(follows, follow);
}

void follows_published(struct follows *follows, const uint8_t *name, uint32_t serial)
{
        const struct conf_policy *policy = conf_policy_for(follows->push->conf, name);
        bool has_any = false;
        for (size_t i = 0; i < policy->secondary_count; i++) {
                const struct conf_secondary *block = policy->secondaries[i];
                if (conf_secondary_is_pushed(block) || !block->api_token)
                        continue;
                struct followed *zone = zone_get(follows, name, true);
                if (zone)
                        publish(follows, zone, block, serial);
                has_any = true;
        }
        if (has_any)
                timers_arm(&follows->timers, clock_monotonic_usec());
}

static void drop_zone(struct follows *follows, struct followed *zone)
{
        while (zone->follows) {
                struct follow *follow = zone->follows;
                zone->follows = follow->next;
                follow_free(follows, follow);
        }
        table_remove(&follows->zones, zone->name, name_length(zone->name));
        free(zone);
}

void follows_forget(struct follows *follows, const uint8_t *name)
{
        struct followed *zone = zone_get(follows, name, false);
        if (zone)
                drop_zone(follows, zone);
}

void follows_reconfigure_begin(struct follows *follows)
{
        const struct followed *zone;
        for (size_t position = 0; (zone = table_next(&follows->zones, &position));)
                for (struct follow *follow = zone->follows; follow; follow = follow->next)
                        follow->is_wanted = false;
}

void follows_reconfigure_end(struct follows *follows)
{
        struct followed *zone;
        for (size_t position = 0; (zone = table_next(&follows->zones, &position));) {
                for (struct follow **at = &zone->follows; *at;) {
                        struct follow *follow = *at;
                        if (follow->is_wanted) {
                                at = &follow->next;
                                continue;
                        }
                        *at = follow->next;
                        follow_free(follows, follow);
                }
                if (!zone->follows)
                        drop_zone(follows, zone);
        }
}

const struct push_api_status *follows_status(
        const struct follows *follows, const uint8_t *name, const char *secondary)
{
        const struct followed *zone = table_get(&follows->zones, name, name_length(name));
        const struct follow *follow = follow_find(zone, secondary);
        return follow ? &follow->status : NULL;
}

int follows_new(struct push *push, struct follows **ret_follows)
{
        struct follows *follows = calloc(1, sizeof(*follows));
        if (!follows)
                return -ENOMEM;
        follows->push = push;
        int r = timers_open(&follows->timers, push->options.event, timer_came, follows);
        if (r < 0) {
                free(follows);
                return r;
        }
        *ret_follows = follows;
        return 0;
}

struct follows *follows_free(struct follows *follows)
{
        struct followed *zone;
        if (!follows)
                return NULL;
        for (size_t position = 0; (zone = table_next(&follows->zones, &position));)
                drop_zone(follows, zone);
        table_free(&follows->zones);
        table_free(&follows->by_id);
        timers_close(&follows->timers);
        free(follows);
        return NULL;
}
