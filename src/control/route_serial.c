/* What serial-set takes. Pure; foreign bytes. */
#include "control/route.h"

#include <string.h>

static bool number_from(const char *value, size_t length, uint32_t *ret_number)
{
        uint64_t number = 0;

        if (length == 0 || length > 10)
                return false;
        for (size_t i = 0; i < length; i++) {
                if (value[i] < '0' || value[i] > '9')
                        return false;
                number = number * 10 + (uint64_t)(value[i] - '0');
        }
        *ret_number = (uint32_t)number;
        return number <= UINT32_MAX;
}

/* A name of a secondary block, or an address: printable, no blank. */
static bool add_assumed(const char *value, size_t length, struct route *route)
{
        char text[NAME_TEXT_MAX];
        size_t used = strlen(route->assumed), decoded;

        if (!route_decode(value, length, text, &decoded) || decoded == 0 ||
                used + decoded + 2 > sizeof(route->assumed))
                return false;
        for (size_t i = 0; i < decoded; i++)
                if ((unsigned char)text[i] <= ' ' || (unsigned char)text[i] >= 0x7f)
                        return false;
        memcpy(route->assumed + used, text, decoded);
        memcpy(route->assumed + used + decoded, "\n", 2);
        return true;
}

bool route_serial_query(const char *query, struct route *route, const char **ret_error)
{
        for (const char *field = query; field; field = strchr(field, '&')) {
                field += *field == '&';
                size_t length = strcspn(field, "&#");
                if (strncmp(field, "serial=", 7) == 0) {
                        if (!number_from(field + 7, length - 7, &route->serial) || route->serial == 0) {
                                *ret_error = "a serial is a number from 1 to 4294967295";
                                return false;
                        }
                } else if (strncmp(field, "step=", 5) == 0) {
                        if (length != 8 || strncmp(field + 5, "max", 3) != 0) {
                                *ret_error = "step= takes \"max\", for steps as long as can be";
                                return false;
                        }
                        route->longest = true;
                } else if (strncmp(field, "assume=", 7) == 0 && !add_assumed(field + 7, length - 7, route)) {
                        *ret_error = "assume= takes the name of a secondary, or its address";
                        return false;
                }
        }
        if (route->serial == 0 && !route->assumed[0]) {
                *ret_error = "serial-set takes ?serial= and the serial to go to";
                return false;
        }
        return true;
}
