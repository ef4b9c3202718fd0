/* When a file that somebody writes is ready to be read: the decisions of the watcher. Pure. */
#include "source/settle.h"

static uint64_t max_usec(uint64_t left, uint64_t right)
{
        return left > right ? left : right;
}

/* Closed: due after quiet, or when the limit since the first close is over. */
static struct settle_state after_close(struct settle_state state, uint64_t now_usec, uint64_t settle_usec)
{
        if (state.first_usec == 0)
                state.first_usec = now_usec;
        uint64_t quiet_usec = now_usec + settle_usec;
        uint64_t limit_usec = state.first_usec + max_usec(SETTLE_LIMIT_USEC, settle_usec);
        state.phase = SETTLE_CLOSED;
        state.due_usec = quiet_usec < limit_usec ? quiet_usec : limit_usec;
        return state;
}

static struct settle_state after_creation(struct settle_state state, uint64_t due_usec)
{
        state.phase = SETTLE_CREATED;
        state.was_filled = false;
        state.due_usec = due_usec;
        return state;
}

static struct settle_state after_removal(struct settle_state state, uint64_t now_usec, uint64_t settle_usec)
{
        if (state.is_new) /* a temporary file: nobody heard of it */
                return (struct settle_state){.phase = SETTLE_IDLE};
        if (state.phase == SETTLE_GONE)
                return state;
        state.phase = SETTLE_GONE;
        state.due_usec = now_usec + max_usec(SETTLE_VANISH_USEC, settle_usec);
        return state;
}

static struct settle_state after_overflow(struct settle_state state, uint64_t now_usec)
{
        if (!settle_is_open(&state))
                return (struct settle_state){.phase = SETTLE_IDLE}; /* the rescan tells it */
        state.is_new = false;                                       /* ... and makes it known */
        if (state.phase == SETTLE_SUSPECT)
                return state;
        state.phase = SETTLE_SUSPECT;
        state.due_usec = now_usec + SETTLE_SUSPECT_USEC;
        return state;
}

/* A name with content and one link that nobody was seen to write: linked in from an O_TMPFILE, or its first
 * write is not yet in the queue. A second look tells. */
static struct settle_state after_seen_filled(
        struct settle_state state, uint64_t now_usec, uint64_t settle_usec)
{
        if (state.phase == SETTLE_CREATED && !state.was_filled) {
                state.was_filled = true;
                state.due_usec = now_usec + settle_usec;
                return state;
        }
        state.phase = SETTLE_CLOSED;
        state.due_usec = now_usec;
        return state;
}

struct settle_state settle_after(
        struct settle_state state, enum settle_event event, uint64_t now_usec, uint64_t settle_usec)
{
        switch (event) {
        case SETTLE_ON_CREATED:
                state.is_new = state.is_new || state.phase == SETTLE_IDLE;
                return after_creation(state, now_usec + settle_usec);
        case SETTLE_ON_RENAMED_IN_CREATED:
                return after_creation(state, now_usec);
        case SETTLE_ON_MODIFIED:
        case SETTLE_ON_RENAMED_IN_OPEN:
                state.phase = SETTLE_WRITING;
                state.due_usec = SETTLE_NEVER;
                return state;
        case SETTLE_ON_CLOSED:
                return after_close(state, now_usec, settle_usec);
        case SETTLE_ON_ATTRIBUTES:
                if (state.phase == SETTLE_IDLE || state.phase == SETTLE_TOLD || state.phase == SETTLE_CLOSED)
                        return after_close(state, now_usec, settle_usec);
                return state;
        case SETTLE_ON_RENAMED_IN:
        case SETTLE_ON_SEEN_LINK:
                state.phase = SETTLE_CLOSED;
                state.due_usec = now_usec;
                return state;
        case SETTLE_ON_REMOVED:
                return after_removal(state, now_usec, settle_usec);
        case SETTLE_ON_OVERFLOW:
                return after_overflow(state, now_usec);
        case SETTLE_ON_SEEN_EMPTY:
                state.due_usec = SETTLE_NEVER; /* its writer has it open; a write or a close follows */
                return state;
        case SETTLE_ON_READ_HALF:
                if (state.phase == SETTLE_IDLE)
                        return state;
                state.first_usec = 1;
                if (state.phase == SETTLE_CLOSED)
                        state.due_usec = now_usec;
                return state;
        case SETTLE_ON_SEEN_FILLED:
                return after_seen_filled(state, now_usec, settle_usec);
        }
        return state;
}

struct settle_state settle_told(const struct settle_state *state, uint64_t now_usec, uint64_t settle_usec)
{
        uint64_t limit_usec = max_usec(SETTLE_LIMIT_USEC, settle_usec);
        bool by_limit = state->phase == SETTLE_CLOSED && state->first_usec > 1 &&
                        now_usec >= state->first_usec + limit_usec;
        return by_limit
                       ? (struct settle_state){.phase = SETTLE_TOLD, .due_usec = now_usec + SETTLE_LIMIT_USEC}
                       : (struct settle_state){.phase = SETTLE_IDLE};
}

enum settle_action settle_due(const struct settle_state *state, uint64_t now_usec)
{
        if (state->phase == SETTLE_IDLE || now_usec < state->due_usec)
                return SETTLE_DO_WAIT;
        switch (state->phase) {
        case SETTLE_CREATED:
                return SETTLE_DO_LOOK;
        case SETTLE_TOLD: /* first_usec: it was read half, and no close came since */
                return state->first_usec ? SETTLE_DO_TELL_CHANGED : SETTLE_DO_FORGET;
        case SETTLE_SUSPECT:
        case SETTLE_CLOSED:
                return SETTLE_DO_TELL_CHANGED;
        case SETTLE_GONE:
                return SETTLE_DO_TELL_VANISHED;
        case SETTLE_IDLE:
        case SETTLE_WRITING:
                break;
        }
        return SETTLE_DO_WAIT;
}

bool settle_is_open(const struct settle_state *state)
{
        return state->phase == SETTLE_CREATED || state->phase == SETTLE_WRITING ||
               state->phase == SETTLE_SUSPECT;
}

enum git_action git_wait_next(struct git_wait *wait, uint64_t lock, uint64_t now_usec)
{
        if (lock != wait->lock)
                *wait = (struct git_wait){.lock = lock, .since_usec = now_usec};
        if (lock == 0 || wait->is_over)
                return GIT_GO;
        if (now_usec - wait->since_usec < GIT_WAIT_LIMIT_USEC)
                return GIT_WAIT;
        wait->is_over = true;
        return GIT_TELL_AND_GO;
}

bool poll_is_due(bool differs_from_told, bool same_as_last_look)
{
        return differs_from_told && same_as_last_look;
}
