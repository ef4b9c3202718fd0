/* zonecrier show and dump: text as the daemon sends it; escaped where it goes to a terminal. */
#include "client/text.h"
#include "base/buffer.h"
#include "base/cleanup.h"
#include "client/client.h"
#include "client/print.h"
#include "client/request.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

bool text_is_serial(const char *text)
{
        size_t length = strlen(text);
        if (length > 0 && length <= 10 && strspn(text, "0123456789") == length &&
                strtoull(text, NULL, 10) > 0 && strtoull(text, NULL, 10) <= UINT32_MAX)
                return true;
        fputs("zonecrier: ", stderr);
        print_text(stderr, text);
        fputs(" is no serial; zonecrier log ZONE shows which there are\n", stderr);
        return false;
}

/* Empty lines of an answer only kept it going. */
static int copy_out(const struct client *client, FILE *body)
{
        CLEANUP_FREE char *line = NULL;
        size_t size = 0;
        ssize_t length;
        struct buffer escaped = {0};

        while ((length = getline(&line, &size, body)) > 0) {
                if (length == 1 && *line == '\n')
                        continue;
                if (client->width == 0) {
                        fwrite(line, 1, (size_t)length, stdout);
                        continue;
                }
                buffer_clear(&escaped);
                print_escape(&escaped, line, (size_t)length, true);
                fwrite(escaped.data, 1, escaped.length, stdout);
        }
        buffer_free(&escaped);
        return ferror(body) ? CLIENT_FAILED : CLIENT_OK;
}

int text_run(const struct client *client, const char *zone, const char *suffix)
{
        CLEANUP_FREE char *path = request_zone_path(zone, suffix);
        struct reply reply;

        if (!path)
                return CLIENT_FAILED;
        int exit_status = request_run(client, "GET", path, &reply);
        if (exit_status != CLIENT_OK)
                return exit_status;
        exit_status = reply.status >= 400 ? reply_tell_error(&reply) : copy_out(client, reply.body);
        reply_close(&reply);
        return exit_status;
}

int client_show(struct client *client, char **arguments, size_t count)
{
        char suffix[64];
        (void)count;
        if (!client->serial)
                return text_run(client, arguments[0], "/text");
        if (!text_is_serial(client->serial))
                return CLIENT_FAILED;
        snprintf(suffix, sizeof(suffix), "/text?serial=%s", client->serial);
        return text_run(client, arguments[0], suffix);
}

int client_dump(struct client *client, char **arguments, size_t count)
{
        (void)count;
        return text_run(client, arguments[0], "/dump");
}
