/* Checks of a zone's records that no single line shows, and the normal form of RRsets. One thread a call.
 *
 * Records are sorted first: an owner is a run, an RRset a run in it, descendants of an owner follow it. Each
 * record's place lies before its RDATA (parse.h). Invariant after zone_check: no record twice, one TTL an
 * RRset (RFC 2181 s.5), RRSIGs by the type that they cover. */
#include "zonefile/check_zone.h"

#include "base/crew.h"

#include <string.h>

#define PREFETCH_RECORDS 16
#define SPANS_MAX 16

size_t check_span_records = 16384;

struct run {
        struct record *begin, *end;
};

struct check {
        struct parse *parse;
        struct zonefile_result *result;
        const uint8_t *dname; /* the last owner of a DNAME: what is below follows it in the order */
        const struct record *dname_record;
};

static bool is_later(const struct record *left, const struct record *right)
{
        struct record_place a = record_place_of(left), b = record_place_of(right);

        return a.file != b.file ? a.file > b.file : a.offset > b.offset;
}

/* Tells at whichever of two records was written later, and where the other one is. */
static void tell_pair(struct check *check, enum diag_severity severity, const struct record *left,
        const struct record *right, const char *code, const char *hint, const char *what)
{
        const struct record *later = is_later(left, right) ? left : right;
        const struct record *earlier = later == left ? right : left;
        struct record_place place = record_place_of(earlier);

        if (!parse_keeps(check->parse, severity)) {
                parse_tell_place(check->parse, severity, record_place_of(later), code, NULL, "%s", what);
                return;
        }
        parse_tell_place(check->parse, severity, record_place_of(later), code, hint,
                "%s (the other is in %s%sline %u)", what,
                place.file == record_place_of(later).file ? "" : check->parse->files[place.file].path,
                place.file == record_place_of(later).file ? "" : ", ", parse_line(check->parse, place));
}

static bool has_same_owner(const struct record *left, const struct record *right)
{
        return left->owner == right->owner || name_equal(left->owner, right->owner);
}

static struct run owner_run(struct record *begin, struct record *end)
{
        struct run run = {begin, begin + 1};

        while (run.end < end && has_same_owner(begin, run.end))
                run.end++;
        return run;
}

static struct run rrset_run(struct record *begin, struct record *end)
{
        struct run run = {begin, begin + 1};
        uint16_t covered = record_covered_type(begin);

        while (run.end < end && run.end->type == begin->type && record_covered_type(run.end) == covered)
                run.end++;
        return run;
}

static void mend_ttls(struct check *check, struct run rrset)
{
        struct record *lowest = rrset.begin, *highest = rrset.begin;
        struct zonefile_result *result = check->result;

        for (struct record *at = rrset.begin; at < rrset.end; at++) {
                lowest = at->ttl < lowest->ttl ? at : lowest;
                highest = at->ttl > highest->ttl ? at : highest;
        }
        if (lowest->ttl == highest->ttl)
                return;
        result->has_ttl_mends = true;
        if (result->is_signed) /* signatures and digests cover the TTL */
                tell_pair(check, DIAG_ERROR, lowest, highest, "ttl-mismatch",
                        "the zone is signed: give the records one TTL and sign it again",
                        "the TTLs of this RRset differ");
        else
                tell_pair(check, DIAG_WARNING, lowest, highest, "ttl-mismatch",
                        "RFC 2181 s.5.2: an RRset has one TTL",
                        "the TTLs of this RRset differ: the lowest is used for all");
        for (struct record *at = rrset.begin; at < rrset.end; at++)
                at->ttl = lowest->ttl;
}

/* Copies the run to `out` without what is there twice. Returns behind the last one kept. */
static struct record *drop_duplicates(struct check *check, struct run rrset, struct record *out)
{
        enum conf_check duplicates = check->parse->checks->dup_records;

        *out = *rrset.begin;
        for (struct record *at = rrset.begin + 1; at < rrset.end; at++) {
                if (!record_is_same(out, at)) {
                        *++out = *at;
                        continue;
                }
                check->result->has_duplicates = true;
                if (duplicates != CONF_CHECK_IGNORE)
                        tell_pair(check, check_severity(duplicates), out, at, "duplicate-record", NULL,
                                "this record is there twice: one is dropped");
                if (at->ttl < out->ttl)
                        out->ttl = at->ttl;
        }
        return out + 1;
}

/* What an owner has, for the rules about what may stand together. */
struct owner_summary {
        const struct record *cname, *second_cname, *other; /* other: what may not stand beside a CNAME */
        const struct record *dname, *second_dname, *ns;
        const struct record *not_nsec3; /* first record that is neither NSEC3 nor RRSIG */
        const struct record *spf;
        bool has_spf_text;
};

static void note_first(const struct record **first, const struct record *record)
{
        if (!*first || is_later(*first, record))
                *first = record;
}

static struct owner_summary summarise(struct run run)
{
        struct owner_summary owner = {0};

        for (const struct record *at = run.begin; at < run.end; at++) {
                if (at->type == TYPE_CNAME) {
                        owner.second_cname = owner.cname;
                        owner.cname = at;
                } else if (!type_is_beside_cname(at->type)) {
                        note_first(&owner.other, at);
                }
                if (at->type == TYPE_DNAME) {
                        owner.second_dname = owner.dname;
                        owner.dname = at;
                }
                if (at->type == TYPE_NS && !owner.ns)
                        owner.ns = at;
                if (at->type == TYPE_SPF)
                        note_first(&owner.spf, at);
                owner.has_spf_text |= record_is_spf_text(at);
                if (at->type != TYPE_NSEC3 && at->type != TYPE_RRSIG && !owner.not_nsec3)
                        owner.not_nsec3 = at;
        }
        return owner;
}

static void check_alias(struct check *check, const struct owner_summary *owner, bool is_apex)
{
        if (owner->second_cname)
                tell_pair(check, DIAG_ERROR, owner->cname, owner->second_cname, "multiple-cname",
                        "RFC 2181 s.10.1: an alias has one CNAME", "a second CNAME at the same owner");
        if (owner->second_dname)
                tell_pair(check, DIAG_ERROR, owner->dname, owner->second_dname, "multiple-dname",
                        "RFC 6672 s.2.4: a name has one DNAME", "a second DNAME at the same owner");
        if (owner->cname && is_apex)
                parse_tell_place(check->parse, DIAG_ERROR, record_place_of(owner->cname), "cname-at-apex",
                        "the apex has SOA and NS; use A and AAAA, or HTTPS in alias mode",
                        "a CNAME at the zone's apex");
        else if (owner->cname && owner->other)
                tell_pair(check, DIAG_ERROR, owner->cname, owner->other, "cname-and-other-data",
                        "RFC 1034 s.3.6.2: beside a CNAME there is no other data",
                        "CNAME and other data at the same owner");
        if (owner->dname && owner->ns && !is_apex)
                tell_pair(check, DIAG_ERROR, owner->dname, owner->ns, "dname-and-ns", "RFC 6672 s.2.3",
                        "a DNAME at a delegation");
}

static void check_spf(struct check *check, const struct owner_summary *owner)
{
        const struct conf_checks *checks = check->parse->checks;

        if (owner->spf && !owner->has_spf_text && checks->integrity && checks->spf != CONF_CHECK_IGNORE)
                parse_tell_place(check->parse, DIAG_WARNING, record_place_of(owner->spf), "spf-without-txt",
                        "RFC 7208 s.3.1: the type SPF is not looked at any more; publish the same as TXT",
                        "an SPF record without a TXT record that says v=spf1");
}

/* RFC 6672 s.2.4. NSEC3 records of a zone with a DNAME at its apex are below it of necessity. */
static void check_below_dname(
        struct check *check, const struct owner_summary *owner, const struct record *record)
{
        if (check->dname && !name_is_below(record->owner, check->dname))
                check->dname = NULL;
        if (check->dname && owner->not_nsec3)
                tell_pair(check, DIAG_ERROR, owner->not_nsec3, check->dname_record, "below-dname",
                        "RFC 6672 s.2.4: no records below the owner of a DNAME", "a record below a DNAME");
        if (owner->dname && !check->dname) {
                check->dname = record->owner;
                check->dname_record = owner->dname;
        }
}

/* One owner, from its records as sorted to `out`: the kept ones. */
static struct record *check_owner(struct check *check, struct run run, struct record *out)
{
        struct run kept = {out, out};
        bool is_apex = name_equal(run.begin->owner, check->parse->request->origin);
        struct owner_summary owner;

        for (struct record *at = run.begin; at < run.end;) {
                struct run rrset = rrset_run(at, run.end);

                at = rrset.end;
                out = kept.end;
                kept.end = drop_duplicates(check, rrset, out);
                if (kept.end - out > 1)
                        mend_ttls(check, (struct run){out, kept.end});
        }
        owner = summarise(kept);
        if (owner.cname || owner.dname)
                check_alias(check, &owner, is_apex);
        if (owner.spf)
                check_spf(check, &owner);
        if (owner.dname || check->dname)
                check_below_dname(check, &owner, kept.begin);
        return kept.end;
}

static void check_apex(struct parse *parse, struct zonefile_result *result)
{
        const struct record_list *records = &result->records;
        const uint8_t *apex = parse->request->origin;
        bool has_ns = false;

        for (size_t i = 0; i < records->count && name_equal(records->items[i].owner, apex); i++) {
                const struct record *record = &records->items[i];

                has_ns |= record->type == TYPE_NS;
                result->is_signed |= record_is_signing(record, apex);
        }
        if (parse->has_error) /* what is missing may be on a line that was wrong */
                return;
        if (!parse->soa.owner)
                parse_tell(parse, DIAG_ERROR, parse->files[0].text.bytes, "no-soa",
                        "@ 3600 IN SOA ns1.example.com. hostmaster.example.com. 1 3600 600 604800 300",
                        "the zone has no SOA record at its apex");
        if (!has_ns)
                parse_tell(parse, DIAG_ERROR, parse->files[0].text.bytes, "no-ns",
                        "@ 3600 IN NS ns1.example.net.", "the zone has no NS record at its apex");
}

static void check_soa(struct parse *parse)
{
        struct soa soa;

        if (parse->soa.owner && soa_parse(parse->soa.rdata, parse->soa.rdata_length, &soa) == 0 &&
                soa.serial == 0)
                parse_tell_place(parse, DIAG_NOTE, record_place_of(&parse->soa), "serial-zero", NULL,
                        "serial 0: the serial is chosen when the zone is published");
}

/* ---- spans: nearly all owners of a large zone have nothing to tell, which a crew finds out ---- */

struct span {
        struct record *begin, *end; /* all records of an owner in one */
        bool is_plain;              /* zone_check would neither tell nor change anything */
};

struct spans {
        const uint8_t *apex;
        struct span items[SPANS_MAX];
        unsigned count;
};

static bool is_plain_owner(struct run run, const uint8_t *apex)
{
        struct owner_summary owner;
        uint16_t type = run.begin->type;

        if (run.end == run.begin + 1 && type != TYPE_CNAME && type != TYPE_DNAME && type != TYPE_SPF)
                return true; /* most of them */
        for (const struct record *at = run.begin; at + 1 < run.end; at++)
                if (at[1].type == at->type && record_covered_type(at + 1) == record_covered_type(at) &&
                        (at[1].ttl != at->ttl || record_is_same(at, at + 1)))
                        return false;
        owner = summarise(run);
        if (owner.cname && (owner.second_cname || owner.other || name_equal(owner.cname->owner, apex)))
                return false;
        return !owner.dname && !owner.spf;
}

/* Owners lie in the order of the text: without this, each one is a cache miss. */
static struct run next_owner(struct record *at, struct record *end)
{
        struct run run = owner_run(at, end);

        if (end - run.end > PREFETCH_RECORDS)
                __builtin_prefetch(run.end[PREFETCH_RECORDS].owner);
        return run;
}

static void look_at_span(void *context, unsigned index)
{
        const struct spans *spans = context;
        struct span *span = &((struct spans *)context)->items[index];
        struct record *at = span->begin;

        span->is_plain = true;
        while (span->is_plain && at < span->end) {
                struct run run = next_owner(at, span->end);

                span->is_plain = is_plain_owner(run, spans->apex);
                at = run.end;
        }
}

static void cut_spans(const struct record_list *records, unsigned wanted, struct spans *spans)
{
        struct record *begin = records->items, *last = begin + records->count;

        for (unsigned i = 1; i <= wanted && begin < last; i++) {
                struct record *end = records->items + records->count / wanted * i;

                if (i == wanted)
                        end = last;
                while (end > begin && end < last && has_same_owner(end - 1, end))
                        end++;
                if (end <= begin)
                        continue;
                spans->items[spans->count++] = (struct span){.begin = begin, .end = end};
                begin = end;
        }
}

/* Of a list that is not worth a crew, or has none: one span that nobody looked at. */
static void find_spans(const struct record_list *records, struct crew *crew, struct spans *spans)
{
        size_t wanted = crew_size(crew) < 2 ? 1 : records->count / check_span_records;

        if (wanted < 2) {
                cut_spans(records, 1, spans);
                return;
        }
        cut_spans(records, wanted < SPANS_MAX ? (unsigned)wanted : SPANS_MAX, spans);
        crew_run(crew, look_at_span, spans, spans->count);
}

/* Moves what stays of the span to `out`. Returns behind the last one kept. */
static struct record *check_span(struct check *check, const struct span *span, struct record *out)
{
        struct record *at = span->begin;

        if (span->is_plain && !check->dname) {
                if (out != at)
                        memmove(out, at, (size_t)(span->end - at) * sizeof(*at));
                return out + (span->end - at);
        }
        while (at < span->end) {
                struct run run = next_owner(at, span->end);

                at = run.end;
                out = check_owner(check, run, out);
        }
        return out;
}

int zone_check(struct parse *parse, struct zonefile_result *result)
{
        struct check check = {.parse = parse, .result = result};
        struct spans spans = {.apex = parse->request->origin};
        struct record_list *records = &result->records;
        int r = record_list_sort(records, parse->request->origin, parse->request->crew);

        if (r < 0)
                return r;
        struct record *out = records->items;
        check_soa(parse);
        check_apex(parse, result);
        find_spans(records, parse->request->crew, &spans);
        for (unsigned i = 0; i < spans.count; i++)
                out = check_span(&check, &spans.items[i], out);
        records->count = (size_t)(out - records->items);
        return parse->has_error || !parse->checks->integrity ? 0 : zone_check_targets(parse, records);
}
