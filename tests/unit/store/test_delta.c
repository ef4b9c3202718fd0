/* Deltas applied to leaves, against a model: after any edit the store holds what the model holds (I4), and
 * from every kept version the steps lead to it (I3). */
#include "model.h"

#define VERSIONS_MAX 400

/* Content of the versions gone by. */
struct past {
        struct record_list lists[VERSIONS_MAX];
        uint32_t serials[VERSIONS_MAX];
        size_t count;
};

static void past_keep(struct past *past, const struct model *model)
{
        struct record_list *list = &past->lists[past->count];

        assert_true(past->count < VERSIONS_MAX);
        for (size_t i = 0; i < model->records.count; i++)
                assert_int_equal(record_list_add(list, &model->records.items[i]), 0);
        past->serials[past->count++] = model_serial(model);
}

static void past_free(struct past *past)
{
        for (size_t i = 0; i < past->count; i++)
                record_list_free(&past->lists[i]);
}

/* Takes the records of a step's pieces out of the list, or puts them in. */
static void apply_pieces(struct store_read *read, uint64_t zone_id, const struct store_step *step, bool adds,
        struct model *content)
{
        unsigned first = adds ? 1 + step->removed_pieces : 1;
        unsigned count = adds ? step->added_pieces : step->removed_pieces;

        for (unsigned piece = first; piece < first + count; piece++) {
                struct message_walk walk;
                struct store_leaf body;
                struct record record;
                int r;

                assert_int_equal(store_step_piece(read, zone_id, step->version, piece, &body), 0);
                assert_true(body.length <= STORE_LEAF_FILL || body.record_count == 1);
                assert_int_equal(message_walk_begin(&walk, body.message, body.length), 0);
                while ((r = message_walk_next(&walk, &content->arena, &record)) == 0) {
                        bool is_there;
                        size_t at = model_find(content, &record, &is_there);

                        assert_int_equal(is_there, !adds);
                        if (adds) {
                                model_insert(content, at, &record);
                        } else {
                                assert_identical(&content->records.items[at], &record);
                                model_delete(content, at);
                        }
                }
                assert_int_equal(r, 1);
        }
}

/* I3, from one kept version to the newest. */
static void check_steps(struct store_read *read, const struct store_zone *zone, const struct past *past,
        size_t from, const struct model *model)
{
        struct model content = {0};
        struct store_step step;
        uint64_t first_bytes;

        for (size_t i = 0; i < past->lists[from].count; i++)
                assert_int_equal(record_list_add(&content.records, &past->lists[from].items[i]), 0);
        assert_int_equal(store_step_from(read, zone, past->serials[from], &step), 0);
        first_bytes = step.bytes_before;
        for (;;) {
                apply_pieces(read, zone->id, &step, false, &content);
                apply_pieces(read, zone->id, &step, true, &content);
                if (step.version == zone->version)
                        break;
                assert_int_equal(store_step_get(read, zone->id, step.version + 1, &step), 0);
        }
        assert_int_equal(step.serial_to, zone->serial);
        assert_identical(&step.soa_to, &zone->soa);
        assert_true(step.bytes_after > first_bytes && step.bytes_after == zone->journal_end);
        assert_int_equal(content.records.count, model->records.count);
        for (size_t i = 0; i < content.records.count; i++)
                assert_identical(&content.records.items[i], &model->records.items[i]);
        model_end(&content);
}

static void check_leaves(struct store_read *read, const struct store_zone *zone)
{
        struct store_leaves *leaves;
        struct store_leaf leaf;
        uint64_t count = 0, bytes = 0, records = 0;
        int r;

        assert_int_equal(store_leaves_open(read, zone->id, &leaves), 0);
        while ((r = store_leaves_next(leaves, &leaf)) == 0) {
                assert_true(leaf.record_count > 0);
                assert_true(leaf.length + 5 <= STORE_LEAF_MAX || leaf.record_count == 1);
                assert_int_equal(read_u16(leaf.message), 0);
                assert_int_equal(read_u16(leaf.message + 2), FLAG_QR | FLAG_AA);
                assert_int_equal(read_u16(leaf.message + 4), 0);
                count++;
                bytes += leaf.length;
                records += leaf.record_count;
        }
        assert_int_equal(r, 1);
        store_leaves_close(leaves);
        assert_int_equal(count, zone->leaf_count);
        assert_int_equal(bytes, zone->axfr_bytes);
        assert_int_equal(records + 1, zone->record_count);
}

/* Seeks to random owners: the records there are the model's. */
static void check_seeks(struct store_read *read, const struct store_zone *zone, struct model *model)
{
        struct store_records *records;

        assert_int_equal(store_records_open(read, zone->id, &records), 0);
        for (unsigned n = 0; n < 20; n++) {
                struct record probe = {
                        .owner = model_owner(model, model_random(model, model->owner_count + 5)),
                        .rdata = (const uint8_t *)""};
                struct record_list list = {0};
                struct arena arena = {0};
                struct record record;
                bool is_there;
                size_t at = model_find(model, &probe, &is_there), count = 0;

                assert_int_equal(store_records_of_owner(records, probe.owner, &arena, &list), 0);
                while (at + count < model->records.count &&
                        name_equal(model->records.items[at + count].owner, probe.owner)) {
                        assert_true(count < list.count);
                        assert_identical(&model->records.items[at + count], &list.items[count]);
                        count++;
                }
                assert_int_equal(count, list.count);
                assert_int_equal(store_records_seek(records, probe.owner), 0);
                assert_int_equal(store_records_next(records, &record), at == model->records.count ? 1 : 0);
                if (at < model->records.count)
                        assert_identical(&record, &model->records.items[at]);
                record_list_free(&list);
                arena_free(&arena);
        }
        store_records_close(records);
}

struct run {
        const char *apex;
        uint64_t seed;
        unsigned initial, rounds, changes_max, owners;
        size_t rdata_max;
        bool odd_names;
};

static void run_edits(const struct run *run)
{
        struct model model;
        struct past *past = calloc(1, sizeof(*past));
        char path[64];
        uint32_t serial = 0xfffffff0; /* wraps on the way */

        model_directory(path);
        struct store *store = model_store(path);
        model_begin(&model, run->apex, serial, run->seed);
        model.owner_count = run->owners;
        model.rdata_max = run->rdata_max;
        model.odd_names = run->odd_names;
        model_fill(&model, run->initial);
        struct store_publication publication = model_publication(&model, NULL, NULL);
        model_publish(&model, store, &publication);
        for (unsigned round = 0; round < run->rounds; round++) {
                struct store_zone zone;
                struct store_read *read;
                unsigned changes = model_random(&model, 4) ? 1 + model_random(&model, 3)
                                                           : model_random(&model, run->changes_max);

                past_keep(past, &model);
                serial = serial + 1 ? serial + 1 : 1;
                model_step(&model, store, changes, serial);
                assert_int_equal(store_read_begin(store, &read), 0);
                model_check(&model, read);
                assert_int_equal(store_zone_find(read, model.apex, &zone), 0);
                assert_int_equal(zone.step_count, past->count);
                check_leaves(read, &zone);
                if (round % 16 == 15 || round + 1 == run->rounds) {
                        check_seeks(read, &zone, &model);
                        check_steps(read, &zone, past, 0, &model);
                        for (unsigned n = 0; n < 3; n++)
                                check_steps(read, &zone, past, model_random(&model, (uint32_t)past->count),
                                        &model);
                }
                store_read_end(read);
        }
        model_verify(store);
        store_close(store);
        past_free(past);
        free(past);
        model_end(&model);
        model_directory_remove(path);
}

static void test_small_zone(void **state)
{
        (void)state;
        run_edits(&(struct run){"example.", 1, 0, 300, 10, 20, 100, false});
}

static void test_many_leaves(void **state)
{
        (void)state;
        run_edits(&(struct run){"example.com.", 2, 5000, 300, 800, 3000, 300, false});
}

static void test_huge_rrsets(void **state)
{
        (void)state;
        run_edits(&(struct run){"example.", 3, 3000, 200, 500, 4, 400, false});
}

static void test_huge_records(void **state)
{
        (void)state;
        run_edits(&(struct run){"example.", 4, 60, 150, 20, 40, 60000, false});
}

static void test_odd_names(void **state)
{
        (void)state;
        run_edits(&(struct run){"example.", 5, 1000, 200, 300, 400, 300, true});
}

static void test_root_zone(void **state)
{
        (void)state;
        run_edits(&(struct run){".", 6, 2000, 150, 300, 800, 300, false});
}

/* Many records of one owner, always at the same place: sequences between two leaves run out, and leaves are
 * moved. */
static void test_sequences_run_out(void **state)
{
        struct model model;
        char path[64];
        uint32_t serial = 1;

        (void)state;
        model_directory(path);
        struct store *store = model_store(path);
        model_begin(&model, "example.", serial, 7);
        for (unsigned round = 0; round < 110; round++) {
                struct record_list removed = {0}, added = {0}, before = {0};
                struct store_read *read;

                /* Two ends that never change, then ever new ones between the last and the upper end. */
                for (unsigned n = 0; n < 60; n++) {
                        uint8_t *rdata = model_alloc(&model, 250);
                        struct record record = {.owner = model.apex,
                                .rdata = rdata,
                                .rdata_length = 250,
                                .type = 65280,
                                .ttl = 1};

                        memset(rdata, 7, 250);
                        write_u32(rdata, round < 4 ? (round << 30) + n : 0x80000000 - round * 1000 - n);
                        model_add(&model, &record, &before);
                }
                for (size_t i = 0; i < before.count; i++)
                        assert_int_equal(record_list_add(&added, &before.items[i]), 0);
                assert_int_equal(record_list_sort(&added, model.apex, NULL), 0);
                model_soa_set(&model, ++serial);
                struct store_publication publication = model_publication(&model, &removed, &added);
                publication.records = NULL;
                model_publish(&model, store, &publication);
                assert_int_equal(store_read_begin(store, &read), 0);
                model_check(&model, read);
                store_read_end(read);
                record_list_free(&before);
                record_list_free(&added);
        }
        model_verify(store);
        store_close(store);
        model_end(&model);
        model_directory_remove(path);
}

/* A delta made against something else changes nothing. */
static void test_wrong_deltas(void **state)
{
        struct model model;
        struct record_list one = {0}, none = {0};
        struct store_batch *batch;
        uint64_t version;
        char path[64];

        (void)state;
        model_directory(path);
        struct store *store = model_store(path);
        model_begin(&model, "example.", 5, 8);
        model_fill(&model, 100);
        struct store_publication publication = model_publication(&model, NULL, NULL);
        model_publish(&model, store, &publication);
        assert_true(model.records.count > 20);
        for (unsigned n = 0; n < 8; n++) {
                struct record record = model.records.items[model.records.count / 2];
                int expected = -EINVAL;

                one.count = 0;
                model_soa_set(&model, 6);
                publication = model_publication(&model, &none, &one);
                switch (n) {
                case 0: /* there already */
                        break;
                case 1: /* another TTL than what is there */
                        record.ttl += 5;
                        publication.removed = &one, publication.added = &none;
                        break;
                case 2: /* not there */
                        record.type = 4711;
                        publication.removed = &one, publication.added = &none;
                        break;
                case 3: /* the same but for its TTL */
                        record.ttl += 5;
                        break;
                case 4: /* another base */
                        publication.base_version = 2;
                        expected = -ESTALE;
                        break;
                case 5:
                        publication.base_version = 0;
                        expected = -ESTALE;
                        break;
                case 6: /* the serial stays */
                        publication.added = &none;
                        model_soa_set(&model, 5);
                        publication.soa = model.soa;
                        break;
                case 7: /* out of the zone */
                        record.owner = (const uint8_t *)"\5other";
                        break;
                }
                assert_int_equal(record_list_add(&one, &record), 0);
                assert_int_equal(store_batch_begin(store, &batch), 0);
                assert_int_equal(store_batch_publish(batch, &publication, &version), expected);
                /* Nothing can be saved of the batch. */
                assert_int_equal(store_batch_commit(batch), expected);
        }
        struct store_read *read;
        assert_int_equal(store_read_begin(store, &read), 0);
        model_soa_set(&model, 5);
        model_check(&model, read);
        store_read_end(read);
        model_verify(store);
        store_close(store);
        record_list_free(&one);
        model_end(&model);
        model_directory_remove(path);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_small_zone),
                cmocka_unit_test(test_many_leaves),
                cmocka_unit_test(test_huge_rrsets),
                cmocka_unit_test(test_huge_records),
                cmocka_unit_test(test_odd_names),
                cmocka_unit_test(test_root_zone),
                cmocka_unit_test(test_sequences_run_out),
                cmocka_unit_test(test_wrong_deltas),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
