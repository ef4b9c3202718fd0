/* Step four of an edit: may it go out, and under which serial? Publisher's thread; the decisions themselves
 * are zone/'s. */
#include "publish/edit.h"

#include "base/buffer.h"
#include "base/clock.h"
#include "zone/serial_policy.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <string.h>

static enum serial_decision decide_serial(struct edit *edit)
{
        struct serial_question question = {
                .method = (enum serial_method)edit->policy->serial_method,
                .published = edit->has_row ? edit->row.serial : 0,
                .floor = edit->floor,
                .floor_needs_gap = edit->floor_needs_gap,
                .file = edit->file_serial,
                .file_before = edit->has_row ? edit->row.file_serial : 0,
                .content_changed = edit->content_changed,
                .is_signed_elsewhere = edit->is_signed_elsewhere,
                .now_sec = clock_realtime_usec() / USEC_PER_SEC,
        };
        return serial_next(&question, &edit->serial);
}

static int hold(struct edit *edit, const char *reason)
{
        struct verdict *verdict = &edit->job->verdict;
        int r = delta_hash(&(struct delta){.removed = *edit->removed, .added = *edit->added},
                edit->has_row ? edit->row.version : 0, &edit->soa, verdict->hash);
        if (r < 0)
                return r;
        verdict->has_hash = true;
        verdict->added = edit->added->count;
        verdict->removed = edit->removed->count;
        if (edit->job->kind == JOB_APPROVE &&
                CRYPTO_memcmp(verdict->hash, edit->job->hash, sizeof(verdict->hash)) == 0)
                return EDIT_GOES_ON;
        verdict_set(verdict, VERDICT_HELD, "%s", reason);
        return EDIT_ANSWERED;
}

static int judge_guard(struct edit *edit)
{
        char reason[300];
        unsigned reasons = edit->content_changed ? guard_judge(&edit->guard) : 0;
        if (reasons == 0)
                return EDIT_GOES_ON;
        return hold(edit, guard_explain(reasons, &edit->guard, reason, sizeof(reason)));
}

static int judge_serial(struct edit *edit)
{
        char reason[300];
        switch (decide_serial(edit)) {
        case SERIAL_SAME:
                edit->serial = 0;
                return EDIT_GOES_ON;
        case SERIAL_FROM_FILE:
        case SERIAL_FROM_POLICY:
        case SERIAL_FROM_POLICY_BEHIND:
                return EDIT_GOES_ON;
        case SERIAL_HOLD_JUMP:
                snprintf(reason, sizeof(reason),
                        "the file's serial %u is far ahead of the published %u: a typo? approve it, or "
                        "correct the file",
                        edit->file_serial, edit->has_row ? edit->row.serial : edit->floor);
                return hold(edit, reason);
        case SERIAL_HOLD_SIGNED:
                verdict_set(&edit->job->verdict, VERDICT_HELD,
                        "the zone was signed elsewhere (or carries a ZONEMD) and its content changed, but "
                        "its serial %u is not ahead of the published %u: raise it where the zone is signed",
                        edit->file_serial, edit->has_row ? edit->row.serial : edit->floor);
                return EDIT_ANSWERED;
        }
        return -EINVAL;
}

/* The same records under new bytes (a comment, a touch): remember the file's identity, so that the next start
 * need not read it. */
static int note_same_content(struct edit *edit)
{
        struct verdict *verdict = &edit->job->verdict;
        verdict_set(
                verdict, VERDICT_UNCHANGED, "nothing changed but bytes, serial stays %u", edit->row.serial);
        return edit_remember_files(edit);
}

int edit_judge(struct edit *edit)
{
        int r = judge_serial(edit);
        if (r != EDIT_GOES_ON)
                return r;
        if (edit->serial == 0)
                return note_same_content(edit);
        if (edit->job->is_frozen && !edit->floor_needs_gap) {
                verdict_set(&edit->job->verdict, VERDICT_FROZEN,
                        "added: %zu, removed: %zu records wait for thaw", edit->added->count,
                        edit->removed->count);
                return EDIT_ANSWERED;
        }
        return judge_guard(edit);
}
