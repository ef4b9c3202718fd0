/* A zone that we know no serial of: is it new, or was its state lost? What its secondaries say decides. Pure.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct lost_answer {
        enum lost_answer_kind {
                LOST_UNKNOWN,   /* silence, or no sense */
                LOST_NOT_THERE, /* it says that it does not have the zone */
                LOST_SERIAL,
        } kind;
        uint32_t serial;
        bool is_signed; /* by a TSIG that was verified */
};

enum lost_verdict {
        LOST_IS_NEW,        /* nobody has it: the file's serial */
        LOST_GO_ABOVE,      /* above *ret_serial, and a gap */
        LOST_HOLD_SILENT,   /* somebody who may have it did not say */
        LOST_HOLD_UNSIGNED, /* an answer without TSIG says more than it can be believed */
};
/* ret_serial: the furthest serial that was told; 0 = none. without: what the zone would get without them. */
enum lost_verdict lost_state_judge(
        const struct lost_answer *answers, size_t count, uint32_t without, uint32_t *ret_serial);

/* By this much may an answer without TSIG move a serial; beyond, a person decides. */
#define LOST_UNSIGNED_MAX (1u << 24)
