/* RDATA of one record from text, outside any file. Any thread. */
#include "zonefile/rdata_text.h"

#include "base/cleanup.h"
#include "zonefile/rdata_scan.h"
#include "zonefile/zonefile.h"

#include <errno.h>
#include <string.h>

/* A text that is one entry has no newline outside parentheses. */
static int scan_one(struct scan *scan, uint16_t type, struct rdata_out *out)
{
        int r = rdata_scan(scan, type_info(type), type, out);

        if (r < 0)
                return r;
        if (scan->at < scan->end)
                return scan_fail(scan, scan->at, "text-behind-record", NULL, "a second line");
        return 0;
}

int rdata_from_text(uint16_t type, const char *text, size_t length, const uint8_t *origin, uint8_t *ret_rdata,
        size_t *ret_length, const char **ret_why, size_t *ret_at)
{
        static _Thread_local char why[sizeof(((struct scan_fault *)NULL)->message)];
        CLEANUP_FREE char *padded = malloc(length + ZONEFILE_PADDING);
        CLEANUP_FREE struct rdata_out *out = malloc(sizeof(*out));
        struct scan scan = {.origin = origin, .origin_length = origin ? name_length(origin) : 0};
        int r;

        if (!padded || !out) {
                *ret_why = "out of memory";
                *ret_at = 0;
                return -EINVAL;
        }
        memcpy(padded, text, length);
        memset(padded + length, '\n', ZONEFILE_PADDING);
        scan.at = padded;
        scan.end = padded + length;
        r = scan_one(&scan, type, out);
        if (r < 0) {
                memcpy(why, scan.fault.message, sizeof(why));
                *ret_why = why;
                *ret_at = (size_t)(scan.fault.at - padded);
                return r;
        }
        memcpy(ret_rdata, out->bytes, out->length);
        *ret_length = out->length;
        return 0;
}
