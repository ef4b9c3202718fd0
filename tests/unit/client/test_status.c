/* The table, the one-zone view and verdicts, from JSON as the control socket sends it. */
#include "captured.h"

#include "base/cleanup.h"
#include "client/client.h"
#include "client/status.h"
#include "client/target.h"
#include "client/verdict.h"

#define NOW 1795262400 /* 2026-11-21 12:00:00 UTC */

static json_t *parse(const char *text)
{
        json_error_t error;
        json_t *json = json_loads(text, JSON_DECODE_ANY, &error);
        if (!json)
                fail_msg("%s: %s", error.text, text);
        return json;
}

static const struct {
        const char *json;
        enum target_state state;
} targets[] = {
        {"{\"phase\":\"waiting\",\"down\":false,\"notified_serial\":7,\"acknowledged_serial\":null,\"last_"
         "rcode\":null}",
                TARGET_WAITING},
        {"{\"phase\":\"acknowledged\",\"down\":false,\"acknowledged_serial\":7,\"last_rcode\":0}",
                TARGET_ACKNOWLEDGED},
        {"{\"phase\":\"acknowledged\",\"down\":false,\"acknowledged_serial\":7,\"last_rcode\":4}",
                TARGET_ACKNOWLEDGED},
        {"{\"phase\":\"done\",\"down\":false,\"acknowledged_serial\":7,\"transferred_serial\":7,\"last_"
         "rcode\":0}",
                TARGET_HAS},
        {"{\"phase\":\"done\",\"down\":false,\"acknowledged_serial\":7,\"transferred_serial\":null,\"last_"
         "rcode\":0,\"last_soa_query\":{\"serial\":7}}",
                TARGET_HAS},
        {"{\"phase\":\"acknowledged\",\"down\":false,\"acknowledged_serial\":7,\"last_rcode\":0,\"last_soa_"
         "query\":{\"serial\":7}}",
                TARGET_ACKNOWLEDGED},
        {"{\"phase\":\"refused\",\"down\":false,\"acknowledged_serial\":6,\"last_rcode\":5}", TARGET_REFUSES},
        {"{\"phase\":\"down\",\"down\":true,\"acknowledged_serial\":6,\"transferred_serial\":6,\"last_"
         "rcode\":0}",
                TARGET_DOWN},
        {"{\"phase\":\"down\",\"down\":true,\"transferred_serial\":7}", TARGET_HAS},
        {"{}", TARGET_WAITING},
        {"[]", TARGET_WAITING},
};

static void targets_are_judged(void **state)
{
        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(targets); i++) {
                json_t *target = parse(targets[i].json);
                assert_int_equal(target_state_of(target, 7), targets[i].state);
                json_decref(target);
        }
}

#define HAS "{\"phase\":\"done\",\"transferred_serial\":7}"
#define DOWN "{\"phase\":\"down\",\"down\":true}"

static void add(struct status_table *table, const char *text)
{
        json_t *zone = parse(text);
        assert_int_equal(status_table_add(table, zone), 0);
        json_decref(zone);
}

#define SERVING "{\"name\":\"he\",\"state\":\"serving\"}"
#define OFFICE(state) "{\"name\":\"office\",\"state\":\"" state "\"}"

static void fill(struct status_table *table)
{
        add(table, "{\"zone\":\"fine.example\",\"state\":\"published\",\"serial\":7,\"published_at\":\"2026-"
                   "11-21T11:57:00.000Z\",\"targets\":[" HAS "],\"secondaries\":[" SERVING
                   "," OFFICE("has") "]}");
        add(table, "{\"zone\":\"alone.example\",\"state\":\"published\",\"serial\":7,\"targets\":[]}");
        add(table, "{\"zone\":\"dead.example\",\"state\":\"published\",\"serial\":7,\"targets\":[" HAS
                   "," DOWN "],\"secondaries\":[" SERVING "," OFFICE("stale") "]}");
        add(table, "{\"zone\":\"broken.example\",\"state\":\"broken\",\"serial\":4294967295,\"reason\":"
                   "\"zones/broken.example.zone:3:1: error: \\u001b[31mno such type\",\"targets\":[]}");
        add(table, "{\"zone\":\"held.example\",\"state\":\"held\",\"serial\":null,\"reason\":\"37 of 100 "
                   "RRsets would be gone (limit 30 %)\",\"targets\":[]}");
        add(table, "{\"zone\":\"a-zone-with-a-name-that-is-longer-than-a-column-can-be.and-longer.example\","
                   "\"state\":\"loading\",\"serial\":1,\"targets\":[],\"secondaries\":[" OFFICE("late") "]}");
}

static void worst_comes_first(void **state)
{
        static const char *const order[] = {"broken.example", "held.example", "dead.example",
                "a-zone-with-a-name-that-is-longer-than-a-column-can-be.and-longer.example", "alone.example",
                "fine.example"};
        struct status_table table = {0};
        (void)state;

        fill(&table);
        status_table_sort(&table);
        assert_int_equal(table.count, ARRAY_SIZE(order));
        for (size_t i = 0; i < ARRAY_SIZE(order); i++)
                assert_string_equal(table.rows[i].zone, order[i]);
        status_table_free(&table);
}

static void the_table_fits(void **state)
{
        struct client client = {.width = 80};
        struct status_table table = {0};
        struct captured captured;
        (void)state;

        fill(&table);
        capture_begin(&captured);
        status_matrix_print(&client, &table, NOW);
        capture_end(&captured);
        assert_null(strchr(captured.text[0], '\x1b'));
        for (const char *line = captured.text[0]; line; line = strchr(line, '\n')) {
                line += *line == '\n';
                assert_true(strcspn(line, "\n") <= 80);
        }
        assert_non_null(strstr(captured.text[0], "  SERIAL      AGE    office  he\n")); /* trouble first */
        assert_non_null(strstr(captured.text[0],
                "\nfine.example                    published  7           3 min  *       *\n"));
        assert_non_null(strstr(captured.text[0],
                "\ndead.example                    published  7           -      !       *\n"));
        assert_non_null(strstr(captured.text[0], "4294967295"));
        assert_non_null(strstr(captured.text[0], "\n  37 of 100 RRsets"));

        client.width = 0; /* no terminal: nothing is cut */
        capture_begin(&captured);
        status_matrix_print(&client, &table, NOW);
        capture_end(&captured);
        assert_non_null(strstr(captured.text[0],
                "a-zone-with-a-name-that-is-longer-than-a-column-can-be.and-longer.example"));
        const char *title = strstr(captured.text[0], "STATE"),
                   *state_of_fine = strstr(captured.text[0], "published");
        const char *line_of_fine =
                memrchr(captured.text[0], '\n', (size_t)(state_of_fine - captured.text[0])) + 1;
        assert_int_equal(title - captured.text[0], state_of_fine - line_of_fine); /* and all is in columns */
        status_table_free(&table);
}

static void add_many(struct status_table *table, unsigned zones, unsigned secondaries, unsigned troubled)
{
        for (unsigned i = 0; i < zones; i++) {
                char text[4096];
                int length = snprintf(text, sizeof(text),
                        "{\"zone\":\"customer-%04u.example.org\",\"state\":\"published\",\"serial\":"
                        "2026112107,"
                        "\"targets\":[],\"secondaries\":[",
                        i);
                for (unsigned n = 0; n < secondaries; n++)
                        length += snprintf(text + length, sizeof(text) - (size_t)length,
                                "%s{\"name\":\"provider-%02u\",\"state\":\"%s\"}", n ? "," : "", n,
                                i < troubled && n == secondaries - 1 ? "stale" : "serving");
                snprintf(text + length, sizeof(text) - (size_t)length, "]}");
                add(table, text);
        }
        status_table_sort(table);
}

static size_t lines_of(const char *text)
{
        size_t count = 0;
        for (; *text; text++)
                count += *text == '\n';
        return count;
}

/* What 3,000 zones come to fits a screen, and nothing of it is wider than 80 columns. */
static void many_zones_at_a_glance(void **state)
{
        struct client client = {.width = 80};
        struct captured captured;
        (void)state;

        for (unsigned troubled = 0; troubled <= 40; troubled += 20) {
                struct status_table table = {0};
                add_many(&table, 3000, 11, troubled);
                capture_begin(&captured);
                status_matrix_print(&client, &table, NOW);
                capture_end(&captured);
                assert_true(lines_of(captured.text[0]) <= 25);
                for (const char *line = captured.text[0]; line; line = strchr(line, '\n')) {
                        line += *line == '\n';
                        assert_true(strcspn(line, "\n") <= 80);
                }
                assert_non_null(strstr(captured.text[0], "others"));
                assert_non_null(strstr(captured.text[0], "zonecrier status --all lists them"));
                bool names_it = strstr(captured.text[0], "provider-10: late or stale with") != NULL;
                assert_int_equal(names_it, troubled > 0);
                status_table_free(&table);
        }
        struct status_table table = {0};
        client.shows_all = true;
        add_many(&table, 200, 3, 1);
        capture_begin(&captured);
        status_matrix_print(&client, &table, NOW);
        capture_end(&captured);
        assert_int_equal(lines_of(captured.text[0]), 200 + 3); /* who is late, the head, what marks mean */
        assert_non_null(strstr(captured.text[0], "customer-0199.example.org"));
        status_table_free(&table);
}

static void foreign_answers_are_refused(void **state)
{
        static const char *const answers[] = {
                "{}", "[]", "7", "{\"zone\":1,\"state\":\"x\"}", "{\"zone\":\"x\"}"};
        struct status_table table = {0};
        (void)state;

        for (size_t i = 0; i < ARRAY_SIZE(answers); i++) {
                json_t *zone = parse(answers[i]);
                assert_true(status_table_add(&table, zone) < 0);
                json_decref(zone);
        }
        assert_true(status_table_add(&table, NULL) < 0);
        add(&table, "{\"zone\":\"x\",\"state\":\"of a later version\",\"targets\":7}");
        status_table_free(&table);
}

static void one_zone_in_words(void **state)
{
        struct client client = {0};
        struct captured captured;
        (void)state;
        json_t *zone =
                parse("{\"zone\":\"example.com\",\"state\":\"held\",\"serial\":7,\"file_serial\":0,"
                      "\"records\":12,\"published_at\":\"2026-11-21T11:57:00.000Z\","
                      "\"history\":{\"steps\":3,\"oldest_serial\":4,\"bytes\":1536},\"signed_elsewhere\":"
                      "false,\"file\":\"/z/example.com.zone\",\"frozen\":false,"
                      "\"reason\":\"why\\u0007\",\"details\":\"line one\\n  "
                      "^\\u001b\\n\",\"hash\":\"ab\",\"targets\":[{\"address\":\"192.0.2.1\",\"port\":5353,"
                      "\"key\":\"k\","
                      "\"ns_name\":null,\"phase\":\"done\",\"down\":false,\"notified_serial\":7,\"notified_"
                      "at\":\"2026-11-21T11:57:00.000Z\",\"acknowledged_serial\":7,"
                      "\"acknowledged_at\":\"2026-11-21T11:57:00.100Z\",\"acknowledged_unsigned\":true,"
                      "\"last_rcode\":0,\"last_rcode_name\":\"NOERROR\",\"failures\":0,"
                      "\"transferred_serial\":7,\"transfers\":1,\"last_soa_query\":{\"serial\":7,\"at\":"
                      "\"2026-11-21T11:57:00.200Z\"},"
                      "\"last_transfer\":{\"kind\":\"IXFR\",\"from_serial\":6,\"to_serial\":7,\"bytes\":312,"
                      "\"duration_seconds\":0.004211,\"at\":\"2026-11-21T11:58:00.000Z\"}}]}");

        capture_begin(&captured);
        zone_view_print(&client, zone, NOW);
        capture_end(&captured);
        assert_string_equal(captured.text[0],
                "zone        example.com\n"
                "state       held\n"
                "reason      why\\x07\n"
                "serial      7, published 3 min ago (2026-11-21T11:57:00.000Z)\n"
                "            the file says 0: ours to manage\n"
                "file        /z/example.com.zone\n"
                "records     12\n"
                "history     3 steps, from serial 4 on, 1.5 KiB\n"
                "hash        ab\n"
                "to release  zonecrier approve example.com ab\n"
                "secondaries\n"
                "  192.0.2.1 port 5353, key k: has serial 7\n"
                "      NOTIFY of 7 sent 3 min ago; last answer NOERROR; acknowledged 7 3 min ago\n"
                "      its answer has no TSIG, though the target has a key\n"
                "      last asked for the SOA 3 min ago and got 7\n"
                "      last transfer: IXFR from 6 to 7, 312 bytes in 0.004 s, 2 min ago\n"
                "details\n"
                "line one\n"
                "  ^\\x1b\n");
        json_decref(zone);
}

static void verdicts_are_exit_statuses(void **state)
{
        (void)state;
        assert_int_equal(verdict_exit("published", false), 0);
        assert_int_equal(verdict_exit("unchanged", false), 0);
        assert_int_equal(verdict_exit("removed", false), 0);
        assert_int_equal(verdict_exit("broken", false), 1);
        assert_int_equal(verdict_exit("missing", false), 1);
        assert_int_equal(verdict_exit("failed", false), 1);
        assert_int_equal(verdict_exit("held", false), 4);
        assert_int_equal(verdict_exit("frozen", false), 4);
        assert_int_equal(verdict_exit("frozen", true), 0);
        assert_int_equal(verdict_exit("held", true), 4);
        assert_int_equal(verdict_exit(NULL, false), 2);
}

static int reload_exit(const char *counts)
{
        struct client client = {0};
        struct captured captured;
        char text[512];

        snprintf(text, sizeof(text), "{\"configuration\":\"\",\"counts\":%s,\"omitted\":0,\"zones\":[]}",
                counts);
        json_t *json = parse(text);
        capture_begin(&captured);
        int exit_status = reload_all_print(&client, json);
        capture_end(&captured);
        json_decref(json);
        return exit_status;
}

static void a_reload_of_all_has_the_worst_exit_status(void **state)
{
        (void)state;
        assert_int_equal(reload_exit("{\"unchanged\":3,\"published\":1,\"broken\":0,\"held\":0}"), 0);
        assert_int_equal(reload_exit("{\"unchanged\":3,\"held\":1,\"broken\":0}"), 4);
        assert_int_equal(reload_exit("{\"unchanged\":3,\"held\":1,\"broken\":1}"), 1);
        assert_int_equal(reload_exit("{\"broken\":1,\"held\":1}"), 1);
        assert_int_equal(reload_exit("{}"), 0);
}

static void a_verdict_in_words(void **state)
{
        struct client client = {0};
        struct captured captured;
        (void)state;
        json_t *held = parse("{\"zone\":\"x\",\"verdict\":\"held\",\"summary\":\"reason\",\"details\":null,"
                             "\"hash\":\"ab\"}");
        json_t *broken = parse("{\"zone\":\"x\",\"verdict\":\"broken\",\"summary\":\"f:1:1: error: "
                               "e\",\"details\":\"f:1:1: error: e\\n  ^\\n\"}");

        capture_begin(&captured);
        verdict_print(&client, held);
        verdict_print(&client, broken);
        client.socket_option = "my.sock"; /* what is told to be typed works where this one did */
        verdict_print(&client, held);
        capture_end(&captured);
        assert_string_equal(captured.text[0],
                "x: held: reason\nto release it: zonecrier approve x ab\nx: broken\nf:1:1: error: e\n  ^\n"
                "x: held: reason\nto release it: zonecrier --socket my.sock approve x ab\n");
        json_decref(held);
        json_decref(broken);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(targets_are_judged),
                cmocka_unit_test(worst_comes_first),
                cmocka_unit_test(the_table_fits),
                cmocka_unit_test(many_zones_at_a_glance),
                cmocka_unit_test(foreign_answers_are_refused),
                cmocka_unit_test(one_zone_in_words),
                cmocka_unit_test(verdicts_are_exit_statuses),
                cmocka_unit_test(a_reload_of_all_has_the_worst_exit_status),
                cmocka_unit_test(a_verdict_in_words),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
