/* A long answer, made piece by piece while the client reads: never in memory as a whole, and the main loop is
 * held up for one piece only. Private to control/. */
#pragma once

#include "base/buffer.h"

#include <stdbool.h>

struct MHD_Response;

struct stream {
        /* Appends the next piece to `pending`: 0 = done, 1 = that was the end, 2 = done, and others are to
         * have their turn (something was appended), negative = the answer breaks off (the client sees that it
         * is not whole). */
        int (*next)(struct stream *stream);
        void (*free)(struct stream *stream);
        struct buffer pending;
        size_t sent; /* octets of pending */
        bool has_ended;
};

/* Takes the stream over, also when it fails (then NULL). */
struct MHD_Response *stream_response(struct stream *stream);
