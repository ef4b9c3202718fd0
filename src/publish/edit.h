/* One edit of one zone on its way from the file to the batch: what the steps of publish_zone() hand on.
 * Private to publish/. */
#pragma once

#include "base/crew.h"
#include "conf/conf.h"
#include "publish/batch.h"
#include "publish/rollback.h"
#include "source/source.h"
#include "zone/delta.h"
#include "zone/guard.h"
#include "zone/guard_memory.h"
#include "zonefile/changes.h"
#include "zonefile/zonefile.h"

/* From this size on a zone's text is kept, so that only what changed is parsed again. */
#define EDIT_TEXT_MIN_RECORDS 5000

struct edit {
        struct publish_batch *batch;
        struct publish_job *job;
        const struct conf_policy *policy;
        struct crew *crew; /* helps with a large zone; NULL while zones are read side by side */
        int prepared;      /* what publish_prepare() came to */

        struct store_read *read; /* the published version */
        struct store_zone row;
        bool has_row;
        struct arena arena; /* the row's files, chunks for the store */

        struct source_snapshot *snapshot;
        int fd;
        struct source_identity identity;

        struct diag_list diags;
        struct zone_text text; /* whole read only */
        struct zonefile_result parsed;
        struct zonefile_changes changes;
        bool is_whole;                     /* parsed is there; else changes is */
        struct delta delta;                /* whole read only */
        const struct record_list *removed; /* of delta, or of changes */
        const struct record_list *added;
        struct table before; /* owner -> what edit_owner_before found, in the arena */

        struct record soa; /* of the new text, its serial as the file has it */
        uint32_t file_serial;
        bool is_signed_elsewhere;
        bool ends_without_newline;
        bool has_text_of_before; /* stat says of every file what it said when the published version was read
                                  */
        bool content_changed;
        uint64_t rrset_count;
        uint64_t rrsets_gone, rrsets_changed; /* by this edit alone */
        struct guard_input guard;             /* with the window's earlier edits */
        struct guard_memory guard_memory;
        uint64_t now_usec; /* when the guard judges it: of what is held, since when it is */
        bool is_rollback;  /* the content is an earlier version's; then: */
        struct rollback rollback;
        bool keeps_rollback; /* what is served stays rolled back: no text was looked at */
        char by[64];         /* what made it besides an edit, for the provenance */
        bool is_released;    /* by hand: the guard's window begins anew */
        uint32_t floor;      /* the serial file's, or a secondary's */
        bool floor_needs_gap;
        uint32_t serial; /* of the new version; 0 = there will be none */
        bool begins_era;
        bool is_setting_serial;                          /* serial-set is under way: job->serial_set */
        bool ends_setting;                               /* with this publish */
        bool has_written;                                /* into the batch: the answer waits for its commit */
        uint8_t new_soa_rdata[2 * NAME_MAX_LENGTH + 20]; /* with that serial */
};

enum edit_step { EDIT_GOES_ON = 0, EDIT_ANSWERED = 1 }; /* positive results of the steps below */

void edit_begin(struct edit *edit, struct publish_batch *batch, struct publish_job *job);
int edit_find_row(struct edit *edit);
/* The steps that only read: open, read, compare. */
int publish_zone_read(struct edit *edit);

int edit_open(struct edit *edit);    /* the row, the file; unchanged? */
int edit_read(struct edit *edit);    /* text -> records, or only what changed */
int edit_compare(struct edit *edit); /* delta, counts */
int edit_lost(struct edit *edit);    /* is its last serial known? */
int edit_judge(struct edit *edit);   /* frozen, guard, serial, approval */
int edit_commit(struct edit *edit);  /* into the open batch */
/* serial_set.c: the zone's way to another serial, where it is on one; and the commands. */
int serial_set_find(struct edit *edit);
int serial_set_begin(struct edit *edit);
int serial_set_step(struct edit *edit);
int serial_set_abort(struct edit *edit);
void edit_close(struct edit *edit);

/* What edit_judge asks, after edit_guard_load(); approved: and frozen no more. */
struct judgement;
void edit_judgement(const struct edit *edit, bool is_approved, struct judgement *ret_judgement);
/* What approve names. */
int edit_hash(const struct edit *edit, uint8_t ret_hash[static 32]);
/* The SOA as it will be served: the file's, under edit->serial. */
int edit_make_soa(struct edit *edit, struct record *ret_soa);
/* edit_alias.c: ALIAS and URL entries. What the parser is to know; then what the text names (EDIT_ANSWERED
 * where addresses are missing); the same of a text that was not read again. */
int edit_alias_request(struct edit *edit, struct zonefile_request *request);
int edit_alias_told(struct edit *edit);
int edit_alias_untouched(struct edit *edit);
uint32_t edit_alias_flag(const struct edit *edit); /* for the row */
int edit_alias_keep(struct edit *edit, struct store_batch *open);
/* edit_read's two ways. */
int edit_read_whole(struct edit *edit);
int edit_read_changes(struct edit *edit, bool *ret_done);
/* Records of one owner in the published version, and in the one that the edit would make: less removed plus
 * added. They live as long as the edit. */
int edit_owner_before(
        struct edit *edit, struct store_records *records, const uint8_t *owner, struct record_list *ret_list);
int edit_owner_after(struct edit *edit, const struct record_list *before, const uint8_t *owner,
        struct record_list *ret_list);
int edit_count_rrsets(struct edit *edit);
/* edit_guard.c: adds earlier edits of the window to edit->guard; remembers what is held; forgets it; and
 * notes a publish. They write into the open batch, where there is anything new. */
int edit_guard_load(struct edit *edit);
int edit_guard_hold(struct edit *edit, const uint8_t hash[static DELTA_HASH_SIZE]);
int edit_guard_clear(struct edit *edit);
int edit_guard_publish(struct edit *edit, uint64_t version);
/* rollback.c: EDIT_ANSWERED where the zone was rolled back and the file still says what it said; the row that
 * tells it, with a publish. */
int edit_rollback_stays(struct edit *edit);
int edit_rollback_keep(struct edit *edit, struct store_batch *open);
/* edit_removal.c: the zone's file is gone. Held, with the hash that releases the removal; removed, where it
 * was approved. what: "zones/x.zone is gone". EDIT_ANSWERED, or negative. */
int edit_removal(struct edit *edit, const char *what);
/* Everything of the zone goes; a tombstone keeps its serial. */
int edit_remove(struct edit *edit);
/* Is the identity of every file that was read in the row already, and proof that its bytes are the same? */
bool edit_is_remembered(const struct edit *edit);
/* The content stays, the bytes do not: writes the new identity of the files to the row, and the text. Returns
 * EDIT_ANSWERED. */
int edit_remember_files(struct edit *edit);
int edit_tell_files(struct edit *edit);
/* What was read, as the store keeps it: in the edit's arena. */
int edit_list_files(struct edit *edit, const struct store_file **ret_files, size_t *ret_count);
/* The file has `file`, `published` is served: asks for serial-write-back where that is wanted. */
void edit_ask_write_back(struct edit *edit, uint32_t file, uint32_t published);
