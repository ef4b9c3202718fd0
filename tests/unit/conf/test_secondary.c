/* secondary blocks, templates, and providers: what they say, what they take from where, and who is let in. */

#include "load.h"

#define BASE KEY "zone-files { directory \"z\"; };\n"

static const struct conf_secondary *secondary(const struct loaded *loaded, const char *name)
{
        const struct conf_secondary *found = loaded->r == 0 ? conf_secondary_find(loaded->conf, name) : NULL;
        if (!found)
                fail_msg("no secondary %s:\n%s", name, buffer_text((struct buffer *)&loaded->told));
        return found;
}

static enum conf_secondary_match match(
        const struct conf_secondary *secondary, const char *peer, const struct tsig_key *key)
{
        struct address address;
        assert_int_equal(address_parse(peer, &address), 0);
        return conf_secondary_match(secondary, &address, key, NULL);
}

static void test_wedos_is_a_range_without_notify(void **state)
{
        (void)state;
        LOADED loaded = load_text(BASE "secondary \"w\" { provider wedos; };\n"
                                       "options { secondaries { \"W\"; }; };\n");
        const struct conf_secondary *wedos = secondary(&loaded, "w");
        assert_string_equal(told(&loaded), "");
        assert_false(wedos->notify);
        assert_int_equal(wedos->also_notify_count, 0);
        assert_int_equal(wedos->refresh_by, CONF_REFRESH_SOA);
        assert_int_equal(match(wedos, "46.28.104.64", NULL), CONF_SECONDARY_BOTH);
        assert_int_equal(match(wedos, "46.28.104.95", NULL), CONF_SECONDARY_BOTH);
        assert_int_equal(match(wedos, "46.28.104.63", NULL), CONF_SECONDARY_NONE);
        assert_int_equal(match(wedos, "46.28.104.96", NULL), CONF_SECONDARY_NONE);
        assert_int_equal(loaded.conf->policy.secondary_count, 1);
        assert_ptr_equal(loaded.conf->policy.secondaries[0], wedos);
}

static void test_address_and_key(void **state)
{
        (void)state;
        LOADED loaded = load_text(
                BASE "key other { algorithm hmac-sha256; secret "
                     "\"MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTI=\"; };\n"
                     "secondary s { also-notify { 192.0.2.1; ns.example. port 5353 key other; }; key k;\n"
                     "  transfer-from { 192.0.2.1; 192.0.2.10-192.0.2.20; 10.1.0.0/16 until \"2026-12-01\"; "
                     "}; };\n"
                     "secondary plain { transfer-from { 192.0.2.0/24; }; notify no; };\n"
                     "options { secondaries { s; plain; }; };\n");
        const struct conf_secondary *s = secondary(&loaded, "s"), *plain = secondary(&loaded, "plain");
        const struct tsig_key *k = conf_key_find(loaded.conf, (const uint8_t *)"\1k");
        const struct tsig_key *other = conf_key_find(loaded.conf, (const uint8_t *)"\5other");
        assert_int_equal(match(s, "192.0.2.1", k), CONF_SECONDARY_BOTH);
        assert_int_equal(match(s, "192.0.2.15", k), CONF_SECONDARY_BOTH);
        assert_int_equal(match(s, "192.0.2.10", k), CONF_SECONDARY_BOTH);
        assert_int_equal(match(s, "192.0.2.20", k), CONF_SECONDARY_BOTH);
        assert_int_equal(match(s, "192.0.2.21", k), CONF_SECONDARY_KEY);
        assert_int_equal(match(s, "192.0.2.9", k), CONF_SECONDARY_KEY);
        assert_int_equal(match(s, "192.0.2.1", NULL), CONF_SECONDARY_ADDRESS);
        assert_int_equal(match(s, "192.0.2.1", other), CONF_SECONDARY_ADDRESS);
        assert_int_equal(match(plain, "192.0.2.1", NULL), CONF_SECONDARY_BOTH);
        assert_int_equal(match(plain, "192.0.2.1", k), CONF_SECONDARY_ADDRESS); /* no key is known there */
        assert_ptr_equal(s->also_notify[0].key, k);
        assert_ptr_equal(s->also_notify[1].key, other);
        assert_string_equal(s->also_notify[1].host.name, "ns.example");
        assert_int_equal(s->also_notify[1].host.address.port, 5353);

        struct address peer;
        const struct acl_element *element;
        const struct conf_secondary *near;
        address_parse("10.1.2.3", &peer);
        assert_ptr_equal(conf_secondary_of(&loaded.conf->policy, &peer, k, &element, &near), s);
        assert_string_equal(element->text, "10.1.0.0/16");
        assert_string_equal(element->until, "2026-12-01");
        address_parse("10.2.2.3", &peer);
        assert_null(conf_secondary_of(&loaded.conf->policy, &peer, k, &element, &near));
        assert_ptr_equal(near, s);
}

static void test_templates_by_name_and_by_match(void **state)
{
        (void)state;
        LOADED loaded = load_text(
                BASE "options { max-ixfr-ratio 50%; };\n"
                     "secondary s { transfer-from { 192.0.2.1; }; notify no; };\n"
                     "template t { match { \"*.Example.\"; \"cust-*\"; }; secondaries { s; }; "
                     "serial-update-method date; };\n"
                     "template u { serial-update-method unixtime; };\n"
                     "zone a.example { file a; notify-delay 5; };\n"
                     "zone b.example { file b; template u; notify no; allow-transfer { none; }; };\n"
                     "zone c.example { file c; template none; notify no; allow-transfer { none; }; };\n");
        assert_string_equal(told(&loaded), "");
        assert_int_equal(loaded.r, 0);
        const struct conf_policy *found = conf_policy_for(loaded.conf, (const uint8_t *)"\4free\7EXAMPLE");
        assert_int_equal(found->serial_method, CONF_SERIAL_DATE);
        assert_int_equal(found->secondary_count, 1);
        assert_int_equal(found->max_ixfr_ratio_percent, 50);
        assert_int_equal(conf_policy_for(loaded.conf, (const uint8_t *)"\6cust-1\3net")->serial_method,
                CONF_SERIAL_DATE);
        assert_ptr_equal(conf_policy_for(loaded.conf, (const uint8_t *)"\7example"), &loaded.conf->policy);
        assert_int_equal(loaded.conf->zones[0].policy.serial_method, CONF_SERIAL_DATE);
        assert_int_equal(loaded.conf->zones[0].policy.notify_delay_usec, 5000000);
        assert_string_equal(loaded.conf->zones[0].template_name, "t");
        assert_int_equal(loaded.conf->zones[1].policy.serial_method, CONF_SERIAL_UNIXTIME);
        assert_int_equal(loaded.conf->zones[2].policy.serial_method, CONF_SERIAL_INCREMENT);
}

static void test_pushes(void **state)
{
        (void)state;
        LOADED loaded = load_text(BASE
                "secondary aws { provider route53; credentials \"/c/aws\"; zone-id Z0123; drift report;\n"
                "  endpoint \"http://127.0.0.1:8080\"; ca-file \"/c/ca\"; drift-interval 1h; push-soa-serial "
                "no;\n"
                "  push-apex-ns yes; unsupported fail; batch-limit 100; };\n"
                "secondary cf { provider cloudflare-records; credentials \"/c/cf\"; };\n"
                "options { secondaries { aws; cf; }; };\n");
        const struct conf_secondary *aws = secondary(&loaded, "aws"), *cf = secondary(&loaded, "cf");
        assert_true(conf_secondary_is_pushed(aws));
        assert_int_equal(aws->provider->kind, PROVIDER_ROUTE53);
        assert_string_equal(aws->credentials, "/c/aws");
        assert_string_equal(aws->zone_id, "Z0123");
        assert_string_equal(aws->endpoint, "http://127.0.0.1:8080");
        assert_int_equal(aws->drift, CONF_DRIFT_REPORT);
        assert_int_equal(aws->drift_interval_usec, UINT64_C(3600000000));
        assert_false(aws->push_soa_serial);
        assert_true(aws->push_apex_ns);
        assert_true(aws->unsupported_fails);
        assert_int_equal(aws->batch_limit, 100);
        assert_int_equal(cf->provider->kind, PROVIDER_CLOUDFLARE_RECORDS);
        assert_int_equal(cf->drift_interval_usec, UINT64_C(6) * 3600000000);
        assert_true(cf->push_soa_serial);
}

static struct loaded load_all(const char *text)
{
        struct loaded loaded = {0};
        struct conf_load_options options = {
                .without_files = true, .text = text, .text_length = strlen(text), .all_providers = true};
        loaded.r = conf_load("test.conf", &options, &loaded.diags, &loaded.conf);
        loaded_tell(&loaded, false);
        return loaded;
}

static void test_each_provider_that_is_compiled_in(void **state)
{
        (void)state;
        LOADED loaded = load_all(KEY "options { notify no; allow-transfer { none; }; };\n");
        assert_string_equal(told(&loaded), "");
        assert_int_equal(loaded.r, 0);
        size_t transfers = 0;
        for (size_t i = 0; i < loaded.conf->provider_count; i++) {
                const struct provider *provider = loaded.conf->providers[i];
                transfers += provider->kind == PROVIDER_TRANSFER;
                assert_true(provider->is_builtin);
                assert_false(provider->is_changed);
                assert_int_equal(strlen(provider_date(provider)), 10);
                assert_string_not_equal(provider->title, provider->name);
                if (provider->kind == PROVIDER_TRANSFER)
                        assert_true(provider->transfer_from || provider->addresses_at);
        }
        assert_true(transfers >= 25);
        const struct provider *cloudflare = conf_provider_find(loaded.conf, "Cloudflare");
        struct address peer;
        address_parse("198.41.144.245", &peer);
        assert_string_equal(acl_find(cloudflare->transfer_from, &peer, NULL)->until, "2026-12-01");
        address_parse("104.30.167.163", &peer);
        assert_null(acl_find(cloudflare->transfer_from, &peer, NULL)->until);
}

static void test_what_is_wrong(void **state)
{
        (void)state;
        static const struct {
                const char *text, *told;
        } cases[] = {
                {"secondary s { key k; };", "1:1: error: secondary \"s\" has no transfer-from\n"},
                {"secondary s { provider akamai; notify no; };",
                        "1:15: error: secondary \"s\" has no transfer-from, and the addresses of Akamai Edge "
                        "DNS are not known\n"},
                {"secondary s { transfer-from { any; }; notify no; };",
                        "1:15: error: everyone could transfer the zones of secondary \"s\", without a key\n"},
                {"secondary s { transfer-from { 192.0.2.9-192.0.2.1; }; notify no; };",
                        "1:31: error: \"192.0.2.9-192.0.2.1\" is no range of addresses\n"},
                {"secondary s { provider hurricane; };", "1:24: error: there is no provider \"hurricane\"\n"},
                {"secondary s { provider ovh; key k; notify no; };",
                        "1:29: error: OVHcloud (sdns2.ovh.net) signs no transfers: with a key it would get "
                        "none\n"},
                {"secondary s { provider route53; };",
                        "1:1: error: secondary \"s\" has no credentials for Amazon Route 53 (API)\n"},
                {"secondary s { provider route53; credentials \"/c\"; also-notify { 192.0.2.1; }; };",
                        "1:51: error: \"also-notify\" has no meaning here: Amazon Route 53 (API) takes no "
                        "transfers, it is pushed to\n"},
                {"secondary s { provider wedos; credentials \"/c\"; };",
                        "1:31: error: \"credentials\" has no meaning here: WEDOS DNS Secondary Servers is "
                        "not "
                        "pushed to\n"},
                {"secondary s { provider route53; credentials \"/c\"; endpoint \"http://192.0.2.1/\"; };",
                        "1:60: error: an endpoint is an https:// address, or http:// on a loopback "
                        "address\n"},
                {"secondary s { provider wedos; }; options { listen-on { none; }; };",
                        "1:1: error: WEDOS DNS Secondary Servers asks over IPv4 alone, and zonecrier does "
                        "not "
                        "listen there\n"},
                {"secondary s { provider wedos; }; zone www.a.example { file a; secondaries { s; }; };",
                        "1:63: error: WEDOS DNS Secondary Servers takes no subdomains, and \"www.a.example\" "
                        "looks like one\n"},
                {"options { secondaries { nobody; }; };", "1:25: error: there is no secondary \"nobody\"\n"},
                {"zone a { file a; template t; };", "1:27: error: there is no template \"t\"\n"},
                {"secondary a { transfer-from { 192.0.2.0/24; }; notify no; strip-dnssec yes; }; "
                 "secondary b { transfer-from { 192.0.2.7; }; notify no; }; options { secondaries { a; b; }; "
                 "};",
                        "1:148: error: secondaries \"a\" and \"b\" share addresses (192.0.2.7) and key, and "
                        "are "
                        "to get different things (strip-dnssec, ixfr): a request could be either's\n"},
        };
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                char text[1024];
                snprintf(text, sizeof(text), "%s\n" BASE, cases[i].text);
                LOADED loaded = load_text(text);
                char errors[2048] = "";
                for (size_t n = 0; n < loaded.diags.count; n++)
                        if (loaded.diags.items[n].severity == DIAG_ERROR)
                                snprintf(errors + strlen(errors), sizeof(errors) - strlen(errors),
                                        "%u:%u: error: %s\n", loaded.diags.items[n].line,
                                        loaded.diags.items[n].column, loaded.diags.items[n].message);
                assert_string_equal(errors, cases[i].told);
                assert_int_equal(loaded.r, -EINVAL);
        }
}

static void test_told_apart(void **state)
{
        (void)state;
        static const char *const apart[] = {
                "secondary a { transfer-from { any; }; key k; notify no; strip-dnssec yes; };"
                "secondary b { transfer-from { 192.0.2.7; }; notify no; };",
                "secondary a { transfer-from { 192.0.2.0/25; }; notify no; strip-dnssec yes; };"
                "secondary b { transfer-from { 192.0.2.128-192.0.2.200; }; notify no; };",
                "secondary a { transfer-from { !192.0.2.7; 192.0.2.0/25; }; notify no; ixfr no; };"
                "secondary b { transfer-from { 192.0.2.7; }; notify no; };",
        };
        for (size_t i = 0; i < ARRAY_SIZE(apart); i++) {
                char text[1024];
                snprintf(text, sizeof(text), "%s\noptions { secondaries { a; b; }; };\n" BASE, apart[i]);
                LOADED loaded = load_text(text);
                assert_string_equal(told(&loaded), "");
        }
        LOADED loaded = load_text("secondary a { transfer-from { any; }; key k; notify no; };"
                                  "secondary b { transfer-from { 192.0.2.7; }; key k; notify no; };\n"
                                  "options { secondaries { a; b; }; };\n" BASE);
        assert_string_equal(told(&loaded), "2:11: warning: secondaries \"a\" and \"b\" share addresses "
                                           "(192.0.2.7) and key: status cannot tell which of them asked\n");
}

static void test_used_by_nobody(void **state)
{
        (void)state;
        LOADED loaded = load_text("secondary a { transfer-from { 192.0.2.1; }; notify no; };"
                                  "secondary b { transfer-from { 192.0.2.2; }; notify no; };"
                                  "secondary c { transfer-from { 192.0.2.3; }; notify no; };\n"
                                  "secondary lone { transfer-from { 192.0.2.7; }; notify no; };\n"
                                  "options { secondaries { a; }; };"
                                  "template t { match \"*.example\"; secondaries { b; }; };"
                                  "zone z { file z; secondaries { c; }; };\n" BASE);
        assert_string_equal(told(&loaded),
                "2:1: warning: no zone uses secondary \"lone\": it is neither told of "
                "a change nor let in\n");
        assert_int_equal(loaded.r, 0);
}

static void test_a_provider_of_the_configuration(void **state)
{
        (void)state;
        LOADED loaded = load_text(BASE
                "provider wedos { transfer-from { 192.0.2.16/28; }; note \"ours\"; source \"a letter\" "
                "\"2026-11-22\"; };\n"
                "provider ours { title \"Our own\"; also-notify { ns.example; }; tsig-algorithms { "
                "hmac-sha512; };\n"
                "  transfer-from { 192.0.2.1; }; dnssec no; form { \"Zone\" zone; \"Kind\" \"slave\"; }; };\n"
                "secondary w { provider wedos; };\n"
                "secondary o { provider Ours; };\n"
                "options { secondaries { w; o; }; };\n");
        const struct conf_secondary *w = secondary(&loaded, "w"), *o = secondary(&loaded, "o");
        assert_string_equal(told(&loaded),
                "7:1: note: Our own does not carry DNSSEC: secondary \"o\" gets signed "
                "zones without their DNSSEC records\n");
        assert_true(w->provider->is_builtin && w->provider->is_changed);
        assert_int_equal(match(w, "192.0.2.19", NULL), CONF_SECONDARY_BOTH);
        assert_int_equal(match(w, "46.28.104.64", NULL), CONF_SECONDARY_NONE);
        assert_false(w->notify);
        assert_int_equal(w->provider->note_count, 1);
        assert_string_equal(provider_date(w->provider), "2026-11-22");
        assert_true(o->strip_dnssec);
        assert_string_equal(o->also_notify[0].host.name, "ns.example");
        assert_false(provider_takes_algorithm(o->provider, TSIG_HMAC_SHA256));
        assert_true(provider_takes_algorithm(o->provider, TSIG_HMAC_SHA512));
        assert_string_equal(o->provider->fields[1].value, "slave");
        assert_true(o->provider->fields[1].is_literal);
}

static void test_port_alone(void **state)
{
        (void)state;
        LOADED loaded = load_text(BASE "secondary w { provider wedos; };\n"
                                       "options { secondaries { w; }; port 5300; };\n");
        assert_int_equal(loaded.r, 0);
        assert_string_equal(told(&loaded),
                "3:1: warning: WEDOS DNS Secondary Servers asks port 53 alone, and "
                "zonecrier listens on none of that number\n");
        LOADED forwarded = load_text(
                BASE "secondary w { provider wedos; };\n"
                     "options { secondaries { w; }; port 5300; public-address { 192.0.2.1; }; };\n");
        assert_string_equal(told(&forwarded), "");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_wedos_is_a_range_without_notify),
                cmocka_unit_test(test_address_and_key),
                cmocka_unit_test(test_templates_by_name_and_by_match),
                cmocka_unit_test(test_pushes),
                cmocka_unit_test(test_each_provider_that_is_compiled_in),
                cmocka_unit_test(test_what_is_wrong),
                cmocka_unit_test(test_told_apart),
                cmocka_unit_test(test_port_alone),
                cmocka_unit_test(test_used_by_nobody),
                cmocka_unit_test(test_a_provider_of_the_configuration),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
