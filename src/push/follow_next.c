/* When a provider's API is asked about a zone, and for what. Pure. */
#include "push/follow.h"

#include "base/clock.h"

#define NEVER UINT64_MAX
#define GRACE_USEC (10 * USEC_PER_SEC)            /* from hearing of a serial, whatever was due before */
#define TRANSFER_USEC (300 * USEC_PER_SEC)        /* a transfer that was asked for may take that long */
#define READ_FIRST_USEC (5 * USEC_PER_SEC)        /* then twice as long each time */
#define READ_MAX_USEC (300 * USEC_PER_SEC)        /* while it does not hold the serial */
#define READ_QUIET_USEC (6 * 3600 * USEC_PER_SEC) /* it does: nothing is awaited */

static uint64_t later(uint64_t left, uint64_t right)
{
        return left > right ? left : right;
}

static uint64_t force_at(const struct follow_facts *facts)
{
        if (facts->has || facts->force_is_refused || facts->forced_serial == facts->serial)
                return NEVER;
        uint64_t at = later(facts->due_usec, facts->heard_usec + GRACE_USEC);
        return facts->asked_usec ? later(at, facts->asked_usec + TRANSFER_USEC) : at;
}

static uint64_t read_at(const struct follow_facts *facts)
{
        if (facts->read_is_refused)
                return NEVER;
        if (facts->held_serial == facts->serial)
                return facts->base_usec + READ_QUIET_USEC;
        uint64_t wait = READ_FIRST_USEC << (facts->reads < 8 ? facts->reads : 8);
        return facts->base_usec + (wait < READ_MAX_USEC ? wait : READ_MAX_USEC);
}

enum follow_action follow_next(const struct follow_facts *facts, uint64_t now_usec, uint64_t *ret_next_usec)
{
        *ret_next_usec = NEVER;
        if (facts->is_forcing)
                return FOLLOW_SLEEP;
        /* A read may stand in line behind thousands of others: it is not waited for. */
        uint64_t force = later(force_at(facts), facts->not_before_usec);
        uint64_t read = facts->is_reading ? NEVER : later(read_at(facts), facts->not_before_usec);
        if (force <= now_usec)
                return FOLLOW_FORCE;
        if (read <= now_usec)
                return FOLLOW_READ;
        *ret_next_usec = force < read ? force : read;
        return FOLLOW_SLEEP;
}
