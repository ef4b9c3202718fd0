/* zonecrier status. The answer for many zones comes one zone a line and is read so: never as a whole. */
#include "client/status.h"

#include "base/cleanup.h"
#include "client/client.h"
#include "client/print.h"
#include "client/request.h"
#include "client/target.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static int print_json(struct reply *reply)
{
        char bytes[16384];
        size_t length;
        while ((length = fread(bytes, 1, sizeof(bytes), reply->body)) > 0)
                fwrite(bytes, 1, length, stdout);
        return ferror(reply->body) ? CLIENT_FAILED : CLIENT_OK;
}

static int tell_foreign(void)
{
        fputs("zonecrier: the answer is not what zonecrierd says; is it another version?\n", stderr);
        return CLIENT_FAILED;
}

static void print_daemon(
        const struct client *client, const json_t *daemon, const struct status_table *table, time_t now)
{
        char text[PRINT_TIME_MAX];
        size_t troubled = 0, waiting = 0;
        (void)client;

        for (size_t i = 0; i < table->count; i++) {
                troubled += table->rows[i].severity >= STATUS_NEEDS_A_LOOK;
                waiting += table->rows[i].severity > 0 && table->rows[i].severity < STATUS_NEEDS_A_LOOK;
        }
        fputs("zonecrierd ", stdout);
        print_text(stdout, member_text(daemon, "version"));
        printf(", up %s; %zu zone%s", print_age(member_text(daemon, "started_at"), now, text), table->count,
                table->count == 1 ? "" : "s");
        if (troubled)
                printf(", %zu need%s a look", troubled, troubled == 1 ? "s" : "");
        if (waiting)
                printf(", %zu not everywhere yet", waiting);
        if (!troubled && !waiting && table->count)
                fputs(", all well", stdout);
        if (!json_is_true(json_object_get(daemon, "settled")))
                fputs("; still reading", stdout);
        putchar('\n');
}

/* The first line is the daemon's members and the beginning of "zones". */
static json_t *read_daemon(FILE *body)
{
        CLEANUP_FREE char *line = NULL, *text = NULL;
        size_t size = 0;
        if (getline(&line, &size, body) <= 0 || asprintf(&text, "%s]}", line) < 0)
                return NULL;
        return json_loads(text, 0, NULL);
}

/* Then a zone a line, with a comma behind it; then "]}". */
static int read_zones(FILE *body, struct status_table *table)
{
        CLEANUP_FREE char *line = NULL;
        size_t size = 0;
        ssize_t length;

        while ((length = getline(&line, &size, body)) > 0) {
                if (line[0] == ']')
                        return 0;
                while (length > 0 && (line[length - 1] == '\n' || line[length - 1] == ','))
                        line[--length] = '\0';
                if (length == 0)
                        continue;
                json_t *zone = json_loads(line, 0, NULL);
                int r = status_table_add(table, zone);
                json_decref(zone);
                if (r < 0)
                        return r;
        }
        return -EINVAL;
}

/* What is wrong with a repository, where anything is. */
static void print_git(const json_t *daemon)
{
        const json_t *git;
        size_t i;

        json_array_foreach(json_object_get(daemon, "git"), i, git)
        {
                const char *error = member_text(git, "error"), *fetch = member_text(git, "fetch_error");
                const char *notes = member_text(git, "notes_error");
                const char *all[] = {error, fetch, notes};
                const char *const words[] = {"", "fetch: ", "notes: "};
                for (size_t k = 0; k < ARRAY_SIZE(all); k++) {
                        if (!all[k] || !*all[k])
                                continue;
                        fputs("git ", stdout);
                        print_text(stdout, member_text(git, "repository"));
                        printf(": %s", words[k]);
                        print_text(stdout, all[k]);
                        putchar('\n');
                }
        }
}

static int print_all(const struct client *client, struct reply *reply)
{
        struct status_table table = {0};
        time_t now = time(NULL);
        json_t *daemon = read_daemon(reply->body);

        int r = daemon ? read_zones(reply->body, &table) : -EINVAL;
        if (r == 0) {
                status_table_sort(&table);
                print_daemon(client, daemon, &table, now);
                print_git(daemon);
                status_matrix_print(client, &table, now);
        }
        json_decref(daemon);
        status_table_free(&table);
        return r == 0 ? CLIENT_OK : tell_foreign();
}

static int print_one(const struct client *client, struct reply *reply)
{
        json_t *json = reply_json(reply);
        const json_t *zone = json_array_get(json_object_get(json, "zones"), 0);

        if (json && zone)
                zone_view_print(client, zone, time(NULL));
        int exit_status = !json ? CLIENT_FAILED : zone ? CLIENT_OK : tell_foreign();
        json_decref(json);
        return exit_status;
}

int client_status(struct client *client, char **arguments, size_t count)
{
        CLEANUP_FREE char *path = count > 0 ? request_zone_path(arguments[0], "") : strdup("/v1/status");
        struct reply reply;

        if (!path)
                return CLIENT_FAILED;
        int exit_status = request_run(client, "GET", path, &reply);
        if (exit_status != CLIENT_OK)
                return exit_status;
        if (reply.status >= 400)
                exit_status = reply_tell_error(&reply);
        else if (client->is_json)
                exit_status = print_json(&reply);
        else
                exit_status = count > 0 ? print_one(client, &reply) : print_all(client, &reply);
        reply_close(&reply);
        return exit_status;
}
