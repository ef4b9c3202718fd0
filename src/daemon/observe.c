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

static void observe_transfer(struct daemon *daemon, const struct observation *seen)
{
        const struct transfer_summary *summary = &seen->summary;
        enum fleet_transfer_kind kind = fleet_kind(summary->kind);
        struct fleet_target *target;

        if (kind == FLEET_TRANSFER_NONE) { /* a lone SOA: it asked, and holds what it said */
                target = fleet_saw_soa_query(daemon->fleet, seen->zone, &seen->peer, seen->key_name,
                        summary->to_serial, seen->at_usec);
                if (target && summary->kind == TRANSFER_UP_TO_DATE) {
                        target->row.transferred_serial = summary->to_serial;
                        fleet_target_changed(daemon->fleet, target);
                        notify_target_transferred(daemon->notify, target);
                } else if (target)
                        notify_target_asked(daemon->notify, target);
                return;
        }
        target = fleet_saw_transfer(daemon->fleet, seen->zone, &seen->peer, seen->key_name, kind,
                summary->from_serial, summary->to_serial, summary->bytes, seen->duration_usec, seen->at_usec);
        if (target)
                notify_target_transferred(daemon->notify, target);
}

static void observe(struct daemon *daemon, const struct observation *seen)
{
        struct fleet_target *target;
        char peer[ADDRESS_TEXT_MAX];

        switch (seen->kind) {
        case OBSERVED_SOA_QUERY:
                target = fleet_saw_soa_query(
                        daemon->fleet, seen->zone, &seen->peer, seen->key_name, seen->serial, seen->at_usec);
                if (target)
                        notify_target_asked(daemon->notify, target);
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
        case OBSERVED_TRANSFER_BROKEN:
        case OBSERVED_REFUSED:
                break; /* logged where it happened */
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
