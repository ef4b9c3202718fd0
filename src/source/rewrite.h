/* A few octets of somebody's file replaced, nothing else of it touched: the one place where a user's file is
 * written, and only on his word (serial-write-back). Any thread that may wait for the disk.
 *
 * The file is replaced by a copy beside it, by rename, so that nobody reads half of it; mode, owner and
 * access list are kept. An edit at the same moment is never lost: it wins, and ours is thrown away. For that
 * it takes two halves, the second REWRITE_GRACE_USEC behind the first: somebody may have looked the old file
 * up by its name and not opened it yet. */
#pragma once

#include "source/source.h"

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct rewrite;

#define REWRITE_GRACE_USEC 5000
/* A write in the same tick of the clock as the last change of the file may leave no trace in its times. */
#define REWRITE_SETTLED_USEC 20000

struct rewrite_change {
        off_t offset;
        size_t length; /* of what goes */
        const char *octets;
        size_t octet_count;
};

enum rewrite_outcome {
        REWRITE_DONE = 0,
        REWRITE_CHANGED, /* the file is another now; it stays as it is */
        REWRITE_BUSY,    /* a writer has it open */
};

/* fd: the file, open for reading, with this identity when its octets were looked at, and the last change of
 * it REWRITE_SETTLED_USEC before that. path: absolute, without symlinks. enum rewrite_outcome, or -EPERM: it
 * is not the daemon's to replace (its owner is another user), -EMLINK: it has several names, -EOPNOTSUPP: the
 * file system can do no lease or exchange; or what the folder says. *ret_rewrite is set for REWRITE_DONE
 * alone. */
int rewrite_begin(int fd, const char *path, const struct source_identity *identity,
        const struct rewrite_change *change, struct rewrite **ret_rewrite);
/* REWRITE_DONE or REWRITE_CHANGED; frees. */
int rewrite_end(struct rewrite *rewrite);
