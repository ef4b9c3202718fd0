/* What a provider of DNS with an API can do, as far as a push needs it: a few functions, each one request,
 * each on a worker's thread. A third provider is a file that fills in a struct push_provider. */
#pragma once

#include "base/arena.h"
#include "dns/name.h"
#include "push/http.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct credentials;
struct record;

#define PUSH_ID_MAX 41
#define PUSH_WHY_MAX 512
#define PUSH_TTL_UNEVEN UINT32_MAX /* records of one RRset that have different TTLs there */

/* An RRset, ours or theirs. Lives in an arena. */
struct push_value {
        const uint8_t *rdata; /* NULL: the provider's text could not be read */
        uint16_t length;
        const char *text; /* as the provider has it; NULL = ours */
        const char *id;   /* of a provider that has ids for records; NULL else */
};
struct push_set {
        const uint8_t *key; /* owner (folded), then the type: 2 octets */
        size_t key_size;
        uint16_t type;
        uint32_t ttl;
        bool is_foreign; /* alias, weighted, proxied ...: never touched */
        bool is_seen;    /* compare.c's */
        size_t count, capacity;
        struct push_value *values;
};
static inline const uint8_t *push_set_owner(const struct push_set *set)
{
        return set->key;
}

/* old NULL: to be created; new NULL: to be deleted; both: replaced. */
struct push_change {
        const struct push_set *old, *new;
        bool is_upsert; /* the provider's own set (SOA, apex NS), which cannot be deleted */
};
/* The old or the new one. */
static inline const struct push_set *push_change_set(const struct push_change *change)
{
        return change->new ? change->new : change->old;
}

enum push_outcome {
        PUSH_OK = 0,
        PUSH_PENDING,    /* taken, and not yet everywhere */
        PUSH_AGAIN,      /* throttled, 5xx, no answer, a cut one: later */
        PUSH_BUSY,       /* it still works at our last change: soon */
        PUSH_REFUSED,    /* it does not like this change */
        PUSH_DENIED,     /* credentials, or their rights */
        PUSH_NO_ZONE,    /* the zone is not there (any more) */
        PUSH_AMBIGUOUS,  /* several zones of the name: zone-id is needed */
        PUSH_UNSUPPORTED /* it has no such thing */
};

/* One account while a worker works for it. */
struct push_session {
        const struct push_provider *provider;
        const struct credentials *credentials;
        struct http *http;
        const char *endpoint; /* without its final slash */
        struct http_answer answer;
        unsigned wait_sec;      /* PUSH_AGAIN: as the provider said; 0 = nothing */
        char why[PUSH_WHY_MAX]; /* of anything but PUSH_OK and PUSH_PENDING: a sentence without its final dot
                                 */
        uint64_t requests, throttled;
};

struct push_place {
        char id[PUSH_ID_MAX];
        struct push_names {
                char **names; /* text without final dot, malloc'ed */
                size_t count;
        } name_servers;
};

/* A listing that is under way, and what it has found. */
struct push_listing {
        struct arena arena;
        struct push_set **sets;
        size_t count, capacity;
        size_t value_count;
        const uint8_t *apex;
        const uint8_t *owner; /* list this owner alone; NULL = all */
        uint16_t type;        /* with owner: this type alone; 0 = all */
        bool is_whole;        /* the last page was read */
        struct push_set *last;
        unsigned page;
        char *next_name, *next_type, *next_id; /* in the arena: where the next page begins */
};
void push_listing_free(struct push_listing *listing);

#define PUSH_PROVIDER_SERIAL 1 /* a SOA record that takes our serial */
#define PUSH_PROVIDER_LOOKS 2  /* a change needs the ids of what is there */
#define PUSH_PROVIDER_APEX_NS 4

struct push_limits {
        size_t elements; /* in one batch */
        size_t characters;
        unsigned requests, window_sec; /* this many requests in that time, an account */
};

/* What a provider's API says of a zone that it transfers from us. */
struct push_incoming {
        uint32_t serial;       /* that it holds; 0 = none yet */
        uint64_t checked_usec; /* realtime: when it looked last; 0 = not said */
};

struct push_provider {
        const char *name; /* as the provider statement has it */
        const char *default_endpoint;
        unsigned flags;
        struct push_limits limits;
        bool is_token; /* the credentials file is a token; else AWS's INI */

        /* Whether it can hold this record (its type, and what is in it). */
        bool (*takes)(const struct record *record);
        uint32_t (*ttl)(uint32_t ttl); /* that it would make of ours; NULL = takes any */
        /* The zone's id. */
        int (*find)(struct push_session *session, const uint8_t *apex, struct push_place *place);
        /* Looks that the id is of that zone. */
        int (*name_servers)(struct push_session *session, const uint8_t *apex, struct push_place *place);
        /* The next page of a listing. */
        int (*list)(struct push_session *session, const char *zone_id, struct push_listing *listing);
        /* What a change takes of a batch's limits. */
        int (*cost)(const struct push_change *change, size_t *ret_elements, size_t *ret_characters);
        /* All or nothing. PUSH_OK: it is everywhere; PUSH_PENDING: ret_change_id tells when. */
        int (*apply)(struct push_session *session, const char *zone_id, const struct push_change *changes,
                size_t count, const char *comment, char ret_change_id[static PUSH_ID_MAX]);
        int (*is_in_sync)(struct push_session *session, const char *change_id);
        /* Of a zone that it transfers from us; NULL = it has no such thing. */
        int (*incoming)(
                struct push_session *session, const char *zone_id, struct push_incoming *ret_incoming);
        int (*force_axfr)(struct push_session *session, const char *zone_id); /* it is to transfer it now */
};

extern const struct push_provider push_route53, push_cloudflare;

/* A page of a list, as it came: foreign bytes. 0, -EBADMSG (nothing of it was taken), -ENOMEM. */
int route53_list_read(struct push_listing *listing, const void *bytes, size_t length);
int cloudflare_list_read(struct push_listing *listing, const void *bytes, size_t length);
/* What is held of a zone. 0, -EBADMSG. */
int cloudflare_incoming_read(const void *bytes, size_t length, struct push_incoming *ret_incoming);

/* ---- what providers share (session.c, set.c) ---- */

/* Says why; returns the outcome. */
int push_say(struct push_session *session, int outcome, const char *format, ...)
        __attribute__((format(printf, 3, 4)));
/* An http_request() that gave nothing, as an outcome. */
int push_no_answer(struct push_session *session, int r);
void push_names_free(struct push_names *names);
int push_names_add(struct push_names *names, const char *text);

/* The set of that owner and type at the listing's end, or a new one. NULL: no memory. A listing gives the
 * records of a set one behind the other, or push_listing_sort joins them. */
struct push_set *push_listing_set(struct push_listing *listing, const uint8_t *owner, uint16_t type);
struct push_set *push_set_new(struct arena *arena, const uint8_t *owner, uint16_t type, uint32_t ttl);
/* A value of this set; rdata is copied, text and id too where they are. -ENOMEM. */
int push_set_add(struct arena *arena, struct push_set *set, const uint8_t *rdata, size_t length,
        const char *text, const char *id);
/* Values in canonical order. */
void push_set_sort(struct push_set *set);
/* The same RDATA (case of names folded) and TTL. Both sorted. */
bool push_set_equal(const struct push_set *left, const struct push_set *right);
struct record push_set_record(const struct push_set *set, size_t index);
