/* What the server saw of peers, for the secondary that they are. Main loop. */
#include "fleet/survey_state.h"

#include "base/clock.h"
#include "conf/conf.h"
#include "conf/secondary.h"

#include <string.h>
#include <strings.h>

struct comer { /* who it was */
        struct place *place;
        struct sight *sight; /* NULL = none of the zone's */
};

static const struct tsig_key *key_of(const struct survey *survey, const uint8_t *name)
{
        return name && name[0] != 0 ? conf_key_find(fleet_conf(survey->options.fleet), name) : NULL;
}

static struct sight *sight_of_target(const struct place *place, const struct fleet_target *target)
{
        for (size_t i = 0; i < place->sight_count; i++)
                if (sight_target(place, place->sights[i]) == target)
                        return place->sights[i];
        return NULL;
}

static struct sight *sight_of_post(const struct place *place, const char *name)
{
        const struct post *post = NULL;
        for (size_t i = 0; i < place->sight_count; i++) {
                post = place->sights[i]->post;
                if (post && strcasecmp(post->name, name) == 0)
                        return place->sights[i];
        }
        return NULL;
}

/* Which rule let it in is noted on the way. */
static struct comer comer_find(struct survey *survey, const struct survey_seen *seen)
{
        struct comer comer = {.place = place_find(survey, seen->zone)};
        const struct conf_policy *policy = conf_policy_for(fleet_conf(survey->options.fleet), seen->zone);
        if (!comer.place)
                return comer;
        if (seen->secondary && *seen->secondary) {
                comer.sight = sight_of_post(comer.place, seen->secondary);
                if (seen->rule && *seen->rule)
                        acl_use_note(survey, seen->secondary, seen->rule, seen->at_usec);
                if (comer.sight)
                        post_heard(comer.sight->post);
                return comer;
        }
        const struct acl_element *element =
                acl_find(policy->allow_transfer, seen->peer, key_of(survey, seen->key_name));
        if (element && !element->negated)
                acl_use_note(survey, "", element->text, seen->at_usec);
        struct fleet_target *target = fleet_target_find(comer.place->zone, seen->peer, seen->key_name);
        if (target)
                comer.sight = sight_of_target(comer.place, target);
        return comer;
}

/* A block's row is kept here; a plain target's by fleet, and it is read from there. */
static void changed(struct survey *survey, struct comer *comer)
{
        if (comer->sight->post)
                sight_changed(survey, comer->sight);
        else
                sight_refresh(comer->place, comer->sight);
        (void)sight_judge(survey, comer->place, comer->sight);
}

void survey_saw_soa_query(struct survey *survey, const struct survey_seen *seen, uint32_t answered_serial)
{
        struct comer comer = comer_find(survey, seen);
        if (!comer.sight)
                return;
        struct sight_row *row = &comer.sight->row;
        row->contact_usec = row->soa_usec = seen->at_usec;
        row->soa_serial = answered_serial;
        changed(survey, &comer);
}

void survey_saw_transfer(struct survey *survey, const struct survey_seen *seen, enum fleet_transfer_kind kind,
        uint32_t from_serial, uint32_t to_serial, uint64_t bytes)
{
        struct comer comer = comer_find(survey, seen);
        if (!comer.sight)
                return;
        struct sight_row *row = &comer.sight->row;
        row->contact_usec = row->asked_transfer_usec = seen->at_usec;
        if (from_serial)
                row->held_serial = from_serial;
        if (to_serial) {
                bool is_news = row->transferred_serial != to_serial;
                row->transfer_usec = seen->at_usec;
                row->transferred_serial = to_serial;
                row->held_serial = to_serial;
                if (kind != FLEET_TRANSFER_NONE) {
                        row->transfer_kind = kind;
                        row->transfer_bytes = bytes;
                        row->transfer_count++;
                        if (row->first_transfer_usec == 0)
                                row->first_transfer_usec = seen->at_usec;
                }
                if (is_news && row->behind_usec != 0) /* its name servers have their time from now on */
                        lag_progress(row, false, seen->at_usec);
        }
        changed(survey, &comer);
        if (to_serial == comer.place->serial)
                place_look_soon(survey, comer.place);
}

void survey_saw_refused(struct survey *survey, const struct survey_seen *seen)
{
        const struct conf *conf = fleet_conf(survey->options.fleet);
        const struct tsig_key *key = key_of(survey, seen->key_name);
        const struct conf_secondary *near =
                key && seen->secondary ? conf_secondary_find(conf, seen->secondary) : NULL;
        if (near && conf_secondary_match(near, seen->peer, key, NULL) == CONF_SECONDARY_KEY)
                tell_near(survey, seen->zone, seen->peer, near);
}

void survey_told_serial(struct survey *survey, const uint8_t *zone, const char *secondary, uint32_t serial)
{
        struct place *place = place_find(survey, zone);
        for (size_t i = 0; place && i < place->sight_count; i++) {
                struct sight *sight = place->sights[i];
                if (!sight->post || strcasecmp(sight->name, secondary) != 0 || sight->told_serial == serial)
                        continue;
                sight->told_serial = serial;
                if (serial == place->serial && sight->row.transferred_serial != serial &&
                        sight->row.behind_usec != 0) /* as of a transfer */
                        lag_progress(&sight->row, false, clock_realtime_usec());
                (void)sight_judge(survey, place, sight);
                place_schedule(survey, place);
                if (serial == place->serial)
                        place_look_soon(survey, place);
        }
}
