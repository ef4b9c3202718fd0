/* Asks zonecrierd: HTTP over its unix socket. */
#pragma once

#include <jansson.h>
#include <stdio.h>

struct client;
struct buffer;

struct reply {
        long status; /* HTTP's */
        FILE *body;  /* whole, rewound; a temporary file, so that a cut answer is never taken for a whole one
                      */
};

/* path: "/v1/...". CLIENT_OK with a reply of whatever status, or CLIENT_FAILED after telling why on standard
 * error. */
int request_run(const struct client *client, const char *method, const char *path, struct reply *ret_reply);
/* POST with the octets of fd, from its start, as the body. */
int request_post_file(const struct client *client, const char *path, int fd, struct reply *ret_reply);
void reply_close(struct reply *reply);
/* Parsed, or NULL after telling that it is no JSON. */
json_t *reply_json(struct reply *reply);
/* For a status of 400 and more: prints what zonecrierd says, returns CLIENT_WRONG. */
int reply_tell_error(struct reply *reply);

/* "/v1/zones/NAME" and suffix, percent-encoded. NULL = memory is out. malloc'ed. */
char *request_zone_path(const char *zone, const char *suffix);
/* Why nobody answers at the socket, and what to do: one line without newline. error: errno of the connect. */
void request_explain(const char *socket_path, int error, struct buffer *out);
