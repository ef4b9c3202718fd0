/* Requests: begin, route, do, answer. Main loop.
 *
 * A request whose answer waits for the publisher's thread is suspended; libmicrohttpd does not look at its
 * connection until it is resumed, so a client that went away in the meantime is seen when the answer is
 * written. What the registry still holds when the control socket goes stays in `orphans` until it calls back.
 */
#include "control/request.h"

#include "base/cleanup.h"
#include "base/log.h"
#include "base/log_ids.h"
#include "control/doctor.h"
#include "control/history.h"
#include "control/show.h"
#include "control/stream.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#define TEXT_LIMIT_BYTES (512ull << 20)

static struct control_request *orphans;

static void request_free(struct control_request *request)
{
        if (request->connection || request->is_waiting)
                return;
        buffer_free(&request->body);
        buffer_free(&request->zones);
        free(request->notes);
        free(request->target);
        if (request->text_fd >= 0)
                close(request->text_fd);
        free(request);
}

/* ---- answers ---- */

void request_answer(struct control_request *request, unsigned status)
{
        if (request->is_answered)
                return;
        request->is_answered = true;
        request->status = status;
}

void request_answer_error(struct control_request *request, unsigned status, const char *format, ...)
{
        char text[1024];
        struct json json = {.out = &request->body};
        va_list arguments;

        if (request->is_answered)
                return;
        va_start(arguments, format);
        vsnprintf(text, sizeof(text), format, arguments);
        va_end(arguments);
        buffer_clear(&request->body);
        json_open(&json, NULL, '{');
        json_text(&json, "error", text);
        json_close(&json, '}');
        buffer_append_u8(&request->body, '\n');
        request_answer(request, status);
}

static enum MHD_Result queue_response(
        struct control_request *request, unsigned status, struct MHD_Response *response)
{
        if (!response)
                return MHD_NO;
        if (request->allow)
                MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, request->allow);
        enum MHD_Result result = MHD_queue_response(request->connection, status, response);
        MHD_destroy_response(response);
        return result;
}

static enum MHD_Result queue_typed(
        struct control_request *request, unsigned status, const char *type, struct MHD_Response *response)
{
        if (response)
                MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type);
        return queue_response(request, status, response);
}

static enum MHD_Result queue_answer(struct control_request *request)
{
        if (buffer_status(&request->body) < 0)
                return MHD_NO;
        struct MHD_Response *response = MHD_create_response_from_buffer(
                request->body.length, request->body.data, MHD_RESPMEM_MUST_COPY);
        return queue_typed(request, request->status, "application/json", response);
}

/* ---- what only reads ---- */

static enum MHD_Result answer_stream(
        struct control_request *request, int r, struct stream *stream, const char *type)
{
        char zone[NAME_TEXT_MAX];

        if (r == 0)
                return queue_typed(request, MHD_HTTP_OK, type, stream_response(stream));
        name_to_zone_text(request->route.zone, zone);
        if (r == -ENOENT)
                request_answer_error(request, MHD_HTTP_NOT_FOUND, "%s is not published", zone);
        else if (r == -ESTALE)
                request_answer_error(request, MHD_HTTP_NOT_FOUND,
                        "the history of %s does not reach that serial: zonecrier log %s shows which it has",
                        zone, zone);
        else
                request_answer_error(request, MHD_HTTP_INTERNAL_SERVER_ERROR, "%s: %s", zone,
                        r == -EUCLEAN ? "a stored value is damaged" : strerror(-r));
        return queue_answer(request);
}

static enum MHD_Result answer_zone(struct control_request *request)
{
        char text[NAME_TEXT_MAX];
        struct json json = {.out = &request->body};
        const struct zone_entry *zone =
                registry_find(request->control->options.registry, request->route.zone);

        if (!zone) {
                request_answer_error(request, MHD_HTTP_NOT_FOUND, "no zone %s here",
                        name_to_zone_text(request->route.zone, text));
                return queue_answer(request);
        }
        json_open(&json, NULL, '{');
        status_append_daemon(&json, &request->control->sources);
        json_open(&json, "zones", '[');
        int r = status_append_zone_now(&json, &request->control->sources, zone, true);
        json_close(&json, ']');
        json_close(&json, '}');
        buffer_append_u8(&request->body, '\n');
        if (r < 0)
                request_answer_error(
                        request, MHD_HTTP_INTERNAL_SERVER_ERROR, "%s: %s", zone->name_text, strerror(-r));
        else
                request_answer(request, MHD_HTTP_OK);
        return queue_answer(request);
}

static enum MHD_Result answer_doctor(struct control_request *request)
{
        struct control *control = request->control;
        struct json json = {.out = &request->body};
        char text[NAME_TEXT_MAX];
        const struct zone_entry *zone = NULL;
        int r = 0;

        if (request->route.kind == ROUTE_DOCTOR_ZONE &&
                !(zone = registry_find(control->options.registry, request->route.zone))) {
                request_answer_error(request, MHD_HTTP_NOT_FOUND, "no zone %s here",
                        name_to_zone_text(request->route.zone, text));
                return queue_answer(request);
        }
        json_open(&json, NULL, '{');
        if (zone)
                r = doctor_append_zone(&json, &control->sources, control->conf, zone);
        else
                doctor_append_daemon(&json, &control->sources, control->conf);
        json_close(&json, '}');
        buffer_append_u8(&request->body, '\n');
        if (r < 0)
                request_answer_error(
                        request, MHD_HTTP_INTERNAL_SERVER_ERROR, "%s: %s", zone->name_text, strerror(-r));
        else
                request_answer(request, MHD_HTTP_OK);
        return queue_answer(request);
}

static enum MHD_Result answer_read(struct control_request *request)
{
        struct control *control = request->control;
        struct stream *stream = NULL;
        int r;

        switch (request->route.kind) {
        case ROUTE_STATUS:
                r = status_stream_new(&control->sources, &stream);
                return answer_stream(request, r, stream, "application/json");
        case ROUTE_TEXT:
                r = show_stream_new(
                        control->options.store, request->route.zone, request->route.serial, &stream);
                return answer_stream(request, r, stream, "text/dns");
        case ROUTE_LOG:
                r = log_stream_new(
                        control->options.store, control->options.fleet, request->route.zone, &stream);
                return answer_stream(request, r, stream, "application/json");
        case ROUTE_DIFF:
                r = diff_stream_new(control->options.store, request->route.zone, request->route.from,
                        request->route.to, &stream);
                return answer_stream(request, r, stream, "text/plain; charset=utf-8");
        case ROUTE_DUMP:
                r = dump_stream_new(control->options.store, request->route.zone, &stream);
                return answer_stream(request, r, stream, "text/plain; charset=utf-8");
        case ROUTE_ZONE:
                return answer_zone(request);
        case ROUTE_DOCTOR:
        case ROUTE_DOCTOR_ZONE:
                return answer_doctor(request);
        case ROUTE_RELOAD_ALL:
        case ROUTE_RELOAD:
        case ROUTE_NOTIFY:
        case ROUTE_FREEZE:
        case ROUTE_THAW:
        case ROUTE_APPROVE:
        case ROUTE_ROLLBACK:
        case ROUTE_PLAN:
        case ROUTE_SETTLE:
        case ROUTE_SERIAL:
        case ROUTE_SERIAL_SET:
        case ROUTE_SERIAL_ABORT:
        case ROUTE_PUSH:
        case ROUTE_PUSH_PLAN:
        case ROUTE_PUSH_APPROVE:
                break;
        }
        return MHD_NO;
}

/* ---- what changes something ---- */

static void log_caller(struct control_request *request)
{
        const union MHD_ConnectionInfo *info =
                MHD_get_connection_info(request->connection, MHD_CONNECTION_INFO_CONNECTION_FD);
        struct ucred caller;
        socklen_t size = sizeof(caller);
        char zone[NAME_TEXT_MAX];
        struct log_fields fields = {.message_id = MESSAGE_CONTROL};

        if (request->route.kind != ROUTE_RELOAD_ALL)
                fields.zone = name_to_zone_text(request->route.zone, zone);
        if (!info || getsockopt(info->connect_fd, SOL_SOCKET, SO_PEERCRED, &caller, &size) < 0) {
                log_write(LOG_NOTICE, &fields, "%s%s%s by an unknown caller", route_verb(request->route.kind),
                        fields.zone ? " " : "", fields.zone ? fields.zone : "");
                return;
        }
        log_write(LOG_NOTICE, &fields, "%s%s%s by uid %u, pid %d", route_verb(request->route.kind),
                fields.zone ? " " : "", fields.zone ? fields.zone : "", caller.uid, (int)caller.pid);
}

static enum MHD_Result run_command(struct control_request *request)
{
        if (request->route.kind != ROUTE_PLAN && request->route.kind != ROUTE_SETTLE &&
                request->route.kind != ROUTE_SERIAL) /* they change nothing */
                log_caller(request);
        command_run(request);
        if (request->is_answered)
                return queue_answer(request);
        request->is_suspended = true;
        MHD_suspend_connection(request->connection);
        return MHD_YES;
}

void request_end_waiting(struct control *control, const struct listener *listener)
{
        for (struct control_request *request = control->waiting; request; request = request->next_waiting) {
                if (!request->connection || !request->is_suspended ||
                        (listener && request->listener != listener))
                        continue;
                request_answer_error(request, MHD_HTTP_SERVICE_UNAVAILABLE,
                        "zonecrierd is stopping; what was asked may still be done");
                request->is_suspended = false;
                MHD_resume_connection(request->connection);
        }
}

void request_orphan_waiting(struct control *control)
{
        while (control->waiting) {
                struct control_request *request = control->waiting;
                control->waiting = request->next_waiting;
                request->control = NULL;
                request->next_waiting = orphans;
                orphans = request;
        }
}

void request_wait(struct control_request *request)
{
        request->is_waiting = true;
        request->next_waiting = request->control->waiting;
        request->control->waiting = request;
}

void request_wait_done(struct control_request *request)
{
        struct control_request **at = request->control ? &request->control->waiting : &orphans;
        while (*at != request)
                at = &(*at)->next_waiting;
        *at = request->next_waiting;
        request->is_waiting = false;
        if (request->is_suspended) {
                request->is_suspended = false;
                MHD_resume_connection(request->connection);
                listener_wake(request->listener);
        }
        request_free(request);
}

/* ---- libmicrohttpd's callbacks ---- */

void *request_begin(void *context, const char *target, struct MHD_Connection *connection)
{
        struct listener *listener = context;
        struct control_request *request = calloc(1, sizeof(*request));
        if (!request)
                return NULL;
        request->target = strdup(target);
        if (!request->target) {
                free(request);
                return NULL;
        }
        request->control = listener->group->owner;
        request->text_fd = -1;
        request->listener = listener;
        request->connection = connection;
        return request;
}

/* The text of a plan goes to a memory file, which the publisher reads. */
static void take_body(struct control_request *request, const char *bytes, size_t length)
{
        if (request->text_fd < 0)
                request->text_fd = memfd_create("plan", MFD_CLOEXEC);
        if (request->text_bytes + length > TEXT_LIMIT_BYTES)
                request_answer_error(request, MHD_HTTP_CONTENT_TOO_LARGE,
                        "a text of more than %llu MiB is planned by the file alone: put it in its place",
                        (unsigned long long)(TEXT_LIMIT_BYTES >> 20));
        for (size_t written = 0; !request->is_answered && written < length;) {
                ssize_t n = write(request->text_fd, bytes + written, length - written);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n <= 0)
                        request_answer_error(request, MHD_HTTP_INTERNAL_SERVER_ERROR,
                                "the text could not be kept: %s", strerror(errno));
                written += n > 0 ? (size_t)n : 0;
        }
        request->text_bytes += length;
}

enum MHD_Result request_handle(void *context, struct MHD_Connection *connection, const char *url,
        const char *method, const char *version, const char *upload, size_t *upload_size,
        void **context_of_request)
{
        struct control_request *request = *context_of_request;
        const char *error;
        (void)context, (void)connection, (void)url, (void)version, (void)upload;

        if (!request)
                return MHD_NO; /* memory was out */
        if (!request->has_begun) {
                request->has_begun = true;
                unsigned status =
                        route_find(method, request->target, &request->route, &error, &request->allow);
                if (status)
                        request_answer_error(request, status, "%s", error);
                return MHD_YES;
        }
        if (*upload_size > 0) {
                if (request->route.kind == ROUTE_PLAN && !request->is_answered)
                        take_body(request, upload, *upload_size);
                *upload_size = 0; /* of the others nothing takes a body */
                return MHD_YES;
        }
        if (request->is_answered)
                return queue_answer(request);
        if (strcmp(method, "POST") == 0)
                return run_command(request);
        return answer_read(request);
}

void request_completed(void *context, struct MHD_Connection *connection, void **context_of_request,
        enum MHD_RequestTerminationCode code)
{
        struct control_request *request = *context_of_request;
        (void)context, (void)connection, (void)code;

        *context_of_request = NULL;
        if (!request)
                return;
        request->connection = NULL;
        request_free(request);
}
