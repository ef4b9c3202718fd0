/* libcurl on a unix socket. An answer goes to a temporary file first: what is printed is whole, however
 * slowly the terminal or pager reads. */
#include "client/request.h"

#include "base/buffer.h"
#include "base/cleanup.h"
#include "client/client.h"
#include "client/print.h"

#include <curl/curl.h>
#include <errno.h>
#include <grp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#define STALLED_SEC 60 /* an answer that stops for so long is given up */

char *request_zone_path(const char *zone, const char *suffix)
{
        struct buffer path = {0};
        buffer_append_text(&path, "/v1/zones/");
        for (const char *at = zone; *at; at++) {
                bool is_plain = (*at >= 'a' && *at <= 'z') || (*at >= 'A' && *at <= 'Z') ||
                                (*at >= '0' && *at <= '9') || *at == '-' || *at == '_' ||
                                (*at == '.' && at != zone); /* "." alone would be a path's dot */
                if (is_plain)
                        buffer_append_u8(&path, (uint8_t)*at);
                else
                        buffer_printf(&path, "%%%02X", (unsigned char)*at);
        }
        buffer_append_text(&path, suffix);
        const char *text = buffer_text(&path);
        char *copy = text ? strdup(text) : NULL;
        buffer_free(&path);
        return copy;
}

/* errno of a connect to the socket; 0 where it works. */
static int try_socket(const char *path)
{
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        if (strlen(path) >= sizeof(address.sun_path))
                return ENAMETOOLONG;
        strcpy(address.sun_path, path);
        CLEANUP_CLOSE int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (fd < 0)
                return errno;
        return connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ? errno : 0;
}

static void explain_permission(const char *path, struct buffer *out)
{
        struct stat status;
        struct group *group = NULL;
        if (stat(path, &status) == 0)
                group = getgrgid(status.st_gid);
        else {
                CLEANUP_FREE char *folder = strdup(path);
                char *slash = folder ? strrchr(folder, '/') : NULL;
                if (slash && slash > folder) {
                        *slash = '\0';
                        if (stat(folder, &status) == 0)
                                group = getgrgid(status.st_gid);
                }
        }
        buffer_append_text(out, ": permission denied; it is open to root");
        if (group && strcmp(group->gr_name, "root") != 0)
                buffer_printf(out, " and the group %s: sudo adduser $USER %s, then log in again",
                        group->gr_name, group->gr_name);
        else
                buffer_append_text(
                        out, " alone: run this with sudo, or set a group in controls { unix ... }");
}

void request_explain(const char *socket_path, int error, struct buffer *out)
{
        struct stat status;

        buffer_printf(out, "no answer at %s", socket_path);
        switch (error) {
        case EACCES:
        case EPERM:
                explain_permission(socket_path, out);
                break;
        case ENOENT:
        case ENOTDIR:
                buffer_append_text(out, ": there is no such socket. Is zonecrierd running (systemctl status "
                                        "zonecrierd)? --socket names another one");
                break;
        case ECONNREFUSED:
                if (stat(socket_path, &status) == 0 && !S_ISSOCK(status.st_mode)) {
                        buffer_append_text(out, ": that is no socket; --socket names zonecrierd's");
                        break;
                }
                buffer_append_text(out, ": nobody listens there any more. zonecrierd has ended; start it "
                                        "(systemctl start zonecrierd)");
                break;
        case ENAMETOOLONG:
                buffer_append_text(out, ": the path of a unix socket has at most 107 octets");
                break;
        default:
                buffer_printf(out, ": %s", strerror(error));
        }
}

static size_t take_bytes(char *bytes, size_t size, size_t count, void *context)
{
        return fwrite(bytes, size, count, context);
}

static void set_options(
        CURL *curl, const struct client *client, const char *method, const char *url, FILE *body)
{
        curl_easy_setopt(curl, CURLOPT_URL, url);
        curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, client->socket_path);
        curl_easy_setopt(curl, CURLOPT_PROXY, ""); /* whatever http_proxy says */
        curl_easy_setopt(curl, CURLOPT_PATH_AS_IS, 1L);
        curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
        curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http");
        curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_bytes);
        curl_easy_setopt(curl, CURLOPT_WRITEDATA, body);
        if (strcmp(method, "POST") == 0) {
                /* A verdict takes as long as reading the zone takes: no time limit. */
                curl_easy_setopt(curl, CURLOPT_POST, 1L);
                curl_easy_setopt(curl, CURLOPT_POSTFIELDS, "");
        } else {
                curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
                curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, (long)STALLED_SEC);
        }
}

static void tell_failure(const struct client *client, CURLcode code, const char *details)
{
        struct buffer text = {0};
        int error = code == CURLE_COULDNT_CONNECT || code == CURLE_UNSUPPORTED_PROTOCOL
                            ? try_socket(client->socket_path)
                            : 0;

        if (error)
                request_explain(client->socket_path, error, &text);
        else if (code == CURLE_OPERATION_TIMEDOUT)
                buffer_printf(
                        &text, "zonecrierd at %s does not answer; its log may say why", client->socket_path);
        else if (code == CURLE_PARTIAL_FILE || code == CURLE_RECV_ERROR || code == CURLE_GOT_NOTHING)
                buffer_printf(&text, "zonecrierd at %s broke off its answer; its log may say why",
                        client->socket_path);
        else
                buffer_printf(
                        &text, "%s: %s", client->socket_path, *details ? details : curl_easy_strerror(code));
        fputs("zonecrier: ", stderr);
        print_text(stderr, buffer_text(&text));
        putc('\n', stderr);
        buffer_free(&text);
}

static size_t give_bytes(char *bytes, size_t size, size_t count, void *context)
{
        ssize_t n = read(*(int *)context, bytes, size * count);
        return n < 0 ? CURL_READFUNC_ABORT : (size_t)n;
}

static void set_body(CURL *curl, int *fd)
{
        off_t size = lseek(*fd, 0, SEEK_END);

        lseek(*fd, 0, SEEK_SET);
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, NULL);
        curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)size);
        curl_easy_setopt(curl, CURLOPT_READFUNCTION, give_bytes);
        curl_easy_setopt(curl, CURLOPT_READDATA, fd);
}

/* fd: the body; -1 = none. */
static int run(
        const struct client *client, const char *method, const char *path, int fd, struct reply *ret_reply)
{
        char details[CURL_ERROR_SIZE] = "";
        struct reply reply = {.body = tmpfile()};
        CLEANUP_FREE char *url = NULL;
        CURL *curl = curl_easy_init();

        if (!curl || !reply.body || asprintf(&url, "http://zonecrier%s", path) < 0) {
                fprintf(stderr, "zonecrier: %s\n",
                        !reply.body ? "no temporary file can be made (is $TMPDIR full?)" : "out of memory");
                curl_easy_cleanup(curl);
                reply_close(&reply);
                return CLIENT_FAILED;
        }
        set_options(curl, client, method, url, reply.body);
        if (fd >= 0)
                set_body(curl, &fd);
        curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, details);
        CURLcode code = curl_easy_perform(curl);
        curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &reply.status);
        curl_easy_cleanup(curl);
        if (code != CURLE_OK) {
                tell_failure(client, code, details);
                reply_close(&reply);
                return CLIENT_FAILED;
        }
        rewind(reply.body);
        *ret_reply = reply;
        return CLIENT_OK;
}

int request_run(const struct client *client, const char *method, const char *path, struct reply *ret_reply)
{
        return run(client, method, path, -1, ret_reply);
}

int request_post_file(const struct client *client, const char *path, int fd, struct reply *ret_reply)
{
        return run(client, "POST", path, fd, ret_reply);
}

void reply_close(struct reply *reply)
{
        if (reply->body)
                fclose(reply->body);
        reply->body = NULL;
}

json_t *reply_json(struct reply *reply)
{
        json_error_t error;
        rewind(reply->body);
        json_t *json = json_loadf(reply->body, 0, &error);
        if (!json_is_object(json)) {
                fputs("zonecrier: the answer is not what zonecrierd says; is it another version?\n", stderr);
                json_decref(json);
                return NULL;
        }
        return json;
}

int reply_tell_error(struct reply *reply)
{
        rewind(reply->body);
        json_t *json = json_loadf(reply->body, 0, NULL);
        const char *error = json_string_value(json_object_get(json, "error"));

        if (error) {
                fputs("zonecrier: ", stderr);
                print_text(stderr, error);
                if (reply->status == 404 && !strstr(error, "; zonecrier ") && !strstr(error, ": zonecrier "))
                        fputs("; zonecrier status lists the zones", stderr);
                putc('\n', stderr);
        } else
                fprintf(stderr, "zonecrier: zonecrierd answered with HTTP status %ld\n", reply->status);
        print_lines(stderr, json_string_value(json_object_get(json, "details")));
        int exit_status = reply->status == 503 ? CLIENT_FAILED : CLIENT_WRONG;
        json_decref(json);
        return exit_status;
}
