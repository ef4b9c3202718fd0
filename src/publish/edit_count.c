/* The RRsets that an edit makes and unmakes, for the guard. Publisher's thread.
 *
 * A whole text is counted from its own records; of a text that was compared, only the touched owners are
 * looked at: work in proportion to the change. */
#include "publish/edit.h"

#include "base/cleanup.h"
#include "dns/type.h"

#include <string.h>

DEFINE_CLEANUP(struct store_records *, store_records_close);

static bool has_rrset(const struct record_list *list, const struct record *of)
{
        size_t low = 0, high = list->count;
        while (low < high) {
                size_t middle = low + (high - low) / 2;
                int order = name_compare(list->items[middle].owner, of->owner);
                if (order < 0 || (order == 0 && list->items[middle].type < of->type))
                        low = middle + 1;
                else
                        high = middle;
        }
        return low < list->count && list->items[low].type == of->type &&
               name_equal(list->items[low].owner, of->owner);
}

/* Calls out each RRset of the list that the guard counts, once. */
static bool is_first_of_rrset(const struct record_list *list, size_t i)
{
        return guard_counts_type(&list->items[i]) &&
               (i == 0 || !record_is_same_rrset(&list->items[i - 1], &list->items[i]));
}

static void count_whole(struct edit *edit)
{
        const struct record_list *records = &edit->parsed.records;
        for (size_t i = 0; i < records->count; i++) {
                record_prefetch(records->items, records->count, i);
                edit->rrset_count += is_first_of_rrset(records, i);
        }
        for (size_t i = 0; i < edit->removed->count; i++)
                if (is_first_of_rrset(edit->removed, i) && !has_rrset(records, &edit->removed->items[i]))
                        edit->guard.rrsets_gone++;
        /* Which ones are gone cannot be told of a damaged version, only how many at least. */
        if (edit->job->is_damaged && edit->has_row && edit->row.rrset_count > edit->rrset_count)
                edit->guard.rrsets_gone = edit->row.rrset_count - edit->rrset_count;
}

static unsigned count_type(const struct record_list *list, uint16_t type)
{
        unsigned count = 0;
        for (size_t i = 0; i < list->count; i++)
                count += list->items[i].type == type;
        return count;
}

static int count_touched(struct edit *edit)
{
        CLEANUP(store_records_close_later) struct store_records *records = NULL;
        struct record_list before = {0}, after = {0};
        uint64_t come = 0;
        int r = store_records_open(edit->read, edit->row.id, &records);

        for (int side = 0; r == 0 && side < 2; side++) {
                const struct record_list *list = side == 0 ? edit->removed : edit->added;
                for (size_t i = 0; r == 0 && i < list->count; i++) {
                        const struct record *record = &list->items[i];
                        if (!is_first_of_rrset(list, i))
                                continue;
                        before.count = after.count = 0;
                        r = edit_owner_before(edit, records, record->owner, &before);
                        if (r == 0)
                                r = edit_owner_after(edit, &before, record->owner, &after);
                        if (r < 0)
                                break;
                        unsigned had = count_type(&before, record->type),
                                 has = count_type(&after, record->type);
                        edit->guard.rrsets_gone += side == 0 && had > 0 && has == 0;
                        come += side == 1 && had == 0 && has > 0;
                }
        }
        edit->rrset_count = edit->row.rrset_count + come - edit->guard.rrsets_gone;
        record_list_free(&before);
        record_list_free(&after);
        return r;
}

/* An apex without NS is an error of the text already; the guard holds a set that shrinks to nothing all the
 * same. */
static bool is_apex_ns_gone(const struct edit *edit)
{
        const struct record apex_ns = {.owner = edit->job->name, .type = TYPE_NS};
        return edit->is_whole && edit->has_row && !has_rrset(&edit->parsed.records, &apex_ns);
}

int edit_count_rrsets(struct edit *edit)
{
        int r = 0;
        if (edit->is_whole)
                count_whole(edit);
        else
                r = count_touched(edit);
        edit->guard.apex_ns_gone = is_apex_ns_gone(edit);
        edit->guard.records_before = edit->has_row ? edit->row.record_count : 0;
        edit->guard.rrsets_before = edit->has_row ? edit->row.rrset_count : 0;
        edit->guard.ends_without_newline = edit->ends_without_newline;
        edit->guard.max_delete_percent = 30;
        edit->guard.min_records = 10;
        return r;
}
