/* statistics-channels: where the page, the metrics and the status are read, and by whom. */

#include "conf/reader.h"

#include <string.h>
#include <strings.h>

#define HTTP_PORT 80 /* as in BIND */

static bool grow(struct reader *reader, void **list, size_t count, size_t element_size)
{
        void *copy = reader_alloc(reader, (count + 1) * element_size);
        if (!copy)
                return false;
        if (count > 0)
                memcpy(copy, *list, count * element_size);
        *list = copy;
        return true;
}

/* Who else is on this machine may look where nothing is said: the same as allow { localhost; }. */
static const struct acl *allow_of(
        struct reader *reader, const struct statement *statement, uint32_t at, const struct acl **ret_acl)
{
        *ret_acl = acl_localhost(reader);
        if (at == statement->count)
                return *ret_acl;
        if (!item_is_word(&statement->items[at], "allow")) {
                reader_end(reader, statement, at);
                return NULL;
        }
        const struct item *body = reader_block(reader, statement, at + 1);
        *ret_acl = body ? acl_read(reader, statement, body) : NULL;
        if (*ret_acl && acl_has_key_only(*ret_acl)) {
                reader_error(reader, item_position(statement, &statement->items[at]), "value", NULL,
                        "a browser has no TSIG key: allow takes addresses alone");
                return NULL;
        }
        return *ret_acl;
}

/* inet ADDRESS|* [port N] [allow { ... }] */
void read_channel_inet(struct reader *reader, struct block *block, const struct statement *statement)
{
        (void)block;
        struct conf_options *options = &reader->whole->conf.options;
        struct conf_channel channel = {0};
        uint16_t port = HTTP_PORT;
        uint32_t at = 2;

        if (statement->count < 2 || !item_is_text(&statement->items[1])) {
                reader_error(reader, statement_position(statement), "syntax", "inet 127.0.0.1 port 8053;",
                        "an address is missing behind \"inet\"");
                return;
        }
        if (item_is_word(&statement->items[1], "*"))
                channel.address.family = AF_INET;
        else if (address_parse(statement->items[1].text, &channel.address) < 0) {
                reader_error(reader, item_position(statement, &statement->items[1]), "value", NULL,
                        "%s is no address",
                        report_quote(reader->report, item_position(statement, &statement->items[1]),
                                statement->items[1].text));
                return;
        }
        if (!reader_port(reader, statement, &at, &port) || !allow_of(reader, statement, at, &channel.allow))
                return;
        channel.address.port = port;
        for (size_t i = 0; i < options->channel_count; i++)
                if (address_and_port_equal(&options->channels[i].address, &channel.address)) {
                        reader_error(reader, statement_position(statement), "duplicate", NULL,
                                "this address and port stand here twice");
                        return;
                }
        void *list = (void *)options->channels;
        if (!grow(reader, &list, options->channel_count, sizeof channel))
                return;
        ((struct conf_channel *)list)[options->channel_count++] = channel;
        options->channels = list;
}

/* host "NAME"; : a name by which browsers reach it. */
void read_channel_host(struct reader *reader, struct block *block, const struct statement *statement)
{
        (void)block;
        struct conf_options *options = &reader->whole->conf.options;
        const struct item *item = reader_value(reader, statement);
        void *list = (void *)options->channel_hosts;

        if (!item)
                return;
        if (*item->text == '\0' || strpbrk(item->text, ":/ \t")) {
                reader_error(reader, item_position(statement, item), "value", "host \"status.example.net\";",
                        "a host is a name alone, without scheme and port");
                return;
        }
        const char *name = reader_text(reader, item->text);
        if (!name || !grow(reader, &list, options->channel_host_count, sizeof name))
                return;
        ((const char **)list)[options->channel_host_count++] = name;
        options->channel_hosts = list;
}

void read_channel_zone_metrics(struct reader *reader, struct block *block, const struct statement *statement)
{
        (void)block;
        reader_boolean(reader, statement, &reader->whole->conf.options.zone_metrics);
}

void read_statistics_channels(struct reader *reader, struct block *block, const struct statement *statement)
{
        (void)block;
        struct block inner = {.place = PLACE_CHANNELS};
        const struct item *body = reader_block(reader, statement, 1);
        if (body)
                block_read(reader, &inner, body->block);
}
