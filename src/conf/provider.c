/* provider blocks: the ones compiled in and the configuration's, read by the same statements.
 *
 * A provider that is compiled in is read when it is first named; a provider block of the configuration with
 * its name replaces what it says and keeps the rest. */

#include "conf/reader.h"

#include "conf/include.h"
#include "conf/value.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define NOTES_MAX 64
#define FIELDS_MAX 32

static void set_defaults(struct provider *provider, const char *name)
{
        *provider = (struct provider){
                .name = name,
                .title = name,
                .ipv4 = PROVIDER_YES,
                .notify = true,
                .expire_is_honoured = true,
                .probe = true,
        };
}

/* The statements that are compiled in; positions in them are never shown to a user (a unit test reads them
 * all).
 */
static struct statement *parse_text(struct reader *reader, const struct provider_text *text)
{
        struct source *source = arena_alloc(&reader->tree->arena, sizeof(*source));
        struct statement *first = NULL;
        if (!source) {
                reader->failed = true;
                return NULL;
        }
        *source = (struct source){
                .path = text->name,
                .text = (char *)text->text,
                .length = strlen(text->text),
                .is_hidden = true,
        };
        tree_read_source(reader->tree, source, &first, 1, NULL);
        return first;
}

static const struct provider_text *find_text(const char *name)
{
        for (size_t i = 0; i < provider_text_count; i++)
                if (strcasecmp(provider_texts[i].name, name) == 0)
                        return &provider_texts[i];
        return NULL;
}

struct provider *provider_get(struct reader *reader, const char *name)
{
        struct table *providers = &reader->whole->providers;
        struct provider *provider = table_get(providers, name, strlen(name));
        const struct provider_text *text = find_text(name);
        if (provider || !text)
                return provider;
        provider = reader_alloc(reader, sizeof(*provider));
        if (!provider)
                return NULL;
        set_defaults(provider, text->name);
        provider->is_builtin = true;
        if (table_put(providers, text->name, strlen(text->name), provider, NULL) < 0) {
                reader->failed = true;
                return NULL;
        }
        struct block inner = {.place = PLACE_PROVIDER, .provider = provider};
        block_read(reader, &inner, parse_text(reader, text));
        return provider;
}

void provider_suggest(const struct reader *reader, struct suggestion *suggestion)
{
        size_t position = 0;
        for (size_t i = 0; i < provider_text_count; i++)
                suggestion_consider(suggestion, provider_texts[i].name);
        for (const struct named_block *block; (block = table_next(&reader->provider_blocks, &position));)
                suggestion_consider(suggestion, block->name);
}

static int compare_names(const void *left, const void *right)
{
        const struct provider *const *a = left, *const *b = right;
        return strcasecmp((*a)->name, (*b)->name);
}

void providers_gather(struct reader *reader, bool all)
{
        struct conf *conf = &reader->whole->conf;
        size_t count = 0, position = 0;
        for (size_t i = 0; all && i < provider_text_count; i++)
                provider_get(reader, provider_texts[i].name);
        while (table_next(&reader->whole->providers, &position))
                count++;
        const struct provider **list = reader_alloc(reader, count * sizeof(*list));
        position = 0;
        for (const struct provider *provider;
                list && (provider = table_next(&reader->whole->providers, &position));)
                list[conf->provider_count++] = provider;
        if (list && count > 0)
                qsort(list, count, sizeof(*list), compare_names);
        conf->providers = list;
}

/* Of a list that the configuration says anew nothing of the old one stays. */
static void forget_lists(struct provider *provider, const struct statement *first)
{
        for (const struct statement *at = first; at; at = at->next)
                if (item_is_word(&at->items[0], "note"))
                        provider->note_count = 0;
                else if (item_is_word(&at->items[0], "source"))
                        provider->reference_count = 0;
}

void read_provider(struct reader *reader, struct block *block, const struct statement *statement)
{
        (void)block;
        struct named_block *named = statement->count > 1 && item_is_text(&statement->items[1])
                                            ? block_find(&reader->provider_blocks, statement->items[1].text)
                                            : NULL;
        const struct item *body = reader_block(reader, statement, 2);
        if (!body || !named || named->statement != statement)
                return;
        struct provider *provider = provider_get(reader, named->name);
        if (!provider) {
                provider = reader_alloc(reader, sizeof(*provider));
                if (!provider)
                        return;
                set_defaults(provider, named->name);
                if (table_put(&reader->whole->providers, named->name, strlen(named->name), provider, NULL) <
                        0) {
                        reader->failed = true;
                        return;
                }
        }
        provider->is_changed = provider->is_builtin;
        forget_lists(provider, body->block);
        struct block inner = {.place = PLACE_PROVIDER, .provider = provider, .owner = statement};
        block_read(reader, &inner, body->block);
}

/* ---- the statements ---- */

static const char *read_text(struct reader *reader, const struct statement *statement, const char *before)
{
        const struct item *item = reader_value(reader, statement);
        return item ? reader_text(reader, item->text) : before;
}

void read_provider_title(struct reader *reader, struct block *block, const struct statement *statement)
{
        block->provider->title = read_text(reader, statement, block->provider->title);
}

void read_provider_addresses_at(struct reader *reader, struct block *block, const struct statement *statement)
{
        block->provider->addresses_at = read_text(reader, statement, NULL);
}

void read_provider_apex_txt(struct reader *reader, struct block *block, const struct statement *statement)
{
        block->provider->apex_txt = read_text(reader, statement, NULL);
}

const char *provider_kind_name(enum provider_kind kind)
{
        switch (kind) {
        case PROVIDER_TRANSFER:
                return "transfer";
        case PROVIDER_ROUTE53:
                return "route53";
        case PROVIDER_CLOUDFLARE_RECORDS:
                return "cloudflare-records";
        }
        return "unknown";
}

const char *provider_answer_name(enum provider_answer answer)
{
        switch (answer) {
        case PROVIDER_UNKNOWN:
                return "unknown";
        case PROVIDER_NO:
                return "no";
        case PROVIDER_YES:
                return "yes";
        }
        return "unknown";
}

bool provider_takes_algorithm(const struct provider *provider, unsigned algorithm)
{
        return provider->algorithms == 0 || (provider->algorithms & 1u << algorithm) != 0;
}

const char *provider_date(const struct provider *provider)
{
        const char *newest = "";
        for (size_t i = 0; i < provider->reference_count; i++)
                if (strcmp(provider->references[i].date, newest) > 0)
                        newest = provider->references[i].date;
        return newest;
}

static void tell_value(struct reader *reader, const struct statement *statement, const struct item *item,
        const char *choices)
{
        struct position at = item_position(statement, item);
        reader_error(reader, at, "value", NULL, "%s is not one of %s",
                report_quote(reader->report, at, item->text), choices);
}

void read_provider_kind(struct reader *reader, struct block *block, const struct statement *statement)
{
        const struct item *item = reader_value(reader, statement);
        if (!item)
                return;
        for (unsigned kind = 0; kind <= PROVIDER_CLOUDFLARE_RECORDS; kind++)
                if (strcasecmp(item->text, provider_kind_name((enum provider_kind)kind)) == 0) {
                        block->provider->kind = (enum provider_kind)kind;
                        return;
                }
        tell_value(reader, statement, item, "transfer, route53, cloudflare-records");
}

void read_provider_transfer_from(
        struct reader *reader, struct block *block, const struct statement *statement)
{
        const struct item *body = reader_block(reader, statement, 1);
        if (body)
                block->provider->transfer_from = acl_read(reader, statement, body);
}

void read_provider_also_notify(struct reader *reader, struct block *block, const struct statement *statement)
{
        hosts_read(reader, statement, 53, &block->provider->also_notify, &block->provider->also_notify_count);
}

void read_provider_nameservers(struct reader *reader, struct block *block, const struct statement *statement)
{
        hosts_read(reader, statement, 53, &block->provider->nameservers, &block->provider->nameserver_count);
}

void read_provider_algorithms(struct reader *reader, struct block *block, const struct statement *statement)
{
        const struct item *body = reader_block(reader, statement, 1);
        block->provider->algorithms = 0;
        for (const struct statement *at = body ? body->block : NULL; at; at = at->next) {
                enum tsig_algorithm algorithm;
                uint16_t bits;
                if (item_is_text(&at->items[0]) &&
                        tsig_algorithm_from_text(at->items[0].text, &algorithm, &bits) == 0)
                        block->provider->algorithms |= 1u << algorithm;
                else
                        tell_value(reader, at, &at->items[0],
                                "hmac-md5, hmac-sha1, hmac-sha224, hmac-sha256, hmac-sha384, hmac-sha512");
        }
}

/* yes, no or unknown: dnssec, ipv4, ipv6, ixfr, tsig. */
void read_provider_answer(struct reader *reader, struct block *block, const struct statement *statement)
{
        struct provider *provider = block->provider;
        const struct {
                const char *name;
                enum provider_answer *answer;
        } answers[] = {
                {"dnssec", &provider->dnssec},
                {"ipv4", &provider->ipv4},
                {"ipv6", &provider->ipv6},
                {"ixfr", &provider->ixfr},
                {"tsig", &provider->tsig},
        };
        const struct item *item = reader_value(reader, statement);
        bool is_yes = false;
        if (!item)
                return;
        bool is_unknown = strcasecmp(item->text, "unknown") == 0;
        if (!is_unknown && value_parse_boolean(item->text, &is_yes) < 0) {
                tell_value(reader, statement, item, "yes, no, unknown");
                return;
        }
        for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++)
                if (item_is_word(&statement->items[0], answers[i].name))
                        *answers[i].answer = is_unknown ? PROVIDER_UNKNOWN
                                             : is_yes   ? PROVIDER_YES
                                                        : PROVIDER_NO;
}

/* yes or no: api-token, notify, probe, subdomains. */
void read_provider_yes(struct reader *reader, struct block *block, const struct statement *statement)
{
        struct provider *provider = block->provider;
        bool is_yes;
        if (!reader_boolean(reader, statement, &is_yes))
                return;
        if (item_is_word(&statement->items[0], "api-token"))
                provider->api_token = is_yes;
        else if (item_is_word(&statement->items[0], "notify"))
                provider->notify = is_yes;
        else if (item_is_word(&statement->items[0], "probe"))
                provider->probe = is_yes;
        else
                provider->refuses_subdomains = !is_yes;
}

void read_provider_refresh(struct reader *reader, struct block *block, const struct statement *statement)
{
        struct conf_secondary secondary = {0};
        struct block inner = {.place = PLACE_SECONDARY, .secondary = &secondary};
        read_secondary_refresh(reader, &inner, statement);
        block->provider->refresh_by = secondary.refresh_by;
        block->provider->refresh_sec = secondary.refresh_sec;
}

static void read_seconds(struct reader *reader, const struct statement *statement, uint32_t *ret_sec)
{
        uint64_t usec;
        if (reader_duration(reader, statement, 1000000, &usec))
                *ret_sec = (uint32_t)(usec / 1000000);
}

void read_provider_refresh_min(struct reader *reader, struct block *block, const struct statement *statement)
{
        read_seconds(reader, statement, &block->provider->refresh_min_sec);
}

void read_provider_minimum_ttl(struct reader *reader, struct block *block, const struct statement *statement)
{
        read_seconds(reader, statement, &block->provider->minimum_ttl);
}

void read_provider_first_transfer(
        struct reader *reader, struct block *block, const struct statement *statement)
{
        read_seconds(reader, statement, &block->provider->first_transfer_sec);
}

void read_provider_serial(struct reader *reader, struct block *block, const struct statement *statement)
{
        struct conf_secondary secondary = {0};
        struct block inner = {.place = PLACE_SECONDARY, .secondary = &secondary};
        read_secondary_serial(reader, &inner, statement);
        block->provider->serial_is_own = secondary.serial_is_own;
}

void read_provider_expire(struct reader *reader, struct block *block, const struct statement *statement)
{
        struct conf_secondary secondary = {0};
        struct block inner = {.place = PLACE_SECONDARY, .secondary = &secondary};
        read_secondary_expire(reader, &inner, statement);
        block->provider->expire_is_honoured = secondary.expire_is_honoured;
}

void read_provider_port(struct reader *reader, struct block *block, const struct statement *statement)
{
        uint64_t port;
        if (reader_number(reader, statement, 1, 65535, &port))
                block->provider->primary_port = (uint16_t)port;
}

/* form { "LABEL" VALUE; ... }: a word is one of ours, a string stands as it is. */
void read_provider_form(struct reader *reader, struct block *block, const struct statement *statement)
{
        const struct item *body = reader_block(reader, statement, 1);
        struct provider_field *fields = reader_alloc(reader, FIELDS_MAX * sizeof(*fields));
        size_t count = 0;
        if (!body || !fields)
                return;
        for (const struct statement *at = body->block; at; at = at->next) {
                if (at->count < 2 || !item_is_text(&at->items[0]) || !item_is_text(&at->items[1]) ||
                        count == FIELDS_MAX) {
                        reader_error(reader, statement_position(at), "syntax", "\"Primary IP\" address;",
                                "a line of a form has a label and a value; a form has at most %d lines",
                                FIELDS_MAX);
                        return;
                }
                if (!reader_end(reader, at, 2))
                        return;
                fields[count++] = (struct provider_field){
                        .label = reader_text(reader, at->items[0].text),
                        .value = reader_text(reader, at->items[1].text),
                        .is_literal = at->items[1].kind == ITEM_STRING,
                };
        }
        block->provider->fields = fields;
        block->provider->field_count = count;
}

void read_provider_note(struct reader *reader, struct block *block, const struct statement *statement)
{
        struct provider *provider = block->provider;
        const char **notes = (const char **)provider->notes;
        if (!notes)
                notes = reader_alloc(reader, NOTES_MAX * sizeof(*notes));
        provider->notes = notes;
        const char *text = read_text(reader, statement, NULL);
        if (notes && text && provider->note_count < NOTES_MAX)
                notes[provider->note_count++] = text;
}

/* source "ADDRESS" "DATE"; */
void read_provider_reference(struct reader *reader, struct block *block, const struct statement *statement)
{
        struct provider *provider = block->provider;
        struct provider_reference *references = (struct provider_reference *)provider->references;
        bool has_date = statement->count == 3 && item_is_text(&statement->items[1]) &&
                        item_is_text(&statement->items[2]) && value_parse_date(statement->items[2].text) == 0;
        if (!has_date) {
                reader_error(reader, statement_position(statement), "syntax",
                        "source \"https://...\" \"2026-11-21\";", "a source has an address and a date");
                return;
        }
        if (!references)
                references = reader_alloc(reader, NOTES_MAX * sizeof(*references));
        provider->references = references;
        if (references && provider->reference_count < NOTES_MAX)
                references[provider->reference_count++] = (struct provider_reference){
                        .address = reader_text(reader, statement->items[1].text),
                        .date = reader_text(reader, statement->items[2].text),
                };
}
