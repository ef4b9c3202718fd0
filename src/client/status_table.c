/* The table of zones: what of each has a place in it, and which come first. */
#include "client/status.h"

#include "base/cleanup.h"
#include "client/client.h"
#include "client/print.h"
#include "client/target.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* From bad to fine; published zones weigh by their secondaries. */
static const struct {
        const char *name;
        unsigned severity;
        enum print_color color;
} states[] = {
        {"failed", 90, PRINT_RED},
        {"broken", 80, PRINT_RED},
        {"held", 70, PRINT_YELLOW},
        {"behind", 60, PRINT_YELLOW},
        {"missing", 50, PRINT_YELLOW},
        {"frozen", 40, PRINT_YELLOW},
        {"loading", 10, PRINT_DIM},
        {"published", 0, PRINT_GREEN},
};
#define SEVERITY_SECONDARY_DOWN 30
#define SEVERITY_SECONDARY_REFUSES 29
#define SEVERITY_SECONDARY_WAITS 20
#define SEVERITY_UNKNOWN 95

enum print_color status_state_color(const char *state)
{
        for (size_t i = 0; i < ARRAY_SIZE(states); i++)
                if (strcmp(states[i].name, state) == 0)
                        return states[i].color;
        return PRINT_RED;
}

static void count_targets(struct status_row *row, const json_t *targets)
{
        const json_t *target;
        size_t i;

        json_array_foreach((json_t *)(uintptr_t)targets, i, target)
        {
                row->targets++;
                switch (target_state_of(target, row->serial)) {
                case TARGET_HAS:
                        row->has++;
                        break;
                case TARGET_ACKNOWLEDGED:
                        row->acknowledged++;
                        break;
                case TARGET_REFUSES:
                        row->refuses++;
                        break;
                case TARGET_DOWN:
                        row->down++;
                        break;
                case TARGET_WAITING:
                        break;
                }
        }
}

static void judge(struct status_row *row, const char *state)
{
        row->state = "?";
        row->severity = SEVERITY_UNKNOWN;
        for (size_t i = 0; i < ARRAY_SIZE(states); i++)
                if (strcmp(states[i].name, state) == 0) {
                        row->state = states[i].name;
                        row->severity = states[i].severity;
                }
        bool is_stale = row->marks_seen[STATUS_MARK_STALE] > 0,
             is_late = row->marks_seen[STATUS_MARK_LATE] > 0;
        bool is_waiting = row->has < row->targets || row->marks_seen[STATUS_MARK_WAITING] > 0;
        unsigned by_secondaries = row->down > 0 || is_stale     ? SEVERITY_SECONDARY_DOWN
                                  : row->refuses > 0 || is_late ? SEVERITY_SECONDARY_REFUSES
                                  : is_waiting                  ? SEVERITY_SECONDARY_WAITS
                                                                : 0;
        if (by_secondaries > row->severity)
                row->severity = by_secondaries;
}

int status_table_add(struct status_table *table, const json_t *zone)
{
        const char *name = member_text(zone, "zone"), *state = member_text(zone, "state");
        const char *reason = member_text(zone, "reason"), *published_at = member_text(zone, "published_at");
        struct status_row row = {0};

        if (!name || !state)
                return -EINVAL;
        if (table->count == table->capacity) {
                size_t capacity = table->capacity ? table->capacity * 2 : 64;
                struct status_row *rows = reallocarray(table->rows, capacity, sizeof(*rows));
                if (!rows)
                        return -ENOMEM;
                table->rows = rows;
                table->capacity = capacity;
        }
        row.zone = strdup(name);
        row.reason = reason ? strdup(reason) : NULL;
        if (!row.zone || (reason && !row.reason)) {
                free(row.zone);
                free(row.reason);
                return -ENOMEM;
        }
        if (published_at && strlen(published_at) < sizeof(row.published_at))
                strcpy(row.published_at, published_at);
        row.serial = (uint32_t)member_number(zone, "serial");
        int r = status_matrix_add(table, &row, zone);
        if (r < 0) {
                free(row.zone);
                free(row.reason);
                return r;
        }
        if (row.marks_seen[STATUS_MARK_HAS] == 0 && status_row_is_well(&row)) /* of an older zonecrierd */
                count_targets(&row, json_object_get(zone, "targets"));
        judge(&row, state);
        table->rows[table->count++] = row;
        return 0;
}

static int compare_rows(const void *left_row, const void *right_row)
{
        const struct status_row *left = left_row, *right = right_row;
        if (left->severity != right->severity)
                return left->severity > right->severity ? -1 : 1;
        return strcmp(left->zone, right->zone);
}

void status_table_sort(struct status_table *table)
{
        if (table->count > 1)
                qsort(table->rows, table->count, sizeof(*table->rows), compare_rows);
}

void status_table_free(struct status_table *table)
{
        for (size_t i = 0; i < table->count; i++) {
                free(table->rows[i].zone);
                free(table->rows[i].reason);
        }
        for (size_t i = 0; i < table->secondary_count; i++)
                free(table->secondaries[i].name);
        free(table->secondaries);
        free(table->rows);
        *table = (struct status_table){0};
}
