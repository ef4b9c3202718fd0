/* What the survey knows of a (zone, secondary), in a level and a few words. */
#include "control/glance.h"

#include "fleet/survey.h"

const char *glance_level_word(enum glance_level level)
{
        switch (level) {
        case GLANCE_GOOD:
                return "in sync";
        case GLANCE_UNKNOWN:
                return "unknown";
        case GLANCE_WAITING:
                return "waiting";
        case GLANCE_LATE:
                return "late";
        }
        return "";
}

static enum glance_level level_of(const struct survey_sight *sight)
{
        if (sight->view.is_late || sight->is_sample_old)
                return GLANCE_LATE;
        if (sight->view.is_current)
                return GLANCE_GOOD;
        return sight->view.due_usec == 0 ? GLANCE_UNKNOWN : GLANCE_WAITING;
}

bool glance_get(const struct status_sources *sources, const struct zone_entry *zone, size_t index,
        uint64_t now_usec, struct glance *ret_glance)
{
        struct survey_sight sight;

        if (!sources->options->survey ||
                survey_sight_get(sources->options->survey, zone->name, index, &sight) < 0)
                return false;
        uint64_t behind_usec = sight.row->behind_usec;
        *ret_glance = (struct glance){
                .name = sight.name,
                .level = level_of(&sight),
                .serial = sight.known_serial,
                .lag_usec = behind_usec != 0 && now_usec > behind_usec ? now_usec - behind_usec : 0,
                .words = sight.is_sample_old ? "has the serial with old records"
                                             : stage_words(sight.view.reached),
                .expires_usec = sight.view.expires_usec,
        };
        return true;
}
