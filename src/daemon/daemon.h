/* The running daemon: who owns what, in the order in which it is made and unmade. Private to daemon/; main
 * loop. */
#pragma once

#include "base/queue.h"
#include "conf/conf.h"
#include "control/control.h"
#include "event/event.h"
#include "fleet/fleet.h"
#include "fleet/survey.h"
#include "notify/notify.h"
#include "publish/registry.h"
#include "push/push.h"
#include "server/server.h"
#include "store/serial_file.h"
#include "store/store.h"

#include <systemd/sd-event.h>

#define INHERITED_FDS_MAX 64

struct daemon {
        const char *conf_path;
        sd_event *event;
        struct conf *conf;
        struct store *store;
        struct serial_file *serial_file;
        struct queue *observations;
        struct fleet *fleet;
        struct prober *prober;
        struct survey *survey;
        struct notify *notify;
        struct registry *registry;
        struct push *push;
        unsigned failed_pushes; /* told to on-event */
        struct server *server;
        struct events *events;
        struct control *control;
        int inherited[INHERITED_FDS_MAX]; /* DNS sockets from systemd */
        size_t inherited_count;
        int inherited_control;  /* -1 = none */
        uint64_t watchdog_usec; /* 0 = off */
        char status[200];       /* as told to systemd last */
        bool is_failure_told;   /* why it cannot start */
};

/* Runs until SIGTERM or SIGINT. Returns the exit status. */
int daemon_run(const char *conf_path);

/* Reads the configuration again; a wrong one changes nothing. 0 or -EINVAL with malloc'ed diagnostics in
 * *ret_text. */
int daemon_reload(void *context, char **ret_text);

/* observe.c: what the server saw, for the fleet, the survey, NOTIFY and the registry. */
int daemon_on_observations(sd_event_source *source, int fd, uint32_t events, void *context);

/* tell.c: what becomes of zones, for on-event. */
void daemon_on_news(void *context, const struct zone_entry *zone, const struct verdict *verdict);
/* Before the rows know of the transfer. */
void daemon_tell_taken(struct daemon *daemon, const struct observation *seen);
/* Every secondary of the zone has this serial. */
bool daemon_is_everywhere(void *context, const uint8_t *name, uint32_t serial);
void daemon_tell_removed(struct daemon *daemon, const uint8_t *name);

/* push.c */
int daemon_push_new(struct daemon *daemon);

/* survey.c */
int daemon_survey_new(struct daemon *daemon);

/* beat.c: once a second, and the watchdog. */
int daemon_beat_start(struct daemon *daemon);
/* Small state of secondaries, to the publisher's thread. */
void daemon_write_rows(struct daemon *daemon);

/* retired.c */
void tell_retired(const struct observation *seen);
