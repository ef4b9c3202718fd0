/* zonecrier plan: what would be published, before it is. Exit status: 0 nothing, 2 changes, 4 the guard would
 * hold one, 1 an error. */
#include "client/plan.h"

#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/diag.h"
#include "base/encode.h"
#include "base/json.h"
#include "client/client.h"
#include "client/print.h"
#include "client/push.h"
#include "conf/conf.h"
#include "publish/rehearsal.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define EXIT_CHANGES 2
/* Without a configuration URL entries stand for some address. */
#define DEFAULTS "options { notify no; allow-transfer { none; }; url-redirector { 192.0.2.1; }; };\n"

DEFINE_CLEANUP(struct git *, git_unref);

static int usage(const char *text)
{
        fprintf(stderr, "zonecrier: %s\n", text);
        return CLIENT_WRONG;
}

/* ---- what is gathered ---- */

bool plan_wants(const struct plan *plan, const uint8_t *zone)
{
        return !plan->has_filter || name_equal(plan->filter, zone);
}

void plan_add(struct plan *plan, json_t *zone)
{
        const char *verdict = json_string_value(json_object_get(zone, "verdict"));

        if (verdict && strcmp(verdict, "none") == 0 && !plan->keeps_none && !plan->has_filter)
                json_decref(zone);
        else if (json_array_append_new(plan->zones, zone) < 0)
                plan->has_failed = true;
}

void plan_add_rehearsal(struct plan *plan, const uint8_t *zone, const struct rehearsal *rehearsal)
{
        CLEANUP(buffer_free) struct buffer text = {0};
        struct json json = {.out = &text};
        char name[NAME_TEXT_MAX];

        rehearsal_append_json(&json, name_to_zone_text(zone, name), rehearsal);
        plan_add(plan,
                buffer_status(&text) == 0 ? json_loadb((const char *)text.data, text.length, 0, NULL) : NULL);
}

void plan_add_broken(struct plan *plan, const uint8_t *zone, const char *path, const char *why)
{
        CLEANUP(buffer_free) struct buffer details = {0};
        struct rehearsal rehearsal = {.kind = REHEARSAL_BROKEN};

        if (path)
                buffer_printf(&details, "%s: error: %s\n", path, why);
        else
                buffer_append_text(&details, why);
        const char *text = buffer_text(&details);
        rehearsal.details = text ? strdup(text) : NULL;
        if (zone) {
                plan_add_rehearsal(plan, zone, &rehearsal);
        } else {
                CLEANUP(buffer_free) struct buffer out = {0};
                struct json json = {.out = &out};

                rehearsal_append_json(&json, path ? path : "", &rehearsal);
                plan_add(plan, buffer_status(&out) == 0
                                       ? json_loadb((const char *)out.data, out.length, 0, NULL)
                                       : NULL);
        }
        rehearsal_clear(&rehearsal);
}

int plan_exit(const struct plan *plan)
{
        const json_t *zone;
        bool is_held = false, is_broken = plan->has_failed, changes = false;
        size_t i;

        json_array_foreach(plan->zones, i, zone)
        {
                const char *verdict = json_string_value(json_object_get(zone, "verdict"));

                is_broken |= !verdict || strcmp(verdict, "broken") == 0;
                is_held |= verdict && strcmp(verdict, "hold") == 0;
                changes |= verdict && strcmp(verdict, "publish") == 0;
        }
        return is_broken ? CLIENT_WRONG : is_held ? CLIENT_HELD : changes ? EXIT_CHANGES : CLIENT_OK;
}

/* ---- begin ---- */

static int read_format(struct plan *plan)
{
        static const char *const names[] = {"text", "diff", "markdown", "json"};
        const char *format = plan->client->format;

        if (plan->client->is_json)
                plan->format = PLAN_JSON;
        if (!format)
                return CLIENT_OK;
        for (size_t i = 0; i < ARRAY_SIZE(names); i++)
                if (strcmp(format, names[i]) == 0) {
                        plan->format = (enum plan_format)i;
                        return CLIENT_OK;
                }
        return usage("--format of plan is text, diff, markdown or json");
}

static int load_conf(struct plan *plan)
{
        const struct conf_load_options defaults = {
                .without_files = true, .text = DEFAULTS, .text_length = strlen(DEFAULTS)};
        CLEANUP(buffer_free) struct buffer text = {0};
        CLEANUP(diag_free) struct diag_list diags = {0};
        const char *path = plan->client->config;
        int r = conf_load(path ? path : "defaults", path ? NULL : &defaults, &diags, &plan->conf);

        for (size_t i = 0; r < 0 && i < diags.count; i++)
                if (diags.items[i].severity == DIAG_ERROR)
                        diag_format(&diags.items[i], &text);
        if (r < 0 && text.length == 0)
                buffer_printf(&text, "zonecrier: %s: %s\n", path ? path : "the defaults", strerror(-r));
        if (text.length > 0)
                fwrite(text.data, 1, text.length, stderr);
        return r < 0 ? CLIENT_WRONG : CLIENT_OK;
}

int plan_begin(struct plan *plan, const struct client *client)
{
        static const uint8_t root[] = {0};
        uint8_t name[NAME_MAX_LENGTH];
        size_t length;

        *plan = (struct plan){.client = client, .zones = json_array()};
        if (!plan->zones)
                return usage("out of memory");
        if (client->zone) {
                if (name_from_text(client->zone, strlen(client->zone), root, name, &length, NULL) != NAME_OK)
                        return usage("--zone takes a zone's name");
                name_fold(name, plan->filter);
                plan->has_filter = true;
        }
        int exit_status = read_format(plan);
        return exit_status == CLIENT_OK ? load_conf(plan) : exit_status;
}

void plan_end(struct plan *plan)
{
        json_decref(plan->zones);
        conf_unref(plan->conf);
}

/* ---- what is asked for ---- */

/* "A..B", "A...B" (from where they parted), an end left out is HEAD. */
static int plan_range(struct plan *plan, const char *range)
{
        CLEANUP(git_unref_later) struct git *git = NULL;
        CLEANUP(buffer_free) struct buffer base = {0};
        const char *dots = strstr(range, ".."), *to = dots + 2 + (dots[2] == '.');
        CLEANUP_FREE char *from = dots > range ? strndup(range, (size_t)(dots - range)) : strdup("HEAD");
        struct git_commit first, last;

        if (!from || git_zones_open(NULL, false, &git) < 0 || git_zones_commit(git, from, &first) < 0 ||
                git_zones_commit(git, *to ? to : "HEAD", &last) < 0)
                return CLIENT_WRONG;
        if (dots[2] == '.') {
                const char *const command[] = {"merge-base", first.id, last.id, NULL};
                int r = git_run(git, command, NULL, 0, 0, &base, NULL);

                const char *id = r == 0 ? buffer_text(&base) : NULL;
                if (!id || strcspn(id, "\n") > GIT_ID_MAX)
                        return usage("the two revisions have no commit in common");
                memcpy(first.id, id, strcspn(id, "\n"));
        }
        plan->from = first.id;
        plan->to = last.id;
        int r = plan_git_step(plan, git, first.id, last.id, plan->client->path ? plan->client->path : "");
        if (r == 0)
                plan_print(plan);
        return r < 0 ? CLIENT_WRONG : plan_exit(plan);
}

/* Is this a revision of the repository here? Quietly. */
static bool find_revision(const char *revision, struct git **ret_git, struct git_commit *ret_commit)
{
        CLEANUP(git_unref_later) struct git *git = NULL;

        if (!git_zones_is_here() || git_zones_open(NULL, false, &git) < 0 ||
                git_commit_find(git, revision, ret_commit) < 0)
                return false;
        *ret_git = TAKE(git);
        return true;
}

static bool is_folder(const char *path)
{
        struct stat st;

        return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static int plan_argument(struct plan *plan, const char *argument)
{
        CLEANUP(git_unref_later) struct git *git = NULL;
        struct git_commit commit;
        int exit_status;

        if (is_folder(argument)) {
                plan->to = argument;
                exit_status = plan_folder(plan, argument);
        } else if (find_revision(argument, &git, &commit)) {
                plan->to = commit.id;
                exit_status = plan_commit(plan, git, commit.id, plan->client->path ? plan->client->path : "");
        } else {
                plan->keeps_none = true;
                exit_status = plan_zone(plan, argument);
        }
        if (exit_status == CLIENT_OK)
                plan_print(plan);
        plan->to = NULL;
        return exit_status == CLIENT_OK ? plan_exit(plan) : CLIENT_WRONG;
}

int client_plan(struct client *client, char **arguments, size_t count)
{
        struct plan plan;

        if (client->secondary) /* what a push would change there */
                return count > 0 ? client_push_plan(client, arguments[0])
                                 : usage("plan --secondary takes the zone's name");
        int exit_status = plan_begin(&plan, client);

        if (exit_status != CLIENT_OK)
                ;
        else if (count > 0 && strstr(arguments[0], "..") && !is_folder(arguments[0]))
                exit_status = plan_range(&plan, arguments[0]);
        else if (count > 0)
                exit_status = plan_argument(&plan, arguments[0]);
        else {
                exit_status = client->zone ? plan_zone(&plan, client->zone) : plan_waiting(&plan);
                if (exit_status == CLIENT_OK) {
                        plan_print(&plan);
                        exit_status = plan_exit(&plan);
                }
        }
        plan_end(&plan);
        return exit_status;
}
