/* The zone's file is gone. Publisher's thread.
 *
 * A zone that ends is a change like any other that a slip can make, and the largest: it is held, and served
 * on, until the removal's own hash is approved or a file is there again. */
#include "publish/edit.h"

#include "base/buffer.h"
#include "base/cleanup.h"
#include "dns/record.h"

#include <errno.h>
#include <openssl/crypto.h>

#define NAMED_MAX 8 /* secondaries in the sentence */

static void append_target(struct buffer *text, size_t i, const char *name)
{
        buffer_printf(text, "%s%s", i == 0 ? "" : ", ", name);
}

/* Who serves the zone, as the configuration names them: there it is to be deleted too. */
static void append_secondaries(const struct conf_policy *policy, struct buffer *text)
{
        char address[ADDRESS_TEXT_MAX];
        size_t named = 0, count = policy->secondary_count + policy->also_notify_count;

        if (count == 0)
                return;
        buffer_append_text(text, "; delete it there too: ");
        for (size_t i = 0; i < policy->secondary_count && named < NAMED_MAX; i++)
                append_target(text, named++, policy->secondaries[i]->name);
        for (size_t i = 0; i < policy->also_notify_count && named < NAMED_MAX; i++) {
                struct address target = policy->also_notify[i].address;
                target.port = 0;
                append_target(text, named++, address_format(&target, address));
        }
        if (count > named)
                buffer_printf(text, " and %zu more", count - named);
}

/* A week reads better than 604800 s. */
static void append_expire(const struct record *record, struct buffer *text)
{
        struct soa soa;
        if (soa_parse(record->rdata, record->rdata_length, &soa) < 0)
                return;
        buffer_append_text(text, "secondaries serve it until its EXPIRE");
        if (soa.expire >= 172800)
                buffer_printf(text, ", %u days after they last reached us", soa.expire / 86400);
        else
                buffer_printf(text, ", %u s after they last reached us", soa.expire);
}

int edit_remove(struct edit *edit)
{
        CLEANUP(buffer_free) struct buffer text = {0};
        struct publish_job *job = edit->job;
        struct store_batch *open;

        append_expire(&edit->row.soa, &text);
        append_secondaries(edit->policy, &text);
        const char *after = buffer_text(&text);
        if (!after)
                return -ENOMEM;
        edit->has_written = true;
        int r = publish_batch_open(edit->batch, &open);
        if (r == 0)
                r = publish_batch_serial(edit->batch, job, edit->row.serial, true);
        if (r == 0)
                r = store_batch_zone_remove(open, edit->row.id);
        if (r < 0)
                return r;
        verdict_set(&job->verdict, VERDICT_REMOVED, "no longer served; its last serial %u is remembered; %s",
                edit->row.serial, after);
        job->has_row = false;
        return EDIT_ANSWERED;
}

int edit_removal(struct edit *edit, const char *what)
{
        struct publish_job *job = edit->job;
        struct verdict *verdict = &job->verdict;

        if (!edit->has_row) {
                verdict_set(verdict, VERDICT_MISSING,
                        "%s is not there: put it there, or correct the path in the zone block", what);
                return EDIT_ANSWERED;
        }
        int r = delta_removal_hash(edit->job->name, &edit->row.digest, verdict->hash);
        if (r < 0)
                return r;
        verdict->has_hash = true;
        verdict->removed = edit->row.record_count;
        if (job->kind == JOB_APPROVE && CRYPTO_memcmp(verdict->hash, job->hash, sizeof(verdict->hash)) == 0)
                return edit_remove(edit);
        verdict_set(verdict, VERDICT_HELD,
                "%s is gone; the zone is served on as it was: put the file back, or approve that the zone "
                "ends",
                what);
        return EDIT_ANSWERED;
}
