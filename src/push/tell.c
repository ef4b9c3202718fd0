/* What an operator hears of a push: a line where something is new; and sums for metrics. Main loop. */
#include "push/state.h"

#include "base/log.h"
#include "base/log_ids.h"

#include <stdio.h>
#include <string.h>

struct line {
        const struct push_target *target;
        const char *zone;
        struct log_fields fields;
};

static void tell_in_sync(struct line *line, const struct push_status *now)
{
        line->fields.message_id = MESSAGE_PUSHED;
        line->fields.serial = now->serial;
        log_write(LOG_NOTICE, &line->fields, "%s: serial %u is in sync at %s (%zu RRsets in %zu requests)",
                line->zone, now->serial, line->target->block->name, now->changes, now->batches);
}

static void tell_phase(struct line *line, const struct push_status *now)
{
        const char *name = line->target->block->name;
        switch (now->phase) {
        case PUSH_HELD:
                line->fields.message_id = MESSAGE_PUSH_HELD;
                log_write(LOG_WARNING, &line->fields,
                        "%s: the push to %s is held: %s; look at `zonecrier plan %s --secondary %s`, then "
                        "`zonecrier approve %s HASH --secondary %s`",
                        line->zone, name, now->why, line->zone, name, line->zone, name);
                break;
        case PUSH_FAILED:
                line->fields.message_id = MESSAGE_PUSH_FAILED;
                log_write(LOG_ERR, &line->fields,
                        "%s: the push of serial %u to %s failed: %s; the next version, or `zonecrier push "
                        "%s`, "
                        "tries again",
                        line->zone, now->wanted, name, now->why, line->zone);
                break;
        case PUSH_RETRYING:
                line->fields.message_id = MESSAGE_PUSH_RETRYING;
                log_write(LOG_WARNING, &line->fields,
                        "%s: the push of serial %u to %s waits and goes on by itself: %s", line->zone,
                        now->wanted, name, now->why);
                break;
        case PUSH_WAITING:
        case PUSH_LISTING:
        case PUSH_CHANGING:
        case PUSH_SPREADING:
        case PUSH_IN_SYNC:
                break;
        }
}

static void tell_drift(struct line *line, const struct push_status *now)
{
        bool is_repaired = line->target->block->drift == CONF_DRIFT_REPAIR;
        line->fields.message_id = MESSAGE_PUSH_DRIFT;
        log_write(LOG_WARNING, &line->fields, "%s: %zu RRsets at %s were changed there by somebody else: %s",
                line->zone, now->drift, line->target->block->name,
                is_repaired ? "ours are put back"
                            : "they stay (drift report); `zonecrier push` puts ours back");
}

void push_tell_signed(const struct push_target *target)
{
        char name[NAME_TEXT_MAX];
        const struct log_fields fields = {.zone = name_to_zone_text(target->zone->name, name),
                .secondary = target->block->name,
                .message_id = MESSAGE_PUSH_SIGNED};

        log_write(LOG_WARNING, &fields,
                "%s: the zone is signed, and %s gets it without signatures and keys: a DS at the parent must "
                "not "
                "be of the zone's own keys alone; `zonecrier doctor %s` looks at it",
                name, target->block->name, name);
}

void push_tell(const struct push_target *target, const struct push_status *before)
{
        const struct push_status *now = &target->status;
        char name[NAME_TEXT_MAX];
        struct line line = {.target = target, .zone = name_to_zone_text(target->zone->name, name)};

        line.fields.zone = name;
        line.fields.secondary = target->block->name;
        if (now->drift > 0 && now->drift != before->drift)
                tell_drift(&line, now);
        if (now->skipped > 0 && now->skipped != before->skipped)
                log_write(LOG_WARNING, &line.fields,
                        "%s: %s cannot hold %u of the records (DNSSEC not counted); they are left out", name,
                        target->block->name, now->skipped);
        if (now->phase == PUSH_IN_SYNC && now->serial && now->serial != before->serial && before->wanted)
                tell_in_sync(&line, now);
        if (now->phase == before->phase &&
                (now->phase != PUSH_HELD || memcmp(now->hash, before->hash, sizeof(now->hash)) == 0))
                return;
        tell_phase(&line, now);
}

bool push_sums(const struct push *push, const char *secondary, struct push_sums *ret_sums)
{
        struct push_sums sums = {0};
        const struct push_zone *zone;
        for (size_t position = 0; (zone = table_next(&push->zones, &position));) {
                const struct push_target *target = push_target_find(push, zone->name, secondary);
                if (!target)
                        continue;
                const struct push_status *status = &target->status;
                sums.zones++;
                sums.in_sync += status->phase == PUSH_IN_SYNC;
                sums.held += status->phase == PUSH_HELD;
                sums.retrying += status->phase == PUSH_RETRYING;
                sums.failed += status->phase == PUSH_FAILED;
                sums.requests += status->requests;
                sums.throttled += status->throttled;
                sums.changes_sent += status->changes_sent;
        }
        *ret_sums = sums;
        return sums.zones > 0;
}
