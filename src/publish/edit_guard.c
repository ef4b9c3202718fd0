/* The guard's window: earlier edits that count with this one, what is held, and since when. Publisher's
 * thread.
 *
 * The zone's guard row (zone/guard_memory.h) is written with the publish that it is about. Its sums are
 * mostly enough: they are never less than the net. Where they say "too much", the journal's steps are
 * composed with this edit to the one delta that the window comes to, and that is counted. Where the journal
 * does not reach back so far, or there is more to compose than an edit may cost, the sums stand. */
#include "publish/edit.h"

#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "store/history.h"
#include "zone/guard_net.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <string.h>

#define STEPS_MAX 1024
#define RECORDS_MAX 32768 /* in them, and of this edit */

static const char row_key[] = "guard";
#define ROW_KEY_SIZE (sizeof(row_key) - 1)

DEFINE_CLEANUP(struct store_records *, store_records_close);
DEFINE_CLEANUP(struct store_difference *, store_difference_close);

static int memory_load(struct edit *edit)
{
        const void *value;
        size_t size;

        edit->guard_memory = (struct guard_memory){0};
        int r = store_state_get(edit->read, edit->row.id, row_key, ROW_KEY_SIZE, &value, &size);
        if (r == 0)
                guard_memory_decode(value, size, &edit->guard_memory); /* of another form: as if none */
        return r == -ENOENT || r == -EUCLEAN ? 0 : r;
}

static int memory_store(struct edit *edit)
{
        CLEANUP(buffer_free) struct buffer row = {0};
        struct store_batch *open;

        guard_memory_encode(&edit->guard_memory, &row);
        int r = buffer_status(&row);
        if (r == 0)
                r = publish_batch_open(edit->batch, &open);
        if (r == 0) {
                edit->has_written = true;
                r = store_batch_state_put(open, edit->row.id, row_key, ROW_KEY_SIZE, row.data, row.length);
        }
        return r;
}

/* ---- the net counts of the window ---- */

struct window {
        struct edit *edit;
        struct store_records *records; /* of the published version */
        struct record_list before, after;
        const uint8_t *owner; /* whose lists they are */
        bool with_edit;       /* count what this edit would leave */
};

static size_t count_type(const struct record_list *list, uint16_t type)
{
        size_t count = 0;
        for (size_t i = 0; i < list->count; i++)
                count += list->items[i].type == type;
        return count;
}

static int window_count(void *context, const uint8_t *owner, uint16_t type, size_t *ret_count)
{
        struct window *window = context;
        if (!window->owner || !name_equal(window->owner, owner)) {
                window->before.count = window->after.count = 0;
                window->owner = NULL;
                int r = edit_owner_before(window->edit, window->records, owner, &window->before);
                if (r == 0)
                        r = edit_owner_after(window->edit, &window->before, owner, &window->after);
                if (r < 0)
                        return r;
                window->owner = owner;
        }
        *ret_count = count_type(window->with_edit ? &window->after : &window->before, type);
        return 0;
}

/* The delta from the window's beginning to the published version. 1 = it is not to be had. */
static int delta_load(struct edit *edit, uint64_t base, struct delta *ret_delta)
{
        CLEANUP(store_difference_close_later) struct store_difference *difference = NULL;
        struct delta delta = {0};
        struct record record, copy;
        bool is_added;
        int r = store_difference_open(edit->read, &edit->row, base, edit->row.version, &difference);

        while (r == 0 && (r = store_difference_next(difference, &record, &is_added)) != 1) {
                if (r == STORE_DIFFERENCE_MORE) {
                        r = 0;
                        continue;
                }
                if (r == 0)
                        r = record_copy(&delta.arena, &record, &copy);
                if (r == 0)
                        r = record_list_add(is_added ? &delta.added : &delta.removed, &copy);
        }
        if (r != 1) {
                delta_free(&delta);
                return r == -ENOENT || r == -EUCLEAN ? 1 : r;
        }
        *ret_delta = delta;
        return 0;
}

/* Moves base up to the version that was published when the window began; a bucket may begin before. 1 = the
 * journal does not reach it, or there is too much in between. */
static int base_find(struct edit *edit, uint64_t *base)
{
        uint64_t window_usec = edit->guard.limits.window_usec, records = 0;
        struct store_step step;
        bool is_inside = false;

        if (*base < edit->row.oldest_version || edit->row.version - *base > STEPS_MAX)
                return 1;
        for (uint64_t version = *base + 1; version <= edit->row.version; version++) {
                int r = store_step_get(edit->read, edit->row.id, version, &step);
                if (r < 0)
                        return r == -ENOENT || r == -EUCLEAN ? 1 : r;
                is_inside = is_inside || step.published_usec + window_usec > edit->now_usec;
                if (!is_inside) {
                        *base = version;
                        continue;
                }
                records += step.removed_count + step.added_count;
                if (records > RECORDS_MAX)
                        return 1;
        }
        return 0;
}

static int count_both(struct edit *edit, const struct delta *earlier, struct guard_net *ret_earlier,
        struct guard_net *ret_all)
{
        CLEANUP(store_records_close_later) struct store_records *records = NULL;
        const struct delta own = {.removed = *edit->removed, .added = *edit->added};
        struct window window = {.edit = edit};
        struct guard_after after = {.context = &window,
                .count = window_count,
                .rrset_count = edit->row.rrset_count,
                .record_count = edit->row.record_count};
        struct delta all = {0};
        int r = store_records_open(edit->read, edit->row.id, &records);

        window.records = records;
        if (r == 0)
                r = guard_net_count(&earlier->removed, &earlier->added, &after, ret_earlier);
        if (r == 0)
                r = delta_compose(earlier, &own, &all);
        window.with_edit = true;
        after.rrset_count = edit->rrset_count;
        after.record_count = edit->row.record_count + own.added.count - own.removed.count;
        if (r == 0)
                r = guard_net_count(&all.removed, &all.added, &after, ret_all);
        delta_free(&all);
        record_list_free(&window.before);
        record_list_free(&window.after);
        return r;
}

/* 1 = the sums have to do. */
static int count_exactly(struct edit *edit, const struct guard_publish *sum, struct guard_input *input)
{
        struct guard_net before, now;
        struct delta earlier;
        uint64_t base = sum->version - 1;

        if (edit->removed->count + edit->added->count > RECORDS_MAX)
                return 1;
        int r = base_find(edit, &base);
        if (r == 0)
                r = delta_load(edit, base, &earlier);
        if (r != 0)
                return r;
        r = count_both(edit, &earlier, &before, &now);
        delta_free(&earlier);
        if (r < 0)
                return r;
        input->is_windowed = base < edit->row.version;
        input->records_before = now.records_before;
        input->rrsets_before = now.rrsets_before;
        input->rrsets_gone = now.rrsets_gone;
        input->rrsets_changed = now.rrsets_changed;
        input->deletes_more = now.rrsets_gone > before.rrsets_gone;
        input->changes_more = now.rrsets_changed > before.rrsets_changed;
        return 0;
}

static int window_apply(struct edit *edit)
{
        const unsigned by_counts = GUARD_DELETES | GUARD_CHANGES | GUARD_SMALL;
        struct guard_input input = edit->guard;
        struct guard_publish sum;

        if (!guard_memory_sum(&edit->guard_memory, edit->now_usec, input.limits.window_usec, &sum))
                return 0;
        input.is_windowed = true;
        input.records_before = sum.records_before;
        input.rrsets_before = sum.rrsets_before;
        input.rrsets_gone += sum.rrsets_gone;
        input.rrsets_changed += sum.rrsets_changed;
        int r = guard_judge(&input) & by_counts ? count_exactly(edit, &sum, &input) : 0;
        if (r >= 0)
                edit->guard = input;
        return r < 0 ? r : 0;
}

/* ---- */

int edit_guard_load(struct edit *edit)
{
        uint8_t hash[DELTA_HASH_SIZE];
        struct guard_memory *memory = &edit->guard_memory;

        edit->now_usec = clock_realtime_usec();
        if (!edit->has_row || edit->job->is_damaged)
                return 0;
        int r = memory_load(edit);
        if (r == 0 && memory->is_held) {
                /* The change that was held already is judged as of then: time alone does not release it. */
                r = edit_hash(edit, hash);
                if (r == 0 && CRYPTO_memcmp(hash, memory->held_hash, sizeof(hash)) == 0 &&
                        memory->held_usec < edit->now_usec)
                        edit->now_usec = memory->held_usec;
        }
        return r == 0 && edit->content_changed ? window_apply(edit) : r;
}

int edit_guard_hold(struct edit *edit, const uint8_t hash[static DELTA_HASH_SIZE])
{
        struct guard_memory *memory = &edit->guard_memory;

        if (!edit->has_row || edit->job->is_damaged)
                return 0;
        if (memory->is_held && CRYPTO_memcmp(hash, memory->held_hash, sizeof(memory->held_hash)) == 0)
                return 0;
        memory->is_held = true;
        memory->held_usec = edit->now_usec;
        memcpy(memory->held_hash, hash, sizeof(memory->held_hash));
        return memory_store(edit);
}

int edit_guard_clear(struct edit *edit)
{
        if (!edit->guard_memory.is_held)
                return 0;
        edit->guard_memory.is_held = false;
        return memory_store(edit);
}

int edit_guard_publish(struct edit *edit, uint64_t version)
{
        struct guard_memory *memory = &edit->guard_memory;
        bool is_empty = edit->removed->count == 0 && edit->added->count == 0;

        if (!edit->has_row || edit->job->is_damaged || (is_empty && !memory->is_held))
                return 0;
        memory->is_held = false;
        if (edit->is_released)
                guard_memory_restart(memory, version);
        else if (!is_empty)
                guard_memory_add(memory,
                        &(struct guard_publish){.version = version,
                                .usec = clock_realtime_usec(),
                                .records_before = edit->row.record_count,
                                .rrsets_before = edit->row.rrset_count,
                                .rrsets_gone = edit->rrsets_gone,
                                .rrsets_changed = edit->rrsets_changed},
                        edit->guard.limits.window_usec);
        return memory_store(edit);
}
