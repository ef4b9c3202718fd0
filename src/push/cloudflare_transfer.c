/* Cloudflare's secondary DNS API, as far as a primary needs it. A worker's thread. */
#include "push/cloudflare_transfer.h"

#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "push/cloudflare_call.h"

#include <errno.h>
#include <string.h>
#include <time.h>

DEFINE_CLEANUP(json_t *, json_decref);

/* "2026-11-22T05:20:00.12345Z" (RFC 3339, in UTC alone); 0 = it is none. */
static uint64_t time_of(const char *text)
{
        struct tm utc = {0};
        const char *end = text ? strptime(text, "%Y-%m-%dT%H:%M:%S", &utc) : NULL;
        if (end && *end == '.')
                end += 1 + strspn(end + 1, "0123456789");
        if (!end || *end != 'Z')
                return 0;
        time_t seconds = timegm(&utc);
        return seconds > 0 ? (uint64_t)seconds * USEC_PER_SEC : 0;
}

int cloudflare_incoming_read(const void *bytes, size_t length, struct push_incoming *ret_incoming)
{
        json_error_t error;
        CLEANUP(json_decref_later) json_t *root = json_loadb(bytes, length, 0, &error);
        const json_t *result = json_object_get(root, "result");
        const json_t *serial = json_object_get(result, "soa_serial");
        json_int_t number = json_integer_value(serial); /* 0 where it is absent or null: nothing yet */

        if (!json_is_true(json_object_get(root, "success")) || !json_is_object(result) || number < 0 ||
                number > UINT32_MAX)
                return -EBADMSG;
        *ret_incoming = (struct push_incoming){
                .serial = (uint32_t)number,
                .checked_usec = time_of(json_string_value(json_object_get(result, "checked_time"))),
        };
        return 0;
}

int cloudflare_incoming(struct push_session *session, const char *zone_id, struct push_incoming *ret_incoming)
{
        CLEANUP(buffer_free) struct buffer path = {0};
        buffer_printf(&path, "/zones/%s/secondary_dns/incoming", zone_id);
        int r = cloudflare_send(session, "GET", &path, NULL);
        if (r != PUSH_OK)
                return r;
        const struct buffer *body = &session->answer.body;
        return cloudflare_incoming_read(body->data, body->length, ret_incoming) < 0 ? cloudflare_cut(session)
                                                                                    : PUSH_OK;
}

int cloudflare_force_axfr(struct push_session *session, const char *zone_id)
{
        CLEANUP(buffer_free) struct buffer path = {0};
        CLEANUP(json_decref_later) json_t *root = NULL;
        buffer_printf(&path, "/zones/%s/secondary_dns/force_axfr", zone_id);
        return cloudflare_ask(session, "POST", &path, "{}", &root);
}
