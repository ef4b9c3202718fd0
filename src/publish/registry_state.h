/* What the files of the registry share. Private to publish/; main loop. */
#pragma once

#include "base/table.h"
#include "publish/alias_book.h"
#include "publish/publisher.h"
#include "publish/registry.h"
#include "source/git.h"
#include "source/watch.h"

#include <systemd/sd-event.h>

struct registry_entry {
        struct zone_entry zone; /* what others see; first, so that one pointer is both */
        char *name_text;
        char *path;
        char *folder;
        char *conflict;         /* a second file for the zone: nothing is read until one of them is gone */
        char **includes;        /* what its last look read besides, NULL-terminated; it is a user of each */
        uint64_t generation;    /* of the scan that saw it last */
        uint32_t ahead_serial;  /* seen at a secondary, held */
        uint64_t retry_at_usec; /* monotonic; 0 = none */
        uint64_t retry_wait_usec;
        uint64_t healed_usec;     /* monotonic */
        unsigned half_read_count; /* looks in a row whose verdict was not believed */
        char *write_back_trouble; /* zone.write_back_trouble points here */
        struct lost_wait *lost;   /* its last serial is not known: the question to its secondaries */
        struct serial_way *way;   /* serial-set is under way */
        bool has_been_looked_at;
        struct git_source *git;      /* where it comes from; NULL = a folder, or a block's own file */
        char commit[GIT_ID_MAX + 1]; /* zone.commit */
        bool is_gone;                /* the commit has its file no more */
        bool has_approval;           /* it waits for others of its set, with this hash approved */
        uint8_t approval[32];
        bool is_watched;  /* by watch_file */
        bool shares_path; /* with the zone that by_path knows: it is a user of it */
};

struct git_source;
struct git_sources;

struct file_user { /* a file that zones include or have in common, and which */
        char *path;
        struct table entries; /* zone name -> struct registry_entry */
        bool is_watched;
};

struct registry {
        struct alias_book *aliases;
        struct registry_options options;
        struct conf *conf;
        struct publisher *publisher;
        struct queue *results;
        struct inquiry *inquiry;
        size_t background_asks; /* under way: registry_lost.c */
        sd_event_source *background_turn;
        bool background_waits; /* there are entries that wait for their turn */
        struct table ways;     /* zone name -> struct registry_entry with a way */
        sd_event_source *ways_timer;
        struct write_back *write_back; /* NULL until it is wanted */
        sd_event_source *results_source;
        sd_event_source *retry_timer;
        struct watch *watch;
        struct git_sources *git;
        struct table by_name; /* -> struct registry_entry */
        struct table by_path; /* -> struct registry_entry */
        struct table users;   /* path -> struct file_user */
        struct registry_entry **sorted;
        size_t sorted_count; /* 0 = to be made anew */
        uint64_t generation;
        uint64_t removal_at_usec; /* monotonic: zones that could not be removed are tried again; 0 = there are
                                     none */
        struct registry_figures figures;
        size_t unsettled; /* zones known at start whose first look is not done */
        bool is_started;
};

/* registry.c */
/* The only way to a state: the figures go with it. */
void registry_state_set(struct registry *registry, struct registry_entry *entry, enum zone_state state);
struct registry_entry *registry_entry_find(const struct registry *registry, const uint8_t *name);
int registry_look(struct registry *registry, struct registry_entry *entry, bool forced, registry_done done,
        void *context);
struct publish_job *registry_job_new(struct registry *registry, const struct registry_entry *entry,
        enum job_kind kind, registry_done done, void *context);
void registry_entry_drop(struct registry *registry, struct registry_entry *entry);

/* registry_scan.c: which zones there are. */
int registry_scan(struct registry *registry);
/* The zone that a file of a folder makes. 0 = made or known, 1 = no zone file. */
int registry_scan_file(struct registry *registry, const struct conf_zone_files *folder, const char *file_name,
        struct registry_entry **ret_entry);
int registry_scan_store(struct registry *registry);
/* The zone comes out of git, as `file` ("git:REPOSITORY:PATH"). -EEXIST: it comes from elsewhere too. */
int registry_git_entry(struct registry *registry, struct git_source *source, const uint8_t *name,
        const char *file, struct registry_entry **ret_entry);
/* It does not come out of git any more. */
void registry_git_leave(struct registry_entry *entry);
/* A second file for the zone. */
int registry_entry_conflict(struct registry_entry *entry, const char *path);
const struct conf_zone_files *registry_folder_of_file(const struct registry *registry, const char *path);
void registry_path_leave(struct registry *registry, struct registry_entry *entry);

/* registry_watch.c: what the watcher reports. */
void registry_look_at_closed(struct registry *registry);
void registry_watch_event(void *context, enum watch_event event, const char *path);
int registry_watch_folders(struct registry *registry, const struct conf *conf, bool begin);
int registry_user_add(struct registry *registry, const char *path, struct registry_entry *entry);
void registry_user_remove(struct registry *registry, const char *path, const struct registry_entry *entry);
/* files: the zone's own first. True where one is watched for it now that was not: it may have changed since
 * it was read. */
bool registry_includes_set(struct registry *registry, struct registry_entry *entry, char **files);

/* registry_plan.c */
void registry_apply_plan(struct publish_job *job);

/* registry_lost.c: zones whose last serial is not known. The look of `job` waits for what the secondaries
 * say; or it went out, and they are asked behind it. */
void registry_lost_ask(struct registry *registry, struct registry_entry *entry, struct publish_job *job);
void registry_lost_check(struct registry *registry, struct registry_entry *entry);
/* What the secondaries said, a copy; NULL: nothing is known, or (is_fresh) not of just now. */
struct lost_inquiry *registry_lost_said(const struct registry_entry *entry, bool is_fresh);
void registry_lost_settle(struct registry_entry *entry); /* the zone is published */
void registry_lost_forget(struct registry_entry *entry);

/* registry_steps.c: serial-set. What every job brings back of it. */
void registry_steps_apply(struct registry *registry, struct registry_entry *entry, struct publish_job *job);
void registry_steps_forget(struct registry *registry, struct registry_entry *entry);
void registry_steps_stop(struct registry *registry);

/* registry_method.c: tells of zones that the new method cannot serve without going back. */
void registry_tell_methods(
        const struct registry *registry, const struct conf *before, const struct conf *now);

/* registry_write_back.c: the serial into the zone's file, where a look asked for it; and what became of that.
 */
void registry_write_back(
        struct registry *registry, struct registry_entry *entry, const struct publish_job *look);
void registry_write_back_done(struct registry_entry *entry, const struct publish_job *job);

/* registry_result.c: what became of a look. */
/* There was none: the zone's source cannot be read. */
void registry_answer_unread(struct registry *registry, struct registry_entry *entry, const char *why);
int registry_on_results(sd_event_source *source, int fd, uint32_t events, void *context);
int registry_on_retry(sd_event_source *source, uint64_t usec, void *context);
