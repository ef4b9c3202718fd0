/* The RRsets that an edit makes and unmakes, for the guard. Publisher's thread.
 *
 * A whole text is counted from its own records; of a text that was compared, only the touched owners are
 * looked at: work in proportion to the change. */
#include "publish/edit.h"

#include "base/crew.h"
#include "dns/type.h"

#include <string.h>

#define LIST_IN_PARTS 4096 /* records */

static int compare_rrset(const struct record *left, const struct record *right)
{
        int order = name_compare(left->owner, right->owner);
        return order ? order : (int)left->type - (int)right->type;
}

/* The first record that is not before this one. *at is where the last search ended: what is looked for comes
 * in order, so the next one is near. */
static size_t seek(const struct record_list *list, size_t *at, const struct record *of,
        int (*compare)(const struct record *, const struct record *))
{
        size_t step = 1, low = *at, high;
        if (low > 0 && (low > list->count || compare(&list->items[low - 1], of) >= 0))
                low = 0;
        for (; low + step < list->count && compare(&list->items[low + step], of) < 0; step *= 2)
                low += step;
        high = low + step < list->count ? low + step : list->count;
        while (low < high) {
                size_t middle = low + (high - low) / 2;
                if (compare(&list->items[middle], of) < 0)
                        low = middle + 1;
                else
                        high = middle;
        }
        return *at = low;
}

static bool has_rrset(const struct record_list *list, size_t *at, const struct record *of)
{
        size_t found = seek(list, at, of, compare_rrset);
        return found < list->count && compare_rrset(&list->items[found], of) == 0;
}

static size_t first_of_owner(const struct record_list *list, const uint8_t *owner)
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

static unsigned count_type(const struct record_list *list, uint16_t type)
{
        unsigned count = 0;
        for (size_t i = 0; i < list->count; i++)
                count += list->items[i].type == type;
        return count;
}

/* Calls out each RRset of the list that the guard counts, once. */
static bool is_first_of_rrset(const struct record_list *list, size_t i)
{
        return guard_counts_type(&list->items[i]) &&
               (i == 0 || !record_is_same_rrset(&list->items[i - 1], &list->items[i]));
}

/* The zone as the edit would make it, asked by owner. */
struct after_view {
        struct edit *edit;
        struct store_records *records; /* of the published version; NULL: the whole text was read */
        struct record_list before, list;
        const uint8_t *owner;            /* whose list it is */
        size_t found_after, found_added; /* in the whole text's records, and in what is added */
};

static int after_open(struct after_view *view, struct edit *edit)
{
        *view = (struct after_view){.edit = edit};
        return edit->is_whole ? 0 : store_records_open(edit->read, edit->row.id, &view->records);
}

static void after_close(struct after_view *view)
{
        store_records_close(view->records);
        record_list_free(&view->before);
        record_list_free(&view->list);
}

/* Lists what there will be, and was, at this owner (not of a text that was read whole). */
static int after_load(struct after_view *view, const uint8_t *owner)
{
        if (!view->records || (view->owner && name_equal(view->owner, owner)))
                return 0;
        view->before.count = view->list.count = 0;
        view->owner = owner;
        int r = edit_owner_before(view->edit, view->records, owner, &view->before);
        return r == 0 ? edit_owner_after(view->edit, &view->before, owner, &view->list) : r;
}

static bool after_has_rrset(struct after_view *view, const struct record *of)
{
        if (!view->records)
                return has_rrset(&view->edit->parsed.records, &view->found_after, of);
        return count_type(&view->list, of->type) > 0;
}

/* Anything at all that the guard counts. */
static bool after_has_owner(const struct after_view *view, const uint8_t *owner)
{
        const struct record_list *list = view->records ? &view->list : &view->edit->parsed.records;
        size_t i = view->records ? 0 : first_of_owner(list, owner);
        for (; i < list->count && name_equal(list->items[i].owner, owner); i++)
                if (guard_counts_type(&list->items[i]))
                        return true;
        return false;
}

/* Does it come back, under another TTL or in other letter case? */
static bool is_back(const struct record_list *added, size_t *found, const struct record *record)
{
        size_t at = seek(added, found, record, record_compare);
        return at < added->count && record_is_same(&added->items[at], record);
}

/* Is a record of the RRset that begins at `first` of the removed ones really going? */
static bool is_changed(const struct edit *edit, size_t *found, size_t first)
{
        const struct record_list *removed = edit->removed;
        for (size_t i = first;
                i < removed->count && record_is_same_rrset(&removed->items[first], &removed->items[i]); i++)
                if (!is_back(edit->added, found, &removed->items[i]))
                        return true;
        return false;
}

/* What the guard protects by name, of an RRset that is gone. */
static void note_protected(
        struct guard_input *guard, const struct after_view *view, const struct record *gone)
{
        if (name_equal(gone->owner, view->edit->job->name)) {
                guard->apex_gone |= guard_protected_type(gone->type);
                return;
        }
        bool is_of_delegation = gone->type == TYPE_NS || gone->type == TYPE_DS;
        if (!is_of_delegation || !after_has_owner(view, gone->owner))
                return; /* a delegation that goes whole is a deletion like any other */
        if (guard->first_delegation && name_equal(guard->first_delegation, gone->owner))
                return;
        guard->delegations_cut++;
        guard->first_delegation = gone->owner;
        guard->first_delegation_type = gone->type;
}

static int count_removed(struct edit *edit, struct after_view *view)
{
        struct guard_input *guard = &edit->guard;
        int r = 0;
        for (size_t i = 0; r == 0 && i < edit->removed->count; i++) {
                const struct record *record = &edit->removed->items[i];
                if (!is_first_of_rrset(edit->removed, i) || !is_changed(edit, &view->found_added, i))
                        continue;
                guard->rrsets_changed++;
                r = after_load(view, record->owner);
                if (r < 0 || after_has_rrset(view, record))
                        continue;
                guard->rrsets_gone++;
                note_protected(guard, view, record);
        }
        return r;
}

/* RRsets that were not there before. */
static int count_come(struct edit *edit, struct after_view *view, uint64_t *ret_come)
{
        int r = 0;
        for (size_t i = 0; r == 0 && i < edit->added->count; i++) {
                const struct record *record = &edit->added->items[i];
                if (!is_first_of_rrset(edit->added, i))
                        continue;
                r = after_load(view, record->owner);
                if (r == 0)
                        *ret_come += count_type(&view->before, record->type) == 0;
        }
        return r;
}

/* Of a small zone: is nothing left below the apex, where there was something? */
static bool has_only_apex(const struct edit *edit)
{
        const struct record_list *records = &edit->parsed.records;
        bool had_more = false;
        for (size_t i = 0; i < edit->removed->count && !had_more; i++)
                had_more = guard_counts_type(&edit->removed->items[i]) &&
                           !name_equal(edit->removed->items[i].owner, edit->job->name);
        for (size_t i = 0; i < records->count && had_more; i++)
                if (guard_counts_type(&records->items[i]) &&
                        !name_equal(records->items[i].owner, edit->job->name))
                        return false;
        return had_more;
}

struct rrset_count {
        const struct record_list *list;
        unsigned part_count;
        uint64_t counts[CREW_SIZE_MAX];
};

static void count_part(void *context, unsigned part)
{
        struct rrset_count *all = context;
        size_t end = all->list->count * (part + 1) / all->part_count;
        uint64_t count = 0;
        for (size_t i = all->list->count * part / all->part_count; i < end; i++) {
                record_prefetch(all->list->items, end, i);
                count += is_first_of_rrset(all->list, i);
        }
        all->counts[part] = count;
}

static void count_all(struct edit *edit)
{
        struct rrset_count all = {.list = &edit->parsed.records, .part_count = 1};
        if (all.list->count >= LIST_IN_PARTS)
                all.part_count = crew_size(edit->crew);
        crew_run(edit->crew, count_part, &all, all.part_count);
        for (unsigned i = 0; i < all.part_count; i++)
                edit->rrset_count += all.counts[i];
}

/* Which ones are gone cannot be told of a damaged version, only how many at least. */
static void count_damaged(struct edit *edit)
{
        const struct record apex_ns = {.owner = edit->job->name, .type = TYPE_NS};
        size_t found = 0;
        if (edit->row.rrset_count > edit->rrset_count)
                edit->guard.rrsets_gone = edit->guard.rrsets_changed =
                        edit->row.rrset_count - edit->rrset_count;
        if (!has_rrset(&edit->parsed.records, &found, &apex_ns))
                edit->guard.apex_gone |= GUARD_APEX_NS;
}

static void set_limits(struct edit *edit)
{
        const struct conf_guard *conf = &edit->policy->guard;
        edit->guard = (struct guard_input){
                .limits = {.max_delete_percent = conf->max_delete_percent,
                        .max_change_percent = conf->max_change_percent,
                        .min_records = conf->min_records,
                        .window_usec = conf->window_usec,
                        .protect_apex = conf->protect_apex},
                .records_before = edit->has_row ? edit->row.record_count : 0,
                .rrsets_before = edit->has_row ? edit->row.rrset_count : 0,
                .ends_without_newline = edit->ends_without_newline,
        };
}

int edit_count_rrsets(struct edit *edit)
{
        struct after_view view;
        uint64_t come = 0;

        set_limits(edit);
        int r = after_open(&view, edit);
        if (r == 0 && edit->is_whole)
                count_all(edit);
        if (r == 0)
                r = count_removed(edit, &view);
        if (r == 0 && !edit->is_whole) {
                r = count_come(edit, &view, &come);
                edit->rrset_count = edit->row.rrset_count + come - edit->guard.rrsets_gone;
        }
        if (r == 0 && edit->is_whole && edit->has_row && edit->job->is_damaged)
                count_damaged(edit);
        if (edit->is_whole && edit->guard.records_before < edit->guard.limits.min_records)
                edit->guard.has_only_apex = has_only_apex(edit);
        edit->rrsets_gone = edit->guard.rrsets_gone;
        edit->rrsets_changed = edit->guard.rrsets_changed;
        edit->guard.deletes_more = edit->rrsets_gone > 0;
        edit->guard.changes_more = edit->rrsets_changed > 0;
        after_close(&view);
        return r;
}
