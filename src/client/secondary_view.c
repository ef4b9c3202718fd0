/* Secondaries of one zone in words: how far each is, what is due, what its name servers show. */
#include "client/client.h"
#include "client/print.h"
#include "client/status.h"
#include "client/target.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* "2026-11-21 14:05 UTC", or what it is. */
static void print_moment(const char *label, const char *iso_time)
{
        if (!iso_time || strlen(iso_time) < 16)
                return;
        printf("      %s %.10s %.5s UTC\n", label, iso_time, iso_time + 11);
}

static enum print_color color_of(const char *state)
{
        if (strcmp(state, "serving") == 0 || strcmp(state, "has") == 0)
                return PRINT_GREEN;
        return strcmp(state, "stale") == 0 || strcmp(state, "old-record") == 0 ? PRINT_RED : PRINT_YELLOW;
}

static void print_server(const json_t *server, time_t now)
{
        char age[PRINT_TIME_MAX];
        const char *answer = member_text(server, "answer"), *name = member_text(server, "name");

        fputs("      ", stdout);
        print_text(stdout, name ? name : member_text(server, "address"));
        if (name) {
                putchar(' ');
                print_text(stdout, member_text(server, "address"));
        }
        fputs(": ", stdout);
        if (answer && strcmp(answer, "serial") == 0)
                printf("shows %" PRIu64, member_number(server, "serial"));
        else
                print_text(stdout, answer);
        if (member_text(server, "at"))
                printf(", %s ago", print_age(member_text(server, "at"), now, age));
        if (member_text(server, "nsid")) {
                fputs(", NSID ", stdout);
                print_text(stdout, member_text(server, "nsid"));
        }
        putchar('\n');
}

/* What the provider's API says, beside its transfers. */
static void print_api(const struct client *client, const json_t *api, time_t now)
{
        char age[PRINT_TIME_MAX];
        if (member_text(api, "read_at")) {
                fputs("      its API: ", stdout);
                if (member_number(api, "serial"))
                        printf("it holds %" PRIu64, member_number(api, "serial"));
                else
                        fputs("it holds nothing yet", stdout);
                if (member_text(api, "checked_at"))
                        printf(", checked %s ago", print_age(member_text(api, "checked_at"), now, age));
                putchar('\n');
        }
        if (member_text(api, "forced_at"))
                printf("      its API was asked to transfer %" PRIu64 " %s ago\n",
                        member_number(api, "forced_serial"),
                        print_age(member_text(api, "forced_at"), now, age));
        if (member_text(api, "why")) {
                fputs("      its API fails:\n", stdout);
                print_rest(client, PRINT_YELLOW, member_text(api, "why"), 8);
        }
}

static void print_secondary(const struct client *client, const json_t *secondary, time_t now)
{
        const char *state = member_text(secondary, "state"), *overdue = member_text(secondary, "overdue");
        const json_t *servers = json_object_get(secondary, "servers"), *server;
        size_t i;

        fputs("  ", stdout);
        print_text(stdout, member_text(secondary, "name"));
        fputs(": ", stdout);
        print_colored(client, state ? color_of(state) : PRINT_RED, "%s", state ? state : "?");
        printf(", %s", member_number(secondary, "serial") ? "has " : "nothing of it is known to be there");
        if (member_number(secondary, "serial"))
                printf("%" PRIu64, member_number(secondary, "serial"));
        fputs(", stage: ", stdout);
        print_text(stdout, member_text(secondary, "stage"));
        if (overdue) {
                fputs(", overdue: ", stdout);
                print_text(stdout, overdue);
        }
        putchar('\n');
        if (member_text(secondary, "note"))
                print_rest(client, PRINT_PLAIN, member_text(secondary, "note"), 6);
        print_moment(overdue ? "was due by" : "due by", member_text(secondary, "due_at"));
        print_moment("it expires the zone at about", member_text(secondary, "expires_at"));
        print_api(client, json_object_get(secondary, "api"), now);
        json_array_foreach((json_t *)(uintptr_t)servers, i, server) print_server(server, now);
}

void secondaries_view_print(const struct client *client, const json_t *zone, time_t now)
{
        const json_t *secondary;
        size_t i;

        if (json_array_size(json_object_get(zone, "secondaries")) == 0)
                return;
        puts("served by");
        json_array_foreach(json_object_get(zone, "secondaries"), i, secondary)
                print_secondary(client, secondary, now);
}
