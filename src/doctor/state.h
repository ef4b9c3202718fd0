/* Private to doctor/: how findings are written. */
#pragma once

#include "doctor/doctor.h"

#include "base/buffer.h"

/* next NULL = nothing to do. */
void finding_add(struct doctor_report *report, const char *check, const char *zone,
        enum doctor_outcome outcome, const char *next, const char *format, ...)
        __attribute__((format(printf, 6, 7)));
/* "a, b and c". */
const char *names_text(const struct doctor_names *names, struct buffer *text);

/* delegation.c, servers.c, secondaries.c, timers.c: a zone's checks, by what they look at. */
void judge_delegation(struct doctor_report *report, const struct doctor_zone *facts);
void judge_servers(struct doctor_report *report, const struct doctor_zone *facts);
void judge_secondaries(struct doctor_report *report, const struct doctor_zone *facts, uint64_t now_usec);
void judge_timers(struct doctor_report *report, const struct doctor_zone *facts);
