/* What an operator is told of NOTIFY: a line when a serial is acknowledged, when a target goes down, comes
 * back, refuses, or never asks; not one for each try. Main loop. */
#include "notify/state.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/log_ids.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define TELL_SPACING (60 * USEC_PER_SEC)

/* The texts that every line needs. */
struct about {
        char zone[NAME_TEXT_MAX];
        char target[ADDRESS_TEXT_MAX];
        char key[NAME_TEXT_MAX];
        struct log_fields fields;
};

static void about_target(struct about *about, const struct pending *pending, const char *message_id)
{
        const struct fleet_target *target = pending->target;
        about->fields = (struct log_fields){
                .zone = name_to_zone_text(target->zone->name, about->zone),
                .serial = pending->state.serial,
                .secondary = address_format(&target->target.address, about->target),
                .message_id = message_id,
        };
        if (target->target.key)
                about->fields.key = name_to_zone_text(target->target.key->name, about->key);
}

void tell_acknowledged(
        const struct pending *pending, const struct reply *reply, bool was_unsigned, uint64_t usec)
{
        struct about about;
        char rcode[RCODE_TEXT_MAX];
        about_target(&about, pending, MESSAGE_NOTIFY_ACK);
        about.fields.serial = pending->exchange.serial;
        about.fields.duration_usec = (int64_t)usec;
        const char *remark = "";
        if (reply->rcode == RCODE_NOTIMP)
                remark = ": it does not know NOTIFY and polls";
        else if (reply->is_unsigned)
                remark = ", unsigned though the NOTIFY was signed";
        /* Each answer of such a target is unsigned: that is worth a warning once. */
        int priority = reply->is_unsigned && !was_unsigned ? LOG_WARNING : LOG_INFO;
        log_write(priority, &about.fields,
                "zone %s: %s acknowledged NOTIFY of serial %" PRIu32 " after %" PRIu64 ".%01" PRIu64
                " ms (%s%s)",
                about.zone, about.target, pending->exchange.serial, usec / 1000, usec % 1000 / 100,
                rcode_to_text(reply->rcode, rcode), remark);
}

static void describe_refusal(const struct reply *reply, char *text, size_t size)
{
        switch (reply->tsig_error) {
        case RCODE_BADKEY:
                snprintf(text, size,
                        "BADKEY: it does not know this key, or the key's algorithm is another there");
                return;
        case RCODE_BADSIG:
                snprintf(text, size, "BADSIG: the key's secret is another there");
                return;
        case RCODE_BADTIME:
                if (reply->clock_offset_sec != 0)
                        snprintf(text, size, "BADTIME: its clock and ours differ by %" PRId64 " s",
                                reply->clock_offset_sec);
                else
                        snprintf(text, size, "BADTIME: its clock and ours differ");
                return;
        case RCODE_BADTRUNC:
                snprintf(text, size, "BADTRUNC: it wants a longer MAC");
                return;
        default:
                snprintf(text, size,
                        "source address not registered at the provider? or it does not know the key or the "
                        "zone");
        }
}

void tell_refused(const struct pending *pending, const struct reply *reply)
{
        struct about about;
        char rcode[RCODE_TEXT_MAX], hint[160];
        about_target(&about, pending, MESSAGE_NOTIFY_REFUSED);
        describe_refusal(reply, hint, sizeof(hint));
        log_write(LOG_WARNING, &about.fields,
                "zone %s: %s answers NOTIFY with %s (%s); tried again every hour", about.zone, about.target,
                rcode_to_text(reply->rcode, rcode), hint);
}

void tell_not_transferred(const struct pending *pending)
{
        struct about about;
        about_target(&about, pending, MESSAGE_NOT_TRANSFERRED);
        log_write(LOG_WARNING, &about.fields,
                "zone %s: %s acknowledged NOTIFY of serial %" PRIu32 " %u times and never asked for the zone "
                "(it may ask from another address, or have another primary configured)",
                about.zone, about.target, pending->state.serial, pending->state.repeats + 1);
}

void tell_zone_silent(const struct pending *pending)
{
        struct about about;
        about_target(&about, pending, MESSAGE_NOTIFY_DOWN);
        log_write(LOG_WARNING, &about.fields,
                "zone %s: %s answers no NOTIFY for this zone, though it was heard of (a firewall, or it "
                "drops what it "
                "does not know); tried again at growing intervals, and other such zones are not told for an "
                "hour",
                about.zone, about.target);
}

void tell_peer_down(const struct pending *pending)
{
        struct about about;
        about_target(&about, pending, MESSAGE_NOTIFY_DOWN);
        log_write(LOG_WARNING, &about.fields,
                "%s is down: no answer to %u NOTIFYs (zone %s, serial %" PRIu32 "); one is sent at growing "
                "intervals until it is heard of again",
                about.target, pending->state.attempts, about.zone, pending->state.serial);
}

void tell_peer_up(const struct peer *peer, uint64_t now_usec)
{
        char target[ADDRESS_TEXT_MAX];
        uint64_t usec = now_usec - peer->down_usec;
        struct log_fields fields = {
                .secondary = address_format(&peer->address, target),
                .message_id = MESSAGE_NOTIFY_UP,
                .duration_usec = (int64_t)usec,
        };
        log_write(LOG_NOTICE, &fields,
                "%s is heard of again after %" PRIu64 " s; %zu zone%s wait%s for NOTIFY", target,
                (uint64_t)(usec / USEC_PER_SEC), peer->down_count, peer->down_count == 1 ? "" : "s",
                peer->down_count == 1 ? "s" : "");
}

void tell_bad_tsig(const struct pending *pending, const struct reply *reply)
{
        struct about about;
        about_target(&about, pending, NULL);
        log_write(LOG_WARNING, &about.fields,
                "zone %s: an answer to NOTIFY from %s is ignored: its TSIG is wrong (%s); more like it are "
                "not "
                "told for a minute",
                about.zone, about.target, tsig_result_name(reply->result));
}

void tell_send_error(const struct pending *pending, const char *what, int error)
{
        struct about about;
        struct peer *peer = pending->peer;
        uint64_t now = clock_monotonic_usec();
        if (peer->told_error_usec != 0 && now - peer->told_error_usec < TELL_SPACING)
                return;
        peer->told_error_usec = now;
        about_target(&about, pending, NULL);
        log_write(LOG_WARNING, &about.fields, "zone %s: NOTIFY to %s: %s: %s; it is tried again", about.zone,
                about.target, what, strerror(-error));
}

void tell_not_resolved(const uint8_t *zone, const char *name, const char *why)
{
        char text[NAME_TEXT_MAX];
        struct log_fields fields = {.zone = name_to_zone_text(zone, text), .secondary = name};
        log_write(LOG_WARNING, &fields, "zone %s: %s has no address (%s) and gets no NOTIFY",
                text, name, why);
}
