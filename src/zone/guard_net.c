/* Net counts of a delta. Pure; any thread. */
#include "zone/guard_net.h"

#include "zone/guard.h"

/* A run of records of one RRset in a sorted list. */
struct run {
        const struct record_list *list;
        size_t begin, end;
};

static const struct record *run_first(const struct run *run)
{
        return run->begin < run->list->count ? &run->list->items[run->begin] : NULL;
}

/* The next RRset that counts, from run->end on. */
static void run_next(struct run *run)
{
        const struct record *items = run->list->items;
        run->begin = run->end;
        while (run->begin < run->list->count && !guard_counts_type(&items[run->begin]))
                run->begin++;
        run->end = run->begin;
        while (run->end < run->list->count && record_is_same_rrset(&items[run->begin], &items[run->end]))
                run->end++;
}

static int order_of_rrsets(const struct record *left, const struct record *right)
{
        int order = name_compare(left->owner, right->owner);
        return order != 0 ? order : left->type < right->type ? -1 : left->type > right->type;
}

/* Does a record of it go that does not come back under another TTL or in other letter case? */
static bool is_changed(const struct run *removed, const struct run *added)
{
        size_t at = added ? added->begin : 0;
        for (size_t i = removed->begin; i < removed->end; i++) {
                const struct record *record = &removed->list->items[i];
                while (added && at < added->end && record_compare(&added->list->items[at], record) < 0)
                        at++;
                if (!added || at == added->end || !record_is_same(&added->list->items[at], record))
                        return true;
        }
        return false;
}

static int count_rrset(const struct run *removed, const struct run *added, const struct guard_after *after,
        struct guard_net *net)
{
        const struct record *record = run_first(removed ? removed : added);
        size_t has;
        int r = after->count(after->context, record->owner, record->type, &has);
        if (r < 0)
                return r;
        size_t gone = removed ? removed->end - removed->begin : 0,
               come = added ? added->end - added->begin : 0;
        bool had = has + gone > come; /* before: has + gone - come */
        net->rrsets_gone += has == 0 && had;
        net->rrsets_before += had;
        net->rrsets_before -= has > 0;
        net->rrsets_changed += removed && is_changed(removed, added);
        return 0;
}

int guard_net_count(const struct record_list *removed, const struct record_list *added,
        const struct guard_after *after, struct guard_net *ret_net)
{
        struct run gone = {.list = removed}, come = {.list = added};
        struct guard_net net = {.rrsets_before = after->rrset_count,
                .records_before = after->record_count + removed->count - added->count};
        int r = 0;
        run_next(&gone);
        run_next(&come);
        while (r == 0 && (run_first(&gone) || run_first(&come))) {
                int order = !run_first(&gone)   ? 1
                            : !run_first(&come) ? -1
                                                : order_of_rrsets(run_first(&gone), run_first(&come));
                r = count_rrset(order <= 0 ? &gone : NULL, order >= 0 ? &come : NULL, after, &net);
                if (order <= 0)
                        run_next(&gone);
                if (order >= 0)
                        run_next(&come);
        }
        if (r == 0)
                *ret_net = net;
        return r;
}
