/* Cloudflare's API beside zone transfers (Enterprise): what push_cloudflare is made of. A worker's thread. */
#pragma once

#include "push/provider.h"

int cloudflare_incoming(
        struct push_session *session, const char *zone_id, struct push_incoming *ret_incoming);
int cloudflare_force_axfr(struct push_session *session, const char *zone_id);
