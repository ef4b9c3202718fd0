/* A zone of which neither the store nor the serial file knows a serial: new, or its state was lost. Before it
 * is published its secondaries are asked (registry_lost.c); what they said decides. Publisher's thread. */
#include "publish/edit.h"

#include "publish/inquiry.h"
#include "zone/judgement.h"

#include <errno.h>
#include <openssl/crypto.h>

static bool is_unknown(const struct edit *edit)
{
        const enum job_kind kind = edit->job->kind;
        bool is_look = kind == JOB_LOOK || kind == JOB_THAW || kind == JOB_APPROVE;
        return is_look && !edit->has_row && edit->floor == 0;
}

static bool has_secondaries(const struct edit *edit)
{
        struct inquiry_server servers[INQUIRY_SERVERS_MAX];
        return inquiry_servers(edit->policy, servers) > 0;
}

/* Held, unless just this was approved. */
static int hold(struct edit *edit, uint32_t furthest, const char *reason)
{
        struct publish_job *job = edit->job;
        char above[80];
        int r = edit_hash(edit, job->verdict.hash);

        if (r < 0)
                return r;
        if (job->kind == JOB_APPROVE && CRYPTO_memcmp(job->verdict.hash, job->hash, sizeof(job->hash)) == 0)
                return EDIT_GOES_ON;
        if (furthest)
                snprintf(above, sizeof(above), "above the furthest serial that was told, %u", furthest);
        else
                snprintf(above, sizeof(above), "with the file's serial");
        job->verdict.has_hash = true;
        job->verdict.added = edit->added->count;
        verdict_set(&job->verdict, VERDICT_HELD,
                "no last serial of it is known here, and %s (%s): approve to publish it %s, or let the "
                "secondaries answer",
                reason, job->lost->told, above);
        return EDIT_ANSWERED;
}

int edit_lost(struct edit *edit)
{
        struct publish_job *job = edit->job;
        struct judgement without;
        uint32_t furthest = 0;
        int r = EDIT_GOES_ON;

        if (!is_unknown(edit))
                return EDIT_GOES_ON;
        if (!job->lost) {
                if (!has_secondaries(edit))
                        return EDIT_GOES_ON;
                job->is_unknown = edit->policy->lost_state == CONF_LOST_STATE_FILE;
                if (job->is_unknown)
                        return EDIT_GOES_ON;
                job->asks_secondaries = true;
                verdict_set(&job->verdict, VERDICT_HELD,
                        "no last serial of it is known here: its secondaries are asked for theirs");
                return EDIT_ANSWERED;
        }
        edit_judgement(edit, false, &without);
        switch (lost_state_judge(job->lost->answers, job->lost->count, without.serial, &furthest)) {
        case LOST_IS_NEW:
                return EDIT_GOES_ON;
        case LOST_GO_ABOVE:
                break;
        case LOST_HOLD_SILENT:
                job->retry = RETRY_RARELY;
                r = hold(edit, furthest, "not all of its secondaries say what they hold");
                break;
        case LOST_HOLD_UNSIGNED:
                r = hold(edit, furthest,
                        "an answer without TSIG would move its serial too far to be believed");
                break;
        }
        if (r == EDIT_GOES_ON) {
                edit->floor = furthest;
                edit->floor_needs_gap = furthest != 0;
        }
        return r;
}
