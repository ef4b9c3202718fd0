/* A zone as a test knows it: its records in a sorted list, what an edit does to it, and a store to publish it
 * in. Random, from a seed that a failing test prints. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/buffer.h"
#include "dns/message.h"
#include "dns/type.h"
#include "store/store.h"

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct model {
        struct arena arena;
        uint8_t apex[NAME_MAX_LENGTH];
        struct record_list records; /* sorted, without the SOA */
        struct record soa;
        struct digest digest;
        uint64_t version;
        uint64_t seed;
        unsigned owner_count; /* how many owners random records have */
        size_t rdata_max;     /* of the larger random records */
        bool odd_names;       /* long ones, full of octets 0 and 1 */
};

static inline uint32_t model_random(struct model *model, uint32_t bound)
{
        model->seed = model->seed * 6364136223846793005u + 1442695040888963407u;
        return (uint32_t)((model->seed >> 33) % bound);
}

static inline void *model_alloc(struct model *model, size_t size)
{
        void *bytes = arena_alloc(&model->arena, size);

        assert_non_null(bytes);
        return bytes;
}

static inline void model_soa_set(struct model *model, uint32_t serial)
{
        uint8_t *rdata = model_alloc(model, 64);
        size_t length = 0;

        memcpy(rdata, "\2ns\7Example\0\4host\7example\0", 26);
        length = 26;
        for (unsigned i = 0; i < 5; i++, length += 4)
                write_u32(rdata + length, i == 0 ? serial : 3600 * i);
        model->soa = (struct record){.owner = model->apex,
                .rdata = rdata,
                .rdata_length = (uint16_t)length,
                .type = TYPE_SOA,
                .ttl = 3600};
}

static inline void model_begin(struct model *model, const char *apex, uint32_t serial, uint64_t seed)
{
        *model = (struct model){.seed = seed, .owner_count = 200, .rdata_max = 300};
        assert_int_equal(name_from_text(apex, strlen(apex), NULL, model->apex, NULL, NULL), NAME_OK);
        model_soa_set(model, serial);
        assert_int_equal(digest_add(&model->digest, &model->soa), 0);
}

static inline uint32_t model_serial(const struct model *model)
{
        return read_u32(model->soa.rdata + model->soa.rdata_length - 20);
}

static inline void model_end(struct model *model)
{
        record_list_free(&model->records);
        arena_free(&model->arena);
}

/* Owner number n, its letters now and then upper case. */
static inline const uint8_t *model_owner(struct model *model, unsigned n)
{
        uint8_t name[2 * NAME_MAX_LENGTH];
        size_t apex_length = name_length(model->apex), length = 0;
        unsigned kind = model->odd_names ? n % 3 : 9;

        if (kind < 2) { /* as long as it may be, alike in all but the first label: the keys are cut */
                length += (size_t)sprintf((char *)name + 1, "o%u", n) + 1;
                name[0] = (uint8_t)(length - 1);
                while (length + 64 + apex_length <= NAME_MAX_LENGTH) {
                        name[length] = 63;
                        memset(name + length + 1, (int)kind, 63);
                        length += 64;
                }
        } else if (n % 17 == 1) {
                length = (size_t)sprintf((char *)name, "\1*%cw%02u", 3, n % 100);
        } else if (n > 0) {
                char digits[16];

                sprintf(digits, "h%u", n);
                length = (size_t)sprintf((char *)name, "%c%s%csub", (int)strlen(digits), digits, 3);
                if (n % 2)
                        length -= 4;
        }
        if (model_random(model, 8) == 0)
                for (size_t i = 0; i < length; i++)
                        if (name[i] >= 'a' && name[i] <= 'z')
                                name[i] -= 32;
        memcpy(name + length, model->apex, apex_length);
        assert_true(name_check(name, length + apex_length) == length + apex_length);
        return memcpy(model_alloc(model, length + apex_length), name, length + apex_length);
}

static inline struct record model_record(struct model *model)
{
        static const uint16_t types[] = {
                TYPE_A, TYPE_A, TYPE_A, TYPE_AAAA, TYPE_MX, TYPE_TXT, TYPE_NS, 65280};
        struct record record = {.type = types[model_random(model, 8)], .ttl = 300 + model_random(model, 3)};
        size_t length = 4;
        uint8_t *rdata;

        record.owner = model_owner(model, model_random(model, model->owner_count));
        if (record.type == TYPE_AAAA)
                length = 16;
        else if (record.type == TYPE_TXT)
                length = 2 + model_random(model, 200);
        else if (record.type == 65280)
                length = model_random(model, (uint32_t)model->rdata_max);
        rdata = model_alloc(model, length + 32);
        for (size_t i = 0; i < length; i++)
                rdata[i] = (uint8_t)model_random(model, 256);
        if (record.type == TYPE_TXT)
                rdata[0] = (uint8_t)(length - 1);
        if (record.type == TYPE_MX || record.type == TYPE_NS) {
                size_t at = record.type == TYPE_MX ? 2 : 0;

                rdata[0] = 0;
                length = at +
                         (size_t)sprintf((char *)rdata + at, "\4mx%02u%c%s", model_random(model, 100), 7,
                                 model_random(model, 2) ? "example" : "Example") +
                         1;
        }
        record.rdata = rdata;
        record.rdata_length = (uint16_t)length;
        return record;
}

/* Where the record is, or would be. */
static inline size_t model_find(const struct model *model, const struct record *record, bool *ret_is_there)
{
        size_t low = 0, high = model->records.count;

        while (low < high) {
                size_t middle = low + (high - low) / 2;

                if (record_compare(&model->records.items[middle], record) < 0)
                        low = middle + 1;
                else
                        high = middle;
        }
        *ret_is_there = low < model->records.count && record_compare(&model->records.items[low], record) == 0;
        return low;
}

static inline void model_insert(struct model *model, size_t at, const struct record *record)
{
        assert_int_equal(record_list_add(&model->records, record), 0);
        memmove(&model->records.items[at + 1], &model->records.items[at],
                (model->records.count - 1 - at) * sizeof(*record));
        model->records.items[at] = *record;
        assert_int_equal(digest_add(&model->digest, record), 0);
}

static inline void model_delete(struct model *model, size_t at)
{
        assert_int_equal(digest_remove(&model->digest, &model->records.items[at]), 0);
        model->records.count--;
        memmove(&model->records.items[at], &model->records.items[at + 1],
                (model->records.count - at) * sizeof(struct record));
}

static inline void model_add(struct model *model, const struct record *record, struct record_list *added)
{
        bool is_there;
        size_t at = model_find(model, record, &is_there);

        if (is_there)
                return;
        model_insert(model, at, record);
        assert_int_equal(record_list_add(added, record), 0);
}

/* The delta of two sorted lists: what a publisher would hand on. */
static inline void model_delta(const struct record_list *before, const struct record_list *after,
        struct record_list *removed, struct record_list *added)
{
        size_t i = 0, j = 0;

        while (i < before->count || j < after->count) {
                int order = i == before->count  ? 1
                            : j == after->count ? -1
                                                : record_compare(&before->items[i], &after->items[j]);

                if (order == 0 && record_is_identical(&before->items[i], &after->items[j])) {
                        i++, j++;
                        continue;
                }
                if (order <= 0)
                        assert_int_equal(record_list_add(removed, &before->items[i++]), 0);
                if (order >= 0)
                        assert_int_equal(record_list_add(added, &after->items[j++]), 0);
        }
}

/* Random changes; the delta comes out. */
static inline void model_edit(
        struct model *model, unsigned changes, struct record_list *removed, struct record_list *added)
{
        struct record_list before = {0}, ignored = {0};

        for (size_t i = 0; i < model->records.count; i++)
                assert_int_equal(record_list_add(&before, &model->records.items[i]), 0);
        for (unsigned n = 0; n < changes; n++) {
                unsigned kind = model_random(model, 10);
                size_t count = model->records.count;

                if (kind < 5 || count == 0) {
                        struct record record = model_record(model);

                        model_add(model, &record, &ignored);
                } else if (kind < 8) {
                        model_delete(model, model_random(model, (uint32_t)count));
                } else { /* another TTL, or another case */
                        size_t at = model_random(model, (uint32_t)count);
                        struct record record = model->records.items[at];

                        if (kind == 8) {
                                record.ttl++;
                        } else {
                                size_t length = name_length(record.owner);
                                uint8_t *owner = memcpy(model_alloc(model, length), record.owner, length);

                                if (owner[0] > 0 && owner[1] >= 'A')
                                        owner[1] ^= 0x20;
                                record.owner = owner;
                        }
                        model_delete(model, at);
                        model_insert(model, at, &record);
                }
        }
        model_delta(&before, &model->records, removed, added);
        record_list_free(&before);
        record_list_free(&ignored);
}

/* Begins with about that many records. */
static inline void model_fill(struct model *model, unsigned count)
{
        struct record_list added = {0};

        for (unsigned n = 0; n < count; n++) {
                struct record record = model_record(model);

                model_add(model, &record, &added);
        }
        record_list_free(&added);
}

/* ---- the store ---- */

static inline int model_remove_file(const char *path, const struct stat *status, int kind, struct FTW *walk)
{
        (void)status, (void)kind, (void)walk;
        return remove(path);
}

static inline void model_directory(char path[static 64])
{
        /* In memory where that is possible: thousands of syncs, and none of the tests is about the power. */
        strcpy(path, access("/dev/shm", W_OK) == 0 ? "/dev/shm/test-store-XXXXXX" : "/tmp/test-store-XXXXXX");
        assert_non_null(mkdtemp(path));
}

static inline void model_directory_remove(const char *path)
{
        nftw(path, model_remove_file, 16, FTW_DEPTH | FTW_PHYS);
}

static inline struct store *model_store(const char *path)
{
        struct store_options options = {.directory = path, .limit_bytes = 1ull << 30};
        struct store *store;
        const char *why = "";
        int r = store_open(&options, &store, &why);

        if (r < 0)
                fail_msg("store_open: %s: %s", strerror(-r), why);
        return store;
}

/* A publication of the model as it is; the caller may change it. */
static inline struct store_publication model_publication(
        struct model *model, const struct record_list *removed, const struct record_list *added)
{
        return (struct store_publication){
                .name = model->apex,
                .base_version = model->version,
                .begins_era = model->version == 0,
                .soa = model->soa,
                .file_serial = model_serial(model),
                .records = model->version == 0 ? &model->records : NULL,
                .removed = removed,
                .added = added,
                .digest = model->digest,
                .published_usec = 1700000000000000,
                .provenance = "file test.zone",
                .max_journal_bytes = UINT64_MAX,
        };
}

static inline void model_put(
        struct model *model, struct store_batch *batch, const struct store_publication *publication)
{
        uint64_t version;
        int r = store_batch_publish(batch, publication, &version);

        assert_int_equal(r, 0);
        assert_int_equal(version, model->version + 1);
        model->version = version;
}

static inline void model_publish(
        struct model *model, struct store *store, const struct store_publication *publication)
{
        struct store_batch *batch;

        assert_int_equal(store_batch_begin(store, &batch), 0);
        model_put(model, batch, publication);
        assert_int_equal(store_batch_commit(batch), 0);
}

/* An edit with the next serial, published. */
static inline void model_step(struct model *model, struct store *store, unsigned changes, uint32_t serial)
{
        struct record_list removed = {0}, added = {0};

        model_edit(model, changes, &removed, &added);
        model_soa_set(model, serial);
        struct store_publication publication = model_publication(model, &removed, &added);
        model_publish(model, store, &publication);
        record_list_free(&removed);
        record_list_free(&added);
}

static inline void model_tell(void *context, const char *line)
{
        (void)context;
        print_message("%s\n", line);
}

static inline void model_verify(struct store *store)
{
        assert_int_equal(store_verify(store, model_tell, NULL), 0);
}

static inline void assert_identical(const struct record *left, const struct record *right)
{
        assert_true(record_is_identical(left, right));
}

/* The store's content is the model's. */
static inline void model_check(struct model *model, struct store_read *read)
{
        struct store_zone zone;
        struct store_records *records;
        struct record record;
        int r;

        assert_int_equal(store_zone_find(read, model->apex, &zone), 0);
        assert_int_equal(zone.version, model->version);
        assert_int_equal(zone.serial, model_serial(model));
        assert_int_equal(zone.record_count, model->records.count + 1);
        assert_identical(&zone.soa, &model->soa);
        assert_int_equal(store_records_open(read, zone.id, &records), 0);
        for (size_t i = 0; i < model->records.count; i++) {
                r = store_records_next(records, &record);
                assert_int_equal(r, 0);
                assert_identical(&record, &model->records.items[i]);
        }
        assert_int_equal(store_records_next(records, &record), 1);
        store_records_close(records);
}
