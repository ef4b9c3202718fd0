/* Tells the user's own program (`on-event`) what happened: for chat, paging, or the API of a provider.
 *
 * One run of it for each event: the event's name, the zone and, where one is meant, the secondary are its
 * arguments; the whole is one JSON object on its standard input. Nothing waits for it: events go into a
 * bounded queue, a few runs go side by side, each with a time limit, those of one zone one after the other
 * and in order. What it returns changes nothing here; a failure is logged with what it said. Main loop. */
#pragma once

#include <stdint.h>

struct conf;
struct events;

enum event_kind {
        EVENT_PUBLISHED,    /* a new serial is served */
        EVENT_HELD,         /* the guard, or the serial rules, hold a change */
        EVENT_STALE,        /* a secondary is later than it should be */
        EVENT_IN_SYNC,      /* one that was stale has the zone again */
        EVENT_ZONE_ADDED,   /* a zone is served for the first time; its EVENT_PUBLISHED follows */
        EVENT_ZONE_REMOVED, /* a zone is no longer served */
};
const char *event_kind_name(enum event_kind kind); /* "published", "in-sync", "zone-added" ... */

/* All of it is copied. NULL and 0 are left out. */
struct event {
        enum event_kind kind;
        const char *zone;          /* text, without the final dot */
        uint32_t serial;           /* published */
        uint32_t serial_before;    /* EVENT_PUBLISHED: what was served until now */
        uint64_t added, removed;   /* records: EVENT_PUBLISHED */
        const char *secondary;     /* EVENT_STALE, EVENT_IN_SYNC */
        uint32_t secondary_serial; /* what it serves, as far as is known */
        uint64_t lag_usec;         /* since it should have had it */
        const char *stage;         /* the last stage reached, in status' words */
        const char *commit;        /* of the source */
        const uint8_t *hash;       /* EVENT_HELD: 32 octets, what approve names */
        const char *text;          /* a sentence for a person: the log's */
};

/* conf: of now; events keep a reference. */
int events_new(struct conf *conf, struct events **ret_events);
/* Runs under way go on; what waits is run by the new program. */
void events_reconfigure(struct events *events, struct conf *conf);
/* Without on-event it does nothing. events may be NULL. Never fails: an event that finds no room is counted
 * and told in the log. */
void event_emit(struct events *events, const struct event *event);

struct events_figures {
        uint64_t succeeded, failed, timed_out, dropped; /* since the start */
        unsigned running;
        unsigned waiting;
};
void events_figures(const struct events *events, struct events_figures *ret_figures);
/* Ends what runs; what waits is not run any more. NULL is fine. */
struct events *events_free(struct events *events);
