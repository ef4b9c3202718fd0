/* What becomes of a change: may it go out, under which serial, and what holds it, in which order and in which
 * words. The daemon, its plan and the hook say the same because all of them ask here. Pure. */
#pragma once

#include "zone/guard.h"
#include "zone/serial_policy.h"

#include <stddef.h>

#define JUDGEMENT_REASONS_MAX (GUARD_REASON_COUNT + 1)
#define JUDGEMENT_SUMMARY_MAX (JUDGEMENT_REASONS_MAX * (GUARD_TEXT_MAX + 2))

struct judgement_question {
        struct serial_question serial;
        struct guard_input guard; /* counted only where serial.content_changed */
        bool is_of_others; /* the text is as it was, and other servers' answers changed (ALIAS): no slip, no
                              guard */
        bool is_frozen;
        bool is_approved; /* somebody named the hash of this very change */
};

enum judgement_kind {
        JUDGEMENT_NOTHING, /* what is published stays, under its serial */
        JUDGEMENT_PUBLISH,
        JUDGEMENT_FROZEN, /* waits for thaw */
        JUDGEMENT_HOLD,   /* until its hash is approved, or the text is another */
        JUDGEMENT_REFUSE, /* held as well, but no approval helps: the reason says what does */
};

struct judgement {
        enum judgement_kind kind;
        enum serial_decision decision;
        uint32_t serial; /* of the new version, also where it is held; 0 = there will be none */
        unsigned guard_reasons;
        size_t reason_count; /* HOLD, REFUSE */
        char reasons[JUDGEMENT_REASONS_MAX][GUARD_TEXT_MAX];
};

void judge_change(const struct judgement_question *question, struct judgement *ret_judgement);
/* All reasons in one line, "; " between them; returns text. */
const char *judgement_summary(const struct judgement *judgement, char text[static JUDGEMENT_SUMMARY_MAX]);
