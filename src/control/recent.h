/* The last publishes, and how soon each secondary had them: for the page and the metrics. Kept as things
 * happen, in a fixed amount of memory. Main loop. */
#pragma once

#include "dns/name.h"

#include <stddef.h>
#include <stdint.h>

#define RECENT_MAX 12
#define RECENT_SECONDARIES_MAX 8 /* of one publish; others are counted alone */

struct recent_publish {
        uint8_t name[NAME_MAX_LENGTH]; /* of the zone, folded */
        char zone[80];                 /* as text, cut where it is longer */
        char commit[65];
        uint32_t serial;
        uint64_t published_usec; /* realtime */
        uint64_t added, removed;
        struct {
                char name[48];
                uint64_t after_usec; /* it had it, so long after the publish */
        } had[RECENT_SECONDARIES_MAX];
        size_t had_count; /* may be above RECENT_SECONDARIES_MAX: the first of them are kept */
};

/* Upper ends of the propagation histogram, seconds; the last one is without end. */
#define RECENT_BUCKETS 12
extern const double recent_bucket_ends[RECENT_BUCKETS - 1];

struct recent {
        struct recent_publish publishes[RECENT_MAX]; /* a ring */
        size_t next, count;
        uint64_t buckets[RECENT_BUCKETS]; /* each for itself, not summed up */
        double seconds_sum;
        uint64_t publishes_total;
};

void recent_published(struct recent *recent, const struct recent_publish *publish);
/* A secondary has the serial, so long after its publish. zone: folded. A name that is there already changes
 * nothing. */
void recent_taken(struct recent *recent, const uint8_t *zone, uint32_t serial, const char *secondary,
        uint64_t after_usec);
/* 0 = the newest; NULL beyond the oldest. */
const struct recent_publish *recent_get(const struct recent *recent, size_t index);
