/* What the control socket can ask to be done. Main loop.
 *
 * A command's answer is the zone's verdict, so it waits for the publisher's thread. The registry may call
 * back before its function returns; a request is marked as waiting before the call for that reason. A verdict
 * is an answer (200) whatever it says; an approval that does not fit what is held is a conflict (409). */
#include "control/request.h"

#include "base/cleanup.h"
#include "fleet/survey.h"
#include "notify/notify.h"
#include "publish/rehearsal.h"

#include <errno.h>
#include <string.h>

#define STATUS_WRONG_CONFIGURATION 422 /* its name in libmicrohttpd changes from one version to the next */
#define RELOAD_DETAILS_MAX 16384
#define RELOAD_ZONES_MAX (8u << 20) /* octets; further verdicts are counted only */

static void append_reload_verdict(
        struct control_request *request, const struct zone_entry *zone, const struct verdict *verdict)
{
        if (verdict->kind == VERDICT_UNCHANGED)
                return;
        if (request->zones.length > RELOAD_ZONES_MAX) {
                request->omitted++;
                return;
        }
        struct json json = {.out = &request->zones, .needs_comma = request->zones.length > 0};
        json_open(&json, NULL, '{');
        status_append_verdict(&json, zone, verdict, RELOAD_DETAILS_MAX);
        json_close(&json, '}');
}

static void answer_reload_all(struct control_request *request)
{
        struct json json = {.out = &request->body};

        json_open(&json, NULL, '{');
        json_text(&json, "configuration", request->notes);
        json_open(&json, "counts", '{');
        for (size_t kind = 0; kind < ARRAY_SIZE(request->verdict_counts); kind++)
                json_number(&json, verdict_kind_name((enum verdict_kind)kind), request->verdict_counts[kind]);
        json_close(&json, '}');
        json_number(&json, "omitted", request->omitted);
        json_open(&json, "zones", '[');
        buffer_append(&request->body, request->zones.data, request->zones.length);
        json_close(&json, ']');
        json_close(&json, '}');
        buffer_append_u8(&request->body, '\n');
        if (request->zones.failed)
                request->body.failed = true;
        request_answer(request, MHD_HTTP_OK);
}

static void on_reload_all(void *context, const struct zone_entry *zone, const struct verdict *verdict)
{
        struct control_request *request = context;

        if (zone && verdict) {
                request->verdict_counts[verdict->kind]++;
                append_reload_verdict(request, zone, verdict);
                return;
        }
        if (!request->is_answered)
                answer_reload_all(request);
        request_wait_done(request);
}

/* An approval that released nothing. */
static const char *approval_conflict(const struct control_request *request, const struct verdict *verdict)
{
        if (request->route.kind != ROUTE_APPROVE)
                return NULL;
        if (verdict->kind == VERDICT_HELD)
                return *request->route.commit ? "that commit does not release what is held; look at it again"
                                              : "what is held has another hash now; look at it again";
        return verdict->kind == VERDICT_UNCHANGED ? "nothing is held under this hash" : NULL;
}

static void answer_verdict(
        struct control_request *request, const struct zone_entry *zone, const struct verdict *verdict)
{
        bool is_way = request->route.kind == ROUTE_SERIAL_SET || request->route.kind == ROUTE_SERIAL_ABORT;
        const char *conflict = is_way && verdict->kind == VERDICT_FAILED
                                       ? verdict->summary
                                       : approval_conflict(request, verdict);
        struct json json = {.out = &request->body};

        json_open(&json, NULL, '{');
        if (conflict)
                json_text(&json, "error", conflict);
        status_append_verdict(&json, zone, verdict, SIZE_MAX);
        status_append_serial(&json, zone);
        json_close(&json, '}');
        buffer_append_u8(&request->body, '\n');
        request_answer(request, conflict ? MHD_HTTP_CONFLICT : MHD_HTTP_OK);
}

static void on_verdict(void *context, const struct zone_entry *zone, const struct verdict *verdict)
{
        struct control_request *request = context;
        char name[NAME_TEXT_MAX];

        if (!request->is_answered) {
                if (zone && verdict)
                        answer_verdict(request, zone, verdict);
                else
                        request_answer_error(request, MHD_HTTP_NOT_FOUND, "no zone %s here",
                                name_to_zone_text(request->route.zone, name));
        }
        request_wait_done(request);
}

static void on_plan(void *context, const char *zone, const struct rehearsal *rehearsal, const char *why)
{
        struct control_request *request = context;
        struct json json = {.out = &request->body};

        if (!request->is_answered && !rehearsal) {
                request_answer_error(request, MHD_HTTP_CONFLICT, "%s: %s", zone, why ? why : "no plan");
        } else if (!request->is_answered) {
                json_open(&json, NULL, '{');
                json_open(&json, "zones", '[');
                rehearsal_append_json(&json, zone, rehearsal);
                json_close(&json, ']');
                json_close(&json, '}');
                buffer_append_u8(&request->body, '\n');
                request_answer(request, MHD_HTTP_OK);
        }
        request_wait_done(request);
}

static void run_notify(struct control_request *request)
{
        char name[NAME_TEXT_MAX];
        struct json json = {.out = &request->body};
        size_t count = 0;

        int r = notify_zone_force(request->control->options.notify, request->route.zone, &count);
        name_to_zone_text(request->route.zone, name);
        if (r == -ENOENT) {
                request_answer_error(request, MHD_HTTP_NOT_FOUND, "no zone %s is published here", name);
                return;
        }
        if (r < 0) {
                request_answer_error(request, MHD_HTTP_INTERNAL_SERVER_ERROR, "%s: %s", name, strerror(-r));
                return;
        }
        json_open(&json, NULL, '{');
        json_text(&json, "zone", name);
        json_number(&json, "targets", count);
        json_close(&json, '}');
        buffer_append_u8(&request->body, '\n');
        request_answer(request, MHD_HTTP_OK);
}

static int reload_all(struct control_request *request)
{
        const struct control_options *options = &request->control->options;

        if (options->reload_configuration) {
                int r = options->reload_configuration(options->context, &request->notes);
                if (r < 0) {
                        struct json json = {.out = &request->body};
                        json_open(&json, NULL, '{');
                        json_text(&json, "error", "the configuration has errors; the one before stays");
                        json_text(&json, "details", request->notes);
                        json_close(&json, '}');
                        buffer_append_u8(&request->body, '\n');
                        request_answer(request,
                                r == -EINVAL ? STATUS_WRONG_CONFIGURATION : MHD_HTTP_INTERNAL_SERVER_ERROR);
                        return 0;
                }
        }
        return registry_reload_all(options->registry, on_reload_all, request);
}

/* A name that is nobody's would be assumed in vain, and the one that was meant waited for. */
static int serial_set(struct control_request *request)
{
        struct registry *registry = request->control->options.registry;
        const uint8_t *zone = request->route.zone;
        char unknown[NAME_TEXT_MAX], name[NAME_TEXT_MAX];

        if (registry_find(registry, zone) &&
                !registry_serial_knows(registry, zone, request->route.assumed, unknown)) {
                request_answer_error(request, MHD_HTTP_BAD_REQUEST,
                        "%s has no secondary %s that could be assumed to have a serial; zonecrier serial %s "
                        "names them",
                        name_to_zone_text(zone, name), unknown, name);
                return 0;
        }
        return registry_serial_set(registry, zone, request->route.serial, request->route.longest,
                request->route.assumed, on_verdict, request);
}

static int ask_registry(struct control_request *request)
{
        struct registry *registry = request->control->options.registry;
        const uint8_t *zone = request->route.zone;

        switch (request->route.kind) {
        case ROUTE_RELOAD_ALL:
                return reload_all(request);
        case ROUTE_RELOAD:
                return registry_reload(registry, zone, on_verdict, request);
        case ROUTE_SETTLE:
                if (request->control->options.survey)
                        survey_hurry(request->control->options.survey, zone);
                return registry_settle(registry, zone, on_verdict, request);
        case ROUTE_FREEZE:
                return registry_freeze(registry, zone, on_verdict, request);
        case ROUTE_THAW:
                return registry_thaw(registry, zone, on_verdict, request);
        case ROUTE_APPROVE:
                return *request->route.commit
                               ? registry_approve_commit(
                                         registry, zone, request->route.commit, on_verdict, request)
                               : registry_approve(registry, zone, request->route.hash, on_verdict, request);
        case ROUTE_ROLLBACK:
                return registry_rollback(registry, zone, request->route.to, on_verdict, request);
        case ROUTE_PLAN:
                return registry_plan(
                        registry, zone, TAKE_FD(request->text_fd), request->route.changes, on_plan, request);
        case ROUTE_SERIAL:
                return registry_serials_ask(registry, zone, serials_answer, request);
        case ROUTE_SERIAL_SET:
                return serial_set(request);
        case ROUTE_SERIAL_ABORT:
                return registry_serial_abort(registry, zone, on_verdict, request);
        case ROUTE_STATUS:
        case ROUTE_DOCTOR:
        case ROUTE_DOCTOR_ZONE:
        case ROUTE_ZONE:
        case ROUTE_TEXT:
        case ROUTE_DUMP:
        case ROUTE_LOG:
        case ROUTE_DIFF:
        case ROUTE_NOTIFY:
        case ROUTE_PUSH:
        case ROUTE_PUSH_PLAN:
        case ROUTE_PUSH_APPROVE:
                break;
        }
        return -EOPNOTSUPP;
}

void command_run(struct control_request *request)
{
        char name[NAME_TEXT_MAX];

        if (request->control->is_ending) {
                request_answer_error(request, MHD_HTTP_SERVICE_UNAVAILABLE, "zonecrierd is stopping");
                return;
        }
        if (request->route.kind == ROUTE_NOTIFY) {
                run_notify(request);
                return;
        }
        if (push_command_run(request))
                return;
        request_wait(request);
        int r = ask_registry(request);
        if (r == -ENOENT)
                request_answer_error(request, MHD_HTTP_NOT_FOUND, "no zone %s here",
                        name_to_zone_text(request->route.zone, name));
        else if (r == -ENOTSUP)
                request_answer_error(request, MHD_HTTP_CONFLICT,
                        "%s does not come from git: approve it by the hash that status shows",
                        name_to_zone_text(request->route.zone, name));
        else if (r < 0)
                request_answer_error(request, MHD_HTTP_INTERNAL_SERVER_ERROR, "%s", strerror(-r));
        /* An error, or a wrong configuration: the registry was not asked and will not call. */
        if (request->is_waiting && request->is_answered)
                request_wait_done(request);
}
