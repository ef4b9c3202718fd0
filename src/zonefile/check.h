/* Checks of a zone's records that a parser cannot see line by line, and the normal form of RRsets. */
#pragma once

#include "zonefile/zonefile.h"

/* Lookup of the zone around a change, for checks of touched owners alone (incremental path): the records of
 * one owner in the version that would be published. */
struct zone_view {
        void *context;
        /* Fills ret_records (borrowed until the next call) with every record of the owner; 0 or negative
         * errno. */
        int (*owner)(
                void *context, const uint8_t *owner, const struct record **ret_records, size_t *ret_count);
};

/* Checks the owners that a delta touches against the version it makes: CNAME and other data, DNAME,
 * duplicates, TTLs of an RRset, NS at apex, targets of what is added, records that sign the zone. The view
 * gives an owner's records in any order, with or without the SOA. 0 = clean; 1 = something to tell: the
 * caller parses the whole, which tells it with positions; negative errno. Not looked for: who points at an
 * address that is removed. */
int zone_check_touched(const uint8_t *apex, const struct zone_view *view, const struct record_list *removed,
        const struct record_list *added);
