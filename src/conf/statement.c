/* Walks the statements of a block and does to each what its row of the statement table says.
 *
 * A row has a turn: options' `directory` and `port` before what depends on them, keys and lists before all.
 */

#include "conf/reader.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#define TURNS 4
#define HINTS_MAX 100 /* errors: in a file of another kind every word is unknown, and a hint costs most */

static const char *place_name(unsigned places)
{
        static const struct {
                enum place place;
                const char *name;
        } names[] = {
                {PLACE_OPTIONS, "in options"},
                {PLACE_ZONE, "in a zone"},
                {PLACE_TOP, "at the top, outside of any block"},
                {PLACE_ZONE_FILES, "in zone-files"},
                {PLACE_SERVER, "in a server block"},
                {PLACE_CONTROLS, "in controls"},
                {PLACE_CHANNELS, "in statistics-channels"},
                {PLACE_SECONDARY, "in a secondary block"},
                {PLACE_TEMPLATE, "in a template"},
                {PLACE_PROVIDER, "in a provider block"},
                {PLACE_GUARD, "in guard"},
        };
        for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
                if (places & names[i].place)
                        return names[i].name;
        return "nowhere";
}

const struct statement *block_seen(const struct block *block, const char *name)
{
        const struct rule *elsewhere, *rule = rule_find(name, block->place, &elsewhere);
        return rule ? block->seen[rule_index(rule)] : NULL;
}

static void tell_unknown(struct reader *reader, const struct block *block, const struct statement *statement,
        const struct rule *elsewhere)
{
        const char *name = statement->items[0].text;
        struct position at = statement_position(statement);
        if (elsewhere) {
                reader_error(reader, at, "misplaced", NULL, "\"%s\" belongs %s", elsewhere->name,
                        place_name(elsewhere->places));
                return;
        }
        struct suggestion near = {.text = name};
        char hint[128];
        for (size_t i = 0; i < rule_count() && reader->report->error_count < HINTS_MAX; i++)
                if (rule_at(i)->places & block->place)
                        suggestion_consider(&near, rule_at(i)->name);
        if (near.best)
                snprintf(hint, sizeof(hint), "did you mean \"%s\"?", near.best);
        reader_error(reader, at, "unknown-statement", near.best ? hint : NULL, "unknown statement %s",
                report_quote(reader->report, at, name));
}

/* Whether the statement's one value is among those that change nothing. */
static bool is_harmless(const struct rule *rule, const struct statement *statement)
{
        if (!rule->unless || statement->count != 2 || !item_is_text(&statement->items[1]))
                return false;
        size_t length = strlen(statement->items[1].text);
        for (const char *at = rule->unless; at; at = strchr(at, '|')) {
                at += *at == '|';
                if (strcspn(at, "|") == length && strncasecmp(at, statement->items[1].text, length) == 0)
                        return true;
        }
        return false;
}

static void tell_refused(struct reader *reader, const struct rule *rule, const struct statement *statement)
{
        struct position at = statement_position(statement);
        const char *value = "";
        if (rule->unless && statement->count == 2 && item_is_text(&statement->items[1])) {
                at = item_position(statement, &statement->items[1]);
                value = report_quote(reader->report, at, statement->items[1].text);
        }
        reader_error(reader, at, "not-honoured", NULL, "%s%s%s cannot be honoured: %s", rule->name,
                *value ? " " : "", value, rule->why);
}

static void note_once(struct reader *reader, const struct rule *rule, const struct statement *statement)
{
        void *before = NULL;
        if (table_put(&reader->noted, rule->name, strlen(rule->name), reader, &before) < 0)
                reader->failed = true;
        else if (!before)
                report_add(reader->report, DIAG_NOTE, "noted", statement_position(statement), NULL,
                        "%s has no effect: %s", rule->name, rule->why);
}

static bool is_twice(struct reader *reader, struct block *block, const struct rule *rule,
        const struct statement *statement)
{
        const struct statement **seen = &block->seen[rule_index(rule)];
        const struct statement *before = *seen;
        *seen = before ? before : statement;
        if (!before || rule->may_repeat)
                return false;
        reader_error(reader, statement_position(statement), "duplicate", NULL,
                "\"%s\" stands here twice, first at %s", rule->name,
                report_place(reader->report, statement_position(before)));
        return true;
}

static void read_statement(struct reader *reader, struct block *block, const struct rule *rule,
        const struct statement *statement)
{
        switch (rule->verdict) {
        case HONOURED:
                if (!is_twice(reader, block, rule, statement) && rule->read)
                        rule->read(reader, block, statement);
                return;
        case NOTED:
                note_once(reader, rule, statement);
                return;
        case REFUSED:
                if (!is_harmless(rule, statement))
                        tell_refused(reader, rule, statement);
                return;
        case NOT_BUILT:
                block->seen[rule_index(rule)] = statement;
                reader_error(reader, statement_position(statement), "not-built", NULL,
                        "\"%s\" is not built yet", rule->name);
                return;
        }
}

static unsigned turns_of(enum place place)
{
        return place == PLACE_TOP ? TURNS : place == PLACE_OPTIONS ? 2 : 1;
}

void block_read(struct reader *reader, struct block *block, const struct statement *first)
{
        unsigned turns = turns_of(block->place);
        for (unsigned turn = 0; turn < turns; turn++)
                for (const struct statement *at = first; at && !reader->failed; at = at->next) {
                        const struct rule *elsewhere = NULL, *rule = NULL;
                        if (item_is_text(&at->items[0]))
                                rule = rule_find(at->items[0].text, block->place, &elsewhere);
                        if (rule && (rule->turn == turn || (rule->turn >= turns && turn == turns - 1)))
                                read_statement(reader, block, rule, at);
                        else if (!rule && turn == 0 && item_is_text(&at->items[0]))
                                tell_unknown(reader, block, at, elsewhere);
                        else if (!rule && turn == 0)
                                reader_error(reader, statement_position(at), "syntax", NULL,
                                        "a statement begins with a word");
                }
}
