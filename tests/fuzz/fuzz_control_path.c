/* Any request target, by GET and by POST: routed or refused with a reason; a zone that was routed comes back
 * from its own name. Any octets as JSON text stay JSON. */
#include "base/buffer.h"
#include "base/json.h"
#include "control/route.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition)
{
        if (!condition)
                abort();
}

static bool has_zone(enum route_kind kind)
{
        return kind != ROUTE_STATUS && kind != ROUTE_RELOAD_ALL && kind != ROUTE_DOCTOR;
}

/* The zone's canonical address leads to the same zone. */
static void route_again(const struct route *route)
{
        char text[NAME_TEXT_MAX], target[4 * NAME_TEXT_MAX];
        struct route again;
        const char *error, *allow;

        require(name_check(route->zone, sizeof(route->zone)) > 0);
        name_to_zone_text(route->zone, text);
        int used = snprintf(target, sizeof(target), "/v1/zones/");
        for (const char *at = text; *at; at++)
                used += snprintf(target + used, sizeof(target) - (size_t)used, "%%%02x", (unsigned char)*at);
        require(route_find("GET", target, &again, &error, &allow) == 0);
        require(again.kind == ROUTE_ZONE && name_identical(again.zone, route->zone));
}

static void route(const char *method, const char *target)
{
        struct route route;
        const char *error = NULL, *allow = NULL;
        unsigned status = route_find(method, target, &route, &error, &allow);

        require(status == 0 || status == 400 || status == 404 || status == 405);
        require(status == 0 || error);
        require(status != 405 || allow);
        if (status == 0 && has_zone(route.kind))
                route_again(&route);
}

static void json_stays_json(const char *text, size_t size)
{
        struct buffer out = {0};
        struct json json = {.out = &out};

        json_open(&json, NULL, '{');
        json_text_sized(&json, "text", text, size);
        json_close(&json, '}');
        json_t *parsed = json_loadb((const char *)out.data, out.length, JSON_ALLOW_NUL, NULL);
        require(json_is_object(parsed));
        json_decref(parsed);
        buffer_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        char *text = malloc(size + 1);
        char *target = malloc(size + 11);

        require(text && target);
        memcpy(text, data, size);
        text[size] = '\0';
        strcpy(target, "/v1/zones/");
        strcat(target, text);
        route("GET", text);
        route("POST", text);
        route("GET", target);
        route("POST", target);
        json_stays_json(text, size);
        free(text);
        free(target);
        return 0;
}
