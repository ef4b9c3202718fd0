/* Zones by secondaries: a column for each secondary that most zones have, a mark in each cell, worst first.
 * Of many zones those that are well are counted, not listed. Where the terminal has no room for all
 * columns, the secondaries with trouble come first and the rest are one column "others"; without a terminal
 * nothing is cut.
 *
 *     *  serves it, or has fetched it       .  on its way, within its time
 *     -  late      !  stale, or an old record      blank: the zone has not this secondary */
#include "client/status.h"

#include "base/cleanup.h"
#include "client/client.h"
#include "client/print.h"
#include "client/target.h"

#include <errno.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define ROWS_MAX 20 /* listed without --all */
#define ZONE_MIN 12
#define ZONE_MAX 30
#define COLUMN_MAX 12

/* ---- which secondaries there are ---- */

static int column_of(struct status_table *table, const char *name)
{
        for (size_t i = 0; i < table->secondary_count; i++)
                if (strcmp(table->secondaries[i].name, name) == 0)
                        return (int)i;
        if (table->secondary_count == STATUS_SECONDARIES_MAX)
                return -1;
        struct status_secondary *grown =
                reallocarray(table->secondaries, table->secondary_count + 1, sizeof(*grown));
        if (!grown)
                return -ENOMEM;
        table->secondaries = grown;
        char *copy = strdup(name);
        if (!copy)
                return -ENOMEM;
        grown[table->secondary_count] = (struct status_secondary){.name = copy};
        return (int)table->secondary_count++;
}

static enum status_mark mark_of(const char *state)
{
        if (!state)
                return STATUS_MARK_NONE;
        if (strcmp(state, "serving") == 0 || strcmp(state, "has") == 0)
                return STATUS_MARK_HAS;
        if (strcmp(state, "stale") == 0 || strcmp(state, "old-record") == 0)
                return STATUS_MARK_STALE;
        return strcmp(state, "late") == 0 ? STATUS_MARK_LATE : STATUS_MARK_WAITING;
}

static enum status_mark mark_of_push(const json_t *push, uint32_t serial)
{
        const char *phase = member_text(push, "phase");
        if (phase && strcmp(phase, "in-sync") == 0 && member_number(push, "serial") == serial)
                return STATUS_MARK_HAS;
        return phase && (strcmp(phase, "failed") == 0 || strcmp(phase, "held") == 0) ? STATUS_MARK_STALE
                                                                                     : STATUS_MARK_WAITING;
}

static int add_mark(
        struct status_table *table, struct status_row *row, const char *name, enum status_mark mark)
{
        int column = name ? column_of(table, name) : -1;
        if (column == -ENOMEM)
                return column;
        row->marks_seen[mark]++;
        if (column < 0)
                return 0;
        row->marks[column] = (uint8_t)mark;
        table->secondaries[column].zones++;
        table->secondaries[column].troubled += mark == STATUS_MARK_STALE || mark == STATUS_MARK_LATE;
        table->secondaries[column].waiting += mark == STATUS_MARK_WAITING;
        return 0;
}

int status_matrix_add(struct status_table *table, struct status_row *row, const json_t *zone)
{
        const json_t *secondary;
        size_t i;
        int r = 0;

        json_array_foreach(json_object_get(zone, "secondaries"), i, secondary)
        {
                if (r == 0)
                        r = add_mark(table, row, member_text(secondary, "name"),
                                mark_of(member_text(secondary, "state")));
        }
        json_array_foreach(json_object_get(zone, "pushes"), i, secondary)
        {
                if (r == 0)
                        r = add_mark(table, row, member_text(secondary, "secondary"),
                                mark_of_push(secondary, row->serial));
        }
        return r;
}

bool status_row_is_well(const struct status_row *row)
{
        return row->severity == 0 && row->marks_seen[STATUS_MARK_STALE] == 0 &&
               row->marks_seen[STATUS_MARK_LATE] == 0 && row->marks_seen[STATUS_MARK_WAITING] == 0;
}

/* ---- which columns ---- */

struct columns {
        int index[STATUS_SECONDARIES_MAX]; /* into table->secondaries */
        size_t width[STATUS_SECONDARIES_MAX];
        size_t count;
        bool has_others;
        size_t name, state, serial, age;
};

static const struct status_table *sorting; /* qsort has no context */

static int compare_columns(const void *left_index, const void *right_index)
{
        const struct status_secondary *left = &sorting->secondaries[*(const int *)left_index];
        const struct status_secondary *right = &sorting->secondaries[*(const int *)right_index];
        if (left->troubled != right->troubled)
                return left->troubled > right->troubled ? -1 : 1;
        if (left->waiting != right->waiting)
                return left->waiting > right->waiting ? -1 : 1;
        if (left->zones != right->zones)
                return left->zones > right->zones ? -1 : 1;
        return strcmp(left->name, right->name);
}

static void widen(size_t *width, size_t length)
{
        if (length > *width)
                *width = length;
}

static size_t digits(uint32_t serial)
{
        char text[16];
        return (size_t)snprintf(text, sizeof(text), "%" PRIu32, serial);
}

/* How many rows are printed. */
static size_t row_count(const struct client *client, const struct status_table *table)
{
        size_t count = 0;
        if (client->shows_all || table->count <= ROWS_MAX || client->width == 0)
                return table->count;
        while (count < table->count && count < ROWS_MAX && !status_row_is_well(&table->rows[count]))
                count++;
        return count > 0 ? count : 3;
}

static void choose_columns(
        const struct client *client, const struct status_table *table, time_t now, struct columns *columns)
{
        char age[PRINT_TIME_MAX];
        size_t width = client->width ? client->width : SIZE_MAX, used;

        *columns = (struct columns){.name = ZONE_MIN, .state = 5, .serial = 6, .age = 3};
        for (size_t i = 0; i < row_count(client, table); i++) {
                const struct status_row *row = &table->rows[i];
                widen(&columns->name, strlen(row->zone));
                widen(&columns->state, strlen(row->state));
                widen(&columns->serial, digits(row->serial));
                widen(&columns->age, strlen(print_age(row->published_at, now, age)));
        }
        if (columns->name > ZONE_MAX && client->width)
                columns->name = ZONE_MAX;
        for (size_t i = 0; i < table->secondary_count; i++)
                columns->index[i] = (int)i;
        sorting = table;
        qsort(columns->index, table->secondary_count, sizeof(columns->index[0]), compare_columns);
        used = columns->name + columns->state + columns->serial + columns->age + 6;
        for (size_t i = 0; i < table->secondary_count; i++) {
                size_t length = strlen(table->secondaries[columns->index[i]].name);
                bool is_last = i + 1 == table->secondary_count;
                if (length > COLUMN_MAX && client->width)
                        length = COLUMN_MAX;
                if (used + 2 + length + (is_last ? 0 : 8) > width) {
                        columns->has_others = true;
                        return;
                }
                columns->width[columns->count++] = length;
                used += 2 + length;
        }
}

/* ---- printing ---- */

static void print_mark(const struct client *client, enum status_mark mark, size_t width)
{
        static const struct {
                const char *text;
                enum print_color color;
        } marks[] = {
                [STATUS_MARK_NONE] = {"", PRINT_PLAIN},
                [STATUS_MARK_HAS] = {"*", PRINT_GREEN},
                [STATUS_MARK_WAITING] = {".", PRINT_PLAIN},
                [STATUS_MARK_LATE] = {"-", PRINT_YELLOW},
                [STATUS_MARK_STALE] = {"!", PRINT_RED},
        };
        fputs("  ", stdout);
        print_cell(client, marks[mark].color, marks[mark].text, width);
}

/* The worst of those that have no column of their own. */
static enum status_mark others_mark(const struct status_row *row, const struct columns *columns)
{
        enum status_mark worst = STATUS_MARK_NONE;
        for (size_t i = 0; i < STATUS_SECONDARIES_MAX; i++) {
                bool is_shown = false;
                for (size_t n = 0; n < columns->count; n++)
                        is_shown |= columns->index[n] == (int)i;
                if (!is_shown && row->marks[i] > worst)
                        worst = (enum status_mark)row->marks[i];
        }
        return worst;
}

static void print_head(
        const struct client *client, const struct status_table *table, const struct columns *columns)
{
        const char *const titles[] = {"ZONE", "STATE", "SERIAL", "AGE"};
        const size_t widths[] = {columns->name, columns->state, columns->serial, columns->age};
        for (size_t i = 0; i < 4; i++) {
                if (i > 0)
                        fputs("  ", stdout);
                print_cell(client, PRINT_BOLD, titles[i], widths[i]);
        }
        for (size_t i = 0; i < columns->count; i++) {
                fputs("  ", stdout);
                print_cell(client, PRINT_BOLD, table->secondaries[columns->index[i]].name, columns->width[i]);
        }
        if (columns->has_others) {
                fputs("  ", stdout);
                print_cell(client, PRINT_BOLD, "others", 0);
        }
        putchar('\n');
}

static void print_row(
        const struct client *client, const struct status_row *row, const struct columns *columns, time_t now)
{
        char serial[16] = "-", age[PRINT_TIME_MAX];
        if (row->serial)
                snprintf(serial, sizeof(serial), "%" PRIu32, row->serial);
        print_cell(client, PRINT_PLAIN, row->zone, columns->name);
        fputs("  ", stdout);
        print_cell(client, status_state_color(row->state), row->state, columns->state);
        fputs("  ", stdout);
        print_cell(client, PRINT_PLAIN, serial, columns->serial);
        fputs("  ", stdout);
        print_cell(client, PRINT_PLAIN, print_age(row->published_at, now, age), columns->age);
        for (size_t i = 0; i < columns->count; i++)
                print_mark(client, (enum status_mark)row->marks[columns->index[i]],
                        i + 1 < columns->count || columns->has_others ? columns->width[i] : 0);
        if (columns->has_others)
                print_mark(client, others_mark(row, columns), 0);
        putchar('\n');
        if (row->reason && row->severity >= STATUS_NEEDS_A_LOOK)
                print_rest(client, PRINT_DIM, row->reason, 2);
}

static void print_summary(const struct client *client, const struct status_table *table)
{
        for (size_t i = 0; i < table->secondary_count; i++) {
                const struct status_secondary *secondary = &table->secondaries[i];
                if (secondary->troubled == 0)
                        continue;
                char text[200];
                snprintf(text, sizeof(text), "%.100s: late or stale with %zu of %zu zones", secondary->name,
                        secondary->troubled, secondary->zones);
                print_rest(client, PRINT_RED, text, 0);
        }
}

void status_matrix_print(const struct client *client, const struct status_table *table, time_t now)
{
        struct columns columns;
        size_t rows = row_count(client, table), well = 0;

        if (table->count == 0)
                return;
        choose_columns(client, table, now, &columns);
        if (table->count > ROWS_MAX)
                print_summary(client, table);
        print_head(client, table, &columns);
        for (size_t i = 0; i < rows; i++)
                print_row(client, &table->rows[i], &columns, now);
        for (size_t i = rows; i < table->count; i++)
                well += status_row_is_well(&table->rows[i]);
        if (rows < table->count) {
                if (table->count - rows > well)
                        printf("and %zu more like that, ", table->count - rows - well);
                else
                        fputs("and ", stdout);
                printf("%zu that %s well; zonecrier status --all lists them\n", well,
                        well == 1 ? "is" : "are");
        }
        if (table->secondary_count > 0)
                print_rest(client, PRINT_DIM, "* has it   . on its way   - late   ! stale", 0);
}
