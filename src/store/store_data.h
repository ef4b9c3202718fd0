/* Private to store/: what its files share. The data model is drawn in store.h. */
#pragma once

#include "base/buffer.h"
#include "base/cleanup.h"
#include "dns/render.h"
#include "store/store.h"

#include <lmdb.h>
#include <sys/uio.h>

enum store_database {
        DATABASE_META, /* "format" -> the format number; "next-id" -> the next zone's id */
        DATABASE_NAMES,
        DATABASE_ZONES,
        DATABASE_LEAVES,
        DATABASE_STEPS,
        DATABASE_SERIALS,
        DATABASE_TEXT,
        DATABASE_STATE,
        DATABASE_COUNT,
};

#define STORE_KEY_MAX 511 /* LMDB's */
#define ZONE_KEY_SIZE 8
#define STEP_KEY_SIZE 20 /* id, version, piece */
#define SERIAL_KEY_SIZE 12
#define CHUNK_KEY_SIZE 16

struct leaf_writer;

struct store {
        MDB_env *env;
        MDB_dbi databases[DATABASE_COUNT];
        int directory_fd; /* flock'ed, but for read-only */
        bool read_only;
        uint64_t limit_bytes;
        void *map; /* where LMDB has its file; NULL = not found */
        size_t map_bytes;
        _Atomic uint64_t written_bytes; /* pages that commits took out of use, in octets */
        struct leaf_writer *writer;     /* the publisher's scratch, made at the first batch */
        uint64_t batches;
};

/* Its size never changes while it is open, so neither does its place. */
int store_map_find(struct store *store);

struct store_read {
        struct store *store;
        MDB_txn *txn;
        uint64_t clock;
        bool is_batch; /* the uncommitted view of a batch: it owns txn */
        MDB_cursor *zones;
        uint64_t zones_at; /* the id where `zones` stands */
        MDB_cursor *chunks;
        uint64_t chunks_zone, chunks_at; /* and where `chunks` does */
};

struct store_batch {
        struct store *store;
        MDB_txn *txn;
        struct store_read view;
        size_t dirty_bytes;
        int error; /* the first: from then on the batch can only be aborted */
        uint64_t next_id;
        bool next_id_moved;
        struct crew *crew; /* of a whole zone that is in it */
};

/* ---- lmdb_error.c ---- */

/* LMDB's codes (its own are negative, the system's positive) as negative errno. */
int lmdb_error(int code);

/* ---- value.c ---- */

/* A value is | format 1 | body | CRC32C of all before, 4 octets |. */
#define VALUE_OVERHEAD 5

/* -EUCLEAN where format octet or checksum are wrong. */
int value_open(const MDB_val *value, const uint8_t **ret_body, size_t *ret_length);
/* The two halves of that: the octet, and the checksum around a body in its value. */
int value_peek(const MDB_val *value, const uint8_t **ret_body, size_t *ret_length);
int value_check(const uint8_t *body, size_t length);
/* Writes format octet, body and checksum to `out`, which has room for VALUE_OVERHEAD more than the pieces. */
void value_seal(const struct iovec *pieces, size_t count, uint8_t *out);

/* Reads a body field by field. Past its end everything is 0 and failed is set: ask once. */
struct value_reader {
        const uint8_t *at;
        const uint8_t *end;
        bool failed;
};
const uint8_t *value_read_bytes(struct value_reader *reader, size_t size); /* NULL when failed */
uint8_t value_read_u8(struct value_reader *reader);
uint16_t value_read_u16(struct value_reader *reader);
uint32_t value_read_u32(struct value_reader *reader);
uint64_t value_read_u64(struct value_reader *reader);
const uint8_t *value_read_name(struct value_reader *reader);
/* An SOA as value_append_soa writes it: TTL, owner, length, RDATA. */
void value_read_soa(struct value_reader *reader, struct record *ret_soa);
void value_append_soa(struct buffer *body, const struct record *soa);
uint32_t soa_serial(const struct record *soa);

/* ---- read.c ---- */

MDB_cursor *read_cursor_close(MDB_cursor *cursor); /* NULL is fine */
static inline void read_cursor_close_later(MDB_cursor **cursor)
{
        read_cursor_close(*cursor);
}
int read_cursor_open(const struct store_read *read, enum store_database database, MDB_cursor **ret_cursor);
/* The value of exactly this key, checked: 0, -ENOENT, -EUCLEAN. */
int read_get(const struct store_read *read, enum store_database database, const void *key, size_t key_size,
        const uint8_t **ret_body, size_t *ret_length);
/* The first entry at or behind key: 0, 1 = none, negative. The value is not checked. */
int read_seek(const struct store_read *read, enum store_database database, const void *key, size_t key_size,
        MDB_val *ret_key, MDB_val *ret_value);
/* Moves a cursor: 0, 1 = nothing there, negative. */
int cursor_move(MDB_cursor *cursor, MDB_val *key, MDB_val *value, MDB_cursor_op operation);
bool key_is_of_zone(const MDB_val *key, uint64_t zone_id);

/* ---- zone_row.c ---- */

int zone_row_encode(
        const struct store_zone *zone, const struct store_file *files, size_t count, struct buffer *body);
int zone_row_decode(const uint8_t *body, size_t length, struct store_zone *ret_zone);
int zone_row_decode_files(const uint8_t *body, size_t length, struct arena *arena,
        const struct store_file **ret_files, size_t *ret_count);

/* ---- batch.c ---- */

int batch_fail(struct store_batch *batch, int error); /* keeps the first; returns error */
int batch_put(struct store_batch *batch, enum store_database database, const void *key, size_t key_size,
        const struct iovec *pieces, size_t count, unsigned flags);
int batch_put_body(struct store_batch *batch, enum store_database database, const void *key, size_t key_size,
        const void *body, size_t length);
/* 0 also where there was nothing. */
int batch_delete(struct store_batch *batch, enum store_database database, const void *key, size_t key_size);
/* Keys from first up to, not including, limit (of the same length). */
int batch_delete_range(struct store_batch *batch, enum store_database database, const void *first,
        const void *limit, size_t size);
int batch_delete_zone_keys(struct store_batch *batch, enum store_database database, uint64_t zone_id);
int batch_zone_put(struct store_batch *batch, const struct store_zone *zone, const struct store_file *files,
        size_t count);
/* An id that no zone had before. */
uint64_t batch_zone_id(struct store_batch *batch);

/* ---- leaf_key.c ---- */

/* | id 8 | order key of the first owner, cut at LEAF_OWNER_MAX | 00 | sequence 8 |
 *
 * All before the sequence is the group. An order key never holds 00 where a label begins, so the 00 sorts a
 * group before those of the owners below. Leaves of one group (an owner that goes over several leaves; owners
 * whose long keys are cut to the same) are told apart by the sequence, which grows with the content and has
 * gaps for leaves that come between. */
#define LEAF_OWNER_MAX (STORE_KEY_MAX - ZONE_KEY_SIZE - 1 - 8)
#define LEAF_SEQUENCE_STEP (1ull << 32)
struct leaf_key {
        uint8_t bytes[STORE_KEY_MAX];
        size_t length;
};
/* -EINVAL where owner is not at or below apex. */
int leaf_key_make(
        struct leaf_key *key, uint64_t zone_id, const uint8_t *owner, const uint8_t *apex, uint64_t sequence);
/* -EUCLEAN where it has no such form. */
int leaf_key_load(struct leaf_key *key, const MDB_val *value);
uint64_t leaf_key_sequence(const struct leaf_key *key);
void leaf_key_set_sequence(struct leaf_key *key, uint64_t sequence);
bool leaf_key_is_same_group(const struct leaf_key *left, const struct leaf_key *right);
/* The last leaf whose key is not behind `key`; 0, 1 = there is none. */
int leaf_cursor_floor(MDB_cursor *cursor, uint64_t zone_id, const struct leaf_key *key, MDB_val *ret_key,
        MDB_val *ret_value);
/* The leaf where records of owner may begin: 0, 1 = the zone has no leaf. */
int leaf_cursor_seek(MDB_cursor *cursor, uint64_t zone_id, const uint8_t *owner, const uint8_t *apex,
        MDB_val *ret_key, MDB_val *ret_value);
int leaf_cursor_first(MDB_cursor *cursor, uint64_t zone_id, MDB_val *ret_key, MDB_val *ret_value);
/* The body is a message; its checksum is looked at, or store_leaf_check() is to come. */
int leaf_peek(const MDB_val *value, struct store_leaf *ret_leaf);
int leaf_open(const MDB_val *value, struct store_leaf *ret_leaf);

/* ---- leaf_render.c, leaf_load.c ---- */

struct leaf_writer {
        struct render render;
        uint8_t bytes[MESSAGE_MAX_SIZE];
};
#define LEAF_BODY_FILL (STORE_LEAF_FILL - VALUE_OVERHEAD)
#define LEAF_BODY_MAX (STORE_LEAF_MAX - VALUE_OVERHEAD)

/* Renders records into writer->bytes, as many as fit in fill octets; a first one that is larger stays alone.
 * -EMSGSIZE where it fits in no message. */
int leaf_render(struct leaf_writer *writer, const struct record *records, size_t count, size_t fill,
        size_t *ret_used, size_t *ret_length);
/* What leaves amount to, kept current while they change. */
struct leaf_totals {
        uint64_t leaf_count;
        uint64_t record_count; /* without the SOA */
        uint64_t axfr_bytes;
};
/* The leaves of a large zone, rendered by a crew while the publisher does something else. NULL: not worth it,
 * or no crew. Between begin and end the crew has no other task. */
struct leaf_ahead *leaf_ahead_begin(const struct record_list *records, struct crew *crew);
void leaf_ahead_end(struct leaf_ahead *ahead);
/* Writes the leaves of a whole zone: sorted records, without SOA. The zone has none yet. ahead (or NULL): was
 * begun with the same records. */
int leaf_load(struct store_batch *batch, uint64_t zone_id, const uint8_t *apex,
        const struct record_list *records, struct leaf_ahead *ahead, struct leaf_totals *ret_totals);

/* ---- leaf_edit.c ---- */

/* Applies a delta to the leaves. -EINVAL, -EUCLEAN, -ENOSPC ...: see store_batch_publish. */
int leaf_edit(struct store_batch *batch, uint64_t zone_id, const uint8_t *apex,
        const struct record_list *removed, const struct record_list *added, struct leaf_totals *totals);

/* ---- step.c, journal.c ---- */

void step_key_write(uint8_t key[static STEP_KEY_SIZE], uint64_t zone_id, uint64_t version, uint32_t piece);
void serial_key_write(uint8_t key[static SERIAL_KEY_SIZE], uint64_t zone_id, uint32_t serial);
int step_encode(const struct store_step *step, struct buffer *body);
int step_decode(const uint8_t *body, size_t length, struct store_step *ret_step);
/* Writes the step old->version -> zone->version, or cuts; trims; sets the journal's fields of zone. */
int journal_publish(struct store_batch *batch, const struct store_zone *old, struct store_zone *zone,
        const struct store_publication *publication);
/* No history from here on. */
void journal_cut(struct store_zone *zone);
/* Deletes steps that no history reaches, a bounded number of them. */
int journal_sweep(struct store_batch *batch, uint64_t zone_id, uint64_t oldest_version, size_t limit);

/* ---- text.c ---- */

int chunk_decode(const uint8_t *body, size_t length, struct store_chunk *ret_chunk);
int text_publish(struct store_batch *batch, uint64_t zone_id, const struct store_publication *publication);
