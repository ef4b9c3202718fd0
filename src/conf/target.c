/* Lists of servers: also-notify, and the named lists primaries, remote-servers, masters.
 *
 *     [port N] [key K] { ( ADDRESS [port N] [key K] | LIST [port N] [key K] ); ... }
 *
 * What an element does not say it takes from its list, then from options' port. An address and port that
 * stand twice count once. */

#include "conf/reader.h"

#include <stdio.h>
#include <string.h>

#define TARGETS_MAX 10000
#define LIST_DEPTH_MAX 32

/* A list as it grows. */
struct targets {
        struct conf_target *items;
        size_t count, capacity;
};

/* What stands behind a list's name or an address. */
struct attributes {
        uint16_t port; /* 0 = not said */
        const struct tsig_key *key;
};

static void add_target(
        struct reader *reader, struct targets *list, const struct conf_target *target, struct position at)
{
        for (size_t i = 0; i < list->count; i++)
                if (address_and_port_equal(&list->items[i].address, &target->address))
                        return;
        if (list->count == TARGETS_MAX) {
                reader_error(reader, at, "too-large", NULL, "more than %d servers in a list", TARGETS_MAX);
                return;
        }
        if (list->count == list->capacity) {
                size_t capacity = list->capacity ? list->capacity * 2 : 4;
                struct conf_target *items = reader_alloc(reader, capacity * sizeof(*items));
                if (!items)
                        return;
                if (list->count > 0)
                        memcpy(items, list->items, list->count * sizeof(*items));
                list->items = items;
                list->capacity = capacity;
        }
        list->items[list->count++] = *target;
}

/* Words up to the block or the end. False = told. */
static bool read_attributes(
        struct reader *reader, const struct statement *statement, uint32_t *at, struct attributes *attributes)
{
        while (*at < statement->count && statement->items[*at].kind == ITEM_WORD) {
                const struct item *word = &statement->items[*at];
                if (item_is_word(word, "port")) {
                        if (!reader_port(reader, statement, at, &attributes->port))
                                return false;
                        continue;
                }
                bool is_key = item_is_word(word, "key");
                bool is_other = item_is_word(word, "tls") || item_is_word(word, "source") ||
                                item_is_word(word, "source-v6") || item_is_word(word, "dscp");
                if (!is_key && !is_other)
                        break;
                if (*at + 1 >= statement->count || !item_is_text(&statement->items[*at + 1])) {
                        reader_error(reader, item_position(statement, word), "syntax", NULL,
                                "a value is missing behind \"%s\"", word->text);
                        return false;
                }
                if (is_other && !item_is_word(word, "dscp")) {
                        reader_error(reader, item_position(statement, word), "not-built", NULL,
                                item_is_word(word, "tls") ? "NOTIFY over TLS is not built yet"
                                                          : "\"%s\" for one server is not built yet",
                                word->text);
                        return false;
                }
                if (is_key) {
                        attributes->key = reader_key(reader, statement, &statement->items[*at + 1]);
                        if (!attributes->key)
                                return false;
                }
                *at += 2;
        }
        return true;
}

static void append_named(struct reader *reader, const struct statement *statement, const struct item *item,
        const struct attributes *attributes, struct targets *list)
{
        struct position at = item_position(statement, item);
        struct named_list *named = list_find(&reader->lists, item->text);
        if (!named) {
                struct suggestion near = {.text = item->text};
                char hint[128];
                list_suggest(&reader->lists, &near);
                if (near.best)
                        snprintf(hint, sizeof(hint), "did you mean \"%.64s\"?", near.best);
                reader_undefined(reader, at, near.best ? hint : NULL,
                        "%s is no address, and there is no primaries list of that name",
                        report_quote(reader->report, at, item->text));
                return;
        }
        if (named->state == LIST_READING) {
                reader_error(reader, at, "cycle", NULL, "the list \"%s\" contains itself", named->name);
                return;
        }
        targets_read_named(reader, named);
        for (size_t i = 0; i < named->target_count; i++) {
                struct conf_target target = named->targets[i];
                if (target.address.port == 0)
                        target.address.port = attributes->port;
                if (!target.key)
                        target.key = attributes->key;
                add_target(reader, list, &target, at);
        }
}

static void read_element(struct reader *reader, const struct statement *statement,
        const struct attributes *outer, struct targets *list)
{
        const struct item *item = &statement->items[0];
        if (!item_is_text(item)) {
                reader_error(reader, statement_position(statement), "syntax", NULL,
                        "an address or the name of a list is expected here");
                return;
        }
        uint32_t at = 1;
        struct attributes attributes = {0};
        if (!read_attributes(reader, statement, &at, &attributes) || !reader_end(reader, statement, at))
                return;
        if (attributes.port == 0)
                attributes.port = outer->port;
        if (!attributes.key)
                attributes.key = outer->key;
        struct conf_target target = {.key = attributes.key};
        if (address_parse(item->text, &target.address) < 0) {
                append_named(reader, statement, item, &attributes, list);
                return;
        }
        target.address.port = attributes.port;
        add_target(reader, list, &target, item_position(statement, item));
}

static void read_list(
        struct reader *reader, const struct statement *statement, uint32_t from, struct targets *list)
{
        struct attributes attributes = {0};
        if (!read_attributes(reader, statement, &from, &attributes))
                return;
        const struct item *body = reader_block(reader, statement, from);
        if (!body)
                return;
        if (reader->depth == LIST_DEPTH_MAX) {
                reader_error(reader, statement_position(statement), "syntax", NULL,
                        "lists nested deeper than %d", LIST_DEPTH_MAX);
                return;
        }
        reader->depth++;
        for (const struct statement *at = body->block; at; at = at->next)
                read_element(reader, at, &attributes, list);
        reader->depth--;
}

void targets_read_named(struct reader *reader, struct named_list *named)
{
        if (named->state != LIST_UNREAD)
                return;
        struct targets list = {0};
        named->state = LIST_READING;
        read_list(reader, named->statement, 2, &list);
        named->targets = list.items;
        named->target_count = list.count;
        named->state = LIST_READ;
}

void targets_read(struct reader *reader, const struct statement *statement, uint32_t from,
        const struct conf_target **ret_targets, size_t *ret_count)
{
        struct targets list = {0};
        read_list(reader, statement, from, &list);
        for (size_t i = 0; i < list.count; i++)
                if (list.items[i].address.port == 0)
                        list.items[i].address.port = reader->port;
        targets_apply_servers(reader, list.items, list.count);
        *ret_targets = list.items;
        *ret_count = list.count;
}

void targets_apply_servers(struct reader *reader, struct conf_target *targets, size_t count)
{
        for (size_t i = 0; i < count; i++) {
                const struct server *best = NULL;
                for (const struct server *server = reader->servers; server && !targets[i].key;
                        server = server->next)
                        if (server->key && prefix_contains(&server->prefix, &targets[i].address) &&
                                (!best || server->prefix.bits > best->prefix.bits))
                                best = server;
                if (best)
                        targets[i].key = best->key;
        }
}
