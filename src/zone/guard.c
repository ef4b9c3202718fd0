/* The guard's judgement. Pure; any thread. */
#include "zone/guard.h"

#include "dns/type.h"

#include <stdio.h>

bool guard_counts_type(const struct record *record)
{
        return !type_is_signer_made(record->type) && record->type != TYPE_ZONEMD && record->type != TYPE_SOA;
}

unsigned guard_judge(const struct guard_input *input)
{
        unsigned reasons = 0;
        if (input->records_before == 0)
                return input->ends_without_newline ? GUARD_NO_NEWLINE : 0;
        if (input->records_before >= input->min_records &&
                input->rrsets_gone * 100 > input->rrsets_before * input->max_delete_percent)
                reasons |= GUARD_DELETES;
        if (input->apex_ns_gone)
                reasons |= GUARD_APEX_NS;
        if (input->ends_without_newline)
                reasons |= GUARD_NO_NEWLINE;
        return reasons;
}

const char *guard_explain(unsigned reasons, const struct guard_input *input, char *text, size_t size)
{
        int length = 0;
        text[0] = '\0';
        if (reasons & GUARD_DELETES)
                length += snprintf(text, size, "%llu of %llu RRsets would be gone (limit %llu %%)",
                        (unsigned long long)input->rrsets_gone, (unsigned long long)input->rrsets_before,
                        (unsigned long long)input->max_delete_percent);
        if (reasons & GUARD_APEX_NS && (size_t)length < size)
                length += snprintf(text + length, size - (size_t)length, "%sthe apex NS set would be empty",
                        length ? "; " : "");
        if (reasons & GUARD_NO_NEWLINE && (size_t)length < size)
                snprintf(text + length, size - (size_t)length,
                        "%sthe text ends without a newline, it may be half written", length ? "; " : "");
        return text;
}
