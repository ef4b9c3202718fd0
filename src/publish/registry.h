/* Every zone that the configuration names or a zone folder holds, with what became of its text; on the main
 * loop. The publisher's thread does the work and posts verdicts back. */
#pragma once

#include "conf/conf.h"
#include "dns/name.h"
#include "store/serial_file.h"
#include "store/store.h"

#include <stdbool.h>
#include <stdint.h>

struct sd_event;
struct fleet;
struct serial_set;
struct registry;

enum zone_state {     /* what status says */
        ZONE_LOADING, /* not looked at yet since the start */
        ZONE_PUBLISHED,
        ZONE_BROKEN,                   /* the text has errors: what was served stays */
        ZONE_HELD,                     /* the guard, or the serial rules, hold a change */
        ZONE_FROZEN,                   /* by hand */
        ZONE_MISSING,                  /* its file is gone; served on */
        ZONE_BEHIND,                   /* a secondary is ahead of us; the next serial goes above */
        ZONE_FAILED,                   /* the store could not take it (no room); tried again */
        ZONE_STATE_LAST = ZONE_FAILED, /* the one above */
};
const char *zone_state_name(enum zone_state state); /* "published", ... */

enum verdict_kind {
        VERDICT_UNCHANGED,
        VERDICT_PUBLISHED,
        VERDICT_BROKEN,
        VERDICT_HELD,
        VERDICT_FROZEN, /* a change waits for thaw */
        VERDICT_MISSING,
        VERDICT_REMOVED,
        VERDICT_FAILED,
        VERDICT_LAST = VERDICT_FAILED, /* the one above */
};
const char *verdict_kind_name(enum verdict_kind kind);

/* What became of one look at a zone's text. Strings are malloc'ed. */
struct verdict {
        enum verdict_kind kind;
        uint32_t serial_before, serial;
        uint64_t added, removed;
        char *summary; /* one line: "serial 7, +1 -0 records", "zones/x.zone:3:1: error: ...", "37 of 100
                          RRsets would be gone (limit 30 %)" */
        char *details; /* diagnostics as diag_format makes them, "" = none */
        bool has_hash;
        uint8_t hash[32]; /* held: what approve names */
        bool warned;      /* details has warnings */
        uint64_t at_usec;
};

struct zone_entry {
        uint8_t name[NAME_MAX_LENGTH]; /* folded */
        const char *name_text;         /* without final dot */
        const char *path;              /* of its file */
        bool is_configured;            /* by a zone block; else found in a zone-files folder */
        const char *folder;            /* then the folder */
        const char *commit;            /* that the verdict is about; NULL = not out of git */
        enum zone_state state;
        bool is_frozen;
        const struct serial_set *serial_set; /* serial-set is under way; NULL = it is not */
        const char *waiting_for;             /* then: who does not hold the last step; NULL = not known yet */
        const char *write_back_trouble; /* why the serial is not in the file; NULL = it is, or need not be */
        struct verdict verdict;         /* of the last look */
        /* private parts of registry.c follow */
};

/* Called on the main loop for each zone that a batch published; row as committed (valid during the call). */
typedef void (*registry_published)(void *context, const struct store_zone *row);
/* Called when a zone is no longer served. */
typedef void (*registry_removed)(void *context, const uint8_t *name);

/* Called for each published or held verdict that is told in the log, with the zone as it is then. */
typedef void (*registry_news)(void *context, const struct zone_entry *zone, const struct verdict *verdict);

struct registry_options {
        struct sd_event *event;
        struct store *store;
        struct serial_file *serial_file;
        struct fleet *fleet; /* who took which serial; NULL = nobody knows */
        bool serial_file_was_missing;
        registry_published published;
        registry_removed removed;
        registry_news news; /* NULL = not wanted */
        /* Does every secondary have the zone's serial? For notes in git; NULL = nobody knows. */
        bool (*is_everywhere)(void *context, const uint8_t *name, uint32_t serial);
        void *context;
};

int registry_new(const struct registry_options *options, struct conf *conf, struct registry **ret_registry);
/* Looks for zones, starts watching, and looks at every zone once. */
int registry_start(struct registry *registry);
/* Which zones there are now; registry_reload_all looks at them. */
int registry_reconfigure(struct registry *registry, struct conf *conf);
/* True once every zone known at start has been looked at. */
bool registry_is_settled(const struct registry *registry);

const struct zone_entry *registry_find(const struct registry *registry, const uint8_t *name);
/* In name order: position begins at 0; NULL at the end. */
const struct zone_entry *registry_next(const struct registry *registry, size_t *position);
size_t registry_count(const struct registry *registry);
struct registry_figures {                    /* kept as things happen: no zone is looked at for them */
        uint64_t zones[ZONE_STATE_LAST + 1]; /* now, by state */
        uint64_t verdicts[VERDICT_LAST + 1]; /* of looks, since the start */
};
const struct registry_figures *registry_figures(const struct registry *registry);

/* The repositories that zones come from, as configured: position begins at 0; false at the end. Valid until
 * the main loop goes on. */
struct git_commit;
struct registry_git {
        const char *repository, *branch, *path; /* branch NULL = HEAD */
        const struct git_commit *commit;        /* whose zones are published, or held; NULL = none yet */
        const char *answered;                   /* id of the commit all of whose zones have a verdict; NULL */
        size_t pending_count;                   /* zones that are not published as it has them */
        const char *error;                      /* why it cannot be read; NULL = it can */
        uint64_t error_usec;
        const char *fetch; /* the remote, NULL = nothing is fetched */
        uint64_t fetched_usec;
        const char *fetch_error;
        bool has_notes;
        const char *notes_error;
};
bool registry_git_next(const struct registry *registry, size_t *position, struct registry_git *ret_git);
/* The branch is looked at now, not when an event or the poll says so. */
void registry_git_look(struct registry *registry);

/* Commands. `done` is called once on the main loop, perhaps before the call returns, with the zone's verdict
 * (valid during the call). -ENOENT: no such zone. */
typedef void (*registry_done)(void *context, const struct zone_entry *zone, const struct verdict *verdict);
int registry_reload(struct registry *registry, const uint8_t *name, registry_done done, void *context);
/* A look at what was edited before the call and is not looked at yet; a file that a writer has open is left
 * alone, and one that stat shows unchanged is not read. For `wait`. */
int registry_settle(struct registry *registry, const uint8_t *name, registry_done done, void *context);
/* Folders are listed again and every zone is looked at; done is called once a zone, then once with zone NULL.
 * done NULL: no listing, and no look at what a writer has open or what stat shows unchanged. */
int registry_reload_all(struct registry *registry, registry_done done, void *context);
int registry_freeze(struct registry *registry, const uint8_t *name, registry_done done, void *context);
int registry_thaw(struct registry *registry, const uint8_t *name, registry_done done, void *context);
/* What a look would come to, or, with text_fd (which is taken over; -1 = none), a look at that text, also of
 * a zone that is not here: nothing is changed. changes_max: lines of records that are told. `done` gets NULL
 * where the zone went meanwhile, or the publisher failed (then why). */
struct rehearsal;
typedef void (*registry_planned)(
        void *context, const char *zone, const struct rehearsal *rehearsal, const char *why);
int registry_plan(struct registry *registry, const uint8_t *name, int text_fd, size_t changes_max,
        registry_planned done, void *context);
/* Publishes what is held if its hash is this one still; VERDICT_HELD with the new hash where it is not. */
int registry_approve(struct registry *registry, const uint8_t *name, const uint8_t hash[static 32],
        registry_done done, void *context);
/* The zone as that commit of its repository has it, even if the branch has moved on. -ENOTSUP: it is not from
 * git. */
int registry_approve_commit(struct registry *registry, const uint8_t *name, const char *revision,
        registry_done done, void *context);
/* Publishes the content that the zone had under this serial, with a higher one; it stays until the file
 * changes. VERDICT_FAILED where it cannot be, and why. */
int registry_rollback(struct registry *registry, const uint8_t *name, uint32_t to_serial, registry_done done,
        void *context);
/* A secondary holds `serial`, ahead of ours: history cut, next serial above it. trusted: its query was
 * signed. */
int registry_seen_ahead(
        struct registry *registry, const uint8_t *name, uint32_t serial, bool trusted, const char *peer);
/* Goes to `serial` in steps that every secondary follows; each is taken when all hold the last one. assumed:
 * secondaries that are not waited for, names or addresses, one a line. VERDICT_FAILED where it cannot be. */
int registry_serial_set(struct registry *registry, const uint8_t *name, uint32_t serial, bool longest,
        const char *assumed, registry_done done, void *context);
/* Whether each of them is a secondary of the zone; else the first that is none. */
bool registry_serial_knows(struct registry *registry, const uint8_t *name, const char *assumed,
        char ret_unknown[static NAME_TEXT_MAX]);
int registry_serial_abort(struct registry *registry, const uint8_t *name, registry_done done, void *context);
/* What the zone's secondaries hold, asked now; told is called once, perhaps before the call returns. zone
 * NULL: it went away meanwhile. */
struct inquiry_answer;
typedef void (*registry_asked)(
        void *context, const struct zone_entry *zone, const struct inquiry_answer *answers, size_t count);
int registry_serials_ask(struct registry *registry, const uint8_t *name, registry_asked told, void *context);
/* What is stored of the zone failed a checksum: it is written anew from its file. At most once a minute a
 * zone. */
int registry_heal(struct registry *registry, const uint8_t *name);
/* Small state of others to be written with the next batch, at the latest in a second. Takes a malloc'ed
 * array. */
struct fleet_write;
int registry_write_state(struct registry *registry, struct fleet_write *writes, size_t count);

/* The publisher's thread answered a ping within max_age_usec, or is inside one long publish that moves on:
 * for the watchdog. */
bool registry_is_alive(const struct registry *registry, uint64_t max_age_usec);
/* Ends the work at hand, commits, joins the thread. */
void registry_stop(struct registry *registry);
struct registry *registry_free(struct registry *registry);
