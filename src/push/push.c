/* The main loop's half: which zone is pushed where, orders to the workers, and what they report. */
#include "push/push.h"

#include "base/cleanup.h"
#include "base/log.h"
#include "base/table.h"
#include "fleet/fleet.h"
#include "push/follow.h"
#include "push/seen.h"
#include "push/state.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <systemd/sd-event.h>

const char *push_phase_name(enum push_phase phase)
{
        switch (phase) {
        case PUSH_WAITING:
                return "waiting";
        case PUSH_LISTING:
                return "listing";
        case PUSH_CHANGING:
                return "changing";
        case PUSH_SPREADING:
                return "spreading";
        case PUSH_IN_SYNC:
                return "in-sync";
        case PUSH_HELD:
                return "held";
        case PUSH_RETRYING:
                return "retrying";
        case PUSH_FAILED:
                return "failed";
        }
        return "?";
}

bool push_is_current(const struct push_status *status)
{
        return status->phase == PUSH_IN_SYNC &&
               (!status->is_looked_for ||
                       (status->servers_asked > 0 && status->servers_seen == status->servers_asked));
}

/* ---- orders ---- */

static int order(struct push_target *target, enum order_kind kind, struct conf *conf, const uint8_t *hash)
{
        struct push_order *made = calloc(1, sizeof(*made));
        if (!made)
                return -ENOMEM;
        made->kind = kind;
        made->target = target;
        made->block = target->block;
        made->conf = conf ? conf_ref(conf) : NULL;
        memcpy(made->zone, target->zone->name, name_length(target->zone->name));
        if (hash)
                memcpy(made->hash, hash, sizeof(made->hash));
        worker_post(target->account->worker, made);
        return 0;
}

/* ---- zones and their targets ---- */

static struct push_zone *zone_find(const struct push *push, const uint8_t *name)
{
        return table_get(&push->zones, name, name_length(name));
}

struct push_target *push_target_find(const struct push *push, const uint8_t *name, const char *secondary)
{
        struct push_zone *zone = zone_find(push, name);
        struct push_target *target = zone ? zone->targets : NULL;
        while (target && strcasecmp(target->block->name, secondary) != 0)
                target = target->next;
        return target;
}

static void target_free(struct push_target *target)
{
        push_names_free(&target->names);
        free(target->plan);
        free(target);
}

static void answer_plans(struct push_target *target, const char *text, const char *why)
{
        struct plan_asker *asker = target->askers;
        target->askers = NULL;
        while (asker) {
                struct plan_asker *next = asker->next;
                asker->done(asker->context, text, target->status.hash, target->status.has_hash, why);
                free(asker);
                asker = next;
        }
}

/* The worker may be at work for it: it is freed when the worker says that it is gone. */
static void target_drop(struct push *push, struct push_target *target)
{
        seen_end(target);
        answer_plans(target, NULL, "the zone is no longer pushed there");
        target->zone = NULL;
        target->next = push->leaving;
        push->leaving = target;
}

static void target_leave(struct push *push, struct push_target *target)
{
        order(target, ORDER_FORGET, NULL, NULL);
        target_drop(push, target);
}

static struct push_target *target_new(
        struct push *push, struct push_zone *zone, const struct conf_secondary *block)
{
        struct push_target *target = calloc(1, sizeof(*target));
        if (!target)
                return NULL;
        target->zone = zone;
        target->block = block;
        target->account = account_get(push, block);
        if (!push->seen && push->options.prober && seen_new(push, &push->seen) < 0)
                log_write(LOG_WARNING, NULL, "the name servers of pushes cannot be asked: memory is out");
        if (!target->account || order(target, ORDER_BEGIN, push->conf, NULL) < 0) {
                free(target);
                return NULL;
        }
        return target;
}

/* Nothing of how the zone is pushed there is different. */
static bool is_same_block(const struct conf_secondary *left, const struct conf_secondary *right)
{
        return push_same_text(left->zone_id, right->zone_id) && left->drift == right->drift &&
               left->drift_interval_usec == right->drift_interval_usec &&
               left->push_soa_serial == right->push_soa_serial && left->push_apex_ns == right->push_apex_ns &&
               left->unsupported_fails == right->unsupported_fails && left->batch_limit == right->batch_limit;
}

static struct push_target *take_target(struct push_target **list, const char *name)
{
        for (struct push_target **at = list; *at; at = &(*at)->next) {
                struct push_target *target = *at;
                if (strcasecmp(target->name, name) != 0)
                        continue;
                *at = target->next;
                target->next = NULL;
                return target;
        }
        return NULL;
}

/* The zone's targets become those of its policy; old configuration's blocks are still there. */
static void zone_configure(struct push *push, struct push_zone *zone)
{
        const struct conf_policy *policy = conf_policy_for(push->conf, zone->name);
        struct push_target *before = zone->targets;
        zone->targets = NULL;
        for (size_t i = 0; i < policy->secondary_count; i++) {
                const struct conf_secondary *block = policy->secondaries[i];
                if (!conf_secondary_is_pushed(block))
                        continue;
                struct push_target *target = take_target(&before, block->name);
                if (target && account_is(target->account, block)) {
                        bool is_same = is_same_block(target->block, block);
                        target->block = block;
                        order(target, is_same ? ORDER_CONF : ORDER_BLOCK, push->conf, NULL);
                } else {
                        if (target)
                                target_leave(push, target);
                        target = target_new(push, zone, block);
                }
                if (!target)
                        continue;
                strncpy(target->name, block->name, sizeof(target->name) - 1);
                target->next = zone->targets;
                zone->targets = target;
        }
        while (before) {
                struct push_target *next = before->next;
                target_leave(push, before);
                before = next;
        }
}

static struct push_zone *zone_new(struct push *push, const uint8_t *name)
{
        struct push_zone *zone = calloc(1, sizeof(*zone));
        if (!zone)
                return NULL;
        name_fold(name, zone->name);
        if (table_put(&push->zones, zone->name, name_length(zone->name), zone, NULL) < 0) {
                free(zone);
                return NULL;
        }
        return zone;
}

static bool policy_has_push(const struct push *push, const uint8_t *name)
{
        const struct conf_policy *policy = conf_policy_for(push->conf, name);
        for (size_t i = 0; i < policy->secondary_count; i++)
                if (conf_secondary_is_pushed(policy->secondaries[i]))
                        return true;
        return false;
}

void push_zone_published(struct push *push, const struct store_zone *row)
{
        struct push_zone *zone = zone_find(push, row->name);
        follows_published(push->follows, row->name, row->serial);
        if (!zone) {
                if (!policy_has_push(push, row->name))
                        return;
                zone = zone_new(push, row->name);
                if (zone)
                        zone_configure(push, zone);
                return;
        }
        for (struct push_target *target = zone->targets; target; target = target->next)
                order(target, ORDER_LOOK, NULL, NULL);
}

static void zone_drop(struct push *push, struct push_zone *zone)
{
        while (zone->targets) {
                struct push_target *target = zone->targets;
                zone->targets = target->next;
                target_leave(push, target);
        }
        table_remove(&push->zones, zone->name, name_length(zone->name));
        free(zone);
}

void push_zone_forget(struct push *push, const uint8_t *name)
{
        struct push_zone *zone = zone_find(push, name);
        follows_forget(push->follows, name);
        if (zone)
                zone_drop(push, zone);
}

/* A zone of the new configuration that was not pushed before is found when it is published next, or here by
 * the registry's second telling. */
int push_reconfigure(struct push *push, struct conf *conf)
{
        struct conf *old = push->conf;
        struct push_zone *zone;
        push->conf = conf_ref(conf);
        for (size_t position = 0; (zone = table_next(&push->zones, &position));) {
                zone_configure(push, zone);
                if (!zone->targets)
                        zone_drop(push, zone);
        }
        conf_unref(old);
        follows_reconfigure_begin(push->follows);
        int r = push_scan(push);
        follows_reconfigure_end(push->follows);
        return r;
}

/* ---- commands ---- */

const struct push_status *push_status(const struct push *push, const uint8_t *zone, const char *secondary)
{
        const struct push_target *target = push_target_find(push, zone, secondary);
        return target ? &target->status : NULL;
}

const struct push_status *push_status_next(const struct push *push, const uint8_t *zone, size_t *position,
        const struct conf_secondary **ret_block)
{
        const struct push_zone *found = zone_find(push, zone);
        const struct push_target *target = found ? found->targets : NULL;
        for (size_t i = 0; target && i < *position; i++)
                target = target->next;
        if (!target)
                return NULL;
        (*position)++;
        *ret_block = target->block;
        return &target->status;
}

size_t push_name_servers(
        const struct push *push, const uint8_t *zone, const char *secondary, const char *const **ret_names)
{
        const struct push_target *target = push_target_find(push, zone, secondary);
        *ret_names = target ? (const char *const *)target->names.names : NULL;
        return target ? target->names.count : 0;
}

const struct push_api_status *push_api_status(
        const struct push *push, const uint8_t *zone, const char *secondary)
{
        return follows_status(push->follows, zone, secondary);
}

size_t push_force(struct push *push, const uint8_t *name, const char *secondary)
{
        struct push_zone *zone = zone_find(push, name);
        size_t count = 0;
        for (struct push_target *target = zone ? zone->targets : NULL; target; target = target->next)
                if (!secondary || strcasecmp(target->block->name, secondary) == 0)
                        count += order(target, ORDER_FORCE, NULL, NULL) == 0;
        return count;
}

int push_approve(struct push *push, const uint8_t *zone, const char *secondary, const uint8_t hash[static 32])
{
        struct push_target *target = push_target_find(push, zone, secondary);
        if (!target)
                return -ENOENT;
        if (!target->status.has_hash)
                return -EALREADY;
        if (memcmp(target->status.hash, hash, 32) != 0)
                return -ESTALE;
        return order(target, ORDER_APPROVE, NULL, hash);
}

int push_plan(struct push *push, const uint8_t *zone, const char *secondary, push_planned done, void *context)
{
        struct push_target *target = push_target_find(push, zone, secondary);
        if (!target)
                return -ENOENT;
        if (target->status.has_hash && target->plan) {
                done(context, target->plan, target->status.hash, true, target->status.why);
                return 0;
        }
        struct plan_asker *asker = calloc(1, sizeof(*asker));
        if (!asker)
                return -ENOMEM;
        *asker = (struct plan_asker){.next = target->askers, .done = done, .context = context};
        target->askers = asker;
        return order(target, ORDER_PLAN, NULL, NULL);
}

void push_plan_forget(struct push *push, void *context)
{
        struct push_zone *zone;
        for (size_t position = 0; (zone = table_next(&push->zones, &position));)
                for (struct push_target *target = zone->targets; target; target = target->next)
                        for (struct plan_asker **at = &target->askers; *at;) {
                                struct plan_asker *asker = *at;
                                if (asker->context != context) {
                                        at = &asker->next;
                                        continue;
                                }
                                *at = asker->next;
                                free(asker);
                        }
}

/* ---- reports ---- */

static void take_status(struct push *push, struct push_target *target, struct push_report *report)
{
        struct push_status before = target->status;
        target->status = report->status;
        target->status.is_looked_for = before.is_looked_for;
        target->status.servers_asked = before.servers_asked;
        target->status.servers_seen = before.servers_seen;
        if (report->has_names) {
                push_names_free(&target->names);
                target->names = report->names;
                report->names = (struct push_names){0};
        }
        if (report->plan || !report->status.has_hash) {
                free(target->plan);
                target->plan = TAKE(report->plan);
        }
        if (report->is_signed)
                push_tell_signed(target);
        push_tell(target, &before);
        if (push->options.changed)
                push->options.changed(
                        push->options.context, target->zone->name, target->block, &before, &target->status);
        if (report->is_in_sync && push->seen)
                seen_begin(push->seen, target, report->changed_type ? report->changed_owner : NULL,
                        report->changed_type);
}

static void take_report(struct push *push, struct push_report *report)
{
        struct push_target *target = report->target;
        if (report->kind == REPORT_ERRAND) {
                follows_take(push->follows, &report->errand);
                return;
        }
        if (report->kind == REPORT_GONE) {
                struct push_target **at = &push->leaving;
                while (*at && *at != target)
                        at = &(*at)->next;
                if (*at) {
                        *at = target->next;
                        target_free(target);
                }
                return;
        }
        if (report->write_count > 0) {
                push->options.write(push->options.context, TAKE(report->writes), report->write_count);
                report->write_count = 0;
        }
        if (!target->zone)
                return; /* leaving */
        if (report->kind == REPORT_PLAN) {
                target->status.requests = report->status.requests;
                struct push_status kept = target->status;
                memcpy(target->status.hash, report->status.hash, sizeof(kept.hash));
                answer_plans(target, report->plan, report->status.why);
                memcpy(target->status.hash, kept.hash, sizeof(kept.hash));
                return;
        }
        take_status(push, target, report);
}

static int on_reports(sd_event_source *source, int fd, uint32_t events, void *context)
{
        struct push *push = context;
        (void)source, (void)fd, (void)events;
        for (struct queue_item *item = queue_take_all(push->reports), *next; item; item = next) {
                struct push_report *report = (struct push_report *)item;
                next = item->next;
                take_report(push, report);
                push_report_free(report);
        }
        return 0;
}

/* ---- life ---- */

int push_new(const struct push_options *options, struct conf *conf, struct push **ret_push)
{
        struct push *push = calloc(1, sizeof(*push));
        if (!push)
                return -ENOMEM;
        push->options = *options;
        push->conf = conf_ref(conf);
        int r = queue_new(&push->reports);
        if (r == 0)
                r = sd_event_add_io(
                        options->event, &push->source, queue_fd(push->reports), EPOLLIN, on_reports, push);
        if (r >= 0)
                r = follows_new(push, &push->follows);
        if (r < 0) {
                push_free(push);
                return r;
        }
        *ret_push = push;
        return 0;
}

struct push *push_free(struct push *push)
{
        struct push_zone *zone;
        if (!push)
                return NULL;
        while (push->accounts) { /* their threads end first: what they report is written no more */
                struct account *account = push->accounts;
                push->accounts = account->next;
                account_free(account);
        }
        for (struct queue_item *item = push->reports ? queue_take_all(push->reports) : NULL, *next; item;
                item = next) {
                next = item->next;
                struct push_report *report = (struct push_report *)item;
                if (report->write_count > 0)
                        push->options.write(push->options.context, TAKE(report->writes), report->write_count);
                push_report_free(report);
        }
        for (size_t position = 0; (zone = table_next(&push->zones, &position));) {
                while (zone->targets) {
                        struct push_target *target = zone->targets;
                        zone->targets = target->next;
                        target_drop(push, target);
                }
                free(zone);
        }
        while (push->leaving) {
                struct push_target *target = push->leaving;
                push->leaving = target->next;
                target_free(target);
        }
        table_free(&push->zones);
        seen_free(push->seen);
        follows_free(push->follows);
        sd_event_source_unref(push->source);
        queue_free(push->reports);
        conf_unref(push->conf);
        free(push);
        return NULL;
}
