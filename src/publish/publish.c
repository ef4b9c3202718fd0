/* publish_zone(): read, parse, delta, guard, serial, commit. Publisher's thread. The order makes a crash
 * harmless: see batch.c. */
#include "publish/publish.h"

#include "base/buffer.h"
#include "base/log.h"
#include "base/log_ids.h"
#include "dns/serial.h"
#include "publish/edit.h"
#include "publish/rehearsal.h"
#include "zone/lost_state.h"
#include "zone/serial_policy.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* The steps that only read: several zones at a time may be in them, on any threads. */
int publish_zone_read(struct edit *edit)
{
        int r = edit_open(edit);
        if (r == EDIT_GOES_ON)
                r = edit_read(edit);
        if (r == EDIT_GOES_ON)
                r = edit_compare(edit);
        return r;
}

static int write_zone(struct edit *edit)
{
        int r = edit_lost(edit);
        if (r == EDIT_GOES_ON)
                r = edit_judge(edit);
        if (r == EDIT_GOES_ON)
                r = edit_commit(edit);
        return r;
}

static int publish_zone(struct edit *edit)
{
        int r = publish_zone_read(edit);
        return r == EDIT_GOES_ON ? write_zone(edit) : r;
}

/* What approve names when a serial seen at a secondary is held. */
static int ahead_hash(const struct edit *edit, uint32_t serial, uint8_t ret_hash[static 32])
{
        const struct delta none = {0};
        uint8_t rdata[sizeof(edit->new_soa_rdata)];
        struct record soa = edit->row.soa;

        memcpy(rdata, soa.rdata, soa.rdata_length);
        write_u32(rdata + SOA_SERIAL_OFFSET(soa.rdata_length), serial);
        soa.rdata = rdata;
        return delta_hash(&none, &edit->row.digest, &soa, ret_hash);
}

/* A secondary is ahead of us: the same content above its serial, in a new era. */
static int publish_ahead(struct edit *edit, uint32_t ahead)
{
        struct publish_job *job = edit->job;
        struct serial_entry last;

        if (!edit->has_row || !serial_is_ahead(ahead, edit->row.serial) || edit->is_setting_serial) {
                verdict_set(&job->verdict, VERDICT_UNCHANGED, "no secondary is ahead");
                return EDIT_ANSWERED;
        }
        if (edit->row.flags & STORE_ZONE_SIGNED_ELSEWHERE) {
                verdict_set(&job->verdict, VERDICT_HELD,
                        "a secondary holds serial %u, ahead of ours (%u), and the zone was signed elsewhere: "
                        "raise its serial where it is signed",
                        ahead, edit->row.serial);
                return EDIT_ANSWERED;
        }
        if (!job->ahead_is_trusted && ahead - edit->row.serial > LOST_UNSIGNED_MAX) {
                int r = ahead_hash(edit, ahead, job->verdict.hash);
                if (r < 0)
                        return r;
                job->verdict.has_hash = true;
                verdict_set(&job->verdict, VERDICT_HELD,
                        "a query without TSIG says that a secondary holds serial %u, far ahead of ours (%u): "
                        "approve to publish above it",
                        ahead, edit->row.serial);
                return EDIT_ANSWERED;
        }
        edit->floor = ahead;
        if (serial_file_get(edit->batch->serial_file, job->name, &last) == 0 &&
                serial_is_ahead(last.serial, ahead))
                edit->floor = last.serial; /* used up too */
        edit->floor_needs_gap = true;
        edit->begins_era = true;
        edit->soa = edit->row.soa;
        edit->file_serial = edit->row.file_serial;
        edit->rrset_count = edit->row.rrset_count;
        edit->removed = edit->added = &edit->delta.removed; /* empty */
        int r = edit_judge(edit);
        return r == EDIT_GOES_ON ? edit_commit(edit) : r;
}

/* An approval of a serial seen at a secondary, not of a text. */
static int approve_ahead(struct edit *edit, bool *ret_is_it)
{
        uint8_t hash[32];
        *ret_is_it = false;
        if (edit->job->kind != JOB_APPROVE || edit->job->ahead_serial == 0 || !edit->has_row)
                return 0;
        int r = ahead_hash(edit, edit->job->ahead_serial, hash);
        *ret_is_it = r == 0 && memcmp(hash, edit->job->hash, sizeof(hash)) == 0;
        return r;
}

static int set_frozen(struct edit *edit, bool frozen)
{
        struct store_batch *open;
        uint32_t flags =
                frozen ? edit->row.flags | STORE_ZONE_FROZEN : edit->row.flags & ~(uint32_t)STORE_ZONE_FROZEN;
        if (!edit->has_row || flags == edit->row.flags)
                return 0;
        edit->has_written = true;
        int r = publish_batch_open(edit->batch, &open);
        if (r == 0)
                r = store_zone_files(edit->read, &edit->row, &edit->arena);
        if (r == 0)
                r = store_batch_zone_update(open, edit->row.id, flags, edit->row.file_serial, edit->row.files,
                        edit->row.file_count);
        if (r == 0)
                edit->row.flags = flags;
        return r;
}

static int freeze(struct edit *edit)
{
        if (!edit->has_row) {
                verdict_set(
                        &edit->job->verdict, VERDICT_FAILED, "is not published: there is nothing to freeze");
                return EDIT_ANSWERED;
        }
        int r = set_frozen(edit, true);
        if (r < 0)
                return r;
        edit->job->is_frozen = true;
        verdict_set(&edit->job->verdict, VERDICT_FROZEN, "edits wait until thaw");
        return EDIT_ANSWERED;
}

static int remove_zone(struct edit *edit)
{
        if (edit->has_row)
                return edit_remove(edit);
        verdict_set(&edit->job->verdict, VERDICT_REMOVED, "was not published");
        return EDIT_ANSWERED;
}

static int write_state(struct publish_batch *batch, struct publish_job *job)
{
        struct store_batch *open;
        int r = job->write_count ? publish_batch_open(batch, &open) : 0;
        for (size_t i = 0; r == 0 && i < job->write_count; i++) {
                const struct fleet_write *write = &job->writes[i];
                if (write->size == 0)
                        r = store_batch_state_delete(open, write->zone_id, write->key, write->key_size);
                else
                        r = store_batch_state_put(
                                open, write->zone_id, write->key, write->key_size, write->value, write->size);
                if (r == -ENOENT) /* the zone went in the meantime */
                        r = 0;
                store_rest_after(batch->store, &batch->touched, 1);
        }
        return r < 0 ? r : PUBLISH_ANSWERED;
}

int edit_find_row(struct edit *edit)
{
        int r = store_read_begin(edit->batch->store, &edit->read);
        if (r < 0)
                return r;
        r = store_zone_find(edit->read, edit->job->name, &edit->row);
        if (r == -EUCLEAN && edit->job->is_damaged)
                r = -ENOENT; /* its row is lost; the serial file knows its serial */
        if (r < 0 && r != -ENOENT)
                return r;
        if (edit->job->is_damaged)
                log_write(LOG_ERR,
                        &(struct log_fields){
                                .zone = edit->job->name_text, .message_id = MESSAGE_STORE_DAMAGED},
                        "%s: what is stored of it is damaged; it is written anew from its file, in a new "
                        "history",
                        edit->job->name_text);
        edit->has_row = r == 0;
        edit->job->has_row = edit->has_row;
        edit->job->verdict.serial_before = edit->job->verdict.serial = edit->has_row ? edit->row.serial : 0;
        edit->job->is_frozen = edit->has_row && (edit->row.flags & STORE_ZONE_FROZEN);
        return serial_set_find(edit);
}

static int run(struct edit *edit)
{
        bool is_ahead = false;
        int r = edit_find_row(edit);
        if (r == 0)
                r = approve_ahead(edit, &is_ahead);
        if (r < 0)
                return r;
        switch (edit->job->kind) {
        case JOB_FREEZE:
                return freeze(edit);
        case JOB_REMOVE:
                return remove_zone(edit);
        case JOB_ROLLBACK:
                return publish_rollback(edit);
        case JOB_AHEAD:
                return publish_ahead(edit, edit->job->ahead_serial);
        case JOB_THAW:
                r = set_frozen(edit, false);
                if (r < 0)
                        return r;
                edit->job->is_frozen = false;
                break;
        case JOB_APPROVE:
                edit->job->ahead_is_trusted = is_ahead;
                if (is_ahead)
                        return publish_ahead(edit, edit->job->ahead_serial);
                break;
        case JOB_SERIAL_SET:
                return serial_set_begin(edit);
        case JOB_SERIAL_STEP:
                return serial_set_step(edit);
        case JOB_SERIAL_ABORT:
                return serial_set_abort(edit);
        case JOB_LOOK:
        case JOB_STATE:
        case JOB_PLAN:
        case JOB_WRITE_BACK:
        case JOB_GROUP:
                break;
        }
        return publish_zone(edit);
}

void edit_begin(struct edit *edit, struct publish_batch *batch, struct publish_job *job)
{
        *edit = (struct edit){
                .batch = batch, .job = job, .policy = conf_policy_for(job->conf, job->name), .fd = -1};
}

static int outcome(const struct edit *edit, int r)
{
        return r < 0 ? r : edit->has_written ? PUBLISH_IN_BATCH : PUBLISH_ANSWERED;
}

int publish_run(struct publish_batch *batch, struct publish_job *job)
{
        struct edit edit;

        if (job->kind == JOB_STATE)
                return write_state(batch, job);
        if (job->kind == JOB_PLAN)
                return publish_rehearse(batch, job);
        edit_begin(&edit, batch, job);
        edit.crew = batch->crew;
        int r = run(&edit);
        edit_close(&edit);
        return outcome(&edit, r);
}

struct edit *publish_prepare(struct publish_batch *batch, struct publish_job *job)
{
        struct edit *edit = malloc(sizeof(*edit));

        if (!edit)
                return NULL;
        edit_begin(edit, batch, job);
        edit->prepared = edit_find_row(edit);
        if (edit->prepared == 0)
                edit->prepared = publish_zone_read(edit);
        return edit;
}

uint64_t publish_prepared_bytes(const struct edit *edit)
{
        return edit->identity.size_bytes;
}

int publish_finish(struct edit *edit)
{
        int r = edit->prepared;

        if (r == EDIT_GOES_ON)
                r = write_zone(edit);
        edit_close(edit);
        r = outcome(edit, r);
        free(edit);
        return r;
}

void publish_drop(struct edit *edit)
{
        edit_close(edit);
        free(edit);
}
