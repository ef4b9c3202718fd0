/* A question to a DNS server, as a client asks: over UDP, then TCP. Waits; for short-lived programs alone. */
#pragma once

#include "base/address.h"
#include "base/arena.h"
#include "dns/record.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum ask_result {
        ASK_ANSWERED,
        ASK_SILENT,
        ASK_UNREACHABLE, /* error says why */
};

struct ask_answer {
        enum ask_result result;
        int error; /* positive errno */
        unsigned rcode;
        bool is_authoritative;
        struct record_list records; /* of all sections; their octets are the arena's */
};

struct ask_question {
        struct address server; /* with its port */
        const uint8_t *name;
        uint16_t type;
        bool is_recursive;
        bool is_tcp; /* at once */
        unsigned wait_msec;
};

/* 0, or -ENOMEM. *ret_answer is to be freed by ask_answer_free in any case. */
int ask(const struct ask_question *question, struct arena *arena, struct ask_answer *ret_answer);
void ask_answer_free(struct ask_answer *answer);

/* An answer's octets: 0 = taken, 1 = to another question, or malformed; -ENOMEM. Pure: foreign bytes.
 * *ret_truncated: TC. */
int ask_read(const uint8_t *bytes, size_t length, uint16_t id, const struct ask_question *question,
        struct arena *arena, struct ask_answer *ret_answer, bool *ret_truncated);
