/* The checks that an expert would make: each passes, warns or fails, says why, and what to do next. Pure:
 * facts in, findings out. */
#pragma once

#include "doctor/facts.h"

enum doctor_outcome { DOCTOR_PASS, DOCTOR_SKIPPED, DOCTOR_WARN, DOCTOR_FAIL };
const char *doctor_outcome_name(enum doctor_outcome outcome); /* "pass", "skipped", "warn", "fail" */

struct doctor_finding {
        const char *check; /* "parent-ns": a word that stays */
        const char *zone;  /* NULL = the daemon */
        enum doctor_outcome outcome;
        char *why;
        char *next; /* "" = nothing to do */
};

/* A zeroed one is empty. */
struct doctor_report {
        struct doctor_finding *findings;
        size_t count, capacity;
        bool is_cut; /* memory was out */
};

void doctor_judge_daemon(struct doctor_report *report, const struct doctor_daemon *facts);
/* now_usec: realtime. */
void doctor_judge_zone(struct doctor_report *report, const struct doctor_zone *facts, uint64_t now_usec);
/* The worst of all. */
enum doctor_outcome doctor_report_outcome(const struct doctor_report *report);
void doctor_report_free(struct doctor_report *report);
