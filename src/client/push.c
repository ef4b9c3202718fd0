/* zonecrier push, and plan and approve with --secondary: providers that are pushed to. */
#include "client/push.h"
#include "base/buffer.h"
#include "base/cleanup.h"
#include "client/client.h"
#include "client/print.h"
#include "client/request.h"
#include "client/target.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* "/v1/zones/NAME/suffix?secondary=S&hash=H"; malloc'ed. */
static char *push_path(const char *zone, const char *suffix, const char *secondary, const char *hash)
{
        struct buffer text = {0};
        buffer_append_text(&text, suffix);
        if (secondary)
                buffer_append_text(&text, "?secondary=");
        for (const char *at = secondary; at && *at; at++)
                buffer_printf(&text, "%%%02X", (unsigned char)*at);
        if (hash)
                buffer_printf(&text, "&hash=%s", hash);
        const char *whole = buffer_text(&text);
        char *path = whole ? request_zone_path(zone, whole) : NULL;
        buffer_free(&text);
        return path;
}

/* Posts; *ret_json: the answer of a success, printed already with --json. */
static int post(const struct client *client, const char *path, json_t **ret_json)
{
        struct reply reply;
        int exit_status = path ? request_run(client, "POST", path, &reply) : CLIENT_FAILED;
        if (exit_status != CLIENT_OK)
                return exit_status;
        if (reply.status >= 400) {
                exit_status = reply_tell_error(&reply);
        } else {
                *ret_json = reply_json(&reply);
                exit_status = *ret_json ? CLIENT_OK : CLIENT_FAILED;
        }
        if (exit_status == CLIENT_OK && client->is_json) {
                json_dumpf(*ret_json, stdout, JSON_INDENT(2));
                putchar('\n');
        }
        reply_close(&reply);
        return exit_status;
}

int client_push(struct client *client, char **arguments, size_t count)
{
        CLEANUP_FREE char *path = push_path(arguments[0], "/push", client->secondary, NULL);
        json_t *json = NULL;
        (void)count;

        int exit_status = post(client, path, &json);
        if (exit_status == CLIENT_OK && !client->is_json) {
                uint64_t pushes = member_number(json, "pushes");
                print_text(stdout, member_text(json, "zone"));
                printf(": what %" PRIu64 " provider%s is compared and pushed now\n", pushes,
                        pushes == 1 ? " has" : "s have");
        }
        json_decref(json);
        return exit_status;
}

int client_push_plan(const struct client *client, const char *zone)
{
        CLEANUP_FREE char *path = push_path(zone, "/push-plan", client->secondary, NULL);
        json_t *json = NULL;
        int exit_status = post(client, path, &json);
        if (exit_status == CLIENT_OK && !client->is_json) {
                print_lines(stdout, member_text(json, "plan"));
                if (json_is_true(json_object_get(json, "held"))) {
                        fputs("held: ", stdout);
                        print_text(stdout, member_text(json, "reason"));
                        fputs("\nto release it: zonecrier approve ", stdout);
                        print_text(stdout, zone);
                        putchar(' ');
                        print_text(stdout, member_text(json, "hash"));
                        fputs(" --secondary ", stdout);
                        print_text(stdout, client->secondary);
                        putchar('\n');
                }
        }
        if (exit_status == CLIENT_OK && json_is_true(json_object_get(json, "held")))
                exit_status = CLIENT_HELD;
        json_decref(json);
        return exit_status;
}

int client_push_approve(const struct client *client, const char *zone, const char *hash)
{
        CLEANUP_FREE char *path = push_path(zone, "/push-approve", client->secondary, hash);
        json_t *json = NULL;
        int exit_status = post(client, path, &json);
        if (exit_status == CLIENT_OK && !client->is_json) {
                print_text(stdout, member_text(json, "zone"));
                fputs(": the push to ", stdout);
                print_text(stdout, member_text(json, "secondary"));
                puts(" goes on");
        }
        json_decref(json);
        return exit_status;
}

/* A push is waited for by a person, or by itself. */
static enum print_color phase_color(const char *phase)
{
        if (strcmp(phase, "in-sync") == 0)
                return PRINT_GREEN;
        return strcmp(phase, "failed") == 0 || strcmp(phase, "retrying") == 0 ? PRINT_RED : PRINT_YELLOW;
}

static void print_notes(const json_t *push, const char *zone)
{
        const char *reason = member_text(push, "reason"), *hash = member_text(push, "hash");
        uint64_t left_out = member_number(push, "left_out"), drift = member_number(push, "drift");
        if (reason) {
                fputs("    ", stdout);
                print_text(stdout, reason);
                putchar('\n');
        }
        if (hash) {
                fputs("    zonecrier plan ", stdout);
                print_text(stdout, zone);
                fputs(" --secondary ", stdout);
                print_text(stdout, member_text(push, "secondary"));
                puts(" shows it");
        }
        if (left_out)
                printf("    %" PRIu64 " record%s that it cannot hold: left out\n", left_out,
                        left_out == 1 ? "" : "s");
        if (drift)
                printf("    %" PRIu64 " RRset%s had been changed there by somebody else\n", drift,
                        drift == 1 ? "" : "s");
}

void push_view_print(const struct client *client, const json_t *zone, time_t now)
{
        const json_t *pushes = json_object_get(zone, "pushes"), *push;
        char age[PRINT_TIME_MAX];
        size_t i;

        if (json_array_size(pushes) > 0)
                puts("pushed to");
        json_array_foreach((json_t *)(uintptr_t)pushes, i, push)
        {
                const char *phase = member_text(push, "phase");
                uint64_t serial = member_number(push, "serial"), batches = member_number(push, "batches");
                fputs("  ", stdout);
                print_text(stdout, member_text(push, "secondary"));
                fputs("  ", stdout);
                print_colored(client, phase_color(phase ? phase : ""), "%s", phase ? phase : "?");
                if (serial)
                        printf(", serial %" PRIu64 " %s ago", serial,
                                print_age(member_text(push, "in_sync_at"), now, age));
                if (json_is_true(json_object_get(push, "looked_for")))
                        printf(", seen at %" PRIu64 " of %" PRIu64, member_number(push, "servers_seen"),
                                member_number(push, "servers_asked"));
                if (phase && strcmp(phase, "changing") == 0)
                        printf(", %" PRIu64 " of %" PRIu64 " requests done",
                                member_number(push, "batches_done"), batches);
                putchar('\n');
                print_notes(push, member_text(zone, "zone"));
        }
}
