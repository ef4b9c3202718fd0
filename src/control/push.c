/* Commands of pushes: push now, what would a push change, release what is held. Main loop. */
#include "control/request.h"

#include "base/encode.h"
#include "push/push.h"

#include <errno.h>
#include <string.h>

static void answer_none(struct control_request *request)
{
        char name[NAME_TEXT_MAX];
        const char *secondary = request->route.secondary;
        name_to_zone_text(request->route.zone, name);
        if (secondary[0])
                request_answer_error(request, MHD_HTTP_NOT_FOUND,
                        "%s is not pushed to a secondary \"%s\"; zonecrier status %s names those it is "
                        "pushed to",
                        name, secondary, name);
        else
                request_answer_error(request, MHD_HTTP_NOT_FOUND,
                        "%s is not pushed anywhere: none of its secondaries is a provider with an API", name);
}

static void run_push(struct control_request *request)
{
        struct json json = {.out = &request->body};
        char name[NAME_TEXT_MAX];
        const char *secondary = request->route.secondary[0] ? request->route.secondary : NULL;
        size_t count = push_force(request->control->options.push, request->route.zone, secondary);
        if (count == 0) {
                answer_none(request);
                return;
        }
        json_open(&json, NULL, '{');
        json_text(&json, "zone", name_to_zone_text(request->route.zone, name));
        json_number(&json, "pushes", count);
        json_close(&json, '}');
        buffer_append_u8(&request->body, '\n');
        request_answer(request, MHD_HTTP_OK);
}

static void run_approve(struct control_request *request)
{
        struct json json = {.out = &request->body};
        char name[NAME_TEXT_MAX];
        int r = push_approve(request->control->options.push, request->route.zone, request->route.secondary,
                request->route.hash);
        name_to_zone_text(request->route.zone, name);
        if (r == -ENOENT) {
                answer_none(request);
        } else if (r == -EALREADY) {
                request_answer_error(request, MHD_HTTP_CONFLICT, "nothing is held of %s at %s", name,
                        request->route.secondary);
        } else if (r == -ESTALE) {
                request_answer_error(request, MHD_HTTP_CONFLICT,
                        "what is held of %s at %s has another hash now; look at it again", name,
                        request->route.secondary);
        } else if (r < 0) {
                request_answer_error(request, MHD_HTTP_INTERNAL_SERVER_ERROR, "%s", strerror(-r));
        } else {
                json_open(&json, NULL, '{');
                json_text(&json, "zone", name);
                json_text(&json, "secondary", request->route.secondary);
                json_close(&json, '}');
                buffer_append_u8(&request->body, '\n');
                request_answer(request, MHD_HTTP_OK);
        }
}

static void on_planned(void *context, const char *text, const uint8_t *hash, bool is_held, const char *why)
{
        struct control_request *request = context;
        struct json json = {.out = &request->body};
        char name[NAME_TEXT_MAX], hash_text[65];

        if (!request->is_answered && !text) {
                request_answer_error(
                        request, MHD_HTTP_BAD_GATEWAY, "%s", why && *why ? why : "no plan can be made");
        } else if (!request->is_answered) {
                json_open(&json, NULL, '{');
                json_text(&json, "zone", name_to_zone_text(request->route.zone, name));
                json_text(&json, "secondary", request->route.secondary);
                json_bool(&json, "held", is_held);
                json_text(&json, "reason", is_held ? why : NULL);
                if (is_held) {
                        hex_encode(hash, 32, hash_text);
                        json_text(&json, "hash", hash_text);
                }
                json_text(&json, "plan", text);
                json_close(&json, '}');
                buffer_append_u8(&request->body, '\n');
                request_answer(request, MHD_HTTP_OK);
        }
        request_wait_done(request);
}

static void run_plan(struct control_request *request)
{
        request_wait(request);
        int r = push_plan(request->control->options.push, request->route.zone, request->route.secondary,
                on_planned, request);
        if (r == 0)
                return;
        if (r == -ENOENT)
                answer_none(request);
        else
                request_answer_error(request, MHD_HTTP_INTERNAL_SERVER_ERROR, "%s", strerror(-r));
        request_wait_done(request);
}

bool push_command_run(struct control_request *request)
{
        enum route_kind kind = request->route.kind;
        if (kind == ROUTE_PUSH)
                run_push(request);
        else if (kind == ROUTE_PUSH_APPROVE)
                run_approve(request);
        else if (kind == ROUTE_PUSH_PLAN)
                run_plan(request);
        else
                return false;
        return true;
}
