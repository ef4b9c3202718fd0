/* One zone in full, in words. */
#include "client/status.h"

#include "client/client.h"
#include "client/print.h"
#include "client/push.h"
#include "client/target.h"
#include "client/verdict.h"

#include <inttypes.h>
#include <string.h>

static void print_label(const char *label)
{
        printf("%-12s", label);
}

static void print_line(const char *label, const char *text)
{
        if (!text || !*text)
                return;
        print_label(label);
        print_text(stdout, text);
        putchar('\n');
}

static void print_serial(const json_t *zone, uint32_t serial, time_t now)
{
        char age[PRINT_TIME_MAX];
        const char *published_at = member_text(zone, "published_at");

        print_label("serial");
        if (serial == 0) {
                puts("nothing is published yet");
                return;
        }
        printf("%u, published %s ago (", serial, print_age(published_at, now, age));
        print_text(stdout, published_at);
        puts(")");
        if (member_number(zone, "file_serial") != serial) {
                print_label("");
                printf("the file says %" PRIu64 "%s\n", member_number(zone, "file_serial"),
                        member_number(zone, "file_serial") ? "" : ": ours to manage");
        }
        if (json_is_true(json_object_get(zone, "signed_elsewhere"))) {
                print_label("");
                puts("the zone is signed elsewhere: its serial is the file's");
        }
}

static void print_history(const json_t *zone)
{
        const json_t *history = json_object_get(zone, "history");
        char size[PRINT_TIME_MAX];

        if (!json_is_object(history))
                return;
        print_label("history");
        if (member_number(history, "steps") == 0)
                puts("none; every IXFR is answered in AXFR style");
        else
                printf("%" PRIu64 " step%s, from serial %" PRIu64 " on, %s\n",
                        member_number(history, "steps"), member_number(history, "steps") == 1 ? "" : "s",
                        member_number(history, "oldest_serial"),
                        print_size(member_number(history, "bytes"), size));
}

static void print_targets(const struct client *client, const json_t *targets, uint32_t serial, time_t now)
{
        const json_t *target;
        size_t i;

        if (json_array_size(targets) == 0) {
                puts("secondaries none to notify (also-notify is empty)");
                return;
        }
        puts("secondaries");
        json_array_foreach((json_t *)(uintptr_t)targets, i, target) target_print(client, target, serial, now);
}

static void print_rollback(const json_t *zone)
{
        const json_t *rolled_back = json_object_get(zone, "rolled_back");
        if (!json_is_object(rolled_back))
                return;
        print_label("rolled back");
        printf("to the content of serial %" PRIu64 ", which stays until the file changes\n",
                member_number(rolled_back, "to_serial"));
}

void zone_view_print(const struct client *client, const json_t *zone, time_t now)
{
        uint32_t serial = (uint32_t)member_number(zone, "serial");
        const char *details = member_text(zone, "details"), *hash = member_text(zone, "hash");
        const char *state = member_text(zone, "state");
        bool is_fine = state && strcmp(state, "published") == 0;

        print_line("zone", member_text(zone, "zone"));
        print_label("state");
        print_colored(client, is_fine ? PRINT_GREEN : PRINT_RED, "%s", state ? state : "?");
        puts(json_is_true(json_object_get(zone, "frozen")) && state && strcmp(state, "frozen") != 0
                        ? ", frozen"
                        : "");
        print_line("reason", member_text(zone, "reason"));
        print_serial(zone, serial, now);
        print_line("file", member_text(zone, "file"));
        if (member_text(zone, "write_back"))
                print_line("write-back", member_text(zone, "write_back"));
        if (json_is_integer(json_object_get(zone, "records"))) {
                print_label("records");
                printf("%" PRIu64 "\n", member_number(zone, "records"));
        }
        print_history(zone);
        print_rollback(zone);
        if (hash) {
                print_line("hash", hash);
                print_label("to release");
                verdict_print_approve(client, member_text(zone, "zone"), hash);
        }
        if (serial)
                print_targets(client, json_object_get(zone, "targets"), serial, now);
        secondaries_view_print(client, zone, now);
        push_view_print(client, zone, now);
        if (details) {
                puts("details");
                print_lines(stdout, details);
        }
}
