/* A request about a zone that a provider transfers from us. The main loop orders it (follow.c), an account's
 * worker does it between the steps of its pushes. Private to push/. */
#pragma once

#include "push/provider.h"

struct push_errand {
        uint64_t id; /* the main loop's */
        bool is_force;
        char zone_id[PUSH_ID_MAX]; /* "" = to be found by name */

        /* The answer. */
        int outcome; /* enum push_outcome, or a negative errno */
        unsigned wait_sec;
        struct push_incoming incoming;
        char why[PUSH_WHY_MAX];
};

/* One request; false: one more is to follow (the zone's id was looked for). A worker's thread. */
bool errand_step(struct push_errand *errand, struct push_session *session, const uint8_t *zone);
/* The outcome, and what session says of it. */
void errand_end(struct push_errand *errand, const struct push_session *session, int outcome);
