/* Names that NS, MX and SRV point at, where they are in the zone: they want an address, and are no alias (RFC
 * 2181 s.10.3): named.conf's check-integrity, and with it check-sibling, check-mx-cname and check-srv-cname.
 * One thread a call.
 *
 * Targets are sorted like records; one walk over both finds each, with steps that double: most targets
 * repeat. */
#include "zonefile/check_zone.h"

#include "base/crew.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define PREFETCH_RECORDS 16

static const uint8_t *target_of(const struct record *record)
{
        switch (record->type) {
        case TYPE_NS:
                return record->rdata;
        case TYPE_MX:
                return record->rdata + 2;
        case TYPE_SRV:
                return record->rdata + 6;
        default:
                return NULL;
        }
}

struct collection {
        const uint8_t *apex;
        const struct record_list *records;
        struct record_list targets[CREW_SIZE_MAX];
        int results[CREW_SIZE_MAX];
        unsigned part_count;
};

/* One entry a target: owner is the target, RDATA that of the record (its place is before it), ttl is its
 * index. */
static void collect_part(void *context, unsigned index)
{
        struct collection *all = context;
        const struct record *items = all->records->items;
        size_t end = all->records->count * (index + 1) / all->part_count;

        for (size_t i = all->records->count * index / all->part_count; i < end; i++) {
                struct record target = items[i];

                if (i + PREFETCH_RECORDS < end && target_of(&items[i + PREFETCH_RECORDS]))
                        __builtin_prefetch(items[i + PREFETCH_RECORDS].rdata);
                target.owner = target_of(&target);
                if (!target.owner || !name_is_below(target.owner, all->apex))
                        continue;
                target.ttl = (uint32_t)i;
                all->results[index] = record_list_add(&all->targets[index], &target);
                if (all->results[index] < 0)
                        return;
        }
}

static int append_list(struct record_list *list, const struct record_list *more)
{
        size_t count = list->count + more->count;
        struct record *items = more->count > 0 ? reallocarray(list->items, count, sizeof(*items)) : NULL;

        if (more->count == 0)
                return 0;
        if (!items)
                return -ENOMEM;
        memcpy(items + list->count, more->items, more->count * sizeof(*items));
        *list = (struct record_list){.items = items, .count = count, .capacity = count};
        return 0;
}

static int collect(
        const struct parse *parse, const struct record_list *records, struct record_list *ret_targets)
{
        struct crew *crew = parse->request->crew;
        struct collection all = {.apex = parse->request->origin, .records = records, .part_count = 1};
        int r = 0;

        if (records->count > check_span_records)
                all.part_count = crew_size(crew);
        crew_run(crew, collect_part, &all, all.part_count);
        for (unsigned i = 0; i < all.part_count; i++) {
                r = r < 0 ? r : all.results[i];
                if (r == 0)
                        r = append_list(ret_targets, &all.targets[i]);
                record_list_free(&all.targets[i]);
        }
        return r;
}

/* The first record at or behind `from` whose owner is not before name. */
static size_t seek(const struct record_list *records, size_t from, const uint8_t *name)
{
        size_t step = 1, low = from, high;

        while (low + step < records->count && name_compare(records->items[low + step].owner, name) < 0) {
                low += step;
                step *= 2;
        }
        high = low + step < records->count ? low + step : records->count;
        while (low < high) {
                size_t middle = low + (high - low) / 2;

                if (name_compare(records->items[middle].owner, name) < 0)
                        low = middle + 1;
                else
                        high = middle;
        }
        return low;
}

struct found {
        bool is_there, has_address, has_ns;
        bool is_alias;
};

static struct found look(const struct record_list *records, size_t at, const uint8_t *name)
{
        struct found found = {0};

        for (; at < records->count && name_equal(records->items[at].owner, name); at++) {
                uint16_t type = records->items[at].type;

                found.is_there = true;
                found.has_address |= type == TYPE_A || type == TYPE_AAAA;
                found.is_alias |= type == TYPE_CNAME;
                found.has_ns |= type == TYPE_NS;
        }
        return found;
}

static struct found find(const struct record_list *records, const uint8_t *name)
{
        return look(records, seek(records, 0, name), name);
}

enum answered { NOT_ANSWERED, BY_WILDCARD, BY_OTHER_ZONE };

/* Whether somebody else answers for the name: a wildcard of this zone, or another zone behind a delegation.
 */
static enum answered answered_by(
        const struct parse *parse, const struct record_list *records, const uint8_t *name)
{
        const uint8_t *apex = parse->request->origin;
        bool may_be_wildcard = true;

        while (!name_equal(name, apex)) {
                uint8_t wildcard[NAME_MAX_LENGTH + 2] = {1, '*'};
                struct found ancestor;

                name = name_parent(name);
                memcpy(wildcard + 2, name, name_length(name));
                if (may_be_wildcard && name_check(wildcard, sizeof(wildcard)) &&
                        find(records, wildcard).is_there)
                        return BY_WILDCARD;
                if (name_equal(name, apex))
                        break;
                ancestor = find(records, name);
                if (ancestor.has_ns)
                        return BY_OTHER_ZONE;
                may_be_wildcard &= !ancestor.is_there;
        }
        return NOT_ANSWERED;
}

static void tell_missing(struct parse *parse, const struct record_list *records, const struct record *target)
{
        const struct record *record = &records->items[target->ttl];
        const char *mnemonic = type_info(record->type)->mnemonic;
        char name[NAME_TEXT_MAX];

        name_to_text(target->owner, name);
        if (record->type == TYPE_NS && !name_equal(record->owner, parse->request->origin) &&
                name_is_below(target->owner, record->owner)) {
                parse_tell_place(parse, DIAG_WARNING, record_place_of(record), "missing-glue",
                        "without its A or AAAA record the delegation cannot be followed",
                        "the name server %s of this delegation has no address (glue)", name);
                return;
        }
        enum answered by = answered_by(parse, records, target->owner);
        if (by == BY_OTHER_ZONE && record->type == TYPE_NS && parse->checks->sibling &&
                !name_equal(record->owner, parse->request->origin))
                parse_tell_place(parse, DIAG_WARNING, record_place_of(record), "missing-sibling-glue",
                        "resolvers get there sooner with its A or AAAA record; check-sibling no; is quiet",
                        "the name server %s of this delegation lies in another one and has no address (glue)",
                        name);
        if (by != NOT_ANSWERED)
                return;
        parse_tell_place(parse, DIAG_WARNING, record_place_of(record), "target-without-address", NULL,
                "the target %s of this %s has neither A nor AAAA", name, mnemonic);
}

static void tell_alias(struct parse *parse, const struct record_list *records, const struct record *target)
{
        const struct record *record = &records->items[target->ttl];
        enum conf_check check = record->type == TYPE_MX    ? parse->checks->mx_cname
                                : record->type == TYPE_SRV ? parse->checks->srv_cname
                                                           : CONF_CHECK_WARN;
        char name[NAME_TEXT_MAX];

        if (check == CONF_CHECK_IGNORE)
                return;
        parse_tell_place(parse, check_severity(check), record_place_of(record), "target-is-alias",
                "RFC 2181 s.10.3: point at the name that has the address",
                "the target %s of this %s is a CNAME", name_to_text(target->owner, name),
                type_info(record->type)->mnemonic);
}

int zone_check_targets(struct parse *parse, const struct record_list *records)
{
        struct record_list targets = {0};
        const uint8_t *last = NULL;
        struct found found = {0};
        size_t at = 0;
        int r = collect(parse, records, &targets);

        if (r == 0)
                r = record_list_sort(&targets, parse->request->origin, parse->request->crew);
        for (size_t i = 0; r == 0 && i < targets.count; i++) {
                const struct record *target = &targets.items[i];

                if (!last || !name_equal(last, target->owner)) {
                        last = target->owner;
                        at = seek(records, at, last);
                        found = look(records, at, last);
                }
                if (found.is_alias)
                        tell_alias(parse, records, target);
                else if (!found.has_address)
                        tell_missing(parse, records, target);
        }
        record_list_free(&targets);
        return r;
}
