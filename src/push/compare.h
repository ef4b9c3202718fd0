/* What a push is to do: the changes between what a provider has and what is published. A worker's thread;
 * work is proportional to both for a comparison, to the change for a delta. */
#pragma once

#include "push/provider.h"

struct conf_secondary;
struct store_read;
struct store_zone;

struct push_changes {
        struct arena arena; /* of our own sets */
        struct push_change *items;
        size_t count, capacity;
        size_t created, replaced, deleted; /* RRsets */
        size_t there;                      /* RRsets at the provider that are ours to change, before it */
        size_t foreign;                    /* left alone */
        size_t skipped;                    /* records that the provider cannot hold */
        char skipped_example[120];         /* "LOC at www.example.com" */
        bool is_counted;                   /* skipped is of the whole zone */
};

struct push_rules {
        const struct push_provider *provider;
        const uint8_t *apex;
        bool apex_ns; /* the apex NS set is ours */
};

/* Whether the record is to be at the provider; what it cannot hold is counted in changes (NULL: nowhere). */
bool push_wants(const struct push_rules *rules, const struct record *record, struct push_changes *changes);

/* The whole published version against a whole listing. 0, -EUCLEAN, -ENOMEM. */
int push_compare(const struct push_rules *rules, struct store_read *read, const struct store_zone *zone,
        struct push_listing *listing, struct push_changes *changes);

/* RRsets that differ between version `from` and the zone's, out of the journal. 0; 1 = the journal does not
 * say (too old, too much): compare. */
int push_delta(const struct push_rules *rules, struct store_read *read, const struct store_zone *zone,
        uint64_t from, struct push_changes *changes);

/* A delta's old sets become what the listing of their owners has. */
int push_delta_against(struct push_listing *listing, struct push_changes *changes);

struct table;
/* Each RRset of the listing once, its values sorted. */
int push_listing_index(struct push_listing *listing, struct table *ret_table);

void push_changes_free(struct push_changes *changes);
int push_changes_add(struct push_changes *changes, const struct push_set *old, const struct push_set *new);
void push_changes_sort(struct push_changes *changes); /* by owner, then type */
/* Sorts; SHA-256 over what it does: what approve names. */
int push_changes_hash(struct push_changes *changes, uint8_t ret_hash[static 32]);
/* "- www.example.com. 300 IN A 192.0.2.1" a line, at most about limit octets; then how many there are. */
void push_changes_text(const struct push_changes *changes, size_t limit, struct buffer *out);
