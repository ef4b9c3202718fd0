/* zonecrier wait: until every secondary serves what is published. What was edited or pushed just before is
 * waited for first: the daemon looks at it (settle), and its answer says which serial is meant. Then the
 * zone's status is read again and again; silence of a name server never counts. */
#include "client/wait.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "client/client.h"
#include "client/print.h"
#include "client/request.h"
#include "client/target.h"
#include "client/verdict.h"
#include "conf/value.h"
#include "dns/serial.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#define TIMEOUT_DEFAULT (60 * USEC_PER_SEC)
#define POLL_FIRST (20 * USEC_PER_MSEC)
#define POLL_MAX (200 * USEC_PER_MSEC)
#define NAMES_MAX 64 /* secondaries with a line of their own */

struct wait {
        const struct client *client;
        const char *zone;
        uint32_t serial;          /* that is waited for */
        char told[NAMES_MAX][48]; /* the last state printed of each secondary */
        unsigned lines;           /* on the terminal, to be drawn again */
        size_t waiting, known;
};

static bool has_serial(uint32_t theirs, uint32_t wanted)
{
        return theirs != 0 && (theirs == wanted || serial_is_ahead(theirs, wanted));
}

static uint32_t serial_of(const json_t *object, const char *key)
{
        return (uint32_t)member_number(object, key);
}

/* Each of its name servers shows the serial, or a later one. */
static bool all_serve(const json_t *secondary, uint32_t wanted)
{
        const json_t *servers = json_object_get(secondary, "servers"), *server;
        size_t i;
        json_array_foreach((json_t *)(uintptr_t)servers, i, server)
        {
                const char *answer = member_text(server, "answer");
                if (!answer || strcmp(answer, "serial") != 0 ||
                        !has_serial(serial_of(server, "serial"), wanted))
                        return false;
        }
        return json_array_size(servers) > 0;
}

static bool is_done(const struct wait *wait, const json_t *secondary, uint32_t published)
{
        bool is_probed = json_is_true(json_object_get(secondary, "probed"));
        bool is_current =
                json_is_true(json_object_get(secondary, "current")) && has_serial(published, wait->serial);
        if (wait->client->is_verify && is_probed)
                return is_current && json_is_true(json_object_get(secondary, "verified"));
        if (is_current)
                return true;
        return is_probed ? all_serve(secondary, wait->serial)
                         : has_serial(serial_of(secondary, "transferred_serial"), wait->serial);
}

/* Of a provider that is pushed to: it says so, and its name servers show it. */
static bool is_pushed(const struct wait *wait, const json_t *push)
{
        return json_is_true(json_object_get(push, "current")) &&
               has_serial(serial_of(push, "serial"), wait->serial);
}

/* ---- progress ---- */

static void print_secondary(
        const struct wait *wait, FILE *out, const json_t *secondary, const char *name, bool done)
{
        const char *stage = member_text(secondary, "stage"), *note = member_text(secondary, "note");
        const char *overdue = member_text(secondary, "overdue");
        uint32_t serial = serial_of(secondary, "serial");
        print_text(out, wait->zone);
        fputs(": ", out);
        print_text(out, name);
        if (done) {
                fprintf(out, " has serial %" PRIu32 "\n", wait->serial);
                return;
        }
        fputs(": ", out);
        print_text(out, stage ? stage : member_text(secondary, "phase"));
        if (serial)
                fprintf(out, ", has %" PRIu32, serial);
        if (overdue) {
                fputs(", overdue: ", out);
                print_text(out, overdue);
        }
        if (note || member_text(secondary, "reason")) {
                fputs(": ", out);
                print_text(out, note ? note : member_text(secondary, "reason"));
        }
        putc('\n', out);
}

/* A line where something is new; on a terminal all lines are drawn in place. */
static void tell_progress(
        struct wait *wait, const json_t *secondary, const char *name, size_t index, bool done)
{
        char now[48];
        const char *stage = member_text(secondary, "stage");
        if (wait->client->is_quiet || wait->client->is_json || index >= NAMES_MAX)
                return;
        if (wait->client->width > 0) {
                fputs("\033[2K", stdout);
                print_secondary(wait, stdout, secondary, name, done);
                wait->lines++;
                return;
        }
        snprintf(now, sizeof(now), "%s", done ? "done" : stage ? stage : member_text(secondary, "phase"));
        if (strcmp(now, wait->told[index]) == 0)
                return;
        strcpy(wait->told[index], now);
        print_secondary(wait, stdout, secondary, name, done);
        fflush(stdout);
}

static bool is_wanted(const struct wait *wait, const char *name)
{
        return name && (!wait->client->secondary || strcasecmp(wait->client->secondary, name) == 0);
}

/* Counts who is left; report: those on standard error, in place of the progress. */
static void look(struct wait *wait, const json_t *zone, bool is_report)
{
        uint32_t published = serial_of(zone, "serial");
        const json_t *secondary;
        size_t i, index = 0;

        wait->waiting = wait->known = 0;
        if (wait->lines > 0 && !is_report)
                printf("\033[%uA", wait->lines);
        wait->lines = 0;
        for (unsigned kind = 0; kind < 2; kind++)
                json_array_foreach(json_object_get(zone, kind == 0 ? "secondaries" : "pushes"), i, secondary)
                {
                        const char *name = member_text(secondary, kind == 0 ? "name" : "secondary");
                        if (!is_wanted(wait, name))
                                continue;
                        bool done =
                                kind == 0 ? is_done(wait, secondary, published) : is_pushed(wait, secondary);
                        wait->known++;
                        wait->waiting += !done;
                        if (is_report && !done)
                                print_secondary(wait, stderr, secondary, name, false);
                        else if (!is_report)
                                tell_progress(wait, secondary, name, index++, done);
                }
}

/* ---- the daemon's answers ---- */

/* CLIENT_OK with the parsed answer, else told. */
static int ask(const struct client *client, const char *method, const char *path, json_t **ret_json)
{
        struct reply reply;
        int exit_status = request_run(client, method, path, &reply);
        if (exit_status != CLIENT_OK)
                return exit_status;
        if (reply.status >= 400)
                exit_status = reply_tell_error(&reply);
        else {
                *ret_json = reply_json(&reply);
                exit_status = *ret_json ? CLIENT_OK : CLIENT_FAILED;
        }
        reply_close(&reply);
        return exit_status;
}

static int status_now(const struct wait *wait, json_t **ret_status)
{
        CLEANUP_FREE char *path = request_zone_path(wait->zone, "");
        json_t *json = NULL;
        int exit_status = path ? ask(wait->client, "GET", path, &json) : CLIENT_FAILED;
        if (exit_status == CLIENT_OK && !json_array_get(json_object_get(json, "zones"), 0)) {
                fputs("zonecrier: the answer is not what zonecrierd says; is it another version?\n", stderr);
                exit_status = CLIENT_FAILED;
        }
        *ret_status = json;
        return exit_status;
}

/* What was edited before is published, or the verdict says why not. */
static int settle(struct wait *wait)
{
        CLEANUP_FREE char *path = request_zone_path(wait->zone, "/settle");
        json_t *json = NULL;
        int exit_status = path ? ask(wait->client, "POST", path, &json) : CLIENT_FAILED;
        if (exit_status == CLIENT_OK)
                exit_status = verdict_exit(member_text(json, "verdict"), false);
        if (json && exit_status != CLIENT_OK && !wait->client->serial) {
                fputs("zonecrier: what was edited is not published, so there is nothing to wait for:\n",
                        stderr);
                fflush(stderr);
                verdict_print(wait->client, json);
        } else if (json && wait->client->serial) {
                exit_status = CLIENT_OK; /* that serial may be there all the same */
        }
        json_decref(json);
        return exit_status;
}

static int tell_nobody(const struct wait *wait)
{
        fputs("zonecrier: ", stderr);
        print_text(stderr, wait->zone);
        if (wait->client->secondary) {
                fputs(" has no secondary ", stderr);
                print_text(stderr, wait->client->secondary);
                fputs("; zonecrier status ZONE names them\n", stderr);
        } else {
                fputs(" has no secondary, so nobody can be waited for: see secondaries and also-notify in "
                      "zonecrier.conf(5)\n",
                        stderr);
        }
        return CLIENT_WRONG;
}

static int tell_late(struct wait *wait, const json_t *zone, uint64_t timeout_usec)
{
        char duration[PRINT_TIME_MAX];
        fputs("zonecrier: ", stderr);
        print_text(stderr, wait->zone);
        if (wait->serial && has_serial(serial_of(zone, "serial"), wait->serial))
                fprintf(stderr, " serial %" PRIu32 " is not everywhere after %s; %zu of %zu lag:\n",
                        wait->serial, print_duration(timeout_usec / USEC_PER_SEC, duration), wait->waiting,
                        wait->known);
        else
                fprintf(stderr, ": what is waited for was not published within %s\n",
                        print_duration(timeout_usec / USEC_PER_SEC, duration));
        fflush(stderr);
        if (wait->serial)
                look(wait, zone, true);
        return CLIENT_LATE;
}

static int tell_no_commit(const struct wait *wait)
{
        fputs("zonecrier: no repository that zones come from has a commit ", stderr);
        print_text(stderr, wait->client->commit);
        fputs("; one that is not pushed yet is named by its whole id\n", stderr);
        return CLIENT_WRONG;
}

/* Which serial is meant; 0 = it is not published yet. */
static uint32_t serial_meant(const struct wait *wait, const json_t *status, const json_t *zone)
{
        const char *commit = wait->client->commit;
        return commit && !wait_commit_is_in(status, commit) ? 0 : serial_of(zone, "serial");
}

static int run(struct wait *wait, uint32_t serial, uint64_t timeout_usec)
{
        uint64_t end = clock_monotonic_usec() + timeout_usec, pause = POLL_FIRST;
        for (;;) {
                json_t *status = NULL;
                int exit_status = status_now(wait, &status);
                if (exit_status != CLIENT_OK) {
                        json_decref(status);
                        return exit_status;
                }
                if (pause == POLL_FIRST && wait->client->commit &&
                        !wait_commit_may_come(status, wait->client->commit)) {
                        json_decref(status);
                        return tell_no_commit(wait);
                }
                const json_t *zone = json_array_get(json_object_get(status, "zones"), 0);
                if (wait->serial == 0)
                        wait->serial = serial ? serial : serial_meant(wait, status, zone);
                if (wait->serial)
                        look(wait, zone, false);
                bool is_known = !wait->serial || wait->known > 0;
                bool is_over = wait->serial && wait->waiting == 0;
                bool is_late = !is_over && clock_monotonic_usec() >= end;
                if (is_known && !is_over && is_late)
                        exit_status = tell_late(wait, zone, timeout_usec);
                else if (!is_known)
                        exit_status = tell_nobody(wait);
                if ((is_over || is_late) && wait->client->is_json)
                        json_dumpf(zone, stdout, JSON_INDENT(2)), putchar('\n');
                json_decref(status);
                if (!is_known || is_over || is_late)
                        return exit_status;
                nanosleep(&(struct timespec){.tv_nsec = (long)(pause * 1000)}, NULL);
                pause = pause * 2 > POLL_MAX ? POLL_MAX : pause * 2;
        }
}

static int usage(const char *text, const char *value)
{
        fprintf(stderr, "zonecrier: wait: ");
        print_text(stderr, value);
        fprintf(stderr, "%s\n", text);
        return CLIENT_FAILED;
}

int client_wait(struct client *client, char **arguments, size_t count)
{
        struct wait wait = {.client = client, .zone = arguments[0]};
        uint64_t timeout_usec = TIMEOUT_DEFAULT;
        unsigned long serial = 0;
        (void)count;

        if (client->timeout && value_parse_duration(client->timeout, USEC_PER_SEC, &timeout_usec) < 0)
                return usage(" is no duration, as 60s or 5m", client->timeout);
        if (client->serial) {
                char *end;
                serial = strtoul(client->serial, &end, 10);
                if (*end || end == client->serial || serial == 0 || serial > UINT32_MAX)
                        return usage(" is no serial: a number from 1 to 4294967295", client->serial);
        }
        int exit_status = settle(&wait);
        return exit_status == CLIENT_OK ? run(&wait, (uint32_t)serial, timeout_usec) : exit_status;
}
