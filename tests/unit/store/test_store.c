/* The store as a whole: opening, rows, names, files, text, state, views, batches, its limits. */
#include "model.h"

#include "base/crew.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/mount.h>
#include <sys/wait.h>

static void test_open(void **state)
{
        char path[64], file[128];
        const char *why = NULL;
        struct store *other = NULL;
        uint64_t used, limit;
        struct stat status;

        (void)state;
        model_directory(path);
        snprintf(file, sizeof(file), "%s/state", path);
        struct store_options options = {.directory = file, .limit_bytes = 64 << 20, .max_readers = 100};
        struct store *store;
        assert_int_equal(store_open(&options, &store, &why), 0);
        assert_int_equal(stat(file, &status), 0);
        assert_int_equal(status.st_mode & 07777, 0700);
        store_usage(store, &used, &limit);
        assert_int_equal(limit, 64 << 20);
        assert_true(used > 0 && used < 1 << 20);
        /* One daemon. */
        assert_int_equal(store_open(&options, &other, &why), -EBUSY);
        assert_non_null(strstr(why, "another"));
        assert_null(other);
        store_close(store);
        /* lock.mdb has no holes. */
        snprintf(file, sizeof(file), "%s/state/lock.mdb", path);
        assert_int_equal(stat(file, &status), 0);
        assert_true(status.st_blocks * 512 >= status.st_size && status.st_size >= 100 * 64);
        assert_int_equal(status.st_mode & 0777, 0600);
        snprintf(file, sizeof(file), "%s/state", path);
        assert_int_equal(store_open(&options, &store, &why), 0);
        store_close(store);
        /* Without a daemon, and without its lock file. */
        options.read_only = true;
        assert_int_equal(store_open(&options, &store, &why), 0);
        struct store_batch *batch;
        assert_int_equal(store_batch_begin(store, &batch), -EROFS);
        model_verify(store);
        store_close(store);
        snprintf(file, sizeof(file), "%s/state/lock.mdb", path);
        assert_int_equal(unlink(file), 0);
        snprintf(file, sizeof(file), "%s/state", path);
        assert_int_equal(store_open(&options, &store, &why), 0);
        store_close(store);
        options.directory = "/nonexistent/zonecrier/state";
        assert_int_equal(store_open(&options, &store, &why), -ENOENT);
        model_directory_remove(path);
}

static void test_not_ours(void **state)
{
        char path[64], file[128];
        const char *why = NULL;
        struct store *store;
        uint8_t junk[8192];

        (void)state;
        model_directory(path);
        snprintf(file, sizeof(file), "%s/data.mdb", path);
        memset(junk, 0x5a, sizeof(junk));
        int fd = open(file, O_CREAT | O_WRONLY, 0600);
        assert_int_equal(write(fd, junk, sizeof(junk)), sizeof(junk));
        close(fd);
        struct store_options options = {.directory = path};
        assert_int_equal(store_open(&options, &store, &why), -EUCLEAN);
        assert_non_null(why);
        unlink(file);
        /* A file cut short is told at once, not by a SIGBUS later. */
        store = model_store(path);
        struct model model;
        model_begin(&model, "example.", 1, 1);
        model_fill(&model, 3000);
        struct store_publication publication = model_publication(&model, NULL, NULL);
        model_publish(&model, store, &publication);
        store_close(store);
        assert_int_equal(truncate(file, 16384), 0);
        assert_int_equal(store_open(&options, &store, &why), -EUCLEAN);
        model_end(&model);
        model_directory_remove(path);
}

static void publish_name(struct store_batch *batch, const char *name, uint32_t serial)
{
        struct model model;

        model_begin(&model, name, serial, serial);
        struct store_publication publication = model_publication(&model, NULL, NULL);
        model_put(&model, batch, &publication);
        model_end(&model);
}

static void zone_name(const char *text, uint8_t name[static NAME_MAX_LENGTH])
{
        assert_int_equal(name_from_text(text, strlen(text), NULL, name, NULL, NULL), NAME_OK);
}

static void test_zones(void **state)
{
        char path[64];
        struct store_batch *batch;
        struct store_read *read;
        struct store_zone zone;
        uint8_t name[NAME_MAX_LENGTH];
        uint64_t position = 0, ids[3];

        (void)state;
        model_directory(path);
        struct store *store = model_store(path);
        assert_int_equal(store_batch_begin(store, &batch), 0);
        publish_name(batch, "b.example.", 10);
        publish_name(batch, "A.example.", 20);
        publish_name(batch, ".", 30);
        /* What a batch wrote it sees. */
        zone_name("a.EXAMPLE.", name);
        assert_int_equal(store_zone_find(store_batch_read(batch), name, &zone), 0);
        assert_int_equal(zone.serial, 20);
        assert_int_equal(store_batch_commit(batch), 0);
        assert_int_equal(store_read_begin(store, &read), 0);
        for (unsigned n = 0; n < 3; n++) {
                assert_int_equal(store_zone_next(read, &position, &zone), 0);
                assert_int_equal(zone.id, position);
                assert_int_equal(zone.serial, 10 * (n + 1));
                assert_int_equal(zone.era, 1);
                assert_int_equal(zone.step_count, 0);
                assert_int_equal(zone.leaf_count, 0);
                ids[n] = zone.id;
        }
        assert_int_equal(store_zone_next(read, &position, &zone), 1);
        assert_int_equal(store_zone_find(read, name, &zone), 0);
        zone_name("c.example.", name);
        assert_int_equal(store_zone_find(read, name, &zone), -ENOENT);
        /* A removed zone is gone for who looks anew; its id is not used again. */
        assert_int_equal(store_batch_begin(store, &batch), 0);
        assert_int_equal(store_batch_zone_remove(batch, ids[2]), 0);
        assert_int_equal(store_batch_commit(batch), 0);
        assert_int_equal(store_zone_get(read, ids[2], &zone), 0);
        assert_int_equal(store_read_renew(read), 0);
        assert_int_equal(store_zone_get(read, ids[2], &zone), -ENOENT);
        assert_int_equal(store_batch_begin(store, &batch), 0);
        publish_name(batch, ".", 40);
        assert_int_equal(store_batch_commit(batch), 0);
        assert_int_equal(store_read_renew(read), 0);
        name[0] = 0;
        assert_int_equal(store_zone_find(read, name, &zone), 0);
        assert_true(zone.id > ids[2]);
        store_read_end(read);
        model_verify(store);
        store_close(store);
        model_directory_remove(path);
}

static void test_row_update(void **state)
{
        char path[64];
        struct model model;
        struct store_batch *batch;
        struct store_read *read;
        struct store_zone zone;
        struct arena arena = {0};
        struct store_file files[] = {
                {"/etc/zones/example.zone", 1, 2, 3, -4, 5, 6, {7}}, {"include/\xff", 9, 8, 7, 6, 5, 4, {3}}};

        (void)state;
        model_directory(path);
        struct store *store = model_store(path);
        model_begin(&model, "example.", 1, 1);
        struct store_publication publication = model_publication(&model, NULL, NULL);
        publication.files = files;
        publication.file_count = 2;
        publication.flags = STORE_ZONE_BEHIND | STORE_ZONE_HAS_TEXT;
        model_publish(&model, store, &publication);
        assert_int_equal(store_read_begin(store, &read), 0);
        assert_int_equal(store_zone_find(read, model.apex, &zone), 0);
        assert_int_equal(zone.flags, STORE_ZONE_BEHIND); /* there is no text */
        assert_null(zone.files);
        assert_int_equal(store_zone_files(read, &zone, &arena), 0);
        assert_int_equal(zone.file_count, 2);
        for (unsigned n = 0; n < 2; n++) {
                assert_string_equal(zone.files[n].path, files[n].path);
                assert_int_equal(zone.files[n].device, files[n].device);
                assert_int_equal(zone.files[n].inode, files[n].inode);
                assert_int_equal(zone.files[n].size_bytes, files[n].size_bytes);
                assert_int_equal(zone.files[n].mtime_nsec, files[n].mtime_nsec);
                assert_int_equal(zone.files[n].ctime_nsec, files[n].ctime_nsec);
                assert_int_equal(zone.files[n].read_at_nsec, files[n].read_at_nsec);
                assert_memory_equal(zone.files[n].hash, files[n].hash, 32);
        }
        assert_int_equal(store_batch_begin(store, &batch), 0);
        assert_int_equal(store_batch_zone_update(
                                 batch, zone.id, STORE_ZONE_FROZEN | STORE_ZONE_HAS_TEXT, 77, files, 1),
                0);
        assert_int_equal(store_batch_commit(batch), 0);
        assert_int_equal(store_read_renew(read), 0);
        model_check(&model, read);
        assert_int_equal(store_zone_find(read, model.apex, &zone), 0);
        assert_int_equal(zone.flags, STORE_ZONE_FROZEN);
        assert_int_equal(zone.file_serial, 77);
        assert_int_equal(zone.version, 1);
        assert_int_equal(store_zone_files(read, &zone, &arena), 0);
        assert_int_equal(zone.file_count, 1);
        store_read_end(read);
        arena_free(&arena);
        model_verify(store);
        store_close(store);
        model_end(&model);
        model_directory_remove(path);
}

static void chunks_are(struct store *store, uint64_t zone_id, const char *expected)
{
        struct store_read *read;
        struct store_chunk chunk;
        struct buffer text = {0};
        uint64_t key = 0;
        int r;

        assert_int_equal(store_read_begin(store, &read), 0);
        for (; (r = store_chunk_next(read, zone_id, key, &chunk)) == 0; key = chunk.key + 1) {
                buffer_printf(&text, "%d:", (int)chunk.key);
                buffer_append(&text, chunk.state, chunk.state_length);
                buffer_append_u8(&text, '=');
                buffer_append(&text, chunk.bytes, chunk.length);
                buffer_append_u8(&text, ' ');
        }
        assert_int_equal(r, 1);
        assert_string_equal(buffer_text(&text), expected);
        buffer_free(&text);
        store_read_end(read);
}

static struct store_chunk chunk_make(uint64_t key, const char *state, const char *bytes)
{
        return (struct store_chunk){key, (const uint8_t *)state, strlen(state), bytes, strlen(bytes)};
}

static void test_text(void **state)
{
        char path[64];
        struct model model, other;
        struct record_list none = {0};
        struct store_batch *batch;
        struct store_read *read;
        struct store_zone zone;

        (void)state;
        model_directory(path);
        struct store *store = model_store(path);
        struct store_chunk whole[] = {
                chunk_make(10, "s", "one"), chunk_make(20, "", "two"), chunk_make(30, "t", "")};
        struct store_text_range range = {.chunks = whole, .count = 3};
        model_begin(&model, "example.", 1, 1);
        struct store_publication publication = model_publication(&model, NULL, NULL);
        publication.text_change = STORE_TEXT_WHOLE;
        publication.ranges = &range;
        publication.range_count = 1;
        model_publish(&model, store, &publication);
        model_begin(&other, "other.", 1, 1);
        publication = model_publication(&other, NULL, NULL);
        publication.text_change = STORE_TEXT_WHOLE;
        publication.ranges = &range;
        publication.range_count = 1;
        model_publish(&other, store, &publication);
        chunks_are(store, 1, "10:s=one 20:=two 30:t= ");
        assert_int_equal(store_read_begin(store, &read), 0);
        assert_int_equal(store_zone_get(read, 1, &zone), 0);
        assert_int_equal(zone.flags, STORE_ZONE_HAS_TEXT);

        struct store_chunk parts[] = {chunk_make(15, "u", "1.5"), chunk_make(20, "v", "2")};
        struct store_text_range ranges[] = {{11, 20, parts, 2}, {30, UINT64_MAX, NULL, 0}};
        model_soa_set(&model, 2);
        publication = model_publication(&model, &none, &none);
        publication.text_change = STORE_TEXT_RANGES;
        publication.ranges = ranges;
        publication.range_count = 2;
        model_publish(&model, store, &publication);
        chunks_are(store, 1, "10:s=one 15:u=1.5 20:v=2 ");
        chunks_are(store, 2, "10:s=one 20:=two 30:t= ");

        model_soa_set(&model, 3);
        publication = model_publication(&model, &none, &none);
        publication.text_change = STORE_TEXT_KEEP;
        model_publish(&model, store, &publication);
        assert_int_equal(store_read_renew(read), 0);
        assert_int_equal(store_zone_get(read, 1, &zone), 0);
        assert_int_equal(zone.flags, STORE_ZONE_HAS_TEXT);

        model_soa_set(&model, 4);
        publication = model_publication(&model, &none, &none);
        publication.text_change = STORE_TEXT_DROP;
        model_publish(&model, store, &publication);
        chunks_are(store, 1, "");
        chunks_are(store, 2, "10:s=one 20:=two 30:t= ");
        assert_int_equal(store_read_renew(read), 0);
        assert_int_equal(store_zone_get(read, 1, &zone), 0);
        assert_int_equal(zone.flags, 0);

        /* Ranges of a text that is not there. */
        uint64_t version;
        model_soa_set(&model, 5);
        publication = model_publication(&model, &none, &none);
        publication.text_change = STORE_TEXT_RANGES;
        assert_int_equal(store_batch_begin(store, &batch), 0);
        assert_int_equal(store_batch_publish(batch, &publication, &version), -EINVAL);
        store_batch_abort(batch);
        store_read_end(read);
        model_verify(store);
        store_close(store);
        model_end(&model);
        model_end(&other);
        model_directory_remove(path);
}

static void test_state_rows(void **state)
{
        char path[64], long_key[503];
        struct store_batch *batch;
        struct store_read *read;
        struct buffer position = {0};
        const void *value;
        size_t size;

        (void)state;
        model_directory(path);
        struct store *store = model_store(path);
        memset(long_key, 0xff, sizeof(long_key));
        assert_int_equal(store_batch_begin(store, &batch), 0);
        publish_name(batch, "one.", 1);
        publish_name(batch, "two.", 1);
        assert_int_equal(store_batch_state_put(batch, 1, "b", 1, "B", 1), 0);
        assert_int_equal(store_batch_state_put(batch, 1, "a", 1, "", 0), 0);
        assert_int_equal(store_batch_state_put(batch, 1, "a\0", 2, "A0", 2), 0);
        assert_int_equal(store_batch_state_put(batch, 1, long_key, 502, "long", 4), 0);
        assert_int_equal(store_batch_state_put(batch, 1, long_key, 503, "long", 4), -EINVAL);
        assert_int_equal(store_batch_state_put(batch, 1, "", 0, "", 0), -EINVAL);
        assert_int_equal(store_batch_state_put(batch, 2, "c", 1, "C", 1), 0);
        assert_int_equal(store_batch_state_put(batch, 0, "global", 6, "G", 1), 0);
        assert_int_equal(store_batch_state_put(batch, 99, "x", 1, "X", 1), -ENOENT);
        assert_int_equal(store_batch_commit(batch), 0);
        assert_int_equal(store_read_begin(store, &read), 0);
        assert_int_equal(store_state_get(read, 1, "b", 1, &value, &size), 0);
        assert_int_equal(size, 1);
        assert_memory_equal(value, "B", 1);
        assert_int_equal(store_state_get(read, 1, "c", 1, &value, &size), -ENOENT);
        static const struct {
                size_t key, value;
        } expected[] = {{1, 0}, {2, 2}, {1, 1}, {502, 4}};
        for (unsigned n = 0; n < 4; n++) {
                assert_int_equal(store_state_next(read, 1, &position, &value, &size), 0);
                assert_int_equal(position.length, expected[n].key);
                assert_int_equal(size, expected[n].value);
        }
        assert_int_equal(store_state_next(read, 1, &position, &value, &size), 1);
        assert_int_equal(store_batch_begin(store, &batch), 0);
        assert_int_equal(store_batch_state_delete(batch, 1, "b", 1), 0);
        assert_int_equal(store_batch_state_delete(batch, 1, "never", 5), 0);
        assert_int_equal(store_batch_zone_remove(batch, 2), 0);
        assert_int_equal(store_batch_commit(batch), 0);
        assert_int_equal(store_read_renew(read), 0);
        assert_int_equal(store_state_get(read, 1, "b", 1, &value, &size), -ENOENT);
        assert_int_equal(store_state_get(read, 2, "c", 1, &value, &size), -ENOENT);
        assert_int_equal(store_state_get(read, 0, "global", 6, &value, &size), 0);
        store_read_end(read);
        buffer_free(&position);
        model_verify(store);
        store_close(store);
        model_directory_remove(path);
}

/* A reader sees one version from first to last, whatever is committed meanwhile; one that moves on at the
 * same version goes on. */
static void test_readers(void **state)
{
        char path[64];
        struct model model, old = {0}, other;
        struct store_read *reads[2], *fresh;
        struct store_leaves *leaves;
        struct store_leaf leaf;
        struct store_zone zone;
        uint64_t records = 0;

        (void)state;
        model_directory(path);
        struct store *store = model_store(path);
        model_begin(&model, "example.", 1, 3);
        model.owner_count = 3000;
        model_fill(&model, 4000);
        struct store_publication publication = model_publication(&model, NULL, NULL);
        model_publish(&model, store, &publication);
        old = model;
        old.records = (struct record_list){0};
        for (size_t i = 0; i < model.records.count; i++)
                assert_int_equal(record_list_add(&old.records, &model.records.items[i]), 0);
        assert_int_equal(store_read_begin(store, &reads[0]), 0);
        assert_int_equal(store_read_begin(store, &reads[1]), 0);
        assert_int_equal(store_zone_find(reads[1], model.apex, &zone), 0);
        assert_int_equal(store_leaves_open(reads[1], zone.id, &leaves), 0);
        assert_true(zone.leaf_count > 6);
        for (unsigned n = 0; n < 3; n++) {
                assert_int_equal(store_leaves_next(leaves, &leaf), 0);
                records += leaf.record_count;
        }
        /* Another zone's commits: the view may be renewed. */
        uint64_t clock = store_written_bytes(store);
        assert_int_equal(store_read_clock(reads[1]), clock);
        model_begin(&other, "other.", 1, 4);
        publication = model_publication(&other, NULL, NULL);
        model_publish(&other, store, &publication);
        for (unsigned n = 0; n < 50; n++)
                model_step(&other, store, 3, 2 + n);
        assert_true(store_written_bytes(store) - clock > 50 * 4096);
        assert_true(store_written_bytes(store) - clock < 50 * 200000);
        assert_int_equal(store_read_renew(reads[1]), 0);
        assert_int_equal(store_read_clock(reads[1]), store_written_bytes(store));
        assert_int_equal(store_leaves_resume(leaves, reads[1]), 0);
        for (unsigned n = 0; n < 2; n++) {
                assert_int_equal(store_leaves_next(leaves, &leaf), 0);
                records += leaf.record_count;
        }
        assert_int_equal(store_read_begin(store, &fresh), 0);
        assert_int_equal(store_leaves_resume(leaves, fresh), 0);
        store_read_end(reads[1]);
        while (store_leaves_next(leaves, &leaf) == 0)
                records += leaf.record_count;
        assert_int_equal(records + 1, zone.record_count);
        store_leaves_close(leaves);
        store_read_end(fresh);
        for (unsigned n = 0; n < 100; n++) {
                model_step(&model, store, 20, 2 + n);
                if (n % 20 == 0)
                        model_check(&old, reads[0]);
        }
        model_check(&old, reads[0]);
        assert_int_equal(store_read_renew(reads[0]), 0);
        model_check(&model, reads[0]);
        store_read_end(reads[0]);
        model_verify(store);
        store_close(store);
        record_list_free(&old.records);
        model_end(&model);
        model_end(&other);
        model_directory_remove(path);
}

/* Pages taken and given back in one batch are never written: a data file that ends early is a good one. */
static void test_unwritten_pages(void **state)
{
        char path[64];
        struct model model;
        struct record_list all = {0}, none = {0};
        struct store_batch *batch;
        struct store_read *read;

        (void)state;
        model_directory(path);
        struct store *store = model_store(path);
        model_begin(&model, "example.", 1, 5);
        model.owner_count = 3000;
        model_fill(&model, 5000);
        assert_int_equal(store_batch_begin(store, &batch), 0);
        struct store_publication publication = model_publication(&model, NULL, NULL);
        model_put(&model, batch, &publication);
        all = model.records;
        model.records = (struct record_list){0};
        model.digest = (struct digest){0};
        model_soa_set(&model, 2);
        assert_int_equal(digest_add(&model.digest, &model.soa), 0);
        publication = model_publication(&model, &none, &none);
        publication.records = &model.records;
        publication.begins_era = true;
        model_put(&model, batch, &publication);
        assert_int_equal(store_batch_commit(batch), 0);
        for (unsigned n = 0; n < 2; n++) {
                store_close(store);
                store = model_store(path);
                assert_int_equal(store_read_begin(store, &read), 0);
                model_check(&model, read);
                store_read_end(read);
                model_verify(store);
                model_step(&model, store, 500, 3 + n);
        }
        store_close(store);
        record_list_free(&all);
        model_end(&model);
        model_directory_remove(path);
}

/* ---- threads ---- */

struct reader {
        struct store *store;
        const uint8_t *name;
        _Atomic bool *stop;
        unsigned rounds;
        bool failed;
};

/* Whatever it sees is one version: its records give its digest. */
static bool version_is_whole(struct store_read *read, const uint8_t *name)
{
        struct store_zone zone;
        struct store_records *records;
        struct record record;
        struct digest digest = {0};
        int r = store_zone_find(read, name, &zone);

        if (r == 0)
                r = store_records_open(read, zone.id, &records);
        if (r < 0)
                return false;
        while ((r = store_records_next(records, &record)) == 0)
                if (digest_add(&digest, &record) < 0)
                        break;
        store_records_close(records);
        return r == 1 && digest_add(&digest, &zone.soa) == 0 &&
               memcmp(digest.bytes, zone.digest.bytes, DIGEST_SIZE) == 0;
}

static void *reader_run(void *context)
{
        struct reader *reader = context;
        struct store_read *read;

        if (store_read_begin(reader->store, &read) < 0) {
                reader->failed = true;
                return NULL;
        }
        while (!*reader->stop && !reader->failed) {
                reader->failed = !version_is_whole(read, reader->name);
                reader->rounds++;
                if (store_read_renew(read) < 0)
                        reader->failed = true;
        }
        store_read_end(read);
        return NULL;
}

static void test_threads(void **state)
{
        char path[64];
        struct model model;
        _Atomic bool stop = false;
        struct reader readers[3];
        pthread_t threads[3];

        (void)state;
        model_directory(path);
        struct store *store = model_store(path);
        model_begin(&model, "example.", 1, 5);
        model.owner_count = 1000;
        model_fill(&model, 2000);
        struct store_publication publication = model_publication(&model, NULL, NULL);
        model_publish(&model, store, &publication);
        for (unsigned n = 0; n < 3; n++) {
                readers[n] = (struct reader){store, model.apex, &stop, 0, false};
                assert_int_equal(pthread_create(&threads[n], NULL, reader_run, &readers[n]), 0);
        }
        for (uint32_t serial = 2; serial < 150; serial++)
                model_step(&model, store, 20, serial);
        stop = true;
        for (unsigned n = 0; n < 3; n++) {
                pthread_join(threads[n], NULL);
                assert_false(readers[n].failed);
                assert_true(readers[n].rounds > 0);
        }
        store_close(store);
        model_end(&model);
        model_directory_remove(path);
}

/* The same zone twice in one batch, and a batch that is given up. */
static void test_batches(void **state)
{
        char path[64];
        struct model model;
        struct record_list removed = {0}, added = {0};
        struct store_batch *batch;
        struct store_read *read;

        (void)state;
        model_directory(path);
        struct store *store = model_store(path);
        model_begin(&model, "example.", 1, 5);
        model_edit(&model, 500, &removed, &added);
        assert_int_equal(store_batch_begin(store, &batch), 0);
        struct store_publication publication = model_publication(&model, NULL, NULL);
        model_put(&model, batch, &publication);
        removed.count = added.count = 0;
        model_edit(&model, 100, &removed, &added);
        model_soa_set(&model, 2);
        publication = model_publication(&model, &removed, &added);
        model_put(&model, batch, &publication);
        model_check(&model, store_batch_read(batch));
        assert_true(store_batch_dirty_bytes(batch) > 1000);
        assert_int_equal(store_batch_commit(batch), 0);
        assert_int_equal(store_batch_begin(store, &batch), 0);
        publish_name(batch, "never.", 1);
        store_batch_abort(batch);
        assert_int_equal(store_read_begin(store, &read), 0);
        model_check(&model, read);
        uint8_t name[NAME_MAX_LENGTH];
        struct store_zone zone;
        zone_name("never.", name);
        assert_int_equal(store_zone_find(read, name, &zone), -ENOENT);
        store_read_end(read);
        /* The whole anew over what is there, with a step beside it. */
        removed.count = added.count = 0;
        model_edit(&model, 300, &removed, &added);
        model_soa_set(&model, 3);
        publication = model_publication(&model, &removed, &added);
        publication.records = &model.records;
        model_publish(&model, store, &publication);
        assert_int_equal(store_read_begin(store, &read), 0);
        model_check(&model, read);
        struct store_step step;
        assert_int_equal(store_zone_find(read, model.apex, &zone), 0);
        assert_int_equal(store_step_from(read, &zone, 2, &step), 0);
        assert_string_equal(step.provenance, "file test.zone");
        /* A person's view of it. */
        struct buffer dump = {0};
        assert_int_equal(store_dump_zone(read, model.apex, true, &dump), 0);
        assert_non_null(strstr(buffer_text(&dump), "step 3: serial 2 to 3"));
        assert_non_null(strstr(buffer_text(&dump), "file test.zone"));
        buffer_free(&dump);
        store_read_end(read);
        model_verify(store);
        store_close(store);
        record_list_free(&removed);
        record_list_free(&added);
        model_end(&model);
        model_directory_remove(path);
}

/* Publishes until there is no room; then what was there is there, and with room it goes on. */
static void fill_up(struct store *store, struct model *model, unsigned rounds_max)
{
        struct store_read *read;
        uint32_t serial = model_serial(model);
        int r = 0;

        for (unsigned n = 0; n < rounds_max && r == 0; n++) {
                struct record_list removed = {0}, added = {0}, before = {0};
                struct store_batch *batch;
                struct digest digest = model->digest;
                struct record soa = model->soa;
                uint64_t version;

                for (size_t i = 0; i < model->records.count; i++)
                        assert_int_equal(record_list_add(&before, &model->records.items[i]), 0);
                model_edit(model, 2000, &removed, &added);
                model_soa_set(model, ++serial);
                struct store_publication publication = model_publication(model, &removed, &added);
                r = store_batch_begin(store, &batch);
                if (r == 0) {
                        r = store_batch_publish(batch, &publication, &version);
                        int committed = store_batch_commit(batch);
                        assert_true(r == 0 || committed == r);
                        r = committed;
                }
                if (r == 0) {
                        model->version = version;
                        record_list_free(&before);
                } else {
                        record_list_free(&model->records);
                        model->records = before;
                        model->digest = digest;
                        model->soa = soa;
                }
                record_list_free(&removed);
                record_list_free(&added);
        }
        assert_int_equal(r, -ENOSPC);
        assert_int_equal(store_read_begin(store, &read), 0);
        model_check(model, read);
        store_read_end(read);
        model_verify(store);
}

static void test_map_full(void **state)
{
        char path[64];
        struct model model;
        struct store_batch *batch;
        const char *why;
        struct store *store;

        (void)state;
        model_directory(path);
        struct store_options options = {.directory = path, .limit_bytes = 4 << 20};
        assert_int_equal(store_open(&options, &store, &why), 0);
        model_begin(&model, "example.", 1, 6);
        model.owner_count = 500;
        struct store_publication publication = model_publication(&model, NULL, NULL);
        model_publish(&model, store, &publication);
        fill_up(store, &model, 200);
        /* Room comes from dropping the history. */
        assert_int_equal(store_batch_begin(store, &batch), 0);
        publish_name(batch, "small.", 1);
        assert_int_equal(store_batch_commit(batch), 0);
        for (unsigned n = 0; n < 3; n++) {
                struct record_list none = {0};

                model_soa_set(&model, model_serial(&model) + 1);
                publication = model_publication(&model, &none, &none);
                publication.max_journal_bytes = 1000;
                model_publish(&model, store, &publication);
        }
        model_step(&model, store, 1000, model_serial(&model) + 1);
        model_verify(store);
        store_close(store);
        model_end(&model);
        model_directory_remove(path);
}

static void test_disk_full(void **state)
{
        char path[64], filler[128];
        struct model model;
        const char *why;
        struct store *store;
        struct store_read *read;
        static uint8_t block[65536];

        (void)state;
        model_directory(path);
        if (mount("none", path, "tmpfs", 0, "size=6m") < 0) {
                print_message("mounting a tmpfs is not allowed: skipped\n");
                model_directory_remove(path);
                skip();
        }
        struct store_options options = {.directory = path, .limit_bytes = 1ull << 30};
        assert_int_equal(store_open(&options, &store, &why), 0);
        model_begin(&model, "example.", 1, 6);
        model.owner_count = 500;
        struct store_publication publication = model_publication(&model, NULL, NULL);
        model_publish(&model, store, &publication);
        snprintf(filler, sizeof(filler), "%s/filler", path);
        int fd = open(filler, O_CREAT | O_WRONLY, 0600);
        for (unsigned n = 0; n < 16; n++)
                assert_int_equal(write(fd, block, sizeof(block)), sizeof(block));
        close(fd);
        fill_up(store, &model, 200);
        assert_int_equal(unlink(filler), 0);
        for (unsigned n = 0; n < 3; n++)
                model_step(&model, store, 100, model_serial(&model) + 1);
        fill_up(store, &model, 200);
        store_close(store);
        /* And again after a start. */
        assert_int_equal(store_open(&options, &store, &why), 0);
        assert_int_equal(store_read_begin(store, &read), 0);
        model_check(&model, read);
        store_read_end(read);
        model_verify(store);
        store_close(store);
        model_end(&model);
        umount2(path, MNT_DETACH);
        model_directory_remove(path);
}

static void test_damaged_arguments(void **state)
{
        char path[64];
        struct model model;
        struct store_batch *batch;
        uint64_t version;

        (void)state;
        model_directory(path);
        struct store *store = model_store(path);
        model_begin(&model, "example.", 1, 6);
        for (unsigned n = 0; n < 4; n++) {
                struct store_publication publication = model_publication(&model, NULL, NULL);
                uint8_t huge[65535] = {0};
                struct record record = {
                        .owner = model.apex, .rdata = huge, .rdata_length = 65535, .type = 65280};
                struct record_list list = {&record, 1, 1};
                int expected = -EINVAL;

                if (n == 0)
                        model_soa_set(&model, 0), publication.soa = model.soa;
                else if (n == 1)
                        publication.soa.rdata_length--;
                else if (n == 2)
                        publication.soa.owner = (const uint8_t *)"\2xx";
                else
                        publication.records = &list, expected = -EMSGSIZE;
                assert_int_equal(store_batch_begin(store, &batch), 0);
                assert_int_equal(store_batch_publish(batch, &publication, &version), expected);
                assert_int_equal(store_batch_commit(batch), expected);
                model_soa_set(&model, 1);
        }
        model_verify(store);
        store_close(store);
        model_end(&model);
        model_directory_remove(path);
}

/* A large zone, its leaves rendered by a crew; once more where there is one already, and where the crew is at
 * work when the batch fails. */
static void test_crew(void **state)
{
        char path[64];
        struct crew *crew;
        struct model model;
        struct record_list none = {0};

        (void)state;
        model_directory(path);
        struct store *store = model_store(path);
        assert_int_equal(crew_new(1, &crew), 0);
        model_begin(&model, "example.", 1, 5);
        model.owner_count = 1000000;
        for (unsigned i = 0; i < 150000; i++) {
                struct record record = model_record(&model);
                assert_int_equal(record_list_add(&model.records, &record), 0);
        }
        assert_int_equal(record_list_sort(&model.records, model.apex, NULL), 0);
        size_t kept = 0;
        for (size_t i = 0; i < model.records.count; i++)
                if (kept == 0 || !record_is_same(&model.records.items[kept - 1], &model.records.items[i]))
                        model.records.items[kept++] = model.records.items[i];
        model.records.count = kept;
        assert_int_equal(digest_add_list(&model.digest, &model.records, crew), 0);
        for (uint32_t serial = 1; serial <= 2; serial++) {
                struct store_chunk chunk = chunk_make(10, "s", "text");
                struct store_text_range range = {0, UINT64_MAX, &chunk, 1};
                struct store_batch *batch;
                struct store_read *read;
                uint64_t version;

                if (serial == 2) {
                        assert_int_equal(digest_remove(&model.digest, &model.soa), 0);
                        model_soa_set(&model, serial);
                        assert_int_equal(digest_add(&model.digest, &model.soa), 0);
                }
                struct store_publication publication = model_publication(&model, &none, &none);
                publication.records = &model.records;
                publication.crew = crew;
                publication.text_change = STORE_TEXT_WHOLE;
                publication.ranges = &range;
                publication.range_count = 1;
                /* A record that fits no message: what was begun ends, and nothing is written. */
                struct record last = model.records.items[kept - 1];
                model.records.items[kept - 1].rdata_length = 65535;
                model.records.items[kept - 1].rdata = model_alloc(&model, 65535);
                assert_int_equal(store_batch_begin(store, &batch), 0);
                assert_int_equal(store_batch_publish(batch, &publication, &version), -EMSGSIZE);
                assert_int_equal(store_batch_commit(batch), -EMSGSIZE);
                model.records.items[kept - 1] = last;

                model_publish(&model, store, &publication);
                assert_int_equal(store_read_begin(store, &read), 0);
                model_check(&model, read);
                store_read_end(read);
        }
        model_verify(store);
        store_close(store);
        crew_free(crew);
        model_end(&model);
        model_directory_remove(path);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_open),
                cmocka_unit_test(test_not_ours),
                cmocka_unit_test(test_zones),
                cmocka_unit_test(test_row_update),
                cmocka_unit_test(test_text),
                cmocka_unit_test(test_crew),
                cmocka_unit_test(test_state_rows),
                cmocka_unit_test(test_readers),
                cmocka_unit_test(test_batches),
                cmocka_unit_test(test_unwritten_pages),
                cmocka_unit_test(test_threads),
                cmocka_unit_test(test_map_full),
                cmocka_unit_test(test_disk_full),
                cmocka_unit_test(test_damaged_arguments),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
