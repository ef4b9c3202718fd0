/* What a push is to do: a comparison with what the provider lists, and the journal's word, are the same
 * changes; and what is not ours is in none of them. Random versions of a zone, in a real store. */
#include "../store/model.h"

#include "base/cleanup.h"
#include "base/random.h"
#include "push/compare.h"

#define OWNERS 24
#define VALUES 4
#define VERSIONS 7

static const uint16_t types[] = {TYPE_A, TYPE_TXT, TYPE_MX, TYPE_NS, TYPE_CNAME, TYPE_LOC, TYPE_NSEC};
#define TYPES (sizeof(types) / sizeof(*types))
static const uint32_t ttls[] = {30, 60, 300, 100000}; /* the first two are one at Cloudflare */

/* A version: of each RRset which values it has. Owner 0 is the apex. */
struct content {
        struct rrset {
                unsigned values; /* bits */
                uint32_t ttl;
        } sets[OWNERS][TYPES];
        bool upper[OWNERS]; /* the owner's letters */
};

static uint16_t make_rdata(uint16_t type, unsigned value, uint8_t *rdata)
{
        memset(rdata, 0, 32);
        switch (type) {
        case TYPE_A:
                memcpy(rdata, (uint8_t[]){192, 0, 2, (uint8_t)value}, 4);
                return 4;
        case TYPE_TXT:
                memcpy(rdata, (uint8_t[]){1, (uint8_t)('a' + value)}, 2);
                return 2;
        case TYPE_MX:
                memcpy(rdata, "\0\5\2mx\7example", 14);
                rdata[1] = (uint8_t)value;
                return 14;
        case TYPE_LOC: /* on the equator */
                memcpy(rdata, "\0\0\0\0\200\0\0\0\200\0\0\0\0\230\226\200", 16);
                rdata[1] = (uint8_t)(0x10 + value);
                return 16;
        case TYPE_NSEC: /* the next name, and one type */
                memcpy(rdata, "\1a\7example\0\0\1\100", 14);
                rdata[1] = (uint8_t)('a' + value);
                return 14;
        default: /* a name */
                memcpy(rdata, "\2n0\7example", 12);
                rdata[2] = (uint8_t)('0' + value);
                return 12;
        }
}

static void make_owner(const struct content *content, unsigned n, uint8_t *owner)
{
        int length = n > 0 ? sprintf((char *)owner, "%c%c%02u", 3, content->upper[n] ? 'H' : 'h', n) : 0;
        memcpy(owner + length, "\7example", 9);
}

static void edit(struct content *content, unsigned changes)
{
        for (unsigned i = 0; i < changes; i++) {
                unsigned owner = random_below(OWNERS);
                struct rrset *set = &content->sets[owner][random_below(TYPES)];
                switch (random_below(6)) {
                case 0:
                        content->upper[owner] = !content->upper[owner];
                        break;
                case 1:
                        set->ttl = ttls[random_below(4)];
                        break;
                case 2:
                        set->values = 0;
                        break;
                default:
                        set->values ^= 1u << random_below(VALUES);
                }
                set->ttl = set->ttl ? set->ttl : 300;
        }
}

static int by_order(const void *left, const void *right)
{
        return record_compare(left, right);
}

static void make_records(struct model *model, const struct content *content, struct record_list *list)
{
        for (unsigned owner = 0; owner < OWNERS; owner++)
                for (unsigned type = 0; type < TYPES; type++)
                        for (unsigned value = 0; value < VALUES; value++) {
                                const struct rrset *set = &content->sets[owner][type];
                                if (!(set->values & 1u << value))
                                        continue;
                                uint8_t *name = model_alloc(model, 16), *rdata = model_alloc(model, 32);
                                make_owner(content, owner, name);
                                struct record record = {.owner = name,
                                        .rdata = rdata,
                                        .rdata_length = make_rdata(types[type], value, rdata),
                                        .type = types[type],
                                        .ttl = set->ttl};
                                assert_int_equal(record_list_add(list, &record), 0);
                        }
        static const struct record cdn = {.owner = (const uint8_t *)"\3cdn\7example",
                .rdata = (const uint8_t *)"\300\0\2\2",
                .rdata_length = 4,
                .type = TYPE_A,
                .ttl = 300};
        assert_int_equal(record_list_add(list, &cdn), 0); /* the provider has somebody's there */
        qsort(list->items, list->count, sizeof(*list->items), by_order);
}

static void publish(struct model *model, struct store *store, const struct content *content, uint32_t serial)
{
        struct record_list now = {0}, removed = {0}, added = {0};
        make_records(model, content, &now);
        model_delta(&model->records, &now, &removed, &added);
        record_list_free(&model->records);
        model->records = now;
        model_soa_set(model, serial);
        model->digest = (struct digest){0};
        assert_int_equal(digest_add(&model->digest, &model->soa), 0);
        for (size_t i = 0; i < now.count; i++)
                assert_int_equal(digest_add(&model->digest, &now.items[i]), 0);
        struct store_publication publication =
                model_publication(model, model->version ? &removed : NULL, model->version ? &added : NULL);
        model_publish(model, store, &publication);
        record_list_free(&removed);
        record_list_free(&added);
}

/* ---- what a provider would list ---- */

static bool is_pushed(const struct push_rules *rules, unsigned owner, uint16_t type)
{
        if (type == TYPE_NSEC || (type == TYPE_LOC && rules->provider == &push_route53))
                return false;
        return type != TYPE_NS || owner > 0 || rules->apex_ns;
}

static uint32_t ttl_there(const struct push_rules *rules, uint32_t ttl)
{
        return rules->provider->ttl ? rules->provider->ttl(ttl) : ttl;
}

static struct push_set *list_set(
        struct push_listing *listing, const uint8_t *owner, uint16_t type, uint32_t ttl, unsigned values)
{
        struct push_set *set = push_listing_set(listing, owner, type);
        assert_non_null(set);
        set->ttl = ttl;
        for (unsigned value = 0; value < VALUES; value++) {
                uint8_t rdata[32];
                uint16_t length = make_rdata(type, value, rdata);
                if (values & 1u << value)
                        assert_int_equal(push_set_add(&listing->arena, set, rdata, length, NULL, "an id"), 0);
        }
        return set;
}

/* The provider's own SOA and NS, somebody's proxied record, and all of the content. */
static void make_listing(const struct push_rules *rules, const struct content *content,
        const struct content *now, struct push_listing *listing)
{
        *listing = (struct push_listing){.apex = rules->apex};
        list_set(listing, rules->apex, TYPE_SOA, 900, 0);
        if (!rules->apex_ns)
                list_set(listing, rules->apex, TYPE_NS, 900, 3);
        list_set(listing, (const uint8_t *)"\3cdn\7example", TYPE_A, 300, 1)->is_foreign = true;
        for (unsigned owner = 0; owner < OWNERS; owner++)
                for (unsigned type = 0; type < TYPES; type++) {
                        const struct rrset *set = &content->sets[owner][type];
                        uint8_t name[16];
                        make_owner(now, owner, name); /* the case of letters is nothing to it */
                        if (set->values && is_pushed(rules, owner, types[type]))
                                list_set(listing, name, types[type], ttl_there(rules, set->ttl), set->values);
                }
        for (size_t i = listing->count; i > 1; i--) { /* in no order */
                size_t other = random_below((uint32_t)i);
                struct push_set *set = listing->sets[i - 1];
                listing->sets[i - 1] = listing->sets[other];
                listing->sets[other] = set;
        }
}

/* As the contents themselves say. */
static void count_changes(const struct push_rules *rules, const struct content *before,
        const struct content *now, struct push_changes *counts)
{
        for (unsigned owner = 0; owner < OWNERS; owner++)
                for (unsigned type = 0; type < TYPES; type++) {
                        const struct rrset *old = &before->sets[owner][type], *new = &now->sets[owner][type];
                        if (!is_pushed(rules, owner, types[type]))
                                continue;
                        counts->created += !old->values && new->values;
                        counts->deleted += old->values && !new->values;
                        counts->replaced += old->values && new->values &&
                                            (old->values != new->values ||
                                                    ttl_there(rules, old->ttl) != ttl_there(rules, new->ttl));
                }
}

static void check_counts(const struct push_changes *changes, const struct push_changes *want)
{
        assert_int_equal(changes->created, want->created);
        assert_int_equal(changes->replaced, want->replaced);
        assert_int_equal(changes->deleted, want->deleted);
        assert_int_equal(changes->count, want->created + want->replaced + want->deleted);
}

static void check_version(const struct push_rules *rules, struct store_read *read,
        const struct store_zone *zone, uint64_t from, const struct content *before, const struct content *now)
{
        struct push_changes compared = {0}, again = {0}, delta = {0}, want = {0};
        struct push_listing listing, other;
        uint8_t hash[32], hash_again[32], hash_delta[32];

        count_changes(rules, before, now, &want);
        make_listing(rules, before, now, &listing);
        assert_int_equal(push_compare(rules, read, zone, &listing, &compared), 0);
        check_counts(&compared, &want);
        assert_int_equal(compared.foreign, 1);
        assert_int_equal(push_changes_hash(&compared, hash), 0);

        make_listing(rules, before, now, &other); /* in another order */
        assert_int_equal(push_compare(rules, read, zone, &other, &again), 0);
        assert_int_equal(push_changes_hash(&again, hash_again), 0);
        assert_memory_equal(hash, hash_again, sizeof(hash));

        assert_int_equal(push_delta(rules, read, zone, from, &delta), 0);
        check_counts(&delta, &want);
        assert_int_equal(push_changes_hash(&delta, hash_delta), 0);
        assert_memory_equal(hash, hash_delta, sizeof(hash));

        push_listing_free(&other);
        make_listing(rules, before, now, &other);
        assert_int_equal(push_delta_against(&other, &delta), 0); /* it is there as we think */
        check_counts(&delta, &want);
        for (size_t i = 0; i < delta.count; i++)
                if (delta.items[i].old)
                        assert_string_equal(delta.items[i].old->values[0].id, "an id");
        push_changes_free(&compared);
        push_changes_free(&again);
        push_changes_free(&delta);
        push_listing_free(&listing);
        push_listing_free(&other);
}

static void journal_and_listing_agree(void **state)
{
        static const uint8_t apex[] = "\7example";
        const struct push_rules rules[] = {
                {&push_route53, apex, false}, {&push_route53, apex, true}, {&push_cloudflare, apex, false}};
        (void)state;
        for (uint64_t seed = 1; seed <= 12; seed++) {
                struct content versions[VERSIONS] = {0};
                struct model model;
                struct store_read *read;
                struct store_zone zone;
                char path[64];

                random_fix(seed);
                model_directory(path);
                struct store *store = model_store(path);
                model_begin(&model, "example.", 1, seed);
                for (unsigned v = 0; v < VERSIONS; v++) {
                        if (v > 0)
                                versions[v] = versions[v - 1];
                        edit(&versions[v], v == 0 ? 200 : 1 + random_below(30));
                        publish(&model, store, &versions[v], v + 1);
                }
                assert_int_equal(store_read_begin(store, &read), 0);
                assert_int_equal(store_zone_find(read, model.apex, &zone), 0);
                for (size_t r = 0; r < ARRAY_SIZE(rules); r++) {
                        struct push_changes nothing = {0};
                        for (unsigned v = 0; v < VERSIONS; v++)
                                check_version(
                                        &rules[r], read, &zone, v + 1, &versions[v], &versions[VERSIONS - 1]);
                        assert_int_equal(push_delta(&rules[r], read, &zone, VERSIONS + 1, &nothing), 1);
                        assert_int_equal(push_delta(&rules[r], read, &zone, 0, &nothing), 1);
                        assert_int_equal(nothing.count, 0);
                }
                store_read_end(read);
                store_close(store);
                model_end(&model);
                model_directory_remove(path);
        }
        random_fix(0);
}

/* A delta against what is really there: what somebody did in between. */
static void a_delta_meets_what_is_there(void **state)
{
        static const uint8_t apex[] = "\7example", www[] = "\3www\7example", cdn[] = "\3cdn\7example",
                             gone[] = "\4gone\7example", same[] = "\4same\7example";
        struct push_changes changes = {0};
        struct push_listing ours = {.apex = apex}, there = {.apex = apex};
        (void)state;
        struct push_set *old = list_set(&ours, www, TYPE_A, 300, 1),
                        *new = list_set(&ours, cdn, TYPE_A, 300, 2);
        struct push_set *dead = list_set(&ours, gone, TYPE_A, 300, 1);
        struct push_set *right = list_set(&ours, same, TYPE_A, 300, 6);
        assert_int_equal(push_changes_add(&changes, NULL, old), 0);   /* we think that it is not there */
        assert_int_equal(push_changes_add(&changes, NULL, new), 0);   /* somebody's proxied one is there */
        assert_int_equal(push_changes_add(&changes, dead, NULL), 0);  /* it went already */
        assert_int_equal(push_changes_add(&changes, dead, right), 0); /* it is there already */
        list_set(&there, www, TYPE_A, 60, 8);
        list_set(&there, cdn, TYPE_A, 300, 1)->is_foreign = true;
        list_set(&there, same, TYPE_A, 300, 4);
        list_set(&there, apex, TYPE_TXT, 300, 1); /* parts of a set that stand apart */
        list_set(&there, same, TYPE_A, 300, 2);
        assert_int_equal(push_delta_against(&there, &changes), 0);
        assert_int_equal(changes.count, 1);
        assert_int_equal(changes.replaced, 1);
        assert_ptr_equal(changes.items[0].new, old);
        assert_int_equal(changes.items[0].old->ttl, 60);
        push_changes_free(&changes);
        push_listing_free(&ours);
        push_listing_free(&there);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(journal_and_listing_agree),
                cmocka_unit_test(a_delta_meets_what_is_there),
        };
        return cmocka_run_group_tests_name("compare", tests, NULL, NULL);
}
