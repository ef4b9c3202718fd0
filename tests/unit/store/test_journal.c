/* The journal: what of it is kept, eras, serials that come again, and what is swept out. */
#include "model.h"

#include "store/store_data.h"

struct fixture {
        char path[64];
        struct store *store;
        struct model model;
        uint64_t limit_bytes;
};

static void begin(struct fixture *fixture, uint32_t serial, unsigned records)
{
        *fixture = (struct fixture){.limit_bytes = UINT64_MAX};
        model_directory(fixture->path);
        fixture->store = model_store(fixture->path);
        model_begin(&fixture->model, "example.", serial, serial);
        fixture->model.owner_count = 2000;
        model_fill(&fixture->model, records);
        struct store_publication publication = model_publication(&fixture->model, NULL, NULL);
        model_publish(&fixture->model, fixture->store, &publication);
}

static void end(struct fixture *fixture)
{
        model_verify(fixture->store);
        store_close(fixture->store);
        model_end(&fixture->model);
        model_directory_remove(fixture->path);
}

static void step(struct fixture *fixture, uint32_t serial, unsigned changes, bool begins_era)
{
        struct record_list removed = {0}, added = {0};

        model_edit(&fixture->model, changes, &removed, &added);
        model_soa_set(&fixture->model, serial);
        struct store_publication publication = model_publication(&fixture->model, &removed, &added);
        publication.begins_era = begins_era;
        publication.max_journal_bytes = fixture->limit_bytes;
        model_publish(&fixture->model, fixture->store, &publication);
        record_list_free(&removed);
        record_list_free(&added);
}

static struct store_zone zone_now(struct fixture *fixture)
{
        struct store_read *read;
        struct store_zone zone;

        assert_int_equal(store_read_begin(fixture->store, &read), 0);
        assert_int_equal(store_zone_find(read, fixture->model.apex, &zone), 0);
        store_read_end(read);
        zone.name = NULL;
        return zone;
}

/* What an IXFR from this serial finds: the version it leads to, or 0. */
static uint64_t step_from(struct fixture *fixture, uint32_t serial)
{
        struct store_read *read;
        struct store_zone zone;
        struct store_step found;
        int r;

        assert_int_equal(store_read_begin(fixture->store, &read), 0);
        assert_int_equal(store_zone_find(read, fixture->model.apex, &zone), 0);
        r = store_step_from(read, &zone, serial, &found);
        assert_true(r == 0 || r == -ENOENT);
        if (r == 0)
                assert_int_equal(found.serial_from, serial);
        store_read_end(read);
        return r == 0 ? found.version : 0;
}

static size_t rows(struct fixture *fixture, enum store_database database)
{
        struct store_read *read;
        MDB_stat stat;

        assert_int_equal(store_read_begin(fixture->store, &read), 0);
        assert_int_equal(mdb_stat(read->txn, fixture->store->databases[database], &stat), 0);
        store_read_end(read);
        return stat.ms_entries;
}

static void test_by_bytes(void **state)
{
        struct fixture fixture;

        (void)state;
        begin(&fixture, 1, 1000);
        fixture.limit_bytes = 20000;
        for (unsigned n = 2; n < 300; n++) {
                struct store_zone zone;

                step(&fixture, n, 5, false);
                zone = zone_now(&fixture);
                assert_true(zone.journal_end - zone.journal_begin <= 20000);
                assert_int_equal(zone.version - zone.oldest_version, zone.step_count);
                assert_int_equal(zone.oldest_serial, n - zone.step_count);
                assert_true(n < 40 || zone.step_count > 10);
                assert_int_equal(step_from(&fixture, zone.oldest_serial), zone.oldest_version + 1);
                assert_int_equal(step_from(&fixture, zone.oldest_serial - 1), 0);
        }
        /* Gone ones are not kept. */
        assert_true(rows(&fixture, DATABASE_SERIALS) <= zone_now(&fixture).step_count);
        assert_true(rows(&fixture, DATABASE_STEPS) <= 3 * zone_now(&fixture).step_count);
        /* A lower limit holds at once; its rows go bit by bit. */
        fixture.limit_bytes = UINT64_MAX;
        for (unsigned n = 300; n < 600; n++)
                step(&fixture, n, 2, false);
        size_t before = rows(&fixture, DATABASE_STEPS);
        assert_true(before > 600);
        fixture.limit_bytes = 2000;
        step(&fixture, 600, 2, false);
        assert_true(zone_now(&fixture).step_count < 20);
        assert_true(rows(&fixture, DATABASE_STEPS) > before - 100);
        for (unsigned n = 601; n < 630; n++)
                step(&fixture, n, 2, false);
        assert_true(rows(&fixture, DATABASE_STEPS) < 60);
        assert_true(rows(&fixture, DATABASE_SERIALS) < 20);
        end(&fixture);
}

/* Twice the zone, within bounds. */
static void test_by_zone_size(void **state)
{
        struct fixture fixture;
        struct store_zone zone;

        (void)state;
        begin(&fixture, 1, 4000);
        fixture.limit_bytes = STORE_JOURNAL_BY_ZONE_SIZE;
        zone = zone_now(&fixture);
        assert_true(zone.axfr_bytes > 140 << 10);
        for (unsigned n = 2; n < 150; n++) {
                step(&fixture, n, 100, false);
                zone = zone_now(&fixture);
                assert_true(zone.journal_end - zone.journal_begin <= 2 * zone.axfr_bytes + 200);
        }
        assert_true(zone.step_count > 30 && zone.step_count < 140);
        assert_true(zone.journal_end - zone.journal_begin > zone.axfr_bytes);
        end(&fixture);
        begin(&fixture, 1, 20); /* a small one */
        fixture.limit_bytes = STORE_JOURNAL_BY_ZONE_SIZE;
        for (unsigned n = 2; n < 200; n++)
                step(&fixture, n, 2, false);
        assert_int_equal(zone_now(&fixture).step_count, 198);
        end(&fixture);
}

/* One step that is larger by itself: no history, and none of its rows. */
static void test_a_step_beyond_the_limit(void **state)
{
        struct fixture fixture;
        struct store_zone zone;

        (void)state;
        begin(&fixture, 99, 2000);
        fixture.limit_bytes = 20000;
        step(&fixture, 100, 1000, false);
        zone = zone_now(&fixture);
        assert_int_equal(zone.step_count, 0);
        assert_int_equal(zone.oldest_serial, 100);
        assert_int_equal(zone.era, 1);
        assert_int_equal(step_from(&fixture, 99), 0);
        step(&fixture, 101, 3, false);
        assert_int_equal(zone_now(&fixture).step_count, 1);
        assert_int_equal(step_from(&fixture, 100), 3);
        end(&fixture);
}

/* A serial set back on purpose: what comes again means the new content, and nothing leads across (I1). */
static void test_eras(void **state)
{
        struct fixture fixture;
        struct store_batch *batch;

        (void)state;
        begin(&fixture, 100, 200);
        for (unsigned n = 101; n < 400; n++)
                step(&fixture, n, 3, false);
        assert_int_equal(step_from(&fixture, 101), 3);
        step(&fixture, 100, 3, true);
        struct store_zone zone = zone_now(&fixture);
        assert_int_equal(zone.era, 2);
        assert_int_equal(zone.step_count, 0);
        assert_int_equal(zone.version, 301);
        for (unsigned n = 100; n < 400; n++)
                assert_int_equal(step_from(&fixture, n), 0);
        for (unsigned n = 101; n < 140; n++) {
                step(&fixture, n, 3, false);
                assert_int_equal(step_from(&fixture, n - 1), 301 + n - 100);
                assert_int_equal(step_from(&fixture, n), 0);
                assert_int_equal(step_from(&fixture, 300), 0);
        }
        assert_int_equal(rows(&fixture, DATABASE_SERIALS), 39);
        assert_int_equal(store_batch_begin(fixture.store, &batch), 0);
        assert_int_equal(store_batch_history_cut(batch, zone.id), 0);
        assert_int_equal(store_batch_commit(batch), 0);
        assert_int_equal(zone_now(&fixture).era, 3);
        assert_int_equal(step_from(&fixture, 120), 0);
        end(&fixture);
}

/* Leaps of almost half the circle: a serial comes again within an era, and only what is unambiguous is kept.
 */
static void test_around_the_circle(void **state)
{
        struct fixture fixture;
        uint32_t serial = 7;

        (void)state;
        begin(&fixture, serial, 200);
        for (unsigned n = 0; n < 60; n++) {
                static const uint32_t leaps[] = {0x7fffffff, 1, 0x40000000, 5, 0x7fffffff, 2, 0x30000000};
                struct store_zone zone;

                serial += leaps[n % 7];
                serial += serial == 0;
                step(&fixture, serial, 3, false);
                zone = zone_now(&fixture);
                assert_true(zone.serial - zone.oldest_serial < 0x80000000);
                assert_true(zone.step_count >= 1);
        }
        end(&fixture);
}

/* Steps of many pieces, and their bytes as the running sum says. */
static void test_large_step(void **state)
{
        struct fixture fixture;
        struct store_read *read;
        struct store_zone zone;
        struct store_step found;
        uint64_t bytes = 0, records = 0;

        (void)state;
        begin(&fixture, 1, 3000);
        step(&fixture, 2, 4000, false);
        assert_int_equal(store_read_begin(fixture.store, &read), 0);
        assert_int_equal(store_zone_find(read, fixture.model.apex, &zone), 0);
        assert_int_equal(store_step_from(read, &zone, 1, &found), 0);
        assert_true(found.removed_pieces > 2 && found.added_pieces > 4);
        for (unsigned n = 1; n <= found.removed_pieces + found.added_pieces; n++) {
                struct store_leaf body;

                assert_int_equal(store_step_piece(read, zone.id, found.version, n, &body), 0);
                bytes += body.length;
                records += body.record_count;
        }
        struct store_leaf body;
        assert_int_equal(store_step_piece(read, zone.id, found.version,
                                 found.removed_pieces + found.added_pieces + 1, &body),
                -ENOENT);
        assert_int_equal(records, found.removed_count + found.added_count);
        bytes += record_wire_size(&found.soa_from) + record_wire_size(&found.soa_to);
        assert_int_equal(found.bytes_after - found.bytes_before, bytes);
        store_read_end(read);
        end(&fixture);
}

/* A serial-only publish is a step of its own. */
static void test_empty_step(void **state)
{
        struct fixture fixture;
        struct store_read *read;
        struct store_zone zone;
        struct store_step found;

        (void)state;
        begin(&fixture, 1, 10);
        step(&fixture, 5, 0, false);
        assert_int_equal(store_read_begin(fixture.store, &read), 0);
        assert_int_equal(store_zone_find(read, fixture.model.apex, &zone), 0);
        assert_int_equal(store_step_from(read, &zone, 1, &found), 0);
        assert_int_equal(found.removed_pieces + found.added_pieces, 0);
        assert_int_equal(found.serial_to, 5);
        model_check(&fixture.model, read);
        store_read_end(read);
        end(&fixture);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_by_bytes),
                cmocka_unit_test(test_by_zone_size),
                cmocka_unit_test(test_a_step_beyond_the_limit),
                cmocka_unit_test(test_eras),
                cmocka_unit_test(test_around_the_circle),
                cmocka_unit_test(test_large_step),
                cmocka_unit_test(test_empty_step),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
