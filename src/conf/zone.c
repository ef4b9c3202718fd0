/* zone, zone-files and server blocks. */

#include "base/buffer.h"
#include "base/cleanup.h"
#include "conf/reader.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

/* What a zone statement says before its meaning is clear: its type decides whether it is ours at all. */
static const struct item *find_value(const struct item *body, const char *name)
{
        for (const struct statement *at = body->block; at; at = at->next)
                if (at->count >= 2 && item_is_word(&at->items[0], name) && item_is_text(&at->items[1]))
                        return &at->items[1];
        return NULL;
}

static bool is_hint(const struct item *body)
{
        const struct item *type = find_value(body, "type");
        return type && strcasecmp(type->text, "hint") == 0;
}

void read_zone_type(struct reader *reader, struct block *block, const struct statement *statement)
{
        (void)block;
        const struct item *item = reader_value(reader, statement);
        if (!item || strcasecmp(item->text, "primary") == 0 || strcasecmp(item->text, "master") == 0)
                return;
        static const char *const others[] = {"secondary", "slave", "mirror", "stub", "static-stub", "forward",
                "redirect", "delegation-only"};
        struct position at = item_position(statement, item);
        for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
                if (strcasecmp(item->text, others[i]) == 0) {
                        reader_error(reader, at, "not-honoured", NULL,
                                "a zone of type %s cannot be served: zonecrier is a primary", item->text);
                        return;
                }
        reader_error(reader, at, "value", "type primary;", "%s is no type of zone",
                report_quote(reader->report, at, item->text));
}

void read_zone_file(struct reader *reader, struct block *block, const struct statement *statement)
{
        const struct item *item = reader_value(reader, statement);
        if (item && *item->text == '\0')
                reader_error(reader, item_position(statement, item), "value", NULL,
                        "the name of the file is empty");
        else if (item)
                block->zone->file = reader_path(reader, item->text);
}

/* zone NAME [CLASS] { ... }: the name, and the class IN. */
static const struct item *read_zone_head(
        struct reader *reader, const struct statement *statement, uint8_t ret_name[static NAME_MAX_LENGTH])
{
        if (statement->count < 2 || !item_is_text(&statement->items[1])) {
                reader_error(reader, statement_position(statement), "syntax", NULL,
                        "a zone needs a name: zone \"example.com\" { ... };");
                return NULL;
        }
        if (!reader_name(reader, statement, &statement->items[1], ret_name))
                return NULL;
        uint32_t body = 2;
        if (statement->count > 2 && item_is_text(&statement->items[2])) {
                uint16_t class;
                const struct item *item = &statement->items[2];
                struct position at = item_position(statement, item);
                if (class_from_text(item->text, strlen(item->text), &class) < 0 || class != CLASS_IN) {
                        reader_error(reader, at, "not-honoured", NULL,
                                "%s: only zones of class IN are served",
                                report_quote(reader->report, at, item->text));
                        return NULL;
                }
                body = 3;
        }
        return reader_block(reader, statement, body);
}

/* The file that zone-files has for a zone: "%s.zone" with the name in it, percent-encoded where a file name
 * cannot have it. */
static const char *file_in_folder(
        struct reader *reader, const struct conf_zone_files *files, const char *name)
{
        CLEANUP(buffer_free) struct buffer path = {0};
        const char *sign = strstr(files->file_name, "%s");
        buffer_printf(&path, "%s/%.*s", files->directory, (int)(sign - files->file_name), files->file_name);
        for (const char *at = name; *at; at++)
                if (isalnum((unsigned char)*at) || strchr("-_", *at) || (*at == '.' && at > name))
                        buffer_append_u8(&path, (uint8_t)*at);
                else
                        buffer_printf(&path, "%%%02X", (unsigned char)*at);
        buffer_append_text(&path, sign + 2);
        const char *text = buffer_text(&path);
        if (!text)
                reader->failed = true;
        return text ? reader_text(reader, text) : NULL;
}

/* A zone block without a file is about a zone of a folder: of the first that has its file, else of the first.
 */
static const char *file_from_folders(struct reader *reader, const struct conf_zone *zone)
{
        const struct conf *conf = &reader->whole->conf;
        const char *first = NULL;
        bool is_in_git = conf->git_count > 0; /* unless a folder has it */
        for (size_t i = 0; i < conf->zone_files_count && !reader->failed; i++) {
                const char *path = file_in_folder(reader, &conf->zone_files[i], zone->name_text);
                if (path && !reader->tree->without_files && access(path, F_OK) == 0)
                        return path;
                first = first ? first : path;
        }
        return is_in_git ? NULL : first;
}

static void read_zone_body(struct reader *reader, struct conf_zone *zone, const struct statement *statement,
        const struct item *body)
{
        struct position at = item_position(statement, &statement->items[1]);
        struct block inner = {.place = PLACE_ZONE, .policy = &zone->policy, .zone = zone, .owner = statement};
        size_t errors = reader->report->error_count;
        zone_begin(reader, zone, find_value(body, "template"));
        block_read(reader, &inner, body->block);
        if (reader->report->error_count > errors)
                return;
        if (!zone->file)
                zone->file = file_from_folders(reader, zone);
        if (!zone->file && !reader->failed && reader->whole->conf.git_count == 0)
                reader_error(reader, at, "no-file",
                        "file \"FILE\"; or a zone-files statement with a folder of zones",
                        "zone \"%s\" has no file", zone->name_text);
        policy_check(reader, &inner);
}

void read_zone(struct reader *reader, struct block *block, const struct statement *statement)
{
        (void)block;
        uint8_t name[NAME_MAX_LENGTH];
        char text[NAME_TEXT_MAX];
        struct conf_whole *whole = reader->whole;
        const struct item *body = read_zone_head(reader, statement, name);
        if (!body)
                return;
        struct position at = item_position(statement, &statement->items[1]);
        if (is_hint(body)) {
                report_add(reader->report, DIAG_NOTE, "noted", at, NULL,
                        "a zone of type hint has no effect: zonecrier asks no root servers");
                return;
        }
        struct conf_zone *other = table_get(&whole->zones, name, name_length(name));
        if (other) {
                struct conf_zone unused = {.name_text = other->name_text};
                reader_error(reader, at, "duplicate", NULL, "zone \"%s\" is defined already, at %s:%u",
                        other->name_text, other->conf_file, other->conf_line);
                read_zone_body(reader, &unused, statement, body); /* for its errors */
                return;
        }
        struct conf_zone *zone = &whole->conf.zones[whole->conf.zone_count];
        memcpy(zone->name, name, sizeof(zone->name));
        zone->name_text = reader_text(reader, name_to_zone_text(name, text));
        zone->conf_file = reader_text(reader, statement->source->path);
        zone->conf_line = statement->items[0].line;
        if (!zone->name_text || !zone->conf_file ||
                table_put(&whole->zones, zone->name, name_length(zone->name), zone, NULL) < 0) {
                reader->failed = true;
                return;
        }
        whole->conf.zone_count++;
        read_zone_body(reader, zone, statement, body);
}

void read_zone_files_directory(struct reader *reader, struct block *block, const struct statement *statement)
{
        const struct item *item = reader_value(reader, statement);
        if (item)
                block->zone_files->directory = reader_path(reader, item->text);
}

/* One %s, no other sign of its kind, no folder. */
void read_zone_files_name(struct reader *reader, struct block *block, const struct statement *statement)
{
        const struct item *item = reader_value(reader, statement);
        if (!item)
                return;
        const char *sign = strchr(item->text, '%');
        if (!sign || sign[1] != 's' || strchr(sign + 1, '%') || strchr(item->text, '/'))
                reader_error(reader, item_position(statement, item), "value", "file-name \"db.%s\";",
                        "the pattern of a file name has one %%s, for the zone's name, and no \"/\"");
        else
                block->zone_files->file_name = reader_text(reader, item->text);
}

void read_zone_files_include_root(
        struct reader *reader, struct block *block, const struct statement *statement)
{
        const struct item *item = reader_value(reader, statement);
        if (item)
                block->zone_files->include_root = reader_path(reader, item->text);
}

static bool is_same_text(const char *left, const char *right)
{
        return left && right && strcmp(left, right) == 0;
}

void read_zone_files(struct reader *reader, struct block *block, const struct statement *statement)
{
        (void)block;
        struct conf *conf = &reader->whole->conf;
        struct conf_zone_files *files = &conf->zone_files[conf->zone_files_count];
        struct position at = statement_position(statement);
        const struct item *body = reader_block(reader, statement, 1);
        if (!body)
                return;
        *files = (struct conf_zone_files){.file_name = "%s.zone"};
        struct conf_git git = {.path = ""};
        struct block inner = {.place = PLACE_ZONE_FILES, .zone_files = files, .git = &git};
        block_read(reader, &inner, body->block);
        zone_files_git_finish(reader, &inner, at);
        if (!files->directory || block_seen(&inner, "git")) {
                if (!block_seen(&inner, "directory") && !block_seen(&inner, "git"))
                        reader_error(reader, at, "syntax", "zone-files { directory \"zones\"; };",
                                "zone-files does not say which directory, or which git repository");
                return;
        }
        for (size_t i = 0; i < conf->zone_files_count; i++)
                if (is_same_text(conf->zone_files[i].directory, files->directory) &&
                        is_same_text(conf->zone_files[i].file_name, files->file_name)) {
                        reader_error(reader, at, "duplicate", NULL, "the zone files of %s are named twice",
                                files->directory);
                        return;
                }
        conf->zone_files_count++;
}

/* server ( ADDRESS | PREFIX ) { keys k; }: the key of NOTIFY to it. */
void read_server(struct reader *reader, struct block *block, const struct statement *statement)
{
        (void)block;
        struct server *server = reader_alloc(reader, sizeof(*server));
        if (!server)
                return;
        if (statement->count < 2 || !item_is_text(&statement->items[1])) {
                reader_error(
                        reader, statement_position(statement), "syntax", NULL, "a server needs an address");
                return;
        }
        const struct item *item = &statement->items[1];
        if (prefix_parse(item->text, &server->prefix) < 0) {
                struct position at = item_position(statement, item);
                reader_error(reader, at, "address", NULL, "%s is no address and no prefix",
                        report_quote(reader->report, at, item->text));
                return;
        }
        const struct item *body = reader_block(reader, statement, 2);
        if (!body)
                return;
        struct block inner = {.place = PLACE_SERVER, .server = server};
        block_read(reader, &inner, body->block);
        server->next = reader->servers;
        reader->servers = server;
}

/* keys k; or keys { k; }; */
void read_server_keys(struct reader *reader, struct block *block, const struct statement *statement)
{
        const struct statement *from = statement;
        uint32_t at = 1;
        if (statement->count == 2 && statement->items[1].kind == ITEM_BLOCK) {
                from = statement->items[1].block;
                at = 0;
                if (from && from->next)
                        reader_error(reader, statement_position(from->next), "syntax", NULL,
                                "a server has one key");
        }
        if (!from || from->count <= at || !item_is_text(&from->items[at])) {
                reader_error(reader, statement_position(statement), "syntax", NULL,
                        "the name of a key is missing");
                return;
        }
        if (reader_end(reader, from, at + 1))
                block->server->key = reader_key(reader, from, &from->items[at]);
}
