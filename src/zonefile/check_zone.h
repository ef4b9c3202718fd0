/* Private to zonefile/: checks of a parsed zone, and its normal form. */
#pragma once

#include "zonefile/parse.h"

#include <string.h>

/* Sorts the records, drops duplicates, makes TTLs of RRsets equal, tells what is wrong; sets the result's
 * flags has_duplicates, has_ttl_mends, is_signed. 0 (errors are in parse->has_error) or -ENOMEM. */
int zone_check(struct parse *parse, struct zonefile_result *result);
/* Targets of NS, MX and SRV in the zone (check_target.c). Warnings only. */
int zone_check_targets(struct parse *parse, const struct record_list *records);

/* A crew looks through so many records at once: 16,384, which tests make smaller. */
extern size_t check_span_records;

/* How a check counts where it is told. */
static inline enum diag_severity check_severity(enum conf_check check)
{
        return check == CONF_CHECK_FAIL ? DIAG_ERROR : DIAG_WARNING;
}
/* A TXT record that says v=spf1 (RFC 7208 s.4.5). */
static inline bool record_is_spf_text(const struct record *record)
{
        static const char version[] = "v=spf1";

        return record->type == TYPE_TXT && record->rdata_length >= 7 && record->rdata[0] >= 6 &&
               memcmp(record->rdata + 1, version, 6) == 0 &&
               (record->rdata[0] == 6 || record->rdata[7] == ' ');
}

/* Types that stand beside a CNAME (RFC 4035 s.2.5; KEY, SIG and NXT by RFC 2535). */
static inline bool type_is_beside_cname(uint16_t type)
{
        return type == TYPE_RRSIG || type == TYPE_NSEC || type == TYPE_KEY || type == TYPE_SIG ||
               type == TYPE_NXT;
}

/* Made by somebody who signs the zone, or digests it: its serial is then the file's. */
static inline bool record_is_signing(const struct record *record, const uint8_t *apex)
{
        bool is_signing = record->type == TYPE_ZONEMD ||
                          (record->type == TYPE_RRSIG && record_covered_type(record) == TYPE_SOA);

        return is_signing && name_equal(record->owner, apex);
}
