/* statistics-channels: the page, /metrics, /healthz and /status.json over HTTP, for those that `allow` lets
 * in. Read only: GET and HEAD. Main loop. Private to control/. */
#pragma once

#include "control/recent.h"
#include "control/status.h"

struct web;

/* sources stays the caller's. *ret_why: a sentence, valid until the next call. */
int web_new(const struct status_sources *sources, const struct recent *recent, struct conf *conf,
        struct web **ret_web, const char **ret_why);
/* Listeners that both configurations have stay; new ones are bound first, and a failure changes nothing. */
int web_reconfigure(struct web *web, struct conf *conf, const char **ret_why);
struct web *web_free(struct web *web);

enum web_path { WEB_PAGE, WEB_METRICS, WEB_HEALTH, WEB_STATUS, WEB_NOTHING };
struct web_route {
        enum web_path path;
        char find[128]; /* of the page: decoded; "" = all zones */
        size_t rows;    /* of the page: at most */
};
/* From the request line's target, percent-encoded as it came. Pure. */
void web_route_read(const char *target, struct web_route *ret_route);
/* Whether a Host header's value is one of ours: an address, localhost, or one of the names. Pure. */
bool web_host_is_ours(const char *host, const char *const *names, size_t count);
