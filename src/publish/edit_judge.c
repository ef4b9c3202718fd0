/* Step four of an edit: may it go out, and under which serial? Publisher's thread; the decisions themselves
 * are zone/'s. */
#include "publish/edit.h"

#include "base/buffer.h"
#include "base/clock.h"
#include "zone/judgement.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <string.h>

static struct judgement_question make_question(const struct edit *edit)
{
        return (struct judgement_question){
                .serial =
                        {
                                .method = (enum serial_method)edit->policy->serial_method,
                                .published = edit->has_row ? edit->row.serial : 0,
                                .floor = edit->floor,
                                .floor_needs_gap = edit->floor_needs_gap,
                                .file = edit->file_serial,
                                .file_before = edit->has_row ? edit->row.file_serial : 0,
                                .content_changed = edit->content_changed,
                                .is_signed_elsewhere = edit->is_signed_elsewhere,
                                .now_sec = clock_realtime_usec() / USEC_PER_SEC,
                                .max_step = edit->policy->guard.max_serial_step,
                        },
                .guard = edit->guard,
                .is_of_others = edit->has_text_of_before && edit->parsed.aliases,
                .is_frozen = edit->job->is_frozen && !edit->floor_needs_gap,
        };
}

void edit_judgement(const struct edit *edit, bool is_approved, struct judgement *ret_judgement)
{
        struct judgement_question question = make_question(edit);

        question.is_approved = is_approved;
        question.is_frozen &= !is_approved;
        judge_change(&question, ret_judgement);
}

int edit_hash(const struct edit *edit, uint8_t ret_hash[static 32])
{
        return delta_hash(&(struct delta){.removed = *edit->removed, .added = *edit->added},
                edit->has_row ? &edit->row.digest : NULL, &edit->soa, ret_hash);
}

/* Held: told with its hash, unless just that hash was approved. */
static int hold(struct edit *edit, const struct judgement *judgement)
{
        char summary[JUDGEMENT_SUMMARY_MAX];
        struct verdict *verdict = &edit->job->verdict;
        int r = edit_hash(edit, verdict->hash);
        if (r < 0)
                return r;
        verdict->has_hash = true;
        verdict->added = edit->added->count;
        verdict->removed = edit->removed->count;
        if (edit->job->kind == JOB_APPROVE &&
                (edit->job->approves_commit ||
                        CRYPTO_memcmp(verdict->hash, edit->job->hash, sizeof(verdict->hash)) == 0)) {
                edit->is_released = true;
                return EDIT_GOES_ON;
        }
        verdict_set(verdict, VERDICT_HELD, "%s", judgement_summary(judgement, summary));
        r = edit_guard_hold(edit, verdict->hash);
        return r < 0 ? r : EDIT_ANSWERED;
}

void edit_ask_write_back(struct edit *edit, uint32_t file, uint32_t published)
{
        struct publish_job *job = edit->job;

        job->wants_write_back = edit->policy->write_back && !job->commit && file != published &&
                                edit->identity.inode != 0 && !edit->is_signed_elsewhere && !job->is_frozen &&
                                !edit->is_setting_serial;
        job->file_serial = file;
        job->file_identity = edit->identity;
}

/* The same records under new bytes (a comment, a touch): remember the file's identity, so that the next start
 * need not read it. */
static int note_same_content(struct edit *edit)
{
        struct verdict *verdict = &edit->job->verdict;
        edit_ask_write_back(edit, edit->file_serial, edit->row.serial);
        verdict_set(
                verdict, VERDICT_UNCHANGED, "nothing changed but bytes, serial stays %u", edit->row.serial);
        int r = edit_guard_clear(edit);
        return r < 0 ? r : edit_remember_files(edit);
}

/* An edit between two steps of serial-set would be a serial that is none of them. */
static int wait_for_serial(struct edit *edit)
{
        const struct serial_set *set = edit->job->serial_set;
        verdict_set(&edit->job->verdict, VERDICT_FROZEN,
                "added: %zu, removed: %zu records wait until the serial is set to %u", edit->added->count,
                edit->removed->count, serial_set_target(set));
        return EDIT_ANSWERED;
}

int edit_judge(struct edit *edit)
{
        struct verdict *verdict = &edit->job->verdict;
        struct judgement judgement;
        int r = edit_rollback_stays(edit);
        if (r == EDIT_GOES_ON)
                r = edit_guard_load(edit);
        if (r != EDIT_GOES_ON)
                return r;
        edit_judgement(edit, false, &judgement);
        edit->serial = judgement.serial;
        switch (judgement.kind) {
        case JUDGEMENT_NOTHING:
                return note_same_content(edit);
        case JUDGEMENT_PUBLISH:
                return edit->is_setting_serial ? wait_for_serial(edit) : EDIT_GOES_ON;
        case JUDGEMENT_FROZEN:
                verdict_set(verdict, VERDICT_FROZEN, "added: %zu, removed: %zu records wait for thaw",
                        edit->added->count, edit->removed->count);
                return EDIT_ANSWERED;
        case JUDGEMENT_HOLD:
                r = hold(edit, &judgement);
                return r == EDIT_GOES_ON && edit->is_setting_serial ? wait_for_serial(edit) : r;
        case JUDGEMENT_REFUSE:
                verdict_set(verdict, VERDICT_HELD, "%s", judgement.reasons[0]);
                return EDIT_ANSWERED;
        }
        return -EINVAL;
}
