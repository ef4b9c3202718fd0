/* `zonecrier serial`: what is served, and what each secondary says that it holds. Main loop. */
#include "control/request.h"

#include "fleet/fleet.h"
#include "publish/inquiry.h"

#include <string.h>

static void append_server(
        struct json *json, const struct inquiry_answer *answer, const struct fleet_zone *zone)
{
        char text[ADDRESS_TEXT_MAX];
        uint32_t taken = 0;

        for (size_t i = 0; zone && i < zone->target_count; i++)
                if (!answer->server.host &&
                        address_and_port_equal(&zone->targets[i]->target.address, &answer->server.address))
                        taken = zone->targets[i]->row.transferred_serial;
        json_open(json, NULL, '{');
        json_text(json, "secondary", answer->server.secondary);
        json_text(json, "server",
                answer->server.host ? answer->server.host : address_format(&answer->server.address, text));
        json_serial(json, "serial", answer->told.kind == LOST_SERIAL ? answer->told.serial : 0);
        json_bool(json, "signed", answer->told.kind == LOST_SERIAL && answer->told.is_signed);
        json_text(json, "why", answer->why);
        json_serial(json, "transferred_serial", taken);
        json_close(json, '}');
}

static void append_published(struct json *json, struct control *control, const struct zone_entry *zone)
{
        struct store_read *read;
        struct store_zone row;
        bool has_row = false;

        if (store_read_begin(control->options.store, &read) == 0) {
                has_row = store_zone_find(read, zone->name, &row) == 0;
                json_serial(json, "serial", has_row ? row.serial : 0);
                json_serial(json, "file_serial", has_row ? row.file_serial : 0);
                store_read_end(read);
        }
}

void serials_answer(
        void *context, const struct zone_entry *zone, const struct inquiry_answer *answers, size_t count)
{
        struct control_request *request = context;
        struct json json = {.out = &request->body};
        char name[NAME_TEXT_MAX];

        if (!request->is_answered && !zone)
                request_answer_error(request, MHD_HTTP_NOT_FOUND, "no zone %s here",
                        name_to_zone_text(request->route.zone, name));
        if (!request->is_answered) {
                struct control *control = request->control;
                const struct fleet_zone *targets = fleet_zone_get(control->options.fleet, zone->name, NULL);
                json_open(&json, NULL, '{');
                json_text(&json, "zone", zone->name_text);
                append_published(&json, control, zone);
                status_append_serial(&json, zone);
                json_open(&json, "secondaries", '[');
                for (size_t i = 0; i < count; i++)
                        append_server(&json, &answers[i], targets);
                json_close(&json, ']');
                json_close(&json, '}');
                buffer_append_u8(&request->body, '\n');
                request_answer(request, MHD_HTTP_OK);
        }
        request_wait_done(request);
}
