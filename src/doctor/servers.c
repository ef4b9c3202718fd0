/* What the secondaries' servers themselves answer: all of them are to have one apex NS set, the zone's. A
 * resolver keeps the one that it met last, so a set that differs sends the public to some of them alone.
 * Pure. */
#include "doctor/state.h"

#include <string.h>

/* Names of a set are there once. */
static bool is_same(const struct doctor_names *left, const struct doctor_names *right)
{
        for (size_t i = 0; i < left->count; i++)
                if (!doctor_names_have(right, left->items[i]))
                        return false;
        return left->count == right->count;
}

/* Of all secondaries, the index-th server that answered; NULL at the end. */
static const struct doctor_server *answer_at(
        const struct doctor_zone *facts, size_t index, const struct doctor_secondary **ret_secondary)
{
        for (size_t i = 0; i < facts->secondary_count; i++)
                for (size_t j = 0; j < facts->secondaries[i].server_count; j++) {
                        const struct doctor_server *server = &facts->secondaries[i].servers[j];
                        if (server->asked != DOCTOR_ANSWERED || index-- > 0)
                                continue;
                        *ret_secondary = &facts->secondaries[i];
                        return server;
                }
        return NULL;
}

static bool was_met(const struct doctor_zone *facts, size_t index, const struct doctor_names *ns)
{
        const struct doctor_secondary *secondary;
        for (size_t i = 0; i < index; i++)
                if (is_same(&answer_at(facts, i, &secondary)->ns, ns))
                        return true;
        return false;
}

/* "a.example and b.example: one (192.0.2.1#53), two (192.0.2.2#53)". */
static void append_set(struct buffer *text, const struct doctor_zone *facts, const struct doctor_names *ns)
{
        const struct doctor_server *server;
        const struct doctor_secondary *secondary;
        struct buffer names = {0};
        const char *before = ": ";

        buffer_append_text(text, text->length == 0 ? "" : "; ");
        buffer_append_text(text, ns->count ? names_text(ns, &names) : "none");
        for (size_t i = 0; (server = answer_at(facts, i, &secondary)); i++) {
                if (!is_same(&server->ns, ns))
                        continue;
                buffer_printf(text, "%s%s (%s)", before, secondary->name, server->address);
                before = ", ";
        }
        buffer_free(&names);
}

/* A sentence for each kind of secondary that answers with another set than the zone's. */
static void append_next(struct buffer *next, const struct doctor_zone *facts)
{
        const struct doctor_server *server;
        const struct doctor_secondary *secondary, *last = NULL;
        bool is_old_told = false;

        for (size_t i = 0; (server = answer_at(facts, i, &secondary)); i++) {
                if (is_same(&server->ns, &facts->ns) || secondary == last)
                        continue;
                last = secondary;
                const char *space = next->length > 0 ? " " : "";
                if (secondary->has_own_ns && secondary->can_push_ns)
                        buffer_printf(next,
                                "%spush-apex-ns yes in the block of %s gives it the zone's; or the zone's "
                                "file "
                                "has the NS set that it answers with.",
                                space, secondary->name);
                else if (secondary->has_own_ns)
                        buffer_printf(next,
                                "%s%s has an NS set of its own, which a push cannot replace: the zone's file "
                                "is "
                                "to have that one, or other secondaries are to serve the zone.",
                                space, secondary->name);
                else if (!is_old_told) {
                        buffer_printf(next, "%s%s has an old copy, or adds its own: zonecrier status ZONE.",
                                space, secondary->name);
                        is_old_told = true;
                }
        }
}

void judge_servers(struct doctor_report *report, const struct doctor_zone *facts)
{
        const struct doctor_server *server;
        const struct doctor_secondary *secondary;
        struct buffer text = {0}, next = {0};
        size_t asked = 0, sets = 0;
        bool is_ours = true;

        for (; (server = answer_at(facts, asked, &secondary)); asked++) {
                is_ours = is_ours && is_same(&server->ns, &facts->ns);
                if (was_met(facts, asked, &server->ns))
                        continue;
                append_set(&text, facts, &server->ns);
                sets++;
        }
        append_next(&next, facts);
        const char *why = buffer_text(&text), *what = buffer_text(&next);
        if (!why || !what)
                report->is_cut = true;
        else if (asked > 0 && is_ours)
                finding_add(report, "ns-differ", facts->name, DOCTOR_PASS, NULL,
                        "%zu server%s of the secondaries answer%s with the zone's NS set", asked,
                        asked == 1 ? "" : "s", asked == 1 ? "s" : "");
        else if (asked > 0)
                finding_add(report, "ns-differ", facts->name, DOCTOR_FAIL, what, "%s: %s",
                        sets > 1 ? "the secondaries answer with different NS sets"
                                 : "the secondaries answer with another NS set than the zone's",
                        why);
        buffer_free(&text);
        buffer_free(&next);
}
