/* The guard's judgement. Pure; any thread. */
#include "zone/guard.h"

#include "base/clock.h"
#include "dns/name.h"
#include "dns/type.h"

#include <stdio.h>
#include <string.h>

bool guard_counts_type(const struct record *record)
{
        return !type_is_signer_made(record->type) && record->type != TYPE_ZONEMD && record->type != TYPE_SOA;
}

unsigned guard_protected_type(uint16_t type)
{
        switch (type) {
        case TYPE_NS:
                return GUARD_APEX_NS;
        case TYPE_MX:
                return GUARD_APEX_MX;
        case TYPE_A:
                return GUARD_APEX_A;
        case TYPE_AAAA:
                return GUARD_APEX_AAAA;
        case TYPE_DNSKEY:
                return GUARD_APEX_DNSKEY;
        default:
                return 0;
        }
}

static bool is_above(uint64_t part, uint64_t whole, uint64_t percent)
{
        /* Sums of a long window may count an RRset twice: never more than all. */
        uint64_t of_whole = part < whole ? part : whole;
        return percent != GUARD_UNLIMITED && of_whole * 100 > whole * percent;
}

static unsigned judge_small(const struct guard_input *input)
{
        bool is_off = input->limits.max_delete_percent == GUARD_UNLIMITED;
        bool is_hollow = input->has_only_apex || input->rrsets_gone * 2 > input->rrsets_before;
        return !is_off && is_hollow && input->deletes_more ? GUARD_SMALL : 0;
}

static unsigned judge_shares(const struct guard_input *input)
{
        unsigned reasons = 0;
        if (input->deletes_more &&
                is_above(input->rrsets_gone, input->rrsets_before, input->limits.max_delete_percent))
                reasons |= GUARD_DELETES;
        if (input->changes_more &&
                is_above(input->rrsets_changed, input->rrsets_before, input->limits.max_change_percent))
                reasons |= GUARD_CHANGES;
        return reasons;
}

unsigned guard_judge(const struct guard_input *input)
{
        unsigned reasons = input->ends_without_newline ? GUARD_NO_NEWLINE : 0;
        if (input->records_before == 0)
                return reasons;
        if (input->records_before < input->limits.min_records)
                reasons |= judge_small(input);
        else
                reasons |= judge_shares(input);
        if (input->limits.protect_apex && input->apex_gone)
                reasons |= GUARD_APEX;
        if (input->limits.protect_apex && input->delegations_cut > 0)
                reasons |= GUARD_DELEGATION;
        return reasons;
}

static const char *window_text(const struct guard_input *input, char *text, size_t size)
{
        uint64_t seconds = input->limits.window_usec / USEC_PER_SEC;
        if (!input->is_windowed)
                return "";
        if (seconds == 3600)
                snprintf(text, size, ", with the edits of the last hour");
        else if (seconds % 3600 == 0)
                snprintf(text, size, ", with the edits of the last %llu hours",
                        (unsigned long long)(seconds / 3600));
        else
                snprintf(
                        text, size, ", with the edits of the last %llu seconds", (unsigned long long)seconds);
        return text;
}

static void explain_share(const struct guard_input *input, uint64_t part, const char *what, uint64_t limit,
        char text[static GUARD_TEXT_MAX])
{
        char window[80];
        snprintf(text, GUARD_TEXT_MAX, "%llu of %llu RRsets would be %s%s (limit %llu %%)",
                (unsigned long long)(part < input->rrsets_before ? part : input->rrsets_before),
                (unsigned long long)input->rrsets_before, what, window_text(input, window, sizeof(window)),
                (unsigned long long)limit);
}

static void explain_small(const struct guard_input *input, char text[static GUARD_TEXT_MAX])
{
        char window[80];
        if (input->has_only_apex)
                snprintf(text, GUARD_TEXT_MAX, "all but the apex would be gone");
        else
                snprintf(text, GUARD_TEXT_MAX,
                        "%llu of %llu RRsets would be gone%s (more than half of a small zone)",
                        (unsigned long long)(input->rrsets_gone < input->rrsets_before
                                                     ? input->rrsets_gone
                                                     : input->rrsets_before),
                        (unsigned long long)input->rrsets_before, window_text(input, window, sizeof(window)));
}

static void explain_apex(const struct guard_input *input, char text[static GUARD_TEXT_MAX])
{
        static const struct {
                enum guard_protected type;
                const char *name;
        } names[] = {{GUARD_APEX_NS, "NS"}, {GUARD_APEX_MX, "MX"}, {GUARD_APEX_A, "A"},
                {GUARD_APEX_AAAA, "AAAA"}, {GUARD_APEX_DNSKEY, "DNSKEY"}};
        size_t length = (size_t)snprintf(text, GUARD_TEXT_MAX, "at the apex no record would be left of");
        const char *separator = " ";
        for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
                if (!(input->apex_gone & names[i].type))
                        continue;
                length += (size_t)snprintf(
                        text + length, GUARD_TEXT_MAX - length, "%s%s", separator, names[i].name);
                separator = ", ";
        }
}

static void explain_delegation(const struct guard_input *input, char text[static GUARD_TEXT_MAX])
{
        char name[NAME_TEXT_MAX], shown[204];
        const char *type = input->first_delegation_type == TYPE_DS ? "DS" : "NS";
        const char *full = input->first_delegation ? name_to_zone_text(input->first_delegation, name) : "?";
        snprintf(shown, sizeof(shown), "%.200s%s", full, strnlen(full, 201) > 200 ? "..." : "");
        if (input->delegations_cut == 1)
                snprintf(text, GUARD_TEXT_MAX,
                        "the %s records of the delegation %s would be gone, others of it stay", type, shown);
        else
                snprintf(text, GUARD_TEXT_MAX,
                        "the NS or DS records of %llu delegations would be gone, others of them stay (%s of "
                        "%s)",
                        (unsigned long long)input->delegations_cut, type, shown);
}

const char *guard_explain(
        enum guard_reason reason, const struct guard_input *input, char text[static GUARD_TEXT_MAX])
{
        text[0] = '\0';
        switch (reason) {
        case GUARD_DELETES:
                explain_share(input, input->rrsets_gone, "gone", input->limits.max_delete_percent, text);
                break;
        case GUARD_CHANGES:
                explain_share(input, input->rrsets_changed, "changed or gone",
                        input->limits.max_change_percent, text);
                break;
        case GUARD_SMALL:
                explain_small(input, text);
                break;
        case GUARD_APEX:
                explain_apex(input, text);
                break;
        case GUARD_DELEGATION:
                explain_delegation(input, text);
                break;
        case GUARD_NO_NEWLINE:
                snprintf(text, GUARD_TEXT_MAX, "the text ends without a newline, it may be half written");
                break;
        case GUARD_NONE:
                break;
        }
        return text;
}
