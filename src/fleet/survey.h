/* Who serves it: for each (zone, secondary) what a primary can see of it, the stage reached, when the next is
 * due, and questions to its public name servers. Main loop.
 *
 * A secondary is a `secondary` block, or a NOTIFY target that belongs to none. survey_zone_published() begins
 * a round for a zone: its name servers are asked 1, 2, 4 ... s later, until all show the serial; a transfer
 * that is seen makes it sooner. In quiet a lap goes round all zones. All of it keeps to probe-rate. */
#pragma once

#include "fleet/fleet.h"
#include "fleet/stage.h"
#include "probe/prober.h"

#include <stdbool.h>
#include <stdint.h>

struct survey;

enum survey_event_kind {
        SURVEY_STALE,   /* a secondary is later than alert-after allows */
        SURVEY_IN_SYNC, /* one that was told to be stale has it */
};
struct survey_event {
        enum survey_event_kind kind;
        const uint8_t *zone;
        const char *secondary;
        uint32_t serial;           /* published */
        uint32_t secondary_serial; /* that it has, as far as is known; 0 = nobody knows */
        uint64_t lag_usec;
        const char *stage; /* stage_name() of the last one reached */
        const char *text;  /* the log's sentence */
};

struct survey_options {
        struct sd_event *event;
        struct store *store;
        struct fleet *fleet;
        struct prober *prober;
        /* After the log has it; NULL = not wanted. */
        void (*told)(void *context, const struct survey_event *event);
        /* A name server shows a serial ahead of ours; NULL = not wanted. */
        void (*ahead)(void *context, const uint8_t *zone, uint32_t serial, const char *server);
        void *context;
};
int survey_new(const struct survey_options *options, struct survey **ret_survey);
/* After fleet_reconfigure. */
int survey_reconfigure(struct survey *survey);
/* The zone serves this serial from now on. Also at start for every zone: then nothing is asked at once, the
 * lap comes to it. */
int survey_zone_published(struct survey *survey, const struct store_zone *row);
void survey_zone_forget(struct survey *survey, const uint8_t *name); /* before fleet_zone_forget */
struct survey *survey_free(struct survey *survey);                   /* before fleet_free, prober_free */

/* ---- what the server saw ---- */

struct survey_seen {
        const uint8_t *zone;
        const struct address *peer;
        const uint8_t *key_name; /* of a key that was verified; NULL or the root = none */
        const char *secondary;   /* the block it is; of a refusal: nearly is. NULL or "" = none */
        const char *rule;        /* the element of its transfer-from that let it in; NULL or "" */
        uint64_t at_usec;        /* realtime */
};
void survey_saw_soa_query(struct survey *survey, const struct survey_seen *seen, uint32_t answered_serial);
/* to_serial 0: it was asked for and did not come to its end. from_serial 0: AXFR. */
void survey_saw_transfer(struct survey *survey, const struct survey_seen *seen, enum fleet_transfer_kind kind,
        uint32_t from_serial, uint32_t to_serial, uint64_t bytes);
void survey_saw_refused(struct survey *survey, const struct survey_seen *seen);

/* The provider's API says that it holds this serial: it was transferred, and name servers alone say whether
 * it is served. 0 = none. */
void survey_told_serial(struct survey *survey, const uint8_t *zone, const char *secondary, uint32_t serial);

/* ---- what is to be said: status, metrics, page, wait, doctor ---- */

#define SURVEY_NOTE_MAX 320

struct survey_sight {
        const char *name;                       /* the block's, or "192.0.2.1#53" */
        const struct conf_secondary *secondary; /* NULL = a NOTIFY target of no block */
        const struct sight_row *row;
        struct stage_view view;
        uint32_t known_serial; /* the newest that it is known to have; 0 = nothing is known */
        bool is_probed;        /* its name servers are asked */
        unsigned server_count, serving_count;
        bool is_sample_old;         /* serves the serial with an old RRset in it */
        bool is_sample_seen;        /* the changed RRsets of this serial were compared, and are right */
        char note[SURVEY_NOTE_MAX]; /* why it lags, and what to do; "" = nothing to say */
};
/* How many secondaries a zone has; 0 where the zone is not known. */
size_t survey_sight_count(struct survey *survey, const uint8_t *zone);
/* -ENOENT. Valid until the loop's next turn. */
int survey_sight_get(
        struct survey *survey, const uint8_t *zone, size_t index, struct survey_sight *ret_sight);

enum survey_answer {
        SURVEY_NOT_ASKED,
        SURVEY_SHOWS,     /* it shows `serial` */
        SURVEY_NOT_THERE, /* it answered, and has no such zone: `rcode` (NOERROR: not authoritative) */
        SURVEY_SILENT,
};
const char *survey_answer_name(enum survey_answer answer); /* "serial", "no zone", "silent", "not asked" */
struct survey_server {
        struct address address;
        const char *name; /* of the name server; NULL = it is configured by address */
        enum survey_answer answer;
        unsigned rcode;
        uint32_t serial;  /* the last seen; 0 = none */
        uint64_t at_usec; /* of the last answer or silence */
        const char *nsid; /* printable; NULL = none: of the last answer of this address */
        bool is_down;     /* silent for all zones: only now and then asked */
};
int survey_server_get(struct survey *survey, const uint8_t *zone, size_t sight_index, size_t server_index,
        struct survey_server *ret_server);

/* Which elements of transfer-from and allow-transfer were used last, and when. position begins at 0; false at
 * the end. owner: the block's name, "" for allow-transfer. */
bool survey_acl_use_next(const struct survey *survey, size_t *position, const char **ret_owner,
        const char **ret_element, uint64_t *ret_usec);

/* State to be written since the last call, as fleet_take_dirty(). */
int survey_take_dirty(struct survey *survey, struct fleet_write **ret_writes, size_t *ret_count);

/* A round for this zone now, whatever is due: `wait` begins. */
void survey_hurry(struct survey *survey, const uint8_t *zone);
/* Runs what is due: the sd-event timer's handler, and tests after they moved the clock. */
void survey_turn(struct survey *survey);
