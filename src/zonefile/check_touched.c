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

/* The rules of one owner. Records are in record_compare order; where they are not, that is for the whole
 * parse too. */
static int check_owner(const uint8_t *apex, const uint8_t *owner, struct owner_records records)
{
        unsigned cnames = 0, dnames = 0, others = 0, ns = 0;
        bool is_apex = name_equal(owner, apex);

        for (size_t i = 0; i < records.count; i++) {
                const struct record *record = &records.items[i];

                cnames += record->type == TYPE_CNAME;
                others += record->type != TYPE_CNAME && !type_is_beside_cname(record->type);
                dnames += record->type == TYPE_DNAME;
                ns += record->type == TYPE_NS;
                if (i == 0)
                        continue;
                if (record_compare(record - 1, record) > 0 || record_is_same(record - 1, record))
                        return 1;
                if (record_is_same_rrset(record - 1, record) && record[-1].ttl != record->ttl)
                        return 1;
        }
        if (cnames > 0 && (is_apex || cnames > 1 || others > 0))
                return 1;
        if (dnames > 1 || (dnames > 0 && ns > 0 && !is_apex))
                return 1;
        return is_apex && ns == 0;
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

/* A target in the zone wants an address; what is told of it is for the whole parse. */
static int check_target(const uint8_t *apex, const struct zone_view *view, const struct record *record)
{
        const uint8_t *target = record->type == TYPE_NS    ? record->rdata
                                : record->type == TYPE_MX  ? record->rdata + 2
                                : record->type == TYPE_SRV ? record->rdata + 6
                                                           : NULL;
        struct owner_records records;
        bool has_address = false, is_alias = false;
        int r;

        if (!target || !name_is_below(target, apex))
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

static int check_list(
        const uint8_t *apex, const struct zone_view *view, const struct record_list *list, bool is_added)
{
        const uint8_t *last = NULL;

        for (size_t i = 0; i < list->count; i++) {
                const struct record *record = &list->items[i];
                struct owner_records records;
                int r = 0;

                if ((is_added && record->type == TYPE_DNAME) || record_is_signing(record, apex))
                        return 1;
                if (!last || !name_equal(last, record->owner)) {
                        last = record->owner;
                        r = records_of(view, last, &records);
                        if (r == 0)
                                r = check_owner(apex, last, records);
                        if (r == 0 && is_added)
                                r = check_above(apex, view, last);
                }
                if (r == 0 && is_added)
                        r = check_target(apex, view, record);
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
