/* Plans that zonecrierd makes: of a zone's own text, or of a text that is sent to it; against what it has
 * published, with its serials, its policies and its guard. */
#include "base/cleanup.h"
#include "base/diag.h"
#include "client/client.h"
#include "client/plan.h"
#include "client/print.h"
#include "client/request.h"
#include "source/source.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILE_PATTERN "%s.zone"
#define CHANGES_MAX 1000000

DEFINE_CLEANUP(struct source_snapshot *, source_snapshot_free);

/* The zones of the answer are taken. CLIENT_OK, or CLIENT_WRONG after telling why. */
static int take_answer(struct plan *plan, struct reply *reply)
{
        json_t *json = reply->status >= 400 ? NULL : reply_json(reply);
        json_t *zone;
        size_t i;

        if (reply->status >= 400)
                reply_tell_error(reply);
        json_array_foreach(json_object_get(json, "zones"), i, zone) plan_add(plan, json_incref(zone));
        int exit_status = json ? CLIENT_OK : CLIENT_WRONG;
        json_decref(json);
        reply_close(reply);
        return exit_status;
}

/* fd: the text; -1 = the zone's own. */
static int ask(struct plan *plan, const char *zone, int fd)
{
        char suffix[64];
        struct reply reply;

        snprintf(suffix, sizeof(suffix), "/plan?changes=%u", CHANGES_MAX);
        CLEANUP_FREE char *path = request_zone_path(zone, suffix);
        if (!path)
                return CLIENT_WRONG;
        int exit_status = fd < 0 ? request_run(plan->client, "POST", path, &reply)
                                 : request_post_file(plan->client, path, fd, &reply);
        return exit_status == CLIENT_OK ? take_answer(plan, &reply) : CLIENT_WRONG;
}

int plan_zone(struct plan *plan, const char *zone)
{
        return ask(plan, zone, -1);
}

/* What a look at these would come to is known: nothing. */
static bool waits(const json_t *zone)
{
        const char *state = json_string_value(json_object_get(zone, "state"));

        return state && strcmp(state, "published") != 0 && strcmp(state, "loading") != 0;
}

int plan_waiting(struct plan *plan)
{
        struct reply reply;
        int exit_status = request_run(plan->client, "GET", "/v1/status", &reply);
        json_t *zone;
        size_t i;

        if (exit_status != CLIENT_OK)
                return CLIENT_WRONG;
        json_t *json = reply_json(&reply);
        reply_close(&reply);
        exit_status = json ? CLIENT_OK : CLIENT_WRONG;
        json_array_foreach(json_object_get(json, "zones"), i, zone)
        {
                const char *name = json_string_value(json_object_get(zone, "zone"));

                if (exit_status == CLIENT_OK && name && waits(zone))
                        exit_status = plan_zone(plan, name);
        }
        json_decref(json);
        return exit_status;
}

/* ---- texts that are sent ---- */

/* Whether the daemon called it broken: then where, in the text as it was written. */
static void explain_broken(
        struct plan *plan, struct source_snapshot *snapshot, const char *path, const uint8_t *zone)
{
        size_t last = json_array_size(plan->zones);
        struct diag_list diags = {0};
        CLEANUP_CLOSE int fd = -1;

        if (last == 0)
                return;
        const json_t *told = json_array_get(plan->zones, last - 1);
        const char *verdict = json_string_value(json_object_get(told, "verdict"));
        if (verdict && strcmp(verdict, "broken") == 0 &&
                plan_read_text(plan, snapshot, path, zone, true, &diags, &fd) == -EINVAL) {
                json_array_remove(plan->zones, last - 1);
                plan_add_errors(plan, zone, &diags);
        }
        diag_free(&diags);
}

static int plan_text(
        struct plan *plan, struct source_snapshot *snapshot, const char *path, const uint8_t *zone)
{
        char name[NAME_TEXT_MAX];
        struct diag_list diags = {0};
        CLEANUP_CLOSE int fd = -1;
        int exit_status = CLIENT_OK;
        int r = plan_read_text(plan, snapshot, path, zone, false, &diags, &fd);

        if (r == -EINVAL && diags.error_count > 0) {
                plan_add_errors(plan, zone, &diags);
        } else if (r < 0) {
                plan_add_broken(plan, zone, path, r == -EOPNOTSUPP ? PLAN_ENTRIES : strerror(-r));
        } else {
                exit_status = ask(plan, name_to_zone_text(zone, name), fd);
                if (exit_status == CLIENT_OK)
                        explain_broken(plan, snapshot, path, zone);
        }
        diag_free(&diags);
        return exit_status;
}

int plan_commit(struct plan *plan, struct git *git, const char *commit, const char *folder)
{
        CLEANUP(git_zones_free) struct git_zones zones = {0};
        int exit_status = git_zones_list(git, commit, folder, &zones) < 0 ? CLIENT_WRONG : CLIENT_OK;

        for (size_t i = 0; exit_status == CLIENT_OK && i < zones.count; i++) {
                CLEANUP(source_snapshot_free_later) struct source_snapshot *snapshot = NULL;
                const struct git_zone *zone = &zones.items[i];

                if (zone->is_misnamed)
                        plan_add_broken(plan, NULL, zone->path, "the file's name is not the name of a zone");
                else if (plan_wants(plan, zone->name))
                        exit_status = source_snapshot_git(git, commit, folder, &snapshot) < 0
                                              ? CLIENT_WRONG
                                              : plan_text(plan, snapshot, zone->path, zone->name);
        }
        return exit_status;
}

static int plan_entry(struct plan *plan, const char *folder, const char *name)
{
        CLEANUP(source_snapshot_free_later) struct source_snapshot *snapshot = NULL;
        uint8_t zone[NAME_MAX_LENGTH];
        CLEANUP_FREE char *path = NULL;
        int is = source_zone_name(name, FILE_PATTERN, zone);

        if (is > 0)
                return CLIENT_OK;
        if (asprintf(&path, "%s/%s", folder, name) < 0 ||
                source_snapshot_folder(folder, NULL, &snapshot) < 0) {
                fprintf(stderr, "zonecrier: %s\n", strerror(errno));
                return CLIENT_WRONG;
        }
        if (is < 0) {
                plan_add_broken(plan, NULL, path, "the file's name is not the name of a zone");
                return CLIENT_OK;
        }
        name_fold(zone, zone);
        return plan_wants(plan, zone) ? plan_text(plan, snapshot, path, zone) : CLIENT_OK;
}

int plan_folder(struct plan *plan, const char *folder)
{
        CLEANUP_FREE char *absolute = realpath(folder, NULL);
        struct dirent **entries;
        int exit_status = CLIENT_OK;
        int count = absolute ? scandir(absolute, &entries, NULL, alphasort) : -1;

        if (count < 0) {
                fputs("zonecrier: ", stderr);
                print_text(stderr, folder);
                fprintf(stderr, ": %s\n", strerror(errno));
                return CLIENT_WRONG;
        }
        for (int i = 0; i < count; i++) {
                if (exit_status == CLIENT_OK)
                        exit_status = plan_entry(plan, absolute, entries[i]->d_name);
                free(entries[i]);
        }
        free(entries);
        return exit_status;
}
