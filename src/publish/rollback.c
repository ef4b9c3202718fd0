/* rollback: the content of an earlier serial under a higher one, and that it stays. Publisher's thread.
 *
 * It is by hand, so that neither the guard nor a freeze holds it, and the guard's window begins anew. The
 * file says something else from then on; so that it does not win at the next look, its content of now is
 * remembered (its digest, without the serial, in a row of the zone's state):
 *
 *   | format 1 | to 4 | at 8 | has digest 1 | digest 32 |
 *
 * A look that finds the same content again, and no serial of the file that is ahead, publishes nothing. Any
 * other content ends the rollback. */
#include "publish/rollback.h"

#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "dns/serial.h"
#include "dns/type.h"
#include "publish/edit.h"
#include "store/history.h"
#include "zone/serial_policy.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define ROW_FORMAT 1
#define ROW_SIZE (1 + 4 + 8 + 1 + DIGEST_SIZE)

static const char row_key[] = "rollback";
#define ROW_KEY_SIZE (sizeof(row_key) - 1)

DEFINE_CLEANUP(struct store_difference *, store_difference_close);

int rollback_decode(const void *value, size_t size, struct rollback *ret_rollback)
{
        const uint8_t *at = value;

        if (size != ROW_SIZE || at[0] != ROW_FORMAT || at[13] > 1)
                return -EBADMSG;
        *ret_rollback = (struct rollback){
                .to_serial = read_u32(at + 1), .at_usec = read_u64(at + 5), .has_digest = at[13]};
        memcpy(ret_rollback->digest.bytes, at + 14, DIGEST_SIZE);
        return 0;
}

int rollback_read(struct store_read *read, const struct store_zone *row, struct rollback *ret_rollback)
{
        const void *value;
        size_t size;

        if (!(row->flags & STORE_ZONE_ROLLED_BACK))
                return -ENOENT;
        int r = store_state_get(read, row->id, row_key, ROW_KEY_SIZE, &value, &size);
        return r < 0 ? r : rollback_decode(value, size, ret_rollback);
}

void rollback_encode(const struct rollback *rollback, struct buffer *out)
{
        buffer_append_u8(out, ROW_FORMAT);
        buffer_append_u32(out, rollback->to_serial);
        buffer_append_u64(out, rollback->at_usec);
        buffer_append_u8(out, rollback->has_digest);
        buffer_append(out, rollback->digest.bytes, DIGEST_SIZE);
}

int edit_rollback_keep(struct edit *edit, struct store_batch *open)
{
        CLEANUP(buffer_free) struct buffer row = {0};

        if (edit->keeps_rollback)
                return 0;
        if (!edit->is_rollback && edit->has_row && edit->row.flags & STORE_ZONE_ROLLED_BACK)
                return store_batch_state_delete(open, edit->row.id, row_key, ROW_KEY_SIZE);
        if (!edit->is_rollback)
                return 0;
        rollback_encode(&edit->rollback, &row);
        int r = buffer_status(&row);
        return r < 0 ? r
                     : store_batch_state_put(open, edit->row.id, row_key, ROW_KEY_SIZE, row.data, row.length);
}

/* Of what the file says, the serial left out. */
static int file_digest(struct edit *edit, struct digest *ret_digest)
{
        *ret_digest = edit->row.digest;
        int r = digest_remove(ret_digest, &edit->row.soa);
        if (r == 0)
                r = digest_remove_list(ret_digest, edit->removed, edit->crew);
        if (r == 0)
                r = digest_add_list(ret_digest, edit->added, edit->crew);
        return r < 0 ? r : digest_add(ret_digest, &edit->soa);
}

/* The same content in a file that stat tells apart: the next start need not read it again. */
static int remember_identity(struct edit *edit)
{
        const struct store_file *files;
        struct store_batch *open;
        size_t count;

        if (edit_is_remembered(edit))
                return 0;
        int r = edit_list_files(edit, &files, &count);
        if (r == 0)
                r = publish_batch_open(edit->batch, &open);
        if (r < 0)
                return r;
        edit->has_written = true;
        return store_batch_zone_update(open, edit->row.id, edit->row.flags, edit->file_serial, files, count);
}

int edit_rollback_stays(struct edit *edit)
{
        struct rollback rollback;
        struct digest digest;

        if (!edit->has_row || !edit->snapshot || edit->job->is_damaged ||
                rollback_read(edit->read, &edit->row, &rollback) < 0)
                return EDIT_GOES_ON;
        if (!rollback.has_digest || serial_is_ahead(edit->file_serial, edit->row.serial))
                return EDIT_GOES_ON;
        int r = file_digest(edit, &digest);
        if (r < 0 || memcmp(digest.bytes, rollback.digest.bytes, DIGEST_SIZE) != 0)
                return r < 0 ? r : EDIT_GOES_ON;
        r = remember_identity(edit);
        if (r < 0)
                return r;
        verdict_set(&edit->job->verdict, VERDICT_UNCHANGED,
                "rolled back to the content of serial %u, which stays until the file changes",
                rollback.to_serial);
        return EDIT_ANSWERED;
}

static int refuse(struct edit *edit, const char *format, ...) __attribute__((format(printf, 2, 3)));
static int refuse(struct edit *edit, const char *format, ...)
{
        char text[300];
        va_list arguments;

        va_start(arguments, format);
        vsnprintf(text, sizeof(text), format, arguments);
        va_end(arguments);
        verdict_set(&edit->job->verdict, VERDICT_FAILED, "%s", text);
        return EDIT_ANSWERED;
}

/* What the file says now is what must not win; a text that cannot be read is any other than the next one. */
static int remember_file(struct edit *edit)
{
        int r = publish_zone_read(edit);
        if (r < 0)
                return r;
        edit->rollback.has_digest = r == EDIT_GOES_ON;
        if (r == EDIT_GOES_ON)
                return file_digest(edit, &edit->rollback.digest);
        edit->snapshot = source_snapshot_free(edit->snapshot);
        edit->file_serial = edit->row.file_serial;
        return 0;
}

static bool is_signers(const uint8_t *apex, const struct record *record)
{
        return name_equal(record->owner, apex) &&
               (record->type == TYPE_ZONEMD ||
                       (record->type == TYPE_RRSIG && record_covered_type(record) == TYPE_SOA));
}

/* The delta back, sorted as it comes. */
static int load_delta(struct edit *edit, uint64_t version, bool *ret_is_signed)
{
        CLEANUP(store_difference_close_later) struct store_difference *difference = NULL;
        struct record record, copy;
        bool is_added;
        int r = store_difference_open(edit->read, &edit->row, edit->row.version, version, &difference);

        delta_free(&edit->delta);
        edit->delta = (struct delta){0};
        *ret_is_signed = false;
        while (r == 0 && (r = store_difference_next(difference, &record, &is_added)) != 1) {
                if (r == STORE_DIFFERENCE_MORE) {
                        r = 0;
                        continue;
                }
                if (r == 0)
                        r = record_copy(&edit->delta.arena, &record, &copy);
                if (r == 0)
                        r = record_list_add(is_added ? &edit->delta.added : &edit->delta.removed, &copy);
                if (r == 0)
                        *ret_is_signed |= is_added && is_signers(edit->job->name, &record);
        }
        edit->removed = &edit->delta.removed;
        edit->added = &edit->delta.added;
        return r < 0 ? r : 0;
}

static int make_serial(struct edit *edit)
{
        const struct serial_question question = {
                .method = (enum serial_method)edit->policy->serial_method,
                .published = edit->row.serial,
                .floor = edit->floor,
                .content_changed = true,
                .now_sec = clock_realtime_usec() / USEC_PER_SEC,
        };
        serial_next(&question, &edit->serial);
        return edit->serial != 0 ? 0 : -EINVAL;
}

static bool is_same_soa(const struct record *left, const struct record *right)
{
        size_t length = left->rdata_length;
        return length == right->rdata_length && left->ttl == right->ttl && length >= 22 &&
               memcmp(left->rdata, right->rdata, SOA_SERIAL_OFFSET(length)) == 0 &&
               memcmp(left->rdata + length - 16, right->rdata + length - 16, 16) == 0;
}

/* The version to go back to. EDIT_ANSWERED where there is nothing to do, or it may not be. */
static int find_version(struct edit *edit, uint64_t *ret_version)
{
        uint32_t to = edit->job->to_serial;

        if (!edit->has_row)
                return refuse(edit, "nothing of it is published");
        if (edit->row.flags & STORE_ZONE_SIGNED_ELSEWHERE)
                return refuse(edit, "the zone was signed elsewhere (or carries a ZONEMD), and its serials "
                                    "are its signer's: "
                                    "take it back where it is signed");
        if (edit->is_setting_serial)
                return refuse(
                        edit, "its serial is being set (zonecrier serial): ask again when that is done");
        int r = store_version_of(edit->read, &edit->row, to, ret_version);
        if (r == -ENOENT || r == -EUCLEAN)
                return refuse(edit, "the history does not reach serial %u: it goes from %u to %u", to,
                        edit->row.oldest_serial, edit->row.serial);
        if (r == 0 && *ret_version == edit->row.version)
                return refuse(edit, "serial %u is what is served", to);
        return r;
}

int publish_rollback(struct edit *edit)
{
        struct publish_job *job = edit->job;
        uint64_t version = 0;
        bool is_signed = false;
        int r = find_version(edit, &version);

        if (r != 0)
                return r;
        r = remember_file(edit);
        if (r == 0)
                r = load_delta(edit, version, &is_signed);
        if (r == 0)
                r = store_soa_of(edit->read, &edit->row, version, &edit->soa);
        if (r < 0)
                return r;
        if (is_signed)
                return refuse(edit,
                        "the zone was signed elsewhere (or carried a ZONEMD) under serial %u: under a new "
                        "serial "
                        "its signatures would be wrong",
                        job->to_serial);
        if (delta_is_empty(&edit->delta) && is_same_soa(&edit->soa, &edit->row.soa))
                return refuse(edit, "the content under serial %u is what is served", job->to_serial);
        edit->rollback.to_serial = job->to_serial;
        edit->rollback.at_usec = clock_realtime_usec();
        edit->is_rollback = edit->is_released = edit->content_changed = true;
        edit->is_whole = edit->is_signed_elsewhere = false;
        snprintf(edit->by, sizeof(edit->by), "rollback to %u", job->to_serial);
        r = edit_count_rrsets(edit);
        if (r == 0)
                r = edit_guard_load(edit);
        if (r == 0)
                r = make_serial(edit);
        if (r == 0)
                r = edit_commit(edit);
        if (r < 0)
                return r;
        verdict_set(&job->verdict, VERDICT_PUBLISHED,
                "serial %u: rolled back to the content of serial %u, %zu record%s added, %zu removed; it "
                "stays "
                "until the file changes",
                edit->serial, job->to_serial, edit->added->count, edit->added->count == 1 ? "" : "s",
                edit->removed->count);
        return EDIT_GOES_ON;
}
