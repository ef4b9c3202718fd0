/* Routing. Foreign bytes come in: nothing here trusts them, and an octet that is no part of a name is refused
 * before it could reach a log. */
#include "control/route.h"

#include "base/cleanup.h"
#include "base/encode.h"

#include <string.h>

#define CHANGES_DEFAULT 1000
#define CHANGES_MAX 1000000

struct endpoint {
        const char *last; /* the segment behind the zone's name; "" = none */
        enum route_kind kind;
        const char *method;
};

static const struct endpoint zone_endpoints[] = {
        {"", ROUTE_ZONE, "GET"},
        {"doctor", ROUTE_DOCTOR_ZONE, "GET"},
        {"text", ROUTE_TEXT, "GET"},
        {"log", ROUTE_LOG, "GET"},
        {"diff", ROUTE_DIFF, "GET"},
        {"dump", ROUTE_DUMP, "GET"},
        {"reload", ROUTE_RELOAD, "POST"},
        {"notify", ROUTE_NOTIFY, "POST"},
        {"freeze", ROUTE_FREEZE, "POST"},
        {"thaw", ROUTE_THAW, "POST"},
        {"approve", ROUTE_APPROVE, "POST"},
        {"rollback", ROUTE_ROLLBACK, "POST"},
        {"plan", ROUTE_PLAN, "POST"},
        {"settle", ROUTE_SETTLE, "POST"},
        {"serial", ROUTE_SERIAL, "POST"},
        {"serial-set", ROUTE_SERIAL_SET, "POST"},
        {"serial-abort", ROUTE_SERIAL_ABORT, "POST"},
        {"push", ROUTE_PUSH, "POST"},
        {"push-plan", ROUTE_PUSH_PLAN, "POST"},
        {"push-approve", ROUTE_PUSH_APPROVE, "POST"},
};

const char *route_verb(enum route_kind kind)
{
        switch (kind) {
        case ROUTE_STATUS:
        case ROUTE_ZONE:
                return "status";
        case ROUTE_TEXT:
                return "show";
        case ROUTE_LOG:
                return "log";
        case ROUTE_DIFF:
                return "diff";
        case ROUTE_DUMP:
                return "dump";
        case ROUTE_RELOAD_ALL:
        case ROUTE_RELOAD:
                return "reload";
        case ROUTE_NOTIFY:
                return "notify";
        case ROUTE_FREEZE:
                return "freeze";
        case ROUTE_THAW:
                return "thaw";
        case ROUTE_APPROVE:
                return "approve";
        case ROUTE_ROLLBACK:
                return "rollback";
        case ROUTE_PLAN:
                return "plan";
        case ROUTE_SETTLE:
                return "settle";
        case ROUTE_SERIAL:
                return "serial";
        case ROUTE_SERIAL_SET:
                return "serial-set";
        case ROUTE_SERIAL_ABORT:
                return "serial-set --abort";
        case ROUTE_PUSH:
                return "push";
        case ROUTE_PUSH_PLAN:
                return "plan of a push";
        case ROUTE_PUSH_APPROVE:
                return "approve a push";
        case ROUTE_DOCTOR:
        case ROUTE_DOCTOR_ZONE:
                return "doctor";
        }
        return "?";
}

static int hex_value(char digit)
{
        if (digit >= '0' && digit <= '9')
                return digit - '0';
        digit = (char)(digit | 0x20);
        return digit >= 'a' && digit <= 'f' ? digit - 'a' + 10 : -1;
}

bool route_decode(const char *segment, size_t length, char text[static NAME_TEXT_MAX], size_t *ret_length)
{
        size_t used = 0;
        for (size_t i = 0; i < length; i++) {
                int octet = (uint8_t)segment[i];
                if (segment[i] == '%') {
                        bool is_whole = length - i > 2;
                        int high = is_whole ? hex_value(segment[i + 1]) : -1;
                        int low = is_whole ? hex_value(segment[i + 2]) : -1;
                        if (high < 0 || low < 0)
                                return false;
                        octet = high << 4 | low;
                        i += 2;
                }
                if (used == NAME_TEXT_MAX - 1)
                        return false;
                text[used++] = (char)octet;
        }
        *ret_length = used;
        return true;
}

static bool zone_from_segment(const char *segment, size_t length, uint8_t *ret_zone)
{
        static const uint8_t root[] = {0};
        char text[NAME_TEXT_MAX];
        uint8_t name[NAME_MAX_LENGTH];
        size_t text_length, name_size;

        if (!route_decode(segment, length, text, &text_length) || text_length == 0)
                return false;
        if (name_from_text(text, text_length, root, name, &name_size, NULL) != NAME_OK)
                return false;
        name_fold(name, ret_zone);
        return true;
}

static bool segment_is(const char *segment, size_t length, const char *word)
{
        return strlen(word) == length && memcmp(segment, word, length) == 0;
}

static bool method_fits(const char *method, const char *wanted)
{
        return strcmp(method, wanted) == 0 || (strcmp(method, "HEAD") == 0 && strcmp(wanted, "GET") == 0);
}

/* The value of hash= in a query, as octets. */
static bool hash_from_query(const char *query, uint8_t ret_hash[static 32])
{
        uint8_t octets[64];
        for (const char *field = query; field; field = strchr(field, '&')) {
                field += *field == '&';
                if (strncmp(field, "hash=", 5) != 0)
                        continue;
                const char *value = field + 5;
                if (strcspn(value, "&") != 64 || hex_decode(value, 64, octets) != 32)
                        return false;
                memcpy(ret_hash, octets, 32);
                return true;
        }
        return false;
}

/* The value of changes= in a query; what is more than can be answered is cut. */
static bool changes_from_query(const char *query, uint32_t *ret_changes)
{
        *ret_changes = CHANGES_DEFAULT;
        for (const char *field = query; field; field = strchr(field, '&')) {
                field += *field == '&';
                if (strncmp(field, "changes=", 8) != 0)
                        continue;
                uint64_t number = 0;
                const char *at = field + 8;
                for (; *at >= '0' && *at <= '9' && number < CHANGES_MAX; at++)
                        number = number * 10 + (uint64_t)(*at - '0');
                while (*at >= '0' && *at <= '9')
                        at++;
                *ret_changes = number < CHANGES_MAX ? (uint32_t)number : CHANGES_MAX;
                return at > field + 8 && (*at == '\0' || *at == '&' || *at == '#');
        }
        return true;
}

/* The value of a word in a query, "secondary=": printable, percent-decoded; "" where there is none. */
static bool word_from_query(const char *query, const char *word, char *ret_text, size_t size)
{
        char text[NAME_TEXT_MAX];
        size_t length = 0, word_length = strlen(word);
        ret_text[0] = '\0';
        for (const char *field = query; field; field = strchr(field, '&')) {
                field += *field == '&';
                if (strncmp(field, word, word_length) != 0)
                        continue;
                const char *value = field + word_length;
                if (!route_decode(value, strcspn(value, "&#"), text, &length) || length == 0 ||
                        length >= size)
                        return false;
                for (size_t i = 0; i < length; i++)
                        if ((unsigned char)text[i] <= ' ' || (unsigned char)text[i] >= 0x7f)
                                return false;
                memcpy(ret_text, text, length);
                ret_text[length] = '\0';
        }
        return true;
}

/* A serial behind that word, "from="; false where there is none, or it is no number from 1 on. */
static bool serial_from_query(const char *query, const char *word, uint32_t *ret_serial)
{
        size_t length = strlen(word);
        for (const char *field = query; field; field = strchr(field, '&')) {
                field += *field == '&';
                if (strncmp(field, word, length) != 0)
                        continue;
                const char *at = field + length;
                uint64_t number = 0;
                for (; *at >= '0' && *at <= '9' && number <= UINT32_MAX; at++)
                        number = number * 10 + (uint64_t)(*at - '0');
                *ret_serial = (uint32_t)number;
                return number > 0 && number <= UINT32_MAX && (*at == '\0' || *at == '&' || *at == '#');
        }
        return false;
}

/* What is wrong with the serials that such a request takes; NULL = nothing. */
static const char *read_serials(const char *query, struct route *route)
{
        if (route->kind == ROUTE_TEXT && query && strstr(query, "serial=") &&
                !serial_from_query(query, "serial=", &route->serial))
                return "serial= takes a serial";
        if (route->kind == ROUTE_DIFF && (!serial_from_query(query, "from=", &route->from) ||
                                                 !serial_from_query(query, "to=", &route->to)))
                return "diff takes ?from= and &to=, each with a serial";
        if (route->kind == ROUTE_ROLLBACK && !serial_from_query(query, "to=", &route->to))
                return "rollback takes ?to= and a serial";
        return NULL;
}

static unsigned take_method(
        const char *method, const char *wanted, const char **ret_error, const char **ret_allow)
{
        if (method_fits(method, wanted))
                return 0;
        *ret_error = "this address takes another method";
        *ret_allow = wanted;
        return 405;
}

/* path: behind "/v1/zones/". */
static unsigned find_zone_endpoint(const char *method, const char *path, size_t length, const char *query,
        struct route *ret_route, const char **ret_error, const char **ret_allow)
{
        const char *slash = memchr(path, '/', length);
        size_t name_size = slash ? (size_t)(slash - path) : length;
        const char *last = slash ? slash + 1 : "";
        size_t last_size = slash ? length - name_size - 1 : 0;

        for (size_t i = 0; i < ARRAY_SIZE(zone_endpoints); i++) {
                const struct endpoint *endpoint = &zone_endpoints[i];
                if (!segment_is(last, last_size, endpoint->last))
                        continue;
                unsigned status = take_method(method, endpoint->method, ret_error, ret_allow);
                if (status)
                        return status;
                struct route route = {.kind = endpoint->kind};
                if (!zone_from_segment(path, name_size, route.zone)) {
                        *ret_error = "this is not a zone's name";
                        return 400;
                }
                if (!word_from_query(query, "secondary=", route.secondary, sizeof(route.secondary))) {
                        *ret_error = "this is not a secondary's name";
                        return 400;
                }
                if ((route.kind == ROUTE_PUSH_PLAN || route.kind == ROUTE_PUSH_APPROVE) &&
                        !route.secondary[0]) {
                        *ret_error = "this takes ?secondary= and its name";
                        return 400;
                }
                if (route.kind == ROUTE_APPROVE &&
                        !word_from_query(query, "commit=", route.commit, sizeof(route.commit))) {
                        *ret_error = "this is not a commit's name";
                        return 400;
                }
                if ((route.kind == ROUTE_APPROVE || route.kind == ROUTE_PUSH_APPROVE) && !route.commit[0] &&
                        !hash_from_query(query, route.hash)) {
                        *ret_error = "approve takes ?hash= and the 64 hexadecimal digits that status shows";
                        return 400;
                }
                if (route.kind == ROUTE_PLAN && !changes_from_query(query, &route.changes)) {
                        *ret_error = "changes= takes a number";
                        return 400;
                }
                const char *wrong = read_serials(query, &route);
                if (wrong)
                        *ret_error = wrong;
                if (wrong ||
                        (route.kind == ROUTE_SERIAL_SET && !route_serial_query(query, &route, ret_error)))
                        return 400;
                *ret_route = route;
                return 0;
        }
        *ret_error = "no such address";
        return 404;
}

unsigned route_find(const char *method, const char *target, struct route *ret_route, const char **ret_error,
        const char **ret_allow)
{
        static const char zones[] = "/v1/zones/";
        size_t length = strcspn(target, "?#");
        const char *query = target[length] == '?' ? target + length + 1 : NULL;

        if (segment_is(target, length, "/v1/status")) {
                *ret_route = (struct route){.kind = ROUTE_STATUS};
                return take_method(method, "GET", ret_error, ret_allow);
        }
        if (segment_is(target, length, "/v1/doctor")) {
                *ret_route = (struct route){.kind = ROUTE_DOCTOR};
                return take_method(method, "GET", ret_error, ret_allow);
        }
        if (segment_is(target, length, "/v1/reload")) {
                *ret_route = (struct route){.kind = ROUTE_RELOAD_ALL};
                return take_method(method, "POST", ret_error, ret_allow);
        }
        if (length > strlen(zones) && strncmp(target, zones, strlen(zones)) == 0)
                return find_zone_endpoint(method, target + strlen(zones), length - strlen(zones), query,
                        ret_route, ret_error, ret_allow);
        *ret_error = "no such address; all begin with /v1/";
        return 404;
}
