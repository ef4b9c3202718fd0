/* Zones under survey and their secondaries: which there are, what is known of each, and what follows from
 * that. Main loop.
 *
 * Invariants: sight->is_dirty exactly while survey->dirty[sight->dirty_index] == sight; sight->seen has one
 * for each server of its post. */
#include "fleet/survey_state.h"

#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "dns/serial.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* ---- rows ---- */

static void *grow(void *items, size_t item_size, size_t count, size_t *capacity)
{
        if (count < *capacity)
                return items;
        size_t wanted = *capacity ? *capacity * 2 : 16;
        void *grown = reallocarray(items, wanted, item_size);
        if (grown)
                *capacity = wanted;
        return grown;
}

void sight_changed(struct survey *survey, struct sight *sight)
{
        if (sight->is_dirty)
                return;
        void *grown =
                grow(survey->dirty, sizeof(*survey->dirty), survey->dirty_count, &survey->dirty_capacity);
        if (!grown)
                return; /* a lost row is a stage that is known a little later */
        survey->dirty = grown;
        sight->is_dirty = true;
        sight->dirty_index = (uint32_t)survey->dirty_count;
        survey->dirty[survey->dirty_count++] = sight;
}

static void dirty_leave(struct survey *survey, struct sight *sight)
{
        if (!sight->is_dirty)
                return;
        struct sight *last = survey->dirty[--survey->dirty_count];
        survey->dirty[sight->dirty_index] = last;
        last->dirty_index = sight->dirty_index;
        sight->is_dirty = false;
}

void sight_forget_row(struct survey *survey, const struct place *place, const struct sight *sight)
{
        void *grown = grow(
                survey->deletes, sizeof(*survey->deletes), survey->delete_count, &survey->delete_capacity);
        if (!grown)
                return; /* a row too many in the store is harmless */
        survey->deletes = grown;
        struct fleet_write *write = &survey->deletes[survey->delete_count++];
        *write = (struct fleet_write){.zone_id = place->id};
        write->key_size = sight_row_key(sight->name, write->key);
}

static void row_load(struct survey *survey, const struct place *place, struct sight *sight)
{
        struct store_read *read;
        uint8_t key[SIGHT_KEY_MAX];
        const void *value;
        size_t size;
        if (store_read_begin(survey->options.store, &read) < 0)
                return;
        if (store_state_get(read, place->id, key, sight_row_key(sight->name, key), &value, &size) == 0)
                (void)sight_row_decode(value, size, &sight->row); /* an unreadable row is none */
        store_read_end(read);
}

/* What the target's own row knows: a plain target's transfers are kept there. */
static void row_from_target(struct sight *sight, const struct fleet_row *row)
{
        struct sight_row *own = &sight->row;
        own->transfer_kind = row->transfer_kind;
        own->soa_serial = row->soa_serial;
        own->soa_usec = row->soa_usec;
        own->transferred_serial = row->transferred_serial;
        own->transfer_usec = row->transfer_usec;
        own->transfer_bytes = row->transfer_bytes;
        own->transfer_count = row->transfer_count;
        if (own->first_transfer_usec == 0)
                own->first_transfer_usec = row->transfer_usec;
        if (own->contact_usec < row->soa_usec)
                own->contact_usec = row->soa_usec;
        if (own->contact_usec < row->transfer_usec)
                own->contact_usec = row->transfer_usec;
}

/* ---- which there are ---- */

struct fleet_target *sight_target(const struct place *place, const struct sight *sight)
{
        if (sight->post || sight->target_index >= place->zone->target_count)
                return NULL;
        return place->zone->targets[sight->target_index];
}

void sight_refresh(const struct place *place, struct sight *sight)
{
        const struct fleet_target *target = sight_target(place, sight);
        if (target)
                row_from_target(sight, &target->row);
}

static void sight_free(struct survey *survey, struct sight *sight)
{
        dirty_leave(survey, sight);
        free(sight->name);
        free(sight->seen);
        free(sight);
}

static void target_name(const struct conf_target *target, char text[static SIGHT_NAME_MAX])
{
        char address[ADDRESS_TEXT_MAX], key[NAME_TEXT_MAX];
        address_format(&target->address, address);
        if (target->key)
                snprintf(text, SIGHT_NAME_MAX, "%s key %s", address,
                        name_to_zone_text(target->key->name, key));
        else
                snprintf(text, SIGHT_NAME_MAX, "%s", address);
}

static struct sight *sight_find(const struct place *place, const char *name)
{
        for (size_t i = 0; i < place->sight_count; i++)
                if (place->sights[i] && strcasecmp(place->sights[i]->name, name) == 0)
                        return place->sights[i];
        return NULL;
}

static struct sight *sight_new(struct survey *survey, struct place *place, const char *name)
{
        struct sight *sight = calloc(1, sizeof(*sight));
        if (!sight)
                return NULL;
        sight->place = place;
        sight->name = strdup(name);
        if (!sight->name) {
                free(sight);
                return NULL;
        }
        row_load(survey, place, sight);
        return sight;
}

/* What was seen of a post's servers goes when those change: they are asked anew. */
static int sight_settle(struct sight *sight, struct post *post, size_t target_index)
{
        sight->target_index = target_index;
        if (post == sight->post && (!post || post->generation == sight->post_generation))
                return 0;
        sight->post = post;
        free(sight->seen);
        sight->seen = NULL;
        sight->post_generation = post ? post->generation : 0;
        if (!post || post->server_count == 0)
                return 0;
        sight->seen = calloc(post->server_count, sizeof(*sight->seen));
        return sight->seen ? 0 : -ENOMEM;
}

/* Moves the sight of that name out of the old list, or makes it. */
static int sight_take(struct survey *survey, struct place *place, const char *name, struct post *post,
        size_t target_index, struct sight **made, size_t *count)
{
        struct sight *sight = sight_find(place, name);
        for (size_t i = 0; sight && i < place->sight_count; i++)
                if (place->sights[i] == sight)
                        place->sights[i] = NULL;
        if (!sight)
                sight = sight_new(survey, place, name);
        if (!sight)
                return -ENOMEM;
        made[(*count)++] = sight;
        return sight_settle(sight, post, target_index);
}

static int sights_make(struct survey *survey, struct place *place, struct sight **made, size_t *count)
{
        const struct conf_policy *policy =
                conf_policy_for(fleet_conf(survey->options.fleet), place->zone->name);
        int result = 0;
        for (size_t i = 0; i < policy->secondary_count; i++) {
                if (conf_secondary_is_pushed(policy->secondaries[i]))
                        continue; /* push/ knows of it */
                struct post *post = post_find(survey, policy->secondaries[i]->name);
                int r = post ? sight_take(survey, place, post->name, post, 0, made, count) : -ENOMEM;
                if (r < 0)
                        result = r;
        }
        for (size_t i = 0; i < place->zone->target_count; i++) {
                char name[SIGHT_NAME_MAX];
                if (place->zone->targets[i]->target.secondary)
                        continue;
                target_name(&place->zone->targets[i]->target, name);
                int r = sight_take(survey, place, name, NULL, i, made, count);
                if (r < 0)
                        result = r;
                else
                        row_from_target(made[*count - 1], &place->zone->targets[i]->row);
        }
        return result;
}

int place_sync(struct survey *survey, struct place *place)
{
        struct fleet_zone *zone = place->zone;
        if (place->sights && place->targets_generation == zone->targets_generation &&
                place->conf_generation == survey->conf_generation)
                return 0;
        const struct conf_policy *policy = conf_policy_for(fleet_conf(survey->options.fleet), zone->name);
        size_t most = policy->secondary_count + zone->target_count, count = 0;
        struct sight **made = calloc(most + 1, sizeof(struct sight *));
        if (!made)
                return -ENOMEM;
        place_cancel_looks(survey, place); /* they point to what goes or is made anew */
        int r = sights_make(survey, place, made, &count);
        for (size_t i = 0; i < place->sight_count; i++) {
                if (!place->sights[i])
                        continue;
                sight_forget_row(survey, place, place->sights[i]);
                sight_free(survey, place->sights[i]);
        }
        free(place->sights);
        place->sights = made;
        place->sight_count = count;
        place->targets_generation = zone->targets_generation;
        place->conf_generation = survey->conf_generation;
        return r;
}

struct place *place_find(struct survey *survey, const uint8_t *name)
{
        struct place *place = table_get(&survey->places, name, name_length(name));
        if (place)
                (void)place_sync(survey, place);
        return place;
}

int place_get(struct survey *survey, struct fleet_zone *zone, struct place **ret_place, bool *ret_is_new)
{
        size_t size = name_length(zone->name);
        struct place *place = table_get(&survey->places, zone->name, size);
        *ret_is_new = !place;
        if (!place) {
                place = calloc(1, sizeof(*place));
                if (!place)
                        return -ENOMEM;
                place->zone = zone;
                place->id = zone->id;
                place->look_usec = TIMER_NEVER;
                int r = timers_reserve(&survey->timers);
                if (r >= 0) {
                        r = table_put(&survey->places, zone->name, size, place, NULL);
                        if (r < 0)
                                timers_release(&survey->timers, &place->timer);
                }
                if (r < 0) {
                        free(place);
                        return r;
                }
        }
        *ret_place = place;
        return 0;
}

void place_free(struct survey *survey, struct place *place)
{
        place_cancel_looks(survey, place);
        sample_free(place);
        if (place->is_ready) {
                struct place **at = &survey->ready_first, *before = NULL;
                while (*at != place) {
                        before = *at;
                        at = &(*at)->ready_next;
                }
                *at = place->ready_next;
                if (survey->ready_last == place)
                        survey->ready_last = before;
        }
        timers_release(&survey->timers, &place->timer);
        for (size_t i = 0; i < place->sight_count; i++)
                sight_free(survey, place->sights[i]);
        free(place->sights);
        free(place);
}

void survey_places_free(struct survey *survey)
{
        struct place *place;
        for (size_t position = 0; (place = table_next(&survey->places, &position));)
                place_free(survey, place);
        table_free(&survey->places);
}

/* ---- what follows ---- */

bool sight_is_probed(const struct sight *sight)
{
        const struct post *post = sight->post;
        return post && post->conf->probe && !post->conf->serial_is_own && post->conf->nameserver_count > 0;
}

static void notify_facts(const struct place *place, const struct sight *sight, struct stage_facts *facts)
{
        for (size_t i = 0; i < place->zone->target_count; i++) {
                const struct fleet_target *target = place->zone->targets[i];
                const struct conf_secondary *block = target->target.secondary;
                if (sight->post ? !block || strcasecmp(block->name, sight->post->name) != 0
                                : i != sight->target_index)
                        continue;
                const struct fleet_row *row = &target->row;
                facts->takes_notify = true;
                if (row->notified_usec > facts->notified_usec) {
                        facts->notified_usec = row->notified_usec;
                        facts->notified_serial = row->notified_serial;
                }
                if (row->acknowledged_serial == facts->serial)
                        facts->acknowledged_serial = row->acknowledged_serial;
                facts->refuses_notify |= row->last_rcode > 0 && row->last_rcode != 4;
        }
}

static unsigned serving(const struct place *place, const struct sight *sight)
{
        unsigned count = 0;
        for (size_t i = 0; i < sight->post->server_count; i++) {
                const struct seen *seen = &sight->seen[i];
                count += seen->answer == SURVEY_SHOWS &&
                         (seen->serial == place->serial || serial_is_ahead(seen->serial, place->serial));
        }
        return count;
}

struct stage_facts sight_facts(
        const struct survey *survey, const struct place *place, const struct sight *sight)
{
        (void)survey;
        struct stage_facts facts = {
                .serial = place->serial,
                .size_bytes = place->size_bytes,
                .refresh_sec = place->zone->refresh_sec,
                .retry_sec = place->retry_sec,
                .expire_sec = place->expire_sec,
                .refresh_by = CONF_REFRESH_NOTIFY,
                .expire_is_honoured = true,
                .told_serial = sight->told_serial,
                .row = sight->row,
        };
        notify_facts(place, sight, &facts);
        if (!sight->post)
                return facts;
        const struct conf_secondary *conf = sight->post->conf;
        facts.refresh_by = conf->refresh_by;
        facts.interval_sec = conf->refresh_sec;
        facts.expire_is_honoured = conf->expire_is_honoured;
        facts.is_probed = sight_is_probed(sight);
        if (conf->provider) {
                facts.refresh_min_sec = conf->provider->refresh_min_sec;
                facts.first_transfer_sec = conf->provider->first_transfer_sec;
        }
        facts.server_count = (unsigned)sight->post->server_count;
        facts.serving_count = serving(place, sight);
        return facts;
}

/* The row keeps that all servers were seen with the serial, and when the lag ended. */
static void note_progress(struct survey *survey, const struct place *place, struct sight *sight,
        const struct stage_view *view, uint64_t now_usec)
{
        struct sight_row *row = &sight->row;
        if (view->reached == STAGE_SERVING && row->served_serial != place->serial) {
                row->served_serial = place->serial;
                row->served_usec = now_usec;
                sight_changed(survey, sight);
        }
        if (view->is_current && row->behind_usec != 0) {
                row->behind_usec = 0;
                if (sight->post)
                        sight_changed(survey, sight);
        }
}

uint64_t sight_judge(struct survey *survey, struct place *place, struct sight *sight)
{
        uint64_t now = clock_realtime_usec(), next;
        struct stage_facts facts = sight_facts(survey, place, sight);
        struct stage_view view = stage_judge(&facts, now);
        const struct conf_policy *policy =
                conf_policy_for(fleet_conf(survey->options.fleet), place->zone->name);
        note_progress(survey, place, sight, &view, now);
        enum alert_action action = alert_judge(&sight->row, &view, policy->alert_after_usec, now, &next);
        if (action == ALERT_NONE)
                return next;
        tell_alert(survey, place, sight, &facts, &view, action);
        sight->row.stale_usec = action == ALERT_STALE ? now : 0;
        sight_changed(survey, sight);
        return next;
}

uint64_t sight_next_usec(struct survey *survey, struct place *place, struct sight *sight)
{
        uint64_t now = clock_realtime_usec(), next;
        struct stage_facts facts = sight_facts(survey, place, sight);
        struct stage_view view = stage_judge(&facts, now);
        const struct conf_policy *policy =
                conf_policy_for(fleet_conf(survey->options.fleet), place->zone->name);
        return alert_judge(&sight->row, &view, policy->alert_after_usec, now, &next) == ALERT_NONE ? next
                                                                                                   : now;
}

void sight_published(struct sight *sight)
{
        sight->is_sample_old = false;
        for (size_t i = 0; sight->post && sight->seen && i < sight->post->server_count; i++)
                sight->seen[i].is_compared = false;
}

int survey_take_dirty(struct survey *survey, struct fleet_write **ret_writes, size_t *ret_count)
{
        size_t most = survey->delete_count + survey->dirty_count + survey->acl_dirty_count, count = 0;
        *ret_writes = NULL;
        *ret_count = 0;
        if (most == 0)
                return 0;
        CLEANUP_FREE struct fleet_write *writes = calloc(most, sizeof(*writes));
        CLEANUP(buffer_free) struct buffer scratch = {0};
        if (!writes)
                return -ENOMEM;
        for (size_t i = 0; i < survey->delete_count; i++)
                writes[count++] = survey->deletes[i];
        for (size_t i = 0; i < survey->dirty_count; i++) {
                struct sight *sight = survey->dirty[i];
                struct fleet_write *write = &writes[count++];
                buffer_clear(&scratch);
                sight_row_encode(&sight->row, &scratch);
                if (buffer_status(&scratch) < 0)
                        return -ENOMEM;
                write->zone_id = sight->place->id;
                write->key_size = sight_row_key(sight->name, write->key);
                write->size = scratch.length;
                memcpy(write->value, scratch.data, scratch.length);
        }
        acl_use_take_dirty(survey, writes, &count);
        for (size_t i = 0; i < survey->dirty_count; i++)
                survey->dirty[i]->is_dirty = false;
        survey->dirty_count = survey->delete_count = 0;
        *ret_writes = TAKE(writes);
        *ret_count = count;
        return 0;
}
