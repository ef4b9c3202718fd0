/* zonecrier provider list, show NAME, form ZONE SECONDARY: what is known of providers, and what to type
 * there.
 *
 * Providers are compiled in; where the configuration can be read, what it says of them counts. */
#include "client/provider.h"

#include "base/buffer.h"
#include "base/cleanup.h"
#include "client/print.h"

#include <string.h>
#include <unistd.h>

#define CONFIG_DEFAULT "/etc/zonecrier/zonecrier.conf"
#define LABEL_WIDTH 16

/* ---- the configuration ---- */

static void tell_errors(const struct diag_list *diags)
{
        struct buffer out = {0};
        for (size_t i = 0; i < diags->count; i++)
                if (diags->items[i].severity == DIAG_ERROR) {
                        diag_format_short(&diags->items[i], &out);
                        buffer_append_u8(&out, '\n');
                }
        if (buffer_text(&out))
                print_lines(stderr, buffer_text(&out));
        buffer_free(&out);
}

/* Without a configuration (and where none was named) the providers that are compiled in. */
static int load(const struct client *client, bool is_needed, struct conf **ret_conf)
{
        static const char nothing[] = "options { notify no; allow-transfer { none; }; };\n";
        const char *path = client->config ? client->config : CONFIG_DEFAULT;
        struct conf_load_options options = {.all_providers = true};
        CLEANUP(diag_free) struct diag_list diags = {0};

        if (!client->config && !is_needed && access(path, R_OK) < 0) {
                options.without_files = true;
                options.text = nothing;
                options.text_length = strlen(nothing);
        }
        int r = conf_load(path, &options, &diags, ret_conf);
        if (r < 0)
                tell_errors(&diags);
        if (r < 0 && !client->config && access(path, F_OK) < 0)
                fputs("zonecrier: --config names another configuration\n", stderr);
        return r < 0 ? CLIENT_FAILED : CLIENT_OK;
}

/* ---- list ---- */

static const char *takes_notify(const struct provider *provider)
{
        if (provider->kind != PROVIDER_TRANSFER)
                return "API";
        return provider->notify ? "NOTIFY" : "polls";
}

static const char *or_unknown(enum provider_answer answer)
{
        return answer == PROVIDER_UNKNOWN ? "-" : provider_answer_name(answer);
}

static int provider_list(const struct client *client)
{
        struct conf *conf;
        int exit_status = load(client, false, &conf);
        if (exit_status != CLIENT_OK)
                return exit_status;
        printf("%-19s %-7s %-4s %-6s %-10s  %s\n", "NAME", "CHANGES", "TSIG", "DNSSEC", "FACTS OF", "TITLE");
        for (size_t i = 0; i < conf->provider_count; i++) {
                const struct provider *provider = conf->providers[i];
                const char *date = provider_date(provider);
                printf("%-19s %-7s %-4s %-6s %-10s  ", provider->name, takes_notify(provider),
                        or_unknown(provider->tsig), or_unknown(provider->dnssec), *date ? date : "-");
                print_lines(stdout, provider->title);
        }
        conf_unref(conf);
        return CLIENT_OK;
}

/* ---- show ---- */

static void label(const char *text)
{
        printf("  %-*s ", LABEL_WIDTH, text);
}

static void show_text(const char *name, const char *text)
{
        if (!text || !*text)
                return;
        label(name);
        print_lines(stdout, text);
}

static void show_acl(const char *name, const struct acl *acl)
{
        for (size_t i = 0; acl && i < acl->count; i++) {
                const struct acl_element *element = &acl->elements[i];
                label(i == 0 ? name : "");
                print_text(stdout, element->text);
                if (element->until)
                        printf(" (until %s)", element->until);
                putchar('\n');
        }
}

static void show_hosts(const char *name, const struct conf_host *hosts, size_t count)
{
        char text[ADDRESS_TEXT_MAX];
        for (size_t i = 0; i < count; i++) {
                struct address address = hosts[i].address;
                if (address.port == 53)
                        address.port = 0;
                label(i == 0 ? name : "");
                if (hosts[i].name)
                        print_text(stdout, hosts[i].name);
                else
                        fputs(address_format(&address, text), stdout);
                if (hosts[i].name && address.port != 0)
                        printf(" port %u", address.port);
                puts(hosts[i].is_required ? " (has to be in the apex NS set)" : "");
        }
}

static void show_tsig(const struct provider *provider)
{
        if (provider->tsig == PROVIDER_UNKNOWN && provider->algorithms == 0)
                return;
        label("TSIG");
        fputs(provider_answer_name(provider->algorithms ? PROVIDER_YES : provider->tsig), stdout);
        const char *before = ": ";
        for (unsigned a = 0; a < TSIG_ALGORITHM_COUNT; a++)
                if (provider->algorithms & 1u << a) {
                        printf("%s%s", before, tsig_algorithm_name((enum tsig_algorithm)a));
                        before = ", ";
                }
        putchar('\n');
}

static void show_answer(const char *name, enum provider_answer answer)
{
        if (answer != PROVIDER_UNKNOWN)
                show_text(name, provider_answer_name(answer));
}

static void show_seconds(const char *name, const char *before, uint32_t seconds, const char *behind)
{
        char text[PRINT_TIME_MAX];
        if (seconds == 0)
                return;
        label(name);
        printf("%s%s%s\n", before, print_duration(seconds, text), behind);
}

static void show_refresh(const struct provider *provider)
{
        if (provider->kind != PROVIDER_TRANSFER)
                return;
        if (provider->refresh_by == CONF_REFRESH_INTERVAL)
                show_seconds("refresh", "every ", provider->refresh_sec, ", whatever the SOA says");
        else
                show_text("refresh", "the SOA's REFRESH");
        show_seconds("", "asks at most every ", provider->refresh_min_sec, "");
}

static void show_provider(const struct provider *provider)
{
        printf("%s: ", provider->name);
        print_lines(stdout, provider->title);
        if (provider->kind != PROVIDER_TRANSFER)
                show_text("changes", "pushed by its API; it takes no transfers");
        show_acl("transfers from", provider->transfer_from);
        if (provider->kind == PROVIDER_TRANSFER && !provider->notify)
                show_text("NOTIFY to", "it takes none");
        else
                show_hosts("NOTIFY to", provider->also_notify, provider->also_notify_count);
        show_hosts("name servers", provider->nameservers, provider->nameserver_count);
        show_text("addresses at", provider->addresses_at);
        show_refresh(provider);
        show_tsig(provider);
        show_answer("IXFR", provider->ixfr);
        show_answer("DNSSEC carried", provider->dnssec);
        show_text("reaches us over", provider->ipv6 == PROVIDER_NO    ? "IPv4 alone"
                                     : provider->ipv4 == PROVIDER_NO  ? "IPv6 alone"
                                     : provider->ipv6 == PROVIDER_YES ? "IPv4 and IPv6"
                                                                      : "IPv4");
        if (provider->primary_port != 0) {
                label("our port");
                printf("%u alone\n", provider->primary_port);
        }
        if (provider->refuses_subdomains)
                show_text("zones", "domains as they are registered, no subdomains");
        show_seconds("first transfer", "may take ", provider->first_transfer_sec, "");
        show_seconds("lowest TTL", "", provider->minimum_ttl, "");
        if (provider->apex_txt) {
                label("TXT wanted");
                printf("%s.ZONE\n", provider->apex_txt);
        }
        for (size_t i = 0; i < provider->note_count; i++)
                show_text(i == 0 ? "notes" : "", provider->notes[i]);
        for (size_t i = 0; i < provider->reference_count; i++) {
                label(i == 0 ? "facts of" : "");
                printf("%s, ", provider->references[i].date);
                print_lines(stdout, provider->references[i].address);
        }
        if (provider->is_changed)
                show_text("changed", "by a provider block of the configuration");
}

static int provider_show(const struct client *client, const char *name)
{
        struct conf *conf;
        int exit_status = load(client, false, &conf);
        if (exit_status != CLIENT_OK)
                return exit_status;
        const struct provider *provider = conf_provider_find(conf, name);
        if (provider)
                show_provider(provider);
        else {
                fputs("zonecrier: there is no provider ", stderr);
                print_text(stderr, name);
                fputs("; zonecrier provider list names them\n", stderr);
                exit_status = CLIENT_FAILED;
        }
        conf_unref(conf);
        return exit_status;
}

int client_provider(struct client *client, char **arguments, size_t count)
{
        struct conf *conf;
        if (count == 1 && strcmp(arguments[0], "list") == 0)
                return provider_list(client);
        if (count == 2 && strcmp(arguments[0], "show") == 0)
                return provider_show(client, arguments[1]);
        if (count == 3 && strcmp(arguments[0], "form") == 0) {
                int exit_status = load(client, true, &conf);
                if (exit_status != CLIENT_OK)
                        return exit_status;
                exit_status = provider_form(client, conf, arguments[1], arguments[2]);
                conf_unref(conf);
                return exit_status;
        }
        fputs("zonecrier: usage: zonecrier provider list | show NAME | form ZONE SECONDARY\n", stderr);
        return CLIENT_FAILED;
}
