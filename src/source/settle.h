/* When a file that somebody writes is ready to be read. Decisions only: no clock, no file, no loop.
 *
 *                    CREATED                MODIFIED               CLOSED             quiet for settle,
 *            IDLE ------------> SETTLE_CREATED ----> SETTLE_WRITING ----> SETTLE_CLOSED ---------------->
 * CHANGED |  (a link: nobody will close it)     ^  at most 2 s after the first close,
 *                                    +-------------------------------------+  but never while it is open
 *            any ---REMOVED---> SETTLE_GONE --- not back within max(settle, 500 ms) -------------------->
 * VANISHED
 *
 * What the limit told is SETTLE_TOLD for two seconds: where the look at it meets the file between a
 * truncation and the event of that, the text is broken, and the next close counts at once.
 *
 * A rename into place is a file that was closed before: due at once. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define SETTLE_LIMIT_USEC 2000000ull   /* under constant writes; a longer settle time of the owner's counts */
#define SETTLE_VANISH_USEC 500000ull   /* git and editors unlink, then write anew */
#define SETTLE_SUSPECT_USEC 2000000ull /* a close that may have been lost with an overflow */
#define SETTLE_NEVER UINT64_MAX

enum settle_phase {
        SETTLE_IDLE,    /* nothing to tell */
        SETTLE_CREATED, /* a name appeared: by open (a close will follow) or by link (none will) */
        SETTLE_WRITING, /* a writer has it open */
        SETTLE_SUSPECT, /* a writer had it open when events were lost */
        SETTLE_CLOSED,  /* to be told, once quiet */
        SETTLE_TOLD, /* told under constant writes: for a while it is known that it may have been read half */
        SETTLE_GONE, /* removed or renamed away; it may come back */
};

struct settle_state {
        enum settle_phase phase;
        bool is_new;     /* the owner cannot know this name: it appeared, and nothing was told since */
        bool was_filled; /* SETTLE_CREATED: it had content at the last look, without a write that we saw */
        uint64_t first_usec; /* of the changes not yet told: the first close; 0 = none */
        uint64_t due_usec;   /* when to call settle_due; SETTLE_NEVER = an event comes first */
};

/* A zeroed struct settle_state is an idle one. */

enum settle_event {
        SETTLE_ON_CREATED,
        SETTLE_ON_MODIFIED,
        SETTLE_ON_CLOSED,
        SETTLE_ON_ATTRIBUTES,
        SETTLE_ON_RENAMED_IN,         /* a closed file, as far as we saw */
        SETTLE_ON_RENAMED_IN_CREATED, /* one that was SETTLE_CREATED under its old name */
        SETTLE_ON_RENAMED_IN_OPEN,    /* one that a writer has open */
        SETTLE_ON_REMOVED,
        SETTLE_ON_OVERFLOW,    /* events were lost; the owner will be told to rescan */
        SETTLE_ON_SEEN_EMPTY,  /* the look that SETTLE_DO_LOOK asked for: a regular file, no octets, one link
                                */
        SETTLE_ON_SEEN_FILLED, /* octets, one link */
        SETTLE_ON_SEEN_LINK,   /* a second link, or a symlink */
        SETTLE_ON_READ_HALF,   /* what was told was read while the next writer was at it: its close counts at
                                  once */
};

struct settle_state settle_after(
        struct settle_state state, enum settle_event event, uint64_t now_usec, uint64_t settle_usec);

enum settle_action {
        SETTLE_DO_WAIT,
        SETTLE_DO_LOOK, /* lstat it, and give what was seen to settle_after */
        SETTLE_DO_TELL_CHANGED,
        SETTLE_DO_TELL_VANISHED,
        SETTLE_DO_FORGET, /* nothing is to be told */
};

/* After SETTLE_DO_TELL_CHANGED, when it has been told: idle, or SETTLE_TOLD where the limit told it. */
struct settle_state settle_told(const struct settle_state *state, uint64_t now_usec, uint64_t settle_usec);

enum settle_action settle_due(const struct settle_state *state, uint64_t now_usec);
/* A reader would find it half written. */
bool settle_is_open(const struct settle_state *state);

/* Waiting for a git checkout: its index.lock is there. */
#define GIT_WAIT_LIMIT_USEC 10000000ull

struct git_wait {
        uint64_t lock; /* which lock file; 0 = none */
        uint64_t since_usec;
        bool is_over; /* waited long enough for this one, and told */
};

enum git_action {
        GIT_GO,
        GIT_WAIT,
        GIT_TELL_AND_GO, /* once for each lock */
};

/* lock: a number that tells one lock file from the next, 0 = there is none. */
enum git_action git_wait_next(struct git_wait *wait, uint64_t lock, uint64_t now_usec);

/* Polling: a file is told when it differs from what was told, and two looks in a row saw the same. */
bool poll_is_due(bool differs_from_told, bool same_as_last_look);
