/* serial-set, the publisher's part: the way is kept beside the zone, each step is a publish of the same
 * content, and the row of the way moves in the same transaction. Publisher's thread.
 *
 * A step needs no floor: its serial was never served with other content, as edits wait on the way (I1). */
#include "publish/edit.h"

#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "dns/serial.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const char row_key[] = "serial-set";
#define KEY_SIZE (sizeof(row_key) - 1)

int serial_set_find(struct edit *edit)
{
        struct publish_job *job = edit->job;
        const void *value;
        size_t size;

        edit->is_setting_serial = false;
        if (!edit->has_row || !(edit->row.flags & STORE_ZONE_SERIAL_SET)) {
                free(job->serial_set);
                job->serial_set = NULL;
                return 0;
        }
        if (!job->serial_set)
                job->serial_set = malloc(sizeof(*job->serial_set));
        if (!job->serial_set)
                return -ENOMEM;
        int r = store_state_get(edit->read, edit->row.id, row_key, KEY_SIZE, &value, &size);
        if (r == 0)
                r = serial_set_decode(value, size, job->serial_set);
        if (r < 0) { /* lost: the zone goes on from where it is */
                free(job->serial_set);
                job->serial_set = NULL;
                return r == -ENOMEM ? r : 0;
        }
        edit->is_setting_serial = true;
        return 0;
}

/* The row's flag and the way, without a new version. set NULL: it ends. */
static int write_way(struct edit *edit, const struct serial_set *set)
{
        CLEANUP(buffer_free) struct buffer value = {0};
        struct store_batch *open;
        uint32_t flags = edit->row.flags & ~(uint32_t)STORE_ZONE_SERIAL_SET;

        edit->has_written = true;
        if (set) {
                flags |= STORE_ZONE_SERIAL_SET;
                serial_set_encode(set, &value);
        }
        int r = buffer_status(&value);
        if (r == 0)
                r = publish_batch_open(edit->batch, &open);
        if (r == 0)
                r = store_zone_files(edit->read, &edit->row, &edit->arena);
        if (r == 0)
                r = store_batch_zone_update(open, edit->row.id, flags, edit->row.file_serial, edit->row.files,
                        edit->row.file_count);
        if (r == 0)
                r = set ? store_batch_state_put(
                                  open, edit->row.id, row_key, KEY_SIZE, value.data, value.length)
                        : store_batch_state_delete(open, edit->row.id, row_key, KEY_SIZE);
        return r;
}

static int refuse(struct edit *edit, const char *why)
{
        if (!edit->is_setting_serial) {
                free(edit->job->serial_set);
                edit->job->serial_set = NULL;
        }
        verdict_set(&edit->job->verdict, VERDICT_FAILED, "the serial is not set: %s", why);
        return EDIT_ANSWERED;
}

/* One a line. False where there is no room. */
static bool assume_all(struct serial_set *set, const char *names)
{
        char name[SERIAL_ASSUMED_MAX];

        while (*names) {
                size_t length = strcspn(names, "\n");
                if (length >= sizeof(name))
                        return false;
                memcpy(name, names, length);
                name[length] = '\0';
                if (!serial_set_assume(set, name))
                        return false;
                names += length + (names[length] == '\n');
        }
        return true;
}

/* Somebody on the way is waited for no longer. */
static int assume_more(struct edit *edit)
{
        struct publish_job *job = edit->job;

        if (!edit->is_setting_serial)
                return refuse(edit, "nothing is under way; say to which serial");
        if (!assume_all(job->serial_set, job->set_assumed))
                return refuse(edit, "so many secondaries cannot be assumed");
        int r = write_way(edit, job->serial_set);
        if (r < 0)
                return r;
        verdict_set(&job->verdict, VERDICT_UNCHANGED, "on the way to serial %u, step %zu of %zu",
                serial_set_target(job->serial_set), job->serial_set->taken, job->serial_set->step_count);
        return EDIT_ANSWERED;
}

int serial_set_begin(struct edit *edit)
{
        struct publish_job *job = edit->job;
        struct serial_set *set;

        if (job->set_target == 0)
                return assume_more(edit);
        if (edit->is_setting_serial)
                return refuse(edit, "it is being set already; --abort ends that");
        if (!edit->has_row)
                return refuse(edit, "the zone is not published");
        if (edit->row.flags & STORE_ZONE_SIGNED_ELSEWHERE)
                return refuse(edit, "the zone was signed elsewhere, and its serial is the file's");
        set = job->serial_set = calloc(1, sizeof(*job->serial_set));
        if (!set)
                return -ENOMEM;
        if (!assume_all(set, job->set_assumed))
                return refuse(edit, "so many secondaries cannot be assumed");
        set->from = edit->row.serial;
        set->begun_usec = clock_realtime_usec();
        set->step_count = serial_steps_make(set->from, job->set_target, job->set_longest, set->steps);
        if (set->step_count == 0)
                return refuse(edit, "it has this serial");
        int r = write_way(edit, set);
        if (r < 0)
                return r;
        verdict_set(&job->verdict, VERDICT_UNCHANGED, "serial %u: on the way to %u in %zu step%s", set->from,
                job->set_target, set->step_count, set->step_count == 1 ? "" : "s");
        return EDIT_ANSWERED;
}

int serial_set_abort(struct edit *edit)
{
        struct publish_job *job = edit->job;

        if (!edit->is_setting_serial)
                return refuse(edit, "nothing is under way");
        int r = write_way(edit, NULL);
        if (r < 0)
                return r;
        verdict_set(&job->verdict, VERDICT_UNCHANGED,
                "the way to serial %u is given up; serial %u stays, and goes on from there",
                serial_set_target(job->serial_set), edit->row.serial);
        free(job->serial_set);
        job->serial_set = NULL;
        return EDIT_ANSWERED;
}

/* The steps that are left, beside the publish of this one. */
static int move_way(struct edit *edit, struct serial_set *set)
{
        CLEANUP(buffer_free) struct buffer value = {0};
        struct store_batch *open;
        int r = publish_batch_open(edit->batch, &open);

        if (r == 0 && edit->ends_setting)
                return store_batch_state_delete(open, edit->row.id, row_key, KEY_SIZE);
        set->taken++;
        serial_set_encode(set, &value);
        if (r == 0)
                r = buffer_status(&value);
        if (r == 0)
                r = store_batch_state_put(open, edit->row.id, row_key, KEY_SIZE, value.data, value.length);
        return r;
}

int serial_set_step(struct edit *edit)
{
        struct publish_job *job = edit->job;
        struct serial_set *set = job->serial_set;

        if (!edit->is_setting_serial || set->taken != job->set_taken ||
                edit->row.serial != serial_set_current(set)) {
                verdict_set(&job->verdict, VERDICT_UNCHANGED, "no step of serial-set is due");
                return EDIT_ANSWERED;
        }
        edit->serial = set->steps[set->taken];
        edit->ends_setting = set->taken + 1 == set->step_count;
        edit->begins_era = edit->ends_setting;
        edit->soa = edit->row.soa;
        edit->file_serial = edit->row.file_serial;
        edit->rrset_count = edit->row.rrset_count;
        edit->removed = edit->added = &edit->delta.removed; /* empty */
        int r = edit_commit(edit);
        if (r == EDIT_GOES_ON)
                r = move_way(edit, set);
        if (r < 0)
                return r;
        verdict_set(&job->verdict, VERDICT_PUBLISHED, "serial %u: step %zu of %zu of serial-set%s",
                edit->serial, edit->ends_setting ? set->step_count : set->taken, set->step_count,
                edit->ends_setting ? " (the last; a new history begins)" : "");
        if (edit->ends_setting) {
                free(set);
                job->serial_set = NULL;
        }
        return EDIT_ANSWERED;
}
