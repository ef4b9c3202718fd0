/* zonecrier reload, notify, freeze, thaw, approve: asks, prints the verdict, and makes it an exit status. */
#include "base/cleanup.h"
#include "client/client.h"
#include "client/print.h"
#include "client/push.h"
#include "client/request.h"
#include "client/verdict.h"

#include <stdlib.h>
#include <string.h>

static const char *text_of(const json_t *object, const char *key)
{
        return json_string_value(json_object_get(object, key));
}

int verdict_exit(const char *verdict, bool is_freeze)
{
        if (!verdict)
                return CLIENT_FAILED;
        if (strcmp(verdict, "published") == 0 || strcmp(verdict, "unchanged") == 0 ||
                strcmp(verdict, "removed") == 0)
                return CLIENT_OK;
        if (strcmp(verdict, "frozen") == 0)
                return is_freeze ? CLIENT_OK : CLIENT_HELD;
        return strcmp(verdict, "held") == 0 ? CLIENT_HELD : CLIENT_WRONG;
}

static enum print_color verdict_color(const char *verdict)
{
        if (strcmp(verdict, "published") == 0 || strcmp(verdict, "unchanged") == 0 ||
                strcmp(verdict, "removed") == 0)
                return PRINT_GREEN;
        return strcmp(verdict, "held") == 0 || strcmp(verdict, "frozen") == 0 ? PRINT_YELLOW : PRINT_RED;
}

void verdict_print_approve(const struct client *client, const char *zone, const char *hash)
{
        fputs("zonecrier ", stdout);
        if (client->socket_option) {
                fputs("--socket ", stdout);
                print_text(stdout, client->socket_option);
                putchar(' ');
        }
        fputs("approve ", stdout);
        print_text(stdout, zone);
        putchar(' ');
        print_text(stdout, hash);
        putchar('\n');
}

void verdict_print(const struct client *client, const json_t *object)
{
        const char *zone = text_of(object, "zone"), *verdict = text_of(object, "verdict"),
                   *summary = text_of(object, "summary");
        const char *details = text_of(object, "details"), *hash = text_of(object, "hash");
        bool is_broken = verdict && strcmp(verdict, "broken") == 0;

        print_text(stdout, zone);
        fputs(": ", stdout);
        print_colored(client, verdict ? verdict_color(verdict) : PRINT_RED, "%s", verdict ? verdict : "?");
        /* The summary of a broken zone is its first error, which stands in the details too. */
        if (summary && *summary && !(is_broken && details)) {
                fputs(": ", stdout);
                print_text(stdout, summary);
        }
        putchar('\n');
        print_lines(stdout, details);
        if (hash) {
                fputs("to release it: ", stdout);
                verdict_print_approve(client, zone, hash);
        }
}

static int print_raw(FILE *body)
{
        char bytes[8192];
        size_t length;
        rewind(body);
        while ((length = fread(bytes, 1, sizeof(bytes), body)) > 0)
                fwrite(bytes, 1, length, stdout);
        return ferror(body) ? CLIENT_FAILED : CLIENT_OK;
}

/* An approval that released nothing: why, and what is the case now. */
static int tell_conflict(const struct client *client, struct reply *reply)
{
        json_t *json = reply_json(reply);
        const char *verdict = text_of(json, "verdict"), *error = text_of(json, "error");

        fputs("zonecrier: ", stderr);
        print_text(stderr, error ? error : "conflict");
        putc('\n', stderr);
        if (verdict && !client->is_json)
                verdict_print(client, json);
        int exit_status = verdict && strcmp(verdict, "held") == 0 ? CLIENT_HELD : CLIENT_WRONG;
        json_decref(json);
        return exit_status;
}

/* Posts; CLIENT_OK with the answer parsed (and printed, with --json), else the exit status after telling why.
 */
static int post(const struct client *client, const char *path, json_t **ret_json)
{
        struct reply reply;
        int exit_status = request_run(client, "POST", path, &reply);
        if (exit_status != CLIENT_OK)
                return exit_status;
        if (client->is_json)
                exit_status = print_raw(reply.body);
        if (reply.status == 409)
                exit_status = tell_conflict(client, &reply);
        else if (reply.status >= 400) {
                exit_status = reply_tell_error(&reply);
        } else if (exit_status == CLIENT_OK) {
                *ret_json = reply_json(&reply);
                exit_status = *ret_json ? CLIENT_OK : CLIENT_FAILED;
        }
        reply_close(&reply);
        return exit_status;
}

int verdict_ask(const struct client *client, const char *zone, const char *suffix, bool is_freeze)
{
        CLEANUP_FREE char *path = request_zone_path(zone, suffix);
        json_t *json = NULL;

        if (!path)
                return CLIENT_FAILED;
        int exit_status = post(client, path, &json);
        if (exit_status != CLIENT_OK)
                return exit_status;
        if (!client->is_json)
                verdict_print(client, json);
        exit_status = verdict_exit(text_of(json, "verdict"), is_freeze);
        json_decref(json);
        return exit_status;
}

/* "3 published, 1 broken" of the counts; unchanged comes last. */
static void print_counts(const json_t *counts)
{
        const char *key;
        json_t *value;
        const char *separator = "";

        json_object_foreach((json_t *)(uintptr_t)counts, key, value)
        {
                if (json_integer_value(value) == 0 || strcmp(key, "unchanged") == 0)
                        continue;
                printf("%s%lld ", separator, (long long)json_integer_value(value));
                print_text(stdout, key);
                separator = ", ";
        }
        printf("%s%lld unchanged\n", separator,
                (long long)json_integer_value(json_object_get(counts, "unchanged")));
}

/* Broken outweighs held, held outweighs fine. */
static int worse_exit(int left, int right)
{
        static const int weight[] = {
                [CLIENT_OK] = 0, [CLIENT_HELD] = 1, [CLIENT_WRONG] = 2, [CLIENT_FAILED] = 3};
        return weight[left] >= weight[right] ? left : right;
}

int reload_all_print(const struct client *client, const json_t *json)
{
        const json_t *counts = json_object_get(json, "counts"), *zones = json_object_get(json, "zones");
        int exit_status = CLIENT_OK;
        const char *key;
        json_t *value;
        size_t i;

        json_object_foreach((json_t *)(uintptr_t)counts, key, value)
        {
                if (json_integer_value(value) > 0)
                        exit_status = worse_exit(exit_status, verdict_exit(key, false));
        }
        if (client->is_json)
                return exit_status;
        print_lines(stdout, text_of(json, "configuration"));
        json_array_foreach((json_t *)(uintptr_t)zones, i, value) verdict_print(client, value);
        long long omitted = json_integer_value(json_object_get(json, "omitted"));
        if (omitted > 0)
                printf("and %lld more; zonecrier status shows them\n", omitted);
        print_counts(counts);
        return exit_status;
}

int client_reload(struct client *client, char **arguments, size_t count)
{
        json_t *json = NULL;

        if (count > 0)
                return verdict_ask(client, arguments[0], "/reload", false);
        int exit_status = post(client, "/v1/reload", &json);
        if (exit_status == CLIENT_OK)
                exit_status = reload_all_print(client, json);
        json_decref(json);
        return exit_status;
}

int client_notify(struct client *client, char **arguments, size_t count)
{
        CLEANUP_FREE char *path = request_zone_path(arguments[0], "/notify");
        json_t *json = NULL;
        (void)count;

        int exit_status = path ? post(client, path, &json) : CLIENT_FAILED;
        if (exit_status == CLIENT_OK && !client->is_json) {
                long long targets = json_integer_value(json_object_get(json, "targets"));
                print_text(stdout, text_of(json, "zone"));
                if (targets == 0)
                        puts(": nobody to notify; also-notify is empty");
                else
                        printf(": NOTIFY goes to %lld target%s\n", targets, targets == 1 ? "" : "s");
        }
        json_decref(json);
        return exit_status;
}

int client_freeze(struct client *client, char **arguments, size_t count)
{
        (void)count;
        return verdict_ask(client, arguments[0], "/freeze", true);
}

int client_thaw(struct client *client, char **arguments, size_t count)
{
        (void)count;
        return verdict_ask(client, arguments[0], "/thaw", false);
}

/* Letters that a revision may have and a query may not are percent-encoded. */
static int approve_commit(const struct client *client, const char *zone, size_t count)
{
        char suffix[512];
        size_t length = (size_t)snprintf(suffix, sizeof(suffix), "/approve?commit=");

        if (count > 1 || strlen(client->commit) > 120) {
                fputs("zonecrier: approve takes either a hash or --commit and a revision\n", stderr);
                return CLIENT_FAILED;
        }
        for (const char *at = client->commit; *at; at++)
                length += (size_t)snprintf(
                        suffix + length, sizeof(suffix) - length, "%%%02X", (unsigned char)*at);
        return verdict_ask(client, zone, suffix, false);
}

int client_approve(struct client *client, char **arguments, size_t count)
{
        CLEANUP_FREE char *suffix = NULL;

        if (client->commit)
                return approve_commit(client, arguments[0], count);
        if (count < 2) {
                fputs("zonecrier: approve takes a hash, as zonecrier status ZONE shows it, or --commit and a "
                      "revision\n",
                        stderr);
                return CLIENT_FAILED;
        }
        const char *hash = arguments[1];
        if (strlen(hash) != 64 || strspn(hash, "0123456789abcdefABCDEF") != 64) {
                fputs("zonecrier: the hash of a held change is 64 hexadecimal digits; zonecrier status ZONE "
                      "shows it\n",
                        stderr);
                return CLIENT_FAILED;
        }
        if (client->secondary)
                return client_push_approve(client, arguments[0], hash);
        if (asprintf(&suffix, "/approve?hash=%s", hash) < 0)
                return CLIENT_FAILED;
        return verdict_ask(client, arguments[0], suffix, false);
}
