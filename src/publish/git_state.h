/* Zones out of git, on the main loop: what the files of publish/git_* share. Private to publish/.
 *
 * A source is one zone-files statement with a repository. What takes time is a task of its worker's thread:
 * to look which commit the branch has now, to list it or compare it with the one before, to fetch, to write
 * notes. What comes back is applied here: paths become zones of the registry, zones whose text changed become
 * one group of looks, and the publisher reads their blobs. */
#pragma once

#include "publish/git_worker.h"
#include "publish/registry_state.h"

struct git_zone { /* of a source: which files of the commit make it; one, if all is well */
        uint8_t name[NAME_MAX_LENGTH];
        struct git_path *paths;
};

struct git_path { /* a file of the commit beneath the source's folder */
        char *path;
        char id[GIT_ID_MAX + 1];
        bool is_link;
        struct git_zone *zone; /* NULL = no zone file */
        struct git_path *next; /* of the zone */
};

struct git_floor { /* the last serial that the notes tell of a zone */
        uint8_t zone[NAME_MAX_LENGTH];
        uint32_t serial;
};
struct table *git_floors_free(struct table *floors);

struct git_waiter { /* a reload that waits until the branch was looked at */
        struct git_waiter *next;
        uint8_t name[NAME_MAX_LENGTH];
        registry_done done;
        void *context;
};

struct git_source {
        struct git_source *next;
        struct registry *registry;
        struct git_sources *all;
        uint64_t number; /* results name it: it may be gone when they come */
        struct conf *conf_reference;
        const struct conf_git *conf; /* of it */
        char *prefix;                /* "git:REPOSITORY:" */
        struct git *git;             /* NULL until it could be opened */
        struct git_worker *worker;
        struct git_worker *side_worker; /* for what may take long: fetch, notes; NULL until it is needed */
        struct publish_commit *commit;  /* the one whose zones are looked at */
        struct table paths;             /* path -> struct git_path */
        struct table zones;             /* name -> struct git_zone */
        struct table pending;          /* name -> struct registry_entry: not published as the commit has it */
        char answered[GIT_ID_MAX + 1]; /* the newest commit all of whose zones have a verdict */
        size_t link_count;
        char *watched[3];
        sd_event_source *poll_timer;
        sd_event_source *fetch_timer;
        struct git_waiter *waiters;
        bool is_looking; /* a task is under way */
        bool looks_again;
        bool looks_afresh; /* the next look asks a new process of git */
        bool was_tried;    /* it was looked at once, with whatever success */
        bool is_listed;
        char *error; /* of the last look, NULL = it went well */
        uint64_t error_usec;
        bool is_fetching;
        char *fetch_error;
        uint64_t fetched_usec;   /* realtime of the last good fetch; 0 = none */
        struct git_notes *notes; /* NULL = none are written */
        struct table *floors;    /* zone -> struct git_floor, where all other state was lost */
};

struct git_sources {
        struct registry *registry;
        struct git_source *first;
        struct queue *results;
        sd_event_source *results_source;
        struct watch *watch;
        uint64_t last_number;
        bool is_ending; /* who waits for anything is not there any more */
};

/* git_source.c */
int git_sources_new(struct registry *registry, struct git_sources **ret_sources);
struct git_sources *git_sources_free(struct git_sources *sources);
/* Takes over what the configuration says; sources that it has no more go. */
int git_sources_configure(struct git_sources *sources, struct conf *conf);
bool git_sources_were_tried(const struct git_sources *sources);
/* The source whose repository and folder has that file ("git:REPOSITORY:PATH"), or NULL. */
struct git_source *git_source_of_file(const struct git_sources *sources, const char *file);
struct git_source *git_source_find(const struct git_sources *sources, uint64_t number);
/* The branch is looked at soon. */
void git_source_look(struct git_source *source, bool afresh);
/* done is called with the zone's verdict after the branch was looked at. */
int git_source_reload(struct git_source *source, const uint8_t *name, registry_done done, void *context);
int git_side_post(struct git_source *source, struct git_task *task);

/* git_watch.c */
void git_watch_refs(struct git_source *source); /* anew */
void git_unwatch(struct git_source *source);
void git_on_watch(void *context, enum watch_event event, const char *path); /* context: struct git_sources */

/* git_task.c */
struct git_look_task {
        struct git_task task; /* first */
        uint64_t number;
        struct git *git; /* NULL: it is opened */
        char *repository, *branch, *folder, *remote;
        char before[GIT_ID_MAX + 1];
        bool is_afresh;
        bool wants_floors;

        int result;  /* 0, or why not */
        char *error; /* then */
        bool is_same;
        struct table
                *floors; /* zone -> struct git_floor: what notes say, where that was asked; NULL = nothing */
        bool is_whole;   /* files is all there is in the folder; else what changed, in the whole commit */
        struct git_commit commit;
        struct git_files files;
};
bool git_task_is_look(const struct git_task *task);
bool git_task_is_fetch(const struct git_task *task);
struct git_look_task *git_look_task_new(const struct git_source *source);

struct git_fetch_task {
        struct git_task task;
        uint64_t number;
        struct git *git;
        char *branch, *remote;
        int result;
        char *error;
};
struct git_fetch_task *git_fetch_task_new(const struct git_source *source);

/* git_notes.c */
int git_notes_new(struct git_source *source);
void git_notes_free(struct git_source *source);
void git_notes_published(
        struct git_source *source, const struct registry_entry *entry, const struct publish_job *job);
bool git_task_is_notes(const struct git_task *task);
uint64_t git_notes_number(const struct git_task *task); /* of its source */
void git_on_notes(struct git_source *source, struct git_task *task);
const char *git_notes_error(const struct git_source *source); /* NULL = none */

/* git_apply.c */
int git_apply(struct git_source *source, struct git_look_task *task);
void git_paths_free(struct git_source *source);
/* Every zone of the listing has its entry; those of entries that it has not are gone. */
int git_scan(struct git_source *source);

/* git_look.c */
/* A look at the zone, and at what belongs together with it. */
int git_look(struct git_source *source, struct registry_entry *entry, enum job_kind kind, const uint8_t *hash,
        registry_done done, void *context);
/* One group of looks. */
int git_look_at(struct git_source *source, struct registry_entry *const *entries, size_t count);
/* Of which set the zone is; 0 = it goes by itself. */
uint32_t git_set_of(const struct git_source *source, const struct registry_entry *entry);

/* git_approve.c */
bool git_task_is_approve(const struct git_task *task);
uint64_t git_approve_number(const struct git_task *task);
void git_on_approve(struct git_source *source, struct git_task *task);

/* What became of it. */
void git_on_group(struct registry *registry, const struct publish_job *job);
void git_on_verdict(struct git_source *source, struct registry_entry *entry, const struct publish_job *job);
