/* The store: leaves, journal, text and state of every zone in one LMDB environment. The only folder that
 * knows LMDB.
 *
 * What it keeps for a zone (named databases; keys big-endian; every value begins with a format octet and ends
 * in a CRC32C):
 *
 *   names    folded name                     -> zone id
 *   zones    id                              -> the zone row (struct store_zone)
 *   leaves   id, order key of first owner    -> DNS message body: header (ID 0, QR|AA, QDCOUNT 0), compressed
 * records in canonical order; filled to 12,272 octets, split above 16,368; no SOA in them steps    id,
 * version it leads to, piece  -> a journal step: piece 0 both SOAs, counts, running byte sum, provenance;
 * then bodies serials  id, serial a step starts from   -> version that step leads to text     id, chunk key
 * -> the text last published, with its parser states (opaque here) state    id, key -> small opaque rows of
 * others (NOTIFY targets)
 *
 * Readers: any thread, each with its own struct store_read (MDB_NOTLS), everything they return is valid until
 * it ends or is renewed. Writer: one thread, one batch at a time. The commit is the serving: what a reader
 * sees in one transaction is one version (I1). */
#pragma once

#include "base/arena.h"
#include "dns/digest.h"
#include "dns/name.h"
#include "dns/record.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buffer;
struct crew;
struct store;
struct store_read;
struct store_batch;

#define STORE_FORMAT 1
#define STORE_LEAF_FILL 12272
#define STORE_LEAF_MAX 16368 /* value with format octet and checksum */

struct store_options {
        const char *directory; /* exists, or is made with mode 0700; flock'ed: one daemon (-EBUSY) */
        uint64_t limit_bytes;  /* the map; 0 = 64 GiB */
        unsigned max_readers;  /* 0 = 1024 */
        bool read_only;        /* --verify-store and dump of a stopped daemon: no flock needed */
};

/* -EBUSY another daemon holds it; -ENOTSUP written by a newer or unknown format; -EUCLEAN it is damaged;
 * -ENOSPC ... *ret_why (may be NULL): a sentence for the operator, static or owned by the thread. */
int store_open(const struct store_options *options, struct store **ret_store, const char **ret_why);
struct store *store_close(struct store *store);
/* What readers touched of the file need not count as ours until it is touched again. -ENOENT: the kernel does
 * not tell where it is. */
int store_rest(struct store *store);
/* For who goes through many zones, and would have the whole store shown in memory: counts them, and lets go
 * of what was read every so many. */
void store_rest_after(struct store *store, unsigned *zones, unsigned more);

/* ---- reading ---- */

/* A file that was read for the published version. Its identity is source/'s struct, kept here as plain
 * numbers. */
struct store_file {
        const char *path;
        uint64_t device, inode, size_bytes;
        int64_t mtime_nsec, ctime_nsec, read_at_nsec;
        uint8_t hash[32]; /* SHA-256 of the bytes; all zero = not known */
};

enum store_zone_flags {
        STORE_ZONE_FROZEN = 1,
        STORE_ZONE_SIGNED_ELSEWHERE = 2, /* the serial is the file's */
        STORE_ZONE_HAS_TEXT = 4, /* text chunks are there: the incremental path may be used. Set by the store
                                    itself, from text_change */
        STORE_ZONE_HAS_ALIAS = 4096,    /* its ALIAS answers are in a state row */
        STORE_ZONE_SERIAL_SET = 8192,   /* serial-set is under way: a state row has the steps */
        STORE_ZONE_ROLLED_BACK = 16384, /* by hand, until the file changes: publish/rollback.h */
        STORE_ZONE_BEHIND = 8, /* a secondary was seen ahead; cleared by the publish that goes above */
};

/* The zone row. Pointers lie in the map. */
struct store_zone {
        uint64_t id;
        uint64_t version;      /* of the content; grows by one a publish, never wraps */
        uint32_t era;          /* grows when the journal is cut on purpose (I1) */
        uint32_t serial;       /* published */
        uint32_t file_serial;  /* as the file had it at that publish */
        uint32_t flags;        /* enum store_zone_flags */
        const uint8_t *name;   /* folded */
        struct record soa;     /* as served: with the published serial */
        uint64_t record_count; /* the SOA counted */
        uint64_t rrset_count;  /* RRsets that the guard counts (no RRSIG, NSEC*, ZONEMD, not the SOA) */
        uint64_t leaf_count;
        uint64_t axfr_bytes;     /* of the leaves' bodies */
        uint64_t journal_begin;  /* running byte sum at the oldest step kept */
        uint64_t journal_end;    /* running byte sum at this version */
        uint64_t oldest_version; /* the oldest version that IXFR can start from; == version: no history */
        uint32_t oldest_serial;
        uint32_t step_count;
        uint64_t published_usec; /* realtime */
        struct digest digest;
        const struct store_file
                *files; /* the zone's file first, then includes; decoded on request: store_zone_files */
        size_t file_count;
};

int store_read_begin(struct store *store, struct store_read **ret_read);
/* Ends the view and begins a new one at the newest commit; far cheaper than end and begin. */
int store_read_renew(struct store_read *read);
struct store_read *store_read_end(struct store_read *read);
/* The environment's write clock at the time the view began, see store_written_bytes. */
uint64_t store_read_clock(const struct store_read *read);
/* Octets of pages replaced by commits so far: (now - store_read_clock) is about what a long reader pins. Any
 * thread. */
uint64_t store_written_bytes(const struct store *store);

/* 0, -ENOENT, -EUCLEAN (checksum; logged once by the caller). files stay NULL/0 here. */
int store_zone_find(struct store_read *read, const uint8_t *name, struct store_zone *ret_zone);
int store_zone_get(struct store_read *read, uint64_t id, struct store_zone *ret_zone);
/* All zones, by id: *position begins at 0. 0, 1 = the end, -EUCLEAN (that row alone: the next call goes on
 * behind it). */
int store_zone_next(struct store_read *read, uint64_t *position, struct store_zone *ret_zone);
/* Decodes the row's files into the arena. */
int store_zone_files(struct store_read *read, struct store_zone *zone, struct arena *arena);

/* Leaves of a zone, first to last, for AXFR. */
struct store_leaf {
        const uint8_t *message; /* in the map: header and records */
        size_t length;
        unsigned record_count;
};
struct store_leaves; /* a cursor */
int store_leaves_open(struct store_read *read, uint64_t zone_id, struct store_leaves **ret_leaves);
/* 0, 1 = the end, -EUCLEAN. The leaf's checksum is not looked at yet: store_leaf_check() before anything of
 * it is believed or leaves the house, and behind the first thing that reads it all, when the cache has it. */
int store_leaves_next(struct store_leaves *leaves, struct store_leaf *ret_leaf);
int store_leaf_check(const struct store_leaf *leaf); /* 0, -EUCLEAN */
/* After store_read_renew (or with another view of the same version): goes on behind the leaf that was
 * returned last. -ESTALE where that leaf is not there: another version. */
int store_leaves_resume(struct store_leaves *leaves, struct store_read *read);
struct store_leaves *store_leaves_close(struct store_leaves *leaves);

/* Records of a zone in canonical order, without the SOA, decoded. */
struct store_records;
int store_records_open(struct store_read *read, uint64_t zone_id, struct store_records **ret_records);
/* The next record is the first whose owner is not before `owner` (NULL = the first of all). */
int store_records_seek(struct store_records *records, const uint8_t *owner);
/* 0, 1 = the end, -EUCLEAN, -ENOMEM. Valid until the next call. */
int store_records_next(struct store_records *records, struct record *ret_record);
/* Every record of one owner, copied into the arena and appended to list. */
int store_records_of_owner(
        struct store_records *records, const uint8_t *owner, struct arena *arena, struct record_list *list);
struct store_records *store_records_close(struct store_records *records);

/* One step of the journal: version - 1 to version. Pointers lie in the map. */
struct store_step {
        uint64_t version; /* it leads to */
        uint32_t serial_from, serial_to;
        struct record soa_from, soa_to;
        uint64_t removed_count, added_count;
        uint64_t bytes_before, bytes_after;    /* running sums: bytes_after of the last - bytes_before of the
                                                  first = size of the IXFR's records */
        unsigned removed_pieces, added_pieces; /* bodies; pieces are numbered removed first, from 1 */
        uint64_t published_usec;
        const char *provenance; /* text, "file /etc/zones/x.zone"; "" = none */
};
/* The step that starts from `serial` in the zone's current era; -ENOENT where history does not reach it,
 * -EUCLEAN (then answer AXFR-style and log). */
int store_step_from(
        struct store_read *read, const struct store_zone *zone, uint32_t serial, struct store_step *ret_step);
int store_step_get(struct store_read *read, uint64_t zone_id, uint64_t version, struct store_step *ret_step);
/* Piece 1 .. removed_pieces + added_pieces: a message body like a leaf. */
int store_step_piece(struct store_read *read, uint64_t zone_id, uint64_t version, unsigned piece,
        struct store_leaf *ret_body);

/* Text chunks. */
struct store_chunk {
        uint64_t key;
        const uint8_t *state;
        size_t state_length;
        const char *bytes;
        size_t length;
};
/* The chunk at or behind key: 0, 1 = the end, -EUCLEAN. Its checksum is not looked at, which would cost more
 * than to compare its octets with a file: store_chunk_check (0, -EUCLEAN) before anything is made of them. */
int store_chunk_next(struct store_read *read, uint64_t zone_id, uint64_t key, struct store_chunk *ret_chunk);
int store_chunk_check(struct store_read *read, uint64_t zone_id, uint64_t key);

/* Opaque state rows. */
int store_state_get(struct store_read *read, uint64_t zone_id, const void *key, size_t key_size,
        const void **ret_value, size_t *ret_size);
/* Rows of a zone in key order: *position begins as an empty buffer and holds the key of the row returned. 0,
 * 1 = the end. */
int store_state_next(struct store_read *read, uint64_t zone_id, struct buffer *position,
        const void **ret_value, size_t *ret_size);

/* ---- writing: the publisher's thread alone ---- */

int store_batch_begin(struct store *store, struct store_batch **ret_batch);

enum store_text_change { STORE_TEXT_KEEP, STORE_TEXT_DROP, STORE_TEXT_WHOLE, STORE_TEXT_RANGES };
struct store_text_range {
        uint64_t first_key, last_key; /* these go; WHOLE: all go */
        const struct store_chunk *chunks;
        size_t count;
};

struct store_publication {
        const uint8_t *name;
        uint64_t base_version; /* what the delta was made against; 0 = the zone is new. Another one there:
                                  -ESTALE */
        bool begins_era;   /* no step is written, the history goes (new zone, serial set back, state was lost)
                            */
        struct record soa; /* with the new serial in it */
        uint32_t file_serial;
        uint32_t flags;
        const struct record_list *records; /* NULL: apply removed and added to the leaves. Else the whole
                                              content (sorted, without SOA): the leaves are written anew */
        const struct record_list
                *removed; /* the delta, sorted, checked (I3); written as the step unless begins_era */
        const struct record_list *added;
        struct digest digest; /* of the new version */
        uint64_t rrset_count;
        uint64_t published_usec;
        const char *provenance;
        const struct store_file *files;
        size_t file_count;
        enum store_text_change text_change;
        const struct store_text_range *ranges;
        size_t range_count;
        uint64_t max_journal_bytes; /* older steps go beyond it; UINT64_MAX = keep all */
        struct crew *crew;          /* helps with a large zone; may be NULL */
};
/* As max_journal_bytes: twice the zone as an AXFR, but at least 256 KiB and at most 64 MiB. */
#define STORE_JOURNAL_BY_ZONE_SIZE (UINT64_MAX - 1)
/* Returns the new version in *ret_version. -ESTALE, -ENOSPC (map full), -ENOMEM, -EUCLEAN, -EMSGSIZE (a
 * record that fits no message); -EINVAL: removed has a record that is not there, or added one that is (a
 * delta that was not made against this version: nothing of the batch may be committed), or the serial is 0 or
 * not ahead within the era (I2), or ranges of a text that is not there. A zone whose row is damaged is
 * published anew with base_version 0: what was left of it goes. Pointers in the publication must not lie in
 * the batch's own view. After any error the batch is only good for store_batch_abort. */
int store_batch_publish(
        struct store_batch *batch, const struct store_publication *publication, uint64_t *ret_version);
/* The row without a new version: flags and files (a touch, a freeze, the same content under a new mtime).
 * STORE_ZONE_HAS_TEXT can be cleared here, not set. */
int store_batch_zone_update(struct store_batch *batch, uint64_t zone_id, uint32_t flags, uint32_t file_serial,
        const struct store_file *files, size_t file_count);
/* The text without a new version: comments alone changed. */
int store_batch_zone_text(struct store_batch *batch, uint64_t zone_id, enum store_text_change change,
        const struct store_text_range *ranges, size_t count);
/* Cuts the history: nobody gets an IXFR across this point. */
int store_batch_history_cut(struct store_batch *batch, uint64_t zone_id);
/* Everything of the zone goes. */
int store_batch_zone_remove(struct store_batch *batch, uint64_t zone_id);
/* Keys of 1 to 502 octets, zone_id 0 = of no zone. -ENOENT: there is no such zone (any more); nothing is
 * written, and the batch goes on. */
int store_batch_state_put(struct store_batch *batch, uint64_t zone_id, const void *key, size_t key_size,
        const void *value, size_t size);
int store_batch_state_delete(struct store_batch *batch, uint64_t zone_id, const void *key, size_t key_size);
/* A reader of the batch's own uncommitted view, for a second publish of one zone in one batch. Ends with the
 * batch: cursors on it are closed before. What it returns is valid until the next change. */
struct store_read *store_batch_read(struct store_batch *batch);
size_t store_batch_dirty_bytes(const struct store_batch *batch); /* about */

/* Durable when it returns 0: both syncs done. Frees the batch in any case; after an error nothing of it is
 * there. */
int store_batch_commit(struct store_batch *batch);
struct store_batch *store_batch_abort(struct store_batch *batch);

/* ---- care ---- */

/* Reads every value of every database, checks checksums, leaf order, counts, running sums, digests; calls
 * tell with a line for each fault. Returns the number of faults or a negative errno. */
int store_verify(struct store *store, void (*tell)(void *context, const char *line), void *context);
/* Versions, steps and text of one zone for a person. */
int store_dump_zone(struct store_read *read, const uint8_t *name, bool with_records, struct buffer *out);
/* Bytes of the data file in use and the map's limit. */
void store_usage(const struct store *store, uint64_t *ret_used_bytes, uint64_t *ret_limit_bytes);
