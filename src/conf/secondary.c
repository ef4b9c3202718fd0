/* secondary blocks: their statements, and `secondaries { ... };` that uses them. Loading thread. */

#include "conf/reader.h"

#include "conf/value.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#define KEYS_MAX 16
#define SECONDARIES_MAX 1000
#define HOUR_USEC (UINT64_C(3600) * 1000000)

/* One of the words; its index, or -1 = told. */
static int read_word(struct reader *reader, const struct statement *statement, const char *const *words,
        size_t count, const char *choices)
{
        const struct item *item = reader_value(reader, statement);
        if (!item)
                return -1;
        for (size_t i = 0; i < count; i++)
                if (strcasecmp(item->text, words[i]) == 0)
                        return (int)i;
        struct position at = item_position(statement, item);
        reader_error(reader, at, "value", NULL, "%s is not one of %s",
                report_quote(reader->report, at, item->text), choices);
        return -1;
}

void read_secondary_provider(struct reader *reader, struct block *block, const struct statement *statement)
{
        const struct item *item = reader_value(reader, statement);
        if (!item)
                return;
        struct position at = item_position(statement, item);
        block->secondary->provider = provider_get(reader, item->text);
        if (block->secondary->provider || reader->failed)
                return;
        struct suggestion near = {.text = item->text};
        char hint[160] = "zonecrier provider list; a provider block defines one";
        provider_suggest(reader, &near);
        if (near.best)
                snprintf(hint, sizeof(hint), "did you mean %.64s? (zonecrier provider list)", near.best);
        reader_undefined(
                reader, at, hint, "there is no provider %s", report_quote(reader->report, at, item->text));
}

void read_secondary_notify(struct reader *reader, struct block *block, const struct statement *statement)
{
        reader_boolean(reader, statement, &block->secondary->notify);
}

void read_secondary_also_notify(struct reader *reader, struct block *block, const struct statement *statement)
{
        notify_hosts_read(
                reader, statement, &block->secondary->also_notify, &block->secondary->also_notify_count);
}

/* key "a"; key { "a"; "b"; }; and several such statements: all of them are valid. */
static void add_key(struct reader *reader, struct conf_secondary *secondary,
        const struct statement *statement, const struct item *item)
{
        const struct tsig_key *key = reader_key(reader, statement, item);
        if (!key || conf_secondary_has_key(secondary, key))
                return;
        if (secondary->key_count == KEYS_MAX) {
                reader_error(reader, item_position(statement, item), "too-large", NULL,
                        "more than %d keys for one secondary", KEYS_MAX);
                return;
        }
        const struct tsig_key **keys = (const struct tsig_key **)secondary->keys;
        if (!keys)
                keys = reader_alloc(reader, KEYS_MAX * sizeof(*keys));
        secondary->keys = keys;
        if (keys)
                keys[secondary->key_count++] = key;
}

void read_secondary_key(struct reader *reader, struct block *block, const struct statement *statement)
{
        if (statement->count == 2 && statement->items[1].kind == ITEM_BLOCK) {
                for (const struct statement *at = statement->items[1].block; at; at = at->next)
                        if (item_is_text(&at->items[0]) && reader_end(reader, at, 1))
                                add_key(reader, block->secondary, at, &at->items[0]);
                return;
        }
        const struct item *item = reader_value(reader, statement);
        if (item)
                add_key(reader, block->secondary, statement, item);
}

void read_secondary_notify_key(struct reader *reader, struct block *block, const struct statement *statement)
{
        const struct item *item = reader_value(reader, statement);
        if (item && !item_is_word(item, "none"))
                block->secondary->notify_key = reader_key(reader, statement, item);
}

void read_secondary_transfer_from(
        struct reader *reader, struct block *block, const struct statement *statement)
{
        const struct item *body = reader_block(reader, statement, 1);
        if (body)
                block->secondary->transfer_from = acl_read(reader, statement, body);
}

void read_secondary_nameservers(struct reader *reader, struct block *block, const struct statement *statement)
{
        hosts_read(
                reader, statement, 53, &block->secondary->nameservers, &block->secondary->nameserver_count);
}

void read_secondary_ixfr(struct reader *reader, struct block *block, const struct statement *statement)
{
        reader_boolean(reader, statement, &block->secondary->ixfr);
}

void read_secondary_strip(struct reader *reader, struct block *block, const struct statement *statement)
{
        reader_boolean(reader, statement, &block->secondary->strip_dnssec);
}

/* refresh-by notify | soa | DURATION */
void read_secondary_refresh(struct reader *reader, struct block *block, const struct statement *statement)
{
        uint64_t usec;
        if (statement->count == 2 && item_is_word(&statement->items[1], "notify"))
                block->secondary->refresh_by = CONF_REFRESH_NOTIFY;
        else if (statement->count == 2 && item_is_word(&statement->items[1], "soa"))
                block->secondary->refresh_by = CONF_REFRESH_SOA;
        else if (reader_duration(reader, statement, 1000000, &usec)) {
                block->secondary->refresh_by = CONF_REFRESH_INTERVAL;
                block->secondary->refresh_sec = (uint32_t)(usec / 1000000);
        }
}

void read_secondary_serial(struct reader *reader, struct block *block, const struct statement *statement)
{
        static const char *const words[] = {"same", "own"};
        int word = read_word(reader, statement, words, 2, "same, own");
        block->secondary->serial_is_own = word == 1;
}

void read_secondary_expire(struct reader *reader, struct block *block, const struct statement *statement)
{
        static const char *const words[] = {"honoured", "unknown"};
        int word = read_word(reader, statement, words, 2, "honoured, unknown");
        block->secondary->expire_is_honoured = word == 0;
}

void read_secondary_probe(struct reader *reader, struct block *block, const struct statement *statement)
{
        reader_boolean(reader, statement, &block->secondary->probe);
}

static void read_unsigned(struct reader *reader, const struct statement *statement, unsigned *ret_value)
{
        uint64_t value;
        if (reader_number(reader, statement, 1, 1000000, &value))
                *ret_value = (unsigned)value;
}

void read_secondary_transfers_out(
        struct reader *reader, struct block *block, const struct statement *statement)
{
        read_unsigned(reader, statement, &block->secondary->transfers_out);
}

void read_secondary_notify_rate(struct reader *reader, struct block *block, const struct statement *statement)
{
        read_unsigned(reader, statement, &block->secondary->notify_rate);
}

void read_secondary_notify_source(
        struct reader *reader, struct block *block, const struct statement *statement)
{
        struct conf_policy policy = {0};
        struct block inner = {.place = PLACE_ZONE, .policy = &policy};
        read_notify_source(reader, &inner, statement);
        if (strcasecmp(statement->items[0].text, "notify-source-v6") == 0)
                block->secondary->notify_source_v6 = policy.notify_source_v6;
        else
                block->secondary->notify_source = policy.notify_source;
}

/* ---- defaults, and what does not fit ---- */

static void take_targets(struct reader *reader, struct conf_secondary *secondary)
{
        const struct provider *provider = secondary->provider;
        struct conf_notify_host *hosts = reader_alloc(reader, provider->also_notify_count * sizeof(*hosts));
        for (size_t i = 0; hosts && i < provider->also_notify_count; i++)
                hosts[i].host = provider->also_notify[i];
        secondary->also_notify = hosts;
        secondary->also_notify_count = hosts ? provider->also_notify_count : 0;
}

static bool is_said(const struct block *block, const char *name)
{
        return block_seen(block, name) != NULL;
}

static void take_profile(struct reader *reader, const struct block *block)
{
        struct conf_secondary *secondary = block->secondary;
        const struct provider *provider = secondary->provider;
        if (!provider)
                return;
        if (!is_said(block, "notify"))
                secondary->notify = provider->notify;
        if (!is_said(block, "also-notify"))
                take_targets(reader, secondary);
        if (!is_said(block, "transfer-from"))
                secondary->transfer_from = provider->transfer_from;
        if (!is_said(block, "nameservers")) {
                secondary->nameservers = provider->nameservers;
                secondary->nameserver_count = provider->nameserver_count;
        }
        if (!is_said(block, "refresh-by")) {
                secondary->refresh_by = provider->refresh_by;
                secondary->refresh_sec = provider->refresh_sec;
        }
        if (!is_said(block, "serial"))
                secondary->serial_is_own = provider->serial_is_own;
        if (!is_said(block, "expire"))
                secondary->expire_is_honoured = provider->expire_is_honoured;
        if (!is_said(block, "probe"))
                secondary->probe = provider->probe;
        if (!is_said(block, "strip-dnssec") && provider->dnssec == PROVIDER_NO &&
                !conf_secondary_is_pushed(secondary)) {
                secondary->strip_dnssec = true;
                report_add(reader->report, DIAG_NOTE, "strip-dnssec", statement_position(block->owner), NULL,
                        "%s does not carry DNSSEC: secondary \"%s\" gets signed zones without their DNSSEC "
                        "records",
                        provider->title, secondary->name);
        }
}

/* Targets without a key of their own are signed with the block's. */
static void give_keys(const struct block *block)
{
        struct conf_secondary *secondary = block->secondary;
        if (!is_said(block, "notify-key"))
                secondary->notify_key = secondary->key_count > 0 ? secondary->keys[0] : NULL;
        for (size_t i = 0; i < secondary->also_notify_count; i++) {
                struct conf_notify_host *host = (struct conf_notify_host *)&secondary->also_notify[i];
                host->key = host->key ? host->key : secondary->notify_key;
        }
}

static void check_kind(struct reader *reader, const struct block *block)
{
        static const char *const transfers[] = {"also-notify", "expire", "ixfr", "key", "notify",
                "notify-key", "notify-rate", "notify-source", "notify-source-v6", "refresh-by",
                "strip-dnssec", "transfer-from", "transfers-out", "api-token"};
        static const char *const pushes[] = {"batch-limit", "ca-file", "credentials", "drift",
                "drift-interval", "endpoint", "push-apex-ns", "push-soa-serial", "unsupported", "zone-id"};
        const struct conf_secondary *secondary = block->secondary;
        bool is_pushed = conf_secondary_is_pushed(secondary);
        bool has_token = secondary->provider && secondary->provider->api_token;
        const char *const *names = is_pushed ? transfers : pushes;
        size_t count = is_pushed ? sizeof(transfers) / sizeof(*transfers) : sizeof(pushes) / sizeof(*pushes);
        for (size_t i = 0; i < count; i++) {
                const struct statement *seen = block_seen(block, names[i]);
                /* Beside an api-token they say where its API is, and which zone. */
                bool is_of_token =
                        has_token && (strcmp(names[i], "endpoint") == 0 || strcmp(names[i], "ca-file") == 0 ||
                                             strcmp(names[i], "zone-id") == 0);
                if (seen && !is_of_token)
                        reader_error(reader, statement_position(seen), "misplaced", NULL,
                                is_pushed
                                        ? "\"%s\" has no meaning here: %s takes no transfers, it is pushed to"
                                        : "\"%s\" has no meaning here: %s is not pushed to",
                                names[i],
                                secondary->provider ? secondary->provider->title : "this secondary");
        }
        const struct statement *token = block_seen(block, "api-token");
        if (token && !is_pushed && !has_token)
                reader_error(reader, statement_position(token), "misplaced", "provider cloudflare",
                        "\"api-token\" has no meaning here");
        if (is_pushed && !secondary->credentials && !is_said(block, "credentials"))
                reader_error(reader, statement_position(block->owner), "no-credentials",
                        "credentials \"/etc/zonecrier/FILE\";", "secondary \"%s\" has no credentials for %s",
                        secondary->name, secondary->provider->title);
}

static void check_transfers(struct reader *reader, const struct block *block)
{
        const struct conf_secondary *secondary = block->secondary;
        const struct provider *provider = secondary->provider;
        const struct statement *from = block_seen(block, "transfer-from");
        const struct statement *said = block_seen(block, "provider");
        struct position at = statement_position(from ? from : said ? said : block->owner);
        if (conf_secondary_is_pushed(secondary))
                return;
        if (!secondary->transfer_from && !from && !(said && !provider)) {
                char hint[400];
                snprintf(hint, sizeof(hint),
                        "transfer-from { ADDRESS; }; or, for anybody with the key: "
                        "transfer-from { any; };%s%s",
                        provider && provider->addresses_at ? " The addresses: " : "",
                        provider && provider->addresses_at ? provider->addresses_at : "");
                reader_error(reader, at, "no-transfer", hint,
                        provider ? "secondary \"%s\" has no transfer-from, and the addresses of %s are not "
                                   "known"
                                 : "secondary \"%s\" has no transfer-from",
                        secondary->name, provider ? provider->title : "");
        }
        if (secondary->key_count == 0 && !is_said(block, "key") && acl_is_open(secondary->transfer_from))
                reader_error(reader, at, "open-transfer", "key \"NAME\"; or addresses",
                        "everyone could transfer the zones of secondary \"%s\", without a key",
                        secondary->name);
        if (secondary->notify && secondary->also_notify_count == 0 && !is_said(block, "also-notify"))
                reader_warn(reader, statement_position(said ? said : block->owner), "no-notify-target",
                        provider && provider->addresses_at ? provider->addresses_at
                                                           : "also-notify { ADDRESS; }; or notify no;",
                        "secondary \"%s\" has no NOTIFY target: it learns of a change at its next refresh",
                        secondary->name);
}

static void check_keys(struct reader *reader, const struct block *block)
{
        const struct conf_secondary *secondary = block->secondary;
        const struct provider *provider = secondary->provider;
        const struct statement *said = block_seen(block, "key");
        if (!provider || !said)
                return;
        if (provider->tsig == PROVIDER_NO)
                reader_error(reader, statement_position(said), "no-tsig",
                        "leave the key out; the addresses alone let it in",
                        "%s signs no transfers: with a key it would get none", provider->title);
        for (size_t i = 0; i < secondary->key_count; i++)
                if (!provider_takes_algorithm(provider, secondary->keys[i]->algorithm)) {
                        char hint[200] = "";
                        for (unsigned a = 0; a < TSIG_ALGORITHM_COUNT; a++)
                                if (provider->algorithms & 1u << a) {
                                        size_t used = strlen(hint);
                                        snprintf(hint + used, sizeof(hint) - used, "%s%s",
                                                used > 0 ? ", " : "it takes ",
                                                tsig_algorithm_name((enum tsig_algorithm)a));
                                }
                        reader_error(reader, statement_position(said), "algorithm", hint,
                                "%s does not take %s", provider->title,
                                tsig_algorithm_name(secondary->keys[i]->algorithm));
                }
}

void read_secondary(struct reader *reader, struct block *block, const struct statement *statement)
{
        (void)block;
        struct conf *conf = &reader->whole->conf;
        struct named_block *named = statement->count > 1 && item_is_text(&statement->items[1])
                                            ? block_find(&reader->secondaries, statement->items[1].text)
                                            : NULL;
        const struct item *body = reader_block(reader, statement, 2);
        if (!body || !named || named->statement != statement || !named->secondary)
                return;
        struct conf_secondary *secondary = named->secondary;
        *secondary = (struct conf_secondary){
                .name = named->name,
                .notify = true,
                .ixfr = true,
                .expire_is_honoured = true,
                .probe = true,
                .drift_interval_usec = 6 * HOUR_USEC,
                .push_soa_serial = true,
                .conf_file = reader_text(reader, statement->source->path),
                .conf_line = statement->items[0].line,
        };
        struct block inner = {.place = PLACE_SECONDARY, .secondary = secondary, .owner = statement};
        size_t errors = reader->report->error_count;
        block_read(reader, &inner, body->block);
        ((const struct conf_secondary **)conf->secondaries)[conf->secondary_count++] = secondary;
        if (reader->report->error_count > errors || reader->failed)
                return;
        take_profile(reader, &inner);
        give_keys(&inner);
        check_kind(reader, &inner);
        check_transfers(reader, &inner);
        check_keys(reader, &inner);
}

/* secondaries { "a"; "b"; }; replaces what options or a template said. */
void read_secondaries(struct reader *reader, struct block *block, const struct statement *statement)
{
        const struct item *body = reader_block(reader, statement, 1);
        size_t count = 0, found = 0;
        if (!body)
                return;
        for (const struct statement *at = body->block; at; at = at->next)
                count++;
        if (count > SECONDARIES_MAX) {
                reader_error(reader, statement_position(statement), "too-large", NULL,
                        "more than %d secondaries of a zone", SECONDARIES_MAX);
                return;
        }
        const struct conf_secondary **list = reader_alloc(reader, count * sizeof(*list));
        for (const struct statement *at = body->block; list && at; at = at->next) {
                if (!item_is_text(&at->items[0]) || !reader_end(reader, at, 1))
                        continue;
                struct named_block *named = block_find(&reader->secondaries, at->items[0].text);
                if (!named)
                        block_undefined(reader, at, &at->items[0], &reader->secondaries, "secondary");
                bool is_there = !named;
                for (size_t i = 0; i < found; i++)
                        is_there = is_there || list[i] == named->secondary;
                if (!is_there)
                        list[found++] = named->secondary;
        }
        struct secondaries_use *use = reader_alloc(reader, sizeof(*use));
        if (!list || !use)
                return;
        block->policy->secondaries = list;
        block->policy->secondary_count = found;
        *use = (struct secondaries_use){
                .at = statement_position(statement),
                .policy = block->policy,
                .zone = block->zone ? block->zone->name_text : NULL,
                .next = reader->uses,
        };
        reader->uses = use;
}
