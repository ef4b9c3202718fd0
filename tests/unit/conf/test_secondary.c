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

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_wedos_is_a_range_without_notify),
                cmocka_unit_test(test_address_and_key),
                cmocka_unit_test(test_templates_by_name_and_by_match),
                cmocka_unit_test(test_pushes),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
