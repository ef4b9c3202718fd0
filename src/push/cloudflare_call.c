/* One request to Cloudflare's API, v4, and its envelope. A worker's thread. */
#include "push/cloudflare_call.h"

#include "base/buffer.h"
#include "base/cleanup.h"
#include "push/credentials.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <string.h>

DEFINE_CLEANUP(json_t *, json_decref);

static bool is_denied(long status, json_int_t code)
{
        return status == 401 || status == 403 || code == 10000 || code == 9109 || code == 6003;
}

static int failed_answer(struct push_session *session, const json_t *root)
{
        const json_t *error = json_array_get(json_object_get(root, "errors"), 0);
        json_int_t code = json_integer_value(json_object_get(error, "code"));
        const char *message = json_string_value(json_object_get(error, "message"));
        long status = session->answer.status;
        int outcome = PUSH_REFUSED;

        if (status == 429 || status >= 500) {
                session->wait_sec = session->answer.retry_after_sec;
                session->throttled += status == 429;
                outcome = PUSH_AGAIN;
        } else if (is_denied(status, code)) {
                outcome = PUSH_DENIED;
        } else if (status == 404 || code == 7003) {
                outcome = PUSH_NO_ZONE;
        }
        if (status == 404 && code == 81044)
                outcome = PUSH_REFUSED; /* a record that is not there any more */
        return push_say(session, outcome, "Cloudflare answers %ld%s%s (code %lld)", status,
                message ? ": " : "", message ? message : "", (long long)code);
}

int cloudflare_send(struct push_session *session, const char *method, struct buffer *path, const char *body)
{
        CLEANUP(buffer_free) struct buffer url = {0};
        CLEANUP(buffer_free) struct buffer token = {0};
        json_error_t error;

        if (!buffer_text(path))
                return -ENOMEM;
        buffer_printf(&url, "%s%s", session->endpoint, buffer_text(path));
        buffer_printf(&token, "Authorization: Bearer %s", session->credentials->token);
        if (!buffer_text(&url) || !buffer_text(&token))
                return -ENOMEM;
        const char *headers[] = {buffer_text(&token),
                body ? "Content-Type: application/json" : "Accept: application/json", NULL};
        session->wait_sec = 0;
        session->requests++;
        int r = http_request(session->http, method, buffer_text(&url), headers, body, body ? strlen(body) : 0,
                &session->answer);
        OPENSSL_cleanse(token.data, token.length);
        if (r < 0)
                return push_no_answer(session, r);
        if (session->answer.status == 200)
                return PUSH_OK;
        CLEANUP(json_decref_later)
        json_t *root =
                json_loadb((const char *)session->answer.body.data, session->answer.body.length, 0, &error);
        return failed_answer(session, root);
}

int cloudflare_cut(struct push_session *session)
{
        return push_say(session, PUSH_AGAIN, "the answer is cut or is no JSON");
}

int cloudflare_ask(struct push_session *session, const char *method, struct buffer *path, const char *body,
        json_t **ret_root)
{
        json_error_t error;
        int r = cloudflare_send(session, method, path, body);
        if (r != PUSH_OK)
                return r;
        CLEANUP(json_decref_later)
        json_t *root =
                json_loadb((const char *)session->answer.body.data, session->answer.body.length, 0, &error);
        if (!root)
                return cloudflare_cut(session);
        if (!json_is_true(json_object_get(root, "success")))
                return failed_answer(session, root);
        *ret_root = TAKE(root);
        return PUSH_OK;
}
