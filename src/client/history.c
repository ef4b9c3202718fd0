/* zonecrier log, diff and rollback. */
#include "base/cleanup.h"
#include "client/client.h"
#include "client/print.h"
#include "client/request.h"
#include "client/target.h"
#include "client/text.h"
#include "client/verdict.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define COMMIT_SHOWN 12 /* digits of a commit's id */

static void print_has(const json_t *has)
{
        const json_t *name;
        size_t i;

        if (json_array_size(has) == 0)
                return;
        fputs("  at", stdout);
        json_array_foreach((json_t *)(uintptr_t)has, i, name)
        {
                fputs(i == 0 ? " " : ", ", stdout);
                print_text(stdout, json_string_value(name));
        }
}

/* Whose edit it was: the commit, or what made it; the file says nothing that is not known. */
static void print_origin(const json_t *version)
{
        const json_t *commit = json_object_get(version, "commit");
        const char *by = member_text(version, "by"), *id = member_text(commit, "id");

        if (id) {
                printf("  %.*s", COMMIT_SHOWN, id);
                if (member_text(commit, "author")) { /* not of a folder's work tree */
                        fputs(" ", stdout);
                        print_text(stdout, member_text(commit, "author"));
                        fputs(": ", stdout);
                        print_text(stdout, member_text(commit, "subject"));
                }
        }
        if (by) {
                fputs("  ", stdout);
                print_text(stdout, by);
        }
}

static void print_version(const struct client *client, const json_t *version)
{
        char serial[16];
        const char *at = member_text(version, "published_at");

        snprintf(serial, sizeof(serial), "%" PRIu64, member_number(version, "serial"));
        print_cell(client, PRINT_BOLD, serial, 10);
        printf("  %-24s", at ? at : "");
        if (json_is_integer(json_object_get(version, "added")))
                printf("  +%" PRIu64 " -%" PRIu64, member_number(version, "added"),
                        member_number(version, "removed"));
        else
                fputs("  (the history begins)", stdout);
        print_origin(version);
        print_has(json_object_get(version, "has"));
        putchar('\n');
}

static int print_log(const struct client *client, const json_t *json)
{
        const json_t *rolled_back = json_object_get(json, "rolled_back"), *version;
        size_t i;

        if (rolled_back)
                printf("rolled back to the content of serial %" PRIu64
                       ", which stays until the file changes\n",
                        member_number(rolled_back, "to_serial"));
        json_array_foreach((json_t *)(uintptr_t)json_object_get(json, "versions"), i, version)
                print_version(client, version);
        return CLIENT_OK;
}

int client_log(struct client *client, char **arguments, size_t count)
{
        CLEANUP_FREE char *path = request_zone_path(arguments[0], "/log");
        struct reply reply;
        (void)count;

        if (client->is_json)
                return text_run(client, arguments[0], "/log");
        int exit_status = path ? request_run(client, "GET", path, &reply) : CLIENT_FAILED;
        if (exit_status != CLIENT_OK)
                return exit_status;
        if (reply.status >= 400) {
                exit_status = reply_tell_error(&reply);
        } else {
                json_t *json = reply_json(&reply);
                exit_status = json ? print_log(client, json) : CLIENT_FAILED;
                json_decref(json);
        }
        reply_close(&reply);
        return exit_status;
}

int client_diff(struct client *client, char **arguments, size_t count)
{
        CLEANUP_FREE char *suffix = NULL;
        (void)count;

        if (!text_is_serial(arguments[1]) || !text_is_serial(arguments[2]) ||
                asprintf(&suffix, "/diff?from=%s&to=%s", arguments[1], arguments[2]) < 0)
                return CLIENT_FAILED;
        return text_run(client, arguments[0], suffix);
}

int client_rollback(struct client *client, char **arguments, size_t count)
{
        CLEANUP_FREE char *suffix = NULL;
        (void)count;

        if (!client->serial) {
                fputs("zonecrier: rollback takes --to and a serial; zonecrier log ZONE shows which there "
                      "are\n",
                        stderr);
                return CLIENT_FAILED;
        }
        if (!text_is_serial(client->serial) || asprintf(&suffix, "/rollback?to=%s", client->serial) < 0)
                return CLIENT_FAILED;
        return verdict_ask(client, arguments[0], suffix, false);
}
