/* Whole configurations: the providers' samples, what each statement sets, what a zone inherits. */

#include "load.h"

#define FIXTURES "tests/unit/conf/fixtures/"
#define QUIET "zone-files { directory \"z\"; }; options { notify no; allow-transfer { none; }; };\n"

static char address_text[4][ADDRESS_TEXT_MAX];

static const char *text_of(const struct address *address, unsigned slot)
{
        return address_format(address, address_text[slot]);
}

static const char *target_text(const struct conf_policy *policy, size_t index)
{
        assert_true(index < policy->also_notify_count);
        return text_of(&policy->also_notify[index].address, 0);
}

/* What the providers' manuals show a primary (real names, addresses and secrets put in). */
static void test_the_generic_guide(void **state)
{
        (void)state;
        LOADED loaded = load_file(FIXTURES "generic.conf", false);
        assert_int_equal(loaded.r, 0);
        assert_string_equal(told(&loaded), "");
        assert_int_equal(loaded.conf->zone_count, 1);
        const struct conf_zone *zone = &loaded.conf->zones[0];
        assert_string_equal(zone->name_text, "example.com");
        assert_string_equal(zone->file, "/var/named/example.com.zone");
        assert_int_equal(zone->policy.also_notify_count, 2);
        assert_string_equal(target_text(&zone->policy, 1), "198.51.100.20#53");
        struct address peer;
        address_parse("198.51.100.10", &peer);
        assert_int_equal(acl_match(zone->policy.allow_transfer, &peer, NULL, NULL), ACL_ALLOWED);
        assert_int_equal(loaded.conf->key_count, 1);
}

static void check_alibaba(const struct loaded *loaded)
{
        assert_int_equal(loaded->r, 0);
        const struct conf_zone *zone = &loaded->conf->zones[0];
        assert_string_equal(zone->name_text, "dns-example.com");
        assert_int_equal(zone->policy.notify, CONF_NOTIFY_EXPLICIT);
        assert_int_equal(zone->policy.also_notify_count, 2);
        assert_string_equal(target_text(&zone->policy, 0), "47.92.96.10#53");
        assert_ptr_equal(zone->policy.also_notify[0].key, loaded->conf->keys[0]);
        assert_int_equal(loaded->conf->keys[0]->algorithm, TSIG_HMAC_SHA256);
        assert_memory_equal(loaded->conf->keys[0]->secret, "alibaba's sample", 16);
        assert_true(acl_has_key_only(zone->policy.allow_transfer));
}

static void test_alibaba_cloud(void **state)
{
        (void)state;
        LOADED loaded = load_file(FIXTURES "alibaba.conf", false);
        check_alibaba(&loaded);
        assert_string_equal(told(&loaded),
                "alibaba.conf:3:1: note: allow-update has no effect: a zone changes by its file alone\n");
}

/* The manual's include names /etc/named/dns-key: the same text with the folder of this test. */
static void test_alibaba_cloud_with_an_included_key(void **state)
{
        (void)state;
        FOLDER folder = folder_make();
        char text[2048], sample[2048], key[512];
        FILE *file = fopen(FIXTURES "alibaba-include.conf", "re");
        sample[fread(sample, 1, sizeof(sample) - 1, file)] = '\0';
        fclose(file);
        file = fopen(FIXTURES "alibaba-dns-key", "re");
        key[fread(key, 1, sizeof(key) - 1, file)] = '\0';
        fclose(file);
        char *path = strstr(sample, "/etc/named");
        assert_non_null(path);
        snprintf(text, sizeof(text), "%.*s%s%s", (int)(path - sample), sample, folder.path,
                path + strlen("/etc/named"));
        folder_write(&folder, "named.conf", 0644, text);
        folder_write(&folder, "dns-key", 0640, key);
        LOADED loaded = load_file(folder_path(&folder, "named.conf"), true);
        check_alibaba(&loaded);
}

static void test_keys_as_dnssec_keygen_left_them(void **state)
{
        (void)state;
        static const char *const names[] = {"Ktest_key.+163+64252.private", "Ktest_key.+163+64252.key"};
        for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
                FOLDER folder = folder_make();
                char text[1024];
                snprintf(text, sizeof(text), QUIET "include \"%s/" FIXTURES "%s\";\n", getenv("PWD"),
                        names[i]);
                folder_write(&folder, "named.conf", 0644, text);
                LOADED loaded = load_file(folder_path(&folder, "named.conf"), false);
                assert_int_equal(loaded.r, 0);
                assert_non_null(conf_key_find(loaded.conf, (const uint8_t *)"\010test_key"));
        }
}

static void test_dyndns(void **state)
{
        (void)state;
        LOADED loaded = load_file(FIXTURES "dyndns.conf", false);
        assert_int_equal(loaded.r, 0);
        assert_string_equal(told(&loaded), "dyndns.conf:1:7: warning: zone \"mydomain.com\" has no NOTIFY "
                                           "target: its secondaries learn of a change "
                                           "at their next refresh\n");
        char *folder = realpath(FIXTURES, NULL);
        char file[4096];
        snprintf(file, sizeof(file), "%s/db.mydomain.com", folder);
        free(folder);
        assert_string_equal(loaded.conf->zones[0].file, file);
        assert_int_equal(loaded.conf->zones[0].policy.allow_transfer->count, 4);
}

static void test_a_whole_named_conf(void **state)
{
        (void)state;
        LOADED loaded = load_file(FIXTURES "named.conf", false);
        if (loaded.r < 0)
                fail_msg("%s", told(&loaded));
        assert_int_equal(loaded.diags.warning_count, 1); /* addresses beside a key, in secondaries */
        assert_non_null(strstr(told(&loaded), "named.conf:59:19: warning: secondaries needs no key here"));
        const struct conf_options *options = &loaded.conf->options;
        assert_string_equal(options->directory, "/var/cache/bind");
        assert_string_equal(options->control_socket, "/run/named/ctl");
        assert_int_equal(options->control_mode, 0600);
        assert_int_equal(options->control_uid, 0);
        assert_int_equal(options->listen_count, 2);
        assert_int_equal(options->tcp_idle_usec, 30000000);
        assert_int_equal(options->transfer_time_usec, UINT64_C(1800000000));
        assert_int_equal(options->transfers_out, 20);
        assert_int_equal(loaded.conf->zone_count, 1);
        const struct conf_policy *policy = &loaded.conf->zones[0].policy;
        assert_int_equal(policy->notify, CONF_NOTIFY_YES);
        assert_int_equal(policy->serial_method, CONF_SERIAL_UNIXTIME);
        assert_int_equal(policy->max_journal_bytes, 10 << 20);
        assert_int_equal(policy->max_ixfr_ratio_percent, 0);
        assert_int_equal(policy->also_notify_count, 3);
        assert_string_equal(target_text(policy, 0), "192.0.2.1#5353");
        assert_non_null(policy->also_notify[0].key); /* by the server block */
        assert_string_equal(target_text(policy, 1), "2001:db8::1#5353");
        assert_non_null(policy->also_notify[1].key);
        assert_string_equal(target_text(policy, 2), "192.0.2.2#53");
}

static void test_defaults(void **state)
{
        (void)state;
        unsetenv("STATE_DIRECTORY");
        unsetenv("RUNTIME_DIRECTORY");
        LOADED loaded = load_text("");
        assert_int_equal(loaded.r, 0);
        assert_string_equal(told(&loaded), "");
        const struct conf *conf = loaded.conf;
        assert_int_equal(conf->zone_count, 0);
        assert_int_equal(conf->zone_files_count, 1);
        assert_string_equal(conf->zone_files[0].directory, "zones");
        assert_string_equal(conf->zone_files[0].file_name, "%s.zone");
        assert_null(conf->zone_files[0].include_root);
        assert_string_equal(conf->options.state_directory, "/var/lib/zonecrier");
        assert_string_equal(conf->options.serial_file, "/var/lib/zonecrier/serials");
        assert_string_equal(conf->options.control_socket, "/run/zonecrier/control.sock");
        assert_int_equal(conf->options.control_mode, 0660);
        assert_int_equal(conf->options.control_uid, -1);
        assert_int_equal(conf->options.control_gid, -1);
        assert_int_equal(conf->options.listen_count, 2);
        assert_string_equal(text_of(&conf->options.listen[0].address, 0), "0.0.0.0#53");
        assert_string_equal(text_of(&conf->options.listen[1].address, 0), "::#53");
        assert_null(conf->options.on_event);
        assert_int_equal(conf->options.on_event_timeout_usec, 60000000);
        assert_int_equal(conf->options.tcp_clients, 500);
        assert_int_equal(conf->options.tcp_clients_per_peer, 50);
        assert_int_equal(conf->options.transfers_out, 100);
        assert_int_equal(conf->options.tcp_idle_usec, 30000000);
        assert_int_equal(conf->options.transfer_time_usec, UINT64_C(7200000000));
        assert_int_equal(conf->options.transfer_idle_usec, UINT64_C(3600000000));
        assert_int_equal(conf->options.min_transfer_rate, 1024);
        assert_int_equal(conf->options.store_limit_bytes, UINT64_C(64) << 30);
        assert_int_equal(conf->options.notify_rate, 20);
        assert_int_equal(conf->options.query_rate_limit, 100);
        assert_int_equal(conf->options.probe_rate, 50);
        assert_int_equal(conf->options.probe_interval_usec, UINT64_C(3600000000));
        assert_int_equal(conf->options.probe_source.family, 0);
        assert_int_equal(conf->policy.alert_after_usec, 300000000);
        assert_int_equal(conf->policy.notify, CONF_NOTIFY_EXPLICIT);
        assert_null(conf->policy.allow_transfer);
        assert_null(conf->policy.allow_query);
        assert_int_equal(conf->policy.serial_method, CONF_SERIAL_INCREMENT);
        assert_int_equal(conf->policy.lost_state, CONF_LOST_STATE_HOLD);
        assert_false(conf->policy.write_back);
        assert_int_equal(conf->policy.notify_delay_usec, 0);
        assert_int_equal(conf->policy.settle_usec, 50000);
        assert_true(conf->policy.max_journal_bytes == CONF_BY_ZONE_SIZE);
        assert_int_equal(conf->policy.max_ixfr_ratio_percent, 100);

        setenv("STATE_DIRECTORY", "/var/lib/a:/var/lib/b", 1);
        setenv("RUNTIME_DIRECTORY", "/run/a", 1);
        LOADED systemd = load_text("");
        assert_string_equal(systemd.conf->options.state_directory, "/var/lib/a");
        assert_string_equal(systemd.conf->options.serial_file, "/var/lib/a/serials");
        assert_string_equal(systemd.conf->options.control_socket, "/run/a/control.sock");
        unsetenv("STATE_DIRECTORY");
        unsetenv("RUNTIME_DIRECTORY");
}

static void test_every_option(void **state)
{
        (void)state;
        LOADED loaded =
                load_text("options { state-directory \"/s\"; serial-file \"/t/serials\"; include-root "
                          "\"/i\"; tcp-clients 7; tcp-clients-per-peer 3;\n"
                          "transfers-out 4; tcp-idle-timeout 10s; max-transfer-time-out 2; "
                          "max-transfer-idle-out 90s; min-transfer-rate 2k;\n"
                          "store-size-limit 1g; notify-rate 5; key-only-query-rate 0; notify primary-only; "
                          "notify-to-soa yes;\n"
                          "transfers-public yes; allow-transfer { any; }; allow-query { 192.0.2.0/24; }; "
                          "serial-update-method date;\n"
                          "serial-on-lost-state file; serial-write-back yes; notify-source 192.0.2.1 port "
                          "5300; notify-source-v6 "
                          "2001:db8::1; notify-delay 5;\n"
                          "max-journal-size unlimited; max-ixfr-ratio 50%; settle-time 1s; listen-on { none; "
                          "}; listen-on-v6 { none; }; alert-after 90; probe-rate 7; probe-interval 2m; "
                          "probe-source 192.0.2.2; probe-source-v6 2001:db8::2 port 53; "
                          "alias-resolver port 5353 { 192.0.2.9; 2001:db8::9; }; alias-min-interval 5; "
                          "url-redirector { 192.0.2.80; }; };\n"
                          "controls { unix \"/c\" perm 0666 owner 5 group 6; };\n"
                          "zone-files { directory \"/z\"; file-name \"db.%s\"; include-root \"..\"; };\n");
        assert_string_equal(told(&loaded), "");
        assert_int_equal(loaded.r, 0);
        const struct conf_options *options = &loaded.conf->options;
        const struct conf_policy *policy = &loaded.conf->policy;
        assert_string_equal(options->state_directory, "/s");
        assert_string_equal(options->serial_file, "/t/serials");
        assert_string_equal(options->include_root, "/i");
        assert_int_equal(options->alias_resolver_count, 2);
        assert_int_equal(options->alias_resolvers[1].port, 5353);
        assert_int_equal(options->alias_min_interval_usec, 5000000);
        assert_int_equal(options->url_redirector_count, 1);
        assert_int_equal(options->tcp_clients, 7);
        assert_int_equal(options->tcp_clients_per_peer, 3);
        assert_int_equal(options->transfers_out, 4);
        assert_int_equal(options->tcp_idle_usec, 10000000);
        assert_int_equal(options->transfer_time_usec, 120000000);
        assert_int_equal(options->transfer_idle_usec, 90000000);
        assert_int_equal(options->min_transfer_rate, 2048);
        assert_int_equal(options->store_limit_bytes, 1 << 30);
        assert_int_equal(options->notify_rate, 5);
        assert_int_equal(options->query_rate_limit, 0);
        assert_int_equal(options->probe_rate, 7);
        assert_int_equal(options->probe_interval_usec, 120000000);
        assert_string_equal(text_of(&options->probe_source, 0), "192.0.2.2");
        assert_string_equal(text_of(&options->probe_source_v6, 0), "2001:db8::2#53");
        assert_int_equal(policy->alert_after_usec, 90000000);
        assert_int_equal(options->listen_count, 0);
        assert_int_equal(options->control_mode, 0666);
        assert_int_equal(options->control_uid, 5);
        assert_int_equal(options->control_gid, 6);
        assert_int_equal(policy->notify, CONF_NOTIFY_PRIMARY_ONLY);
        assert_true(policy->notify_to_soa);
        assert_true(policy->transfers_public);
        assert_int_equal(policy->allow_query->count, 1);
        assert_int_equal(policy->serial_method, CONF_SERIAL_DATE);
        assert_int_equal(policy->lost_state, CONF_LOST_STATE_FILE);
        assert_true(policy->write_back);
        assert_string_equal(text_of(&policy->notify_source, 0), "192.0.2.1#5300");
        assert_string_equal(text_of(&policy->notify_source_v6, 0), "2001:db8::1");
        assert_int_equal(policy->notify_delay_usec, 5000000);
        assert_true(policy->max_journal_bytes == CONF_UNLIMITED);
        assert_int_equal(policy->max_ixfr_ratio_percent, 50);
        assert_int_equal(policy->settle_usec, 1000000);
        assert_string_equal(loaded.conf->zone_files[0].directory, "/z");
        assert_string_equal(loaded.conf->zone_files[0].file_name, "db.%s");
        assert_string_equal(loaded.conf->zone_files[0].include_root, "..");
}

static void test_zones_inherit_whatever_the_order(void **state)
{
        (void)state;
        LOADED loaded = load_text(
                "zone B.example { file \"b\"; notify no; };\n"
                "zone \"a.example.\" IN { type primary; file \"/a\"; also-notify { late port 54 key k; }; "
                "serial-update-method date; };\n"
                "options { directory \"/d\"; port 5399; notify yes; also-notify { 192.0.2.9; }; "
                "allow-transfer { late; }; };\n"
                "acl late { key k; };\nprimaries late { 192.0.2.7; 192.0.2.8 port 55 key k2; };\n" KEY
                "key k2 { algorithm hmac-sha1; secret \"MTIzNDU2Nzg5MDEyMzQ1Njc4OTA=\"; };\n");
        assert_string_equal(told(&loaded), "");
        assert_int_equal(loaded.r, 0);
        const struct conf_zone *a = conf_zone_find(loaded.conf, (const uint8_t *)"\001A\007example");
        const struct conf_zone *b = conf_zone_find(loaded.conf, (const uint8_t *)"\001b\007example");
        assert_non_null(a);
        assert_non_null(b);
        assert_int_equal(b->conf_line, 1);
        assert_string_equal(b->name_text, "b.example");
        assert_string_equal(b->file, "/d/b");
        assert_string_equal(a->file, "/a");
        assert_int_equal(b->policy.notify, CONF_NOTIFY_NO);
        assert_int_equal(a->policy.notify, CONF_NOTIFY_YES);
        assert_int_equal(a->policy.serial_method, CONF_SERIAL_DATE);
        assert_int_equal(b->policy.serial_method, CONF_SERIAL_INCREMENT);
        assert_ptr_equal(a->policy.allow_transfer, loaded.conf->policy.allow_transfer);
        assert_int_equal(b->policy.also_notify_count, 1);
        assert_string_equal(target_text(&b->policy, 0), "192.0.2.9#5399");
        assert_int_equal(a->policy.also_notify_count, 2);
        assert_string_equal(target_text(&a->policy, 0), "192.0.2.7#54");
        assert_ptr_equal(a->policy.also_notify[0].key, loaded.conf->keys[0]);
        assert_string_equal(target_text(&a->policy, 1), "192.0.2.8#55");
        assert_ptr_equal(a->policy.also_notify[1].key, loaded.conf->keys[1]);
        assert_ptr_equal(conf_policy_for(loaded.conf, (const uint8_t *)"\001a\007example"), &a->policy);
        assert_ptr_equal(
                conf_policy_for(loaded.conf, (const uint8_t *)"\001c\007example"), &loaded.conf->policy);
        assert_null(conf_zone_find(loaded.conf, (const uint8_t *)""));
        assert_null(conf_key_find(loaded.conf, (const uint8_t *)"\002k3"));
        assert_string_equal(text_of(&loaded.conf->options.listen[0].address, 0), "0.0.0.0#5399");
}

static void test_also_notify_lists(void **state)
{
        (void)state;
        LOADED loaded = load_text(
                "primaries inner { 192.0.2.1; 192.0.2.2 port 1; };\nprimaries outer port 3 { inner; "
                "192.0.2.3; };\n" KEY "zone x { file x; allow-transfer { key k; }; also-notify port 9 key k "
                "{ outer; inner port 7; 192.0.2.1 port 3; 2001:db8::1 port 53; }; };");
        assert_string_equal(told(&loaded), "");
        const struct conf_policy *policy = &loaded.conf->zones[0].policy;
        static const char *const expected[] = {
                "192.0.2.1#3", "192.0.2.2#1", "192.0.2.3#3", "192.0.2.1#7", "2001:db8::1#53"};
        assert_int_equal(policy->also_notify_count, ARRAY_SIZE(expected));
        for (size_t i = 0; i < ARRAY_SIZE(expected); i++) {
                assert_string_equal(target_text(policy, i), expected[i]);
                assert_ptr_equal(policy->also_notify[i].key, loaded.conf->keys[0]);
        }
}

static void test_listen_on(void **state)
{
        (void)state;
        LOADED loaded = load_text(QUIET "options { };");
        assert_int_equal(loaded.r, -EINVAL); /* options twice */

        LOADED plain = load_text("options { notify no; allow-transfer { none; }; listen-on port 5300 { "
                                 "127.0.0.1; 127.0.0.9; };\n"
                                 "listen-on { 127.0.0.1; any; }; listen-on-v6 port 54 { ::1; }; };");
        assert_string_equal(told(&plain), "");
        assert_int_equal(plain.conf->options.listen_count, 5);
        assert_string_equal(text_of(&plain.conf->options.listen[1].address, 0), "127.0.0.9#5300");
        assert_string_equal(text_of(&plain.conf->options.listen[2].address, 0), "127.0.0.1#53");
        assert_string_equal(text_of(&plain.conf->options.listen[3].address, 0), "0.0.0.0#53");
        assert_string_equal(text_of(&plain.conf->options.listen[4].address, 0), "::1#54");

        LOADED matched = load_text(
                "options { listen-on port 5300 { !192.0.2.0/24; 127.0.0.0/8; }; listen-on-v6 { none; }; };");
        assert_int_equal(matched.conf->options.listen_count, 1);
        assert_string_equal(text_of(&matched.conf->options.listen[0].address, 0), "127.0.0.1#5300");

        /* A family that is not named is listened on everywhere, as BIND does. */
        LOADED one = load_text("options { port 54; listen-on-v6 port 5300 { ::1; }; };");
        assert_string_equal(told(&one), "");
        assert_int_equal(one.conf->options.listen_count, 2);
        assert_string_equal(text_of(&one.conf->options.listen[0].address, 0), "::1#5300");
        assert_string_equal(text_of(&one.conf->options.listen[1].address, 0), "0.0.0.0#54");
}

/* A zone block without a file sets the policy of a zone that a folder has. */
static void test_zone_blocks_for_zones_of_folders(void **state)
{
        (void)state;
        FOLDER folder = folder_make();
        assert_int_equal(mkdir(folder_path(&folder, "one"), 0700), 0);
        assert_int_equal(mkdir(folder_path(&folder, "two"), 0700), 0);
        folder_write(&folder, "two/db.b", 0644, "");
        folder_write(&folder, "main.conf", 0644,
                "options { notify no; allow-transfer { none; }; };\n"
                "zone a { serial-update-method date; };\nzone b { };\nzone \"0/25.2.0.192.in-addr.arpa\" { "
                "};\nzone . { };\n"
                "zone-files { directory \"one\"; };\nzone-files { directory \"two\"; file-name \"db.%s\"; "
                "};\n");
        LOADED loaded = load_file(folder_path(&folder, "main.conf"), true);
        assert_string_equal(told(&loaded), "");
        assert_int_equal(loaded.conf->zone_count, 4);
        static const char *const files[] = {
                "one/a.zone", "two/db.b", "one/0%2F25.2.0.192.in-addr.arpa.zone", "one/%2E.zone"};
        for (size_t i = 0; i < ARRAY_SIZE(files); i++)
                assert_string_equal(loaded.conf->zones[i].file, folder_path(&folder, files[i]));
        assert_int_equal(loaded.conf->zones[0].policy.serial_method, CONF_SERIAL_DATE);
}

static void test_warnings(void **state)
{
        (void)state;
        static const struct {
                const char *text, *told;
        } cases[] = {
                {"zone x { file x; notify yes; allow-transfer { 192.0.2.1; }; };", ""},
                {"zone x { file x; notify no; allow-transfer { 192.0.2.1; }; };", ""},
                {"zone x { file x; notify no; };",
                        "1:6: warning: nobody may transfer zone \"x\": it has no allow-transfer\n"},
                {"zone x { file x; allow-transfer { 192.0.2.1; }; };",
                        "1:6: warning: zone \"x\" has no NOTIFY target: its secondaries learn of a change at "
                        "their next refresh\n"},
                {"zone-files { directory z; };",
                        "1:1: warning: zones found here have no NOTIFY target: options has no also-notify\n"
                        "1:1: warning: nobody may transfer zones found here: options has no "
                        "allow-transfer\n"},
                {"zone x { file x; notify no; allow-transfer {\nkey k; 192.0.2.1; }; };\n" KEY,
                        "2:8: warning: 192.0.2.1 needs no key here: the address alone gets the zone\n"},
                {"zone x { file x; notify no; allow-transfer {\n!{ !192.0.2.1; any; }; key k; }; };\n" KEY,
                        ""},
                {"zone x { file x; notify no; allow-transfer {\n!192.0.2.1; key k; }; };\n" KEY, ""},
                {"zone x { file x; notify no; transfers-public yes; allow-transfer { any; }; };", ""},
                {"zone . { type hint; file x; }; zone x { file x; notify no; allow-transfer { none; }; };",
                        "1:6: note: a zone of type hint has no effect: zonecrier asks no root servers\n"},
        };
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                LOADED loaded = load_text(cases[i].text);
                assert_string_equal(told(&loaded), cases[i].told);
                assert_int_equal(loaded.r, 0);
        }
}

/* A note is given once, however many zones have the statement. */
static void test_notes_are_told_once(void **state)
{
        (void)state;
        LOADED loaded =
                load_text("options { notify no; allow-transfer { none; }; };\n"
                          "zone a { file a; check-svcb yes; };\nzone b { file b; check-svcb no; };\n");
        assert_string_equal(told(&loaded),
                "2:18: note: check-svcb has no effect: zonecrier checks zones in its own way\n");
}

/* check-names and its like: BIND's words and defaults; a zone's own statement wins. */
static void test_checks(void **state)
{
        (void)state;
        LOADED loaded = load_text(
                "options { notify no; allow-transfer { none; }; check-names secondary ignore;\n"
                "check-names master warn; check-mx fail; check-integrity no; check-spf ignore; };\n"
                "zone a { file a; };\n"
                "zone b { file b; check-names ignore; check-mx-cname fail; check-srv-cname ignore;\n"
                "check-dup-records fail; check-sibling no; check-wildcard no; check-integrity yes; };\n");
        assert_string_equal(told(&loaded), "");
        struct conf_checks a = loaded.conf->zones[0].policy.checks, b = loaded.conf->zones[1].policy.checks;
        assert_int_equal(a.names, CONF_CHECK_WARN);
        assert_int_equal(a.mx, CONF_CHECK_FAIL);
        assert_int_equal(a.mx_cname, CONF_CHECK_WARN);
        assert_int_equal(a.dup_records, CONF_CHECK_WARN);
        assert_int_equal(a.spf, CONF_CHECK_IGNORE);
        assert_false(a.integrity);
        assert_true(a.sibling && a.wildcard);
        assert_int_equal(b.names, CONF_CHECK_IGNORE);
        assert_int_equal(b.mx, CONF_CHECK_FAIL);
        assert_int_equal(b.mx_cname, CONF_CHECK_FAIL);
        assert_int_equal(b.srv_cname, CONF_CHECK_IGNORE);
        assert_int_equal(b.dup_records, CONF_CHECK_FAIL);
        assert_true(b.integrity && !b.sibling && !b.wildcard);
        LOADED defaults =
                load_text("options { notify no; allow-transfer { none; }; };\nzone a { file a; };\n");
        assert_int_equal(defaults.conf->zones[0].policy.checks.names, CONF_CHECK_FAIL);
        LOADED wrong = load_text(
                "options { notify no; allow-transfer { none; };\ncheck-names fail;\ncheck-mx maybe;\n"
                "check-spf fail;\ncheck-names primary;\n};\n");
        assert_string_equal(told(&wrong),
                "2:1: error: check-names of options says of which zones: primary, secondary, response\n"
                "3:10: error: \"maybe\" is not one of fail, warn, ignore\n"
                "4:11: error: \"fail\" is not one of warn, ignore\n"
                "5:1: error: check-names takes one of fail, warn, ignore\n");
}

static void test_references(void **state)
{
        (void)state;
        LOADED loaded = load_text(KEY "zone x { file x; notify no; allow-transfer { key k; }; };");
        struct conf *held = conf_ref(loaded.conf);
        assert_ptr_equal(held, loaded.conf);
        assert_null(conf_unref(loaded.conf));
        loaded.conf = held;
        assert_int_equal(held->zone_count, 1);
        assert_null(conf_unref(NULL));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_the_generic_guide),
                cmocka_unit_test(test_alibaba_cloud),
                cmocka_unit_test(test_alibaba_cloud_with_an_included_key),
                cmocka_unit_test(test_keys_as_dnssec_keygen_left_them),
                cmocka_unit_test(test_dyndns),
                cmocka_unit_test(test_a_whole_named_conf),
                cmocka_unit_test(test_defaults),
                cmocka_unit_test(test_every_option),
                cmocka_unit_test(test_zones_inherit_whatever_the_order),
                cmocka_unit_test(test_also_notify_lists),
                cmocka_unit_test(test_listen_on),
                cmocka_unit_test(test_zone_blocks_for_zones_of_folders),
                cmocka_unit_test(test_warnings),
                cmocka_unit_test(test_notes_are_told_once),
                cmocka_unit_test(test_checks),
                cmocka_unit_test(test_references),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
