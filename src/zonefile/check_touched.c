/* Checks of the owners that a delta touches, against the version that it makes: the incremental path's part
 * of check.c. Pure.
 *
 * Whatever is not plainly clean is answered by 1: the whole zone is parsed, which tells it with its position.
 * What other owners say about a removed address (a target without address) is not looked for: that is told at
 * the next whole parse. */
#include "zonefile/check.h"

#include "zonefile/check_zone.h"

struct owner_records {
        const struct record *items;
        size_t count;
};

static int records_of(const struct zone_view *view, const uint8_t *owner, struct owner_records *ret_records)
{
        return view->owner(view->context, owner, &ret_records->items, &ret_records->count);
}

/* The rules of one owner, its records in record_compare order. */
static int check_sorted(const uint8_t *apex, const uint8_t *owner, struct owner_records records)
{
        unsigned cnames = 0, dnames = 0, others = 0, ns = 0, spf = 0, spf_texts = 0;
        bool is_apex = name_equal(owner, apex);

        for (size_t i = 0; i < records.count; i++) {
                const struct record *record = &records.items[i];

                cnames += record->type == TYPE_CNAME;
                others += record->type != TYPE_CNAME && !type_is_beside_cname(record->type);
                dnames += record->type == TYPE_DNAME;
                ns += record->type == TYPE_NS;
                spf += record->type == TYPE_SPF;
                spf_texts += record_is_spf_text(record);
                if (i == 0)
                        continue;
                if (record_is_same(record - 1, record))
                        return 1;
                if (record_is_same_rrset(record - 1, record) && record[-1].ttl != record->ttl)
                        return 1;
        }
        if (cnames > 0 && (is_apex || cnames > 1 || others > 0))
                return 1;
        if (dnames > 1 || (dnames > 0 && ns > 0 && !is_apex))
                return 1;
        return (is_apex && ns == 0) || (spf > 0 && spf_texts == 0);
}

static bool is_sorted(struct owner_records records)
{
        for (size_t i = 1; i < records.count; i++)
                if (record_compare(&records.items[i - 1], &records.items[i]) > 0)
                        return false;
        return true;
}

static int check_owner(const uint8_t *apex, const uint8_t *owner, struct owner_records records)
{
        struct record_list copy = {0};
        int r = 0;

        if (is_sorted(records))
                return check_sorted(apex, owner, records);
        for (size_t i = 0; r == 0 && i < records.count; i++)
                r = record_list_add(&copy, &records.items[i]);
        if (r == 0)
                r = record_list_sort(&copy, apex, NULL);
        if (r == 0)
                r = check_sorted(apex, owner, (struct owner_records){copy.items, copy.count});
        record_list_free(&copy);
        return r;
}

/* No DNAME may be above an owner that is new. */
static int check_above(const uint8_t *apex, const struct zone_view *view, const uint8_t *owner)
{
        while (!name_equal(owner, apex)) {
                struct owner_records records;
                int r;

                owner = name_parent(owner);
                r = records_of(view, owner, &records);
                for (size_t i = 0; r == 0 && i < records.count; i++)
                        if (records.items[i].type == TYPE_DNAME)
                                return 1;
                if (r < 0)
                        return r;
        }
        return 0;
}

static const uint8_t *target_of(const struct record *record)
{
        return record->type == TYPE_NS    ? record->rdata
               : record->type == TYPE_MX  ? record->rdata + 2
               : record->type == TYPE_SRV ? record->rdata + 6
                                          : NULL;
}

/* A target in the zone wants an address; what is told of it is for the whole parse. */
static int check_target(const uint8_t *apex, const struct zone_view *view, const uint8_t *target)
{
        struct owner_records records;
        bool has_address = false, is_alias = false;
        int r;

        if (!name_is_below(target, apex))
                return 0;
        r = records_of(view, target, &records);
        if (r < 0)
                return r;
        for (size_t i = 0; i < records.count; i++) {
                has_address |= records.items[i].type == TYPE_A || records.items[i].type == TYPE_AAAA;
                is_alias |= records.items[i].type == TYPE_CNAME;
        }
        return is_alias || !has_address;
}

/* Whether a name is another than the last one looked at: lists are sorted, and neighbours share much. */
static bool is_new(const uint8_t **last, const uint8_t *name)
{
        if (*last && name_equal(*last, name))
                return false;
        *last = name;
        return true;
}

static int check_list(
        const uint8_t *apex, const struct zone_view *view, const struct record_list *list, bool is_added)
{
        const uint8_t *last = NULL, *last_parent = NULL, *last_target = NULL;

        for (size_t i = 0; i < list->count; i++) {
                const struct record *record = &list->items[i];
                const uint8_t *target = is_added ? target_of(record) : NULL;
                struct owner_records records;
                int r = 0;

                if ((is_added && record->type == TYPE_DNAME) || record_is_signing(record, apex))
                        return 1;
                if (is_new(&last, record->owner)) {
                        r = records_of(view, record->owner, &records);
                        if (r == 0)
                                r = check_owner(apex, record->owner, records);
                        if (r == 0 && is_added && is_new(&last_parent, name_parent(record->owner)))
                                r = check_above(apex, view, record->owner);
                }
                if (r == 0 && target && is_new(&last_target, target))
                        r = check_target(apex, view, target);
                if (r != 0)
                        return r;
        }
        return 0;
}

int zone_check_touched(const uint8_t *apex, const struct zone_view *view, const struct record_list *removed,
        const struct record_list *added)
{
        int r = check_list(apex, view, removed, false);

        return r != 0 ? r : check_list(apex, view, added, true);
}
