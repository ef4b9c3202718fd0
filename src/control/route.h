/* From a method and a request target to what is asked. Pure.
 *
 *   GET  /v1/status                        every zone
 *   GET  /v1/zones/NAME                    one zone
 *   GET  /v1/zones/NAME/text               the published zone as zone file text
 *   GET  /v1/zones/NAME/dump               versions, journal steps and records, for a person
 *   POST /v1/reload                        the configuration, then every zone
 *   POST /v1/zones/NAME/reload             answers with the zone's verdict
 *   POST /v1/zones/NAME/notify             NOTIFY to every target now
 *   POST /v1/zones/NAME/freeze, thaw
 *   POST /v1/zones/NAME/settle             answers once what was edited before is looked at
 *   POST /v1/zones/NAME/approve?hash=HEX   releases what is held
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

#include <stdint.h>

enum route_kind {
        ROUTE_STATUS,
        ROUTE_ZONE,
        ROUTE_TEXT,
        ROUTE_DUMP,
        ROUTE_RELOAD_ALL,
        ROUTE_RELOAD,
        ROUTE_NOTIFY,
        ROUTE_FREEZE,
        ROUTE_THAW,
        ROUTE_APPROVE,
        ROUTE_PLAN,
        ROUTE_SETTLE,
        ROUTE_PUSH,
        ROUTE_PUSH_PLAN,
        ROUTE_PUSH_APPROVE,
};

struct route {
        enum route_kind kind;
        uint8_t zone[NAME_MAX_LENGTH]; /* folded; not for STATUS and RELOAD_ALL */
        uint32_t changes;              /* PLAN: lines that are wanted */
        uint8_t hash[32];              /* APPROVE, PUSH_APPROVE */
        char secondary[64];            /* PUSH*: "" = all */
};

/* 0, or the HTTP status that says what is wrong: 400, 404, 405; then *ret_error is a sentence (static), and
 * with 405 *ret_allow the method that fits. target is the request line's, percent-encoded, query and all.
 * HEAD counts as GET. */
unsigned route_find(const char *method, const char *target, struct route *ret_route, const char **ret_error,
        const char **ret_allow);
const char *route_verb(enum route_kind kind); /* "reload", for the log */
