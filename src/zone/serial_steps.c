/* The steps of serial-set. Pure; any thread.
 *
 * A secondary takes what is less than 2^31 ahead of what it holds, and is silent about all else. So a serial
 * can be set back by going around the circle: from C over C + D/2 to N, D = (N - C) mod 2^32. A step is safe
 * only where everybody holds the serial it starts from. */
#include "zone/serial_steps.h"

#include "base/buffer.h"
#include "dns/serial.h"

#include <errno.h>
#include <string.h>

#define SET_FORMAT 1

size_t serial_steps_make(
        uint32_t from, uint32_t to, bool longest, uint32_t ret_steps[static SERIAL_STEPS_MAX])
{
        size_t count = 0;

        while (from != to && count < SERIAL_STEPS_MAX) {
                uint32_t distance = to - from;
                /* How many are needed: two for all of the circle but its last serial. */
                uint32_t steps = distance / SERIAL_STEP_LONGEST + (distance % SERIAL_STEP_LONGEST != 0);
                uint32_t step = !longest                         ? distance / steps
                                : distance > SERIAL_STEP_LONGEST ? SERIAL_STEP_LONGEST
                                                                 : distance;

                from += from + step == 0 ? step - 1 : step;
                ret_steps[count++] = from;
        }
        return count;
}

/*   | format 1 | taken 1 | steps 1 | begun 8 | from 4 | each step 4 | length 2 | assumed | */
void serial_set_encode(const struct serial_set *set, struct buffer *out)
{
        size_t length = strlen(set->assumed);

        buffer_append_u8(out, SET_FORMAT);
        buffer_append_u8(out, (uint8_t)set->taken);
        buffer_append_u8(out, (uint8_t)set->step_count);
        buffer_append_u64(out, set->begun_usec);
        buffer_append_u32(out, set->from);
        for (size_t i = 0; i < set->step_count; i++)
                buffer_append_u32(out, set->steps[i]);
        buffer_append_u16(out, (uint16_t)length);
        buffer_append(out, set->assumed, length);
}

/* Each step is one that a secondary follows. */
static bool is_a_way(const struct serial_set *set)
{
        uint32_t from = set->from;

        for (size_t i = 0; i < set->step_count; i++) {
                if (set->steps[i] == 0 || !serial_is_ahead(set->steps[i], from))
                        return false;
                from = set->steps[i];
        }
        return true;
}

int serial_set_decode(const void *octets, size_t size, struct serial_set *ret_set)
{
        const uint8_t *at = octets;
        struct serial_set set = {0};

        if (size < 17 || at[0] != SET_FORMAT)
                return -EBADMSG;
        set.taken = at[1];
        set.step_count = at[2];
        set.begun_usec = read_u64(at + 3);
        set.from = read_u32(at + 11);
        if (set.step_count == 0 || set.step_count > SERIAL_STEPS_MAX || set.taken >= set.step_count ||
                size < 17 + set.step_count * 4)
                return -EBADMSG;
        at += 15;
        for (size_t i = 0; i < set.step_count; i++, at += 4)
                set.steps[i] = read_u32(at);
        size_t length = read_u16(at);
        if (length >= sizeof(set.assumed) || size != 17 + set.step_count * 4 + length ||
                memchr(at + 2, '\0', length) || !is_a_way(&set))
                return -EBADMSG;
        memcpy(set.assumed, at + 2, length);
        *ret_set = set;
        return 0;
}

bool serial_set_assumes(const struct serial_set *set, const char *name)
{
        size_t length = strlen(name);

        for (const char *line = set->assumed, *end; *line; line = *end ? end + 1 : end) {
                end = line + strcspn(line, "\n");
                if ((size_t)(end - line) == length && memcmp(line, name, length) == 0)
                        return true;
        }
        return false;
}

bool serial_set_assume(struct serial_set *set, const char *name)
{
        size_t used = strlen(set->assumed), length = strlen(name);

        if (length == 0 || strchr(name, '\n') || used + length + 2 > sizeof(set->assumed))
                return false;
        if (serial_set_assumes(set, name))
                return true;
        memcpy(set->assumed + used, name, length);
        memcpy(set->assumed + used + length, "\n", 2);
        return true;
}

enum serial_set_action serial_set_next(const struct serial_set *set, uint32_t published,
        const struct serial_holder *holders, size_t holder_count)
{
        if (published != serial_set_current(set))
                return SERIAL_SET_LOST;
        for (size_t i = 0; i < holder_count; i++)
                if (!holders[i].is_assumed && (!holders[i].is_known || holders[i].serial != published))
                        return SERIAL_SET_WAIT;
        return SERIAL_SET_STEP;
}
