/* HTTPS requests of one account, one after the other, over a connection that is kept. Blocks: a worker's
 * thread alone.
 *
 * What goes out as an error is curl's sentence, which knows of addresses and certificates alone. At --debug
 * curl's verbose output is logged, scrubbed (trace.h); bodies never are (I8). Redirects are not followed. */
#pragma once

#include "base/buffer.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

struct http;

#define HTTP_WHY_MAX 320

struct http_options {
        const char *ca_file;            /* NULL = the system's */
        bool may_be_plain;              /* the endpoint is http:// to a loopback address */
        const atomic_bool *is_stopping; /* a request under way is given up soon after it is set */
        unsigned
                timeout_sec; /* a request that takes longer, or moves nothing for half as long, is given up */
};

struct http_answer {
        long status;
        unsigned retry_after_sec; /* 0 = not said */
        struct buffer body;       /* at most 32 MiB */
        char why[HTTP_WHY_MAX];   /* http_request failed */
};

int http_new(const struct http_options *options, struct http **ret_http);
/* headers: "Name: value", NULL ends them. body NULL: none. 0 = a whole answer is there, whatever its status;
 * -EIO = none (answer->why says why); -ENOMEM; -ECANCELED = stopping. */
int http_request(struct http *http, const char *method, const char *url, const char *const *headers,
        const void *body, size_t body_length, struct http_answer *answer);
struct http *http_free(struct http *http);

/* Percent-encodes all but the unreserved characters (RFC 3986 s.2.3). */
void http_append_encoded(struct buffer *out, const char *text);

/* The parts of "https://host[:port][/path]": host with its port, and the path without a final slash ("" =
 * none). Pointers lie in url. False where it is none. */
struct http_endpoint {
        const char *host;
        size_t host_length;
        const char *path;
        size_t path_length;
        bool is_plain;    /* http:// */
        bool is_loopback; /* the host is 127.0.0.0/8, [::1] or localhost */
};
bool http_endpoint_parse(const char *url, struct http_endpoint *ret_endpoint);
