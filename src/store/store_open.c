/* Opens and closes the environment. At start, before other threads.
 *
 *   DIRECTORY/           flock'ed for as long as the store is open: one daemon
 *   DIRECTORY/data.mdb   LMDB's file, mapped read-only: no stray write of ours can reach it
 *   DIRECTORY/lock.mdb   LMDB's table of readers, mapped shared: allocated in full here, for a hole in it
 * means SIGBUS on a full disk
 *
 * The map has one size from start to end: it cannot grow under readers. MDB_NOMEMINIT is not set: without it
 * LMDB clears what it writes, and nothing else of our memory gets into the file (I8). */
#include "store/store_data.h"

#include "base/crc32c.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define LIMIT_DEFAULT (64ull << 30)
#define READERS_DEFAULT 1024
#define READER_BYTES 64 /* LMDB's slot: a cache line */
#define LOCK_HEAD_BYTES 4096
#define FORMAT_KEY "format"
#define FORMAT_VALUE_SIZE 9 /* format octet, number, checksum: the same in every format to come */

static const char *const database_names[DATABASE_COUNT] = {
        [DATABASE_META] = "meta",
        [DATABASE_NAMES] = "names",
        [DATABASE_ZONES] = "zones",
        [DATABASE_LEAVES] = "leaves",
        [DATABASE_STEPS] = "steps",
        [DATABASE_SERIALS] = "serials",
        [DATABASE_TEXT] = "text",
        [DATABASE_STATE] = "state",
};

static int fail(int error, const char *sentence, const char **why)
{
        *why = sentence;
        return error;
}

static const char *open_error_sentence(int error)
{
        switch (error) {
        case -ENOTSUP:
                return "the state was written by another version of LMDB";
        case -EUCLEAN:
                return "data.mdb in the state directory is damaged or no data file of this program";
        case -ENOSPC:
                return "the disk of the state directory is full";
        case -ENOENT:
                return "there is no data.mdb in the state directory";
        case -EACCES:
                return "a file in the state directory cannot be opened: it belongs to another user";
        default:
                return "the state directory's data.mdb cannot be opened";
        }
}

static int directory_open(struct store *store, const char *directory, const char **why)
{
        if (!store->read_only && mkdir(directory, 0700) < 0 && errno != EEXIST)
                return fail(-errno, "the state directory cannot be made", why);
        store->directory_fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (store->directory_fd < 0)
                return fail(-errno, "the state directory cannot be opened", why);
        if (!store->read_only && flock(store->directory_fd, LOCK_EX | LOCK_NB) < 0)
                return errno == EWOULDBLOCK
                               ? fail(-EBUSY, "another zonecrierd holds the state directory", why)
                               : fail(-errno, "the state directory cannot be locked", why);
        return 0;
}

static int lock_file_allocate(const struct store *store, unsigned max_readers, const char **why)
{
        CLEANUP_CLOSE int fd = openat(store->directory_fd, "lock.mdb", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        int r;

        if (fd < 0)
                return fail(-errno, "lock.mdb cannot be made in the state directory", why);
        r = -posix_fallocate(fd, 0, LOCK_HEAD_BYTES + (off_t)max_readers * READER_BYTES);
        return r < 0 ? fail(r, "there is no room for lock.mdb in the state directory", why) : 0;
}

static unsigned environment_flags(const struct store *store)
{
        if (!store->read_only)
                return MDB_NOTLS;
        /* Nobody ever opened it for writing, or somebody took the lock file away: then no daemon runs here.
         */
        if (faccessat(store->directory_fd, "lock.mdb", R_OK | W_OK, AT_EACCESS) < 0)
                return MDB_NOTLS | MDB_RDONLY | MDB_NOLOCK;
        return MDB_NOTLS | MDB_RDONLY;
}

/* The file may end before the last page that was ever in use: one that was taken and given back within a
 * transaction is never written. Where it was cut by somebody it does too, and reading there would be a
 * SIGBUS. So it is made as long as its root says: a page that is lost reads as zeros then, which LMDB and the
 * checksums tell. */
static int data_file_extend(const struct store *store, const char **why)
{
        CLEANUP_CLOSE int fd = openat(store->directory_fd, "data.mdb", O_RDWR | O_CLOEXEC);
        MDB_envinfo info;
        MDB_stat pages;
        struct stat file;
        off_t size;

        if (fd < 0)
                return store->read_only ? 0 : fail(-errno, "data.mdb cannot be written", why);
        if (mdb_env_info(store->env, &info) != 0 || mdb_env_stat(store->env, &pages) != 0 ||
                fstat(fd, &file) < 0)
                return fail(-EIO, "data.mdb cannot be read", why);
        size = (off_t)((info.me_last_pgno + 1) * pages.ms_psize);
        if (file.st_size >= size)
                return 0;
        /* Without the directory's lock a daemon may be at work: then never by a call that could shorten. */
        if (store->read_only)
                (void)posix_fallocate(fd, size - 1, 1);
        else if (ftruncate(fd, size) < 0)
                return fail(-errno, "data.mdb cannot be written", why);
        return 0;
}

static int environment_open(struct store *store, const struct store_options *options, const char **why)
{
        unsigned readers = options->max_readers ? options->max_readers : READERS_DEFAULT;
        int r = lmdb_error(mdb_env_create(&store->env));

        if (r < 0)
                return fail(r, "memory is out", why);
        store->limit_bytes = options->limit_bytes ? options->limit_bytes : LIMIT_DEFAULT;
        mdb_env_set_maxdbs(store->env, DATABASE_COUNT);
        mdb_env_set_maxreaders(store->env, readers);
        r = lmdb_error(mdb_env_set_mapsize(store->env, store->limit_bytes));
        if (r < 0)
                return fail(r, "store-size-limit is no size that can be mapped", why);
        if (!store->read_only) {
                r = lock_file_allocate(store, readers, why);
                if (r < 0)
                        return r;
        }
        r = lmdb_error(mdb_env_open(store->env, options->directory, environment_flags(store), 0600));
        if (r < 0)
                return fail(r, open_error_sentence(r), why);
        store_map_find(store);
        return data_file_extend(store, why);
}

static int format_check(struct store *store, MDB_txn *txn, const char **why)
{
        MDB_val key = {strlen(FORMAT_KEY), FORMAT_KEY}, value;
        const uint8_t *bytes;
        int r = lmdb_error(mdb_get(txn, store->databases[DATABASE_META], &key, &value));

        if (r == -ENOENT || (r == 0 && value.mv_size != FORMAT_VALUE_SIZE))
                return fail(-EUCLEAN, "data.mdb does not say its format", why);
        if (r < 0)
                return fail(r, "data.mdb cannot be read", why);
        bytes = value.mv_data;
        if (crc32c(0, bytes, FORMAT_VALUE_SIZE - 4) != read_u32(bytes + FORMAT_VALUE_SIZE - 4))
                return fail(-EUCLEAN, "data.mdb is damaged where it says its format", why);
        if (read_u32(bytes + 1) != STORE_FORMAT)
                return fail(-ENOTSUP,
                        "the state was written by a newer version of this program; it is left as it is", why);
        return 0;
}

static int format_write(struct store *store, MDB_txn *txn)
{
        uint8_t number[4], bytes[FORMAT_VALUE_SIZE];
        struct iovec piece = {number, sizeof(number)};
        MDB_val key = {strlen(FORMAT_KEY), FORMAT_KEY}, value = {sizeof(bytes), bytes};

        write_u32(number, STORE_FORMAT);
        value_seal(&piece, 1, bytes);
        return lmdb_error(mdb_put(txn, store->databases[DATABASE_META], &key, &value, 0));
}

/* Opens the databases in one transaction; makes them where the file holds nothing yet. */
static int databases_open(struct store *store, MDB_txn *txn, const char **why)
{
        unsigned flags = 0;
        int r = lmdb_error(
                mdb_dbi_open(txn, database_names[DATABASE_META], 0, &store->databases[DATABASE_META]));

        if (r == -ENOENT) {
                MDB_stat root;

                if (store->read_only || mdb_env_stat(store->env, &root) != 0 || root.ms_entries > 0)
                        return fail(-EUCLEAN, "data.mdb is no data file of this program", why);
                flags = MDB_CREATE;
                r = lmdb_error(mdb_dbi_open(
                        txn, database_names[DATABASE_META], flags, &store->databases[DATABASE_META]));
                if (r == 0)
                        r = format_write(store, txn);
        }
        if (r < 0)
                return fail(r, "data.mdb cannot be read", why);
        r = format_check(store, txn, why);
        for (int i = DATABASE_META + 1; r == 0 && i < DATABASE_COUNT; i++) {
                r = lmdb_error(mdb_dbi_open(txn, database_names[i], flags, &store->databases[i]));
                if (r < 0)
                        fail(r, "data.mdb lacks a part of it", why);
        }
        return r == -ENOENT ? -EUCLEAN : r;
}

static int content_open(struct store *store, const char **why)
{
        MDB_txn *txn;
        int r = lmdb_error(mdb_txn_begin(store->env, NULL, store->read_only ? MDB_RDONLY : 0, &txn));

        if (r < 0)
                return fail(r, "data.mdb cannot be read", why);
        r = databases_open(store, txn, why);
        if (r < 0) {
                mdb_txn_abort(txn);
                return r;
        }
        r = lmdb_error(mdb_txn_commit(txn)); /* handles of databases stay only by a commit */
        if (r < 0)
                return fail(r, "data.mdb cannot be written", why);
        /* The names of the two files, durable too. */
        if (!store->read_only && fsync(store->directory_fd) < 0)
                return fail(-errno, "the state directory cannot be synced", why);
        return 0;
}

int store_open(const struct store_options *options, struct store **ret_store, const char **ret_why)
{
        struct store *store = calloc(1, sizeof(*store));
        const char *why = "memory is out";
        int r = -ENOMEM;

        if (store) {
                store->directory_fd = -1;
                store->read_only = options->read_only;
                r = directory_open(store, options->directory, &why);
                if (r == 0)
                        r = environment_open(store, options, &why);
                if (r == 0)
                        r = content_open(store, &why);
        }
        if (r < 0) {
                store_close(store);
                if (ret_why)
                        *ret_why = why;
                return r;
        }
        *ret_store = store;
        return 0;
}

struct store *store_close(struct store *store)
{
        if (!store)
                return NULL;
        if (store->env)
                mdb_env_close(store->env);
        if (store->directory_fd >= 0)
                close(store->directory_fd);
        free(store->writer);
        free(store);
        return NULL;
}

/* Pages that are free, as LMDB keeps account of them: its database 0 holds a list for each commit, the count
 * first. */
static uint64_t free_pages(MDB_txn *txn)
{
        uint64_t pages = 0;
        MDB_cursor *cursor;
        MDB_val key, value;
        size_t count;

        if (mdb_cursor_open(txn, 0, &cursor) != 0)
                return 0;
        while (mdb_cursor_get(cursor, &key, &value, MDB_NEXT) == 0) {
                memcpy(&count, value.mv_data, sizeof(count));
                pages += count;
        }
        mdb_cursor_close(cursor);
        return pages;
}

void store_usage(const struct store *store, uint64_t *ret_used_bytes, uint64_t *ret_limit_bytes)
{
        MDB_envinfo info;
        MDB_stat pages;
        MDB_txn *txn;

        *ret_used_bytes = 0;
        *ret_limit_bytes = store->limit_bytes;
        if (mdb_txn_begin(store->env, NULL, MDB_RDONLY, &txn) != 0)
                return;
        if (mdb_env_info(store->env, &info) == 0 && mdb_env_stat(store->env, &pages) == 0) {
                *ret_limit_bytes = info.me_mapsize;
                *ret_used_bytes = (info.me_last_pgno + 1 - free_pages(txn)) * pages.ms_psize;
        }
        mdb_txn_abort(txn);
}
