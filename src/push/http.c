/* libcurl, with the answers bounded and the waits limited. A worker's thread. */
#include "push/http.h"

#include "base/address.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "push/trace.h"

#include <curl/curl.h>
#include <errno.h>
#include <openssl/crypto.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define BODY_MAX (32u << 20)
#define CONNECT_TIMEOUT_SEC 10L

struct http {
        CURL *curl;
        struct http_options options;
        char error[CURL_ERROR_SIZE];
        const char *const *headers; /* of the request under way */
};

static void init_once(void)
{
        curl_global_init(CURL_GLOBAL_DEFAULT);
}

static size_t on_body(char *bytes, size_t size, size_t count, void *context)
{
        struct http_answer *answer = context;
        if (answer->body.length + size * count > BODY_MAX)
                return 0; /* curl gives up */
        buffer_append(&answer->body, bytes, size * count);
        return answer->body.failed ? 0 : size * count;
}

static int on_progress(void *context, curl_off_t down_all, curl_off_t down, curl_off_t up_all, curl_off_t up)
{
        const struct http *http = context;
        (void)down_all, (void)down, (void)up_all, (void)up;
        return http->options.is_stopping && atomic_load(http->options.is_stopping);
}

/* Several lines may come in one call. */
static int on_verbose(CURL *curl, curl_infotype type, char *data, size_t size, void *context)
{
        const struct http *http = context;
        const char *kind = type == CURLINFO_TEXT         ? "* "
                           : type == CURLINFO_HEADER_IN  ? "< "
                           : type == CURLINFO_HEADER_OUT ? "> "
                                                         : NULL;
        (void)curl;
        while (kind && size > 0) {
                CLEANUP(buffer_free) struct buffer line = {0};
                const char *newline = memchr(data, '\n', size);
                size_t length = newline ? (size_t)(newline - data) + 1 : size;
                trace_append_line(&line, data, length, http->headers);
                const char *text = buffer_text(&line);
                if (text && *text)
                        log_write(LOG_DEBUG, NULL, "%s%s", kind, text);
                data += length;
                size -= length;
        }
        return 0;
}

static void set_fixed_options(struct http *http)
{
        CURL *curl = http->curl;
        curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, http->error);
        curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
        curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
        curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, http->options.may_be_plain ? "https,http" : "https");
        curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 1L);
        curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 2L);
        curl_easy_setopt(curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
        if (http->options.ca_file)
                curl_easy_setopt(curl, CURLOPT_CAINFO, http->options.ca_file);
        curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, CONNECT_TIMEOUT_SEC);
        curl_easy_setopt(curl, CURLOPT_TIMEOUT, (long)http->options.timeout_sec);
        curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
        curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, (long)(http->options.timeout_sec + 1) / 2);
        curl_easy_setopt(curl, CURLOPT_USERAGENT, "zonecrier/" ZONECRIER_VERSION);
        curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
        curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
        curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, on_progress);
        curl_easy_setopt(curl, CURLOPT_XFERINFODATA, http);
        curl_easy_setopt(curl, CURLOPT_ACCEPT_ENCODING, "");
        curl_easy_setopt(curl, CURLOPT_DEBUGFUNCTION, on_verbose);
        curl_easy_setopt(curl, CURLOPT_DEBUGDATA, http);
        curl_easy_setopt(curl, CURLOPT_VERBOSE, (long)log_is_on(LOG_DEBUG));
}

int http_new(const struct http_options *options, struct http **ret_http)
{
        static pthread_once_t once = PTHREAD_ONCE_INIT;
        pthread_once(&once, init_once);
        struct http *http = calloc(1, sizeof(*http));
        if (!http)
                return -ENOMEM;
        http->options = *options;
        http->curl = curl_easy_init();
        if (!http->curl)
                return http_free(http), -ENOMEM;
        set_fixed_options(http);
        *ret_http = http;
        return 0;
}

static int add_headers(const char *const *headers, struct curl_slist **list)
{
        for (; *headers; headers++) {
                struct curl_slist *longer = curl_slist_append(*list, *headers);
                if (!longer)
                        return -ENOMEM;
                *list = longer;
        }
        return 0;
}

/* A header may hold a token. */
static void forget_headers(struct curl_slist *list)
{
        for (struct curl_slist *at = list; at; at = at->next)
                OPENSSL_cleanse(at->data, strlen(at->data));
        curl_slist_free_all(list);
}

static int perform(struct http *http, struct http_answer *answer)
{
        http->error[0] = '\0';
        CURLcode code = curl_easy_perform(http->curl);
        curl_off_t retry_after = 0;
        if (code == CURLE_ABORTED_BY_CALLBACK)
                return -ECANCELED;
        if (code != CURLE_OK) {
                snprintf(answer->why, sizeof(answer->why), "%s",
                        http->error[0] ? http->error : curl_easy_strerror(code));
                return answer->body.failed ? -ENOMEM : -EIO;
        }
        curl_easy_getinfo(http->curl, CURLINFO_RESPONSE_CODE, &answer->status);
        curl_easy_getinfo(http->curl, CURLINFO_RETRY_AFTER, &retry_after);
        if (retry_after > 0)
                answer->retry_after_sec = retry_after > 3600 ? 3600 : (unsigned)retry_after;
        return 0;
}

int http_request(struct http *http, const char *method, const char *url, const char *const *headers,
        const void *body, size_t body_length, struct http_answer *answer)
{
        struct curl_slist *list = NULL;
        CURL *curl = http->curl;

        buffer_clear(&answer->body);
        answer->status = 0;
        answer->retry_after_sec = 0;
        answer->why[0] = '\0';
        http->headers = headers;
        int r = add_headers(headers, &list);
        if (r == 0) {
                curl_easy_setopt(curl, CURLOPT_URL, url);
                curl_easy_setopt(curl, CURLOPT_HTTPHEADER, list);
                curl_easy_setopt(curl, CURLOPT_WRITEDATA, answer);
                curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, NULL);
                if (body) {
                        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body);
                        curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body_length);
                        curl_easy_setopt(curl, CURLOPT_POST, 1L);
                } else {
                        curl_easy_setopt(curl, CURLOPT_HTTPGET, 1L);
                }
                if (strcmp(method, body ? "POST" : "GET") != 0)
                        curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, method);
                r = perform(http, answer);
        }
        curl_easy_setopt(curl, CURLOPT_HTTPHEADER, NULL);
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, NULL);
        forget_headers(list);
        http->headers = NULL;
        return r;
}

struct http *http_free(struct http *http)
{
        if (!http)
                return NULL;
        curl_easy_cleanup(http->curl);
        free(http);
        return NULL;
}

void http_append_encoded(struct buffer *out, const char *text)
{
        for (; *text; text++) {
                uint8_t octet = (uint8_t)*text;
                bool is_plain = (octet >= 'a' && octet <= 'z') || (octet >= 'A' && octet <= 'Z') ||
                                (octet >= '0' && octet <= '9') || strchr("-._~", octet);
                if (is_plain)
                        buffer_append_u8(out, octet);
                else
                        buffer_printf(out, "%%%02X", octet);
        }
}

static bool host_is_loopback(const char *host, size_t length)
{
        char text[64];
        struct address address;
        if (length > 0 && host[0] == '[') {
                const char *end = memchr(host, ']', length);
                if (!end)
                        return false;
                host++;
                length = (size_t)(end - host);
        } else {
                const char *colon = memchr(host, ':', length);
                length = colon ? (size_t)(colon - host) : length;
        }
        if (length >= sizeof(text))
                return false;
        memcpy(text, host, length);
        text[length] = '\0';
        if (strcasecmp(text, "localhost") == 0)
                return true;
        return address_parse(text, &address) == 0 && address_is_loopback(&address);
}

bool http_endpoint_parse(const char *url, struct http_endpoint *ret_endpoint)
{
        struct http_endpoint endpoint = {0};
        if (strncasecmp(url, "https://", 8) == 0) {
                endpoint.host = url + 8;
        } else if (strncasecmp(url, "http://", 7) == 0) {
                endpoint.host = url + 7;
                endpoint.is_plain = true;
        } else {
                return false;
        }
        endpoint.host_length = strcspn(endpoint.host, "/?#");
        endpoint.path = endpoint.host + endpoint.host_length;
        endpoint.path_length = strlen(endpoint.path);
        if (endpoint.host_length == 0 || strcspn(endpoint.path, "?#") != endpoint.path_length ||
                memchr(endpoint.host, '@', endpoint.host_length))
                return false;
        while (endpoint.path_length > 0 && endpoint.path[endpoint.path_length - 1] == '/')
                endpoint.path_length--;
        endpoint.is_loopback = host_is_loopback(endpoint.host, endpoint.host_length);
        *ret_endpoint = endpoint;
        return true;
}
