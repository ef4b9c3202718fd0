/* options { ... } but for what zones share with it, and controls. */

#include "conf/reader.h"

#include "conf/value.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define SECOND_USEC UINT64_C(1000000)
#define STORE_LIMIT_LEAST (UINT64_C(16) << 20)

/* systemd's $STATE_DIRECTORY and $RUNTIME_DIRECTORY: the first of a colon-separated list. */
static const char *directory_from(struct reader *reader, const char *variable, const char *otherwise)
{
        const char *value = getenv(variable);
        if (!value || value[0] != '/')
                return otherwise;
        char *copy = arena_text(reader->arena, value, strcspn(value, ":"));
        if (!copy)
                reader->failed = true;
        return copy;
}

void options_set_defaults(struct reader *reader)
{
        struct conf_options *options = &reader->whole->conf.options;
        *options = (struct conf_options){
                .directory = reader_text(reader, reader->tree->folder),
                .tcp_clients = 500,
                .tcp_clients_per_peer = 50,
                .transfers_out = 100,
                .tcp_idle_usec = 30 * SECOND_USEC,
                .transfer_time_usec = 120 * 60 * SECOND_USEC,
                .transfer_idle_usec = 60 * 60 * SECOND_USEC,
                .min_transfer_rate = 1024,
                .store_limit_bytes = UINT64_C(64) << 30,
                .notify_rate = 20,
                .probe_rate = 50,
                .probe_interval_usec = 3600 * SECOND_USEC,
                .control_mode = 0660,
                .control_uid = -1,
                .control_gid = -1,
                .query_rate_limit = 100,
                .on_event_timeout_usec = 60 * SECOND_USEC,
                .alias_min_interval_usec = 60000000,
        };
        reader->port = 53;
        policy_set_defaults(&reader->whole->conf.policy);
}

void read_directory(struct reader *reader, struct block *block, const struct statement *statement)
{
        (void)block;
        const struct item *item = reader_value(reader, statement);
        if (!item)
                return;
        char *path = path_join(reader->arena, reader->tree->folder, item->text);
        if (path)
                reader->whole->conf.options.directory = path;
        else
                reader->failed = true;
}

static void read_path(struct reader *reader, const struct statement *statement, const char **ret_path)
{
        const struct item *item = reader_value(reader, statement);
        if (item)
                *ret_path = reader_path(reader, item->text);
}

void read_state_directory(struct reader *reader, struct block *block, const struct statement *statement)
{
        (void)block;
        read_path(reader, statement, &reader->whole->conf.options.state_directory);
}

void read_serial_file(struct reader *reader, struct block *block, const struct statement *statement)
{
        (void)block;
        read_path(reader, statement, &reader->whole->conf.options.serial_file);
}

void read_include_root(struct reader *reader, struct block *block, const struct statement *statement)
{
        (void)block;
        read_path(reader, statement, &reader->whole->conf.options.include_root);
}

void read_on_event(struct reader *reader, struct block *block, const struct statement *statement)
{
        (void)block;
        read_path(reader, statement, &reader->whole->conf.options.on_event);
}

void read_on_event_timeout(struct reader *reader, struct block *block, const struct statement *statement)
{
        (void)block;
        uint64_t usec;
        if (!reader_duration(reader, statement, SECOND_USEC, &usec))
                return;
        if (usec < SECOND_USEC || usec > 3600 * SECOND_USEC)
                reader_error(reader, item_position(statement, &statement->items[1]), "value", NULL,
                        "a program for events may run for 1 s to 1 h");
        else
                reader->whole->conf.options.on_event_timeout_usec = usec;
}

void read_port(struct reader *reader, struct block *block, const struct statement *statement)
{
        (void)block;
        uint64_t port;
        if (reader_number(reader, statement, 1, 65535, &port))
                reader->port = (uint16_t)port;
}

static void read_unsigned(struct reader *reader, const struct statement *statement, uint64_t least,
        uint64_t most, unsigned *ret_value)
{
        uint64_t value;
        if (reader_number(reader, statement, least, most, &value))
                *ret_value = (unsigned)value;
}

void read_tcp_clients(struct reader *reader, struct block *block, const struct statement *statement)
{
        (void)block;
        read_unsigned(reader, statement, 1, 1000000, &reader->whole->conf.options.tcp_clients);
}

void read_tcp_clients_per_peer(struct reader *reader, struct block *block, const struct statement *statement)
{
        (void)block;
        read_unsigned(reader, statement, 1, 1000000, &reader->whole->conf.options.tcp_clients_per_peer);
}

void read_transfers_out(struct reader *reader, struct block *block, const struct statement *statement)
{
        (void)block;
        read_unsigned(reader, statement, 1, 1000000, &reader->whole->conf.options.transfers_out);
}

void read_notify_rate(struct reader *reader, struct block *block, const struct statement *statement)
{
        (void)block;
        read_unsigned(reader, statement, 1, 1000000, &reader->whole->conf.options.notify_rate);
}

void read_query_rate(struct reader *reader, struct block *block, const struct statement *statement)
{
        (void)block;
        read_unsigned(reader, statement, 0, 1000000, &reader->whole->conf.options.query_rate_limit);
}

void read_tcp_idle(struct reader *reader, struct block *block, const struct statement *statement)
{
        (void)block;
        reader_duration(reader, statement, SECOND_USEC / 10, &reader->whole->conf.options.tcp_idle_usec);
}

void read_transfer_time(struct reader *reader, struct block *block, const struct statement *statement)
{
        (void)block;
        reader_duration(reader, statement, 60 * SECOND_USEC, &reader->whole->conf.options.transfer_time_usec);
}

void read_transfer_idle(struct reader *reader, struct block *block, const struct statement *statement)
{
        (void)block;
        reader_duration(reader, statement, 60 * SECOND_USEC, &reader->whole->conf.options.transfer_idle_usec);
}

void read_min_transfer_rate(struct reader *reader, struct block *block, const struct statement *statement)
{
        (void)block;
        reader_size(reader, statement, &reader->whole->conf.options.min_transfer_rate);
}

void read_store_limit(struct reader *reader, struct block *block, const struct statement *statement)
{
        (void)block;
        uint64_t bytes;
        if (!reader_size(reader, statement, &bytes))
                return;
        if (bytes < STORE_LIMIT_LEAST || bytes > UINT64_C(1) << 46)
                reader_error(reader, item_position(statement, &statement->items[1]), "value", NULL,
                        "a store has from 16m to 64t");
        else
                reader->whole->conf.options.store_limit_bytes = bytes;
}

static void add_listen(struct reader *reader, const struct address *address, uint16_t port)
{
        struct conf_options *options = &reader->whole->conf.options;
        struct address with_port = *address;
        with_port.port = port;
        for (size_t i = 0; i < options->listen_count; i++)
                if (address_and_port_equal(&options->listen[i].address, &with_port))
                        return;
        if (options->listen_count == reader->listen_capacity) {
                size_t capacity = reader->listen_capacity ? reader->listen_capacity * 2 : 4;
                struct conf_listen *listen = reader_alloc(reader, capacity * sizeof(*listen));
                if (!listen)
                        return;
                if (options->listen_count > 0)
                        memcpy(listen, options->listen, options->listen_count * sizeof(*listen));
                options->listen = listen;
                reader->listen_capacity = capacity;
        }
        options->listen[options->listen_count++].address = with_port;
}

static bool is_single_address(const struct acl_element *element, sa_family_t family)
{
        return element->kind == ACL_PREFIX && element->prefix.address.family == family &&
               element->prefix.bits == (family == AF_INET ? 32 : 128);
}

/* A list of plain addresses is taken as it stands, so that one may listen where an address comes later or by
 * a wider route (127.0.0.2). Prefixes, negations and names are matched against the interfaces, as BIND does.
 */
static bool is_plain_list(const struct acl *acl, sa_family_t family)
{
        for (size_t i = 0; i < acl->count; i++) {
                const struct acl_element *element = &acl->elements[i];
                bool is_plain = element->kind == ACL_ANY
                                        ? (!element->negated || acl->count == 1)
                                        : !element->negated && is_single_address(element, family);
                if (!is_plain)
                        return false;
        }
        return true;
}

/* listen-on [port N] { ... }, and the -v6 form. */
void read_listen_on(struct reader *reader, struct block *block, const struct statement *statement)
{
        (void)block;
        bool is_v6 = strcasecmp(statement->items[0].text, "listen-on-v6") == 0;
        sa_family_t family = is_v6 ? AF_INET6 : AF_INET;
        uint16_t port = reader->port;
        uint32_t at = 1;
        *(is_v6 ? &reader->listen_v6 : &reader->listen) = true;
        if (!reader_port(reader, statement, &at, &port))
                return;
        if (at < statement->count && statement->items[at].kind == ITEM_WORD) {
                reader_error(reader, item_position(statement, &statement->items[at]), "not-built", NULL,
                        "listening over TLS, HTTPS or PROXY is not built yet");
                return;
        }
        const struct item *body = reader_block(reader, statement, at);
        const struct acl *acl = body ? acl_read(reader, statement, body) : NULL;
        if (!acl)
                return;
        if (!is_plain_list(acl, family)) {
                const struct acl *own = acl_localhost(reader);
                for (size_t i = 0; own && i < own->count; i++)
                        if (own->elements[i].prefix.address.family == family &&
                                acl_allows_address(acl, &own->elements[i].prefix.address))
                                add_listen(reader, &own->elements[i].prefix.address, port);
                return;
        }
        for (size_t i = 0; i < acl->count; i++) {
                const struct acl_element *element = &acl->elements[i];
                struct address every = {.family = family};
                if (!element->negated)
                        add_listen(
                                reader, element->kind == ACL_ANY ? &every : &element->prefix.address, port);
        }
}

/* unix "PATH" [perm MODE] [owner UID] [group GID] */
void read_controls_unix(struct reader *reader, struct block *block, const struct statement *statement)
{
        (void)block;
        struct conf_options *options = &reader->whole->conf.options;
        if (statement->count < 2 || !item_is_text(&statement->items[1])) {
                reader_value(reader, statement);
                return;
        }
        options->control_socket = reader_path(reader, statement->items[1].text);
        for (uint32_t i = 2; i < statement->count; i += 2) {
                const struct item *word = &statement->items[i];
                const struct item *value = i + 1 < statement->count ? &statement->items[i + 1] : NULL;
                struct position at = item_position(statement, word);
                uint64_t number = 0;
                bool is_good = value != NULL;
                if (is_good && item_is_word(word, "perm"))
                        is_good = value_parse_mode(value->text, &options->control_mode) == 0;
                else if (is_good && (item_is_word(word, "owner") || item_is_word(word, "group")))
                        is_good = value_parse_number(value->text, 0, UINT32_MAX - 1, &number) == 0;
                else if (!is_good || (!item_is_word(word, "keys") && !item_is_word(word, "read-only"))) {
                        reader_end(reader, statement, i);
                        return;
                }
                if (!is_good)
                        reader_error(reader, at, "value", "perm 0660 owner 0 group 53",
                                "\"%s\" needs a number", word->text);
                else if (item_is_word(word, "owner"))
                        options->control_uid = (int64_t)number;
                else if (item_is_word(word, "group"))
                        options->control_gid = (int64_t)number;
                else if (!item_is_word(word, "perm"))
                        reader_error(reader, at, "not-built",
                                "the socket's owner, group and mode say who may use it",
                                "\"%s\" of a control socket is not built yet", word->text);
        }
}

void read_controls(struct reader *reader, struct block *block, const struct statement *statement)
{
        (void)block;
        struct block inner = {.place = PLACE_CONTROLS};
        const struct item *body = reader_block(reader, statement, 1);
        if (body)
                block_read(reader, &inner, body->block);
}

/* public-address { ADDRESS; ...; NAME; }: what providers are told. At most one name. */
void read_public_address(struct reader *reader, struct block *block, const struct statement *statement)
{
        (void)block;
        struct conf_options *options = &reader->whole->conf.options;
        const struct item *body = reader_block(reader, statement, 1);
        size_t count = 0;
        for (const struct statement *at = body ? body->block : NULL; at; at = at->next)
                count++;
        struct address *addresses = reader_alloc(reader, count * sizeof(*addresses));
        options->public_addresses = addresses;
        options->public_address_count = 0;
        for (const struct statement *at = body ? body->block : NULL; addresses && at; at = at->next) {
                const struct item *item = &at->items[0];
                if (!item_is_text(item) || !reader_end(reader, at, 1))
                        continue;
                if (address_parse(item->text, &addresses[options->public_address_count]) == 0)
                        options->public_address_count++;
                else if (options->public_name)
                        reader_error(reader, item_position(at, item), "duplicate", NULL,
                                "public-address has one name at most");
                else
                        options->public_name = reader_host_name(reader, at, item);
        }
}

void read_options(struct reader *reader, struct block *block, const struct statement *statement)
{
        (void)block;
        struct block inner = {.place = PLACE_OPTIONS, .policy = &reader->whole->conf.policy};
        const struct item *body = reader_block(reader, statement, 1);
        if (!body)
                return;
        block_read(reader, &inner, body->block);
        policy_check(reader, &inner);
}

/* What was not written: addresses to listen on (each family by itself, as in BIND), places for state. */
void options_finish(struct reader *reader)
{
        struct conf_options *options = &reader->whole->conf.options;
        if (!reader->listen)
                add_listen(reader, &(struct address){.family = AF_INET}, reader->port);
        if (!reader->listen_v6)
                add_listen(reader, &(struct address){.family = AF_INET6}, reader->port);
        if (!options->state_directory)
                options->state_directory = directory_from(reader, "STATE_DIRECTORY", "/var/lib/zonecrier");
        if (!options->control_socket) {
                const char *run = directory_from(reader, "RUNTIME_DIRECTORY", "/run/zonecrier");
                options->control_socket = run ? path_join(reader->arena, run, "control.sock") : NULL;
        }
        if (!options->serial_file && options->state_directory)
                options->serial_file = path_join(reader->arena, options->state_directory, "serials");
        if (!options->serial_file || !options->control_socket)
                reader->failed = true;
}
