/* What the serving threads saw, told to those whom it concerns. Main loop. */
#include "daemon/daemon.h"

#include <stdlib.h>
#include <string.h>

static enum fleet_transfer_kind fleet_kind(enum transfer_kind kind)
{
        switch (kind) {
        case TRANSFER_AXFR:
                return FLEET_TRANSFER_AXFR;
        case TRANSFER_IXFR:
                return FLEET_TRANSFER_IXFR;
        case TRANSFER_IXFR_WHOLE:
                return FLEET_TRANSFER_IXFR_WHOLE;
        case TRANSFER_UP_TO_DATE:
        case TRANSFER_CLIENT_AHEAD:
                break;
        }
        return FLEET_TRANSFER_NONE;
}

/* The targets that a peer stands for: the one that it is, else every one of its block (most providers ask
 * from elsewhere than they take NOTIFY). *position begins at 0; NULL at the end. */
static struct fleet_target *target_next(
        struct daemon *daemon, const struct observation *seen, size_t *position)
{
        struct fleet_zone *zone = fleet_zone_get(daemon->fleet, seen->zone, NULL);
        struct fleet_target *target = zone ? fleet_target_find(zone, &seen->peer, seen->key_name) : NULL;

        if (target)
                return (*position)++ == 0 ? target : NULL;
        return zone && *seen->secondary ? fleet_block_target_next(zone, seen->secondary, position) : NULL;
}

static struct survey_seen seen_of(const struct observation *seen)
{
        return (struct survey_seen){
                .zone = seen->zone,
                .peer = &seen->peer,
                .key_name = seen->key_name,
                .secondary = seen->secondary,
                .rule = seen->rule,
                .at_usec = seen->at_usec,
        };
}

static void observe_soa_query(struct daemon *daemon, const struct observation *seen, uint32_t serial)
{
        struct fleet_target *target;

        for (size_t position = 0; (target = target_next(daemon, seen, &position));) {
                fleet_target_saw_soa_query(daemon->fleet, target, serial, seen->at_usec);
                notify_target_asked(daemon->notify, target);
        }
        struct survey_seen seen_by_survey = seen_of(seen);
        survey_saw_soa_query(daemon->survey, &seen_by_survey, serial);
}

/* From now on the secondary's differences are those of its view. */
static void keep_view(struct daemon *daemon, const struct observation *seen)
{
        uint8_t key[TRANSFER_VIEW_KEY_MAX], value[TRANSFER_VIEW_SIZE];
        struct fleet_zone *zone = fleet_zone_get(daemon->fleet, seen->zone, NULL);

        if (!zone || !seen->summary.begins_view)
                return;
        transfer_view_encode(&seen->summary.view, value);
        fleet_put_state(
                daemon->fleet, zone, key, transfer_view_key(seen->secondary, key), value, sizeof(value));
}

static void observe_transfer(struct daemon *daemon, const struct observation *seen)
{
        const struct transfer_summary *summary = &seen->summary;
        enum fleet_transfer_kind kind = fleet_kind(summary->kind);
        struct fleet_target *target;

        if (kind == FLEET_TRANSFER_NONE && summary->kind != TRANSFER_UP_TO_DATE) {
                observe_soa_query(daemon, seen, summary->to_serial);
                return;
        }
        keep_view(daemon, seen);
        tell_retired(seen);
        daemon_tell_taken(daemon, seen);
        for (size_t position = 0; (target = target_next(daemon, seen, &position));) {
                if (kind == FLEET_TRANSFER_NONE) { /* a lone SOA: it asked, and holds what it said */
                        target->row.transferred_serial = summary->to_serial;
                        fleet_target_saw_soa_query(daemon->fleet, target, summary->to_serial, seen->at_usec);
                } else
                        fleet_target_saw_transfer(daemon->fleet, target, kind, summary->from_serial,
                                summary->to_serial, summary->bytes, seen->duration_usec, seen->at_usec);
                notify_target_transferred(daemon->notify, target);
        }
        struct survey_seen seen_by_survey = seen_of(seen);
        survey_saw_transfer(daemon->survey, &seen_by_survey, kind, summary->from_serial, summary->to_serial,
                summary->bytes);
}

static void observe(struct daemon *daemon, const struct observation *seen)
{
        struct survey_seen by_survey = seen_of(seen);
        char peer[ADDRESS_TEXT_MAX];

        switch (seen->kind) {
        case OBSERVED_SOA_QUERY:
                observe_soa_query(daemon, seen, seen->serial);
                break;
        case OBSERVED_TRANSFER:
                observe_transfer(daemon, seen);
                break;
        case OBSERVED_CLIENT_AHEAD:
                registry_seen_ahead(daemon->registry, seen->zone, seen->serial, seen->signed_ok,
                        address_format(&seen->peer, peer));
                break;
        case OBSERVED_DAMAGED:
                registry_heal(daemon->registry, seen->zone);
                break;
        case OBSERVED_TRANSFER_BROKEN: /* logged where it happened, as a refusal is */
                survey_saw_transfer(
                        daemon->survey, &by_survey, FLEET_TRANSFER_NONE, seen->summary.from_serial, 0, 0);
                break;
        case OBSERVED_REFUSED:
                survey_saw_refused(daemon->survey, &by_survey);
                break;
        }
}

int daemon_on_observations(sd_event_source *source, int fd, uint32_t events, void *context)
{
        struct daemon *daemon = context;
        (void)source, (void)fd, (void)events;

        for (struct queue_item *item = queue_take_all(daemon->observations), *next; item; item = next) {
                next = item->next;
                observe(daemon, (struct observation *)item);
                free(item);
        }
        return 0;
}
