/* What a request asks for, and whether it came by a name of ours. Pure: foreign bytes. */
#include "control/overview.h"
#include "control/web.h"

#include "base/address.h"
#include "base/cleanup.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define ROWS_DEFAULT 200

static int hex_digit(char c)
{
        return c >= '0' && c <= '9'   ? c - '0'
               : c >= 'a' && c <= 'f' ? c - 'a' + 10
               : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                      : -1;
}

/* A form's encoding, up to the next &; cut where it does not fit; what cannot be in a name is left out. */
static void decode(const char *text, char *ret_text, size_t size)
{
        size_t length = 0;

        while (*text && *text != '&' && *text != '#' && length + 1 < size) {
                char c = *text++;
                if (c == '%' && hex_digit(text[0]) >= 0 && hex_digit(text[1]) >= 0) {
                        c = (char)(hex_digit(text[0]) * 16 + hex_digit(text[1]));
                        text += 2;
                } else if (c == '+')
                        c = ' ';
                if ((unsigned char)c > ' ' && (unsigned char)c < 0x7f)
                        ret_text[length++] = c;
        }
        ret_text[length] = '\0';
}

static void read_query(const char *query, struct web_route *route)
{
        char number[16];

        while (query && *query) {
                if (strncmp(query, "find=", 5) == 0)
                        decode(query + 5, route->find, sizeof route->find);
                else if (strncmp(query, "rows=", 5) == 0) {
                        decode(query + 5, number, sizeof number);
                        unsigned long rows = strtoul(number, NULL, 10);
                        route->rows = rows < 1 ? 1 : rows > OVERVIEW_ROWS_MAX ? OVERVIEW_ROWS_MAX : rows;
                }
                const char *next = strchr(query, '&');
                query = next ? next + 1 : NULL;
        }
}

void web_route_read(const char *target, struct web_route *ret_route)
{
        static const struct {
                const char *path;
                enum web_path kind;
        } paths[] = {
                {"/", WEB_PAGE},
                {"/metrics", WEB_METRICS},
                {"/healthz", WEB_HEALTH},
                {"/status.json", WEB_STATUS},
        };
        size_t length = strcspn(target, "?#");

        *ret_route = (struct web_route){.path = WEB_NOTHING, .rows = ROWS_DEFAULT};
        for (size_t i = 0; i < ARRAY_SIZE(paths); i++)
                if (strlen(paths[i].path) == length && memcmp(paths[i].path, target, length) == 0)
                        ret_route->path = paths[i].kind;
        if (target[length] == '?')
                read_query(target + length + 1, ret_route);
}

/* Without a port; brackets of an IPv6 address go. false: it is none. */
static bool host_alone(const char *host, char ret_host[static 256])
{
        bool has_brackets = *host == '[';
        size_t length = has_brackets ? strcspn(host, "]") : strcspn(host, ":");
        const char *rest = host + length + (has_brackets && host[length] == ']');

        if (has_brackets && host[length] != ']')
                return false;
        if (*rest && (*rest != ':' || strspn(rest + 1, "0123456789") != strlen(rest + 1)))
                return false;
        host += has_brackets;
        length -= has_brackets;
        if (length == 0 || length >= 256)
                return false;
        memcpy(ret_host, host, length);
        ret_host[length] = '\0';
        return true;
}

bool web_host_is_ours(const char *host, const char *const *names, size_t count)
{
        char alone[256];
        struct address address;

        if (!host_alone(host, alone))
                return false;
        if (address_parse(alone, &address) == 0 || strcasecmp(alone, "localhost") == 0)
                return true;
        for (size_t i = 0; i < count; i++)
                if (strcasecmp(alone, names[i]) == 0)
                        return true;
        return false;
}
