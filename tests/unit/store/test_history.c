/* Earlier versions out of the journal, against every version as the test kept it. */
#include "model.h"

#include "store/history.h"

#define VERSIONS 120

struct kept { /* a version */
        struct record_list records;
        struct record soa;
        uint32_t serial;
};

struct fixture {
        char path[64];
        struct store *store;
        struct model model;
        struct kept kept[VERSIONS + 1];
        unsigned count;
        struct store_read *read;
        struct store_zone zone;
};

static void keep(struct fixture *fixture)
{
        struct kept *kept = &fixture->kept[fixture->count++];
        for (size_t i = 0; i < fixture->model.records.count; i++)
                assert_int_equal(record_list_add(&kept->records, &fixture->model.records.items[i]), 0);
        kept->soa = fixture->model.soa;
        kept->serial = model_serial(&fixture->model);
}

static void step(struct fixture *fixture, uint32_t serial, unsigned changes)
{
        struct record_list removed = {0}, added = {0};

        model_edit(&fixture->model, changes, &removed, &added);
        model_soa_set(&fixture->model, serial);
        struct store_publication publication = model_publication(&fixture->model, &removed, &added);
        publication.begins_era = false;
        model_publish(&fixture->model, fixture->store, &publication);
        record_list_free(&removed);
        record_list_free(&added);
        keep(fixture);
}

static void begin(struct fixture *fixture, uint64_t seed, unsigned owners, unsigned records)
{
        *fixture = (struct fixture){0};
        print_message("seed %llu\n", (unsigned long long)seed);
        model_directory(fixture->path);
        fixture->store = model_store(fixture->path);
        model_begin(&fixture->model, "example.", 1, seed);
        fixture->model.owner_count = owners;
        model_fill(&fixture->model, records);
        struct store_publication publication = model_publication(&fixture->model, NULL, NULL);
        model_publish(&fixture->model, fixture->store, &publication);
        keep(fixture);
}

static void open_view(struct fixture *fixture)
{
        assert_int_equal(store_read_begin(fixture->store, &fixture->read), 0);
        assert_int_equal(store_zone_find(fixture->read, fixture->model.apex, &fixture->zone), 0);
}

static void end(struct fixture *fixture)
{
        store_read_end(fixture->read);
        model_verify(fixture->store);
        store_close(fixture->store);
        for (unsigned i = 0; i < fixture->count; i++)
                record_list_free(&fixture->kept[i].records);
        model_end(&fixture->model);
        model_directory_remove(fixture->path);
}

static uint64_t version_of(struct fixture *fixture, unsigned n)
{
        uint64_t version = 0;
        assert_int_equal(
                store_version_of(fixture->read, &fixture->zone, fixture->kept[n].serial, &version), 0);
        return version;
}

static void check_difference(struct fixture *fixture, unsigned from, unsigned to)
{
        struct record_list removed = {0}, added = {0};
        size_t gone = 0, come = 0;
        struct store_difference *difference;
        struct record record;
        bool is_added;
        int r;

        model_delta(&fixture->kept[from].records, &fixture->kept[to].records, &removed, &added);
        assert_int_equal(store_difference_open(fixture->read, &fixture->zone, version_of(fixture, from),
                                 version_of(fixture, to), &difference),
                0);
        while (store_difference_prepare(difference, 7) == 0)
                ;
        while ((r = store_difference_next(difference, &record, &is_added)) == 0 ||
                r == STORE_DIFFERENCE_MORE) {
                if (r == STORE_DIFFERENCE_MORE)
                        continue;
                struct record_list *list = is_added ? &added : &removed;
                size_t *at = is_added ? &come : &gone;
                assert_true(*at < list->count);
                assert_true(record_is_identical(&list->items[(*at)++], &record));
        }
        assert_int_equal(r, 1);
        assert_int_equal(gone, removed.count);
        assert_int_equal(come, added.count);
        store_difference_close(difference);
        record_list_free(&removed);
        record_list_free(&added);
}

static void check_past(struct fixture *fixture, unsigned n)
{
        struct store_past *past;
        struct record record, soa;
        size_t at = 0;
        int r;

        assert_int_equal(store_past_open(fixture->read, &fixture->zone, version_of(fixture, n), &past), 0);
        while ((r = store_past_next(past, &record)) == 0 || r == STORE_DIFFERENCE_MORE) {
                if (r == STORE_DIFFERENCE_MORE)
                        continue;
                assert_true(at < fixture->kept[n].records.count);
                assert_true(record_is_identical(&fixture->kept[n].records.items[at++], &record));
        }
        assert_int_equal(r, 1);
        assert_int_equal(at, fixture->kept[n].records.count);
        store_past_close(past);
        assert_int_equal(store_soa_of(fixture->read, &fixture->zone, version_of(fixture, n), &soa), 0);
        assert_true(record_is_identical(&soa, &fixture->kept[n].soa));
}

static void check_all(struct fixture *fixture)
{
        open_view(fixture);
        for (unsigned n = 0; n < fixture->count; n++)
                check_past(fixture, n);
        for (unsigned n = 0; n < 400; n++)
                check_difference(fixture, model_random(&fixture->model, fixture->count),
                        model_random(&fixture->model, fixture->count));
}

/* Few owners, so that records come, go, and come again in another letter case. */
static void test_small_edits(void **state)
{
        struct fixture fixture;
        (void)state;
        begin(&fixture, 20261122, 12, 60);
        for (unsigned n = 0; n < VERSIONS; n++)
                step(&fixture, 2 + 3 * n, 1 + n % 9);
        check_all(&fixture);
        end(&fixture);
}

static void test_large_edits(void **state)
{
        struct fixture fixture;
        (void)state;
        begin(&fixture, 7, 900, 2000);
        for (unsigned n = 0; n < 12; n++)
                step(&fixture, 2 + n, n % 3 == 1 ? 1500 : 200);
        step(&fixture, 40, 0);
        check_all(&fixture);
        end(&fixture);
}

static void test_beyond_the_journal(void **state)
{
        struct fixture fixture;
        struct store_difference *difference = NULL;
        struct store_past *past = NULL;
        struct record soa;
        uint64_t version;

        (void)state;
        begin(&fixture, 3, 50, 50);
        step(&fixture, 2, 3);
        step(&fixture, 3, 3);
        open_view(&fixture);
        assert_int_equal(store_version_of(fixture.read, &fixture.zone, 77, &version), -ENOENT);
        assert_int_equal(store_difference_open(fixture.read, &fixture.zone, 0, 2, &difference), -ENOENT);
        assert_int_equal(store_difference_open(fixture.read, &fixture.zone, 4, 2, &difference), -ENOENT);
        assert_int_equal(store_past_open(fixture.read, &fixture.zone, 0, &past), -ENOENT);
        assert_int_equal(store_soa_of(fixture.read, &fixture.zone, 4, &soa), -ENOENT);
        assert_int_equal(store_difference_open(fixture.read, &fixture.zone, 2, 2, &difference), 0);
        bool is_added;
        struct record record;
        assert_int_equal(store_difference_next(difference, &record, &is_added), 1);
        store_difference_close(difference);
        end(&fixture);
}

int main(void)
{
        const struct CMUnitTest tests[] = {cmocka_unit_test(test_small_edits),
                cmocka_unit_test(test_large_edits), cmocka_unit_test(test_beyond_the_journal)};
        return cmocka_run_group_tests(tests, NULL, NULL);
}
