/* The steps of a request about a zone that a provider transfers: its id, then the request. A worker's thread.
 */
#include "push/errand.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

void errand_end(struct push_errand *errand, const struct push_session *session, int outcome)
{
        errand->outcome = outcome;
        errand->wait_sec = session->wait_sec;
        snprintf(errand->why, sizeof(errand->why), "%s", outcome < 0 ? strerror(-outcome) : session->why);
        if (outcome == PUSH_NO_ZONE) /* there may be another one by that name some day */
                errand->zone_id[0] = '\0';
}

static int find(struct push_errand *errand, struct push_session *session, const uint8_t *zone)
{
        struct push_place place = {0};
        int r = session->provider->find(session, zone, &place);
        if (r == PUSH_OK)
                memcpy(errand->zone_id, place.id, sizeof(errand->zone_id));
        if (r == PUSH_OK && place.id[0] == '\0')
                r = push_say(session, PUSH_AGAIN, "the answer names no zone id");
        push_names_free(&place.name_servers);
        return r;
}

bool errand_step(struct push_errand *errand, struct push_session *session, const uint8_t *zone)
{
        int r;
        if (errand->zone_id[0] == '\0') {
                r = find(errand, session, zone);
                if (r == PUSH_OK)
                        return false;
        } else if (errand->is_force) {
                r = session->provider->force_axfr(session, errand->zone_id);
        } else {
                r = session->provider->incoming(session, errand->zone_id, &errand->incoming);
        }
        errand_end(errand, session, r);
        return true;
}
