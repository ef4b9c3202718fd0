/* Versions by their serials. Any thread, on the caller's view. */
#include "store/history.h"

#include <errno.h>

int store_version_of(
        struct store_read *read, const struct store_zone *zone, uint32_t serial, uint64_t *ret_version)
{
        struct store_step step;
        if (serial == zone->serial) {
                *ret_version = zone->version;
                return 0;
        }
        int r = store_step_from(read, zone, serial, &step);
        if (r == 0)
                *ret_version = step.version - 1;
        return r;
}

int store_soa_of(
        struct store_read *read, const struct store_zone *zone, uint64_t version, struct record *ret_soa)
{
        struct store_step step;
        if (version > zone->version || version < zone->oldest_version)
                return -ENOENT;
        if (version == zone->version) {
                *ret_soa = zone->soa;
                return 0;
        }
        int r = store_step_get(read, zone->id, version + 1, &step);
        if (r == 0)
                *ret_soa = step.soa_from;
        return r == -ENOENT ? -EUCLEAN : r; /* it must be there */
}
