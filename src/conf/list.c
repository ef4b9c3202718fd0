/* Named lists: acl "x" { ... }, and primaries "x" { ... } under its four names. They are found first and read
 * when used, so that the order in the file does not matter. */

#include "conf/reader.h"

#include <string.h>

static bool is_list_of_targets(const struct statement *statement)
{
        static const char *const names[] = {"primaries", "masters", "remote-servers", "parental-agents"};
        for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
                if (item_is_word(&statement->items[0], names[i]))
                        return true;
        return false;
}

struct named_list *list_find(const struct table *table, const char *name)
{
        return table_get(table, name, strlen(name));
}

void list_suggest(const struct table *table, struct suggestion *suggestion)
{
        size_t position = 0;
        for (struct named_list *list; (list = table_next(table, &position));)
                suggestion_consider(suggestion, list->name);
}

static void list_register(struct reader *reader, const struct statement *statement, struct table *table)
{
        if (statement->count < 2 || !item_is_text(&statement->items[1])) {
                reader_error(reader, statement_position(statement), "syntax", NULL, "%s needs a name",
                        report_quote(
                                reader->report, statement_position(statement), statement->items[0].text));
                return;
        }
        const struct item *name = &statement->items[1], *body = &statement->items[statement->count - 1];
        struct named_list *other = list_find(table, name->text);
        if (other) {
                reader_error(reader, item_position(statement, name), "duplicate", NULL,
                        "%s \"%s\" is defined already, at %s", statement->items[0].text, name->text,
                        report_place(reader->report, statement_position(other->statement)));
                return;
        }
        bool is_acl = table == &reader->acls;
        if ((is_acl || body->kind != ITEM_BLOCK) &&
                !reader_block(reader, statement, is_acl ? 2 : statement->count))
                return;
        struct named_list *list = reader_alloc(reader, sizeof(*list));
        struct acl *acl = reader_alloc(reader, sizeof(*acl));
        char *copy = reader_text(reader, name->text);
        if (!list || !acl || !copy)
                return;
        acl->name = copy;
        *list = (struct named_list){.name = copy, .statement = statement, .body = body, .acl = acl};
        if (table_put(table, copy, strlen(copy), list, NULL) < 0)
                reader->failed = true;
}

void lists_register(struct reader *reader, const struct statement *first)
{
        for (const struct statement *at = first; at; at = at->next) {
                if (item_is_word(&at->items[0], "acl"))
                        list_register(reader, at, &reader->acls);
                else if (is_list_of_targets(at))
                        list_register(reader, at, &reader->lists);
        }
}

void lists_read_rest(struct reader *reader, const struct statement *first)
{
        for (const struct statement *at = first; at; at = at->next) {
                bool is_acl = item_is_word(&at->items[0], "acl");
                if ((!is_acl && !is_list_of_targets(at)) || at->count < 2)
                        continue;
                struct named_list *list =
                        list_find(is_acl ? &reader->acls : &reader->lists, at->items[1].text);
                if (list && is_acl)
                        acl_read_named(reader, list);
                else if (list)
                        targets_read_named(reader, list);
        }
}
