/* Batches: the one write transaction, and what every change in it is made of. The publisher's thread alone.
 *
 * The first error sticks: a batch that met one can only be aborted, and its commit does that. After an abort
 * the environment is as it was: LMDB wrote nothing that is referred to. */
#include "store/store_data.h"

#include "base/crew.h"
#include "base/fault.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <time.h>

#define NEXT_ID_KEY "next-id"
#define READER_CHECK_EVERY 64
#define WRITE_OUT_NSEC 2000000

int batch_fail(struct store_batch *batch, int error)
{
        if (batch->error == 0)
                batch->error = error;
        return error;
}

static int next_id_load(struct store_batch *batch)
{
        const uint8_t *body;
        size_t length;
        int r = read_get(&batch->view, DATABASE_META, NEXT_ID_KEY, strlen(NEXT_ID_KEY), &body, &length);

        if (r == 0 && length == sizeof(uint64_t))
                batch->next_id = read_u64(body);
        else if (r == 0)
                r = -EUCLEAN;
        else if (r == -ENOENT)
                batch->next_id = 1, r = 0;
        return r;
}

int store_batch_begin(struct store *store, struct store_batch **ret_batch)
{
        struct store_batch *batch;
        int r, dead;

        if (store->read_only)
                return -EROFS;
        if (!store->writer && !(store->writer = calloc(1, sizeof(*store->writer))))
                return -ENOMEM;
        /* Slots of processes that died while they read pin pages for ever. */
        if (store->batches++ % READER_CHECK_EVERY == 0)
                mdb_reader_check(store->env, &dead);
        batch = calloc(1, sizeof(*batch));
        if (!batch)
                return -ENOMEM;
        batch->store = store;
        r = lmdb_error(mdb_txn_begin(store->env, NULL, 0, &batch->txn));
        if (r < 0) {
                free(batch);
                return r;
        }
        batch->view = (struct store_read){
                .store = store, .txn = batch->txn, .clock = store->written_bytes, .is_batch = true};
        r = next_id_load(batch);
        if (r < 0) {
                store_batch_abort(batch);
                return r;
        }
        *ret_batch = batch;
        return 0;
}

struct store_batch *store_batch_abort(struct store_batch *batch)
{
        if (!batch)
                return NULL;
        mdb_txn_abort(batch->txn);
        free(batch);
        return NULL;
}

struct store_read *store_batch_read(struct store_batch *batch)
{
        return &batch->view;
}

size_t store_batch_dirty_bytes(const struct store_batch *batch)
{
        return batch->dirty_bytes;
}

/* How many pages the commit took out of use: a reader that began before it keeps them from being used again.
 */
static uint64_t replaced_bytes(struct store *store, size_t txn_id)
{
        MDB_val key = {sizeof(txn_id), &txn_id}, value;
        size_t pages = 0;
        MDB_cursor *cursor;
        MDB_stat stat;
        MDB_txn *txn;

        if (mdb_env_stat(store->env, &stat) != 0 || mdb_txn_begin(store->env, NULL, MDB_RDONLY, &txn) != 0)
                return 0;
        if (mdb_cursor_open(txn, 0, &cursor) == 0) {
                if (mdb_cursor_get(cursor, &key, &value, MDB_SET) == 0 && value.mv_size >= sizeof(pages))
                        memcpy(&pages, value.mv_data, sizeof(pages));
                mdb_cursor_close(cursor);
        }
        mdb_txn_abort(txn);
        return pages * stat.ms_psize;
}

/* LMDB calls a short write EIO: where the disk is full that is what it was. */
static int commit_error(const struct store *store, int error)
{
        struct statvfs disk;

        if (error == -EIO && fstatvfs(store->directory_fd, &disk) == 0 && disk.f_bavail < 64)
                return -ENOSPC;
        return error;
}

static int next_id_save(struct store_batch *batch)
{
        uint8_t body[sizeof(uint64_t)];

        if (!batch->next_id_moved)
                return 0;
        write_u64(body, batch->next_id);
        return batch_put_body(batch, DATABASE_META, NEXT_ID_KEY, strlen(NEXT_ID_KEY), body, sizeof(body));
}

struct write_out {
        int fd;
        _Atomic bool is_over;
};

static void write_out(void *context, unsigned index)
{
        struct write_out *out = context;

        (void)index;
        while (!out->is_over) {
                if (sync_file_range(out->fd, 0, 0, SYNC_FILE_RANGE_WRITE) < 0)
                        return;
                nanosleep(&(struct timespec){.tv_nsec = WRITE_OUT_NSEC}, NULL);
        }
}

/* LMDB writes all pages and then syncs them. Of a whole large zone a helper sees to it that what is written
 * is on its way to the disk already; what makes it durable is LMDB's sync. */
static int commit(struct store_batch *batch)
{
        struct write_out out = {.fd = -1};

        if (!batch->crew || mdb_env_get_fd(batch->store->env, &out.fd) != 0)
                return mdb_txn_commit(batch->txn);
        crew_begin(batch->crew, write_out, &out, 1);
        int r = mdb_txn_commit(batch->txn);
        out.is_over = true;
        crew_end(batch->crew);
        return r;
}

int store_batch_commit(struct store_batch *batch)
{
        struct store *store = batch->store;
        size_t txn_id = mdb_txn_id(batch->txn);
        int r = batch->error;

        if (r == 0)
                r = next_id_save(batch);
        if (r == 0)
                r = fault_point("store-commit");
        if (r < 0) {
                store_batch_abort(batch);
                return r;
        }
        r = commit_error(store, lmdb_error(commit(batch)));
        free(batch);
        if (r < 0)
                return r;
        store->written_bytes += replaced_bytes(store, txn_id);
        (void)fault_point(
                "store-committed"); /* to die or to wait here: what is committed cannot fail any more */
        return 0;
}

int batch_put(struct store_batch *batch, enum store_database database, const void *key, size_t key_size,
        const struct iovec *pieces, size_t count, unsigned flags)
{
        MDB_val name = {key_size, (void *)key}, value = {VALUE_OVERHEAD, NULL};
        int r = batch->error;

        for (size_t i = 0; i < count; i++)
                value.mv_size += pieces[i].iov_len;
        if (r == 0)
                r = fault_point("store-put");
        if (r == 0)
                r = lmdb_error(mdb_put(
                        batch->txn, batch->store->databases[database], &name, &value, flags | MDB_RESERVE));
        if (r < 0)
                return batch_fail(batch, r);
        value_seal(pieces, count, value.mv_data);
        batch->dirty_bytes += key_size + value.mv_size;
        return 0;
}

int batch_put_body(struct store_batch *batch, enum store_database database, const void *key, size_t key_size,
        const void *body, size_t length)
{
        struct iovec piece = {(void *)body, length};

        return batch_put(batch, database, key, key_size, &piece, 1, 0);
}

int batch_delete(struct store_batch *batch, enum store_database database, const void *key, size_t key_size)
{
        MDB_val name = {key_size, (void *)key};
        int r = batch->error;

        if (r == 0)
                r = lmdb_error(mdb_del(batch->txn, batch->store->databases[database], &name, NULL));
        if (r == -ENOENT)
                return 0;
        batch->dirty_bytes += key_size;
        return r < 0 ? batch_fail(batch, r) : 0;
}

int batch_delete_range(struct store_batch *batch, enum store_database database, const void *first,
        const void *limit, size_t size)
{
        CLEANUP(read_cursor_close_later) MDB_cursor *cursor = NULL;
        int r = batch->error ? batch->error : read_cursor_open(&batch->view, database, &cursor);

        while (r == 0) {
                MDB_val key = {size, (void *)first}, value;

                r = cursor_move(cursor, &key, &value, MDB_SET_RANGE);
                if (r != 0 || key.mv_size < size || memcmp(key.mv_data, limit, size) >= 0)
                        break;
                batch->dirty_bytes += key.mv_size;
                r = lmdb_error(mdb_cursor_del(cursor, 0));
        }
        return r < 0 ? batch_fail(batch, r) : 0;
}

int batch_delete_zone_keys(struct store_batch *batch, enum store_database database, uint64_t zone_id)
{
        uint8_t first[ZONE_KEY_SIZE], limit[ZONE_KEY_SIZE];

        write_u64(first, zone_id);
        write_u64(limit, zone_id + 1);
        return batch_delete_range(batch, database, first, limit, sizeof(first));
}

int batch_zone_put(struct store_batch *batch, const struct store_zone *zone, const struct store_file *files,
        size_t count)
{
        CLEANUP(buffer_free) struct buffer body = {0};
        uint8_t key[ZONE_KEY_SIZE];
        int r = zone_row_encode(zone, files, count, &body);

        if (r < 0)
                return batch_fail(batch, r);
        write_u64(key, zone->id);
        return batch_put_body(batch, DATABASE_ZONES, key, sizeof(key), body.data, body.length);
}

uint64_t batch_zone_id(struct store_batch *batch)
{
        batch->next_id_moved = true;
        return batch->next_id++;
}
