/* Private to fleet/: what the survey's files share. Main loop. */
#pragma once

#include "base/arena.h"
#include "base/table.h"
#include "base/timers.h"
#include "dns/record.h"
#include "fleet/survey.h"
#include "probe/lookup.h"

/* ---- post.c: a `secondary` block in use, and its public name servers ---- */

struct post_server {
        struct address address;
        char *name;                /* it was resolved from; NULL = configured by address */
        char *nsid;                /* printable, of its last answer that had one; NULL */
        unsigned running;          /* questions under way, those for changed RRsets left out */
        bool has_answered;         /* since it was silent, or since the start */
        unsigned silent_count;     /* looks in a row without an answer, whatever the zone */
        bool is_down;              /* then it is asked now and then, for one zone */
        uint64_t canary_usec;      /* is_down: the next time, monotonic */
        uint64_t canary_wait_usec; /* grows up to a minute */
};

struct post {
        char *name;
        const struct conf_secondary *conf; /* of the configuration that fleet holds */
        struct post_server *servers;
        size_t server_count;
        uint64_t resolved_usec; /* monotonic; names are looked up again after some time */
        bool has_names;
        uint32_t generation; /* grows when servers come or go */
        bool is_wanted;      /* posts_reconfigure's mark */
};

int posts_reconfigure(struct survey *survey);
struct post *post_find(const struct survey *survey, const char *name);
/* Looks names up again where that is due. */
void posts_resolve(struct survey *survey, uint64_t now_usec);
void posts_free(struct survey *survey);
/* It was heard of by another way: its servers are asked again. */
void post_heard(struct post *post);
enum post_leave { POST_NOW, POST_SOON, POST_NOT };
/* SOON: as many as may run do. NOT: it is down, and not the canary's turn. */
enum post_leave post_server_may_be_asked(struct post_server *server, uint64_t now_usec);
void post_server_answered(struct post_server *server);
void post_server_silent(struct post_server *server, uint64_t now_usec);

/* ---- sight.c: one (zone, secondary), and a zone's ---- */

struct seen {             /* of one name server, for one zone */
        uint64_t at_usec; /* realtime */
        uint32_t serial;
        uint8_t answer; /* enum survey_answer */
        uint8_t rcode;
        bool is_asked;    /* a look is under way */
        bool is_compared; /* it was asked for the changed RRsets of this serial */
};

struct sight {
        char *name;
        struct post *post;        /* NULL: a NOTIFY target of no block */
        uint32_t post_generation; /* that `seen` belongs to */
        size_t target_index;      /* then, in zone->targets */
        uint32_t told_serial;     /* survey_told_serial */
        struct sight_row row;
        struct seen *seen; /* post->server_count */
        bool is_sample_old;
        bool is_dirty;
        uint32_t dirty_index;
        struct place *place;
};

struct look;

struct sample { /* RRsets that the last publish changed */
        struct arena arena;
        uint32_t serial;
        size_t count; /* 0: nothing that can be compared */
        struct {
                const uint8_t *owner;
                uint16_t type;
        } rrsets[4];
        struct record_list added, removed; /* of those RRsets */
};

/* A zone under survey. */
struct place {
        struct timer_node timer; /* first: a node is cast to what it is in */
        struct fleet_zone *zone;
        uint64_t id; /* the zone's, as rows know it */
        uint32_t serial, retry_sec, expire_sec;
        uint64_t size_bytes, published_usec;
        struct sight **sights;
        size_t sight_count;
        uint32_t targets_generation, conf_generation;
        uint64_t look_usec;      /* monotonic: when name servers are asked next; TIMER_NEVER */
        uint64_t look_wait_usec; /* grows */
        bool is_ready;           /* in the line */
        bool looks_at_all;       /* the next look is at every server */
        struct place *ready_next;
        struct look *looks; /* under way */
        struct sample *sample;
};

struct place *place_find(struct survey *survey, const uint8_t *name);
int place_get(struct survey *survey, struct fleet_zone *zone, struct place **ret_place, bool *ret_is_new);
/* The sights are those of the configuration and the targets of now. */
int place_sync(struct survey *survey, struct place *place);
void place_free(struct survey *survey, struct place *place);
void survey_places_free(struct survey *survey);
struct stage_facts sight_facts(
        const struct survey *survey, const struct place *place, const struct sight *sight);
bool sight_is_probed(const struct sight *sight);
/* After anything about it changed: keeps the row, tells what is to be told. Returns when to look again
 * (realtime; STAGE_NEVER). */
uint64_t sight_judge(struct survey *survey, struct place *place, struct sight *sight);
/* When it will be stale (realtime), without telling anything. */
uint64_t sight_next_usec(struct survey *survey, struct place *place, struct sight *sight);
void sight_published(struct sight *sight);                      /* what was seen is of the serial before */
void sight_changed(struct survey *survey, struct sight *sight); /* its row is to be written */
void sight_forget_row(struct survey *survey, const struct place *place, const struct sight *sight);
/* A plain target's transfers are kept in the target's row. */
void sight_refresh(const struct place *place, struct sight *sight);
/* The newest serial that it is known to have; 0 = none. */
uint32_t sight_known_serial(const struct place *place, const struct sight *sight);
struct fleet_target *sight_target(const struct place *place, const struct sight *sight);

/* ---- look.c: questions to name servers ---- */

/* Asks what is to be asked of the zone; everything: also servers that show the serial already. True: some
 * question has to wait, as many to that server as may run do. */
bool place_look(struct survey *survey, struct place *place, bool everything);
void place_cancel_looks(struct survey *survey, struct place *place);
/* Some server does not show the serial yet. */
bool place_wants_looks(const struct place *place);

/* ---- sample.c ---- */

/* Loads the changed RRsets of the place's serial; place->sample. */
int sample_load(struct survey *survey, struct place *place);
void sample_free(struct place *place);
/* True where the answer's RRset is as it is here. */
bool sample_fits(const struct sample *sample, size_t index, const struct record *records, size_t count);

/* ---- survey.c ---- */

/* The place's timer is set to what comes first. */
void place_schedule(struct survey *survey, struct place *place);
void place_ready(struct survey *survey, struct place *place); /* in line for a look */
/* It was transferred: the name servers show it in a moment. */
void place_look_soon(struct survey *survey, struct place *place);
void lag_begin(struct survey *survey, struct place *place, uint64_t at_usec, bool is_published);
void survey_feed(struct survey *survey); /* looks of those in line, as many as may run */

/* ---- acl_use.c ---- */

#define ACL_USE_KEY_MAX 320
struct acl_use {
        const char *owner, *element; /* in `key`, which ends in zeros */
        uint8_t key[ACL_USE_KEY_MAX + 1];
        size_t key_size;
        uint64_t usec, written_usec;
        bool is_dirty;
};
/* Foreign bytes (the store's): -EBADMSG. The owner begins behind the key's first octet. */
int acl_use_decode(const void *key, size_t key_size, const void *value, size_t size, const char **ret_element,
        uint64_t *ret_usec);
void acl_use_load(struct survey *survey);
void acl_use_note(struct survey *survey, const char *owner, const char *element, uint64_t usec);
void acl_use_take_dirty(struct survey *survey, struct fleet_write *writes, size_t *count);
void acl_use_free(struct survey *survey);

/* ---- survey_tell.c: the log, and words ---- */

void tell_alert(struct survey *survey, const struct place *place, const struct sight *sight,
        const struct stage_facts *facts, const struct stage_view *view, enum alert_action action);
void tell_sample(const struct place *place, const struct sight *sight, const struct post_server *server,
        const uint8_t *owner, uint16_t type);
void tell_near(struct survey *survey, const uint8_t *zone, const struct address *peer,
        const struct conf_secondary *secondary);
void sight_note(const struct place *place, const struct sight *sight, const struct stage_facts *facts,
        const struct stage_view *view, char note[static SURVEY_NOTE_MAX]);

#define FAST_LAPS 2 /* zones that come while the first goes on may be missed by it */

struct survey {
        struct survey_options options;
        struct timers timers;
        struct timer_node lap; /* the next zone in quiet */
        struct table places;   /* zone name -> struct place */
        struct post **posts;
        size_t post_count;
        uint32_t conf_generation;
        struct lookups *lookups;
        struct sd_event_source *lookups_source;
        size_t lap_position;
        unsigned fast_laps;  /* left: nothing is known of the servers yet */
        uint64_t begun_usec; /* realtime */
        size_t looks_running;
        struct place *ready_first, *ready_last;
        struct sight **dirty;
        size_t dirty_count, dirty_capacity;
        struct fleet_write *deletes;
        size_t delete_count, delete_capacity;
        struct table acl_uses; /* key -> struct acl_use */
        size_t acl_dirty_count;
        uint64_t near_told_usec; /* monotonic: the last that was told of a right key from a wrong address */
};
