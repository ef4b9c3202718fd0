/* What is to be said of secondaries: for status, metrics, the page, wait and doctor. Main loop. */
#include "base/clock.h"
#include "fleet/survey_state.h"

#include <errno.h>

size_t survey_sight_count(struct survey *survey, const uint8_t *zone)
{
        struct place *place = place_find(survey, zone);
        return place ? place->sight_count : 0;
}

int survey_sight_get(struct survey *survey, const uint8_t *zone, size_t index, struct survey_sight *ret_sight)
{
        struct place *place = place_find(survey, zone);
        if (!place || index >= place->sight_count)
                return -ENOENT;
        struct sight *sight = place->sights[index];
        sight_refresh(place, sight);
        struct stage_facts facts = sight_facts(survey, place, sight);
        *ret_sight = (struct survey_sight){
                .name = sight->name,
                .secondary = sight->post ? sight->post->conf : NULL,
                .row = &sight->row,
                .view = stage_judge(&facts, clock_realtime_usec()),
                .known_serial = sight_known_serial(place, sight),
                .is_probed = facts.is_probed,
                .server_count = facts.server_count,
                .serving_count = facts.serving_count,
                .is_sample_old = sight->is_sample_old,
                .is_sample_seen = sight->row.sample_serial == place->serial,
        };
        sight_note(place, sight, &facts, &ret_sight->view, ret_sight->note);
        return 0;
}

const char *survey_answer_name(enum survey_answer answer)
{
        switch (answer) {
        case SURVEY_NOT_ASKED:
                return "not asked";
        case SURVEY_SHOWS:
                return "serial";
        case SURVEY_NOT_THERE:
                return "no zone";
        case SURVEY_SILENT:
                return "silent";
        }
        return "?";
}

int survey_server_get(struct survey *survey, const uint8_t *zone, size_t sight_index, size_t server_index,
        struct survey_server *ret_server)
{
        struct place *place = place_find(survey, zone);
        if (!place || sight_index >= place->sight_count)
                return -ENOENT;
        const struct sight *sight = place->sights[sight_index];
        if (!sight->post || !sight->seen || server_index >= sight->post->server_count)
                return -ENOENT;
        const struct post_server *server = &sight->post->servers[server_index];
        const struct seen *seen = &sight->seen[server_index];
        *ret_server = (struct survey_server){
                .address = server->address,
                .name = server->name,
                .answer = (enum survey_answer)seen->answer,
                .rcode = seen->rcode,
                .serial = seen->serial,
                .at_usec = seen->at_usec,
                .nsid = server->nsid,
                .is_down = server->is_down,
        };
        return 0;
}
