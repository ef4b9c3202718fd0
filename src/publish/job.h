/* What the main loop asks of the publisher's thread, and what comes back: one struct that goes both ways.
 * Private to publish/. */
#pragma once

#include "base/queue.h"
#include "fleet/fleet.h"
#include "publish/commit.h"
#include "publish/registry.h"
#include "source/source.h"
#include "zone/lost_state.h"
#include "zone/serial_steps.h"
#include "zonefile/alias.h"

enum job_kind {
        JOB_LOOK, /* the zone's text may have changed */
        JOB_FREEZE,
        JOB_THAW,         /* and a look */
        JOB_APPROVE,      /* a look that publishes what has this hash */
        JOB_AHEAD,        /* a secondary holds a serial ahead of ours */
        JOB_REMOVE,       /* the zone is no longer ours: tombstone, and everything of it goes */
        JOB_STATE,        /* small rows of others */
        JOB_ROLLBACK,     /* the content of to_serial, under a new serial */
        JOB_PLAN,         /* a look that is thrown away: rehearsal.h */
        JOB_WRITE_BACK,   /* the serial into the file: not the publisher's, write_back.c's */
        JOB_GROUP,        /* the jobs in members, as one (group.h) */
        JOB_SERIAL_SET,   /* the way to another serial begins */
        JOB_SERIAL_STEP,  /* its next step is taken */
        JOB_SERIAL_ABORT, /* it ends where it stands */
};

/* A look that came to no answer about the text is repeated. */
enum job_retry {
        RETRY_NONE,
        RETRY_SOON,   /* what stood in the way may be gone in seconds: room, memory, a writer at work */
        RETRY_RARELY, /* it would fail again as things are */
};

/* What the secondaries of a zone without a known serial said. */
struct lost_inquiry {
        size_t count;
        struct lost_answer answers[64];
        char told[600]; /* for the operator: "192.0.2.1#53: 2026112101; ..." */
};

struct publish_job {
        struct queue_item item;
        enum job_kind kind;
        bool is_found; /* path was found in a zone folder, not named by the configuration: it may not lead out
                          of it (I8) */
        bool is_damaged;  /* what is stored of the zone fails its checksums: write it anew from the file */
        bool reads_whole; /* the changed lines alone gave a delta that the store refused */
        bool is_forced;   /* look at the bytes even where stat says that nothing changed */
        uint8_t name[NAME_MAX_LENGTH];
        char *name_text;
        char *path;
        char *root;                    /* folder that $INCLUDE is relative to */
        char *include_root;            /* NULL = root */
        struct publish_commit *commit; /* what path lies in; NULL = a folder */
        bool is_gone;                  /* the file is no longer in the commit */
        uint32_t floor;                /* of a zone of which nothing else is known; 0 = none */
        bool is_unread;                /* nobody knows yet where the text is */
        uint32_t set;                  /* in a group: jobs of one number go as a whole; 0 = by itself */
        struct publish_job *members;   /* GROUP: linked by item */
        uint64_t source_number;        /* GROUP: the main loop's */
        struct conf *conf;             /* a reference: policy */
        uint8_t hash[32];              /* APPROVE */
        bool approves_commit;          /* APPROVE: whatever is held of this commit; hash is not looked at */
        uint32_t to_serial;            /* ROLLBACK */
        uint32_t ahead_serial;         /* AHEAD; APPROVE: what was held, 0 = none */
        bool ahead_is_trusted;
        struct lost_inquiry *lost; /* LOOK, APPROVE: owned; NULL = they were not asked */
        uint32_t set_target;       /* SERIAL_SET, and how to go there; 0 = only more is assumed */
        bool set_longest;
        unsigned set_taken;            /* SERIAL_STEP: so many are taken already */
        char *set_assumed;             /* SERIAL_SET: names, one a line; owned */
        struct serial_set *serial_set; /* of every job: the way that is under way, NULL = none; owned */
        struct alias_answers *aliases; /* LOOK: a reference; what is known of the targets that the zone names.
                                          Comes back as the look read with */
        struct fleet_write *writes;    /* STATE */
        size_t write_count;
        bool has_text; /* the text is in text_fd, not in the file; it may include nothing */
        int text_fd;
        struct rehearsal *rehearsal; /* PLAN: the answer, owned */
        registry_planned planned;    /* PLAN: the main loop's */
        registry_done done;          /* the main loop's */
        void *done_context;

        /* The answer. */
        struct verdict verdict;
        bool is_published; /* a new version is served */
        bool is_frozen;
        bool is_held_back;     /* by another zone of its set */
        bool has_row;          /* the zone is served, under verdict.serial */
        bool asks_secondaries; /* the look waits for what they say */
        bool is_unknown;       /* it was published with the file's serial, and nobody was asked */
        enum job_retry retry;
        char **files;          /* paths read: the zone's own first, then includes; NULL-terminated */
        bool wants_write_back; /* the file has another serial than is published */
        uint32_t file_serial;  /* then: as the file has it */
        struct source_identity file_identity; /* of the file that has it */
        bool has_alias_names; /* the look learnt which ALIAS targets the text names: these, one behind the
                                 other */
        uint8_t *alias_names;
        size_t alias_octets, alias_count;
        bool is_alias_open; /* one has no addresses yet: that alone is in the way */
};

struct publish_job *publish_job_new(enum job_kind kind, const uint8_t *name);
/* Without its answer: it is run again. */
void publish_job_reset(struct publish_job *job);
/* VERDICT_FAILED: `what` ("the store") could not take it because of the negative errno r. */
void publish_job_failed(struct publish_job *job, const char *what, int r);
/* After the negative errno r: is there another way to the same end? Each is taken once. */
bool publish_job_takes_another_way(struct publish_job *job, int r);
/* What a file is called where files of all sources are named: path, in a commit with its repository in front.
 * malloc'ed. */
char *publish_job_file(const struct publish_job *job, const char *path);
struct publish_job *publish_job_free(struct publish_job *job);
void publish_job_files_clear(struct publish_job *job);
void publish_job_aliases_clear(struct publish_job *job);
void verdict_clear(struct verdict *verdict);
/* Sets kind and summary; a second call replaces the first. Only what is held keeps its hash. */
void verdict_set(struct verdict *verdict, enum verdict_kind kind, const char *format, ...)
        __attribute__((format(printf, 3, 4)));
