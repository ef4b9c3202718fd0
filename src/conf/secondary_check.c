/* What has to hold between secondaries, zones and the addresses that we listen on, once all of it is read.
 *
 * A request is told to be of one secondary by its address and key. Two blocks of a zone that both could be
 * it, and that get different things, are an error; where both get the same, status cannot tell them apart: a
 * warning. */

#include "conf/reader.h"

#include <stdio.h>
#include <string.h>

/* ---- told apart ---- */

static bool shares_key(const struct conf_secondary *left, const struct conf_secondary *right)
{
        if (left->key_count == 0 && right->key_count == 0)
                return true;
        for (size_t i = 0; i < left->key_count; i++)
                if (conf_secondary_has_key(right, left->keys[i]))
                        return true;
        return false;
}

static bool passes(const struct conf_secondary *secondary, const struct address *peer)
{
        const struct tsig_key *key = secondary->key_count > 0 ? secondary->keys[0] : NULL;
        return acl_match(secondary->transfer_from, peer, key, NULL) == ACL_ALLOWED;
}

static struct address last_address(const struct acl_element *element)
{
        struct address last = element->prefix.address;
        if (element->kind == ACL_RANGE)
                return element->last;
        size_t size = last.family == AF_INET ? 4 : 16;
        for (size_t i = 0; i < size; i++) {
                unsigned bits = element->prefix.bits > 8 * i ? element->prefix.bits - 8u * (unsigned)i : 0;
                if (bits < 8)
                        last.bytes[i] = (uint8_t)(last.bytes[i] | 0xffu >> bits);
        }
        return last;
}

/* Where two lists of addresses overlap, the first or the last address of some element is in both. */
static bool shares_ends(const struct acl *acl, const struct conf_secondary *left,
        const struct conf_secondary *right, struct address *ret_address)
{
        for (size_t i = 0; acl && i < acl->count; i++) {
                const struct acl_element *element = &acl->elements[i];
                struct address ends[2] = {0};
                size_t count = 0;
                if (element->nested && shares_ends(element->nested, left, right, ret_address))
                        return true;
                if (element->kind == ACL_PREFIX || element->kind == ACL_RANGE) {
                        ends[0] = element->prefix.address;
                        ends[1] = last_address(element);
                        count = 2;
                } else if (element->kind == ACL_ANY) {
                        ends[0].family = AF_INET;
                        ends[1].family = AF_INET6;
                        count = 2;
                }
                for (size_t k = 0; k < count; k++)
                        if (passes(left, &ends[k]) && passes(right, &ends[k])) {
                                *ret_address = ends[k];
                                return true;
                        }
        }
        return false;
}

static bool get_the_same(const struct conf_secondary *left, const struct conf_secondary *right)
{
        return left->strip_dnssec == right->strip_dnssec && left->ixfr == right->ixfr;
}

static void check_apart(struct reader *reader, const struct secondaries_use *use,
        const struct conf_secondary *left, const struct conf_secondary *right)
{
        struct address shared = {0};
        char text[ADDRESS_TEXT_MAX], who[160] = "";
        if (conf_secondary_is_pushed(left) || conf_secondary_is_pushed(right) || !shares_key(left, right) ||
                !(shares_ends(left->transfer_from, left, right, &shared) ||
                        shares_ends(right->transfer_from, left, right, &shared)))
                return;
        shared.port = 0;
        bool is_any = shared.family == AF_INET && shared.bytes[0] == 0;
        if (!is_any)
                snprintf(who, sizeof(who), " (%s)", address_format(&shared, text));
        if (get_the_same(left, right))
                reader_warn(reader, use->at, "not-told-apart", "give each a key of its own",
                        "secondaries \"%s\" and \"%s\" share addresses%s and key: status cannot tell which "
                        "of "
                        "them asked",
                        left->name, right->name, who);
        else
                reader_error(reader, use->at, "not-told-apart", "give each a key of its own",
                        "secondaries \"%s\" and \"%s\" share addresses%s and key, and are to get different "
                        "things (strip-dnssec, ixfr): a request could be either's",
                        left->name, right->name, who);
}

/* ---- a zone and its providers ---- */

/* Below which names are registered as below a top level: "co.uk". A guess, for there is no list without a
 * fetch.
 */
static bool is_registry_label(const char *label, size_t length)
{
        static const char *const labels[] = {"ac", "co", "com", "edu", "gen", "gob", "gov", "gouv", "govt",
                "ltd", "me", "mil", "ne", "net", "nom", "or", "org", "plc", "sch"};
        for (size_t i = 0; i < sizeof(labels) / sizeof(labels[0]); i++)
                if (strlen(labels[i]) == length && strncmp(labels[i], label, length) == 0)
                        return true;
        return false;
}

bool conf_is_subdomain(const char *zone)
{
        const char *first = strchr(zone, '.');
        const char *second = first ? strchr(first + 1, '.') : NULL;
        if (!second)
                return false;
        return strchr(second + 1, '.') != NULL || !is_registry_label(first + 1, (size_t)(second - first - 1));
}

static void check_zone(struct reader *reader, const struct secondaries_use *use)
{
        for (size_t i = 0; use->zone && i < use->policy->secondary_count; i++) {
                const struct provider *provider = use->policy->secondaries[i]->provider;
                if (provider && provider->refuses_subdomains && conf_is_subdomain(use->zone))
                        reader_error(reader, use->at, "subdomain",
                                "it takes a domain as it is registered; if this one is: "
                                "provider NAME { subdomains yes; };",
                                "%s takes no subdomains, and \"%s\" looks like one", provider->title,
                                use->zone);
        }
}

/* ---- where we can be reached ---- */

static void check_reach(struct reader *reader, const struct conf_secondary *secondary)
{
        const struct conf_options *options = &reader->whole->conf.options;
        const struct provider *provider = secondary->provider;
        const struct named_block *named = block_find(&reader->secondaries, secondary->name);
        bool has_v4 = false, has_v6 = false, has_port = false;
        if (!provider || conf_secondary_is_pushed(secondary) || !named)
                return;
        struct position at = statement_position(named->statement);
        for (size_t i = 0; i < options->listen_count; i++) {
                const struct address *address = &options->listen[i].address;
                *(address->family == AF_INET ? &has_v4 : &has_v6) = true;
                has_port = has_port || address->port == provider->primary_port;
        }
        for (size_t i = 0; i < options->public_address_count; i++)
                *(options->public_addresses[i].family == AF_INET ? &has_v4 : &has_v6) = true;
        bool only_v4 = provider->ipv6 == PROVIDER_NO && !has_v4,
             only_v6 = provider->ipv4 == PROVIDER_NO && !has_v6;
        if (only_v4 || only_v6)
                reader_error(reader, at, "family",
                        only_v4 ? "listen-on { any; }; or public-address" : "listen-on-v6 { any; };",
                        "%s asks over %s alone, and zonecrier does not listen there", provider->title,
                        only_v4 ? "IPv4" : "IPv6");
        if (provider->primary_port != 0 && !has_port && options->public_address_count == 0)
                reader_warn(reader, at, "port",
                        "forward that port to the one that listen-on has, or listen there",
                        "%s asks port %u alone, and zonecrier listens on none of that number",
                        provider->title, provider->primary_port);
}

/* ---- used at all ---- */

static void check_use(struct reader *reader, const struct conf_secondary *secondary)
{
        const struct named_block *named = block_find(&reader->secondaries, secondary->name);
        char hint[CONF_SECONDARY_NAME_MAX + 32];

        for (const struct secondaries_use *use = reader->uses; use; use = use->next)
                for (size_t i = 0; i < use->policy->secondary_count; i++)
                        if (use->policy->secondaries[i] == secondary)
                                return;
        if (!named)
                return;
        snprintf(hint, sizeof(hint), "secondaries { \"%s\"; };", secondary->name);
        reader_warn(reader, statement_position(named->statement), "unused", hint,
                "no zone uses secondary \"%s\": it is neither told of a change nor let in", secondary->name);
}

void secondaries_check(struct reader *reader)
{
        const struct conf *conf = &reader->whole->conf;
        if (reader->report->error_count > 0)
                return; /* what is missing there would be told twice */
        for (const struct secondaries_use *use = reader->uses; use; use = use->next) {
                for (size_t i = 0; i < use->policy->secondary_count; i++)
                        for (size_t k = 0; k < i; k++)
                                check_apart(reader, use, use->policy->secondaries[k],
                                        use->policy->secondaries[i]);
                check_zone(reader, use);
        }
        for (size_t i = 0; i < conf->secondary_count; i++) {
                check_reach(reader, conf->secondaries[i]);
                check_use(reader, conf->secondaries[i]);
        }
}
