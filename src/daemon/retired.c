/* Transfers from an address that its provider gives up on a known day: a warning once a day for each such
 * element of a transfer-from. Main loop. */
#include "base/clock.h"
#include "base/log.h"
#include "base/log_ids.h"
#include "daemon/daemon.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define TOLD_MAX 64
#define DAY_USEC (24 * 3600 * USEC_PER_SEC)

static struct {
        char secondary[CONF_SECONDARY_NAME_MAX + 1];
        char rule[ADDRESS_TEXT_MAX];
        uint64_t at_usec; /* monotonic; 0 = free */
} told[TOLD_MAX];

/* True where it was told within a day; else it counts as told now, in the place of the oldest. */
static bool was_told(const struct observation *seen)
{
        uint64_t now = clock_monotonic_usec();
        size_t oldest = 0;

        for (size_t i = 0; i < TOLD_MAX; i++) {
                if (told[i].at_usec != 0 && strcmp(told[i].secondary, seen->secondary) == 0 &&
                        strcmp(told[i].rule, seen->rule) == 0) {
                        if (now - told[i].at_usec < DAY_USEC)
                                return true;
                        oldest = i;
                        break;
                }
                if (told[i].at_usec < told[oldest].at_usec)
                        oldest = i;
        }
        memcpy(told[oldest].secondary, seen->secondary, sizeof(told[oldest].secondary));
        memcpy(told[oldest].rule, seen->rule, sizeof(told[oldest].rule));
        told[oldest].at_usec = now;
        return false;
}

void tell_retired(const struct observation *seen)
{
        char peer[ADDRESS_TEXT_MAX], zone[NAME_TEXT_MAX], today[16];
        time_t now = (time_t)(clock_realtime_usec() / USEC_PER_SEC);
        struct tm utc;

        if (!*seen->until || was_told(seen))
                return;
        strftime(today, sizeof(today), "%Y-%m-%d", gmtime_r(&now, &utc));
        const struct log_fields fields = {
                .zone = name_to_zone_text(seen->zone, zone),
                .secondary = seen->secondary,
                .rule = seen->rule,
                .message_id = MESSAGE_RETIRED_SOURCE,
        };
        bool is_over = strcmp(today, seen->until) >= 0;
        log_write(LOG_WARNING, &fields,
                is_over ? "secondary \"%s\" transferred %s from %s (%s), which was to end on %s: its "
                          "provider should "
                          "ask from its newer addresses by now"
                        : "secondary \"%s\" transferred %s from %s (%s), which ends on %s: see that it "
                          "reaches this "
                          "primary from its newer addresses",
                seen->secondary, zone, address_format(&seen->peer, peer), seen->rule, seen->until);
}
