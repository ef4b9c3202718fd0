/* Questions to the public name servers, and what their answers mean. Main loop.
 *
 * What is seen is "from here": behind an anycast address another site may answer others. Its NSID is kept. */
#include "fleet/survey_state.h"

#include "base/clock.h"
#include "dns/message.h"
#include "dns/serial.h"
#include "dns/type.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct look {
        struct look *next, *previous; /* of the place */
        struct probe *probe;
        struct survey *survey;
        struct place *place;
        struct sight *sight;
        size_t server;
        uint32_t serial;     /* of the place when it was asked */
        int rrset;           /* of the sample; -1 = the SOA */
        uint32_t generation; /* of the post's servers when it was asked */
};

static void look_free(struct look *look)
{
        struct place *place = look->place;
        if (look->previous)
                look->previous->next = look->next;
        else
                place->looks = look->next;
        if (look->next)
                look->next->previous = look->previous;
        struct post *post = look->sight->post;
        if (look->rrset < 0 && post->generation == look->generation &&
                post->servers[look->server].running > 0)
                post->servers[look->server].running--;
        look->survey->looks_running--;
        free(look);
}

void place_cancel_looks(struct survey *survey, struct place *place)
{
        (void)survey;
        while (place->looks) {
                struct look *look = place->looks;
                look->sight->seen[look->server].is_asked = false;
                probe_cancel(look->probe);
                look_free(look);
        }
}

static void came(void *context, const struct probe_answer *answer);

static int ask(struct survey *survey, struct place *place, struct sight *sight, size_t server, int rrset)
{
        const struct post *post = sight->post;
        const struct conf_options *options = &fleet_conf(survey->options.fleet)->options;
        const struct address *address = &post->servers[server].address;
        struct look *look = calloc(1, sizeof(*look));
        if (!look)
                return -ENOMEM;
        *look = (struct look){
                .survey = survey,
                .place = place,
                .sight = sight,
                .server = server,
                .serial = place->serial,
                .rrset = rrset,
        };
        struct probe_question question = {
                .server = *address,
                .source = address->family == AF_INET6 ? options->probe_source_v6 : options->probe_source,
                .name = rrset < 0 ? place->zone->name : place->sample->rrsets[rrset].owner,
                .type = rrset < 0 ? (uint16_t)TYPE_SOA : place->sample->rrsets[rrset].type,
                .wants_nsid = true,
        };
        int r = probe_start(survey->options.prober, &question, came, look, &look->probe);
        if (r < 0) {
                free(look);
                return r;
        }
        look->generation = post->generation;
        if (rrset < 0)
                sight->post->servers[server].running++;
        look->next = place->looks;
        if (look->next)
                look->next->previous = look;
        place->looks = look;
        survey->looks_running++;
        return 0;
}

static bool shows(const struct seen *seen, uint32_t serial)
{
        return seen->answer == SURVEY_SHOWS &&
               (seen->serial == serial || serial_is_ahead(seen->serial, serial));
}

bool place_wants_looks(const struct place *place)
{
        for (size_t i = 0; i < place->sight_count; i++) {
                const struct sight *sight = place->sights[i];
                if (!sight_is_probed(sight))
                        continue;
                if (sight->post->server_count == 0)
                        return sight->row.served_serial != place->serial; /* a name that is looked up yet */
                if (sight->row.sample_serial != place->serial)
                        return true;
                for (size_t n = 0; n < sight->post->server_count; n++)
                        if (!shows(&sight->seen[n], place->serial))
                                return true;
        }
        return false;
}

bool place_look(struct survey *survey, struct place *place, bool everything)
{
        uint64_t now = clock_monotonic_usec();
        bool is_deferred = false;
        posts_resolve(survey, now);
        (void)place_sync(survey, place);
        for (size_t i = 0; i < place->sight_count; i++) {
                struct sight *sight = place->sights[i];
                if (!sight_is_probed(sight))
                        continue;
                for (size_t n = 0; n < sight->post->server_count; n++) {
                        struct seen *seen = &sight->seen[n];
                        bool is_done =
                                shows(seen, place->serial) && sight->row.sample_serial == place->serial;
                        if (seen->is_asked || (!everything && is_done))
                                continue;
                        enum post_leave leave = post_server_may_be_asked(&sight->post->servers[n], now);
                        is_deferred |= leave == POST_SOON;
                        if (leave == POST_NOW)
                                seen->is_asked = ask(survey, place, sight, n, -1) == 0;
                }
        }
        return is_deferred;
}

/* ---- the changed RRsets ---- */

/* One of them of this server, once for each serial; the first name server of a secondary stands for it. */
static void compare_begin(struct survey *survey, struct place *place, struct sight *sight, size_t server)
{
        struct seen *seen = &sight->seen[server];
        if (seen->is_compared || sight->row.sample_serial == place->serial || sample_load(survey, place) < 0)
                return;
        seen->is_compared = true;
        if (place->sample->count == 0) {
                sight->row.sample_serial = place->serial; /* nothing that could be old */
                sight_changed(survey, sight);
                return;
        }
        if (ask(survey, place, sight, server, 0) == 0)
                seen->is_asked = true;
}

static void compared(struct look *look, const struct probe_answer *answer)
{
        struct survey *survey = look->survey;
        struct place *place = look->place;
        struct sight *sight = look->sight;
        struct seen *seen = &sight->seen[look->server];
        const struct sample *sample = place->sample;
        if (!sample || sample->serial != look->serial || place->serial != look->serial)
                return;
        if (answer->result != PROBE_ANSWERED) {
                seen->is_compared = false; /* with the next answer again */
                return;
        }
        /* Without AA it is a referral, or not of this zone: nothing can be said of that RRset. */
        bool is_old = answer->is_authoritative &&
                      (answer->rcode == RCODE_NOERROR || answer->rcode == RCODE_NXDOMAIN) &&
                      !sample_fits(sample, (size_t)look->rrset, answer->records, answer->record_count);
        if (is_old) {
                seen->is_compared = false;
                if (!sight->is_sample_old)
                        tell_sample(place, sight, &sight->post->servers[look->server],
                                sample->rrsets[look->rrset].owner, sample->rrsets[look->rrset].type);
                sight->is_sample_old = true;
                return;
        }
        if ((size_t)look->rrset + 1 < sample->count &&
                ask(survey, place, sight, look->server, look->rrset + 1) == 0) {
                seen->is_asked = true;
                return;
        }
        sight->is_sample_old = false;
        if (sight->row.sample_serial != place->serial) {
                sight->row.sample_serial = place->serial;
                sight_changed(survey, sight);
        }
}

/* ---- the SOA ---- */

static void nsid_keep(struct post_server *server, const struct probe_answer *answer)
{
        if (answer->nsid_length == 0)
                return;
        char text[PROBE_NSID_MAX + 1];
        for (size_t i = 0; i < answer->nsid_length; i++)
                text[i] = isprint(answer->nsid[i]) && answer->nsid[i] < 0x7f ? (char)answer->nsid[i] : '.';
        text[answer->nsid_length] = '\0';
        if (server->nsid && strcmp(server->nsid, text) == 0)
                return;
        free(server->nsid);
        server->nsid = strdup(text);
}

static void take_serial(struct look *look, uint32_t serial)
{
        struct survey *survey = look->survey;
        struct place *place = look->place;
        struct sight *sight = look->sight;
        struct seen *seen = &sight->seen[look->server];
        bool is_progress = seen->serial != 0 && seen->serial != serial;
        seen->answer = SURVEY_SHOWS;
        seen->serial = serial;
        if (place->serial != look->serial)
                return; /* published since: the next look says */
        if (serial_is_ahead(serial, place->serial)) {
                char text[ADDRESS_TEXT_MAX];
                if (survey->options.ahead)
                        survey->options.ahead(survey->options.context, place->zone->name, serial,
                                address_format(&sight->post->servers[look->server].address, text));
                return;
        }
        if (serial == place->serial)
                compare_begin(survey, place, sight, look->server);
        else if (is_progress && sight->row.behind_usec != 0)
                lag_progress(&sight->row, false, clock_realtime_usec());
}

static void looked(struct look *look, const struct probe_answer *answer)
{
        struct sight *sight = look->sight;
        struct seen *seen = &sight->seen[look->server];
        struct post_server *server = &sight->post->servers[look->server];
        seen->at_usec = clock_realtime_usec();
        seen->rcode = (uint8_t)answer->rcode;
        switch (answer->result) {
        case PROBE_ANSWERED:
                post_server_answered(server);
                nsid_keep(server, answer);
                if (answer->rcode == RCODE_NOERROR && answer->is_authoritative && answer->has_serial)
                        take_serial(look, answer->serial);
                else
                        seen->answer = SURVEY_NOT_THERE;
                return;
        case PROBE_SILENT:
        case PROBE_UNREACHABLE:
        case PROBE_BAD_TSIG:
        case PROBE_MALFORMED:
        case PROBE_NOT_SENT:
                seen->answer = SURVEY_SILENT;
                post_server_silent(server, clock_monotonic_usec());
                return;
        }
}

static void came(void *context, const struct probe_answer *answer)
{
        struct look *look = context;
        struct survey *survey = look->survey;
        struct place *place = look->place;
        struct sight *sight = look->sight;
        bool is_outdated = sight->post_generation != sight->post->generation;
        sight->seen[look->server].is_asked = false;
        if (is_outdated)
                ; /* its server is another one now */
        else if (look->rrset < 0)
                looked(look, answer);
        else
                compared(look, answer);
        look_free(look);
        if (is_outdated)
                (void)place_sync(survey, place);
        else
                (void)sight_judge(survey, place, sight);
        if (!place->looks && !place_wants_looks(place))
                sample_free(place);
        place_schedule(survey, place);
        survey_feed(survey);
        timers_arm(&survey->timers, clock_monotonic_usec());
}
