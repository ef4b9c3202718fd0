/* zonecrier status: rows of the table, worst first; and one zone in full. */
#pragma once

#include "client/print.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

struct client;

/* A cell of the matrix, from nothing to bad. */
enum status_mark {
        STATUS_MARK_NONE, /* the zone has not this secondary */
        STATUS_MARK_HAS,
        STATUS_MARK_WAITING,
        STATUS_MARK_LATE,
        STATUS_MARK_STALE,
        STATUS_MARK_COUNT,
};
#define STATUS_SECONDARIES_MAX                                                                               \
        48 /* with a column or among the others; more are counted in their zones' rows */

struct status_secondary {
        char *name;
        size_t zones, troubled, waiting;
};

/* What the table needs of a zone, of a hundred thousand of them. */
struct status_row {
        char *zone;
        char *reason; /* NULL = none */
        const char *state;
        char published_at[32];
        uint32_t serial; /* 0 = none */
        unsigned severity;
        unsigned has, targets, acknowledged, down, refuses;
        uint8_t marks[STATUS_SECONDARIES_MAX]; /* enum status_mark, by column */
        unsigned marks_seen[STATUS_MARK_COUNT];
};

/* From this severity on it is the zone that needs a look; below, a secondary. */
#define STATUS_NEEDS_A_LOOK 40

struct status_table {
        struct status_row *rows;
        size_t count, capacity;
        struct status_secondary *secondaries;
        size_t secondary_count;
};

/* -ENOMEM; -EINVAL where it is no zone. */
int status_table_add(struct status_table *table, const json_t *zone);
void status_table_sort(struct status_table *table);
void status_table_free(struct status_table *table);
enum print_color status_state_color(const char *state);

/* status_matrix.c */
int status_matrix_add(struct status_table *table, struct status_row *row, const json_t *zone);
bool status_row_is_well(const struct status_row *row);
/* Worst first; of many zones those that are well are counted, unless client->shows_all. */
void status_matrix_print(const struct client *client, const struct status_table *table, time_t now);

/* zone_view.c */
/* secondary_view.c */
void secondaries_view_print(const struct client *client, const json_t *zone, time_t now);
void zone_view_print(const struct client *client, const json_t *zone, time_t now);
