/* key "name" { algorithm ...; secret "..."; } or { file "K....private"; }, and key files that were included.
 *
 * Nothing of a key block is ever repeated in a message (I8): a secret may stand where a name was expected. */

#include "conf/reader.h"

#include "base/cleanup.h"
#include "conf/keys.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define STRONG_BITS 128

/* The statements of one key block. */
struct key_parts {
        const struct item *algorithm, *secret, *file;
        const struct statement *algorithm_statement, *secret_statement, *file_statement;
};

static bool key_part(struct reader *reader, const struct statement *statement, const char *name,
        const struct item **ret_item, const struct statement **ret_statement, bool *is_good)
{
        if (!item_is_word(&statement->items[0], name))
                return false;
        struct position at = statement_position(statement);
        if (*ret_item) {
                reader_error(reader, at, "duplicate", NULL, "\"%s\" stands twice in this key", name);
                *is_good = false;
                return true;
        }
        /* A secret that is broken over lines may be several strings. */
        bool is_many = strcmp(name, "secret") == 0;
        for (uint32_t i = 1; i < statement->count; i++)
                is_many = is_many && item_is_text(&statement->items[i]);
        if (statement->count < 2 || !item_is_text(&statement->items[1]) ||
                (!is_many && statement->count > 2)) {
                reader_error(
                        reader, at, "syntax", NULL, "\"%s\" needs one value, and a \";\" behind it", name);
                *is_good = false;
                return true;
        }
        *ret_item = &statement->items[1];
        *ret_statement = statement;
        return true;
}

static bool read_parts(struct reader *reader, const struct item *body, struct key_parts *parts)
{
        bool is_good = true;
        for (const struct statement *at = body->block; at; at = at->next) {
                if (key_part(reader, at, "algorithm", &parts->algorithm, &parts->algorithm_statement,
                            &is_good) ||
                        key_part(reader, at, "secret", &parts->secret, &parts->secret_statement, &is_good) ||
                        key_part(reader, at, "file", &parts->file, &parts->file_statement, &is_good))
                        continue;
                reader_error(reader, statement_position(at), "unknown-statement", NULL,
                        "a key has an algorithm and a secret, or a file; this is none of them");
                is_good = false;
        }
        return is_good;
}

static bool read_algorithm(struct reader *reader, const struct key_parts *parts, struct tsig_key *key)
{
        struct position at = item_position(parts->algorithm_statement, parts->algorithm);
        if (tsig_algorithm_from_text(parts->algorithm->text, &key->algorithm, &key->mac_bits) == 0)
                return true;
        reader_error(reader, at, "algorithm",
                "hmac-sha256; also hmac-md5, hmac-sha1, hmac-sha224, hmac-sha384, hmac-sha512, each with "
                "-BITS to truncate",
                "this is no TSIG algorithm");
        return false;
}

static bool read_secret(struct reader *reader, const struct key_parts *parts, struct tsig_key *key)
{
        const struct statement *statement = parts->secret_statement;
        CLEANUP_FREE char *joined = NULL;
        size_t length = 0, size = 1;
        for (uint32_t i = 1; i < statement->count; i++)
                size += strlen(statement->items[i].text);
        joined = malloc(size);
        if (!joined) {
                reader->failed = true;
                return false;
        }
        for (uint32_t i = 1; i < statement->count; i++) {
                size_t part = strlen(statement->items[i].text);
                memcpy(joined + length, statement->items[i].text, part);
                length += part;
        }
        const char *why = "";
        int r = keyfile_decode_secret(joined, length, key, &why);
        explicit_bzero(joined, size);
        if (r < 0)
                reader_error(reader, item_position(statement, parts->secret), "secret",
                        "the base64 text that the other side was given; zonecrier keygen makes a new one",
                        "%s", why);
        return r == 0;
}

static bool read_file(struct reader *reader, const struct key_parts *parts, struct tsig_key *key)
{
        struct position at = item_position(parts->file_statement, parts->file);
        struct source *source = tree_read_file(reader->tree, at, parts->file->text);
        if (!source)
                return false;
        source->is_hidden = true;
        tree_check_secret(reader->tree, source);

        const char *why = "";
        uint8_t name[NAME_MAX_LENGTH];
        memcpy(name, key->name, sizeof(name));
        int r = keyfile_is_private(source->text, source->length)
                        ? keyfile_parse_private(source->text, source->length, key, &why)
                        : keyfile_parse_record(source->text, source->length, key, &why);
        memcpy(key->name, name, sizeof(name)); /* the block's name holds, whatever the file was called */
        if (r < 0) {
                reader_error(reader, at, "key-file", NULL, "%s: %s", source->path, why);
                return false;
        }
        if (!parts->algorithm)
                return true;
        struct tsig_key said = {0};
        if (!read_algorithm(reader, parts, &said))
                return false;
        if (said.algorithm != key->algorithm) {
                reader_error(reader, item_position(parts->algorithm_statement, parts->algorithm), "algorithm",
                        NULL, "the block says %s, its file %s", tsig_algorithm_name(said.algorithm),
                        tsig_algorithm_name(key->algorithm));
                return false;
        }
        if (said.mac_bits > 0)
                key->mac_bits = said.mac_bits;
        return true;
}

/* is_good: else what is wrong with it was told, and its name is known alone. */
static void add_key(struct reader *reader, struct tsig_key *key, struct position at, bool is_good)
{
        char name[NAME_TEXT_MAX];
        name_to_zone_text(key->name, name);
        struct conf_whole *whole = reader->whole;
        struct key_entry *other = table_get(&whole->keys, key->name, name_length(key->name));
        if (other) {
                reader_error(reader, at, "duplicate", NULL, "key \"%s\" is defined already, at %s", name,
                        report_place(reader->report, other->at));
                return;
        }
        if (is_good && key->secret_length * 8 < STRONG_BITS)
                reader_warn(reader, at, "weak-key", "zonecrier keygen makes a new one",
                        "the secret of key \"%s\" has %u bits: fewer than %u can be guessed", name,
                        key->secret_length * 8u, STRONG_BITS);
        struct key_entry *entry = reader_alloc(reader, sizeof(*entry));
        if (!entry)
                return;
        memcpy(entry->key.name, key->name, sizeof(key->name));
        if (is_good)
                entry->key = *key;
        entry->name = reader_text(reader, name);
        entry->at = at;
        if (!entry->name ||
                table_put(&whole->keys, entry->key.name, name_length(entry->key.name), entry, NULL) < 0) {
                tsig_key_wipe(&entry->key);
                reader->failed = true;
                return;
        }
        if (is_good)
                ((const struct tsig_key **)whole->conf.keys)[whole->conf.key_count++] = &entry->key;
}

static bool read_body(struct reader *reader, const struct statement *statement, struct tsig_key *key)
{
        struct key_parts parts = {0};
        if (!read_parts(reader, &statement->items[2], &parts))
                return false;
        if (parts.file && parts.secret) {
                reader_error(reader, statement_position(parts.file_statement), "syntax", NULL,
                        "a key has either a secret or a file");
                return false;
        }
        if (parts.file)
                return read_file(reader, &parts, key);
        if (!parts.algorithm || !parts.secret) {
                reader_error(reader, statement_position(statement), "syntax", NULL, "this key has no %s",
                        parts.algorithm ? "secret" : "algorithm");
                return false;
        }
        bool is_good = read_algorithm(reader, &parts, key);
        return read_secret(reader, &parts, key) && is_good;
}

static void read_block(struct reader *reader, const struct statement *statement)
{
        struct position at = statement_position(statement);
        if (statement->count < 2 || !item_is_text(&statement->items[1])) {
                reader_error(reader, at, "syntax", NULL, "a key needs a name: key \"NAME\" { ... };");
                return;
        }
        if (statement->count < 3 || statement->items[2].kind != ITEM_BLOCK || statement->count > 3) {
                reader_error(reader, at, "syntax", NULL,
                        "a key is written key \"NAME\" { algorithm ...; secret \"...\"; };");
                return;
        }
        struct tsig_key key = {0};
        bool has_name = reader_name(reader, statement, &statement->items[1], key.name);
        bool is_good = read_body(reader, statement, &key) && has_name;
        if (has_name)
                add_key(reader, &key, at, is_good);
        tsig_key_wipe(&key);
}

void keys_read_all(struct reader *reader, const struct statement *first)
{
        size_t count = 0;
        for (const struct statement *at = first; at; at = at->next)
                count += item_is_word(&at->items[0], "key");
        reader->whole->conf.keys = reader_alloc(reader, count * sizeof(struct tsig_key *));
        reader->whole->keys.fold = true;
        for (const struct statement *at = first; at && reader->whole->conf.keys; at = at->next) {
                if (!item_is_word(&at->items[0], "key"))
                        continue;
                if (at->key)
                        add_key(reader, at->key, statement_position(at), true);
                else
                        read_block(reader, at);
        }
}

const struct tsig_key *reader_key(
        struct reader *reader, const struct statement *statement, const struct item *item)
{
        uint8_t name[NAME_MAX_LENGTH];
        if (!reader_name(reader, statement, item, name))
                return NULL;
        struct key_entry *entry = table_get(&reader->whole->keys, name, name_length(name));
        if (entry)
                return &entry->key;

        struct suggestion near = {.text = item->text};
        size_t position = 0;
        char hint[128];
        for (const struct key_entry *other; (other = table_next(&reader->whole->keys, &position));)
                suggestion_consider(&near, other->name);
        if (near.best)
                snprintf(hint, sizeof(hint), "did you mean \"%.64s\"?", near.best);
        struct position at = item_position(statement, item);
        reader_undefined(reader, at, near.best ? hint : NULL, "there is no key %s",
                report_quote(reader->report, at, item->text));
        return NULL;
}
