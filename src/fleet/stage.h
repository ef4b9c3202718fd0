/* How far a secondary is with a zone: decisions alone, no clock, socket or log. Pure.
 *
 *     nothing -> notified -> acknowledged -> asked for the SOA -> asked for a transfer -> transferred ->
 * serving
 *
 * A stage is of the serial of now; a secondary may skip some (NSD asks for no SOA, WEDOS gets no NOTIFY). */
#pragma once

#include "conf/provider.h"
#include "fleet/sight_row.h"

#include <stdbool.h>
#include <stdint.h>

enum stage {
        STAGE_NOTHING,
        STAGE_NOTIFIED,
        STAGE_ACKNOWLEDGED,
        STAGE_ASKED_SOA,
        STAGE_ASKED_TRANSFER,
        STAGE_TRANSFERRED,
        STAGE_SERVING, /* each of its name servers shows it */
};
const char *stage_name(enum stage stage);  /* "acknowledged": status --json */
const char *stage_words(enum stage stage); /* "acknowledged the NOTIFY" */

#define STAGE_NEVER UINT64_MAX

/* What is known of one (zone, secondary). Serials: 0 = none. Times: realtime microseconds, 0 = never. */
struct stage_facts {
        uint32_t serial; /* published */
        uint64_t size_bytes;
        uint32_t refresh_sec, retry_sec, expire_sec; /* of the SOA */

        bool takes_notify;
        enum conf_refresh refresh_by;
        uint32_t interval_sec;       /* CONF_REFRESH_INTERVAL */
        uint32_t refresh_min_sec;    /* it asks no more often */
        uint32_t first_transfer_sec; /* the first transfer may take so long */
        bool is_probed;              /* its name servers can be asked, and show our serial */
        bool expire_is_honoured;

        uint32_t notified_serial, acknowledged_serial; /* of any of its NOTIFY targets */
        uint64_t notified_usec;
        bool refuses_notify;  /* the last answer to NOTIFY was an error */
        uint32_t told_serial; /* that the provider's API says it holds */
        struct sight_row row;
        unsigned server_count;  /* name servers known */
        unsigned serving_count; /* of them, those that were seen with the serial, or one ahead */
};

struct stage_view {
        enum stage reached;
        bool is_current;       /* all that can be seen of it says that it has the serial */
        bool is_new;           /* never transferred */
        bool is_late;          /* not current, and due has passed */
        enum stage overdue;    /* is_late: the stage that should have come next */
        uint64_t due_usec;     /* by when it should have the serial; 0 = it has */
        uint64_t contact_usec; /* it was heard of last */
        uint64_t expires_usec; /* it stops serving the zone at about then, for want of us; 0 = it hears from
                                  us, or nobody knows */
};
struct stage_view stage_judge(const struct stage_facts *facts, uint64_t now_usec);

/* The lag's begin: since when the secondary has not had what was published. Whoever makes progress (takes a
 * newer serial than before) has its lag begin anew, so that a zone that is published without pause has no
 * secondary that is late for ever, and none that is never late. */
void lag_published(struct sight_row *row, bool was_current, uint64_t now_usec);
void lag_progress(struct sight_row *row, bool is_current, uint64_t now_usec);

enum alert_action { ALERT_NONE, ALERT_STALE, ALERT_IN_SYNC };
/* Once when a secondary is late by more than alert_after, once when that ends: row->stale_usec keeps which.
 * *ret_next_usec: when to look again; STAGE_NEVER. */
enum alert_action alert_judge(const struct sight_row *row, const struct stage_view *view,
        uint64_t alert_after_usec, uint64_t now_usec, uint64_t *ret_next_usec);
