/* The control socket with real parts behind it: what each address answers, who is logged, and requests whose
 * client or daemon goes away. */
#include "world.h"

#include <fcntl.h>

#define SOA "$TTL 3600\n@ IN SOA ns1 hostmaster %s 7200 900 1209600 300\n@ NS ns1\nns1 A 192.0.2.1\n"
/* No address below a label that is no host name. */
#define REVERSE_SOA                                                                                          \
        "$TTL 3600\n@ IN SOA ns1.example. hostmaster.example. %s 7200 900 1209600 300\n@ NS ns1.example.\n"

static void write_zone(struct world *world, const char *name, const char *serial, const char *more)
{
        char text[512];
        const char *soa = strstr(name, "in-addr.arpa") ? REVERSE_SOA : SOA;
        int length = snprintf(text, sizeof(text), soa, serial);
        snprintf(text + length, sizeof(text) - (size_t)length, "%s", more);
        world_write(world, name, text);
}

static int setup(void **state)
{
        struct world *world = malloc(sizeof(*world));
        world_open(world);
        write_zone(world, "zones/example.com.zone", "5", "www A 192.0.2.2\n");
        write_zone(world, "zones/broken.example.zone", "1", "www A 300.0.2.2\n");
        write_zone(world, "zones/0%2F25.2.0.192.in-addr.arpa.zone", "9", "");
        world_settle(world);
        *state = world;
        return 0;
}

static int teardown(void **state)
{
        world_close(*state);
        free(*state);
        return 0;
}

static const json_t *zone_in(const json_t *status, const char *name)
{
        const json_t *zone;
        size_t i;
        json_array_foreach(json_object_get(status, "zones"), i,
                zone) if (strcmp(member(zone, "zone"), name) == 0) return zone;
        fail_msg("no zone %s in the status", name);
        return NULL;
}

static void status_tells_all_zones(void **state)
{
        json_t *status = ask(*state, "GET", "/v1/status", 200);

        assert_int_equal(json_array_size(json_object_get(status, "zones")), 3);
        assert_true(json_is_true(json_object_get(status, "settled")));
        assert_string_equal(member(status, "version"), ZONECRIER_VERSION);
        assert_int_equal(json_integer_value(json_object_get(status, "pid")), getpid());

        const json_t *zone = zone_in(status, "example.com");
        assert_string_equal(member(zone, "state"), "published");
        assert_int_equal(json_integer_value(json_object_get(zone, "serial")), 5);
        assert_int_equal(json_integer_value(json_object_get(zone, "records")), 4);
        assert_true(json_is_null(json_object_get(zone, "reason")));
        assert_null(json_object_get(zone, "hash"));
        const json_t *target = json_array_get(json_object_get(zone, "targets"), 0);
        assert_string_equal(member(target, "address"), "127.0.0.1");
        assert_int_equal(json_integer_value(json_object_get(target, "port")), 9);
        assert_true(json_is_null(json_object_get(target, "acknowledged_serial")));
        assert_true(json_is_null(json_object_get(target, "transferred_serial")));
        assert_true(json_is_null(json_object_get(target, "last_rcode")));
        assert_non_null(json_object_get(target, "notified_serial"));

        zone = zone_in(status, "broken.example");
        assert_string_equal(member(zone, "state"), "broken");
        assert_true(json_is_null(json_object_get(zone, "serial")));
        assert_non_null(strstr(member(zone, "reason"), "300.0.2.2"));
        assert_non_null(strstr(member(zone, "details"), "^"));
        assert_string_equal(member(zone_in(status, "0/25.2.0.192.in-addr.arpa"), "state"), "published");
        json_decref(status);
}

static void one_zone(void **state)
{
        json_t *status = ask(*state, "GET", "/v1/zones/EXAMPLE.com.", 200);
        assert_int_equal(json_array_size(json_object_get(status, "zones")), 1);
        assert_string_equal(member(zone_in(status, "example.com"), "state"), "published");
        json_decref(status);

        status = ask(*state, "GET", "/v1/zones/0%2f25.2.0.192.in-addr.arpa", 200);
        json_decref(status);

        json_t *error = ask(*state, "GET", "/v1/zones/nowhere.example", 404);
        assert_string_equal(member(error, "error"), "no zone nowhere.example here");
        json_decref(error);
        json_decref(ask(*state, "GET", "/v1/zones/a..b", 400));
        json_decref(ask(*state, "GET", "/v1/zones/broken.example/text", 404));
        json_decref(ask(*state, "POST", "/v1/zones/broken.example/notify", 404));
        json_decref(ask(*state, "DELETE", "/v1/zones/example.com", 405));
        json_decref(ask(*state, "GET", "/favicon.ico", 404));
}

static void text_is_the_zone(void **state)
{
        CLEANUP_FREE char *text = ask_text(*state, "/v1/zones/example.com/text");
        assert_string_equal(text,
                "; zone example.com, serial 5\n"
                "example.com. 3600 IN SOA ns1.example.com. hostmaster.example.com. 5 7200 900 1209600 300\n"
                "example.com. 3600 IN NS ns1.example.com.\n"
                "ns1.example.com. 3600 IN A 192.0.2.1\n"
                "www.example.com. 3600 IN A 192.0.2.2\n");
        CLEANUP_FREE char *dump = ask_text(*state, "/v1/zones/example.com/dump");
        assert_non_null(strstr(dump, text));
}

/* More than a chunk, a piece and a socket's buffer. */
static void a_large_zone_comes_whole(void **state)
{
        struct world *world = *state;
        FILE *file = fopen(world_path(world, "zones/large.example.zone"), "w");
        fprintf(file, SOA, "1");
        for (unsigned i = 0; i < 8000; i++)
                fprintf(file, "host%05u A 192.0.2.%u\n", i, i % 256);
        fclose(file);
        json_decref(ask(world, "POST", "/v1/zones/large.example/reload", 200));
        CLEANUP_FREE char *text = ask_text(world, "/v1/zones/large.example/text");
        size_t lines = 0;
        for (const char *at = text; *at; at++)
                lines += *at == '\n';
        assert_int_equal(lines, 8000 + 4);
        assert_non_null(strstr(text, "host07999.large.example. 3600 IN A"));
}

static void reload_returns_with_the_verdict(void **state)
{
        struct world *world = *state;

        write_zone(world, "zones/example.com.zone", "5", "www A 192.0.2.3\n");
        last_log_is_control = false;
        json_t *verdict = ask(world, "POST", "/v1/zones/example.com/reload", 200);
        assert_string_equal(member(verdict, "verdict"), "published");
        assert_int_equal(json_integer_value(json_object_get(verdict, "serial")), 6);
        assert_int_equal(json_integer_value(json_object_get(verdict, "added")), 1);
        assert_int_equal(json_integer_value(json_object_get(verdict, "removed")), 1);
        json_decref(verdict);

        char want[64];
        snprintf(want, sizeof(want), "reload example.com by uid %u, pid %d", getuid(), getpid());
        assert_true(last_log_is_control);
        assert_string_equal(last_log, want);
        assert_string_equal(last_log_zone, "example.com");

        verdict = ask(world, "POST", "/v1/zones/broken.example/reload", 200);
        assert_string_equal(member(verdict, "verdict"), "broken");
        assert_non_null(strstr(member(verdict, "details"), "^"));
        json_decref(verdict);
        json_decref(ask(world, "POST", "/v1/zones/nowhere.example/reload", 404));
}

static void freeze_and_thaw(void **state)
{
        struct world *world = *state;

        json_t *verdict = ask(world, "POST", "/v1/zones/example.com/freeze", 200);
        assert_string_equal(member(verdict, "verdict"), "frozen");
        json_decref(verdict);
        write_zone(world, "zones/example.com.zone", "5", "www A 192.0.2.4\n");
        verdict = ask(world, "POST", "/v1/zones/example.com/reload", 200);
        assert_string_equal(member(verdict, "verdict"), "frozen");
        json_decref(verdict);
        json_t *status = ask(world, "GET", "/v1/zones/example.com", 200);
        assert_string_equal(member(zone_in(status, "example.com"), "state"), "frozen");
        json_decref(status);
        verdict = ask(world, "POST", "/v1/zones/example.com/thaw", 200);
        assert_string_equal(member(verdict, "verdict"), "published");
        json_decref(verdict);
}

static void approve_releases_what_is_held(void **state)
{
        struct world *world = *state;
        char target[256];

        write_zone(world, "zones/example.com.zone", "5", "last A 192.0.2.5"); /* no final newline */
        json_t *verdict = ask(world, "POST", "/v1/zones/example.com/reload", 200);
        assert_string_equal(member(verdict, "verdict"), "held");
        json_t *status = ask(world, "GET", "/v1/zones/example.com", 200);
        assert_string_equal(member(zone_in(status, "example.com"), "hash"), member(verdict, "hash"));
        assert_string_equal(member(zone_in(status, "example.com"), "state"), "held");

        json_t *conflict = ask(world, "POST",
                "/v1/zones/example.com/"
                "approve?hash=00000000000000000000000000000000000000000000000000000000000000ff",
                409);
        assert_string_equal(member(conflict, "hash"), member(verdict, "hash"));
        assert_non_null(json_object_get(conflict, "error"));
        snprintf(target, sizeof(target), "/v1/zones/example.com/approve?hash=%s", member(verdict, "hash"));
        json_t *published = ask(world, "POST", target, 200);
        assert_string_equal(member(published, "verdict"), "published");
        json_decref(verdict);
        json_decref(status);
        json_decref(conflict);
        json_decref(published);
}

static void notify_counts_targets(void **state)
{
        json_t *answer = ask(*state, "POST", "/v1/zones/example.com/notify", 200);
        assert_int_equal(json_integer_value(json_object_get(answer, "targets")), 1);
        json_decref(answer);
}

static void reload_of_everything(void **state)
{
        struct world *world = *state;

        write_zone(world, "zones/new.example.zone", "3", "");
        json_t *answer = ask(world, "POST", "/v1/reload", 200);
        const json_t *counts = json_object_get(answer, "counts");
        assert_int_equal(json_integer_value(json_object_get(counts, "published")), 1);
        assert_int_equal(json_integer_value(json_object_get(counts, "broken")), 1);
        assert_int_equal(json_integer_value(json_object_get(counts, "unchanged")), 2);
        assert_int_equal(json_array_size(json_object_get(answer, "zones")), 2);
        json_decref(answer);

        world->reload_result = -EINVAL;
        world->reload_text = "zonecrier.conf:1:1: error: \"x\"\n";
        answer = ask(world, "POST", "/v1/reload", 422);
        assert_string_equal(member(answer, "details"), world->reload_text);
        json_decref(answer);
}

static void a_client_that_hangs_up_harms_nobody(void **state)
{
        struct world *world = *state;
        static const char *const targets[] = {"/v1/zones/example.com/reload", "/v1/reload", "/v1/status"};

        for (size_t i = 0; i < 30; i++) {
                struct exchange exchange;
                exchange_start(&exchange, world, i % 3 == 2 ? "GET" : "POST", targets[i % 3]);
                exchange.hangs_up = true;
                exchange_begin(&exchange);
                exchange_finish(&exchange);
        }
        for (unsigned turn = 0; turn < 100; turn++)
                sd_event_run(world->event, 1000);
        json_decref(ask(world, "GET", "/v1/status", 200));
}

/* The verdict comes after the control socket went: the client is told, nothing is touched that is gone. */
static void the_end_comes_before_the_verdict(void **state)
{
        struct world *world = *state;
        struct exchange exchange;

        last_log_is_control = false;
        exchange_start(&exchange, world, "POST", "/v1/zones/example.com/reload");
        exchange_begin(&exchange);
        while (!last_log_is_control)
                sd_event_run(world->event, 5000);
        world->control = control_free(world->control);
        exchange_finish(&exchange);
        assert_true(exchange.status == 503 || exchange.status == 200);
        free(exchange.answer);
        for (unsigned turn = 0; turn < 100; turn++)
                sd_event_run(world->event, 1000);
        assert_int_equal(access(world_path(world, "control.sock"), F_OK), -1);
}

static void the_socket_is_protected_and_replaced(void **state)
{
        struct world *world = *state;
        struct control_options options = world_control_options(world);
        struct control *second = NULL;
        const char *why = NULL;
        struct stat status;

        assert_int_equal(stat(world_path(world, "control.sock"), &status), 0);
        assert_int_equal(status.st_mode & 0777, 0660);
        assert_int_equal(control_new(&options, world->conf, &second, &why), -EADDRINUSE);
        assert_non_null(strstr(why, "another daemon"));
        assert_null(second);
        json_decref(ask(world, "GET", "/v1/status", 200));

        /* Left behind by a daemon that was killed. */
        world->control = control_free(world->control);
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        snprintf(address.sun_path, sizeof(address.sun_path), "%s/control.sock", world->folder);
        assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
        close(fd);
        assert_int_equal(control_new(&options, world->conf, &world->control, &why), 0);
        json_decref(ask(world, "GET", "/v1/status", 200));

        /* Something else is never removed. */
        world->control = control_free(world->control);
        world_write(world, "control.sock", "precious\n");
        assert_int_equal(control_new(&options, world->conf, &world->control, &why), -EEXIST);
        assert_null(world->control);
        assert_int_equal(stat(world_path(world, "control.sock"), &status), 0);
        assert_true(S_ISREG(status.st_mode));
}

static void the_socket_moves(void **state)
{
        struct world *world = *state;
        const char *why = NULL;
        struct exchange exchange;

        struct conf *conf = world_conf(world, "other.sock");
        assert_int_equal(control_reconfigure(world->control, conf, &why), 0);
        assert_int_equal(access(world_path(world, "control.sock"), F_OK), -1);
        exchange_start(&exchange, world, "GET", "/v1/zones/example.com");
        exchange.socket = "other.sock";
        exchange_begin(&exchange);
        exchange_finish(&exchange);
        assert_int_equal(exchange.status, 200);
        free(exchange.answer);
        conf_unref(conf);

        conf = world_conf(world, "no-folder/deeper/control.sock");
        assert_true(control_reconfigure(world->control, conf, &why) < 0);
        assert_non_null(strstr(why, "no-folder"));
        assert_int_equal(access(world_path(world, "other.sock"), F_OK), 0);
        conf_unref(conf);
}

static void a_name_that_was_taken_away_comes_back(void **state)
{
        struct world *world = *state;
        const char *why = NULL;

        assert_int_equal(unlink(world_path(world, "control.sock")), 0);
        assert_int_equal(control_reconfigure(world->control, world->conf, &why), 0);
        json_decref(ask(world, "GET", "/v1/status", 200));
        /* The listener before it ends without taking the new name along. */
        for (unsigned turn = 0; turn < 20; turn++)
                sd_event_run(world->event, 1000);
        assert_int_equal(access(world_path(world, "control.sock"), F_OK), 0);
        json_decref(ask(world, "GET", "/v1/status", 200));
}

static void the_socket_of_systemd_is_left_alone(void **state)
{
        struct world *world = *state;
        struct control_options options = world_control_options(world);
        const char *why = NULL;

        world->control = control_free(world->control);
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        snprintf(address.sun_path, sizeof(address.sun_path), "%s/control.sock", world->folder);
        assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
        assert_int_equal(listen(fd, 5), 0);
        options.inherited_fd = fd;
        assert_int_equal(control_new(&options, world->conf, &world->control, &why), 0);
        json_decref(ask(world, "GET", "/v1/status", 200));
        struct conf *conf = world_conf(world, "other.sock");
        assert_int_equal(control_reconfigure(world->control, conf, &why), 0);
        conf_unref(conf);
        json_decref(ask(world, "GET", "/v1/status", 200));
        assert_int_equal(access(world_path(world, "other.sock"), F_OK), -1);
        world->control = control_free(world->control);
        assert_int_equal(access(world_path(world, "control.sock"), F_OK), 0);
        close(fd);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(status_tells_all_zones, setup, teardown),
                cmocka_unit_test_setup_teardown(one_zone, setup, teardown),
                cmocka_unit_test_setup_teardown(text_is_the_zone, setup, teardown),
                cmocka_unit_test_setup_teardown(a_large_zone_comes_whole, setup, teardown),
                cmocka_unit_test_setup_teardown(reload_returns_with_the_verdict, setup, teardown),
                cmocka_unit_test_setup_teardown(freeze_and_thaw, setup, teardown),
                cmocka_unit_test_setup_teardown(approve_releases_what_is_held, setup, teardown),
                cmocka_unit_test_setup_teardown(notify_counts_targets, setup, teardown),
                cmocka_unit_test_setup_teardown(reload_of_everything, setup, teardown),
                cmocka_unit_test_setup_teardown(a_client_that_hangs_up_harms_nobody, setup, teardown),
                cmocka_unit_test_setup_teardown(the_end_comes_before_the_verdict, setup, teardown),
                cmocka_unit_test_setup_teardown(the_socket_is_protected_and_replaced, setup, teardown),
                cmocka_unit_test_setup_teardown(the_socket_moves, setup, teardown),
                cmocka_unit_test_setup_teardown(a_name_that_was_taken_away_comes_back, setup, teardown),
                cmocka_unit_test_setup_teardown(the_socket_of_systemd_is_left_alone, setup, teardown),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
