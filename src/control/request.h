/* One HTTP request, from its first line to its answer; and the control socket's state. Main loop. Private to
 * control/.
 *
 * A request has up to two holders: the connection (until libmicrohttpd says that it is completed) and the
 * registry (until it calls registry_done). Either may go first; the last one frees it. */
#pragma once

#include "base/buffer.h"
#include "control/control.h"
#include "control/listener.h"
#include "control/route.h"
#include "control/status.h"
#include "control/web.h"

#include <microhttpd.h>

struct control {
        struct control_options options;
        struct status_sources sources;
        struct conf *conf;
        struct listener_group
                listening; /* the one in use first, then those that end with their last connection */
        struct recent recent;
        struct web *web;
        struct control_request *waiting; /* in the registry's hands */
        bool is_ending;
};

struct control_request {
        struct control *control; /* NULL: the control socket is gone */
        struct listener *listener;
        struct MHD_Connection *connection; /* NULL: gone */
        struct control_request *next_waiting;
        char *target; /* of the request line, percent-encoded */
        struct route route;
        bool has_begun;  /* routed */
        bool is_waiting; /* in the list above */
        bool is_suspended;
        bool is_answered; /* status and body are complete */
        unsigned status;
        struct buffer body;
        const char *allow; /* 405 */
        int text_fd;       /* PLAN: the body; -1 = there was none */
        uint64_t text_bytes;

        /* POST /v1/reload: what the zones' verdicts come to. */
        uint64_t verdict_counts[VERDICT_FAILED + 1];
        uint64_t omitted;    /* verdicts that are counted only */
        char *notes;         /* of the configuration */
        struct buffer zones; /* the verdicts worth telling, as JSON */
};

/* For MHD_start_daemon: MHD_OPTION_URI_LOG_CALLBACK, the access handler, MHD_OPTION_NOTIFY_COMPLETED. Each
 * gets the listener. */
void *request_begin(void *listener, const char *target, struct MHD_Connection *connection);
enum MHD_Result request_handle(void *listener, struct MHD_Connection *connection, const char *url,
        const char *method, const char *version, const char *upload, size_t *upload_size, void **request);
void request_completed(void *listener, struct MHD_Connection *connection, void **request,
        enum MHD_RequestTerminationCode code);

/* Sets the answer; the first one stays. */
void request_answer_error(struct control_request *request, unsigned status, const char *format, ...)
        __attribute__((format(printf, 3, 4)));
void request_answer(struct control_request *request, unsigned status); /* body is there */
/* The daemon stops: requests that wait on this listener (NULL: on any) are answered 503 and let go. */
void request_end_waiting(struct control *control, const struct listener *listener);
/* After the last listener: what the registry still holds is left to it. */
void request_orphan_waiting(struct control *control);

/* The registry holds the request from now on, until request_wait_done() (which may free it). */
void request_wait(struct control_request *request);
void request_wait_done(struct control_request *request);

/* command.c: does it; when it returns, the request is answered, or is_waiting. */
void command_run(struct control_request *request);
/* serial.c: what registry_serials_ask() came to. */
struct inquiry_answer;
void serials_answer(
        void *context, const struct zone_entry *zone, const struct inquiry_answer *answers, size_t count);
/* push.c: the same for what concerns pushes; false where the request is about something else. */
bool push_command_run(struct control_request *request);
