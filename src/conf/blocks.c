/* Named blocks: secondary "x" { ... }, template "x" { ... }, provider "x" { ... }. They are found first and
 * read in their turn, so that a name may be used above the place where it is defined. */

#include "conf/reader.h"

#include <stdio.h>
#include <string.h>

static struct table *table_for(struct reader *reader, const struct statement *statement)
{
        if (item_is_word(&statement->items[0], "secondary"))
                return &reader->secondaries;
        if (item_is_word(&statement->items[0], "template"))
                return &reader->templates;
        if (item_is_word(&statement->items[0], "provider"))
                return &reader->provider_blocks;
        return NULL;
}

struct named_block *block_find(const struct table *table, const char *name)
{
        return table_get(table, name, strlen(name));
}

void block_undefined(struct reader *reader, const struct statement *statement, const struct item *item,
        const struct table *table, const char *what)
{
        struct position at = item_position(statement, item);
        struct suggestion near = {.text = item->text};
        char hint[128];
        size_t position = 0;
        for (const struct named_block *block; (block = table_next(table, &position));)
                suggestion_consider(&near, block->name);
        if (near.best)
                snprintf(hint, sizeof(hint), "did you mean \"%.64s\"?", near.best);
        reader_undefined(reader, at, near.best ? hint : NULL, "there is no %s %s", what,
                report_quote(reader->report, at, item->text));
}

static bool is_good_name(const char *name)
{
        size_t length = strlen(name);
        for (const char *at = name; *at; at++)
                if ((unsigned char)*at <= ' ' || *at == 127 || strchr("/\\\"", *at))
                        return false;
        return length > 0 && length <= CONF_SECONDARY_NAME_MAX;
}

static void block_register(struct reader *reader, const struct statement *statement, struct table *table)
{
        const char *what = statement->items[0].text;
        if (statement->count < 2 || !item_is_text(&statement->items[1])) {
                reader_error(reader, statement_position(statement), "syntax", NULL,
                        "a %s needs a name: %s \"NAME\" { ... };", what, what);
                return;
        }
        const struct item *item = &statement->items[1];
        struct position at = item_position(statement, item);
        if (!is_good_name(item->text)) {
                reader_error(reader, at, "name", NULL,
                        "the name of a %s has 1 to %d characters, none of them a blank, a quote or a slash",
                        what, CONF_SECONDARY_NAME_MAX);
                return;
        }
        struct named_block *other = block_find(table, item->text);
        if (other) {
                reader_error(reader, at, "duplicate", NULL, "%s \"%s\" is defined already, at %s", what,
                        item->text, report_place(reader->report, statement_position(other->statement)));
                return;
        }
        struct named_block *block = reader_alloc(reader, sizeof(*block));
        char *name = reader_text(reader, item->text);
        if (!block || !name)
                return;
        *block = (struct named_block){.name = name, .statement = statement};
        if (table == &reader->secondaries)
                block->secondary = reader_alloc(reader, sizeof(*block->secondary));
        if (table_put(table, name, strlen(name), block, NULL) < 0)
                reader->failed = true;
}

void blocks_register(struct reader *reader, const struct statement *first)
{
        struct conf *conf = &reader->whole->conf;
        size_t secondaries = 0, templates = 0;
        reader->secondaries.fold = reader->templates.fold = reader->provider_blocks.fold = true;
        reader->whole->providers.fold = true;
        for (const struct statement *at = first; at; at = at->next) {
                struct table *table = table_for(reader, at);
                secondaries += table == &reader->secondaries;
                templates += table == &reader->templates;
                if (table)
                        block_register(reader, at, table);
        }
        conf->secondaries = reader_alloc(reader, secondaries * sizeof(*conf->secondaries));
        conf->templates = reader_alloc(reader, templates * sizeof(*conf->templates));
}
