/* Rounds of looks at name servers: after a publish at 1, 2, 4 ... s, soon after a transfer, and in quiet one
 * zone after the other. Main loop.
 *
 * A zone has a timer only while something is awaited of its secondaries (a look, or the moment when one
 * becomes stale); the lap over all zones has one timer in all. Looks leave through a line: so many run at
 * once, the others wait there, so that a thousand zones published together do not fill the prober. */
#include "fleet/survey.h"

#include "base/clock.h"
#include "base/random.h"
#include "fleet/survey_state.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define LOOKS_MAX 256
#define LOOKS_LAP_MAX 32 /* the lap waits while more run */
#define WAIT_FIRST USEC_PER_SEC
#define WAIT_MAX (60 * USEC_PER_SEC)
#define WAIT_TRANSFERRED (50 * USEC_PER_MSEC)
#define LAP_STEP_MIN (5 * USEC_PER_MSEC)

enum { NODE_PLACE, NODE_LAP }; /* timer_node.kind */

/* ---- one place ---- */

void place_schedule(struct survey *survey, struct place *place)
{
        uint64_t now = clock_monotonic_usec(), real = clock_realtime_usec(), due = TIMER_NEVER;
        bool wants = place_wants_looks(place);
        for (size_t i = 0; i < place->sight_count; i++) {
                struct sight *sight = place->sights[i];
                uint64_t at = STAGE_NEVER;
                if (!sight->row.stale_usec && sight->row.behind_usec)
                        at = sight_next_usec(survey, place, sight);
                if (at != STAGE_NEVER && now + (at > real ? at - real : 0) < due)
                        due = now + (at > real ? at - real : 0);
        }
        if (!wants)
                place->look_usec = TIMER_NEVER;
        if (place->look_usec < due && !place->is_ready)
                due = place->look_usec;
        timers_set(&survey->timers, &place->timer, due);
}

void place_ready(struct survey *survey, struct place *place)
{
        if (place->is_ready)
                return;
        place->is_ready = true;
        place->ready_next = NULL;
        if (survey->ready_last)
                survey->ready_last->ready_next = place;
        else
                survey->ready_first = place;
        survey->ready_last = place;
}

static void look_after(struct place *place, uint64_t wait_usec)
{
        place->look_wait_usec = wait_usec;
        place->look_usec = clock_monotonic_usec() + wait_usec;
}

void survey_feed(struct survey *survey)
{
        while (survey->ready_first && survey->looks_running < LOOKS_MAX) {
                struct place *place = survey->ready_first;
                survey->ready_first = place->ready_next;
                if (!survey->ready_first)
                        survey->ready_last = NULL;
                place->is_ready = false;
                bool is_deferred = place_look(survey, place, place->looks_at_all);
                place->looks_at_all = false;
                if (is_deferred)
                        look_after(place, WAIT_FIRST);
                place_schedule(survey, place);
        }
}

void place_look_soon(struct survey *survey, struct place *place)
{
        if (!place_wants_looks(place))
                return;
        look_after(place, WAIT_TRANSFERRED);
        place_schedule(survey, place);
        timers_arm(&survey->timers, clock_monotonic_usec());
}

static void place_due(struct survey *survey, struct place *place)
{
        uint64_t now = clock_monotonic_usec();
        (void)place_sync(survey, place);
        if (place->look_usec <= now) {
                place->look_wait_usec =
                        place->look_wait_usec * 2 > WAIT_MAX ? WAIT_MAX : place->look_wait_usec * 2;
                place->look_usec = now + place->look_wait_usec;
                place_ready(survey, place);
        }
        for (size_t i = 0; i < place->sight_count; i++) {
                sight_refresh(place, place->sights[i]);
                (void)sight_judge(survey, place, place->sights[i]);
        }
        place_schedule(survey, place);
}

/* ---- the lap ---- */

static uint64_t lap_step_usec(const struct survey *survey)
{
        const struct conf_options *options = &fleet_conf(survey->options.fleet)->options;
        size_t zones = survey->places.count ? survey->places.count : 1, servers = 1;
        for (size_t i = 0; i < survey->post_count; i++)
                if (survey->posts[i]->is_wanted)
                        servers += survey->posts[i]->server_count;
        /* Half of the rate at most, if all zones have all servers. */
        uint64_t fastest = 2 * USEC_PER_SEC * servers / options->probe_rate;
        uint64_t step = survey->fast_laps ? 0 : options->probe_interval_usec / zones;
        if (step < fastest)
                step = fastest;
        return step < LAP_STEP_MIN ? LAP_STEP_MIN : step;
}

/* The next zone, the first one again behind the last. */
static struct place *lap_next(struct survey *survey)
{
        struct place *place = table_next(&survey->places, &survey->lap_position);
        if (place)
                return place;
        survey->lap_position = 0;
        survey->fast_laps -= survey->fast_laps > 0 && survey->places.count > 0;
        return table_next(&survey->places, &survey->lap_position);
}

static void lap_go_on(struct survey *survey)
{
        uint64_t wait = lap_step_usec(survey);
        if (survey->places.count == 0)
                wait = WAIT_FIRST;
        else if (survey->looks_running < LOOKS_LAP_MAX) {
                struct place *place = lap_next(survey);
                place->looks_at_all = true;
                place_ready(survey, place);
                survey_feed(survey);
                for (size_t i = 0; i < place->sight_count; i++)
                        (void)sight_judge(survey, place, place->sights[i]);
        }
        timers_set(&survey->timers, &survey->lap, clock_monotonic_usec() + wait);
}

/* ---- the loop ---- */

void survey_turn(struct survey *survey)
{
        struct timer_node *node;
        while ((node = timers_take_due(&survey->timers, clock_monotonic_usec()))) {
                if (node->kind == NODE_LAP)
                        lap_go_on(survey);
                else
                        place_due(survey, (struct place *)node);
        }
        survey_feed(survey);
        timers_arm(&survey->timers, clock_monotonic_usec());
}

static int timer_came(sd_event_source *source, uint64_t usec, void *context)
{
        (void)source, (void)usec;
        survey_turn(context);
        return 0;
}

int survey_new(const struct survey_options *options, struct survey **ret_survey)
{
        struct survey *survey = calloc(1, sizeof(*survey));
        if (!survey)
                return -ENOMEM;
        survey->options = *options;
        survey->places.fold = true;
        survey->lap.kind = NODE_LAP;
        survey->fast_laps = FAST_LAPS;
        survey->begun_usec = clock_realtime_usec();
        sd_event_ref(options->event);
        int r = timers_open(&survey->timers, options->event, timer_came, survey);
        if (r >= 0)
                r = timers_reserve(&survey->timers);
        if (r >= 0)
                r = posts_reconfigure(survey);
        if (r < 0) {
                survey_free(survey);
                return r;
        }
        acl_use_load(survey);
        timers_set(&survey->timers, &survey->lap, clock_monotonic_usec() + WAIT_FIRST);
        timers_arm(&survey->timers, clock_monotonic_usec());
        *ret_survey = survey;
        return 0;
}

int survey_reconfigure(struct survey *survey)
{
        struct place *place;
        int r = posts_reconfigure(survey);
        prober_set_rate(survey->options.prober, fleet_conf(survey->options.fleet)->options.probe_rate);
        for (size_t position = 0; (place = table_next(&survey->places, &position));) {
                (void)place_sync(survey, place); /* no pointer into the old configuration stays */
                lag_begin(survey, place, place->published_usec, false);
                place_schedule(survey, place);
        }
        timers_set(&survey->timers, &survey->lap, clock_monotonic_usec());
        timers_arm(&survey->timers, clock_monotonic_usec());
        return r;
}

static void place_note_row(struct survey *survey, struct place *place, const struct store_zone *row)
{
        struct soa soa;
        if (place->id != row->id) { /* removed and published again: its rows went with the old id */
                place->id = row->id;
                for (size_t i = 0; i < place->sight_count; i++)
                        sight_changed(survey, place->sights[i]);
        }
        place->serial = row->serial;
        place->size_bytes = row->axfr_bytes;
        place->published_usec = row->published_usec;
        if (soa_parse(row->soa.rdata, row->soa.rdata_length, &soa) < 0)
                return;
        place->retry_sec = soa.retry;
        place->expire_sec = soa.expire;
}

void lag_begin(struct survey *survey, struct place *place, uint64_t at_usec, bool is_published)
{
        for (size_t i = 0; i < place->sight_count; i++) {
                struct sight *sight = place->sights[i];
                struct stage_facts facts = sight_facts(survey, place, sight);
                bool is_current = stage_judge(&facts, at_usec).is_current;
                if (is_published || (!is_current && sight->row.behind_usec == 0))
                        lag_published(&sight->row, is_current, at_usec);
                else if (is_current)
                        sight->row.behind_usec = 0;
        }
}

int survey_zone_published(struct survey *survey, const struct store_zone *row)
{
        struct fleet_zone *zone = fleet_zone_get(survey->options.fleet, row->name, NULL);
        struct place *place;
        bool is_new;
        if (!zone)
                return -ENOMEM;
        int r = place_get(survey, zone, &place, &is_new);
        if (r == 0)
                r = place_sync(survey, place);
        if (r < 0)
                return r;
        bool is_publish = is_new ? row->published_usec >= survey->begun_usec : place->serial != row->serial;
        if (is_publish && !is_new)
                lag_begin(survey, place, row->published_usec, true);
        place_note_row(survey, place, row);
        if (is_new)
                lag_begin(survey, place, row->published_usec, false);
        if (is_publish) {
                sample_free(place);
                for (size_t i = 0; i < place->sight_count; i++)
                        sight_published(place->sights[i]);
                look_after(place, WAIT_FIRST);
        }
        place_schedule(survey, place);
        timers_arm(&survey->timers, clock_monotonic_usec());
        return 0;
}

void survey_hurry(struct survey *survey, const uint8_t *name)
{
        struct place *place = place_find(survey, name);
        if (place && place->look_wait_usec > WAIT_FIRST)
                place_look_soon(survey, place);
}

void survey_zone_forget(struct survey *survey, const uint8_t *name)
{
        struct place *place = table_remove(&survey->places, name, name_length(name));
        if (place)
                place_free(survey, place);
}

struct survey *survey_free(struct survey *survey)
{
        if (!survey)
                return NULL;
        survey_places_free(survey);
        posts_free(survey);
        acl_use_free(survey);
        sd_event_source_disable_unref(survey->lookups_source);
        lookups_free(survey->lookups);
        timers_close(&survey->timers);
        sd_event_unref(survey->options.event);
        free(survey->dirty);
        free(survey->deletes);
        free(survey);
        return NULL;
}
