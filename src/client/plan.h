/* zonecrier plan, and the hook: what a text, a folder or a step between two commits would come to. */
#pragma once

#include "client/git_zones.h"

#include <jansson.h>
#include <stdbool.h>

struct client;
struct conf;
struct diag_list;
struct rehearsal_stage;
struct source_snapshot;

#define PLAN_ENTRIES "cannot be planned: it has ALIAS or URL entries and an $INCLUDE"

enum plan_format { PLAN_TEXT, PLAN_DIFF, PLAN_MARKDOWN, PLAN_JSON };

struct plan {
        const struct client *client;
        enum plan_format format;
        struct conf *conf; /* --config, or the defaults */
        const char *from,
                *to;     /* what is compared, for the reader; NULL = the daemon's, the zone's own file */
        bool keeps_none; /* a zone of which nothing changes is told too */
        bool has_filter;
        uint8_t filter[NAME_MAX_LENGTH]; /* --zone */
        json_t *zones;                   /* an object each, as rehearsal_append_json() writes it */
        bool has_failed;
};

/* CLIENT_OK, or CLIENT_WRONG after telling why. */
int plan_begin(struct plan *plan, const struct client *client);
void plan_end(struct plan *plan);
/* 0 nothing, 2 changes, 4 held, 1 an error. */
int plan_exit(const struct plan *plan);
bool plan_wants(const struct plan *plan, const uint8_t *zone);
void plan_add(struct plan *plan, json_t *zone); /* takes it over */
void plan_add_broken(struct plan *plan, const uint8_t *zone, const char *path, const char *why);
/* The rehearsed text of a zone. */
struct rehearsal;
void plan_add_rehearsal(struct plan *plan, const uint8_t *zone, const struct rehearsal *rehearsal);

/* plan_text.c: one zone's text in a memory file, without includes: what is planned. -EINVAL: it has errors,
 * which are in diags; -EOPNOTSUPP: ALIAS or URL entries beside an $INCLUDE. strict: with the configuration's
 * checks, else without those that it may switch off. */
int plan_read_text(const struct plan *plan, struct source_snapshot *snapshot, const char *path,
        const uint8_t *zone, bool strict, struct diag_list *diags, int *ret_fd);
void plan_add_errors(struct plan *plan, const uint8_t *zone, struct diag_list *diags);

/* plan_git.c: from one commit or tree (NULL: nothing was) to another, without a daemon. 0 or a negative errno
 * after telling why. */
int plan_git_step(struct plan *plan, struct git *git, const char *from, const char *to, const char *folder);
/* plan_daemon.c: against what zonecrierd has published. CLIENT_OK or CLIENT_WRONG. */
int plan_commit(struct plan *plan, struct git *git, const char *commit, const char *folder);
int plan_folder(struct plan *plan, const char *folder);
int plan_zone(struct plan *plan, const char *zone);
int plan_waiting(struct plan *plan); /* every zone that something waits of */

/* plan_print.c */
void plan_print(const struct plan *plan);
