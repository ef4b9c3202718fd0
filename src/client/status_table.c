/* The table of zones: worst first, each column as wide as what stands in it. A zone's name gives way where
 * the terminal ends. */
#include "client/status.h"

#include "base/cleanup.h"
#include "client/client.h"
#include "client/print.h"
#include "client/target.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define TITLE_ZONE "ZONE"
#define TITLE_STATE "STATE"
#define TITLE_SERIAL "SERIAL"
#define TITLE_AGE "AGE"
#define TITLE_SECONDARIES "SECONDARIES THAT HAVE IT"
#define GAPS_WIDTH 8 /* two blanks between columns */
#define ZONE_WIDTH_MIN 12
#define SECONDARIES_TEXT_MAX 80

struct widths {
        size_t zone, state, serial, age, secondaries;
};

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

static enum print_color state_color(const char *state)
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
        unsigned by_secondaries = row->down > 0             ? SEVERITY_SECONDARY_DOWN
                                  : row->refuses > 0        ? SEVERITY_SECONDARY_REFUSES
                                  : row->has < row->targets ? SEVERITY_SECONDARY_WAITS
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

const char *status_secondaries(const struct status_row *row, char *text, size_t size)
{
        char trouble[64] = "";

        if (row->targets == 0) {
                snprintf(text, size, "none");
                return text;
        }
        if (row->down > 0 && row->refuses > 0)
                snprintf(trouble, sizeof(trouble), ", %u down, %u refuse", row->down, row->refuses);
        else if (row->down > 0)
                snprintf(trouble, sizeof(trouble), ", %u down", row->down);
        else if (row->refuses > 0)
                snprintf(trouble, sizeof(trouble), ", %u refuse%s", row->refuses,
                        row->refuses == 1 ? "s" : "");
        else if (row->acknowledged > 0)
                snprintf(trouble, sizeof(trouble), ", %u told", row->acknowledged);
        else if (row->has < row->targets)
                snprintf(trouble, sizeof(trouble), ", on its way");
        snprintf(text, size, "%u of %u%s", row->has, row->targets, trouble);
        return text;
}

static const char *serial_text(const struct status_row *row, char *text, size_t size)
{
        if (row->serial)
                snprintf(text, size, "%u", row->serial);
        else
                snprintf(text, size, "-");
        return text;
}

static void widen(size_t *width, const char *text)
{
        size_t length = strlen(text);
        if (length > *width)
                *width = length;
}

static struct widths measure(const struct client *client, const struct status_table *table, time_t now)
{
        struct widths widths = {.zone = ZONE_WIDTH_MIN,
                .state = strlen(TITLE_STATE),
                .serial = strlen(TITLE_SERIAL),
                .age = strlen(TITLE_AGE),
                .secondaries = strlen(TITLE_SECONDARIES)};
        char text[SECONDARIES_TEXT_MAX], age[PRINT_TIME_MAX];

        for (size_t i = 0; i < table->count; i++) {
                const struct status_row *row = &table->rows[i];
                widen(&widths.zone, row->zone);
                widen(&widths.state, row->state);
                widen(&widths.serial, serial_text(row, text, sizeof(text)));
                widen(&widths.age, print_age(row->published_at, now, age));
                widen(&widths.secondaries, status_secondaries(row, text, sizeof(text)));
        }
        size_t others = widths.state + widths.serial + widths.age + widths.secondaries + GAPS_WIDTH;
        size_t most = client->width > others + ZONE_WIDTH_MIN ? client->width - others : ZONE_WIDTH_MIN;
        if (client->width > 0 && widths.zone > most)
                widths.zone = most;
        return widths;
}

static void print_column(const struct client *client, enum print_color color, const char *text, size_t width)
{
        print_cell(client, color, text, width);
        fputs("  ", stdout);
}

static void print_row(
        const struct client *client, const struct status_row *row, const struct widths *widths, time_t now)
{
        char text[SECONDARIES_TEXT_MAX], age[PRINT_TIME_MAX];

        print_column(client, PRINT_PLAIN, row->zone, widths->zone);
        print_column(client, state_color(row->state), row->state, widths->state);
        print_column(client, PRINT_PLAIN, serial_text(row, text, sizeof(text)), widths->serial);
        print_column(client, PRINT_PLAIN, print_age(row->published_at, now, age), widths->age);
        status_secondaries(row, text, sizeof(text));
        print_cell(client, row->down || row->refuses ? PRINT_RED : PRINT_PLAIN, text, 0);
        putchar('\n');
        if (row->reason && row->severity >= STATUS_NEEDS_A_LOOK)
                print_rest(client, PRINT_DIM, row->reason, 2);
}

void status_table_print(const struct client *client, const struct status_table *table, time_t now)
{
        struct widths widths = measure(client, table, now);

        if (table->count == 0)
                return;
        print_column(client, PRINT_BOLD, TITLE_ZONE, widths.zone);
        print_column(client, PRINT_BOLD, TITLE_STATE, widths.state);
        print_column(client, PRINT_BOLD, TITLE_SERIAL, widths.serial);
        print_column(client, PRINT_BOLD, TITLE_AGE, widths.age);
        print_cell(client, PRINT_BOLD, TITLE_SECONDARIES, 0);
        putchar('\n');
        for (size_t i = 0; i < table->count; i++)
                print_row(client, &table->rows[i], &widths, now);
}

void status_table_free(struct status_table *table)
{
        for (size_t i = 0; i < table->count; i++) {
                free(table->rows[i].zone);
                free(table->rows[i].reason);
        }
        free(table->rows);
        *table = (struct status_table){0};
}
