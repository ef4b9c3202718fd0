/* From a method and a request target to what is asked. Pure.
 *
 *   GET  /v1/status                        every zone
 *   GET  /v1/zones/NAME                    one zone
 *   GET  /v1/doctor, /v1/zones/NAME/doctor what only the daemon knows, for `zonecrier doctor`
 *   GET  /v1/zones/NAME/text               the published zone as zone file text
 *   GET  /v1/zones/NAME/text?serial=N      as it was under an earlier serial
 *   GET  /v1/zones/NAME/log                its serials, newest first
 *   GET  /v1/zones/NAME/diff?from=N&to=M   what one serial took away and added to the other
 *   GET  /v1/zones/NAME/dump               versions, journal steps and records, for a person
 *   POST /v1/reload                        the configuration, then every zone
 *   POST /v1/zones/NAME/reload             answers with the zone's verdict
 *   POST /v1/zones/NAME/notify             NOTIFY to every target now
 *   POST /v1/zones/NAME/freeze, thaw
 *   POST /v1/zones/NAME/settle             answers once what was edited before is looked at
 *   POST /v1/zones/NAME/approve?hash=HEX   releases what is held; or ?commit=REV
 *   POST /v1/zones/NAME/serial             asks its secondaries what they hold
 *   POST /v1/zones/NAME/serial-set?serial=N&step=max&assume=NAME, serial-abort
 *   POST /v1/zones/NAME/rollback?to=N      publishes what was under serial N, with a higher one
 *   POST /v1/zones/NAME/plan?changes=N     what a look, or the text in the body, would come to; N lines at
 * most
 *   POST /v1/zones/NAME/push?secondary=S               pushes now; no secondary: to all
 *   POST /v1/zones/NAME/push-plan?secondary=S          what a push would change there
 *   POST /v1/zones/NAME/push-approve?hash=HEX&secondary=S
 *
 * NAME is the zone's name in text form, percent-encoded; its final dot may be there, letter case does not
 * count. */
#pragma once

#include "dns/name.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum route_kind {
        ROUTE_STATUS,
        ROUTE_ZONE,
        ROUTE_TEXT,
        ROUTE_LOG,
        ROUTE_DIFF,
        ROUTE_DUMP,
        ROUTE_RELOAD_ALL,
        ROUTE_RELOAD,
        ROUTE_NOTIFY,
        ROUTE_FREEZE,
        ROUTE_THAW,
        ROUTE_APPROVE,
        ROUTE_ROLLBACK,
        ROUTE_PLAN,
        ROUTE_SETTLE,
        ROUTE_SERIAL,
        ROUTE_SERIAL_SET,
        ROUTE_SERIAL_ABORT,
        ROUTE_PUSH,
        ROUTE_PUSH_PLAN,
        ROUTE_PUSH_APPROVE,
        ROUTE_DOCTOR,      /* the daemon's facts */
        ROUTE_DOCTOR_ZONE, /* a zone's */
};

struct route {
        enum route_kind kind;
        uint8_t zone[NAME_MAX_LENGTH]; /* folded; not for STATUS and RELOAD_ALL */
        uint32_t changes;              /* PLAN: lines that are wanted */
        uint32_t from, to;             /* DIFF; ROLLBACK: to */
        uint8_t hash[32];              /* APPROVE, PUSH_APPROVE */
        char commit[128];              /* APPROVE: a revision, in place of hash; "" = none */
        char secondary[64];            /* PUSH*: "" = all */
        uint32_t serial;               /* TEXT: 0 = what is published; SERIAL_SET: where to; 0 = nowhere
                                          else, but `assumed` */
        bool longest;                  /* SERIAL_SET: in steps as long as can be */
        char assumed[512];             /* SERIAL_SET: names, one a line */
};

/* 0, or the HTTP status that says what is wrong: 400, 404, 405; then *ret_error is a sentence (static), and
 * with 405 *ret_allow the method that fits. target is the request line's, percent-encoded, query and all.
 * HEAD counts as GET. */
unsigned route_find(const char *method, const char *target, struct route *ret_route, const char **ret_error,
        const char **ret_allow);
/* route_serial.c: ?serial=N&step=max&assume=NAME of SERIAL_SET. False with a sentence. */
bool route_serial_query(const char *query, struct route *route, const char **ret_error);
/* Percent-decodes (RFC 3986 s.2.1). False where an escape is broken, or the text is too long for a name. */
bool route_decode(const char *segment, size_t length, char text[static NAME_TEXT_MAX], size_t *ret_length);
const char *route_verb(enum route_kind kind); /* "reload", for the log */
