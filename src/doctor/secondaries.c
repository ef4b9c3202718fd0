/* A zone's secondaries: their last contact, keys, DNSSEC, and how old what we know of their providers is.
 * Pure. */
#include "base/clock.h"
#include "doctor/state.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define YEAR_SEC (365 * 86400)

static unsigned long long seconds_since(uint64_t usec, uint64_t now_usec)
{
        return now_usec > usec ? (now_usec - usec) / USEC_PER_SEC : 0;
}

/* Of a provider that is pushed to; the note is there while something is in the way. */
static void judge_push(struct doctor_report *report, const struct doctor_zone *facts,
        const struct doctor_secondary *secondary, uint64_t now_usec)
{
        if (*secondary->note)
                finding_add(report, "push", facts->name, secondary->is_late ? DOCTOR_FAIL : DOCTOR_WARN,
                        secondary->is_late ? "`zonecrier plan ZONE --secondary NAME` shows what it would do."
                                           : "It goes on by itself: zonecrier status ZONE.",
                        "the push to %s is %s: %s", secondary->name, secondary->stage, secondary->note);
        else if (secondary->contact_usec == 0)
                finding_add(report, "push", facts->name, DOCTOR_SKIPPED, NULL, "%s has not been in sync yet",
                        secondary->name);
        else
                finding_add(report, "push", facts->name, DOCTOR_PASS, NULL, "%s came in sync %llu s ago",
                        secondary->name, seconds_since(secondary->contact_usec, now_usec));
}

static void judge_contact(struct doctor_report *report, const struct doctor_zone *facts,
        const struct doctor_secondary *secondary, uint64_t now_usec)
{
        const char *note = *secondary->note ? secondary->note : "";

        if (secondary->refuses_notify)
                finding_add(report, "refusals", facts->name, DOCTOR_WARN,
                        "Register the address that NOTIFY leaves from (notify-source) at the provider.",
                        "%s refuses our NOTIFY: source address not registered at the provider?",
                        secondary->name);
        if (secondary->is_late && secondary->is_new)
                finding_add(report, "contact", facts->name, DOCTOR_FAIL,
                        "`zonecrier provider form ZONE SECONDARY` prints what to type at the provider; look "
                        "at "
                        "the primary's address there, and at firewalls for TCP to port 53.",
                        "%s has never transferred the zone%s%s", secondary->name, *note ? ": " : "", note);
        else if (secondary->is_late)
                finding_add(report, "contact", facts->name, DOCTOR_FAIL,
                        "zonecrier status ZONE shows the stage that is overdue.", "%s is late: %s%s%s",
                        secondary->name, secondary->stage, *note ? "; " : "", note);
        else if (secondary->contact_usec == 0)
                finding_add(report, "contact", facts->name, DOCTOR_SKIPPED, NULL,
                        "%s has not been heard of yet, and is not late", secondary->name);
        else
                finding_add(report, "contact", facts->name, DOCTOR_PASS, NULL, "%s was heard of %llu s ago",
                        secondary->name, seconds_since(secondary->contact_usec, now_usec));
}

static void judge_keys(struct doctor_report *report, const struct doctor_zone *facts,
        const struct doctor_secondary *secondary)
{
        if (secondary->is_pushed || !secondary->is_block)
                return;
        if (secondary->is_by_address)
                finding_add(report, "tsig", facts->name, DOCTOR_WARN,
                        "Where the provider takes a TSIG key: zonecrier keygen, and key in its block.",
                        "%s transfers without TSIG: whoever can use its address gets the zone",
                        secondary->name);
        else
                finding_add(
                        report, "tsig", facts->name, DOCTOR_PASS, NULL, "%s needs a key", secondary->name);
        for (size_t i = 0; i < secondary->key_count; i++)
                if (!secondary->keys[i].is_taken)
                        finding_add(report, "algorithm", facts->name, DOCTOR_FAIL,
                                "`zonecrier provider show NAME` has the algorithms that it takes.",
                                "%s: the key %s is %s, which %s does not take", secondary->name,
                                secondary->keys[i].name, secondary->keys[i].algorithm, secondary->provider);
}

static void judge_dnssec(struct doctor_report *report, const struct doctor_zone *facts,
        const struct doctor_secondary *secondary)
{
        if (!facts->is_signed)
                return;
        if (secondary->is_pushed)
                finding_add(report, "dnssec", facts->name, DOCTOR_WARN,
                        "A DS at the parent must not be of the zone's own keys alone: sign the zone there "
                        "too, "
                        "or have no DS.",
                        "the zone is signed, and is pushed to %s without signatures and keys",
                        secondary->name);
        else if (secondary->drops_dnssec && !secondary->is_stripped)
                finding_add(report, "dnssec", facts->name, DOCTOR_FAIL,
                        "strip-dnssec yes in its block, and no DS at the parent; or another provider.",
                        "the signed zone goes to %s, and %s does not carry DNSSEC", secondary->name,
                        secondary->provider);
}

/* "2026-11-21" as seconds since 1970; 0 = no date. */
static int64_t date_seconds(const char *date)
{
        struct tm when = {0};
        if (sscanf(date, "%4d-%2d-%2d", &when.tm_year, &when.tm_mon, &when.tm_mday) != 3)
                return 0;
        when.tm_year -= 1900;
        when.tm_mon -= 1;
        return (int64_t)timegm(&when);
}

static void judge_provider(struct doctor_report *report, const struct doctor_zone *facts,
        const struct doctor_secondary *secondary, uint64_t now_usec)
{
        if (secondary->retired)
                finding_add(report, "retired", facts->name, DOCTOR_WARN,
                        "The provider is to ask from its new addresses; a newer zonecrier may know them.",
                        "%s: %s", secondary->name, secondary->retired);
        if (!secondary->provider || !*secondary->provider_date)
                return;
        int64_t read_at = date_seconds(secondary->provider_date);
        if (read_at > 0 && (int64_t)(now_usec / USEC_PER_SEC) - read_at > YEAR_SEC)
                finding_add(report, "provider-facts", facts->name, DOCTOR_WARN,
                        "Compare `zonecrier provider show NAME` with the provider's documents; a provider "
                        "block in the configuration corrects it.",
                        "what is known of %s was read on %s, more than a year ago", secondary->provider,
                        secondary->provider_date);
        else if (read_at > 0)
                finding_add(report, "provider-facts", facts->name, DOCTOR_PASS, NULL,
                        "what is known of %s was read on %s", secondary->provider, secondary->provider_date);
}

void judge_secondaries(struct doctor_report *report, const struct doctor_zone *facts, uint64_t now_usec)
{
        struct buffer text = {0};

        if (facts->secondary_count == 0)
                finding_add(report, "secondaries", facts->name, DOCTOR_FAIL,
                        "A secondary block, and secondaries { \"NAME\"; }; or also-notify and "
                        "allow-transfer.",
                        "no secondary is configured: nobody but us has the zone");
        for (size_t i = 0; i < facts->secondary_count; i++) {
                const struct doctor_secondary *secondary = &facts->secondaries[i];
                if (secondary->is_pushed)
                        judge_push(report, facts, secondary, now_usec);
                else
                        judge_contact(report, facts, secondary, now_usec);
                judge_keys(report, facts, secondary);
                judge_dnssec(report, facts, secondary);
                judge_provider(report, facts, secondary, now_usec);
        }
        if (facts->open_rules.count > 0)
                finding_add(report, "tsig", facts->name, DOCTOR_WARN,
                        "In allow-transfer an address beside a key opens the zone without it: use a "
                        "secondary "
                        "block, where both are needed.",
                        "allow-transfer lets in by address alone: %s", names_text(&facts->open_rules, &text));
        buffer_free(&text);
}
