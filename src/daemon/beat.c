/* Once a second: small state to the store, the STATUS line; and the watchdog, fed only while every thread
 * beats. Main loop. */
#include "daemon/daemon.h"

#include "base/clock.h"
#include "base/log.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <systemd/sd-daemon.h>

#define BEAT_USEC USEC_PER_SEC
#define THREAD_MAX_AGE_USEC (30 * USEC_PER_SEC)

void daemon_write_rows(struct daemon *daemon)
{
        struct fleet_write *writes = NULL;
        size_t count = 0;
        if (daemon->fleet && fleet_take_dirty(daemon->fleet, &writes, &count) == 0 && count > 0)
                registry_write_state(daemon->registry, writes, count);
        if (daemon->survey && survey_take_dirty(daemon->survey, &writes, &count) == 0 && count > 0)
                registry_write_state(daemon->registry, writes, count);
}

static void tell_status(struct daemon *daemon)
{
        const uint64_t *counts = registry_figures(daemon->registry)->zones;
        char status[sizeof(daemon->status)];
        uint64_t trouble = counts[ZONE_BROKEN] + counts[ZONE_HELD] + counts[ZONE_MISSING] +
                           counts[ZONE_BEHIND] + counts[ZONE_FAILED];
        snprintf(status, sizeof(status),
                "STATUS=%zu zone%s: %" PRIu64 " published, %" PRIu64 " loading, %" PRIu64 " frozen, %" PRIu64
                " in trouble (%" PRIu64 " broken, %" PRIu64 " held, %" PRIu64 " missing)",
                registry_count(daemon->registry), registry_count(daemon->registry) == 1 ? "" : "s",
                counts[ZONE_PUBLISHED], counts[ZONE_LOADING], counts[ZONE_FROZEN], trouble,
                counts[ZONE_BROKEN], counts[ZONE_HELD], counts[ZONE_MISSING]);
        if (strcmp(status, daemon->status) == 0)
                return;
        strcpy(daemon->status, status);
        sd_notify(false, status);
}

static int on_beat(sd_event_source *source, uint64_t usec, void *context)
{
        struct daemon *daemon = context;

        daemon_write_rows(daemon);
        tell_status(daemon);
        sd_event_source_set_time(source, usec + BEAT_USEC);
        return 0;
}

static int on_watchdog(sd_event_source *source, uint64_t usec, void *context)
{
        struct daemon *daemon = context;

        if (server_is_alive(daemon->server, THREAD_MAX_AGE_USEC) &&
                registry_is_alive(daemon->registry, THREAD_MAX_AGE_USEC))
                sd_notify(false, "WATCHDOG=1");
        else
                log_write(LOG_CRIT, NULL, "a thread does not beat: the watchdog is not fed");
        sd_event_source_set_time(source, usec + daemon->watchdog_usec / 2);
        return 0;
}

static int add_timer(struct daemon *daemon, uint64_t wait_usec, sd_event_time_handler_t handler)
{
        sd_event_source *source = NULL;
        int r = sd_event_add_time_relative(
                daemon->event, &source, CLOCK_MONOTONIC, wait_usec, 0, handler, daemon);
        if (r >= 0)
                r = sd_event_source_set_enabled(source, SD_EVENT_ON);
        if (r >= 0)
                r = sd_event_source_set_floating(source, true);
        sd_event_source_unref(source);
        return r < 0 ? r : 0;
}

int daemon_beat_start(struct daemon *daemon)
{
        int r = add_timer(daemon, BEAT_USEC, on_beat);
        if (r == 0 && sd_watchdog_enabled(false, &daemon->watchdog_usec) > 0)
                r = add_timer(daemon, daemon->watchdog_usec / 2, on_watchdog);
        return r;
}
