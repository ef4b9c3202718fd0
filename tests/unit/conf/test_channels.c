/* statistics-channels and on-event. */
#include "load.h"

#include "base/address.h"

static const char *text_of(const struct address *address)
{
        static char text[ADDRESS_TEXT_MAX];
        return address_format(address, text);
}

static bool may_look(const struct conf_channel *channel, const char *peer)
{
        struct address address;
        assert_int_equal(address_parse(peer, &address), 0);
        return acl_allows_address(channel->allow, &address);
}

static void test_channels(void **state)
{
        (void)state;
        LOADED loaded = load_text(
                "statistics-channels { inet 127.0.0.1 port 8053 allow { 127.0.0.1; 192.0.2.0/24; };\n"
                "inet ::1 port 8053; inet *; host \"status.example.net\"; host ns0; "
                "zone-metrics yes; };\n");
        assert_string_equal(told(&loaded), "");
        const struct conf_options *options = &loaded.conf->options;
        assert_int_equal(options->channel_count, 3);
        assert_string_equal(text_of(&options->channels[0].address), "127.0.0.1#8053");
        assert_true(may_look(&options->channels[0], "192.0.2.200"));
        assert_false(may_look(&options->channels[0], "192.0.3.1"));
        assert_string_equal(text_of(&options->channels[1].address), "::1#8053");
        assert_true(may_look(&options->channels[1], "127.0.0.1")); /* this machine alone */
        assert_false(may_look(&options->channels[1], "192.0.2.200"));
        assert_string_equal(text_of(&options->channels[2].address), "0.0.0.0#80");
        assert_int_equal(options->channel_host_count, 2);
        assert_string_equal(options->channel_hosts[0], "status.example.net");
        assert_string_equal(options->channel_hosts[1], "ns0");
        assert_true(options->zone_metrics);
}

static void test_none_by_default(void **state)
{
        (void)state;
        LOADED loaded = load_text("statistics-channels { };\n");
        assert_string_equal(told(&loaded), "");
        assert_int_equal(loaded.conf->options.channel_count, 0);
        assert_false(loaded.conf->options.zone_metrics);
}

static void test_wrong_channels(void **state)
{
        (void)state;
        static const char *const cases[][2] = {
                {"inet;", "an address is missing behind \"inet\""},
                {"inet nonsense;", "is no address"},
                {"inet 127.0.0.1 port 0;", "out of range"},
                {"inet 127.0.0.1 deny { any; };", "deny"},
                {"inet 127.0.0.1 allow { key k; };", "allow takes addresses alone"},
                {"inet 127.0.0.1; inet 127.0.0.1 port 80;", "stand here twice"},
                {"host \"http://status.example.net\";", "a host is a name alone"},
                {"zone-metrics maybe;", "neither yes nor no"},
        };
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                char text[512];
                snprintf(text, sizeof(text), KEY "statistics-channels { %s };\n", cases[i][0]);
                LOADED loaded = load_text(text);
                if (loaded.r != -EINVAL || !strstr(told(&loaded), cases[i][1]))
                        fail_msg("%s: %s", cases[i][0], told(&loaded));
        }
}

static void test_on_event(void **state)
{
        (void)state;
        LOADED loaded = load_text(
                "options { directory \"/etc/dns\"; on-event \"bin/tell\"; on-event-timeout 5m; };\n");
        assert_string_equal(told(&loaded), "");
        assert_string_equal(loaded.conf->options.on_event, "/etc/dns/bin/tell");
        assert_int_equal(loaded.conf->options.on_event_timeout_usec, 300000000);
        LOADED wrong = load_text("options { on-event-timeout 2h; };\n");
        assert_int_equal(wrong.r, -EINVAL);
        assert_string_equal(told(&wrong), "1:28: error: a program for events may run for 1 s to 1 h\n");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_channels),
                cmocka_unit_test(test_none_by_default),
                cmocka_unit_test(test_wrong_channels),
                cmocka_unit_test(test_on_event),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
