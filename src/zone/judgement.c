/* The order: nothing to publish; frozen; a serial that is not ours to make; then all that a person may
 * release together, by one hash. Pure; any thread. */
#include "zone/judgement.h"

#include <stdio.h>

static char *reason_add(struct judgement *judgement)
{
        return judgement->reasons[judgement->reason_count++];
}

static uint32_t seen_serial(const struct serial_question *serial)
{
        return serial->published ? serial->published : serial->floor;
}

static void refuse_signed(const struct judgement_question *question, struct judgement *judgement)
{
        judgement->kind = JUDGEMENT_REFUSE;
        judgement->serial = 0;
        snprintf(reason_add(judgement), GUARD_TEXT_MAX,
                "the zone was signed elsewhere (or carries a ZONEMD) and its content changed, but its serial "
                "%u is not ahead of the published %u: raise it where the zone is signed",
                question->serial.file, seen_serial(&question->serial));
}

static void judge_holds(const struct judgement_question *question, struct judgement *judgement)
{
        if (judgement->decision == SERIAL_HOLD_JUMP)
                snprintf(reason_add(judgement), GUARD_TEXT_MAX,
                        "the file's serial %u is far ahead of the published %u: a typo? approve it, or "
                        "correct the file",
                        question->serial.file, seen_serial(&question->serial));
        judgement->guard_reasons = question->serial.content_changed && !question->is_of_others
                                           ? guard_judge(&question->guard)
                                           : 0;
        for (unsigned i = 0; i < GUARD_REASON_COUNT; i++)
                if (judgement->guard_reasons & 1u << i)
                        guard_explain((enum guard_reason)(1u << i), &question->guard, reason_add(judgement));
        bool is_held = judgement->reason_count > 0 && !question->is_approved;
        judgement->kind = is_held ? JUDGEMENT_HOLD : JUDGEMENT_PUBLISH;
}

void judge_change(const struct judgement_question *question, struct judgement *ret_judgement)
{
        *ret_judgement = (struct judgement){.kind = JUDGEMENT_NOTHING};
        ret_judgement->decision = serial_next(&question->serial, &ret_judgement->serial);
        if (ret_judgement->decision == SERIAL_SAME)
                ret_judgement->serial = 0;
        else if (question->is_frozen)
                ret_judgement->kind = JUDGEMENT_FROZEN;
        else if (ret_judgement->decision == SERIAL_HOLD_SIGNED)
                refuse_signed(question, ret_judgement);
        else
                judge_holds(question, ret_judgement);
}

const char *judgement_summary(const struct judgement *judgement, char text[static JUDGEMENT_SUMMARY_MAX])
{
        size_t length = 0;
        text[0] = '\0';
        for (size_t i = 0; i < judgement->reason_count; i++)
                length += (size_t)snprintf(text + length, JUDGEMENT_SUMMARY_MAX - length, "%s%s",
                        i > 0 ? "; " : "", judgement->reasons[i]);
        return text;
}
