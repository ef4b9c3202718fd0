/* The serial rules. Pure; any thread.
 *
 * The file's serial is an opinion: it wins where it is ahead of everything that clients may have seen, and
 * does not look like a typo. Else the policy makes the next one, always above `base`: the furthest of the
 * published serial and the floor. */
#include "zone/serial_policy.h"

#include "dns/serial.h"

#include <time.h>

uint32_t serial_date_value(uint64_t now_sec)
{
        time_t now = (time_t)now_sec;
        struct tm utc;
        if (!gmtime_r(&now, &utc))
                return 0;
        return (uint32_t)(((utc.tm_year + 1900) * 10000 + (utc.tm_mon + 1) * 100 + utc.tm_mday) * 100);
}

/* The furthest serial that anybody may have seen; 0 = none at all. */
static uint32_t serial_base(const struct serial_question *question)
{
        if (question->published == 0)
                return question->floor;
        if (question->floor == 0)
                return question->published;
        return serial_is_ahead(question->floor, question->published) ? question->floor : question->published;
}

static uint32_t policy_value(const struct serial_question *question, uint32_t base)
{
        switch (question->method) {
        case SERIAL_METHOD_UNIXTIME:
                return (uint32_t)question->now_sec;
        case SERIAL_METHOD_DATE:
                /* A lost history may hold serials of today that we know nothing of: begin with tomorrow's. */
                return serial_date_value(question->now_sec + (question->floor_needs_gap ? 86400 : 0));
        case SERIAL_METHOD_INCREMENT:
                break;
        }
        return base == 0 ? 1 : serial_add(base, 1);
}

static enum serial_decision next_from_policy(
        const struct serial_question *question, uint32_t base, uint32_t *ret_serial)
{
        uint32_t value = policy_value(question, base);
        uint32_t today = serial_date_value(question->now_sec);
        bool runs_on = question->method == SERIAL_METHOD_DATE && base >= today && base - today < 99;

        if (question->floor_needs_gap && question->method != SERIAL_METHOD_DATE &&
                !serial_is_ahead(value, base + SERIAL_LOST_GAP))
                value = serial_add(base, SERIAL_LOST_GAP);
        if (base == 0 || serial_is_ahead(value, base)) {
                *ret_serial = value == 0 ? 1 : value;
                return SERIAL_FROM_POLICY;
        }
        *ret_serial = serial_add(base, question->floor_needs_gap ? SERIAL_LOST_GAP : 1);
        return runs_on && !question->floor_needs_gap ? SERIAL_FROM_POLICY : SERIAL_FROM_POLICY_BEHIND;
}

static enum serial_decision next_signed_elsewhere(
        const struct serial_question *question, uint32_t base, uint32_t *ret_serial)
{
        bool advances = question->file != 0 && (base == 0 || serial_is_ahead(question->file, base));
        if (advances) {
                *ret_serial = question->file;
                return SERIAL_FROM_FILE;
        }
        if (question->published != 0 && !question->content_changed)
                return SERIAL_SAME;
        return SERIAL_HOLD_SIGNED;
}

enum serial_decision serial_next(const struct serial_question *question, uint32_t *ret_serial)
{
        uint32_t base = serial_base(question);

        if (question->is_signed_elsewhere)
                return next_signed_elsewhere(question, base, ret_serial);
        if (question->file != 0 && base == 0) {
                *ret_serial = question->file;
                return SERIAL_FROM_FILE;
        }
        uint32_t seen = question->floor_needs_gap ? serial_add(base, SERIAL_LOST_GAP) : base;
        if (question->file != 0 && serial_is_ahead(question->file, seen)) {
                /* A serial that the file had already when the last one was published is no new typo. */
                uint32_t max_step = question->max_step ? question->max_step : SERIAL_JUMP_MAX;
                if (question->file - base > max_step && question->file != question->file_before) {
                        *ret_serial = question->file;
                        return SERIAL_HOLD_JUMP;
                }
                /* Nor is it a new opinion: serial-set went below it. */
                if (question->file != question->file_before) {
                        *ret_serial = question->file;
                        return SERIAL_FROM_FILE;
                }
        }
        bool must_publish = question->published == 0 || question->floor_needs_gap ||
                            question->content_changed ||
                            (question->floor != 0 && serial_is_ahead(question->floor, question->published));
        if (!must_publish)
                return SERIAL_SAME;
        return next_from_policy(question, base, ret_serial);
}
