/* One request to Cloudflare's API. A worker's thread. */
#pragma once

#include "push/provider.h"

#include <jansson.h>

struct buffer;

/* path: behind the endpoint; body NULL = none. An enum push_outcome, or a negative errno.
 * PUSH_OK: status 200, the answer is in session->answer. */
int cloudflare_send(struct push_session *session, const char *method, struct buffer *path, const char *body);
/* The same; *ret_root: the whole answer of a success. */
int cloudflare_ask(struct push_session *session, const char *method, struct buffer *path, const char *body,
        json_t **ret_root);
/* Says that an answer was no JSON, or not all of it. */
int cloudflare_cut(struct push_session *session);
