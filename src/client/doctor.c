/* zonecrier doctor [ZONE]: what an expert would look at, with the next step. Facts come from zonecrierd and
 * from the DNS; doctor/ judges. */
#include "client/doctor.h"

#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/json.h"
#include "client/client.h"
#include "client/print.h"
#include "client/request.h"
#include "client/target.h"

#include <string.h>

static json_t *fetch(const struct client *client, const char *path, int *ret_exit)
{
        struct reply reply;

        *ret_exit = request_run(client, "GET", path, &reply);
        if (*ret_exit != CLIENT_OK)
                return NULL;
        if (reply.status >= 400) {
                *ret_exit = reply_tell_error(&reply);
                reply_close(&reply);
                return NULL;
        }
        json_t *facts = reply_json(&reply);
        reply_close(&reply);
        if (!facts)
                *ret_exit = CLIENT_FAILED;
        return facts;
}

static int look_at_zone(const struct client *client, struct gatherer *gatherer, const char *zone,
        struct doctor_report *report)
{
        CLEANUP_FREE char *path = request_zone_path(zone, "/doctor");
        struct doctor_zone facts;
        int exit_status = CLIENT_FAILED;

        json_t *from = path ? fetch(client, path, &exit_status) : NULL;
        if (!from)
                return exit_status;
        facts_read_zone(gatherer, from, &facts);
        json_decref(from);
        if (facts.is_published) {
                dns_ask_parent(gatherer, &facts);
                dns_ask_servers(gatherer, &facts);
                dns_find_visible(gatherer, &facts);
        }
        doctor_judge_zone(report, &facts, clock_realtime_usec());
        return CLIENT_OK;
}

/* ---- printing ---- */

static void print_json(const struct doctor_report *report)
{
        struct buffer out = {0};
        struct json json = {.out = &out};

        json_open(&json, NULL, '{');
        json_text(&json, "outcome", doctor_outcome_name(doctor_report_outcome(report)));
        json_open(&json, "findings", '[');
        for (size_t i = 0; i < report->count; i++) {
                const struct doctor_finding *finding = &report->findings[i];
                json_open(&json, NULL, '{');
                json_text(&json, "check", finding->check);
                json_text(&json, "zone", finding->zone);
                json_text(&json, "outcome", doctor_outcome_name(finding->outcome));
                json_text(&json, "why", finding->why);
                json_text(&json, "next", *finding->next ? finding->next : NULL);
                json_close(&json, '}');
        }
        json_close(&json, ']');
        json_close(&json, '}');
        const char *text = buffer_text(&out);
        puts(text ? text : "{}");
        buffer_free(&out);
}

static enum print_color color_of(enum doctor_outcome outcome)
{
        switch (outcome) {
        case DOCTOR_PASS:
                return PRINT_GREEN;
        case DOCTOR_SKIPPED:
                return PRINT_DIM;
        case DOCTOR_WARN:
                return PRINT_YELLOW;
        case DOCTOR_FAIL:
                return PRINT_RED;
        }
        return PRINT_PLAIN;
}

static void print_finding(const struct client *client, const struct doctor_finding *finding)
{
        fputs("  ", stdout);
        print_cell(client, color_of(finding->outcome), doctor_outcome_name(finding->outcome), 8);
        print_cell(client, PRINT_PLAIN, finding->check, 15);
        print_text(stdout, finding->why);
        putchar('\n');
        if (*finding->next) {
                fputs("                         ", stdout);
                print_text(stdout, finding->next);
                putchar('\n');
        }
}

static void print_report(const struct client *client, const struct doctor_report *report)
{
        const char *zone = NULL;
        size_t counts[DOCTOR_FAIL + 1] = {0};

        for (size_t i = 0; i < report->count; i++) {
                const struct doctor_finding *finding = &report->findings[i];
                counts[finding->outcome]++;
                if (i == 0 || (finding->zone && (!zone || strcmp(zone, finding->zone) != 0))) {
                        print_text(stdout, finding->zone ? finding->zone : "this server");
                        putchar('\n');
                }
                zone = finding->zone;
                print_finding(client, finding);
        }
        printf("%zu passed, %zu warned, %zu failed, %zu could not be looked at\n", counts[DOCTOR_PASS],
                counts[DOCTOR_WARN], counts[DOCTOR_FAIL], counts[DOCTOR_SKIPPED]);
}

static int look_at_all(const struct client *client, struct gatherer *gatherer, const char *zone,
        struct doctor_report *report)
{
        struct doctor_daemon facts;
        int exit_status;
        CLEANUP(json_decrefp) json_t *from = fetch(client, "/v1/doctor", &exit_status);

        if (!from)
                return exit_status;
        facts_read_daemon(gatherer, from, &facts);
        doctor_judge_daemon(report, &facts);
        if (zone)
                return look_at_zone(client, gatherer, zone, report);
        const json_t *zones = json_object_get(from, "zones");
        for (size_t i = 0; exit_status == CLIENT_OK && i < json_array_size(zones); i++)
                if (json_string_value(json_array_get(zones, i)))
                        exit_status = look_at_zone(
                                client, gatherer, json_string_value(json_array_get(zones, i)), report);
        uint64_t count = member_number(from, "zone_count");
        if (exit_status == CLIENT_OK && count > json_array_size(zones))
                fprintf(stderr, "zonecrier: the first %zu of %llu zones; name one to look at it\n",
                        json_array_size(zones), (unsigned long long)count);
        return exit_status;
}

int client_doctor(struct client *client, char **arguments, size_t count)
{
        struct gatherer gatherer = {0};
        struct doctor_report report = {0};

        if (dns_find_resolvers(&gatherer, client->resolver) < 0) {
                fputs("zonecrier: --resolver takes an address: 192.0.2.53, or 192.0.2.53#5353\n", stderr);
                return CLIENT_FAILED;
        }
        int exit_status = look_at_all(client, &gatherer, count > 0 ? arguments[0] : NULL, &report);
        if (exit_status == CLIENT_OK && report.is_cut) {
                fputs("zonecrier: out of memory\n", stderr);
                exit_status = CLIENT_FAILED;
        }
        if (exit_status == CLIENT_OK) {
                if (client->is_json)
                        print_json(&report);
                else
                        print_report(client, &report);
                exit_status = doctor_report_outcome(&report) == DOCTOR_FAIL ? CLIENT_WRONG : CLIENT_OK;
        }
        doctor_report_free(&report);
        table_free(&gatherer.silent);
        arena_free(&gatherer.arena);
        return exit_status;
}
