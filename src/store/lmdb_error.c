/* The one place where LMDB's codes become ours. LMDB returns its own as negative numbers below -30,000 and
 * the system's as positive errno. Pure; any thread. */
#include "store/store_data.h"

#include <errno.h>

int lmdb_error(int code)
{
        if (code == MDB_SUCCESS)
                return 0;
        if (code > 0)
                return -code;
        switch (code) {
        case MDB_NOTFOUND:
                return -ENOENT;
        case MDB_MAP_FULL:
                return -ENOSPC;
        case MDB_TXN_FULL:
                return -EFBIG;
        case MDB_KEYEXIST:
                return -EEXIST;
        case MDB_BAD_VALSIZE:
                return -EINVAL;
        case MDB_READERS_FULL:
                return -EUSERS;
        case MDB_VERSION_MISMATCH:
                return -ENOTSUP;
        case MDB_PAGE_NOTFOUND:
        case MDB_CORRUPTED:
        case MDB_INVALID:
        case MDB_INCOMPATIBLE:
                return -EUCLEAN;
        case MDB_PANIC:
                /* A write of the root failed: the environment refuses everything, reading too, until it is
                 * opened anew. */
                return -ENOTRECOVERABLE;
        default:
                /* MDB_BAD_TXN: an earlier call of the transaction failed. */
                return -EIO;
        }
}
