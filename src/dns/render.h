/* Writes DNS messages: header, question, records with compression (case-exact, so that letter case is kept:
 * RFC 5936 s.3.4), OPT with an extended error. The caller owns the bytes. */
#pragma once

#include "dns/message.h"

enum render_section { RENDER_ANSWER, RENDER_AUTHORITY, RENDER_ADDITIONAL };

enum render_outcome {
        RENDER_OK = 0,
        RENDER_FULL, /* did not fit; the message is as it was before */
};

#define RENDER_SLOTS 4096
struct render {
        uint8_t *bytes;
        size_t length;
        size_t limit; /* octets the message may have; room for a TSIG is the caller's to leave */
        uint16_t counts[4];
        /* Suffixes written so far: hash slots of offsets below 0x4000, stamped by generation so that a reset
         * is free. */
        uint32_t generation;
        uint16_t slot_offset[RENDER_SLOTS];
        uint32_t slot_generation[RENDER_SLOTS];
        uint16_t last_owner_offset; /* quick path for a run of records of one owner; 0 = none */
};

/* About 24 KiB: allocate one a thread and reuse it; zero it once before the first render_begin. flags are QR,
 * AA, opcode, rcode ... as in the header. */
void render_begin(struct render *render, uint8_t *bytes, size_t limit, uint16_t id, uint16_t flags);
/* Copies the question section of the request as it stood (RFC 5936 s.2.2.1: the first message repeats it). */
int render_question(struct render *render, const struct request *request);
int render_question_name(struct render *render, const uint8_t *name, uint16_t type);
/* enum render_outcome. */
int render_record(struct render *render, enum render_section section, const struct record *record);
/* EDNS of the response: our UDP size, DO repeated; ede = EDE_NONE or a code with a short text (may be NULL).
 * extended_rcode's upper bits go in here. */
int render_opt(struct render *render, uint16_t udp_size, bool dnssec_ok, uint16_t extended_rcode, int ede,
        const char *ede_text);
/* Writes the counts; returns the message's length. */
size_t render_end(struct render *render);
