/* A publish that is thrown away. Publisher's thread.
 *
 * Everything is as in publish_zone() up to the commit: the store's transaction has the new version, and from
 * there the octets of its transfers are counted, by the code that serves them. */
#include "publish/rehearsal.h"

#include "base/cleanup.h"
#include "dns/rdata.h"
#include "dns/type.h"
#include "publish/edit.h"
#include "publish/publish.h"
#include "transfer/transfer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

const char *rehearsal_kind_name(enum rehearsal_kind kind)
{
        static const char *const names[] = {"none", "publish", "hold", "broken"};
        return names[kind];
}

void rehearsal_clear(struct rehearsal *rehearsal)
{
        for (size_t i = 0; i < rehearsal->reason_count; i++)
                free(rehearsal->reasons[i]);
        free(rehearsal->details);
        buffer_free(&rehearsal->changes);
        *rehearsal = (struct rehearsal){.changes_max = rehearsal->changes_max};
}

static int add_reason(struct rehearsal *rehearsal, const char *text)
{
        char *copy = rehearsal->reason_count < JUDGEMENT_REASONS_MAX ? strdup(text) : NULL;
        if (!copy)
                return -ENOMEM;
        rehearsal->reasons[rehearsal->reason_count++] = copy;
        return 0;
}

/* ---- what changes ---- */

static void add_change(struct rehearsal *rehearsal, char sign, const struct record *record, size_t *lines)
{
        if ((*lines)++ >= rehearsal->changes_max) {
                rehearsal->changes_omitted++;
                return;
        }
        buffer_append_u8(&rehearsal->changes, (uint8_t)sign);
        record_to_text(record, &rehearsal->changes);
        buffer_append_u8(&rehearsal->changes, '\n');
}

/* Both lists by one walk: they are in canonical order. */
static void describe(struct edit *edit, struct rehearsal *rehearsal, const struct record *new_soa)
{
        const struct record_list *removed = edit->removed, *added = edit->added;
        size_t lines = 0, gone = 0, come = 0;

        if (edit->has_row)
                add_change(rehearsal, '-', &edit->row.soa, &lines);
        add_change(rehearsal, '+', new_soa, &lines);
        while (gone < removed->count || come < added->count) {
                int order = gone == removed->count ? 1
                            : come == added->count
                                    ? -1
                                    : record_compare(&removed->items[gone], &added->items[come]);
                rehearsal->ttl_changed +=
                        order == 0 && removed->items[gone].ttl != added->items[come].ttl &&
                        name_identical(removed->items[gone].owner, added->items[come].owner) &&
                        removed->items[gone].rdata_length == added->items[come].rdata_length &&
                        memcmp(removed->items[gone].rdata, added->items[come].rdata,
                                added->items[come].rdata_length) == 0;
                if (order <= 0)
                        add_change(rehearsal, '-', &removed->items[gone++], &lines);
                if (order >= 0)
                        add_change(rehearsal, '+', &added->items[come++], &lines);
        }
        rehearsal->removed = removed->count;
        rehearsal->added = added->count;
}

/* ---- what transfers would take ---- */

static int count_transfer(
        struct edit *edit, struct store_read *read, uint16_t type, uint32_t from, uint64_t *ret_bytes)
{
        uint8_t bytes[MESSAGE_HEADER_SIZE + NAME_MAX_LENGTH + 4] = {[5] = 1};
        size_t length = name_length(edit->job->name);
        struct request request = {.bytes = bytes,
                .length = MESSAGE_HEADER_SIZE + length + 4,
                .qdcount = 1,
                .qname_length = length,
                .qtype = type,
                .qclass = CLASS_IN,
                .question_end = MESSAGE_HEADER_SIZE + length + 4,
                .has_authority_soa = type == TYPE_IXFR,
                .authority_serial = from};
        CLEANUP_FREE struct render *render = calloc(1, sizeof(*render));
        CLEANUP_FREE uint8_t *scratch = malloc(MESSAGE_MAX_SIZE);
        const struct transfer_request asked = {.request = &request,
                .max_ixfr_ratio_percent = edit->policy->max_ixfr_ratio_percent,
                .tcp = true,
                .render = render,
                .scratch = scratch};
        struct transfer_message message;
        struct transfer_summary summary;
        struct transfer *transfer;

        if (!render || !scratch)
                return -ENOMEM;
        memcpy(bytes + MESSAGE_HEADER_SIZE, edit->job->name, length);
        write_u16(bytes + MESSAGE_HEADER_SIZE + length, type);
        write_u16(bytes + MESSAGE_HEADER_SIZE + length + 2, CLASS_IN);
        memcpy(request.qname, edit->job->name, length);
        int r = transfer_new(read, &asked, NULL, &transfer);
        if (r < 0)
                return r;
        while ((r = transfer_next(transfer, 0, &message)) == 0)
                ;
        transfer_summary(transfer, &summary);
        transfer_free(transfer);
        *ret_bytes = summary.bytes;
        return r < 0 ? r : 0;
}

/* Writes the version, describes it, counts. */
static int rehearse_commit(struct edit *edit, struct rehearsal *rehearsal)
{
        struct store_zone row;
        struct record soa;
        int r = edit_make_soa(edit, &soa);

        if (r == 0) {
                describe(edit, rehearsal, &soa);
                r = edit_commit(edit);
        }
        if (r < 0)
                return r;
        struct store_read *read = store_batch_read(edit->batch->open);
        r = store_zone_find(read, edit->job->name, &row);
        if (r == 0)
                r = count_transfer(edit, read, TYPE_AXFR, 0, &rehearsal->axfr_bytes);
        if (r == 0 && row.step_count > 0 && edit->has_row)
                r = count_transfer(edit, read, TYPE_IXFR, rehearsal->serial, &rehearsal->ixfr_bytes);
        rehearsal->records = row.record_count;
        return r;
}

/* ---- the verdict ---- */

static int rehearse_judgement(struct edit *edit, struct rehearsal *rehearsal)
{
        struct judgement judgement, approved;
        int r = edit_rollback_stays(edit);

        if (r == EDIT_ANSWERED)
                return 0;
        if (r == EDIT_GOES_ON)
                r = edit_guard_load(edit);
        if (r < 0)
                return r;
        edit_judgement(edit, false, &judgement);
        for (size_t i = 0; r == 0 && i < judgement.reason_count; i++)
                r = add_reason(rehearsal, judgement.reasons[i]);
        if (judgement.kind == JUDGEMENT_NOTHING)
                return r;
        rehearsal->kind = judgement.kind == JUDGEMENT_PUBLISH ? REHEARSAL_PUBLISH : REHEARSAL_HOLD;
        rehearsal->has_hash = true;
        if (r == 0)
                r = edit_hash(edit, rehearsal->hash);
        if (r == 0 && judgement.kind == JUDGEMENT_FROZEN)
                r = add_reason(rehearsal, "the zone is frozen: zonecrier thaw lets it go");
        if (r < 0)
                return r;
        edit_judgement(edit, true, &approved);
        edit->serial = rehearsal->next_serial = approved.serial;
        if (approved.serial != 0)
                return rehearse_commit(edit, rehearsal);
        rehearsal->removed = edit->removed->count;
        rehearsal->added = edit->added->count;
        return 0;
}

/* Steps before the judgement had the answer. */
static int take_verdict(const struct verdict *verdict, struct rehearsal *rehearsal)
{
        switch (verdict->kind) {
        case VERDICT_UNCHANGED:
        case VERDICT_PUBLISHED:
        case VERDICT_REMOVED:
                return 0;
        case VERDICT_BROKEN:
                rehearsal->kind = REHEARSAL_BROKEN;
                break;
        case VERDICT_HELD:
        case VERDICT_FROZEN:
        case VERDICT_MISSING:
        case VERDICT_FAILED:
                rehearsal->kind = REHEARSAL_HOLD;
                break;
        }
        rehearsal->has_hash = verdict->has_hash;
        memcpy(rehearsal->hash, verdict->hash, sizeof(rehearsal->hash));
        rehearsal->removed = verdict->removed;
        rehearsal->added = verdict->added;
        return add_reason(rehearsal, verdict->summary ? verdict->summary : "");
}

static int keep_details(const struct verdict *verdict, struct rehearsal *rehearsal)
{
        if (!verdict->details || !*verdict->details)
                return 0;
        rehearsal->details = strdup(verdict->details);
        return rehearsal->details ? 0 : -ENOMEM;
}

int publish_rehearse(struct publish_batch *batch, struct publish_job *job)
{
        struct rehearsal *rehearsal = job->rehearsal;
        struct edit edit;
        int r = publish_batch_commit(batch);

        if (r < 0)
                return r;
        rehearsal_clear(rehearsal);
        edit_begin(&edit, batch, job);
        edit.crew = batch->crew;
        r = edit_find_row(&edit);
        if (r == 0) {
                rehearsal->serial = edit.has_row ? edit.row.serial : 0;
                rehearsal->records = edit.has_row ? edit.row.record_count : 0;
                r = publish_zone_read(&edit);
                if (r >= 0)
                        r = keep_details(&job->verdict, rehearsal) < 0 ? -ENOMEM : r;
        }
        if (r == EDIT_ANSWERED)
                r = take_verdict(&job->verdict, rehearsal);
        else if (r == EDIT_GOES_ON)
                r = rehearse_judgement(&edit, rehearsal);
        if (r >= 0)
                r = buffer_status(&rehearsal->changes);
        edit_close(&edit);
        publish_batch_abort(batch);
        return r < 0 ? r : PUBLISH_ANSWERED;
}

int publish_rehearse_removal(struct publish_batch *batch, struct publish_job *job)
{
        struct rehearsal *rehearsal = job->rehearsal;
        struct edit edit;
        int r = publish_batch_commit(batch);

        if (r < 0)
                return r;
        rehearsal_clear(rehearsal);
        edit_begin(&edit, batch, job);
        r = edit_find_row(&edit);
        if (r == 0 && edit.has_row) {
                rehearsal->kind = REHEARSAL_HOLD;
                rehearsal->serial = edit.row.serial;
                rehearsal->removed = edit.row.record_count;
                rehearsal->has_hash = true;
                r = delta_removal_hash(edit.row.name, &edit.row.digest, rehearsal->hash);
        }
        if (r == 0 && edit.has_row)
                r = add_reason(rehearsal,
                        "the zone's file is gone: it is served on as it was until its removal is approved");
        edit_close(&edit);
        return r < 0 ? r : PUBLISH_ANSWERED;
}
