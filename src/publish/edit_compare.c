/* Step three of an edit: what goes and what comes against the published version, and the counts that the
 * guard judges. Publisher's thread.
 *
 * A text of which only the changed lines were read must not hide what the whole would have told: where a
 * touched owner has anything to tell (a duplicate, a TTL that differs, CNAME and other data ...), the whole
 * text is read after all. */
#include "publish/edit.h"

#include "base/cleanup.h"
#include "dns/type.h"
#include "zonefile/check.h"

#include <errno.h>
#include <string.h>

#define OWNERS_KEPT_MAX 65536

DEFINE_CLEANUP(struct store_records *, store_records_close);

struct owner_before { /* the published records of an owner */
        size_t count;
        struct record records[];
};

static int next_published(void *context, struct record *ret_record)
{
        return store_records_next(context, ret_record);
}

static int compare_whole(struct edit *edit)
{
        CLEANUP(store_records_close_later) struct store_records *records = NULL;
        struct delta_source old = {.next = next_published};

        if (edit->has_row && !edit->job->is_damaged) {
                int r = store_records_open(edit->read, edit->row.id, &records);
                if (r == 0)
                        r = store_records_seek(records, NULL);
                if (r < 0)
                        return r;
                old.context = records;
        }
        int r = delta_make(old.context ? &old : NULL, &edit->parsed.records, &edit->delta);
        edit->removed = &edit->delta.removed;
        edit->added = &edit->delta.added;
        return r;
}

/* The first index in list whose owner is not before owner. */
static size_t lower_bound(const struct record_list *list, const uint8_t *owner)
{
        size_t low = 0, high = list->count;
        while (low < high) {
                size_t middle = low + (high - low) / 2;
                if (name_compare(list->items[middle].owner, owner) < 0)
                        low = middle + 1;
                else
                        high = middle;
        }
        return low;
}

static int owner_load(struct edit *edit, struct store_records *records, const uint8_t *owner,
        const struct owner_before **ret_before)
{
        struct record_list list = {0};
        struct owner_before *before;
        int r = store_records_of_owner(records, owner, &edit->arena, &list);

        if (r < 0) {
                record_list_free(&list);
                return r;
        }
        before = arena_alloc(&edit->arena, sizeof(*before) + list.count * sizeof(*list.items));
        if (before) {
                before->count = list.count;
                if (list.count > 0)
                        memcpy(before->records, list.items, list.count * sizeof(*list.items));
        }
        record_list_free(&list);
        *ret_before = before;
        return before ? 0 : -ENOMEM;
}

/* Each owner is asked for several times, and found by decoding its leaf up to it: what is found is kept. */
int edit_owner_before(
        struct edit *edit, struct store_records *records, const uint8_t *owner, struct record_list *ret_list)
{
        size_t length = name_length(owner);
        const struct owner_before *before = table_get(&edit->before, owner, length);
        int r = 0;

        if (!before) {
                const uint8_t *key = arena_copy(&edit->arena, owner, length);
                r = owner_load(edit, records, owner, &before);
                if (r == 0 && key && edit->before.count < OWNERS_KEPT_MAX)
                        table_put(&edit->before, key, length, (void *)(uintptr_t)before, NULL);
        }
        for (size_t i = 0; r == 0 && i < before->count; i++)
                r = record_list_add(ret_list, &before->records[i]);
        return r;
}

int edit_owner_after(struct edit *edit, const struct record_list *before, const uint8_t *owner,
        struct record_list *ret_list)
{
        size_t gone = lower_bound(edit->removed, owner), come = lower_bound(edit->added, owner);
        int r = 0;

        for (size_t i = 0; r == 0 && i < before->count; i++) {
                bool is_gone = false;
                for (size_t n = gone; !is_gone && n < edit->removed->count &&
                                      name_equal(edit->removed->items[n].owner, owner);
                        n++)
                        is_gone = record_is_identical(&edit->removed->items[n], &before->items[i]);
                if (!is_gone)
                        r = record_list_add(ret_list, &before->items[i]);
        }
        for (size_t n = come;
                r == 0 && n < edit->added->count && name_equal(edit->added->items[n].owner, owner); n++)
                r = record_list_add(ret_list, &edit->added->items[n]);
        return r;
}

struct touched_view {
        struct edit *edit;
        struct store_records *records;
        struct record_list before, after;
};

static int view_owner(
        void *context, const uint8_t *owner, const struct record **ret_records, size_t *ret_count)
{
        struct touched_view *view = context;
        view->before.count = view->after.count = 0;
        int r = edit_owner_before(view->edit, view->records, owner, &view->before);
        if (r == 0)
                r = edit_owner_after(view->edit, &view->before, owner, &view->after);
        *ret_records = view->after.items;
        *ret_count = view->after.count;
        return r;
}

static void touched_view_close(struct touched_view *view)
{
        store_records_close(view->records);
        record_list_free(&view->before);
        record_list_free(&view->after);
}

/* 1 = a touched owner has something to tell. */
static int check_touched(struct edit *edit)
{
        struct touched_view view = {.edit = edit};
        struct zone_view zone = {.context = &view, .owner = view_owner};
        int r = store_records_open(edit->read, edit->row.id, &view.records);
        if (r == 0)
                r = zone_check_touched(edit->job->name, &zone, edit->removed, edit->added);
        touched_view_close(&view);
        return r;
}

static int compare_changes(struct edit *edit)
{
        edit->removed = &edit->changes.removed;
        edit->added = &edit->changes.added;
        int r = check_touched(edit);
        if (r != 1)
                return r;
        zonefile_changes_free(&edit->changes);
        r = edit_read_whole(edit);
        return r == EDIT_GOES_ON ? compare_whole(edit) : r;
}

static bool is_soa_identical_but_serial(const struct record *left, const struct record *right)
{
        return left->ttl == right->ttl && left->rdata_length == right->rdata_length &&
               name_identical(left->owner, right->owner) && left->rdata_length >= 20 &&
               memcmp(left->rdata, right->rdata, SOA_SERIAL_OFFSET(left->rdata_length)) == 0 &&
               memcmp(left->rdata + left->rdata_length - 16, right->rdata + right->rdata_length - 16, 16) ==
                       0;
}

int edit_compare(struct edit *edit)
{
        int r = edit->is_whole ? compare_whole(edit) : compare_changes(edit);
        if (r != 0)
                return r;
        edit->begins_era = edit->job->is_damaged;
        edit->content_changed = !edit->has_row || edit->job->is_damaged || edit->removed->count > 0 ||
                                edit->added->count > 0 ||
                                !is_soa_identical_but_serial(&edit->soa, &edit->row.soa);
        return edit_count_rrsets(edit);
}
