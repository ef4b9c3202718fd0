/* Which serial the next version gets (DESIGN.md, Serials; I1, I2). Pure. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum serial_method { SERIAL_METHOD_INCREMENT, SERIAL_METHOD_UNIXTIME, SERIAL_METHOD_DATE };

struct serial_question {
        enum serial_method method;
        uint32_t published; /* in the store; 0 = none */
        uint32_t floor; /* in the serial file, or a secondary ahead of us; 0 = none. The answer is above both
                         */
        bool floor_needs_gap; /* the floor is what others hold of a history we lost: a gap goes on top */
        uint32_t file;        /* as the file has it; 0 = ours to manage */
        uint32_t file_before; /* as the file had it at the last publish; 0 = none */
        bool content_changed;
        bool is_signed_elsewhere; /* the serial is the file's alone */
        uint64_t now_sec;         /* UTC */
        uint32_t max_step;        /* a file's serial further ahead is held; 0 = SERIAL_JUMP_MAX */
};

enum serial_decision {
        SERIAL_SAME = 0,  /* nothing to publish */
        SERIAL_FROM_FILE, /* the file's is ahead and wins */
        SERIAL_FROM_POLICY,
        SERIAL_FROM_POLICY_BEHIND, /* the policy's value is behind: +1, told */
        SERIAL_HOLD_JUMP,   /* the file's jumps by more than a year's worth, or close to the half-circle: a
                               probable typo */
        SERIAL_HOLD_SIGNED, /* signed elsewhere, content changed, serial not advanced */
};
enum serial_decision serial_next(const struct serial_question *question, uint32_t *ret_serial);

#define SERIAL_LOST_GAP 65536u /* on top of what a secondary holds when our state is lost */
/* A jump of the file's serial that is no typo: the date style's one year is 1,000,000; unixtime's is
 * 31,622,400. */
#define SERIAL_JUMP_MAX 31622400u
uint32_t serial_date_value(uint64_t now_sec); /* YYYYMMDD00, UTC */
