/* Secondaries of a zone as status tells them: the stage reached, what is due, what their name servers show.
 * Main loop. */
#include "control/status.h"

#include "conf/secondary.h"
#include "fleet/survey.h"
#include "push/push.h"

#include <string.h>

/* One word for the matrix: from fine to bad. */
static const char *state_of(const struct survey_sight *sight)
{
        if (sight->view.is_current)
                return sight->is_sample_old                   ? "old-record"
                       : sight->view.reached == STAGE_SERVING ? "serving"
                                                              : "has";
        if (sight->row->stale_usec)
                return "stale";
        if (sight->view.is_late)
                return "late";
        return sight->view.is_new ? "new" : "waiting";
}

static void append_server(struct json *json, const struct survey_server *server)
{
        char text[ADDRESS_TEXT_MAX];
        struct address address = server->address;

        json_open(json, NULL, '{');
        address.port = 0;
        json_text(json, "address", address_format(&address, text));
        json_number(json, "port", server->address.port);
        json_text(json, "name", server->name);
        json_text(json, "answer", survey_answer_name(server->answer));
        json_serial(json, "serial", server->serial);
        if (server->answer == SURVEY_NOT_THERE)
                json_number(json, "rcode", server->rcode);
        else
                json_nothing(json, "rcode");
        json_time(json, "at", server->at_usec);
        json_text(json, "nsid", server->nsid);
        json_bool(json, "down", server->is_down);
        json_close(json, '}');
}

static void append_servers(
        struct json *json, const struct status_sources *sources, const uint8_t *zone, size_t index)
{
        struct survey_server server;

        json_open(json, "servers", '[');
        for (size_t i = 0; survey_server_get(sources->options->survey, zone, index, i, &server) == 0; i++)
                append_server(json, &server);
        json_close(json, ']');
}

static void append_sight(struct json *json, const struct survey_sight *sight)
{
        const struct stage_view *view = &sight->view;
        const struct sight_row *row = sight->row;
        const struct provider *provider = sight->secondary ? sight->secondary->provider : NULL;

        json_text(json, "name", sight->name);
        json_text(json, "provider", provider ? provider->name : NULL);
        json_text(json, "state", state_of(sight));
        json_bool(json, "current", view->is_current);
        json_text(json, "stage", stage_name(view->reached));
        json_text(json, "overdue", view->is_late ? stage_name(view->overdue) : NULL);
        json_time(json, "due_at", view->due_usec);
        json_time(json, "behind_since", row->behind_usec);
        json_time(json, "stale_since", row->stale_usec);
        json_time(json, "expires_at", view->expires_usec);
        json_serial(json, "serial", sight->known_serial);
        json_serial(json, "transferred_serial", row->transferred_serial);
        json_number(json, "transfers", row->transfer_count);
        json_time(json, "first_transfer_at", row->first_transfer_usec);
        json_time(json, "last_transfer_at", row->transfer_usec);
        json_time(json, "last_contact_at", view->contact_usec);
        json_time(json, "served_at", row->served_usec);
        json_bool(json, "probed", sight->is_probed);
        json_number(json, "servers_known", sight->server_count);
        json_number(json, "servers_serving", sight->serving_count);
        json_bool(json, "verified", sight->is_sample_seen && !sight->is_sample_old);
        json_text(json, "note", sight->note[0] ? sight->note : NULL);
}

/* Beside its transfers the provider has an API that is asked. */
static void append_api(
        struct json *json, const struct status_sources *sources, const uint8_t *zone, const char *secondary)
{
        const struct push *push = sources->options->push;
        const struct push_api_status *status = push ? push_api_status(push, zone, secondary) : NULL;
        if (!status)
                return;
        json_open(json, "api", '{');
        json_serial(json, "serial", status->serial);
        json_time(json, "checked_at", status->checked_usec);
        json_time(json, "read_at", status->read_usec);
        json_serial(json, "forced_serial", status->forced_serial);
        json_time(json, "forced_at", status->forced_usec);
        json_number(json, "failures", status->failures);
        json_time(json, "retry_at", status->retry_usec);
        json_text(json, "why", status->why[0] ? status->why : NULL);
        json_close(json, '}');
}

void status_append_secondaries(
        struct json *json, const struct status_sources *sources, const uint8_t *zone, bool is_whole)
{
        struct survey *survey = sources->options->survey;
        struct survey_sight sight;

        json_open(json, "secondaries", '[');
        for (size_t i = 0; survey && zone && survey_sight_get(survey, zone, i, &sight) == 0; i++) {
                json_open(json, NULL, '{');
                append_sight(json, &sight);
                append_api(json, sources, zone, sight.name);
                if (is_whole)
                        append_servers(json, sources, zone, i);
                json_close(json, '}');
        }
        json_close(json, ']');
}

void status_append_acl_use(struct json *json, const struct status_sources *sources)
{
        const char *owner, *element;
        uint64_t usec;

        json_open(json, "address_lists_used", '[');
        for (size_t position = 0; sources->options->survey && survey_acl_use_next(sources->options->survey,
                                                                      &position, &owner, &element, &usec);) {
                json_open(json, NULL, '{');
                json_text(json, "secondary", *owner ? owner : NULL);
                json_text(json, "element", element);
                json_time(json, "last_used_at", usec);
                json_close(json, '}');
        }
        json_close(json, ']');
}
