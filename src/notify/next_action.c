/* What to do next for one (zone, target): a pure state machine. Any thread.
 *
 *            PUBLISHED                    SENT                  answer NOERROR
 *     (new) -----------> DELAYED ------------------> WAITING -----------------> ACKNOWLEDGED --> DONE
 *                           ^  ^                      |  |  \                      |   asked, transferred,
 *                           |  |   no answer in time  |  |   \ answer: an error    |   or told after 3
 * repeats |  +----------------------+  |    +--------> REFUSED   | |    (3, 6, 12, 24, 48 s)    | 5 times | |
 *                           |                            v                 | 1 h   | 60 s, 3 times
 *                           +-------------------------- DOWN               |       |
 *                           |    heard of             (canary)             |       |
 *                           +----------------------------------------------+-------+
 *
 * NOTIFY_SEND leaves the state in DELAYED with due_usec NOTIFY_NEVER: the rate's queue has it until
 * NOTIFY_EVENT_SENT. In DOWN it is a canary, whose next time is set with it.
 *
 * Invariants:
 *   - in every phase but DONE something comes: due_usec is set, or a NOTIFY_SEND is outstanding, or (DOWN,
 * held) another zone's canary stands for the address (I6);
 *   - a newer serial replaces the older at once and loses no failure that was counted: a dead target is found
 * out however often its zone changes. */
#include "notify/notify.h"

#include "base/clock.h"
#include "dns/message.h"
#include "dns/serial.h"

#define FIRST_TIMEOUT (3 * USEC_PER_SEC)
#define TIMEOUT_FLOOR                                                                                        \
        (1 * USEC_PER_SEC) /* a serial sent while an older one's time runs gets at least this                \
                            */
#define FAILURES_MAX 5
#define FAILURES_HALF_OPEN 3 /* heard of after being down: two tries, then down again */
#define ASK_TIME (60 * USEC_PER_SEC)
#define REPEATS_MAX 3
#define REFUSED_INTERVAL (3600 * USEC_PER_SEC)
#define CANARY_FLOOR (60 * USEC_PER_SEC)
#define LATE_ANSWER_TIME (3 * USEC_PER_SEC)

const char *notify_phase_name(enum notify_phase phase)
{
        static const char *const names[] = {
                [NOTIFY_DELAYED] = "delayed",
                [NOTIFY_WAITING] = "waiting",
                [NOTIFY_ACKNOWLEDGED] = "acknowledged",
                [NOTIFY_DOWN] = "down",
                [NOTIFY_REFUSED] = "refused",
                [NOTIFY_DONE] = "done",
        };
        return names[phase];
}

static enum notify_action send_now(struct notify_state *state)
{
        if (state->phase != NOTIFY_DOWN) {
                state->phase = NOTIFY_DELAYED;
                state->due_usec = NOTIFY_NEVER;
        }
        return NOTIFY_SEND;
}

static enum notify_action finish(struct notify_state *state)
{
        state->phase = NOTIFY_DONE;
        state->due_usec = NOTIFY_NEVER;
        return NOTIFY_FINISH;
}

static void forget_failures(struct notify_state *state)
{
        state->attempts = 0;
        state->sent_usec = 0;
        state->interval_usec = FIRST_TIMEOUT;
}

static enum notify_action on_published(struct notify_state *state, const struct notify_input *input)
{
        bool is_new = state->serial == 0;
        if (is_new)
                state->interval_usec = FIRST_TIMEOUT;
        else if (state->serial == input->serial && state->phase != NOTIFY_DONE)
                return NOTIFY_SLEEP;
        state->serial = input->serial;
        state->repeats = 0;
        state->was_asked = false;
        if (state->phase == NOTIFY_DOWN)
                return NOTIFY_SLEEP;
        if (state->phase == NOTIFY_DELAYED && !is_new)
                return NOTIFY_SLEEP; /* what leaves will have the new serial */
        if (input->delay_usec == 0)
                return send_now(state);
        state->phase = NOTIFY_DELAYED;
        state->due_usec = input->now_usec + input->delay_usec;
        return NOTIFY_SLEEP;
}

static enum notify_action on_forced(struct notify_state *state, const struct notify_input *input)
{
        if (state->phase != NOTIFY_DOWN)
                forget_failures(state);
        state->serial = input->serial;
        state->repeats = 0;
        state->was_asked = false;
        return send_now(state);
}

static enum notify_action on_sent(struct notify_state *state, const struct notify_input *input)
{
        if (state->began_usec == 0)
                state->began_usec = input->now_usec;
        if (state->sent_usec == 0)
                state->sent_usec = input->now_usec;
        if (state->phase != NOTIFY_DELAYED)
                return NOTIFY_SLEEP; /* a canary: its next time is set */
        state->phase = NOTIFY_WAITING;
        state->due_usec = state->sent_usec + state->interval_usec;
        if (state->due_usec < input->now_usec + TIMEOUT_FLOOR)
                state->due_usec = input->now_usec + TIMEOUT_FLOOR;
        return NOTIFY_SLEEP;
}

static enum notify_action on_no_answer(struct notify_state *state, const struct notify_input *input)
{
        state->attempts++;
        state->sent_usec = 0;
        if (state->attempts < FAILURES_MAX) {
                state->interval_usec *= 2;
                return send_now(state);
        }
        state->phase = NOTIFY_DOWN;
        state->interval_usec = CANARY_FLOOR;
        state->due_usec = input->now_usec + state->interval_usec;
        return NOTIFY_SLEEP;
}

/* The canary: sent now, and again after an interval that grows up to REFRESH. */
static enum notify_action on_canary_time(struct notify_state *state, const struct notify_input *input)
{
        uint64_t longest = input->refresh_sec * USEC_PER_SEC;
        if (longest < CANARY_FLOOR)
                longest = CANARY_FLOOR;
        uint64_t next = state->interval_usec * 2;
        if (state->interval_usec < CANARY_FLOOR) /* held until now */
                next = CANARY_FLOOR;
        state->interval_usec = next < longest ? next : longest;
        state->due_usec = input->now_usec + state->interval_usec;
        return NOTIFY_SEND;
}

static enum notify_action on_timer(struct notify_state *state, const struct notify_input *input)
{
        switch (state->phase) {
        case NOTIFY_DELAYED:
        case NOTIFY_REFUSED:
                return send_now(state);
        case NOTIFY_WAITING:
                return on_no_answer(state, input);
        case NOTIFY_ACKNOWLEDGED:
                if (state->repeats == REPEATS_MAX)
                        return finish(state);
                state->repeats++;
                return send_now(state);
        case NOTIFY_DOWN:
                return on_canary_time(state, input);
        case NOTIFY_DONE:
                return finish(state);
        }
        return NOTIFY_SLEEP;
}

static enum notify_action on_answer(struct notify_state *state, const struct notify_input *input)
{
        if (state->phase == NOTIFY_DONE)
                return finish(state);
        forget_failures(state);
        state->began_usec = 0;
        if (input->serial != state->serial) {
                /* To an older NOTIFY: the newer one is on its way, unless the target was down. */
                if (state->phase == NOTIFY_DELAYED || state->phase == NOTIFY_WAITING)
                        return NOTIFY_SLEEP;
                state->phase = NOTIFY_DELAYED;
                return send_now(state);
        }
        switch (input->rcode) {
        case RCODE_NOTIMP: /* it does not know NOTIFY and polls: asking again would be no use */
                return finish(state);
        case RCODE_NOERROR:
                if (state->was_asked)
                        return finish(state);
                state->phase = NOTIFY_ACKNOWLEDGED;
                state->due_usec = input->now_usec + ASK_TIME;
                return NOTIFY_SLEEP;
        default:
                state->phase = NOTIFY_REFUSED;
                state->due_usec = input->now_usec + REFUSED_INTERVAL;
                return NOTIFY_SLEEP;
        }
}

static enum notify_action on_heard(struct notify_state *state)
{
        if (state->phase != NOTIFY_DOWN)
                return NOTIFY_SLEEP;
        forget_failures(state);
        state->attempts = FAILURES_HALF_OPEN;
        state->phase = NOTIFY_DELAYED;
        return send_now(state);
}

static enum notify_action on_asked(struct notify_state *state)
{
        state->was_asked = true;
        return state->phase == NOTIFY_ACKNOWLEDGED ? finish(state) : on_heard(state);
}

static enum notify_action on_transferred(struct notify_state *state, const struct notify_input *input)
{
        if (input->serial != state->serial && !serial_is_ahead(input->serial, state->serial))
                return on_heard(state);
        if (state->phase == NOTIFY_DONE)
                return NOTIFY_SLEEP;
        if (state->phase != NOTIFY_WAITING)
                return finish(state);
        /* Its answer to the NOTIFY may lie in our socket still: status wants to know it. */
        state->phase = NOTIFY_DONE;
        state->due_usec = input->now_usec + LATE_ANSWER_TIME;
        return NOTIFY_SLEEP;
}

static enum notify_action on_held(struct notify_state *state)
{
        state->phase = NOTIFY_DOWN;
        state->interval_usec = 0;
        state->due_usec = NOTIFY_NEVER;
        return NOTIFY_SLEEP;
}

enum notify_action notify_next_action(struct notify_state *state, const struct notify_input *input)
{
        switch (input->event) {
        case NOTIFY_EVENT_TIMER:
                return on_timer(state, input);
        case NOTIFY_EVENT_PUBLISHED:
                return on_published(state, input);
        case NOTIFY_EVENT_FORCED:
                return on_forced(state, input);
        case NOTIFY_EVENT_SENT:
                return on_sent(state, input);
        case NOTIFY_EVENT_ANSWER:
                return on_answer(state, input);
        case NOTIFY_EVENT_ASKED:
                return on_asked(state);
        case NOTIFY_EVENT_TRANSFERRED:
                return on_transferred(state, input);
        case NOTIFY_EVENT_HEARD:
                return on_heard(state);
        case NOTIFY_EVENT_HELD:
                return on_held(state);
        }
        return NOTIFY_SLEEP;
}
