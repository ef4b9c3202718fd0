/* NOTIFY (RFC 1996): every target hears of the newest serial in the end, whatever dies in between; one dead
 * target delays no other (I6). Main loop.
 *
 * notify_zone_published() is where a publish arrives; send.c's notify_send() is where the datagram leaves.
 * What to do next for one target is decided by notify_next_action(), a pure function. */
#pragma once

#include "fleet/fleet.h"

#include <stdbool.h>
#include <stdint.h>

struct sd_event;
struct notify;

/* State of one (zone, target) while something is to be done. */
enum notify_phase {
        NOTIFY_DELAYED,      /* notify-delay runs, or it stands in the rate's queue */
        NOTIFY_WAITING,      /* sent; no answer yet */
        NOTIFY_ACKNOWLEDGED, /* NOERROR; waits 60 s for the target to ask, then again, 3 times at most */
        NOTIFY_DOWN,         /* 5 NOTIFYs without an answer: one canary at growing intervals up to REFRESH */
        NOTIFY_REFUSED,      /* REFUSED, NOTAUTH or another error: hourly */
        NOTIFY_DONE, /* transferred, asked, NOTIMP, or never asked: nothing to do until the next serial */
};
const char *notify_phase_name(enum notify_phase phase);

#define NOTIFY_NEVER UINT64_MAX

/* Times are monotonic microseconds. */
struct notify_state {
        enum notify_phase phase;
        uint32_t serial;        /* the newest: replaces an older one that still waits */
        unsigned attempts;      /* NOTIFYs in a row that nobody answered in time */
        unsigned repeats;       /* NOTIFYs after one that was acknowledged without a question */
        bool was_asked;         /* the target asked for this serial */
        uint64_t began_usec;    /* the first send since the last answer; 0 = none */
        uint64_t sent_usec;     /* the first send since the last one that was given up; 0 = none */
        uint64_t due_usec;      /* when to look again; NOTIFY_NEVER: something else comes first */
        uint64_t interval_usec; /* of the phase's growing waits */
};

enum notify_event {
        NOTIFY_EVENT_TIMER,       /* due_usec has come */
        NOTIFY_EVENT_PUBLISHED,   /* serial, delay */
        NOTIFY_EVENT_FORCED,      /* serial: send now, whatever is known */
        NOTIFY_EVENT_SENT,        /* what NOTIFY_SEND asked for has left */
        NOTIFY_EVENT_ANSWER,      /* rcode, and the serial that the NOTIFY had */
        NOTIFY_EVENT_ASKED,       /* the target asked, and was told this serial */
        NOTIFY_EVENT_TRANSFERRED, /* serial */
        NOTIFY_EVENT_HEARD,       /* some packet came from the target's address */
        NOTIFY_EVENT_HELD,        /* the target's address is down and another zone's NOTIFY is the canary */
};
enum notify_action {
        NOTIFY_SEND,   /* as soon as the rate allows, then NOTIFY_EVENT_SENT */
        NOTIFY_SLEEP,  /* until due_usec */
        NOTIFY_FINISH, /* nothing to do until the next serial */
};
struct notify_input {
        enum notify_event event;
        unsigned rcode;
        uint32_t serial;
        uint64_t now_usec;
        uint32_t refresh_sec;
        uint64_t delay_usec; /* what is left of notify-delay */
};
/* Changes the state and says what to do; no socket, clock or log. A zeroed state is a new target's, before
 * its first NOTIFY_EVENT_PUBLISHED or NOTIFY_EVENT_FORCED. */
enum notify_action notify_next_action(struct notify_state *state, const struct notify_input *input);

int notify_new(struct sd_event *event, struct store *store, struct fleet *fleet, struct notify **ret_notify);
/* After fleet_reconfigure: sources, rates and targets are the new configuration's. */
int notify_reconfigure(struct notify *notify);
/* The zone serves this serial from now on (committed). Also at start for every zone: what is pending follows
 * from the rows. */
int notify_zone_published(struct notify *notify, const struct store_zone *zone);
/* `zonecrier notify ZONE`: every target at once, acknowledged or not. -ENOENT. *ret_count = targets. */
int notify_zone_force(struct notify *notify, const uint8_t *name, size_t *ret_count);
/* The server saw this target (already noted in fleet): any packet from a target that is down drains what
 * waits for it. */
void notify_target_asked(struct notify *notify, struct fleet_target *target);
void notify_target_transferred(struct notify *notify, struct fleet_target *target);
void notify_zone_forget(struct notify *notify, const uint8_t *name); /* before fleet_zone_forget */
/* For status: the phase of a target, NOTIFY_DONE where nothing is to be done. */
enum notify_phase notify_target_phase(const struct fleet_target *target);
struct notify *notify_free(struct notify *notify); /* before fleet_free */
