/* Findings, the daemon's checks, and the order of a zone's. */
#include "doctor/doctor.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "doctor/state.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEY_BITS_LEAST 128
#define TSIG_FUDGE_USEC (300 * USEC_PER_SEC)

const char *doctor_outcome_name(enum doctor_outcome outcome)
{
        switch (outcome) {
        case DOCTOR_PASS:
                return "pass";
        case DOCTOR_SKIPPED:
                return "skipped";
        case DOCTOR_WARN:
                return "warn";
        case DOCTOR_FAIL:
                return "fail";
        }
        return "?";
}

bool doctor_names_have(const struct doctor_names *names, const char *name)
{
        for (size_t i = 0; i < names->count; i++)
                if (strcmp(names->items[i], name) == 0)
                        return true;
        return false;
}

static bool grow(struct doctor_report *report)
{
        if (report->count < report->capacity)
                return true;
        size_t capacity = report->capacity ? 2 * report->capacity : 32;
        struct doctor_finding *findings = realloc(report->findings, capacity * sizeof *findings);
        if (!findings)
                return false;
        report->findings = findings;
        report->capacity = capacity;
        return true;
}

void finding_add(struct doctor_report *report, const char *check, const char *zone,
        enum doctor_outcome outcome, const char *next, const char *format, ...)
{
        CLEANUP_FREE char *why = NULL, *what = strdup(next ? next : "");
        va_list arguments;

        va_start(arguments, format);
        int r = vasprintf(&why, format, arguments);
        va_end(arguments);
        if (r < 0)
                why = NULL;
        if (!why || !what || !grow(report)) {
                report->is_cut = true;
                return;
        }
        report->findings[report->count++] = (struct doctor_finding){
                .check = check, .zone = zone, .outcome = outcome, .why = TAKE(why), .next = TAKE(what)};
}

const char *names_text(const struct doctor_names *names, struct buffer *text)
{
        buffer_clear(text);
        for (size_t i = 0; i < names->count; i++) {
                buffer_append_text(text, i == 0 ? "" : i + 1 == names->count ? " and " : ", ");
                buffer_append_text(text, names->items[i]);
        }
        const char *written = buffer_text(text);
        return written ? written : "";
}

enum doctor_outcome doctor_report_outcome(const struct doctor_report *report)
{
        enum doctor_outcome worst = DOCTOR_PASS;
        for (size_t i = 0; i < report->count; i++)
                if (report->findings[i].outcome > worst)
                        worst = report->findings[i].outcome;
        return worst;
}

void doctor_report_free(struct doctor_report *report)
{
        for (size_t i = 0; i < report->count; i++) {
                free(report->findings[i].why);
                free(report->findings[i].next);
        }
        free(report->findings);
        *report = (struct doctor_report){0};
}

static void judge_listener(struct doctor_report *report, const struct doctor_listener *listener)
{
        const char *what = listener->is_given ? "given to providers (public-address)" : "listened on";

        switch (listener->asked) {
        case DOCTOR_ANSWERED:
                finding_add(report, "listeners", NULL, DOCTOR_PASS, NULL, "%s answers over TCP",
                        listener->address);
                return;
        case DOCTOR_SILENT:
                finding_add(report, "listeners", NULL, listener->is_given ? DOCTOR_WARN : DOCTOR_FAIL,
                        listener->is_given
                                ? "From behind its own NAT an address often cannot be reached: try from "
                                  "outside, dig +tcp @ADDRESS SOA ZONE, and look at the port forwarding."
                                : "Look at this machine's packet filter: TCP and UDP to the port of "
                                  "listen-on.",
                        "%s, %s, does not answer here: %s", listener->address, what, listener->why);
                return;
        case DOCTOR_NOT_ASKED:
                finding_add(report, "listeners", NULL, DOCTOR_SKIPPED, NULL, "%s: %s", listener->address,
                        listener->why);
                return;
        }
}

/* Providers ask from the Internet. */
static void judge_public(struct doctor_report *report, const struct doctor_daemon *facts)
{
        for (size_t i = 0; i < facts->listener_count; i++)
                if (!facts->listeners[i].is_private)
                        return;
        if (facts->listener_count > 0)
                finding_add(report, "public-address", NULL, DOCTOR_WARN,
                        "Where a secondary is elsewhere: put the address under which it reaches this machine "
                        "into options: public-address.",
                        "no address here is one of the Internet");
}

static void judge_clock(struct doctor_report *report, const struct doctor_daemon *facts)
{
        switch (facts->clock) {
        case DOCTOR_CLOCK_KEPT:
                if (facts->clock_error_usec < TSIG_FUDGE_USEC / 10)
                        finding_add(report, "clock", NULL, DOCTOR_PASS, NULL,
                                "kept in time, to %.3f s at most; TSIG allows 300 s",
                                (double)facts->clock_error_usec / 1e6);
                else
                        finding_add(report, "clock", NULL, DOCTOR_WARN,
                                "Look at the time service: chronyc tracking, or timedatectl timesync-status.",
                                "may be off by %.0f s; TSIG allows 300 s",
                                (double)facts->clock_error_usec / 1e6);
                return;
        case DOCTOR_CLOCK_FREE:
                finding_add(report, "clock", NULL, facts->has_keys_in_use ? DOCTOR_WARN : DOCTOR_PASS,
                        facts->has_keys_in_use
                                ? "Run a time service (systemd-timesyncd, chrony): a clock that is 300 s off "
                                  "ends every transfer with a key, with BADTIME."
                                : NULL,
                        "nothing keeps this machine's clock in time");
                return;
        case DOCTOR_CLOCK_UNKNOWN:
                finding_add(report, "clock", NULL, DOCTOR_SKIPPED, NULL,
                        "the system does not say whether its clock is kept in time");
                return;
        }
}

static void judge_keys(struct doctor_report *report, const struct doctor_daemon *facts)
{
        size_t weak = 0;

        for (size_t i = 0; i < facts->key_count; i++) {
                const struct doctor_key *key = &facts->keys[i];
                if (key->bits < KEY_BITS_LEAST) {
                        weak++;
                        finding_add(report, "keys", NULL, DOCTOR_WARN,
                                "Make another with `zonecrier keygen`, give the secondary both, then remove "
                                "the old one.",
                                "the key %s has %u bits; less than %d can be found by trying", key->name,
                                key->bits, KEY_BITS_LEAST);
                } else if (strcmp(key->algorithm, "hmac-md5") == 0) {
                        weak++;
                        finding_add(report, "keys", NULL, DOCTOR_WARN,
                                "Use hmac-sha256 where the secondary takes it.",
                                "the key %s is hmac-md5, which RFC 8945 keeps for old peers alone",
                                key->name);
                }
        }
        if (facts->key_count > 0 && weak == 0)
                finding_add(report, "keys", NULL, DOCTOR_PASS, NULL, "%zu key%s, none weak", facts->key_count,
                        facts->key_count == 1 ? "" : "s");
}

void doctor_judge_daemon(struct doctor_report *report, const struct doctor_daemon *facts)
{
        for (size_t i = 0; i < facts->listener_count; i++)
                judge_listener(report, &facts->listeners[i]);
        judge_public(report, facts);
        judge_clock(report, facts);
        judge_keys(report, facts);
}

static void judge_state(struct doctor_report *report, const struct doctor_zone *facts)
{
        if (!facts->is_published)
                finding_add(report, "state", facts->name, DOCTOR_FAIL, "zonecrier status ZONE tells more.",
                        "nothing is published: %s", facts->reason ? facts->reason : facts->state);
        else if (facts->reason)
                finding_add(report, "state", facts->name, DOCTOR_WARN, "zonecrier status ZONE tells more.",
                        "%s: %s", facts->state, facts->reason);
        else
                finding_add(report, "state", facts->name, DOCTOR_PASS, NULL, "%s", facts->state);
}

void doctor_judge_zone(struct doctor_report *report, const struct doctor_zone *facts, uint64_t now_usec)
{
        judge_state(report, facts);
        if (!facts->is_published)
                return;
        judge_timers(report, facts);
        judge_secondaries(report, facts, now_usec);
        judge_delegation(report, facts);
        judge_servers(report, facts);
}
