/* zonecrier status: rows of the table, worst first; and one zone in full. */
#pragma once

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

struct client;

/* What the table needs of a zone, of a hundred thousand of them. */
struct status_row {
        char *zone;
        char *reason; /* NULL = none */
        const char *state;
        char published_at[32];
        uint32_t serial; /* 0 = none */
        unsigned severity;
        unsigned has, targets, acknowledged, down, refuses;
};

/* From this severity on it is the zone that needs a look; below, a secondary. */
#define STATUS_NEEDS_A_LOOK 40

struct status_table {
        struct status_row *rows;
        size_t count, capacity;
};

/* -ENOMEM; -EINVAL where it is no zone. */
int status_table_add(struct status_table *table, const json_t *zone);
void status_table_sort(struct status_table *table);
void status_table_print(const struct client *client, const struct status_table *table, time_t now);
void status_table_free(struct status_table *table);
/* "2 of 3, 1 down". */
const char *status_secondaries(const struct status_row *row, char *text, size_t size);

/* zone_view.c */
void zone_view_print(const struct client *client, const json_t *zone, time_t now);
