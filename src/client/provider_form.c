/* zonecrier provider form: the provider's own form, in its words and order, with the values of the
 * configuration; and the name servers for the registrar. A secret is shown with --show-secret alone, and goes
 * to standard output and nowhere else (I8). */
#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/encode.h"
#include "client/print.h"
#include "client/provider.h"
#include "client/request.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

struct form {
        const struct client *client;
        const struct conf *conf;
        const char *zone; /* as text */
        const struct conf_policy *policy;
        const struct conf_secondary *secondary;
        const struct provider *provider; /* NULL = a server of one's own */
};

/* ---- values ---- */

static bool is_everywhere(const struct address *address)
{
        static const uint8_t zero[16];
        return memcmp(address->bytes, zero, sizeof(zero)) == 0;
}

static bool fits(const struct form *form, const struct address *address)
{
        const struct provider *provider = form->provider;
        if (!provider)
                return true;
        return (address->family == AF_INET ? provider->ipv4 : provider->ipv6) != PROVIDER_NO;
}

/* Our addresses as they are told to this provider: public-address, else what listen-on names. The index-th,
 * or NULL. */
static const struct address *own_address(const struct form *form, size_t index)
{
        const struct conf_options *options = &form->conf->options;
        for (size_t i = 0; i < options->public_address_count; i++)
                if (fits(form, &options->public_addresses[i]) && index-- == 0)
                        return &options->public_addresses[i];
        for (size_t i = 0; options->public_address_count == 0 && i < options->listen_count; i++) {
                const struct address *address = &options->listen[i].address;
                if (!is_everywhere(address) && fits(form, address) && index-- == 0)
                        return address;
        }
        return NULL;
}

static void put_address(struct buffer *out, const struct address *address)
{
        char text[ADDRESS_TEXT_MAX];
        struct address plain = *address;
        plain.port = 0;
        buffer_append_text(out, address_format(&plain, text));
}

static void put_addresses(const struct form *form, size_t most, struct buffer *out)
{
        const struct address *address;
        size_t count = 0;
        for (; count < most && (address = own_address(form, count)); count++) {
                buffer_append_text(out, count > 0 ? ", " : "");
                put_address(out, address);
        }
        if (count == 0)
                buffer_append_text(out, "(not known here: say public-address { ADDRESS; }; in options)");
}

static uint16_t own_port(const struct form *form)
{
        const struct conf_options *options = &form->conf->options;
        return options->listen_count > 0 ? options->listen[0].address.port : 53;
}

static void put_notify_addresses(const struct form *form, struct buffer *out)
{
        const struct conf_secondary *secondary = form->secondary;
        const struct address *sources[] = {
                secondary->notify_source.family != 0 ? &secondary->notify_source
                                                     : &form->policy->notify_source,
                secondary->notify_source_v6.family != 0 ? &secondary->notify_source_v6
                                                        : &form->policy->notify_source_v6,
        };
        size_t count = 0;
        for (size_t i = 0; i < ARRAY_SIZE(sources); i++)
                if (form->conf->options.public_address_count == 0 && sources[i]->family != 0 &&
                        !is_everywhere(sources[i]) && fits(form, sources[i])) {
                        buffer_append_text(out, count++ > 0 ? ", " : "");
                        put_address(out, sources[i]);
                }
        if (count == 0)
                put_addresses(form, SIZE_MAX, out);
}

static void put_key(const struct form *form, const char *word, struct buffer *out)
{
        const struct conf_secondary *secondary = form->secondary;
        const struct tsig_key *key = secondary->key_count > 0 ? secondary->keys[0] : NULL;
        char text[NAME_TEXT_MAX], secret[TSIG_SECRET_MAX * 4 / 3 + 8];
        if (!key) {
                buffer_append_text(out, "(none: the block has no key)");
        } else if (strcmp(word, "key-name") == 0) {
                buffer_append_text(out, name_to_zone_text(key->name, text));
        } else if (strcmp(word, "key-hash") == 0) {
                buffer_append_text(out, tsig_algorithm_name(key->algorithm) + strlen("hmac-"));
        } else if (strcmp(word, "key-algorithm") == 0) {
                buffer_append_text(out, tsig_algorithm_name(key->algorithm));
        } else if (strcmp(word, "key-algorithm-dot") == 0) {
                buffer_printf(out, "%s.", tsig_algorithm_name(key->algorithm));
        } else if (!form->client->shows_secret) {
                buffer_append_text(out, "(its secret: --show-secret)");
        } else {
                base64_encode(key->secret, key->secret_length, secret);
                buffer_append_text(out, secret);
                explicit_bzero(secret, sizeof(secret));
        }
}

static void put_nameservers(const struct form *form, struct buffer *out)
{
        const struct conf_secondary *secondary = form->secondary;
        for (size_t i = 0; i < secondary->nameserver_count; i++) {
                const struct conf_host *host = &secondary->nameservers[i];
                buffer_append_text(out, i > 0 ? ", " : "");
                if (host->name)
                        buffer_append_text(out, host->name);
                else
                        put_address(out, &host->address);
        }
        if (secondary->nameserver_count == 0)
                buffer_append_text(out, "(those that it shows for the zone)");
}

/* A word of a form; one that is not known stands as it is. */
static void put_value(const struct form *form, const char *word, struct buffer *out)
{
        const char *name = form->conf->options.public_name;
        if (strcmp(word, "zone") == 0)
                buffer_append_text(out, form->zone);
        else if (strcmp(word, "secondary") == 0)
                buffer_append_text(out, form->secondary->name);
        else if (strcmp(word, "address") == 0)
                put_addresses(form, 1, out);
        else if (strcmp(word, "addresses") == 0)
                put_addresses(form, SIZE_MAX, out);
        else if (strcmp(word, "name-or-address") == 0 && name)
                buffer_append_text(out, name);
        else if (strcmp(word, "name-or-address") == 0)
                put_addresses(form, 1, out);
        else if (strcmp(word, "port") == 0)
                buffer_printf(out, "%u", own_port(form));
        else if (strcmp(word, "notify-address") == 0)
                put_notify_addresses(form, out);
        else if (strcmp(word, "nameservers") == 0)
                put_nameservers(form, out);
        else if (strncmp(word, "key-", 4) == 0)
                put_key(form, word, out);
        else
                buffer_append_text(out, word);
}

/* ---- the form ---- */

static const struct provider_field plain_fields[] = {
        {"zone", "zone", false},
        {"primary", "addresses", false},
        {"port", "port", false},
        {"key name", "key-name", false},
        {"key algorithm", "key-algorithm", false},
        {"key secret", "key-secret", false},
};

static void print_fields(const struct form *form, const struct provider_field *fields, size_t count)
{
        size_t width = 0;
        for (size_t i = 0; i < count; i++)
                width = strlen(fields[i].label) > width ? strlen(fields[i].label) : width;
        for (size_t i = 0; i < count; i++) {
                struct buffer value = {0};
                if (fields[i].is_literal)
                        buffer_append_text(&value, fields[i].value);
                else
                        put_value(form, fields[i].value, &value);
                printf("  %-*s  ", (int)width, fields[i].label);
                print_lines(stdout, buffer_text(&value) ? buffer_text(&value) : "");
                if (value.data)
                        explicit_bzero(value.data, value.capacity);
                buffer_free(&value);
        }
}

static void print_hints(const struct form *form)
{
        const struct provider *provider = form->provider;
        const struct conf_options *options = &form->conf->options;
        struct buffer text = {0};
        if (options->public_name) {
                fputs("\nWhere it takes a host name, this one stays when addresses change: ", stdout);
                print_lines(stdout, options->public_name);
        }
        if (form->secondary->notify && form->secondary->also_notify_count > 0) {
                put_notify_addresses(form, &text);
                if (buffer_text(&text))
                        printf("\nNOTIFY comes from %s\n", buffer_text(&text));
        }
        buffer_free(&text);
        for (size_t i = 0; provider && i < provider->note_count; i++) {
                fputs(i == 0 ? "\n- " : "- ", stdout);
                print_lines(stdout, provider->notes[i]);
        }
}

/* ---- the registrar ---- */

struct names {
        char **items;
        size_t count;
};

static void names_add(struct names *names, const char *name, size_t length)
{
        for (size_t i = 0; i < names->count; i++)
                if (strlen(names->items[i]) == length && strncasecmp(names->items[i], name, length) == 0)
                        return;
        char **grown = reallocarray(names->items, names->count + 1, sizeof(*grown));
        char *copy = grown ? strndup(name, length) : NULL;
        if (grown)
                names->items = grown;
        if (copy)
                names->items[names->count++] = copy;
}

static void names_free(struct names *names)
{
        for (size_t i = 0; i < names->count; i++)
                free(names->items[i]);
        free(names->items);
}

/* "example.com. 3600 IN NS ns1.example.net." of the published text: its apex comes first. */
static void take_line(struct names *names, const char *zone, char *line)
{
        char *save = NULL, *words[6] = {0};
        size_t count = 0;
        for (char *word = strtok_r(line, " \t\n", &save); word && count < 6;
                word = strtok_r(NULL, " \t\n", &save))
                words[count++] = word;
        if (count != 5 || strcasecmp(words[3], "NS") != 0)
                return;
        size_t length = strlen(words[0]);
        if (length == 0 || length - 1 != strlen(zone) || strncasecmp(words[0], zone, length - 1) != 0)
                return;
        names_add(names, words[4], strlen(words[4]) - 1);
}

/* False where zonecrierd does not run here, or has not published the zone. */
static bool take_published(const struct form *form, struct names *names)
{
        CLEANUP_FREE char *path = request_zone_path(form->zone, "/text");
        CLEANUP_FREE char *line = NULL;
        size_t size = 0;
        struct reply reply;
        if (!path || access(form->client->socket_path, W_OK) < 0 ||
                request_run(form->client, "GET", path, &reply) != CLIENT_OK)
                return false;
        bool is_there = reply.status == 200;
        while (is_there && getline(&line, &size, reply.body) > 0)
                take_line(names, form->zone, line);
        reply_close(&reply);
        return is_there;
}

static bool has_name(const struct names *names, const char *name)
{
        for (size_t i = 0; i < names->count; i++)
                if (strcasecmp(names->items[i], name) == 0)
                        return true;
        return false;
}

/* The apex NS set is what belongs at the registrar; names of the secondaries that it lacks are told. */
static void print_registrar(const struct form *form)
{
        struct names published = {0};
        bool is_published = take_published(form, &published);
        printf("\nAt the registrar, the name servers of %s%s\n", form->zone,
                is_published ? " (its published NS records):" : ", as far as they are known here:");
        for (size_t i = 0; i < published.count; i++) {
                fputs("  ", stdout);
                print_lines(stdout, published.items[i]);
        }
        for (size_t i = 0; i < form->policy->secondary_count; i++) {
                const struct conf_secondary *secondary = form->policy->secondaries[i];
                for (size_t k = 0; k < secondary->nameserver_count; k++) {
                        const char *name = secondary->nameservers[k].name;
                        if (!name || has_name(&published, name))
                                continue;
                        printf("  %s (secondary \"%s\"%s)\n", name, secondary->name,
                                is_published ? "; not in the zone: add its NS record first" : "");
                }
                if (!is_published && secondary->nameserver_count == 0)
                        printf("  (those of secondary \"%s\": its page shows them)\n", secondary->name);
        }
        if (published.count == 0 && form->policy->secondary_count == 0)
                puts("  (none: nothing of the zone is published, and it has no secondary)");
        names_free(&published);
}

static int fail(const char *before, const char *text, const char *behind)
{
        fprintf(stderr, "zonecrier: %s", before);
        print_text(stderr, text);
        fprintf(stderr, "%s\n", behind);
        return CLIENT_FAILED;
}

int provider_form(
        const struct client *client, const struct conf *conf, const char *zone, const char *secondary)
{
        static const uint8_t root[] = {0};
        uint8_t name[NAME_MAX_LENGTH];
        char text[NAME_TEXT_MAX];
        size_t length, fault;
        if (name_from_text(zone, strlen(zone), root, name, &length, &fault) != NAME_OK)
                return fail("", zone, " is no domain name");
        struct form form = {
                .client = client,
                .conf = conf,
                .zone = name_to_zone_text(name, text),
                .policy = conf_policy_for(conf, name),
                .secondary = conf_secondary_find(conf, secondary),
        };
        if (!form.secondary)
                return fail("there is no secondary ", secondary, " in the configuration");
        form.provider = form.secondary->provider;
        if (form.provider && form.provider->refuses_subdomains && conf_is_subdomain(form.zone))
                return fail("", form.provider->title, " takes no subdomains, and this zone looks like one");
        print_text(stdout, form.provider ? form.provider->title : form.secondary->name);
        printf(", for %s:\n\n", form.zone);
        if (form.provider && form.provider->field_count > 0)
                print_fields(&form, form.provider->fields, form.provider->field_count);
        else
                print_fields(&form, plain_fields, ARRAY_SIZE(plain_fields));
        print_hints(&form);
        if (!conf_policy_secondary(form.policy, secondary))
                printf("\nNote: the zone does not have it yet: secondaries { ...; \"%s\"; };\n",
                        form.secondary->name);
        print_registrar(&form);
        return CLIENT_OK;
}
