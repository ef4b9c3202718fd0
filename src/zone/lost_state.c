/* What the secondaries' answers mean for a zone without a known serial (DESIGN, Serials). Pure; any thread.
 */
#include "zone/lost_state.h"

#include "dns/serial.h"

/* The furthest of the answers that are signed, or of all. 0 = none. */
static uint32_t furthest(const struct lost_answer *answers, size_t count, bool signed_alone)
{
        uint32_t serial = 0;

        for (size_t i = 0; i < count; i++) {
                if (answers[i].kind != LOST_SERIAL || answers[i].serial == 0 ||
                        (signed_alone && !answers[i].is_signed))
                        continue;
                if (serial == 0 || serial_is_ahead(answers[i].serial, serial))
                        serial = answers[i].serial;
        }
        return serial;
}

enum lost_verdict lost_state_judge(
        const struct lost_answer *answers, size_t count, uint32_t without, uint32_t *ret_serial)
{
        uint32_t all = furthest(answers, count, false), trusted = furthest(answers, count, true);
        /* What is known without them. */
        uint32_t base =
                trusted != 0 && (without == 0 || serial_is_ahead(trusted, without)) ? trusted : without;

        *ret_serial = all;
        for (size_t i = 0; i < count; i++)
                if (answers[i].kind == LOST_UNKNOWN)
                        return LOST_HOLD_SILENT;
        if (all == 0)
                return LOST_IS_NEW;
        if (all != trusted && !serial_is_ahead(base, all) && all - base > LOST_UNSIGNED_MAX)
                return LOST_HOLD_UNSIGNED;
        return LOST_GO_ABOVE;
}
