/* Private to push/: what push.c, scan.c and tell.c share. Main loop. */
#pragma once

#include "base/table.h"
#include "push/worker.h"

struct sd_event_source;

/* Credentials at an endpoint: a worker, a rate. */
struct account {
        struct account *next;
        const struct push_provider *provider;
        char *credentials, *endpoint, *ca_file;
        struct worker *worker;
};

struct plan_asker {
        struct plan_asker *next;
        push_planned done;
        void *context;
};

struct push_target {
        struct push_target *next; /* of the zone, or of those that leave */
        struct push_zone *zone;   /* NULL: it leaves */
        struct account *account;
        const struct conf_secondary *block; /* of push->conf */
        char name[CONF_SECONDARY_NAME_MAX + 1];
        struct push_status status;
        struct push_names names;
        char *plan; /* of what is held, or of drift that is reported */
        struct plan_asker *askers;
        struct sighting *sighting; /* seen.c: NULL = nothing is looked for */
};

struct push_zone {
        uint8_t name[NAME_MAX_LENGTH]; /* folded */
        struct push_target *targets;
};

struct push {
        struct push_options options;
        struct conf *conf; /* one reference */
        struct queue *reports;
        struct sd_event_source *source;
        struct table zones; /* folded name -> struct push_zone */
        struct account *accounts;
        struct push_target *leaving;
        struct seen *seen; /* made with the first target */
        struct follows *follows;
};

struct push_target *push_target_find(const struct push *push, const uint8_t *name, const char *secondary);
/* account.c */
bool push_same_text(const char *left, const char *right); /* both may be NULL */
bool account_is(const struct account *account, const struct conf_secondary *block);
struct account *account_get(struct push *push, const struct conf_secondary *block); /* NULL: told */
void account_free(struct account *account);
/* scan.c: zones of the store that are pushed since the configuration changed. */
int push_scan(struct push *push);
/* tell.c: a line for the log where something is new. */
void push_tell(const struct push_target *target, const struct push_status *before);
void push_tell_signed(const struct push_target *target);
