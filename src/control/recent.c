/* A ring of publishes, and a histogram over all of them. */
#include "control/recent.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

const double recent_bucket_ends[RECENT_BUCKETS - 1] = {0.1, 0.5, 1, 2, 5, 10, 30, 60, 300, 1800, 7200};

void recent_published(struct recent *recent, const struct recent_publish *publish)
{
        recent->publishes[recent->next] = *publish;
        recent->publishes[recent->next].had_count = 0;
        recent->next = (recent->next + 1) % RECENT_MAX;
        recent->count += recent->count < RECENT_MAX;
        recent->publishes_total++;
}

const struct recent_publish *recent_get(const struct recent *recent, size_t index)
{
        if (index >= recent->count)
                return NULL;
        return &recent->publishes[(recent->next + RECENT_MAX - 1 - index) % RECENT_MAX];
}

static void count_time(struct recent *recent, double seconds)
{
        size_t bucket = 0;
        while (bucket < RECENT_BUCKETS - 1 && seconds > recent_bucket_ends[bucket])
                bucket++;
        recent->buckets[bucket]++;
        recent->seconds_sum += seconds;
}

static struct recent_publish *find(struct recent *recent, const uint8_t *zone, uint32_t serial)
{
        for (size_t i = 0; i < recent->count; i++)
                if (recent->publishes[i].serial == serial && name_identical(recent->publishes[i].name, zone))
                        return &recent->publishes[i];
        return NULL;
}

static bool has_it(const struct recent_publish *publish, const char *secondary)
{
        for (size_t i = 0; i < publish->had_count && i < RECENT_SECONDARIES_MAX; i++)
                if (strncmp(publish->had[i].name, secondary, sizeof publish->had[i].name - 1) == 0)
                        return true;
        return false;
}

void recent_taken(struct recent *recent, const uint8_t *zone, uint32_t serial, const char *secondary,
        uint64_t after_usec)
{
        struct recent_publish *publish = find(recent, zone, serial);

        if (publish && has_it(publish, secondary))
                return;
        count_time(recent, (double)after_usec / 1e6);
        if (!publish)
                return;
        if (publish->had_count < RECENT_SECONDARIES_MAX) {
                snprintf(publish->had[publish->had_count].name, sizeof publish->had[publish->had_count].name,
                        "%s", secondary);
                publish->had[publish->had_count].after_usec = after_usec;
        }
        publish->had_count++;
}
