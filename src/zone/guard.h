/* The guard: holds a change that looks like a slip. Pure: it judges numbers that the publisher counted. */
#pragma once

#include "dns/record.h"

#include <stdbool.h>
#include <stdint.h>

struct guard_input {
        uint64_t records_before; /* of the published version, the SOA counted; 0 = the zone is new */
        uint64_t rrsets_before;  /* RRsets that count: not RRSIG, NSEC*, ZONEMD, SOA */
        uint64_t rrsets_gone;    /* of those, how many have no record left (a changed RDATA is no deletion) */
        bool apex_ns_gone;
        bool ends_without_newline;
        uint64_t max_delete_percent; /* 30 */
        uint64_t min_records;        /* 10: smaller zones are not judged by share */
};
enum guard_reason { GUARD_NONE = 0, GUARD_DELETES = 1, GUARD_APEX_NS = 2, GUARD_NO_NEWLINE = 4 };
/* A set of enum guard_reason; 0 = publish. */
unsigned guard_judge(const struct guard_input *input);
/* One sentence for each reason set: "37 of 100 RRsets would be gone (limit 30 %)"; returns text. */
const char *guard_explain(unsigned reasons, const struct guard_input *input, char *text, size_t size);
bool guard_counts_type(const struct record *record);
