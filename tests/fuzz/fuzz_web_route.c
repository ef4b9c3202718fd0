/* Targets and Host headers of the web: the octets, ended by a NUL, as each of the two. */
#include "control/web.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        static const char *const names[] = {"a.example"};
        char *text = malloc(size + 1);
        struct web_route route;

        if (!text)
                return 0;
        memcpy(text, data, size);
        text[size] = '\0';
        web_route_read(text, &route);
        if (route.rows < 1 || route.rows > 1000 || strlen(route.find) >= sizeof route.find)
                abort();
        for (const char *at = route.find; *at; at++)
                if (*at <= ' ' || *at == 0x7f)
                        abort();
        web_host_is_ours(text, names, 1);
        free(text);
        return 0;
}
