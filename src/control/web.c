/* Requests for the page, the metrics and the status: who may, by which name, and what they get.
 *
 * The page of many zones is gathered in slices of the main loop (overview.h); meanwhile its requests are
 * suspended. What was gathered serves for a moment, and all who asked for the same. */
#include "control/web.h"

#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "control/listener.h"
#include "control/metrics.h"
#include "control/overview.h"
#include "control/page.h"
#include "control/stream.h"
#include "server/server.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define CONNECTIONS_MAX 64
#define KEPT_USEC (2 * USEC_PER_SEC) /* an overview is as good as new */
#define ALIVE_USEC (30 * USEC_PER_SEC)
#define BACKLOG 64

struct web_request {
        struct web *web;
        struct listener *listener;
        struct MHD_Connection *connection;
        struct web_request *next; /* of those that wait for an overview */
        struct overview_key key;
        char *target;
        bool has_begun, is_waiting;
        bool is_ready;   /* web->overview was its answer when it was told */
        bool has_failed; /* it could not be gathered */
};

struct web {
        const struct status_sources *sources;
        const struct recent *recent;
        struct conf *conf;
        struct listener_group listening;
        struct web_request *waiting;
        struct overview_gather *gather; /* for gather_key */
        struct overview_key gather_key;
        struct overview overview; /* the last one */
        char host_name[256];
        char why[256];
};

/* ---- answers ---- */

static const struct {
        const char *name, *value;
} guarding_headers[] = {
        {"X-Content-Type-Options", "nosniff"},
        {"X-Frame-Options", "DENY"},
        {"Referrer-Policy", "no-referrer"},
        {"Cross-Origin-Resource-Policy", "same-origin"},
        {"Cache-Control", "no-store"},
};

static enum MHD_Result queue_response(
        struct web_request *request, unsigned status, const char *type, struct MHD_Response *response)
{
        const char *policy = page_policy();

        if (!response || !policy) {
                if (response)
                        MHD_destroy_response(response);
                return MHD_NO;
        }
        MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type);
        MHD_add_response_header(response, "Content-Security-Policy", policy);
        for (size_t i = 0; i < ARRAY_SIZE(guarding_headers); i++)
                MHD_add_response_header(response, guarding_headers[i].name, guarding_headers[i].value);
        if (status == MHD_HTTP_METHOD_NOT_ALLOWED)
                MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
        enum MHD_Result result = MHD_queue_response(request->connection, status, response);
        MHD_destroy_response(response);
        return result;
}

/* Takes the buffer's memory. */
static enum MHD_Result queue_buffer(
        struct web_request *request, unsigned status, const char *type, struct buffer *body)
{
        if (buffer_status(body) < 0) {
                buffer_free(body);
                return MHD_NO;
        }
        struct MHD_Response *response =
                MHD_create_response_from_buffer(body->length, body->data, MHD_RESPMEM_MUST_FREE);
        if (!response)
                buffer_free(body);
        return queue_response(request, status, type, response);
}

static enum MHD_Result queue_sentence(struct web_request *request, unsigned status, const char *text)
{
        struct buffer body = {0};
        buffer_printf(&body, "%s\n", text);
        return queue_buffer(request, status, "text/plain; charset=utf-8", &body);
}

static enum MHD_Result answer_stream(
        struct web_request *request, int r, struct stream *stream, const char *type)
{
        if (r < 0)
                return queue_sentence(request, MHD_HTTP_INTERNAL_SERVER_ERROR, strerror(-r));
        return queue_response(request, MHD_HTTP_OK, type, stream_response(stream));
}

static enum MHD_Result answer_metrics(struct web_request *request)
{
        const struct web *web = request->web;
        struct buffer body = {0};
        struct stream *stream = NULL;

        if (web->conf->options.zone_metrics) {
                int r = metrics_stream_new(web->sources, web->recent, &stream);
                return answer_stream(request, r, stream, METRICS_TYPE);
        }
        metrics_append(&body, web->sources, web->recent);
        return queue_buffer(request, MHD_HTTP_OK, METRICS_TYPE, &body);
}

static enum MHD_Result answer_health(struct web_request *request)
{
        const struct control_options *options = request->web->sources->options;

        if (!registry_is_alive(options->registry, ALIVE_USEC))
                return queue_sentence(request, MHD_HTTP_SERVICE_UNAVAILABLE, "the publisher does not move");
        if (options->server && !server_is_alive(options->server, ALIVE_USEC))
                return queue_sentence(
                        request, MHD_HTTP_SERVICE_UNAVAILABLE, "a serving thread does not move");
        if (!registry_is_settled(options->registry))
                return queue_sentence(request, MHD_HTTP_SERVICE_UNAVAILABLE,
                        "starting: not every zone has been looked at yet");
        return queue_sentence(request, MHD_HTTP_OK, "ok");
}

static enum MHD_Result answer_page(struct web_request *request)
{
        const struct web *web = request->web;
        struct buffer body = {0};

        page_append(&body, web->sources, &web->overview, web->recent, clock_realtime_usec());
        return queue_buffer(request, MHD_HTTP_OK, "text/html; charset=utf-8", &body);
}

/* ---- the page waits for its overview ---- */

static bool key_equal(const struct overview_key *left, const struct overview_key *right)
{
        return left->rows == right->rows && strcmp(left->find, right->find) == 0;
}

static void gather_begin(struct web *web);

static void waiting_remove(struct web_request *request)
{
        struct web_request **at = &request->web->waiting;
        while (*at != request)
                at = &(*at)->next;
        *at = request->next;
        request->is_waiting = false;
}

static void resume(struct web_request *request, bool is_ready)
{
        waiting_remove(request);
        request->is_ready = is_ready;
        request->has_failed = !is_ready;
        MHD_resume_connection(request->connection);
        listener_wake(request->listener);
}

static void on_gathered(void *context, struct overview *overview)
{
        struct web *web = context;

        web->gather = NULL;
        overview_clear(&web->overview);
        web->overview = *overview;
        *overview = (struct overview){0};
        for (struct web_request *request = web->waiting, *next; request; request = next) {
                next = request->next;
                if (key_equal(&request->key, &web->overview.key))
                        resume(request, true);
        }
        gather_begin(web);
}

/* For the first that waits. */
static void gather_begin(struct web *web)
{
        while (!web->gather && web->waiting) {
                web->gather_key = web->waiting->key;
                if (overview_begin(web->sources, &web->gather_key, on_gathered, web, &web->gather) < 0)
                        resume(web->waiting, false); /* no memory: it is told so */
        }
}

static bool is_at_hand(const struct web *web, const struct overview_key *key)
{
        uint64_t now = clock_realtime_usec();
        return web->overview.rows && key_equal(&web->overview.key, key) &&
               now >= web->overview.gathered_usec && now - web->overview.gathered_usec < KEPT_USEC;
}

static enum MHD_Result want_page(struct web_request *request, const struct web_route *route)
{
        struct web *web = request->web;

        strcpy(request->key.find, route->find);
        request->key.rows = route->rows;
        if (is_at_hand(web, &request->key))
                return answer_page(request);
        request->is_waiting = true;
        request->next = web->waiting;
        web->waiting = request;
        MHD_suspend_connection(request->connection);
        gather_begin(web);
        return MHD_YES;
}

/* ---- libmicrohttpd's callbacks ---- */

static void *on_begin(void *context, const char *target, struct MHD_Connection *connection)
{
        struct listener *listener = context;
        struct web_request *request = calloc(1, sizeof *request);

        if (!request || !(request->target = strdup(target))) {
                free(request);
                return NULL;
        }
        request->web = listener->group->owner;
        request->listener = listener;
        request->connection = connection;
        return request;
}

static const struct conf_channel *channel_of(const struct web *web, const struct address *address)
{
        const struct conf_options *options = &web->conf->options;
        for (size_t i = 0; i < options->channel_count; i++)
                if (address_and_port_equal(&options->channels[i].address, address))
                        return &options->channels[i];
        return NULL;
}

static bool may_look(const struct web_request *request)
{
        const union MHD_ConnectionInfo *info =
                MHD_get_connection_info(request->connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
        const struct conf_channel *channel = channel_of(request->web, &request->listener->address);
        struct address peer;

        return info && channel && address_from_sockaddr(info->client_addr, &peer) == 0 &&
               acl_allows_address(channel->allow, &peer);
}

static bool came_by_our_name(const struct web_request *request)
{
        const struct web *web = request->web;
        const struct conf_options *options = &web->conf->options;
        const char *host =
                MHD_lookup_connection_value(request->connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_HOST);
        const char *const own[] = {web->host_name};

        return !host || web_host_is_ours(host, options->channel_hosts, options->channel_host_count) ||
               web_host_is_ours(host, own, 1);
}

static enum MHD_Result answer(struct web_request *request, const char *method)
{
        struct web_route route;
        struct stream *stream = NULL;

        if (!may_look(request))
                return queue_sentence(request, MHD_HTTP_FORBIDDEN,
                        "Your address is not among those that statistics-channels allows.");
        if (!came_by_our_name(request))
                return queue_sentence(request, MHD_HTTP_MISDIRECTED_REQUEST,
                        "This name is not known here: `host \"NAME\";` in statistics-channels makes it so.");
        if (strcmp(method, MHD_HTTP_METHOD_GET) != 0 && strcmp(method, MHD_HTTP_METHOD_HEAD) != 0)
                return queue_sentence(request, MHD_HTTP_METHOD_NOT_ALLOWED, "Nothing can be changed here.");
        web_route_read(request->target, &route);
        switch (route.path) {
        case WEB_PAGE:
                return want_page(request, &route);
        case WEB_METRICS:
                return answer_metrics(request);
        case WEB_HEALTH:
                return answer_health(request);
        case WEB_STATUS: {
                int r = status_stream_new(request->web->sources, &stream);
                return answer_stream(request, r, stream, "application/json");
        }
        case WEB_NOTHING:
                break;
        }
        return queue_sentence(
                request, MHD_HTTP_NOT_FOUND, "Here are /, /metrics, /healthz and /status.json.");
}

static enum MHD_Result on_request(void *context, struct MHD_Connection *connection, const char *url,
        const char *method, const char *version, const char *upload, size_t *upload_size,
        void **context_of_request)
{
        struct web_request *request = *context_of_request;
        (void)context, (void)connection, (void)url, (void)version, (void)upload;

        if (!request)
                return MHD_NO; /* memory was out */
        if (!request->has_begun) {
                request->has_begun = true;
                return MHD_YES;
        }
        if (*upload_size > 0) { /* nothing here takes a body */
                *upload_size = 0;
                return MHD_YES;
        }
        if (request->has_failed)
                return queue_sentence(request, MHD_HTTP_SERVICE_UNAVAILABLE, "out of memory");
        if (request->is_ready && key_equal(&request->key, &request->web->overview.key))
                return answer_page(request);
        return answer(request, method);
}

static void on_completed(void *context, struct MHD_Connection *connection, void **context_of_request,
        enum MHD_RequestTerminationCode code)
{
        struct web_request *request = *context_of_request;
        (void)context, (void)connection, (void)code;

        *context_of_request = NULL;
        if (!request)
                return;
        if (request->is_waiting)
                waiting_remove(request);
        free(request->target);
        free(request);
}

/* ---- listening ---- */

static int bind_to(const struct address *address, int *ret_fd)
{
        struct sockaddr_storage name;
        socklen_t length = address_to_sockaddr(address, &name);
        const int on = 1;
        CLEANUP_CLOSE int fd =
                socket(address->family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_TCP);

        if (fd < 0)
                return -errno;
        if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) < 0)
                return -errno;
        if (address->family == AF_INET6 && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on) < 0)
                return -errno;
        if (bind(fd, (const struct sockaddr *)&name, length) < 0 || listen(fd, BACKLOG) < 0)
                return -errno;
        *ret_fd = TAKE_FD(fd);
        return 0;
}

static int listen_on(struct web *web, const struct address *address, const char **ret_why)
{
        struct control_socket socket = {.fd = -1};
        char text[ADDRESS_TEXT_MAX];
        const char *why = NULL;

        int r = bind_to(address, &socket.fd);
        if (r == 0)
                r = listener_new(&web->listening, &socket, &why);
        if (r == 0) {
                web->listening.first->address = *address;
                log_write(LOG_INFO, NULL, "statistics-channels on %s", address_format(address, text));
                return 0;
        }
        snprintf(web->why, sizeof web->why, "statistics-channels: %s: %s", address_format(address, text),
                why ? why : strerror(-r));
        *ret_why = web->why;
        return r;
}

static bool has_listener(const struct web *web, const struct address *address)
{
        for (const struct listener *at = web->listening.first; at; at = at->next)
                if (!at->is_retired && address_and_port_equal(&at->address, address))
                        return true;
        return false;
}

static bool has_channel(const struct conf *conf, const struct address *address)
{
        for (size_t i = 0; i < conf->options.channel_count; i++)
                if (address_and_port_equal(&conf->options.channels[i].address, address))
                        return true;
        return false;
}

/* Those of `conf` that are not there yet; all or none. */
static int listen_on_new(struct web *web, const struct conf *conf, const char **ret_why)
{
        struct listener *before = web->listening.first;

        for (size_t i = 0; i < conf->options.channel_count; i++) {
                const struct address *address = &conf->options.channels[i].address;
                int r = has_listener(web, address) ? 0 : listen_on(web, address, ret_why);
                if (r < 0) {
                        while (web->listening.first != before)
                                listener_free(web->listening.first);
                        return r;
                }
        }
        return 0;
}

int web_reconfigure(struct web *web, struct conf *conf, const char **ret_why)
{
        int r = listen_on_new(web, conf, ret_why);
        if (r < 0)
                return r;
        for (struct listener *at = web->listening.first; at; at = at->next)
                if (!at->is_retired && !has_channel(conf, &at->address))
                        listener_retire(at);
        conf_ref(conf);
        conf_unref(web->conf);
        web->conf = conf;
        return 0;
}

int web_new(const struct status_sources *sources, const struct recent *recent, struct conf *conf,
        struct web **ret_web, const char **ret_why)
{
        static char why[256];
        struct web *web = calloc(1, sizeof *web);

        if (!web) {
                *ret_why = "out of memory";
                return -ENOMEM;
        }
        web->sources = sources;
        web->recent = recent;
        web->conf = conf_ref(conf);
        web->listening = (struct listener_group){.owner = web,
                .name = "statistics-channels",
                .event = sources->options->event,
                .connections_max = CONNECTIONS_MAX,
                .begin = on_begin,
                .handle = on_request,
                .completed = on_completed};
        if (gethostname(web->host_name, sizeof web->host_name - 1) < 0)
                *web->host_name = '\0';
        int r = listen_on_new(web, conf, ret_why);
        if (r < 0) {
                snprintf(why, sizeof why, "%s", *ret_why);
                *ret_why = why;
                web_free(web);
                return r;
        }
        *ret_web = web;
        return 0;
}

struct web *web_free(struct web *web)
{
        if (!web)
                return NULL;
        overview_cancel(web->gather);
        while (web->waiting)
                resume(web->waiting, false);
        while (web->listening.first)
                listener_free(web->listening.first);
        overview_clear(&web->overview);
        conf_unref(web->conf);
        free(web);
        return NULL;
}
