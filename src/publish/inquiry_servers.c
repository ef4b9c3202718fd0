/* Whom of a zone's secondaries to ask for its serial. Pure. */
#include "publish/inquiry.h"

#include <stdio.h>
#include <string.h>

const char *inquiry_server_format(const struct inquiry_server *server, char text[static INQUIRY_NAME_MAX])
{
        char address[ADDRESS_TEXT_MAX];
        const char *host = server->host ? server->host : address_format(&server->address, address);

        if (server->secondary)
                snprintf(text, INQUIRY_NAME_MAX, "%.60s (%.90s)", server->secondary, host);
        else
                snprintf(text, INQUIRY_NAME_MAX, "%.150s", host);
        return text;
}

static bool is_same(const struct inquiry_server *left, const struct inquiry_server *right)
{
        if (!left->host != !right->host)
                return false;
        return left->host ? strcmp(left->host, right->host) == 0
                          : address_and_port_equal(&left->address, &right->address);
}

static void add_server(struct inquiry_server *servers, size_t *count, const struct inquiry_server *server)
{
        for (size_t i = 0; i < *count; i++)
                if (is_same(&servers[i], server))
                        return;
        if (*count < INQUIRY_SERVERS_MAX)
                servers[(*count)++] = *server;
}

static void add_host(struct inquiry_server *servers, size_t *count, const struct conf_secondary *secondary,
        const struct conf_host *host, const struct tsig_key *key)
{
        add_server(servers, count,
                &(struct inquiry_server){.secondary = secondary->name,
                        .host = host->name,
                        .address = host->address,
                        .key = key                        ? key
                               : secondary->key_count > 0 ? secondary->keys[0]
                                                          : NULL});
}

size_t inquiry_servers(
        const struct conf_policy *policy, struct inquiry_server ret_servers[static INQUIRY_SERVERS_MAX])
{
        size_t count = 0;

        for (size_t i = 0; i < policy->secondary_count; i++) {
                const struct conf_secondary *secondary = policy->secondaries[i];
                if (secondary->serial_is_own || !secondary->probe || conf_secondary_is_pushed(secondary))
                        continue;
                for (size_t k = 0; k < secondary->nameserver_count; k++)
                        add_host(ret_servers, &count, secondary, &secondary->nameservers[k], NULL);
                for (size_t k = 0; secondary->nameserver_count == 0 && k < secondary->also_notify_count; k++)
                        add_host(ret_servers, &count, secondary, &secondary->also_notify[k].host,
                                secondary->also_notify[k].key);
        }
        for (size_t i = 0; i < policy->also_notify_count; i++)
                add_server(ret_servers, &count,
                        &(struct inquiry_server){.address = policy->also_notify[i].address,
                                .key = policy->also_notify[i].key});
        return count;
}
