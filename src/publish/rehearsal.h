/* What publishing a text would come to: read, compared, judged and written by the steps of publish_zone(),
 * into a transaction of the store that is thrown away. */
#pragma once

#include "base/buffer.h"
#include "zone/judgement.h"

#include <stdbool.h>
#include <stdint.h>

struct conf;
struct publish_batch;
struct publish_job;

enum rehearsal_kind {
        REHEARSAL_NONE,    /* nothing would change */
        REHEARSAL_PUBLISH, /* it would be published */
        REHEARSAL_HOLD,    /* it would be held, or waits for thaw: `reasons` */
        REHEARSAL_BROKEN,  /* the text has errors: `details` */
};
const char *rehearsal_kind_name(enum rehearsal_kind kind); /* "none", "publish", "hold", "broken" */

struct rehearsal {
        enum rehearsal_kind kind;
        uint32_t serial;         /* published; 0 = none */
        uint32_t next_serial;    /* also where it is held; 0 = there would be none */
        uint64_t records;        /* after it, the SOA counted */
        uint64_t added, removed; /* records, without the SOA; a changed one is in both */
        uint64_t ttl_changed;    /* of those, pairs that differ in the TTL alone */
        uint64_t axfr_bytes;     /* of the whole answer over TCP, unsigned; 0 = there would be none */
        uint64_t ixfr_bytes;     /* of the answer to an IXFR from `serial`; 0 = nobody can ask so */
        bool has_hash;
        uint8_t hash[32]; /* what approve takes, were it held */
        size_t reason_count;
        char *reasons[JUDGEMENT_REASONS_MAX]; /* malloc'ed */
        char *details;                        /* diagnostics; malloc'ed, NULL = none */
        struct buffer changes;    /* "-RECORD\n" and "+RECORD\n" in canonical order, the SOA first */
        size_t changes_max;       /* lines that are wanted; set before */
        uint64_t changes_omitted; /* lines beyond them */
};
void rehearsal_clear(struct rehearsal *rehearsal);
/* An object; rehearsal_json.c. */
struct json;
void rehearsal_append_json(struct json *json, const char *zone, const struct rehearsal *rehearsal);

/* That the zone's file is gone, which waits for approval. */
int publish_rehearse_removal(struct publish_batch *batch, struct publish_job *job);

/* The job (JOB_PLAN) says which zone, and where its text is. What waits in the batch is committed before.
 * Publisher's thread. Returns enum publish_outcome or a negative errno; nothing is changed in any case. */
int publish_rehearse(struct publish_batch *batch, struct publish_job *job);

/* A publisher of its own, in a temporary folder that goes with it: for a plan without a daemon. One thread.
 */
struct rehearsal_stage;
int rehearsal_stage_new(struct conf *conf, struct rehearsal_stage **ret_stage);
/* Publishes a text as the zone's, whatever the guard says of it: what a plan starts from. fd is read from its
 * start. -EINVAL: the text has errors. */
int rehearsal_stage_publish(struct rehearsal_stage *stage, const uint8_t *name, int fd);
int rehearsal_stage_plan(
        struct rehearsal_stage *stage, const uint8_t *name, int fd, struct rehearsal *rehearsal);
/* The zone's file is gone. */
int rehearsal_stage_removal(struct rehearsal_stage *stage, const uint8_t *name, struct rehearsal *rehearsal);
struct rehearsal_stage *rehearsal_stage_free(struct rehearsal_stage *stage);
