/* Who the public is sent to: our apex NS set, the parent's, glue and DS.
 * Pure.
 *
 * "visible": a name or address of ours in the NS set or its glue. We answer SOA and NS alone, so for the
 * public we would be a lame server. */
#include "doctor/state.h"

#include <stdlib.h>
#include <string.h>

/* Names of `left` that `right` has not. */
static size_t missing(
        const struct doctor_names *left, const struct doctor_names *right, struct doctor_names *ret_missing)
{
        ret_missing->count = 0;
        for (size_t i = 0; i < left->count; i++)
                if (!doctor_names_have(right, left->items[i]))
                        ret_missing->items[ret_missing->count++] = left->items[i];
        return ret_missing->count;
}

static void judge_apex(struct doctor_report *report, const struct doctor_zone *facts,
        struct doctor_names *list, struct buffer *text)
{
        bool is_complete = true;

        for (size_t i = 0; i < facts->secondary_count; i++) {
                const struct doctor_secondary *secondary = &facts->secondaries[i];
                if (missing(&secondary->required, &facts->ns, list) > 0) {
                        is_complete = false;
                        finding_add(report, "apex-ns", facts->name, DOCTOR_FAIL,
                                "Add it to the zone, and at the registrar.",
                                "%s requires %s in the zone's NS records", secondary->name,
                                names_text(list, text));
                } else if (secondary->nameservers.count > 0 &&
                           missing(&secondary->nameservers, &facts->ns, list) ==
                                   secondary->nameservers.count) {
                        is_complete = false;
                        finding_add(report, "apex-ns", facts->name, DOCTOR_WARN,
                                "Add its name servers to the zone's NS records and at the registrar.",
                                "none of %s's name servers is in the zone's NS records: nobody asks it (%s)",
                                secondary->name, names_text(list, text));
                }
        }
        if (is_complete && facts->secondary_count > 0)
                finding_add(report, "apex-ns", facts->name, DOCTOR_PASS, NULL, "NS: %s",
                        names_text(&facts->ns, text));
}

static void judge_count(struct doctor_report *report, const struct doctor_zone *facts)
{
        const char *provider = NULL;
        bool is_one = facts->secondary_count > 0;

        if (facts->ns.count < 2)
                finding_add(report, "two-servers", facts->name, DOCTOR_FAIL,
                        "Two at least (RFC 1034), better three to five, of more than one network.",
                        "the zone has %zu name server%s", facts->ns.count, facts->ns.count == 1 ? "" : "s");
        else
                finding_add(report, "two-servers", facts->name, DOCTOR_PASS, NULL, "%zu name servers",
                        facts->ns.count);
        for (size_t i = 0; i < facts->secondary_count; i++) {
                const struct doctor_secondary *secondary = &facts->secondaries[i];
                const char *who = secondary->provider ? secondary->provider : secondary->name;
                is_one = is_one && (!provider || strcmp(provider, who) == 0);
                provider = who;
        }
        if (is_one)
                finding_add(report, "one-provider", facts->name, DOCTOR_WARN,
                        "A second provider keeps the zone up when the first one fails.",
                        "all servers of the zone are %s's", provider);
        else if (facts->secondary_count > 1)
                finding_add(report, "one-provider", facts->name, DOCTOR_PASS, NULL, "more than one provider");
}

static void judge_visible(struct doctor_report *report, const struct doctor_zone *facts, struct buffer *text)
{
        if (facts->visible.count > 0)
                finding_add(report, "visible", facts->name, DOCTOR_FAIL,
                        "Take it out of the NS records, of the parent's, and of the glue: this server "
                        "answers "
                        "SOA, NS and transfers alone, and the public would meet a lame server.",
                        "the primary is not hidden: %s", names_text(&facts->visible, text));
        else
                finding_add(report, "visible", facts->name, DOCTOR_PASS, NULL, "the primary is hidden");
}

static const char *glue_of(const struct doctor_glue *glue, size_t count, const char *name, size_t *position)
{
        for (; *position < count; ++*position)
                if (strcmp(glue[*position].name, name) == 0)
                        return glue[(*position)++].address;
        return NULL;
}

static bool has_glue(const struct doctor_glue *glue, size_t count, const char *name, const char *address)
{
        for (size_t i = 0; i < count; i++)
                if (strcmp(glue[i].name, name) == 0 && strcmp(glue[i].address, address) == 0)
                        return true;
        return false;
}

/* Of names in the zone: the addresses that the parent gives must be those in the zone. */
static void judge_glue(struct doctor_report *report, const struct doctor_zone *facts)
{
        size_t faults = 0, names = 0;

        for (size_t i = 0; i < facts->parent_ns.count; i++) {
                const char *name = facts->parent_ns.items[i], *address;
                size_t position = 0, in_zone = 0;
                while ((address = glue_of(facts->glue, facts->glue_count, name, &position))) {
                        in_zone++;
                        if (has_glue(facts->parent_glue, facts->parent_glue_count, name, address))
                                continue;
                        faults++;
                        finding_add(report, "glue", facts->name, DOCTOR_WARN,
                                "Correct the host's addresses at the registrar.",
                                "the parent does not give %s for %s, the zone does", address, name);
                }
                names += in_zone > 0;
                position = 0;
                while (in_zone > 0 &&
                        (address = glue_of(facts->parent_glue, facts->parent_glue_count, name, &position))) {
                        if (has_glue(facts->glue, facts->glue_count, name, address))
                                continue;
                        faults++;
                        finding_add(report, "glue", facts->name, DOCTOR_FAIL,
                                "Correct the host's addresses at the registrar.",
                                "the parent gives %s for %s, which the zone does not have", address, name);
                }
        }
        if (faults == 0 && names > 0)
                finding_add(report, "glue", facts->name, DOCTOR_PASS, NULL,
                        "the parent's addresses are the zone's");
}

static bool all_are_pushed(const struct doctor_zone *facts)
{
        for (size_t i = 0; i < facts->secondary_count; i++)
                if (!facts->secondaries[i].is_pushed)
                        return false;
        return facts->secondary_count > 0;
}

/* A DS at the parent, and the secondary serves the zone without the zone's own signatures. */
static void judge_ds_at(struct doctor_report *report, const struct doctor_zone *facts,
        const struct doctor_secondary *secondary)
{
        if (secondary->is_stripped)
                finding_add(report, "ds", facts->name, DOCTOR_FAIL,
                        "Take this secondary out of the NS set, or remove the DS at the registrar: "
                        "validating resolvers answer SERVFAIL.",
                        "the parent has a DS, and %s serves the zone without DNSSEC", secondary->name);
        else if (secondary->is_pushed && facts->is_signed && facts->parent_ds_other_count == 0)
                finding_add(report, "ds", facts->name, DOCTOR_FAIL,
                        "Have it sign the zone too, with each other's DNSKEYs in both and the DS of both at "
                        "the registrar (RFC 8901); or take it out of the NS set, or remove the DS: "
                        "validating resolvers answer SERVFAIL.",
                        "every DS at the parent is of the zone's own keys, and %s is pushed to, which leaves "
                        "signatures and keys out",
                        secondary->name);
}

static void judge_ds(struct doctor_report *report, const struct doctor_zone *facts)
{
        if (facts->parent_ds_count == 0) {
                if (facts->is_signed)
                        finding_add(report, "ds", facts->name, DOCTOR_WARN,
                                "Give the registrar the DS of the zone's key, where validation is meant.",
                                "the zone is signed and the parent has no DS: nobody validates it");
                return;
        }
        size_t before = report->count;
        if (!facts->is_signed && all_are_pushed(facts))
                finding_add(report, "ds", facts->name, DOCTOR_WARN,
                        "Where a provider does not sign it, remove the DS at the registrar: validating "
                        "resolvers answer SERVFAIL.",
                        "the parent has a DS, and only the providers that it is pushed to can sign the zone");
        else if (!facts->is_signed)
                finding_add(report, "ds", facts->name, DOCTOR_FAIL,
                        "Remove the DS at the registrar, or sign the zone: validating resolvers answer "
                        "SERVFAIL.",
                        "the parent has a DS, and the zone is not signed");
        for (size_t i = 0; i < facts->secondary_count; i++)
                judge_ds_at(report, facts, &facts->secondaries[i]);
        if (report->count == before)
                finding_add(
                        report, "ds", facts->name, DOCTOR_PASS, NULL, "a DS at the parent, a signed zone");
}

static void judge_parent(struct doctor_report *report, const struct doctor_zone *facts,
        struct doctor_names *list, struct buffer *text)
{
        if (facts->parent != DOCTOR_ANSWERED) {
                finding_add(report, "parent-ns", facts->name, DOCTOR_SKIPPED, NULL, "%s", facts->parent_why);
                return;
        }
        if (!facts->is_delegated) {
                finding_add(report, "parent-ns", facts->name, DOCTOR_FAIL,
                        "Register the name servers at the registrar.",
                        "the parent does not delegate the zone: the public does not find it");
                return;
        }
        size_t before = report->count;
        if (missing(&facts->ns, &facts->parent_ns, list) > 0)
                finding_add(report, "parent-ns", facts->name, DOCTOR_WARN, "Add it at the registrar.",
                        "in the zone and not at the parent: %s", names_text(list, text));
        if (missing(&facts->parent_ns, &facts->ns, list) > 0)
                finding_add(report, "parent-ns", facts->name, DOCTOR_FAIL,
                        "Remove it at the registrar, or add it to the zone.",
                        "at the parent and not in the zone: %s", names_text(list, text));
        if (report->count == before)
                finding_add(report, "parent-ns", facts->name, DOCTOR_PASS, NULL,
                        "the parent delegates to the zone's own name servers");
        judge_glue(report, facts);
        judge_ds(report, facts);
}

static size_t names_most(const struct doctor_zone *facts)
{
        size_t most = facts->ns.count > facts->parent_ns.count ? facts->ns.count : facts->parent_ns.count;
        for (size_t i = 0; i < facts->secondary_count; i++) {
                const struct doctor_secondary *secondary = &facts->secondaries[i];
                if (secondary->nameservers.count > most)
                        most = secondary->nameservers.count;
                if (secondary->required.count > most)
                        most = secondary->required.count;
        }
        return most;
}

void judge_delegation(struct doctor_report *report, const struct doctor_zone *facts)
{
        struct buffer text = {0};
        struct doctor_names list = {.items = calloc(names_most(facts) + 1, sizeof *list.items)};

        if (!list.items) {
                report->is_cut = true;
                return;
        }
        judge_apex(report, facts, &list, &text);
        judge_count(report, facts);
        judge_visible(report, facts, &text);
        judge_parent(report, facts, &list, &text);
        free(list.items);
        buffer_free(&text);
}
