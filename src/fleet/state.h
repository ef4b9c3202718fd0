/* Private to fleet/: what fleet.c, targets.c and dirty.c share. */
#pragma once

#include "base/table.h"
#include "fleet/fleet.h"

struct fleet {
        struct store *store;
        struct conf *conf;  /* one reference */
        struct table zones; /* folded name -> struct fleet_zone */

        struct fleet_target **dirty;
        size_t dirty_count, dirty_capacity;
        struct fleet_write *deletes; /* rows of targets that are gone */
        size_t delete_count, delete_capacity;

        void (*target_gone)(void *context, struct fleet_target *target);
        void *target_gone_context;
};

/* A target as it shall be. */
struct wanted {
        struct conf_target target;
        bool from_ns_set;
        const char *ns_name;
};

/* Makes the zone's targets these: a target that is there already stays, with its row; a new one's row comes
 * from the store; the others go, and their rows with them. -ENOMEM: nothing changed. */
int targets_replace(struct fleet *fleet, struct fleet_zone *zone, const struct wanted *wanted, size_t count);
/* wanted.c. names may be NULL where the count is 0. */
int wanted_make(struct fleet *fleet, struct fleet_zone *zone, const struct conf_target *resolved,
        const char *const *names, size_t resolved_count);
/* After a new configuration: the same names' addresses, as far as it has the names still. */
int wanted_again(struct fleet *fleet, struct fleet_zone *zone);
/* All go; their rows in the store stay. */
void targets_drop(struct fleet *fleet, struct fleet_zone *zone);

void dirty_remove(struct fleet *fleet, struct fleet_target *target);
/* The store's row of a target that left the configuration is to go. */
void dirty_delete_row(struct fleet *fleet, const struct fleet_target *target);
