/* The guard: holds a change that looks like a slip. Pure: it judges numbers that the publisher counted.
 *
 * Shares are of RRsets, without what signers make (RRSIG, NSEC*, ZONEMD) and the SOA. An RRset is gone when
 * no record of it is left, changed when a record of it is; a record that comes, another TTL or letter case
 * are no change. Both are counted net, from the version at the window's beginning to the new one: what is put
 * back is not gone. An edit that does not make the count larger is not held for it. */
#pragma once

#include "dns/record.h"

#include <stdbool.h>
#include <stdint.h>

#define GUARD_UNLIMITED UINT64_MAX
#define GUARD_TEXT_MAX 400 /* room for one reason */

struct guard_limits {
        uint64_t max_delete_percent; /* GUARD_UNLIMITED also switches the rule of small zones off */
        uint64_t max_change_percent;
        uint64_t min_records; /* zones with fewer are small: not judged by share */
        uint64_t window_usec;
        bool protect_apex;
};

enum guard_protected { /* of the apex, what is gone with this edit; a set */
        GUARD_APEX_NS = 1,
        GUARD_APEX_MX = 2,
        GUARD_APEX_A = 4,
        GUARD_APEX_AAAA = 8,
        GUARD_APEX_DNSKEY = 16,
};

struct guard_input {
        struct guard_limits limits;
        uint64_t records_before; /* at the window's beginning, the SOA counted; 0 = the zone is new */
        uint64_t rrsets_before;  /* at the window's beginning */
        uint64_t rrsets_gone;    /* net, with this edit */
        uint64_t rrsets_changed; /* net, with this edit; those that are gone counted too */
        bool deletes_more;       /* rrsets_gone would be smaller without this edit */
        bool changes_more;
        bool has_only_apex; /* the new version has nothing below the apex, the one before had */
        bool is_windowed;   /* earlier edits are counted too */
        bool ends_without_newline;
        unsigned apex_gone;       /* enum guard_protected */
        uint64_t delegations_cut; /* delegations whose NS or DS is gone while something of them stays */
        const uint8_t *first_delegation; /* one of them */
        uint16_t first_delegation_type;  /* NS or DS */
};

enum guard_reason { /* a set */
        GUARD_NONE = 0,
        GUARD_DELETES = 1,
        GUARD_CHANGES = 2,
        GUARD_SMALL = 4,
        GUARD_APEX = 8,
        GUARD_DELEGATION = 16,
        GUARD_NO_NEWLINE = 32,
};
#define GUARD_REASON_COUNT 6

/* A set of enum guard_reason; 0 = publish. */
unsigned guard_judge(const struct guard_input *input);
/* One reason in words: "37 of 100 RRsets would be gone (limit 30 %)"; returns text. */
const char *guard_explain(
        enum guard_reason reason, const struct guard_input *input, char text[static GUARD_TEXT_MAX]);
bool guard_counts_type(const struct record *record);
/* Which of the apex' protected RRsets this type is; 0 = none. */
unsigned guard_protected_type(uint16_t type);
