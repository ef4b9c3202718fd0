/* The serial file: the last serial of each zone outside the store, so that a lost or old store cannot make a
 * serial go backwards or mean two things (I1, I2).
 *
 * Append-only text, one line each, a checksum at its end; fsynced before the store's commit: a gap is legal,
 * a reuse is not. Rewritten (rename, fsync of the folder) when it is mostly old lines. A line that is cut or
 * damaged is skipped and told; the last good line of a zone counts. Writer's thread only, but for
 * serial_file_get at start. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct serial_file;

struct serial_entry {
        const uint8_t *name; /* folded */
        uint32_t serial;
        bool is_tombstone; /* the zone was removed with this serial */
};

/* Made (mode 0600) where it is not there: *ret_was_missing. *ret_damaged_lines counts lines skipped. */
int serial_file_open(
        const char *path, struct serial_file **ret_file, bool *ret_was_missing, size_t *ret_damaged_lines);
/* 0 or -ENOENT: what the file says of a zone, tombstones too. */
int serial_file_get(const struct serial_file *file, const uint8_t *name, struct serial_entry *ret_entry);
/* Appends and syncs: durable when it returns 0. Entries whose serial is what the file says already are
 * skipped. -ENOSPC ...: nothing may be committed. */
int serial_file_append(struct serial_file *file, const struct serial_entry *entries, size_t count);
struct serial_file *serial_file_close(struct serial_file *file);
