/* Lists of hosts: an address, or a name that is looked up before each use.
 *
 *     { ( ADDRESS | NAME ) [port N] [key K] [required]; ... } */

#include "conf/reader.h"

#include <string.h>

#define HOSTS_MAX 1000

/* What is read of one element. */
struct host_element {
        struct conf_host host;
        const struct tsig_key *key;
};

const char *reader_host_name(
        struct reader *reader, const struct statement *statement, const struct item *item)
{
        uint8_t name[NAME_MAX_LENGTH];
        char text[NAME_TEXT_MAX];
        if (!reader_name(reader, statement, item, name))
                return NULL;
        if (name[0] == 0) {
                reader_error(reader, item_position(statement, item), "name", NULL,
                        "the root is the name of no server");
                return NULL;
        }
        name_fold(name, name);
        return reader_text(reader, name_to_zone_text(name, text));
}

/* with_key: "key K" may stand there; else "required" may. */
static bool read_element(struct reader *reader, const struct statement *statement, bool with_key,
        uint16_t port, struct host_element *ret_element)
{
        const struct item *item = &statement->items[0];
        struct host_element element = {0};
        if (!item_is_text(item)) {
                reader_error(reader, statement_position(statement), "syntax", NULL,
                        "an address or the name of a server is expected here");
                return false;
        }
        if (address_parse(item->text, &element.host.address) < 0) {
                element.host.name = reader_host_name(reader, statement, item);
                if (!element.host.name)
                        return false;
        }
        uint32_t at = 1;
        element.host.address.port = port;
        while (at < statement->count) {
                const struct item *word = &statement->items[at];
                if (item_is_word(word, "port")) {
                        if (!reader_port(reader, statement, &at, &element.host.address.port))
                                return false;
                } else if (!with_key && item_is_word(word, "required")) {
                        element.host.is_required = true;
                        at++;
                } else if (with_key && item_is_word(word, "key") && at + 1 < statement->count &&
                           item_is_text(&statement->items[at + 1])) {
                        element.key = reader_key(reader, statement, &statement->items[at + 1]);
                        if (!element.key)
                                return false;
                        at += 2;
                } else
                        return reader_end(reader, statement, at);
        }
        *ret_element = element;
        return true;
}

/* The elements of the statement's block; *ret_count of them. */
static struct host_element *read_list(struct reader *reader, const struct statement *statement, bool with_key,
        uint16_t port, size_t *ret_count)
{
        const struct item *body = reader_block(reader, statement, 1);
        size_t count = 0;
        *ret_count = 0;
        if (!body)
                return NULL;
        for (const struct statement *at = body->block; at; at = at->next)
                count++;
        if (count > HOSTS_MAX) {
                reader_error(reader, statement_position(statement), "too-large", NULL,
                        "more than %d servers in a list", HOSTS_MAX);
                return NULL;
        }
        struct host_element *elements = reader_alloc(reader, count * sizeof(*elements));
        for (const struct statement *at = body->block; elements && at; at = at->next)
                *ret_count += read_element(reader, at, with_key, port, &elements[*ret_count]);
        return elements;
}

void hosts_read(struct reader *reader, const struct statement *statement, uint16_t port,
        const struct conf_host **ret_hosts, size_t *ret_count)
{
        size_t count;
        struct host_element *elements = read_list(reader, statement, false, port, &count);
        struct conf_host *hosts = elements ? reader_alloc(reader, count * sizeof(*hosts)) : NULL;
        if (!hosts)
                return;
        for (size_t i = 0; i < count; i++)
                hosts[i] = elements[i].host;
        *ret_hosts = hosts;
        *ret_count = count;
}

void notify_hosts_read(struct reader *reader, const struct statement *statement,
        const struct conf_notify_host **ret_hosts, size_t *ret_count)
{
        size_t count;
        struct host_element *elements = read_list(reader, statement, true, 53, &count);
        struct conf_notify_host *hosts = elements ? reader_alloc(reader, count * sizeof(*hosts)) : NULL;
        if (!hosts)
                return;
        for (size_t i = 0; i < count; i++)
                hosts[i] = (struct conf_notify_host){.host = elements[i].host, .key = elements[i].key};
        *ret_hosts = hosts;
        *ret_count = count;
}
