/* Zones at a secondary that transfers them, and whose provider has an API beside (`api-token`): it is asked
 * which serial it holds, and to transfer a zone that it has not fetched in time. Main loop.
 *
 *     published -> read, read ... (5, 10, 20 ... s) until it holds the serial -> read every 6 h
 *              \-> due has passed without a transfer: force_axfr, once for each serial
 *
 * What is due when is fleet's word (stage.h); what the API says goes back there as a serial that is held.
 * follow_next() decides. */
#pragma once

#include "push/push.h"

struct follows;
struct push_errand;

enum follow_action { FOLLOW_SLEEP, FOLLOW_READ, FOLLOW_FORCE };

/* Times: realtime microseconds, 0 = never. */
struct follow_facts {
        uint32_t serial;     /* published */
        uint64_t heard_usec; /* of it */
        bool has;            /* it fetched the serial, or serves it, or its API says that it holds it */
        uint64_t due_usec;   /* by when it should */
        uint64_t asked_usec; /* it asked for a transfer of it that has not ended */

        uint32_t held_serial, forced_serial;    /* as the API said, and did */
        uint64_t base_usec;                     /* of the last read, publish or force_axfr */
        unsigned reads;                         /* since the publish, or force_axfr */
        uint64_t not_before_usec;               /* after a failure */
        bool read_is_refused, force_is_refused; /* not again for this serial */
        bool is_reading, is_forcing;            /* a request is under way, or in line */
};
/* SLEEP until *ret_next_usec (UINT64_MAX: until something happens). Pure. */
enum follow_action follow_next(const struct follow_facts *facts, uint64_t now_usec, uint64_t *ret_next_usec);

int follows_new(struct push *push, struct follows **ret_follows);
void follows_published(struct follows *follows, const uint8_t *zone, uint32_t serial);
void follows_forget(struct follows *follows, const uint8_t *zone);
/* Around a follows_published() for each zone after push->conf has changed: the others go. */
void follows_reconfigure_begin(struct follows *follows);
void follows_reconfigure_end(struct follows *follows);
void follows_take(struct follows *follows, const struct push_errand *errand);
/* NULL: none. */
const struct push_api_status *follows_status(
        const struct follows *follows, const uint8_t *zone, const char *secondary);
struct follows *follows_free(struct follows *follows);
