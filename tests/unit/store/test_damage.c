/* Octets that changed on the disk, and processes that died: nothing damaged is ever handed on, and after a
 * crash all is as before the commit or as after it. */
#include "model.h"

#include "base/fault.h"
#include "store/store_data.h"

#include <signal.h>
#include <sys/wait.h>

struct fixture {
        char path[64];
        struct store *store;
        struct model model;
        struct store_file file;
};

static const struct store_chunk chunk = {7, (const uint8_t *)"state", 5, "text", 4};
static const struct store_text_range text = {0, UINT64_MAX, &chunk, 1};

static void publish(struct fixture *fixture, uint32_t serial, unsigned changes)
{
        struct record_list removed = {0}, added = {0};

        model_edit(&fixture->model, changes, &removed, &added);
        model_soa_set(&fixture->model, serial);
        struct store_publication publication = model_publication(&fixture->model, &removed, &added);
        publication.files = &fixture->file;
        publication.file_count = 1;
        publication.text_change = STORE_TEXT_WHOLE;
        publication.ranges = &text;
        publication.range_count = 1;
        model_publish(&fixture->model, fixture->store, &publication);
        record_list_free(&removed);
        record_list_free(&added);
}

static void begin(struct fixture *fixture, unsigned records)
{
        struct store_batch *batch;

        *fixture = (struct fixture){.file = {.path = "example.zone"}};
        model_directory(fixture->path);
        fixture->store = model_store(fixture->path);
        model_begin(&fixture->model, "example.", 1, 99);
        model_fill(&fixture->model, records);
        publish(fixture, 1, 0);
        for (uint32_t serial = 2; serial < 6; serial++)
                publish(fixture, serial, 10);
        assert_int_equal(store_batch_begin(fixture->store, &batch), 0);
        assert_int_equal(store_batch_state_put(batch, 1, "key", 3, "value", 5), 0);
        assert_int_equal(store_batch_commit(batch), 0);
}

static void end(struct fixture *fixture)
{
        store_close(fixture->store);
        model_end(&fixture->model);
        model_directory_remove(fixture->path);
}

/* Calls change on the value of the n-th row of a database, past all checks. False where there is no such row.
 */
static bool tamper(struct store *store, enum store_database database, unsigned n, size_t at, uint8_t flip)
{
        MDB_txn *txn;
        MDB_cursor *cursor;
        MDB_val key, value;
        int code = MDB_NOTFOUND;

        assert_int_equal(mdb_txn_begin(store->env, NULL, 0, &txn), 0);
        assert_int_equal(mdb_cursor_open(txn, store->databases[database], &cursor), 0);
        for (unsigned i = 0; i <= n; i++)
                code = mdb_cursor_get(cursor, &key, &value, MDB_NEXT);
        if (code == 0 && at < value.mv_size) {
                uint8_t *copy = malloc(value.mv_size);

                memcpy(copy, value.mv_data, value.mv_size);
                copy[at] ^= flip;
                value.mv_data = copy;
                assert_int_equal(mdb_cursor_put(cursor, &key, &value, MDB_CURRENT), 0);
                free(copy);
        } else {
                code = MDB_NOTFOUND;
        }
        mdb_cursor_close(cursor);
        assert_int_equal(mdb_txn_commit(txn), 0);
        return code == 0;
}

static void tell_nothing(void *context, const char *line)
{
        (void)line;
        ++*(unsigned *)context;
}

/* Reads all there is of the zone. 0, or the first error. */
static int read_everything(struct store *store)
{
        static const uint8_t name[] = "\7example";
        struct store_read *read;
        struct store_zone zone;
        struct arena arena = {0};
        struct store_leaves *leaves;
        struct store_leaf leaf;
        struct store_chunk found;
        const void *value;
        size_t size;
        int r;

        assert_int_equal(store_read_begin(store, &read), 0);
        r = store_zone_find(read, name, &zone);
        if (r == 0)
                r = store_zone_files(read, &zone, &arena);
        if (r == 0) {
                assert_int_equal(store_leaves_open(read, zone.id, &leaves), 0);
                while ((r = store_leaves_next(leaves, &leaf)) == 0 && (r = store_leaf_check(&leaf)) == 0)
                        ;
                store_leaves_close(leaves);
        }
        for (uint32_t serial = 1; r >= 0 && serial < 5; serial++) {
                struct store_step step;

                r = store_step_from(read, &zone, serial, &step);
                for (unsigned piece = 1; r == 0 && piece <= step.removed_pieces + step.added_pieces; piece++)
                        r = store_step_piece(read, zone.id, step.version, piece, &leaf);
        }
        if (r >= 0)
                r = store_chunk_next(read, zone.id, 0, &found);
        if (r == 0)
                r = store_chunk_check(read, zone.id, found.key);
        if (r == 0)
                r = store_state_get(read, zone.id, "key", 3, &value, &size);
        arena_free(&arena);
        store_read_end(read);
        return r;
}

/* Any octet of any value: whoever reads it is told, and verify finds it. */
static void test_flipped_octets(void **state)
{
        struct fixture fixture;

        (void)state;
        begin(&fixture, 800);
        assert_int_equal(read_everything(fixture.store), 0);
        model_verify(fixture.store);
        for (enum store_database database = DATABASE_NAMES; database < DATABASE_COUNT; database++) {
                for (unsigned n = 0; tamper(fixture.store, database, n, 0, 0); n++) {
                        for (size_t at = 0; tamper(fixture.store, database, n, at, 0x10);) {
                                unsigned told = 0;

                                assert_int_equal(read_everything(fixture.store), -EUCLEAN);
                                assert_true(store_verify(fixture.store, tell_nothing, &told) > 0);
                                assert_true(told > 0);
                                assert_true(tamper(fixture.store, database, n, at, 0x10));
                                at += at < 24 ? 1 : 1 + model_random(&fixture.model, 1500);
                        }
                }
        }
        assert_int_equal(read_everything(fixture.store), 0);
        model_verify(fixture.store);
        end(&fixture);
}

/* What a publisher can do about it. */
static void test_mending(void **state)
{
        struct fixture fixture;
        struct store_batch *batch;
        struct store_read *read;
        struct store_zone zone;
        struct record_list none = {0}, removed = {0}, added = {0};
        struct store_step step;
        uint64_t version;

        (void)state;
        begin(&fixture, 800);
        struct model *model = &fixture.model;
        /* A leaf: an edit of it is refused, the whole zone anew is not. */
        for (unsigned n = 0; tamper(fixture.store, DATABASE_LEAVES, n, 500, 1); n++)
                ;
        model_edit(model, 5, &removed, &added);
        model_soa_set(model, 6);
        struct store_publication publication = model_publication(model, &removed, &added);
        assert_int_equal(store_batch_begin(fixture.store, &batch), 0);
        assert_int_equal(store_batch_publish(batch, &publication, &version), -EUCLEAN);
        store_batch_abort(batch);
        publication.records = &model->records;
        model_publish(model, fixture.store, &publication);
        model_verify(fixture.store);
        /* A step: the history before and after cannot be had, publishing goes on. */
        assert_true(tamper(fixture.store, DATABASE_STEPS, 0, 10, 1));
        assert_int_equal(store_read_begin(fixture.store, &read), 0);
        assert_int_equal(store_zone_find(read, model->apex, &zone), 0);
        assert_int_equal(store_step_from(read, &zone, 1, &step), -EUCLEAN);
        assert_int_equal(store_step_from(read, &zone, 2, &step), 0);
        struct buffer dump = {0};
        assert_int_equal(store_dump_zone(read, model->apex, true, &dump), 0);
        assert_non_null(strstr(buffer_text(&dump), "damaged"));
        buffer_free(&dump);
        store_read_end(read);
        publish(&fixture, 7, 5);
        assert_int_equal(store_read_begin(fixture.store, &read), 0);
        model_check(model, read);
        assert_int_equal(store_zone_find(read, model->apex, &zone), 0);
        assert_int_equal(store_step_from(read, &zone, 6, &step), 0);
        store_read_end(read);
        /* The row: what was left goes when the zone begins anew. */
        assert_true(tamper(fixture.store, DATABASE_ZONES, 0, 30, 1));
        publication = model_publication(model, &none, &none);
        assert_int_equal(store_batch_begin(fixture.store, &batch), 0);
        assert_int_equal(store_batch_publish(batch, &publication, &version), -EUCLEAN);
        store_batch_abort(batch);
        model->version = 0;
        publication = model_publication(model, NULL, NULL);
        model_publish(model, fixture.store, &publication);
        model_verify(fixture.store);
        /* Or when it is removed. */
        assert_int_equal(store_read_begin(fixture.store, &read), 0);
        assert_int_equal(store_zone_find(read, model->apex, &zone), 0);
        store_read_end(read);
        assert_true(tamper(fixture.store, DATABASE_ZONES, 0, 30, 1));
        assert_int_equal(store_batch_begin(fixture.store, &batch), 0);
        assert_int_equal(store_batch_zone_remove(batch, zone.id), 0);
        assert_int_equal(store_batch_commit(batch), 0);
        model_verify(fixture.store);
        record_list_free(&removed);
        record_list_free(&added);
        end(&fixture);
}

/* Another format, at the store's own mark. */
static void test_newer_format(void **state)
{
        struct fixture fixture;
        const char *why = NULL;
        MDB_txn *txn;
        uint8_t number[4] = {0, 0, 0, 2}, bytes[9];
        struct iovec piece = {number, 4};
        MDB_val key = {6, "format"}, value = {sizeof(bytes), bytes};
        struct store_options options = {0};

        (void)state;
        begin(&fixture, 10);
        value_seal(&piece, 1, bytes);
        assert_int_equal(mdb_txn_begin(fixture.store->env, NULL, 0, &txn), 0);
        assert_int_equal(mdb_put(txn, fixture.store->databases[DATABASE_META], &key, &value, 0), 0);
        assert_int_equal(mdb_txn_commit(txn), 0);
        store_close(fixture.store);
        options.directory = fixture.path;
        assert_int_equal(store_open(&options, &fixture.store, &why), -ENOTSUP);
        assert_non_null(strstr(why, "newer"));
        fixture.store = NULL;
        end(&fixture);
}

/* A put or a commit that fails leaves the store as it was, and usable. */
static void test_failing_calls(void **state)
{
        struct fixture fixture;
        struct store_read *read;

        (void)state;
        begin(&fixture, 800);
        for (unsigned n = 1; n < 12; n++) {
                struct record_list none = {0};
                struct store_batch *batch;
                char fault[64];
                uint64_t version;

                snprintf(fault, sizeof(fault),
                        n == 1 ? "store-commit:1:fail=EIO" : "store-put:%u:fail=ENOSPC", n / 2);
                struct record soa = fixture.model.soa;
                model_soa_set(&fixture.model, 100);
                struct store_publication publication = model_publication(&fixture.model, &none, &none);
                fixture.model.soa = soa;
                fault_set(fault);
                assert_int_equal(store_batch_begin(fixture.store, &batch), 0);
                int r = store_batch_publish(batch, &publication, &version);
                int committed = store_batch_commit(batch);
                fault_set(NULL);
                if (committed == 0) { /* it has fewer puts */
                        assert_true(n > 4);
                        model_soa_set(&fixture.model, 100);
                        fixture.model.version = version;
                        break;
                }
                assert_int_equal(committed, n == 1 ? -EIO : -ENOSPC);
                assert_int_equal(r, n == 1 ? 0 : -ENOSPC);
                assert_int_equal(store_read_begin(fixture.store, &read), 0);
                model_check(&fixture.model, read);
                store_read_end(read);
        }
        publish(&fixture, 200, 20);
        assert_int_equal(store_read_begin(fixture.store, &read), 0);
        model_check(&fixture.model, read);
        store_read_end(read);
        model_verify(fixture.store);
        end(&fixture);
}

/* Publishes for ever until the fault kills it; says each version that was committed. */
static void run_child(const char *path, const char *fault, int out)
{
        struct model model;
        struct store *store;

        store = model_store(path);
        model_begin(&model, "example.", 1, 4);
        model_fill(&model, 500);
        struct store_publication publication = model_publication(&model, NULL, NULL);
        fault_set(fault);
        model_publish(&model, store, &publication);
        for (uint32_t serial = 1; serial < 200; serial++) {
                if (write(out, &serial, 4) != 4)
                        break;
                model_step(&model, store, 12, serial + 1);
        }
        _exit(0);
}

/* Plays the same edits without a store. */
static void replay(struct model *model, uint32_t serial)
{
        model_begin(model, "example.", 1, 4);
        model_fill(model, 500);
        model->version = 1;
        for (uint32_t n = 2; n <= serial; n++) {
                struct record_list removed = {0}, added = {0};

                model_edit(model, 12, &removed, &added);
                model_soa_set(model, n);
                model->version++;
                record_list_free(&removed);
                record_list_free(&added);
        }
}

static void test_kills(void **state)
{
        static const char *const points[] = {"store-put", "store-commit", "store-committed"};

        (void)state;
        for (unsigned n = 0; n < 30; n++) {
                char path[64], fault[64];
                int out[2], status;
                uint32_t done = 0, got;
                struct store_zone zone;
                struct store_read *view;
                struct model model;

                model_directory(path);
                snprintf(fault, sizeof(fault), "%s:%u:kill", points[n % 3], n % 3 ? 1 + n * 2 : 5 + n * 23);
                assert_int_equal(pipe(out), 0);
                pid_t child = fork();
                if (child == 0) {
                        close(out[0]);
                        run_child(path, fault, out[1]);
                }
                close(out[1]);
                while (read(out[0], &got, 4) == 4)
                        done = got;
                close(out[0]);
                waitpid(child, &status, 0);
                assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
                struct store *store = model_store(path);
                model_verify(store);
                assert_int_equal(store_read_begin(store, &view), 0);
                static const uint8_t name[] = "\7example";
                int r = store_zone_find(view, name, &zone);
                uint32_t serial = r == 0 ? zone.serial : 0;
                /* Before the commit, or (when it died behind it) after. */
                assert_int_equal(serial, done + (n % 3 == 2));
                if (serial > 0) {
                        replay(&model, serial);
                        model_check(&model, view);
                        store_read_end(view);
                        model_step(&model, store, 30, serial + 1);
                        model_verify(store);
                        model_end(&model);
                } else {
                        store_read_end(view);
                }
                store_close(store);
                model_directory_remove(path);
        }
}

/* Killed from outside at any moment. */
static void test_kill_at_any_time(void **state)
{
        (void)state;
        for (unsigned n = 0; n < 15; n++) {
                char path[64];
                int out[2], status;
                uint32_t done = 0, got;
                struct store_read *view;
                struct store_zone zone;
                struct model model;

                model_directory(path);
                assert_int_equal(pipe(out), 0);
                pid_t child = fork();
                if (child == 0) {
                        close(out[0]);
                        run_child(path, NULL, out[1]);
                }
                close(out[1]);
                while (done < 5 + n * 7 && read(out[0], &got, 4) == 4)
                        done = got;
                usleep(n * 50);
                kill(child, SIGKILL);
                while (read(out[0], &got, 4) == 4)
                        done = got;
                close(out[0]);
                waitpid(child, &status, 0);
                struct store *store = model_store(path);
                model_verify(store);
                assert_int_equal(store_read_begin(store, &view), 0);
                static const uint8_t name[] = "\7example";
                assert_int_equal(store_zone_find(view, name, &zone), 0);
                assert_true(zone.serial == done || zone.serial == done + 1);
                replay(&model, zone.serial);
                model_check(&model, view);
                model_end(&model);
                store_read_end(view);
                store_close(store);
                model_directory_remove(path);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_flipped_octets),
                cmocka_unit_test(test_mending),
                cmocka_unit_test(test_newer_format),
                cmocka_unit_test(test_failing_calls),
                cmocka_unit_test(test_kills),
                cmocka_unit_test(test_kill_at_any_time),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
