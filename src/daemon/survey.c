/* The survey of secondaries as the daemon wires it: its news go to on-event, a serial ahead of ours to the
 * registry. Main loop. */
#include "daemon/daemon.h"

static void on_told(void *context, const struct survey_event *told)
{
        struct daemon *daemon = context;
        char zone[NAME_TEXT_MAX];
        struct event event = {
                .kind = told->kind == SURVEY_STALE ? EVENT_STALE : EVENT_IN_SYNC,
                .zone = name_to_zone_text(told->zone, zone),
                .serial = told->serial,
                .secondary = told->secondary,
                .secondary_serial = told->secondary_serial,
                .lag_usec = told->lag_usec,
                .stage = told->stage,
                .text = told->text,
        };
        event_emit(daemon->events, &event);
}

static void on_ahead(void *context, const uint8_t *zone, uint32_t serial, const char *server)
{
        struct daemon *daemon = context;
        registry_seen_ahead(daemon->registry, zone, serial, false, server);
}

int daemon_survey_new(struct daemon *daemon)
{
        int r = prober_new(daemon->event, daemon->conf->options.probe_rate, &daemon->prober);
        if (r < 0)
                return r;
        struct survey_options options = {
                .event = daemon->event,
                .store = daemon->store,
                .fleet = daemon->fleet,
                .prober = daemon->prober,
                .told = on_told,
                .ahead = on_ahead,
                .context = daemon,
        };
        return survey_new(&options, &daemon->survey);
}
