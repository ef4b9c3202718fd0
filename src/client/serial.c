/* zonecrier serial, serial-set: what every secondary holds, and the way back to a lower serial. */
#include "base/buffer.h"
#include "base/cleanup.h"
#include "client/client.h"
#include "client/print.h"
#include "client/request.h"
#include "client/verdict.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static const char *text_of(const json_t *object, const char *key)
{
        return json_string_value(json_object_get(object, key));
}

static long long number_of(const json_t *object, const char *key)
{
        return (long long)json_integer_value(json_object_get(object, key));
}

/* Posts and parses; exit status, and NULL where it is told already. */
static json_t *post(const struct client *client, const char *path, int *ret_exit)
{
        struct reply reply;
        json_t *json = NULL;

        *ret_exit = request_run(client, "POST", path, &reply);
        if (*ret_exit != CLIENT_OK)
                return NULL;
        if (reply.status >= 400)
                *ret_exit = reply_tell_error(&reply);
        else {
                json = reply_json(&reply);
                *ret_exit = json ? CLIENT_OK : CLIENT_FAILED;
        }
        reply_close(&reply);
        return json;
}

static void print_json(const json_t *json)
{
        json_dumpf(json, stdout, JSON_COMPACT);
        putchar('\n');
}

/* Where serial-set stands. */
static void print_way(const json_t *set)
{
        const char *waiting = text_of(set, "waiting_for");
        const json_t *steps = json_object_get(set, "steps"), *step;
        long long taken = number_of(set, "taken");
        size_t i;

        printf("serial-set   from %lld", number_of(set, "from"));
        json_array_foreach((json_t *)(uintptr_t)steps, i, step)
                printf(" %s %lld", i < (size_t)taken ? "=>" : "->", (long long)json_integer_value(step));
        printf(", %lld of %zu steps taken\n", taken, json_array_size(steps));
        if (waiting && *waiting) {
                fputs("             waits for ", stdout);
                print_text(stdout, waiting);
                putchar('\n');
        } else
                puts("             waits until every secondary holds the last step");
}

static void print_secondary(const json_t *secondary, long long serial)
{
        const char *block = text_of(secondary, "secondary"), *why = text_of(secondary, "why");
        long long held = number_of(secondary, "serial"), taken = number_of(secondary, "transferred_serial");

        fputs("  ", stdout);
        if (block) {
                print_text(stdout, block);
                putchar(' ');
        }
        print_text(stdout, text_of(secondary, "server"));
        fputs(": ", stdout);
        if (held) {
                printf("%lld%s", held, held == serial ? "" : " (another)");
        } else {
                print_text(stdout, why ? why : "?");
                if (taken)
                        printf("; took %lld from us", taken);
        }
        putchar('\n');
}

int client_serial(struct client *client, char **arguments, size_t count)
{
        CLEANUP_FREE char *path = request_zone_path(arguments[0], "/serial");
        const json_t *secondary;
        int exit_status = CLIENT_FAILED;
        size_t i;
        (void)count;

        json_t *json = path ? post(client, path, &exit_status) : NULL;
        if (!json)
                return exit_status;
        if (client->is_json) {
                print_json(json);
                json_decref(json);
                return CLIENT_OK;
        }
        const json_t *secondaries = json_object_get(json, "secondaries");
        long long serial = number_of(json, "serial"), file = number_of(json, "file_serial");
        print_text(stdout, text_of(json, "zone"));
        if (serial)
                printf(": %lld", serial);
        else
                fputs(": not published", stdout);
        if (serial && file != serial)
                printf(" (the file has %lld)", file);
        putchar('\n');
        json_array_foreach((json_t *)(uintptr_t)secondaries, i, secondary) print_secondary(secondary, serial);
        if (json_array_size(secondaries) == 0)
                puts("  no secondary that could be asked");
        if (json_object_get(json, "serial_set"))
                print_way(json_object_get(json, "serial_set"));
        json_decref(json);
        return CLIENT_OK;
}

/* Names with commas between them, each percent-encoded. */
static void append_assumed(struct buffer *out, const char *names)
{
        for (const char *at = names; *at;) {
                size_t length = strcspn(at, ",");
                buffer_append_text(out, "&assume=");
                for (size_t i = 0; i < length; i++)
                        buffer_printf(out, "%%%02X", (unsigned)(unsigned char)at[i]);
                at += length + (at[length] == ',');
        }
}

static bool is_serial(const char *text)
{
        char *end;
        unsigned long long number = strtoull(text, &end, 10);
        return *text >= '0' && *text <= '9' && *end == '\0' && number > 0 && number <= UINT32_MAX;
}

static int usage(const char *text)
{
        fprintf(stderr, "zonecrier: %s\n", text);
        return CLIENT_FAILED;
}

int client_serial_set(struct client *client, char **arguments, size_t count)
{
        CLEANUP(buffer_free) struct buffer suffix = {0};
        int exit_status = CLIENT_FAILED;

        if (client->aborts ? count != 1 || client->assume || client->step : count != 2 && !client->assume)
                return usage("usage: zonecrier serial-set ZONE N [--step max] [--assume SECONDARY,...], or "
                             "serial-set ZONE --abort");
        if (count == 2 && !is_serial(arguments[1]))
                return usage("a serial is a number from 1 to 4294967295");
        if (client->step && strcmp(client->step, "max") != 0)
                return usage("--step takes max: steps as long as can be");
        buffer_append_text(&suffix, client->aborts ? "/serial-abort" : "/serial-set?");
        if (count == 2)
                buffer_printf(&suffix, "serial=%s", arguments[1]);
        if (client->step)
                buffer_append_text(&suffix, "&step=max");
        if (client->assume)
                append_assumed(&suffix, client->assume);
        const char *text = buffer_text(&suffix);
        CLEANUP_FREE char *path = text ? request_zone_path(arguments[0], text) : NULL;
        json_t *json = path ? post(client, path, &exit_status) : NULL;
        if (!json)
                return exit_status;
        if (client->is_json)
                print_json(json);
        else {
                print_text(stdout, text_of(json, "zone"));
                fputs(": ", stdout);
                print_text(stdout, text_of(json, "summary"));
                putchar('\n');
                if (json_object_get(json, "serial_set"))
                        print_way(json_object_get(json, "serial_set"));
        }
        json_decref(json);
        return CLIENT_OK;
}
