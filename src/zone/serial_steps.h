/* serial-set: from one serial to another in steps that every secondary follows (RFC 1982 s.7), and whether
 * the next may be taken. Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buffer;

#define SERIAL_STEP_LONGEST 0x7fffffffu /* what is further is not ahead */
#define SERIAL_STEPS_MAX 4 /* two; a third where the way is nearly the whole circle, one more around 0 */
#define SERIAL_ASSUMED_MAX 1024

/* The serials to publish one after the other; the last is `to`. Equal steps, or each as long as can be.
 * Returns how many: 0 where from is `to`; `to` is not 0. */
size_t serial_steps_make(
        uint32_t from, uint32_t to, bool longest, uint32_t ret_steps[static SERIAL_STEPS_MAX]);

/* A way under way, as it is kept beside the zone. */
struct serial_set {
        uint32_t from;
        uint32_t steps[SERIAL_STEPS_MAX];
        size_t step_count;
        size_t taken; /* how many of them are published */
        uint64_t begun_usec;
        char assumed[SERIAL_ASSUMED_MAX]; /* secondaries that are not waited for: names or addresses, one a
                                             line */
};
void serial_set_encode(const struct serial_set *set, struct buffer *out);
/* Foreign bytes (the store's): -EBADMSG. */
int serial_set_decode(const void *octets, size_t size, struct serial_set *ret_set);
static inline uint32_t serial_set_target(const struct serial_set *set)
{
        return set->steps[set->step_count - 1];
}
/* What the zone serves while the next step waits. */
static inline uint32_t serial_set_current(const struct serial_set *set)
{
        return set->taken == 0 ? set->from : set->steps[set->taken - 1];
}
bool serial_set_assumes(const struct serial_set *set, const char *name);
/* False where there is no room, or a newline in it. */
bool serial_set_assume(struct serial_set *set, const char *name);

/* Somebody who follows the zone, as far as we know. */
struct serial_holder {
        uint32_t serial;
        bool is_known;   /* else nobody could tell */
        bool is_assumed; /* need not be known */
};
enum serial_set_action {
        SERIAL_SET_WAIT, /* somebody may hold another serial */
        SERIAL_SET_STEP,
        SERIAL_SET_LOST, /* the zone serves another serial than the way says: it cannot go on */
};
enum serial_set_action serial_set_next(const struct serial_set *set, uint32_t published,
        const struct serial_holder *holders, size_t holder_count);
